/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "speed/pagemark.h"

#define MARK "-sp012abc"

static void a_mark_is_put_into_whatever_is_an_etag(void **state)
{
    static const struct {
        const char *etag, *marked;
    } cases[] = {{"\"abc\"", "W/\"abc" MARK "\""},
                 {"W/\"abc\"", "W/\"abc" MARK "\""},
                 {"W/\"abc" MARK "\"", "W/\"abc" MARK "\""},
                 {"\"abc" MARK "\"", "W/\"abc" MARK "\""},
                 {"\"abc-sp999999\"", "W/\"abc-sp999999" MARK "\""},
                 {"\"\"", "W/\"" MARK "\""},
                 {"\"", "\""},
                 {"", ""},
                 {"abc", "abc"},
                 {"W/", "W/"},
                 {"w/\"abc\"", "w/\"abc\""}};
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_string_equal(sp_pagemark_put(cases[i].etag, MARK, *state),
                            cases[i].marked);
    }
}

static void it_is_taken_from_each_etag_of_a_list_and_no_other_is(void **state)
{
    static const struct {
        const char *asked, *own;
    } cases[] = {
        {"*", "*"},
        {"", ""},
        {"\"abc\"", "\"abc\""},
        {"W/\"abc" MARK "\"", "W/\"abc\""},
        {"W/\"a" MARK "\", \"b\", W/\"c" MARK "\"", "W/\"a\", \"b\", W/\"c\""},
        {"W/\"a" MARK MARK "\"", "W/\"a" MARK "\""},
        {"W/\"a-sp999999\", W/\"b" MARK "\"", "W/\"a-sp999999\", W/\"b\""},
        {MARK, MARK},
        {MARK "\"", "\""}};
    char *big = apr_pcalloc(*state, 1040);
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *own = sp_pagemark_take(cases[i].asked, MARK, *state);

        assert_string_equal(own, cases[i].own);
        assert_int_equal(own == cases[i].asked,
                         !strcmp(cases[i].asked, cases[i].own));
    }
    memset(big, 'a', 1025);
    memcpy(big, MARK "\"", strlen(MARK) + 1);
    assert_ptr_equal(sp_pagemark_take(big, MARK, *state), big);
}

static void another_way_has_another_mark(void **state)
{
    char a[SP_PAGEMARK_ROOM], b[SP_PAGEMARK_ROOM], again[SP_PAGEMARK_ROOM];

    sp_pagemark_make(a, "1 0 0 1000");
    sp_pagemark_make(b, "2 0 0 1000");
    sp_pagemark_make(again, "1 0 0 1000");
    assert_string_equal(a, again);
    assert_string_not_equal(a, b);
    assert_int_equal(strlen(a), SP_PAGEMARK_ROOM - 1);
    assert_memory_equal(a, "-sp", 3);
    assert_int_equal(strspn(a + 3, "0123456789abcdef"), 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_mark_is_put_into_whatever_is_an_etag),
        UNIT(it_is_taken_from_each_etag_of_a_list_and_no_other_is),
        UNIT(another_way_has_another_mark)};

    return UNIT_RUN(tests);
}
