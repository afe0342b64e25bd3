/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <math.h>

#include "speed/known.h"

#define T0 apr_time_from_sec(1700000000)
#define LATER (T0 + apr_time_from_sec(60))

static sp_known_t nobody(void)
{
    sp_known_t known = {0};

    return known;
}

static void seen(sp_known_t *known, double kbps, int bound, apr_time_t when)
{
    sp_sample_t s = {
        .rate_kbps = kbps, .spread = 0.12, .rtt_ms = 30, .lower_bound = bound};

    sp_observed_add(&known->connection, &s, when);
}

static int kbps(const sp_known_t *known, sp_source_e expected)
{
    sp_state_t state;
    sp_source_e source = sp_known_state(&state, known);

    assert_string_equal(sp_source_name(source), sp_source_name(expected));
    return state.at ? (int)(exp2(state.x) + 0.5) : 0;
}

static void nobody_knows_anything(void **state)
{
    sp_known_t known = nobody();

    assert_int_equal(kbps(&known, SP_SOURCE_NONE), 0);
}

static void the_nearest_one_is_believed(void **state)
{
    sp_known_t known = nobody();

    known.network = sp_estimate_known(3000, 1, 0, T0);
    assert_int_equal(kbps(&known, SP_SOURCE_NETWORK), 3000);
    known.row = sp_estimate_known(1000, 0.2, 0, T0);
    assert_int_equal(kbps(&known, SP_SOURCE_TABLE), 1000);
    seen(&known, 900, 0, T0 - 1);
    assert_int_equal(kbps(&known, SP_SOURCE_PASSIVE), 1000);
    known.cookie = sp_estimate_known(800, 0.2, 0, LATER);
    assert_int_equal(kbps(&known, SP_SOURCE_COOKIE), 800);
}

static void this_connection_changes_an_older_cookie(void **state)
{
    sp_known_t known = nobody();

    known.cookie = sp_estimate_known(20000, 0.2, 0, T0);
    seen(&known, 1000, 0, T0 - 1); /* before the cookie: it knows */
    assert_int_equal(kbps(&known, SP_SOURCE_COOKIE), 20000);
    seen(&known, 1000, 0, LATER);
    assert_true(kbps(&known, SP_SOURCE_COOKIE) > 8000);
    seen(&known, 1000, 0, LATER + 1); /* P14: the second one is a change */
    assert_int_equal(kbps(&known, SP_SOURCE_COOKIE), 1000);
}

static void p14_what_a_cookie_holds_is_not_folded_again(void **state)
{
    static const struct {
        int after_ms; /* when the connection saw it; the cookie is of 40 s */
        int kbps;
    } cases[] = {{30000, 20000}, {39999, 20000}, {40000, 20000},
                 {40500, 20000}, {41000, 1000},  {50000, 1000}};
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        sp_known_t known = nobody();

        known.cookie =
            sp_estimate_known(20000, 0.2, 0, T0 + apr_time_from_sec(40));
        known.cookie.clipped = -1; /* one more would be a change */
        seen(&known, 1000, 0, T0 + apr_time_from_msec(cases[i].after_ms));
        assert_int_equal(kbps(&known, SP_SOURCE_COOKIE), cases[i].kbps);
    }
}

/* Others may have the same address, and a better line within the house. */
static void a_row_never_corrects_a_cookie(void **state)
{
    sp_known_t known = nobody();

    known.cookie = sp_estimate_known(128, 0.2, 0, T0);
    known.row = sp_estimate_known(9000, 0.1, 0, T0 + 1);
    assert_int_equal(kbps(&known, SP_SOURCE_COOKIE), 128);
}

static void a_bound_does_not_silence_a_prior_above_it(void **state)
{
    sp_known_t known = nobody();

    known.network = sp_estimate_known(3000, 1, 0, T0);
    known.row = sp_estimate_known(300, 1, 1, T0);
    assert_int_equal(kbps(&known, SP_SOURCE_NETWORK), 3000);
    known.row = sp_estimate_known(5000, 1, 1, T0);
    assert_int_equal(kbps(&known, SP_SOURCE_TABLE), 5000);
}

static void a_connection_remembers_its_last_samples(void **state)
{
    sp_known_t known = nobody();
    int i;

    for (i = 0; i < 50; i++) {
        seen(&known, 100 + i, 0, T0 + i);
    }
    assert_int_equal(known.connection.count, SP_OBSERVED_MAX);
    assert_int_equal(
        (int)known.connection.last[SP_OBSERVED_MAX - 1].sample.rate_kbps, 149);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(nobody_knows_anything),
        UNIT(the_nearest_one_is_believed),
        UNIT(this_connection_changes_an_older_cookie),
        UNIT(p14_what_a_cookie_holds_is_not_folded_again),
        UNIT(a_row_never_corrects_a_cookie),
        UNIT(a_bound_does_not_silence_a_prior_above_it),
        UNIT(a_connection_remembers_its_last_samples),
    };

    return UNIT_RUN(tests);
}
