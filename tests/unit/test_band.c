/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <apr_strings.h>

#include "base/band.h"
#include "base/units.h"

typedef struct {
    const char *name, *from;
    const char *error; /* a part of the sentence; NULL: accepted */
} add_case_t;

static const add_case_t additions[] = {
    {"crawl", "1", "must begin at 0"},
    {"crawl", "0", NULL},
    {"fast", "2M", NULL},
    {"middle", "192", NULL},
    {"middle", "300", "there already"},
    {"other", "2000", "same rate"},
    {"Other", "100", "not a band name"},
    {"other", "-1", "from 0 to 100G"},
    {"other", "100KB", "a rate in kbit/s"},
    {"other", "101G", "from 0 to 100G"},
};

static void a_list_is_sorted_and_gap_free_or_refused(void **state)
{
    ds_bands_t bands = {0};
    size_t i;

    for (i = 0; i < sizeof(additions) / sizeof(*additions); i++) {
        const add_case_t *c = &additions[i];
        const char *error = ds_bands_add(&bands, c->name, c->from, *state);
        if ((error != NULL) != (c->error != NULL) ||
            (error && !strstr(error, c->error))) {
            fail_msg("case %zu: %s", i, error ? error : "accepted");
        }
    }
    assert_int_equal(bands.count, 3);
    assert_string_equal(bands.band[0].name, "crawl");
    assert_string_equal(bands.band[1].name, "middle");
    assert_string_equal(bands.band[2].name, "fast");
}

static void a_list_has_a_bound(void **state)
{
    ds_bands_t bands = {0};
    int i;

    for (i = 0; i < DS_BANDS_MAX; i++) {
        assert_null(ds_bands_add(&bands, apr_psprintf(*state, "band%d", i),
                                 apr_itoa(*state, i), *state));
    }
    assert_non_null(
        strstr(ds_bands_add(&bands, "zz", "99", *state), "more than 16"));
}

static void every_rate_has_its_band(void **state)
{
    static const struct {
        apr_int64_t rate_kbps;
        const char *name;
    } cases[] = {
        {-1, "low"},
        {0, "low"},
        {191, "low"},
        {192, "medium"},
        {1999, "medium"},
        {2000, "broad"},
        {DS_RATE_MAX_KBPS, "broad"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int at = ds_bands_pick(&ds_bands_default, cases[i].rate_kbps);
        assert_string_equal(ds_bands_default.band[at].name, cases[i].name);
    }
}

static void a_scope_that_names_a_band_replaces_the_list(void **state)
{
    ds_bands_t base = {0}, add = {0}, out;

    assert_ptr_equal(ds_bands_or_default(&base), &ds_bands_default);
    assert_null(ds_bands_add(&base, "a", "0", *state));
    assert_null(ds_bands_add(&base, "b", "9", *state));
    ds_bands_merge(&out, &base, &add);
    assert_int_equal(out.count, 2);
    assert_null(ds_bands_add(&add, "c", "0", *state));
    ds_bands_merge(&out, &base, &add);
    assert_int_equal(out.count, 1);
    assert_string_equal(ds_bands_or_default(&out)->band[0].name, "c");
}

static void unknown_clients_fall_into_a_band_that_exists(void **state)
{
    ds_bands_t own = {0};

    assert_int_equal(ds_bands_unknown(&ds_bands_default, NULL), 1);
    assert_int_equal(ds_bands_unknown(&ds_bands_default, "broad"), 2);
    assert_int_equal(ds_bands_unknown(&ds_bands_default, "nosuch"), 1);
    assert_null(ds_bands_add(&own, "a", "0", *state));
    assert_null(ds_bands_add(&own, "b", "600", *state));
    assert_null(ds_bands_add(&own, "c", "700", *state));
    assert_int_equal(ds_bands_unknown(&own, NULL), 1);
    assert_int_equal(ds_bands_unknown(&own, "c"), 2);
}

static void a_lower_bound_never_puts_a_client_below_an_unknown_one(void **state)
{
    const ds_bands_t *bands = &ds_bands_default;

    assert_int_equal(ds_bands_of(bands, NULL, 0, 0), 1);
    assert_int_equal(ds_bands_of(bands, "low", 0, 0), 0);
    assert_int_equal(ds_bands_of(bands, NULL, 100, 0), 0);
    assert_int_equal(ds_bands_of(bands, NULL, 100, 1), 1);
    assert_int_equal(ds_bands_of(bands, "low", 100, 1), 0);
    assert_int_equal(ds_bands_of(bands, NULL, 5000, 1), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_list_is_sorted_and_gap_free_or_refused),
        UNIT(a_list_has_a_bound),
        UNIT(every_rate_has_its_band),
        UNIT(a_scope_that_names_a_band_replaces_the_list),
        UNIT(unknown_clients_fall_into_a_band_that_exists),
        UNIT(a_lower_bound_never_puts_a_client_below_an_unknown_one),
    };

    return UNIT_RUN(tests);
}
