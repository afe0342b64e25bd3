/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "speed/train.h"

#define RTT_US 300000

typedef struct {
    sp_train_t train;
    sp_tcp_t tcp;
    apr_time_t now;
} far_t;

static far_t far_away(void)
{
    far_t far = {.tcp = {.min_rtt_us = RTT_US}};

    far.now = apr_time_from_sec(1000);
    sp_train_init(&far.train);
    return far;
}

/* Looks every 10 ms, in which so much arrives. */
static void arrive(far_t *far, int looks, int bytes)
{
    while (looks-- > 0) {
        far->now += 10000;
        far->tcp.acked_bytes += (apr_uint64_t)bytes;
        sp_train_feed(&far->train, &far->tcp, far->now, far->now);
    }
}

/* A flight: it arrives as fast as the line is, then nothing for the rest of
   the round trip. */
static void flight(far_t *far, int looks, int bytes)
{
    arrive(far, looks, bytes);
    arrive(far, 30 - looks, 0);
}

static int kbps(const far_t *far)
{
    return (int)(sp_train_kbps(&far->train) + 0.5);
}

static void two_flights_make_a_bound(void **state)
{
    far_t far = far_away();

    flight(&far, 1, 14480);
    flight(&far, 2, 25000);
    assert_int_equal(kbps(&far), 0); /* one is not enough */
    flight(&far, 4, 25000);          /* 20 Mbit/s: 25 kB in 10 ms */
    assert_in_range(kbps(&far), 8000, 18000);
    flight(&far, 8, 25000);
    assert_in_range(kbps(&far), 18000, 20000);
    flight(&far, 16, 25000);
    assert_in_range(kbps(&far), 19000, 20000);
}

/* P13: somebody held two flights back and let them go at once. */
static void p13_of_many_flights_two_bunches_do_not_count(void **state)
{
    far_t far = far_away();
    int i;

    for (i = 0; i < 8; i++) {
        flight(&far, 8, 25000);
    }
    flight(&far, 8, 60000);
    flight(&far, 8, 90000);
    assert_in_range(kbps(&far), 19000, 20000);
}

/* P13: what a jittery path bunches is spread over its jitter again. */
static void p13_jitter_makes_it_smaller(void **state)
{
    far_t far = far_away();

    far.tcp.rtt_deviation_us = 20000;
    flight(&far, 8, 25000);
    flight(&far, 8, 25000);
    assert_true(kbps(&far) < 18000);
}

/* A hole that is mended acknowledges all behind it at once. */
static void p13_losses_say_nothing(void **state)
{
    far_t far = far_away();

    int i;

    for (i = 0; i < 5; i++) {
        flight(&far, 2, 4000);
        far.tcp.resent_segments++;
        far.tcp.ca_state = 3; /* a round trip in recovery */
        arrive(&far, 30, 0);
        far.tcp.ca_state = 0;
        arrive(&far, 1, 400000);
        flight(&far, 1, 4000);
        far.tcp.resent_segments++; /* and one that no look has seen */
        arrive(&far, 1, 400000);
        flight(&far, 1, 4000);
    }
    assert_int_equal(kbps(&far), 0);
}

static void a_thread_held_up_makes_it_no_larger(void **state)
{
    far_t far = far_away();
    int i;

    for (i = 0; i < 60; i++) { /* 1000 kbit/s, read up to 30 ms late */
        apr_time_t before = far.now + 10000;
        apr_time_t after = before + (i % 4) * 10000;
        far.tcp.acked_bytes =
            (apr_uint64_t)(after - apr_time_from_sec(1000)) / 8;
        sp_train_feed(&far.train, &far.tcp, before, after);
        far.now = after;
    }
    assert_true(kbps(&far) <= 1000);
}

static void short_and_small_stretches_say_nothing(void **state)
{
    far_t far = far_away();

    flight(&far, 1, 10000); /* 10 kB: too few packets */
    flight(&far, 1, 10000);
    flight(&far, 1, 10000);
    assert_int_equal(kbps(&far), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(two_flights_make_a_bound),
        UNIT(p13_of_many_flights_two_bunches_do_not_count),
        UNIT(p13_jitter_makes_it_smaller),
        UNIT(p13_losses_say_nothing),
        UNIT(a_thread_held_up_makes_it_no_larger),
        UNIT(short_and_small_stretches_say_nothing),
    };

    return UNIT_RUN(tests);
}
