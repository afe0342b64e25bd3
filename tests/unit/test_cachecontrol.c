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

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(shared_caches_are_always_kept_out),
        UNIT(no_transform_is_found_as_a_directive_only),
    };

    return UNIT_RUN(tests);
}
