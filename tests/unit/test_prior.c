/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <math.h>

#include "speed/prior.h"

#define T0 apr_time_from_sec(1700000000)

typedef struct {
    sp_hints_t hints;
    int kbps; /* 0: nothing said */
    int lower_bound;
    apr_uint32_t rtt_ms;
} prior_case_t;

static const prior_case_t cases[] = {
    {{NULL, NULL, NULL, 0}, 0, 0, 0},
    {{"1.35", "150", "3g", 0}, 1350, 0, 150},
    {{"0.4", NULL, NULL, 0}, 400, 0, 0},
    {{"0.025", NULL, NULL, 0}, 25, 0, 0},
    {{"9.45", "50", "4g", 0}, 9450, 0, 50},
    {{"9.5", "50", "4g", 0}, 2000, 1, 50},
    {{"10", "0", "4g", 0}, 2000, 1, 0},
    {{"99999", NULL, NULL, 0}, 2000, 1, 0},
    /* the same values mean something else at home */
    {{"1.35", "100", "3g", 1}, 2000, 1, 0},
    {{"1.3", "100", "3g", 1}, 2000, 1, 0},
    {{"1.55", "100", "3g", 1}, 2000, 1, 0},
    {{"1.6", "150", "3g", 1}, 1600, 0, 150},
    {{"1.25", "150", "3g", 1}, 1250, 0, 150},
    {{"10", "50", "4g", 1}, 2000, 1, 50},
    /* 2g caps, whatever else is said */
    {{NULL, NULL, "2g", 0}, 150, 0, 0},
    {{NULL, "1500", "slow-2g", 0}, 150, 0, 1500},
    {{"10", "2000", "slow-2g", 0}, 150, 0, 2000},
    {{"1.35", "100", "2g", 1}, 150, 0, 0},
    {{"0.05", "3000", "slow-2g", 0}, 50, 0, 3000},
    {{"1.7", "150", "3g", 0}, 1700, 0, 150},
    /* one alone */
    {{NULL, "150", NULL, 0}, 0, 0, 0},
    {{NULL, NULL, "4g", 0}, 0, 0, 0},
    {{NULL, NULL, "3g", 0}, 0, 0, 0},
    {{NULL, NULL, "5g", 0}, 0, 0, 0},
    {{NULL, NULL, "2G", 0}, 0, 0, 0},
    /* what is no number says nothing */
    {{"", "", "", 0}, 0, 0, 0},
    {{"0", NULL, NULL, 0}, 0, 0, 0},
    {{"0.000", NULL, NULL, 0}, 0, 0, 0},
    {{"1.", NULL, NULL, 0}, 0, 0, 0},
    {{".5", NULL, NULL, 0}, 0, 0, 0},
    {{"1.2345", NULL, NULL, 0}, 0, 0, 0},
    {{"-1", NULL, NULL, 0}, 0, 0, 0},
    {{"+1", NULL, NULL, 0}, 0, 0, 0},
    {{" 1", NULL, NULL, 0}, 0, 0, 0},
    {{"1 ", NULL, NULL, 0}, 0, 0, 0},
    {{"1e5", NULL, NULL, 0}, 0, 0, 0},
    {{"0x10", NULL, NULL, 0}, 0, 0, 0},
    {{"NaN", NULL, NULL, 0}, 0, 0, 0},
    {{"inf", NULL, NULL, 0}, 0, 0, 0},
    {{"1e308", NULL, NULL, 0}, 0, 0, 0},
    {{"100000", NULL, NULL, 0}, 0, 0, 0},
    {{"99999999999999999999", NULL, NULL, 0}, 0, 0, 0},
    {{"1.3, 2.0", NULL, NULL, 0}, 0, 0, 0},
    {{"1.3", "-5", NULL, 0}, 1300, 0, 0},
    {{"1.3", "1.5", NULL, 0}, 1300, 0, 0},
    {{"1.3", "60001", NULL, 0}, 1300, 0, 0},
    {{"1.3", "60000", NULL, 0}, 1300, 0, 60000},
};

static void hints_become_a_prior_or_nothing(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const prior_case_t *c = &cases[i];
        sp_state_t out;
        int made = sp_prior_make(&out, &c->hints, T0);

        if (made != (c->kbps > 0)) {
            fail_msg("case %zu: made %d", i, made);
        }
        if (!made) {
            assert_int_equal(out.at, 0);
            continue;
        }
        if (lround(exp2(out.x)) != c->kbps ||
            out.lower_bound != c->lower_bound || out.rtt_ms != c->rtt_ms ||
            out.s != 1.0 || out.at != T0 || out.clipped != 0 ||
            fabs(out.held - out.x + (c->lower_bound ? 0 : 0.5)) > 1e-9) {
            fail_msg("case %zu: %.1f kbit/s, bound %d, %u ms", i, exp2(out.x),
                     out.lower_bound, out.rtt_ms);
        }
    }
}

static void p22_save_data_is_on_or_it_is_not(void **state)
{
    static const char *const on[] = {"on",     "On",     "ON",
                                     "on;x=1", "on ; x", "on "};
    static const char *const off[] = {"",  "o",   "off", "no",  "one",
                                      "1", "on,", " on", "yes", "on x"};
    size_t i;

    assert_false(sp_prior_saves_data(NULL));
    for (i = 0; i < sizeof(on) / sizeof(*on); i++) {
        assert_true(sp_prior_saves_data(on[i]));
    }
    for (i = 0; i < sizeof(off) / sizeof(*off); i++) {
        if (sp_prior_saves_data(off[i])) {
            fail_msg("taken for on: \"%s\"", off[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {UNIT(hints_become_a_prior_or_nothing),
                                       UNIT(p22_save_data_is_on_or_it_is_not)};

    return UNIT_RUN(tests);
}
