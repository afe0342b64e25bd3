/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/arg.h"

typedef struct {
    ds_arg_kind_e kind;
    const char *text;
    apr_int64_t value; /* -1: refused */
} arg_case_t;

static const arg_case_t cases[] = {
    {DS_ARG_COUNT, "0", 0},
    {DS_ARG_COUNT, "12", 12},
    {DS_ARG_COUNT, "-1", -1},
    {DS_ARG_COUNT, "+1", -1},
    {DS_ARG_COUNT, " 1", -1},
    {DS_ARG_COUNT, "1e3", -1},
    {DS_ARG_COUNT, "0x10", -1},
    {DS_ARG_COUNT, "", -1},
    {DS_ARG_COUNT, NULL, -1},
    {DS_ARG_COUNT, "9999999999999999999", -1},
    {DS_ARG_SIZE, "20M", 20 * 1048576},
    {DS_ARG_SIZE, "64k", 65536},
    {DS_ARG_SIZE, "1KB", -1},
    {DS_ARG_SIZE, "M", -1},
    {DS_ARG_SIZE, "999999999999999999G", -1},
    {DS_ARG_RATE, "192", 192},
    {DS_ARG_RATE, "192k", 192},
    {DS_ARG_RATE, "2M", 2000},
    {DS_ARG_TIME, "10", 10000},
    {DS_ARG_TIME, "10s", 10000},
    {DS_ARG_TIME, "250ms", 250},
    {DS_ARG_TIME, "5min", 300000},
    {DS_ARG_TIME, "7d", 604800000},
    {DS_ARG_TIME, "7 d", -1},
    {DS_ARG_PERCENT, "85%", 85},
    {DS_ARG_PERCENT, "85", 85},
};

static void numbers_are_read_with_their_unit_or_refused(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        apr_int64_t value = -1;
        const char *error = ds_arg_parse(&value, cases[i].kind, cases[i].text,
                                         0, APR_INT64_MAX, *state);
        if (cases[i].value != value || (value == -1) != (error != NULL)) {
            fail_msg("case %zu \"%s\"", i, cases[i].text);
        }
    }
}

static void written_numbers_read_back_the_same(void **state)
{
    static const apr_int64_t values[] = {0,    1,     999,     1000,
                                         1024, 60000, 86400000};
    size_t i;
    int kind;

    for (i = 0; i < sizeof(values) / sizeof(*values); i++) {
        for (kind = DS_ARG_COUNT; kind <= DS_ARG_PERCENT; kind++) {
            apr_int64_t back = -1;
            const char *text = ds_arg_format(kind, values[i], *state);
            assert_null(
                ds_arg_parse(&back, kind, text, 0, APR_INT64_MAX, *state));
            assert_int_equal(back, values[i]);
        }
    }
}

static void refusals_name_the_legal_range(void **state)
{
    apr_int64_t value = 7;
    const char *error =
        ds_arg_parse(&value, DS_ARG_TIME, "2h", 100, 60000, *state);

    assert_string_equal(
        error, "\"2h\" is not a time in s, or with ms, min, h or d from "
               "100ms to 1min");
    assert_int_equal(value, 7);
}

static void names_are_short_lower_case_words(void **state)
{
    assert_true(ds_arg_is_name("low"));
    assert_true(ds_arg_is_name("a-b_9"));
    assert_false(ds_arg_is_name("Low"));
    assert_false(ds_arg_is_name("9low"));
    assert_false(ds_arg_is_name(""));
    assert_false(ds_arg_is_name(NULL));
    assert_false(ds_arg_is_name("a,b"));
    assert_false(ds_arg_is_name("abcdefghijklmnopqrstuvwxyzabcdefg"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(numbers_are_read_with_their_unit_or_refused),
        UNIT(written_numbers_read_back_the_same),
        UNIT(refusals_name_the_legal_range),
        UNIT(names_are_short_lower_case_words),
    };

    return UNIT_RUN(tests);
}
