/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/json.h"

static void
an_object_is_written_in_the_order_in_which_it_was_filled(void **state)
{
    ds_json_t *root = ds_json_object(*state), *list, *one;

    ds_json_text(root, "z", "a \"b\" \\ \n/");
    ds_json_number(root, "n", INT64_MIN);
    ds_json_number(root, "m", INT64_MAX);
    list = ds_json_array_in(root, "list");
    one = ds_json_object_in(list, NULL);
    ds_json_flag(one, "yes", 1);
    ds_json_flag(one, "no", 0);
    ds_json_text(list, NULL, NULL);
    ds_json_number(list, NULL, 7);
    (void)ds_json_array_in(root, "empty");
    assert_string_equal(ds_json_write(root, *state),
                        "{\"z\": \"a \\\"b\\\" \\\\ \\n/\", "
                        "\"n\": -9223372036854775808, "
                        "\"m\": 9223372036854775807, "
                        "\"list\": [{\"yes\": true, \"no\": false}, null, 7], "
                        "\"empty\": []}");
}

static void
bytes_that_are_no_text_become_the_replacement_character(void **state)
{
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"\xc3\xa9", "{\"t\": \"\xc3\xa9\"}"},
        {"a\xff/\xc3", "{\"t\": \"a\xef\xbf\xbd/\xef\xbf\xbd\"}"},
        {"\xf0\x9f\x98\x80\x80", "{\"t\": \"\xf0\x9f\x98\x80\xef\xbf\xbd\"}"},
        {"\xe2\x82", "{\"t\": \"\xef\xbf\xbd\xef\xbf\xbd\"}"},
        {"\x01\xfe", "{\"t\": \"\\u0001\xef\xbf\xbd\"}"},
        {"", "{\"t\": \"\"}"},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        ds_json_t *root = ds_json_object(*state);

        ds_json_text(root, "t", cases[i].text);
        assert_string_equal(ds_json_write(root, *state), cases[i].json);
    }
}

static void what_has_no_parent_is_borne(void **state)
{
    ds_json_t *none = ds_json_object_in(NULL, "a");

    assert_null(none);
    assert_null(ds_json_array_in(none, NULL));
    ds_json_number(none, "n", 1);
    ds_json_flag(none, "f", 1);
    ds_json_text(none, "t", "x");
    assert_null(ds_json_write(none, *state));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(an_object_is_written_in_the_order_in_which_it_was_filled),
        UNIT(bytes_that_are_no_text_become_the_replacement_character),
        UNIT(what_has_no_parent_is_borne),
    };

    return UNIT_RUN(tests);
}
