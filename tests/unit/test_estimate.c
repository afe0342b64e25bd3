/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <math.h>

#include "base/units.h"
#include "speed/estimate.h"

#define DAY apr_time_from_sec(86400)
#define T0 apr_time_from_sec(1700000000)

static sp_state_t fold(sp_state_t prior, double rate_kbps, int lower_bound,
                       apr_time_t now)
{
    sp_sample_t sample = {rate_kbps, SP_SAMPLE_SPREAD, 50, lower_bound};

    return sp_estimate_fold(&prior, &sample, now);
}

static sp_state_t known(double rate_kbps)
{
    sp_state_t state = {0};

    return fold(state, rate_kbps, 0, T0);
}

static apr_uint32_t rate_of(sp_state_t state, apr_time_t now)
{
    sp_estimate_t e;

    sp_estimate_make(&e, &state, SP_SOURCE_COOKIE, now);
    return e.capacity_kbps;
}

static void the_first_sample_is_taken_as_it_is(void **state)
{
    sp_state_t s = known(1000);
    sp_estimate_t e;

    sp_estimate_make(&e, &s, SP_SOURCE_COOKIE, T0 + apr_time_from_sec(9));
    assert_int_equal(e.capacity_kbps, 1000);
    assert_int_equal(e.rtt_ms, 50);
    assert_int_equal(e.age_s, 9);
    assert_int_equal(e.lower_bound, 0);
    assert_true(e.confidence_pct >= 99); /* 0.585 octaves are 2.9 s */
    assert_string_equal(sp_source_name(e.source), "cookie");
}

static void samples_that_agree_make_surer_down_to_a_floor(void **state)
{
    sp_state_t s = known(1000);
    int i;

    for (i = 0; i < 50; i++) {
        double before = s.s;
        s = fold(s, 1100, 0, T0);
        assert_true(s.s <= before);
    }
    assert_true(s.s >= 0.0999);
    assert_in_range(rate_of(s, T0), 1090, 1100);
}

static void one_outlier_is_cut_two_are_a_change(void **state)
{
    sp_state_t s = known(20000);

    s = fold(s, 1000, 0, T0);
    assert_in_range(rate_of(s, T0), 12000, 19000);
    assert_int_equal(s.clipped, -1);
    s = fold(s, 1000, 0, T0);
    assert_in_range(rate_of(s, T0), 999, 1001);
    assert_true(fabs(s.s - 0.4) < 0.001);

    s = fold(known(1000), 5000, 0, T0);
    s = fold(s, 1000, 0, T0);
    assert_int_equal(s.clipped, 0);
    assert_in_range(rate_of(s, T0), 1000, 1400);
    s = fold(fold(known(1000), 9000, 0, T0), 90, 0, T0);
    assert_int_equal(s.clipped, -1); /* other side: no change point */
}

static void a_bound_counts_only_above_what_is_known(void **state)
{
    sp_state_t none = {0}, s = known(1000);

    assert_in_range(rate_of(fold(s, 200, 1, T0), T0), 1000, 1000);
    assert_in_range(rate_of(fold(s, 4000, 1, T0), T0), 1100, 2500);
    assert_int_equal(fold(s, 4000, 1, T0).lower_bound, 0);
    s = fold(fold(s, 4000, 1, T0), 4000, 1, T0); /* the line has changed */
    assert_int_equal(rate_of(s, T0), 4000);
    assert_int_equal(s.lower_bound, 1);

    s = fold(none, 300, 1, T0);
    assert_int_equal(s.lower_bound, 1);
    assert_int_equal(rate_of(s, T0), 300);
    assert_int_equal(rate_of(fold(s, 200, 1, T0), T0), 300);
    assert_int_equal(rate_of(fold(s, 500, 1, T0), T0), 500);
    s = fold(s, 100, 0, T0);
    assert_int_equal(s.lower_bound, 0);
    assert_int_equal(rate_of(s, T0), 100);
}

static void confidence_fades_with_time(void **state)
{
    sp_state_t s = known(1000);
    apr_uint32_t before = 101;
    int day;

    for (day = 0; day <= 7; day++) {
        sp_estimate_t e;
        sp_estimate_make(&e, &s, SP_SOURCE_COOKIE, T0 + day * DAY);
        assert_true(e.confidence_pct < before);
        assert_int_equal(e.capacity_kbps, 1000);
        before = e.confidence_pct;
    }
    assert_in_range(before, 25, 45); /* s = 1.34 after a week */
    assert_true(fold(s, 100, 0, T0 + 30 * DAY).clipped == 0);
}

static void clocks_that_run_backwards_do_no_harm(void **state)
{
    sp_state_t s = fold(known(1000), 1000, 0, T0 - DAY);
    sp_estimate_t e;

    assert_true(s.at == T0);
    sp_estimate_make(&e, &s, SP_SOURCE_COOKIE, T0 - DAY);
    assert_int_equal(e.age_s, 0);
}

static void unknown_is_zero_and_assumed_is_exact(void **state)
{
    sp_state_t none = {0};
    sp_estimate_t e;

    sp_estimate_make(&e, &none, SP_SOURCE_COOKIE, T0);
    assert_int_equal(e.capacity_kbps, 0);
    assert_string_equal(sp_source_name(e.source), "none");
    sp_estimate_assume(&e, 64, 700);
    assert_int_equal(e.capacity_kbps, 64);
    assert_int_equal(e.rtt_ms, 700);
    assert_int_equal(e.confidence_pct, 100);
    assert_string_equal(sp_source_name(e.source), "assume");
}

