/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "image/cachecontrol.h"

typedef struct {
    const char *site;
    int passing;
    const char *sent;
} cachecontrol_case_t;

static const cachecontrol_case_t cases[] = {
    {NULL, 0, "private, max-age=600"},
    {"", 0, "private, max-age=600"},
    {"public", 0, "private, max-age=600"},
    {"public, max-age=31536000", 0, "private, max-age=31536000"},
    {"PUBLIC,max-age=5,s-maxage=9", 0, "private, max-age=5"},
    {"s-maxage=9", 0, "private, max-age=600"},
    {"private, max-age=1", 0, "private, max-age=1"},
    {"private=\"a, public\", max-age=1", 0, "private, max-age=1"},
    {"no-store", 0, "private, no-store"},
    {"no-cache", 0, "private, no-cache"},
    {"immutable", 0, "private, immutable"},
    {"x=\"public, y\"", 0, "private, x=\"public, y\", max-age=600"},
    {"publicity", 0, "private, publicity, max-age=600"},
    {" , ,, ", 0, "private, max-age=600"},
    {"max-age=99, public", 1, "private, max-age=0, must-revalidate"},
    {"no-store", 1, "private, no-store, max-age=0, must-revalidate"},
    {"a=\"open", 0, "private, a=\"open, max-age=600"},
};

static void shared_caches_are_always_kept_out(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_string_equal(di_cachecontrol_private(cases[i].site, 600,
                                                    cases[i].passing, *state),
                            cases[i].sent);
    }
}

static void no_transform_is_found_as_a_directive_only(void **state)
{
    assert_true(di_cachecontrol_forbids_transform("no-transform"));
    assert_true(di_cachecontrol_forbids_transform("a, No-Transform ,b"));
    assert_false(di_cachecontrol_forbids_transform("a=\"no-transform\""));
    assert_false(di_cachecontrol_forbids_transform("a=\"x, no-transform\""));
    assert_false(di_cachecontrol_forbids_transform("no-transforms"));
    assert_false(di_cachecontrol_forbids_transform(""));
    assert_false(di_cachecontrol_forbids_transform(NULL));
}

static const struct {
    const char *asked;
    const char *limited; /* NULL: left alone */
} limits[] = {{NULL, "max-age=60"},
              {"", "max-age=60"},
              {"no-transform", "no-transform, max-age=60"},
              {"max-age=59", NULL},
              {"max-age=60", NULL},
              {"Max-Age=0", NULL},
              {"max-age=61", "max-age=60"},
              {"max-age=\"61\"", "max-age=60"},
              {"max-age=\"59\"", NULL},
              {"max-age", "max-age=60"},
              {"max-age=", "max-age=60"},
              {"max-age=x", "max-age=60"},
              {"max-age=99999999999999999999", "max-age=60"},
              {"max-age=5, max-age=100", "max-age=5"},
              {"max-stale", "max-age=60"},
              {"max-age=10, max-stale=1000", "max-age=10"},
              {"min-fresh=5, max-age=70", "min-fresh=5, max-age=60"},
              {"no-cache", NULL},
              {"max-age=70, no-store", NULL},
              {"only-if-cached", "only-if-cached, max-age=60"}};

static void a_purge_limits_the_age_and_weakens_nothing(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
        const char *got =
            di_cachecontrol_limit_age(limits[i].asked, 60, *state);
        if (!limits[i].limited) {
            assert_null(got);
            continue;
        }
        assert_non_null(got);
        assert_string_equal(got, limits[i].limited);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(shared_caches_are_always_kept_out),
        UNIT(no_transform_is_found_as_a_directive_only),
        UNIT(a_purge_limits_the_age_and_weakens_nothing),
    };

    return UNIT_RUN(tests);
}
