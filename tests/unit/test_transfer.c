/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <math.h>

#include "base/units.h"
#include "speed/transfer.h"

typedef struct {
    double bytes, kbps, rtt_ms, window, expected_ms;
    const char *what;
} transfer_case_t;

/* By hand, with 1 kbit/s = 0.125 bytes per ms. */
static const transfer_case_t cases[] = {
    {1000, 8, 100, 14480, 1100, "one segment: a round trip and its bits"},
    {100000, 800, 10, 14480, 1010, "a full line from the start"},
    {100000, 800, 0, 14480, 1000, "without a round trip"},
    /* C x R = 250000 bytes: 14480, 28960, 57920 are sent in three trips, the
       rest of the fourth window takes 898640 / 2500 of bits */
    {1000000, 20000, 100, 14480, 100 + 5 * 100 + 551120 / 2500.0,
     "slow start, then the line"},
    {1000000, 20000, 100, 1e9, 500, "a window left from before"},
};

static void times_are_those_of_slow_start_and_line(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const transfer_case_t *c = &cases[i];
        double ms = sp_transfer_ms(c->bytes, c->kbps, c->rtt_ms, c->window);
        if (fabs(ms - c->expected_ms) > 0.5) {
            fail_msg("%s: %f ms, not %f", c->what, ms, c->expected_ms);
        }
    }
}

/* Every rate, size and distance: backwards gives what went in, as long as the
   line itself decides about the time. */
static void backwards_is_the_inverse(void **state)
{
    double kbps, bytes, rtt_ms;

    for (kbps = 10; kbps < 1e6; kbps *= 1.7) {
        for (bytes = 2000; bytes < 1e8; bytes *= 3.1) {
            for (rtt_ms = 0.5; rtt_ms < 700; rtt_ms *= 3) {
                double ms = sp_transfer_ms(bytes, kbps, rtt_ms, 14480);
                double back = sp_transfer_rate_kbps(bytes, ms, rtt_ms, 14480);
                if (fabs(back / kbps - 1) > 0.001) {
                    fail_msg("%f kbit/s, %f bytes, %f ms: %f", kbps, bytes,
                             rtt_ms, back);
                }
            }
        }
    }
}

static void a_faster_line_never_takes_longer(void **state)
{
    double kbps, before = HUGE_VAL;

    for (kbps = 1; kbps < DS_RATE_MAX_KBPS; kbps *= 1.01) {
        double ms = sp_transfer_ms(300000, kbps, 120, 14480);
        assert_true(ms <= before + 1e-9);
        before = ms;
    }
}

static void an_endless_line_costs_round_trips(void **state)
{
    assert_int_equal(sp_transfer_rounds(1, 14480, 2), 1);
    assert_int_equal(sp_transfer_rounds(14480, 14480, 2), 1);
    assert_int_equal(sp_transfer_rounds(14481, 14480, 2), 2);
    assert_int_equal(sp_transfer_rounds(14480 * 3, 14480, 2), 2);
    assert_int_equal(sp_transfer_rounds(14480 * 3 + 1, 14480, 2), 3);
    assert_int_equal(sp_transfer_rounds(14480 * 3, 14480, 1.5), 3);
    assert_int_equal(sp_transfer_rounds(1e9, 1e10, 1.5), 1);
}

static void faster_than_any_line_is_no_rate(void **state)
{
    assert_true(sp_transfer_rate_kbps(100000, 150, 100, 14480) == 0);
    assert_true(sp_transfer_rate_kbps(1e9, 0.001, 0, 14480) == 0);
    assert_true(sp_transfer_rate_kbps(100000, 401, 100, 14480) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(times_are_those_of_slow_start_and_line),
        UNIT(backwards_is_the_inverse),
        UNIT(a_faster_line_never_takes_longer),
        UNIT(an_endless_line_costs_round_trips),
        UNIT(faster_than_any_line_is_no_rate),
    };

    return UNIT_RUN(tests);
}