static void capacity_stays_in_its_range(void **state)
{
    sp_state_t s = known(1000);

    s.x = 99;
    assert_int_equal(rate_of(s, T0), DS_RATE_MAX_KBPS);
    s.x = -9;
    assert_int_equal(rate_of(s, T0), 1);
}

static void vary_names_what_was_asked(void **state)
{
    assert_null(sp_estimate_vary(0, *state));
    assert_string_equal(sp_estimate_vary(SP_ASKED_COOKIE, *state), "Cookie");
    assert_string_equal(sp_estimate_vary(SP_ASKED_HINTS, *state),
                        "Downlink, RTT, ECT");
    assert_string_equal(
        sp_estimate_vary(SP_ASKED_DNT | SP_ASKED_SAVE_DATA | SP_ASKED_COOKIE,
                         *state),
        "Cookie, Save-Data, DNT");
}

static void every_source_has_a_word(void **state)
{
    assert_string_equal(sp_source_name(SP_SOURCE_HINT), "hint");
}

static apr_uint32_t choice_of(sp_state_t s)
{
    sp_estimate_t e;

    sp_estimate_make(&e, &s, SP_SOURCE_COOKIE, T0);
    return e.choice_kbps;
}

static void choices_are_a_little_cautious(void **state)
{
    assert_int_equal(choice_of(sp_estimate_known(1000, 1, 0, T0)), 707);
    assert_int_equal(choice_of(sp_estimate_known(1000, 1, 1, T0)), 1000);
    assert_in_range(choice_of(known(1000)), 930, 980);
}

/* P14: a client at the border of two bands does not go to and fro, and one
   far outlier does not move it. */
static void p14_choices_hold_until_a_fifth_has_changed(void **state)
{
    sp_state_t s = known(2000);
    apr_uint32_t before = choice_of(s);
    int i;

    for (i = 0; i < 40; i++) {
        s = fold(s, i % 2 ? 1800 : 2200, 0, T0);
        assert_int_equal(choice_of(s), before);
    }
    s = fold(s, 10000, 0, T0);
    assert_int_equal(choice_of(s), before);
    for (i = 0; i < 40; i++) {
        s = fold(s, 1200, 0, T0);
    }
    assert_in_range(choice_of(s), 1000, 1300);
}

#define MINUTE apr_time_from_sec(60)

static void unsure_is_unknown_a_bound_or_long_ago(void **state)
{
    static const struct {
        double kbps; /* 0: nothing known */
        int bound;
        double enough_kbps;
        apr_time_t after;
        int unsure, due;
    } cases[] = {
        {0, 0, 0, 0, 1, 1},
        {0, 0, 2000, 0, 1, 1},
        {1000, 0, 0, 0, 0, 0},
        {1000, 0, 0, 9 * MINUTE, 0, 0},
        {1000, 0, 0, 10 * MINUTE, 0, 1},
        {1000, 0, 2000, 0, 0, 0},
        {1000, 0, 500, 2 * DAY, 1, 1},
        {1000, 0, 0, -MINUTE, 0, 0}, /* the clock was set back */
        {4000, 1, 0, 0, 1, 1},
        {1999, 1, 2000, 0, 1, 1},
        {2000, 1, 2000, 0, 0, 0},
        {9000, 1, 2000, 9 * MINUTE, 0, 0},
        {9000, 1, 2000, 10 * MINUTE, 0, 1},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        sp_state_t s = {0};

        if (cases[i].kbps > 0) {
            s = sp_estimate_known(cases[i].kbps, cases[i].bound ? 1 : 0.1,
                                  cases[i].bound, T0);
        }
        if (sp_estimate_is_unsure(&s, cases[i].enough_kbps,
                                  T0 + cases[i].after) != cases[i].unsure ||
            sp_estimate_is_due(&s, cases[i].enough_kbps,
                               SP_ESTIMATE_REMEASURE_FOR,
                               T0 + cases[i].after) != cases[i].due) {
            fail_msg("case %zu", i);
        }
    }
}

static void times_follow_from_capacity_and_round_trip(void **state)
{
    sp_estimate_t e = {0};

    assert_int_equal(sp_estimate_transfer_ms(&e, 100000), 0);
    sp_estimate_assume(&e, 800, 10);
    assert_int_equal(sp_estimate_transfer_ms(&e, 100000), 1010);
    assert_int_equal(sp_estimate_transfer_ms(&e, 0), 0);
    sp_estimate_assume(&e, 20000, 300); /* 40 ms by bits alone */
    assert_in_range(sp_estimate_transfer_ms(&e, 100000), 900, 1200);
    sp_estimate_assume(&e, 1, 0);
    assert_true(sp_estimate_transfer_ms(&e, APR_UINT64_MAX) == APR_UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(the_first_sample_is_taken_as_it_is),
        UNIT(samples_that_agree_make_surer_down_to_a_floor),
        UNIT(one_outlier_is_cut_two_are_a_change),
        UNIT(a_bound_counts_only_above_what_is_known),
        UNIT(confidence_fades_with_time),
        UNIT(clocks_that_run_backwards_do_no_harm),
        UNIT(unknown_is_zero_and_assumed_is_exact),
        UNIT(capacity_stays_in_its_range),
        UNIT(vary_names_what_was_asked),
        UNIT(every_source_has_a_word),
        UNIT(choices_are_a_little_cautious),
        UNIT(p14_choices_hold_until_a_fifth_has_changed),
        UNIT(unsure_is_unknown_a_bound_or_long_ago),
        UNIT(times_follow_from_capacity_and_round_trip),
    };

    return UNIT_RUN(tests);
}
