/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <math.h>

#include "speed/passive.h"
#include "speed/transfer.h"

/* The kernel's view of a line: bytes delivered in how much busy time. */
static sp_tcp_t at(double bytes, double busy_ms, double rtt_ms)
{
    sp_tcp_t tcp = {.acked_bytes = (apr_uint64_t)bytes,
                    .busy_us = (apr_uint64_t)(busy_ms * 1000),
                    .min_rtt_us = (apr_uint32_t)(rtt_ms * 1000),
                    .window_bytes = 14480};

    return tcp;
}

typedef struct {
    double bytes, kbps, rtt_ms;
    int from_pct, to_pct; /* of the line's rate; 0, 0: no sample */
    int lower_bound;
    const char *what;
} passive_case_t;

/* What the model says, in ticks of 4 ms. */
static const passive_case_t cases[] = {
    {1000, 256, 20, 0, 0, 0, "P1: a page of 1 kB says nothing"},
    {20000, 256, 100, 90, 110, 0, "20 kB at 256 kbit/s"},
    {20000, 256, 20, 90, 110, 0, "P5: not the time of writing"},
    {20000, 20000, 300, 1, 20, 1, "P2: far and fast, 20 kB"},
    {100000, 2000, 50, 90, 110, 0, "100 kB at 2 Mbit/s"},
    {400000, 2000, 200, 90, 110, 0, "400 kB at 2 Mbit/s, 200 ms"},
    {4000000, 100000, 10, 90, 110, 0, "4 MB at 100 Mbit/s"},
    {100000, 50000, 350, 1, 60, 1, "far and fast, 100 kB"},
    {9000, 56, 150, 90, 110, 0, "a modem"},
    {30000, 128, 20, 90, 110, 0, "near and slow"},
    {8000, 128, 20, 0, 0, 0, "under 8 kB"},
};

static void deliveries_become_a_point_a_bound_or_nothing(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const passive_case_t *c = &cases[i];
        double ms = sp_transfer_ms(c->bytes, c->kbps, c->rtt_ms, 14480);
        sp_tcp_t base = at(5000, 900, c->rtt_ms);
        sp_tcp_t last = at(5000 + c->bytes, 900 + floor(ms / 4) * 4, c->rtt_ms);
        sp_sample_t s;
        int has = sp_passive_between(&s, &base, &last);

        if (has != (c->to_pct > 0)) {
            fail_msg("%s: sample %d", c->what, has);
        }
        if (has && (s.lower_bound != c->lower_bound ||
                    s.rate_kbps * 100 < c->from_pct * c->kbps ||
                    s.rate_kbps * 100 > c->to_pct * c->kbps)) {
            fail_msg("%s: %s%f kbit/s", c->what, s.lower_bound ? ">=" : "",
                     s.rate_kbps);
        }
    }
}

/* Whatever the line, the size and the window it starts with: a bound never
   lies above the line, a point never far from it. */
static void no_bound_is_above_the_line(void **state)
{
    double kbps, bytes, rtt_ms;

    for (kbps = 30; kbps < 2e5; kbps *= 1.6) {
        for (bytes = 8192; bytes < 2e7; bytes *= 1.9) {
            for (rtt_ms = 1; rtt_ms < 700; rtt_ms *= 2.3) {
                double ms = sp_transfer_ms(bytes, kbps, rtt_ms, 14480);
                sp_tcp_t base = at(0, 0, rtt_ms), last = at(bytes, ms, rtt_ms);
                sp_sample_t s;
                if (!sp_passive_between(&s, &base, &last)) {
                    continue;
                }
                if (s.rate_kbps > 1.1 * kbps ||
                    (!s.lower_bound && s.rate_kbps < 0.9 * kbps)) {
                    fail_msg("%f kbit/s, %f bytes, %f ms: %s%f", kbps, bytes,
                             rtt_ms, s.lower_bound ? ">=" : "", s.rate_kbps);
                }
            }
        }
    }
}

/* The window left from the last answer may have been kept or not; where that
   matters, nobody can tell the rate. */
static void a_window_of_unknown_size_makes_a_bound(void **state)
{
    double ms = sp_transfer_ms(300000, 20000, 40, 14480);
    sp_tcp_t base = at(0, 0, 40), last = at(300000, ms, 40);
    sp_sample_t s;

    assert_int_equal(sp_passive_between(&s, &base, &last), 1);
    base.window_bytes = 400000;
    assert_int_equal(sp_passive_between(&s, &base, &last), 1);
    assert_int_equal(s.lower_bound, 1);
    assert_true(s.rate_kbps < 20000);
}

