/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "speed/gaps.h"

#define PARTS_MAX 64

typedef struct {
    const char *what;
    int parts;
    int came_ms, went_ms; /* of the first part */
    int gap_ms, takes_ms; /* before and of every further one */
    int paused;
} gaps_case_t;

static const gaps_case_t cases[] = {
    {"one part", 1, 5000, 5001, 0, 0, 0},
    {"P3: one second in the middle", 2, 0, 1, 1000, 1, 1},
    {"P3: ten times 100 ms", 11, 0, 1, 100, 1, 1},
    {"P3: a slow start does not matter", 3, 9000, 9001, 1, 1, 0},
    {"P3: a slow line does not matter", 20, 0, 500, 5, 500, 0},
    {"parts close together", 60, 0, 1, 20, 0, 0},
    {"gaps under a tenth", 10, 0, 100, 25, 300, 0},
    {"gaps over a tenth", 10, 0, 100, 40, 300, 1},
};

static void p3_a_page_paused_when_gaps_are_a_tenth_of_its_time(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const gaps_case_t *c = &cases[i];
        sp_gaps_t gaps = {0};
        apr_time_t base = apr_time_from_sec(1000000000), now;
        int part;

        sp_gaps_came(&gaps, base + apr_time_from_msec(c->came_ms));
        now = base + apr_time_from_msec(c->went_ms);
        sp_gaps_went(&gaps, now);
        for (part = 1; part < c->parts; part++) {
            now += apr_time_from_msec(c->gap_ms);
            sp_gaps_came(&gaps, now);
            now += apr_time_from_msec(c->takes_ms);
            sp_gaps_went(&gaps, now);
        }
        if (sp_gaps_paused(&gaps) != c->paused) {
            fail_msg("%s: paused %d", c->what, sp_gaps_paused(&gaps));
        }
    }
}

static void before_the_first_part_nothing_paused(void **state)
{
    sp_gaps_t gaps = {0};

    assert_false(sp_gaps_paused(&gaps));
    sp_gaps_came(&gaps, 1000000);
    assert_false(sp_gaps_paused(&gaps));
}

static void a_clock_that_jumps_back_is_no_gap(void **state)
{
    sp_gaps_t gaps = {0};

    sp_gaps_went(&gaps, apr_time_from_sec(100));
    sp_gaps_came(&gaps, apr_time_from_sec(50));
    sp_gaps_went(&gaps, apr_time_from_sec(50));
    assert_false(sp_gaps_paused(&gaps));
    assert_int_equal(gaps.went_at, apr_time_from_sec(100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(p3_a_page_paused_when_gaps_are_a_tenth_of_its_time),
        UNIT(before_the_first_part_nothing_paused),
        UNIT(a_clock_that_jumps_back_is_no_gap),
    };

    return UNIT_RUN(tests);
}
