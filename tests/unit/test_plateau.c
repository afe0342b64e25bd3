/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "speed/plateau.h"

#define RTT_US 40000

typedef struct {
    sp_plateau_t plateau;
    sp_tcp_t tcp;
    apr_time_t now;
} line_t;

static line_t begin(void)
{
    line_t line = {.tcp = {.min_rtt_us = RTT_US, .acked_bytes = 1000}};

    line.now = apr_time_from_sec(1000);
    sp_plateau_init(&line.plateau, &line.tcp, line.now);
    line.tcp.acked_bytes += 16384; /* past what an idle bucket lets through */
    return line;
}

/* Looks every 10 ms at a rate. */
static void go(line_t *line, int looks, double kbps, int queued)
{
    while (looks-- > 0) {
        line->now += 10000;
        line->tcp.acked_bytes += 2500;
        line->tcp.rate_kbps = kbps;
        line->tcp.srtt_us = queued ? 2 * RTT_US : RTT_US;
        sp_plateau_feed(&line->plateau, &line->tcp, line->now, line->now);
    }
}

static sp_sample_t sample(const line_t *line)
{
    sp_sample_t s;

    assert_int_equal(sp_plateau_sample(&s, &line->plateau), 1);
    return s;
}

static void a_steady_rate_behind_a_queue_is_a_point(void **state)
{
    line_t line = begin();

    go(&line, 4, 500, 0);
    go(&line, 4, 1500, 0);
    go(&line, 30, 2000, 1);
    assert_int_equal(sample(&line).lower_bound, 0);
    assert_int_equal((int)(sample(&line).rate_kbps + 0.5), 2000);
}

static void still_growing_is_a_bound(void **state)
{
    line_t line = begin();
    double kbps;

    for (kbps = 500; kbps < 20000; kbps *= 1.6) {
        go(&line, 4, kbps, 1);
    }
    assert_int_equal(sample(&line).lower_bound, 1);
}

static void no_queue_is_a_bound_of_nearly_the_top_rate(void **state)
{
    line_t line = begin();

    go(&line, 3, 1500, 0); /* few looks: the top one */
    go(&line, 1, 1600, 0);
    assert_int_equal((int)(sample(&line).rate_kbps + 0.5), 1600);
    go(&line, 40, 2000, 0);
    go(&line, 4, 2600, 0); /* P13: bunches on a jittery line */
    go(&line, 1, 1900, 1); /* one look behind a queue is not enough */
    assert_int_equal(sample(&line).lower_bound, 1);
    assert_int_equal((int)(sample(&line).rate_kbps + 0.5), 2000);
}

/* A pause of the origin, or a stall after loss: the slow looks are many, the
   upper quartile is still the line's. */
static void stalls_do_not_pull_it_down(void **state)
{
    line_t line = begin();

    go(&line, 40, 2000, 1);
    go(&line, 60, 300, 1);
    assert_int_equal(sample(&line).lower_bound, 0);
    assert_int_equal((int)(sample(&line).rate_kbps + 0.5), 2000);
}

/* P13: TCP has settled for a quarter of the line; within a round trip its
   flights come as fast as the line is. */
static void p13_flights_faster_than_the_plateau_end_it(void **state)
{
    line_t line = begin();
    int i;

    line.tcp.min_rtt_us = 200000;
    for (i = 0; i < 12; i++) {
        line.tcp.acked_bytes += 40000; /* 5 looks of 12.5 kB: 10 Mbit/s */
        go(&line, 1, 2500, 1);
        line.tcp.acked_bytes += 10000;
        go(&line, 1, 2500, 1);
        line.tcp.acked_bytes += 10000;
        go(&line, 1, 2500, 1);
        go(&line, 17, 2500, 1);
    }
    assert_int_equal(line.plateau.is_full, 1);
    assert_int_equal(sample(&line).lower_bound, 1);
    assert_true(sample(&line).rate_kbps > 1.3 * 2500);
}

static void one_burst_does_not_pull_it_up(void **state)
{
    line_t line = begin();

    go(&line, 30, 2000, 1);
    go(&line, 3, 6000, 1);
    go(&line, 30, 2000, 1);
    assert_int_equal((int)(sample(&line).rate_kbps + 0.5), 2000);
}

static void looks_that_tell_nothing_do_not_count(void **state)
{
    line_t line = begin();
    sp_sample_t s;

    assert_int_equal(sp_plateau_sample(&s, &line.plateau), 0);
    line.tcp.app_limited = 1;
    go(&line, 40, 9000, 1);
    assert_int_equal(sp_plateau_sample(&s, &line.plateau), 0);
    line.tcp.app_limited = 0;
    go(&line, 10, 0, 1);
    assert_int_equal(sp_plateau_sample(&s, &line.plateau), 0);
    line.tcp.rate_kbps = 700; /* nothing new was acknowledged */
    sp_plateau_feed(&line.plateau, &line.tcp, line.now, line.now);
    go(&line, 1, 800, 1);
    line.tcp.rate_kbps = 900;
    sp_plateau_feed(&line.plateau, &line.tcp, line.now, line.now);
    assert_int_equal((int)sample(&line).rate_kbps, 800);
}

static void the_first_burst_through_an_idle_bucket_is_left_out(void **state)
{
    line_t line = begin();
    sp_sample_t s;

    line.tcp.acked_bytes = 1000 + 3000;
    line.tcp.rate_kbps = 232000;
    line.tcp.srtt_us = RTT_US;
    sp_plateau_feed(&line.plateau, &line.tcp, line.now, line.now);
    assert_int_equal(sp_plateau_sample(&s, &line.plateau), 0);
}

static void memory_is_bounded(void **state)
{
    line_t line = begin();
    int i;

    go(&line, 10 * SP_PLATEAU_MAX, 2000, 1);
    assert_int_equal(sp_plateau_is_done(&line.plateau), 1);
    assert_int_equal(sp_plateau_looks(&line.plateau), SP_PLATEAU_MAX);
    line = begin();
    for (i = 0; i < 2 * SP_PLATEAU_MAX; i++) { /* from both ends */
        go(&line, 1, i % 2 ? 1000 : 3000, i % 2);
    }
    assert_int_equal(sp_plateau_looks(&line.plateau), SP_PLATEAU_MAX);
    assert_int_equal((int)(sample(&line).rate_kbps + 0.5), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_steady_rate_behind_a_queue_is_a_point),
        UNIT(still_growing_is_a_bound),
        UNIT(no_queue_is_a_bound_of_nearly_the_top_rate),
        UNIT(stalls_do_not_pull_it_down),
        UNIT(p13_flights_faster_than_the_plateau_end_it),
        UNIT(one_burst_does_not_pull_it_up),
        UNIT(looks_that_tell_nothing_do_not_count),
        UNIT(the_first_burst_through_an_idle_bucket_is_left_out),
        UNIT(memory_is_bounded),
    };

    return UNIT_RUN(tests);
}