static void what_client_or_server_held_up_is_a_bound(void **state)
{
    sp_tcp_t base = at(0, 0, 50), last = at(100000, 1000, 50);
    sp_sample_t s;

    last.rwnd_limited_us = 190000;
    assert_int_equal(sp_passive_between(&s, &base, &last), 1);
    assert_int_equal(s.lower_bound, 0);
    last.rwnd_limited_us = 210000;
    assert_int_equal(sp_passive_between(&s, &base, &last), 1);
    assert_int_equal(s.lower_bound, 1);
    last.rwnd_limited_us = 0;
    last.sndbuf_limited_us = 210000;
    assert_int_equal(sp_passive_between(&s, &base, &last), 1);
    assert_int_equal(s.lower_bound, 1);
}

static void counters_that_run_backwards_give_nothing(void **state)
{
    sp_tcp_t base = at(100000, 1000, 50), last = at(90000, 2000, 50);
    sp_sample_t s;

    assert_int_equal(sp_passive_between(&s, &base, &last), 0);
    last = at(200000, 900, 50);
    assert_int_equal(sp_passive_between(&s, &base, &last), 0);
    assert_int_equal(sp_passive_between(&s, &base, &base), 0);
}

/* A delivery that filled the line: looks every 10 ms. */
static void fill(sp_plateau_t *plateau, const sp_tcp_t *base, double kbps,
                 int looks, int queue_ms)
{
    int i;

    sp_plateau_init(plateau, base, 0);
    for (i = 1; i <= looks; i++) {
        sp_tcp_t tcp = at(20000.0 + i * 2000, i * 10, 20);
        tcp.rate_kbps = kbps;
        tcp.srtt_us = 20000 + 1000 * (apr_uint32_t)queue_ms;
        sp_plateau_feed(plateau, &tcp, i * 10000, i * 10000);
    }
}

static void the_plateau_counts_before_the_two_looks(void **state)
{
    sp_tcp_t base = at(0, 0, 20), last = at(400000, 2000, 20);
    sp_plateau_t plateau;
    sp_sample_t s;

    fill(&plateau, &base, 1800, 40, 40);
    assert_int_equal(sp_passive_sample(&s, &base, &last, &plateau), 1);
    assert_int_equal(s.lower_bound, 0);
    assert_int_equal((int)(s.rate_kbps + 0.5), 1800);
    assert_int_equal(s.rtt_ms, 20);
    last.ca_state = SP_TCP_RECOVERY;
    assert_int_equal(sp_passive_sample(&s, &base, &last, &plateau), 1);
    assert_true(fabs(s.spread - SP_PLATEAU_SPREAD - 0.1) < 1e-9);
    last.rwnd_limited_us = last.busy_us / 2;
    assert_int_equal(sp_passive_sample(&s, &base, &last, &plateau), 1);
    assert_int_equal(s.lower_bound, 1);
}

static void a_bound_of_looks_can_end_a_point_of_two(void **state)
{
    sp_tcp_t base = at(0, 0, 20), last = at(400000, 2000, 20);
    sp_plateau_t plateau;
    sp_sample_t s;

    fill(&plateau, &base, 1700, 2, 40); /* agrees: the point stands */
    assert_int_equal(sp_passive_sample(&s, &base, &last, &plateau), 1);
    assert_int_equal(s.lower_bound, 0);
    assert_in_range((int)s.rate_kbps, 1500, 1700);
    fill(&plateau, &base, 9000, 2, 40); /* contradicts */
    assert_int_equal(sp_passive_sample(&s, &base, &last, &plateau), 1);
    assert_int_equal(s.lower_bound, 1);
    assert_int_equal((int)s.rate_kbps, 9000);
    assert_int_equal(sp_passive_sample(&s, &base, &last, NULL), 1);
    assert_int_equal(s.lower_bound, 0);
}

/* 2.5 s for what slow start takes 1.8 s for, and nothing waits before the
   line: a loss, or a machine with other things to do. */
static void many_looks_without_a_queue_make_no_point(void **state)
{
    sp_tcp_t base = at(0, 0, 20), last = at(400000, 2000, 20);
    sp_plateau_t plateau;
    sp_sample_t s;

    fill(&plateau, &base, 1700, 40, 0);
    assert_int_equal(sp_passive_sample(&s, &base, &last, &plateau), 1);
    assert_int_equal(s.lower_bound, 1);
    assert_in_range((int)(s.rate_kbps + 0.5), 1600, 1700);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(deliveries_become_a_point_a_bound_or_nothing),
        UNIT(no_bound_is_above_the_line),
        UNIT(a_window_of_unknown_size_makes_a_bound),
        UNIT(what_client_or_server_held_up_is_a_bound),
        UNIT(counters_that_run_backwards_give_nothing),
        UNIT(the_plateau_counts_before_the_two_looks),
        UNIT(many_looks_without_a_queue_make_no_point),
        UNIT(a_bound_of_looks_can_end_a_point_of_two),
    };

    return UNIT_RUN(tests);
}
