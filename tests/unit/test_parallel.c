/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "speed/parallel.h"

#define T0 apr_time_from_sec(1000000)
#define MS(n) (T0 + apr_time_from_msec(n))

/* End a delivery that was busy all the time since begun_ms. */
static int end(sp_parallel_t *all, apr_uint64_t id, apr_uint64_t bytes,
               int begun_ms, int now_ms)
{
    return sp_parallel_end(all, id, bytes, 20,
                           apr_time_from_msec(now_ms - begun_ms), MS(now_ms));
}

static void one_after_the_other_each_is_alone(void **state)
{
    sp_parallel_t all = {0};
    sp_sample_t s;

    sp_parallel_begin(&all, 1, MS(0));
    assert_int_equal(end(&all, 1, 50000, 0, 500), 1);
    sp_parallel_begin(&all, 2, MS(501));
    assert_int_equal(end(&all, 2, 50000, 501, 900), 1);
    assert_int_equal(sp_parallel_sample(&s, &all, 2, MS(900)), 0);
}

/* P8: six connections share 2 Mbit/s; none of them is a point, together they
   are. */
static void p8_six_connections_speak_together(void **state)
{
    sp_parallel_t all = {0};
    sp_sample_t s;
    int i;

    for (i = 1; i <= 6; i++) {
        sp_parallel_begin(&all, (apr_uint64_t)i, MS(i));
    }
    for (i = 1; i <= 6; i++) { /* 100 kB each, ends 2.4 s later */
        int end_ms = 2340 + 10 * i;
        assert_int_equal(end(&all, (apr_uint64_t)i, 100000, i, end_ms), 0);
        assert_int_equal(
            sp_parallel_sample(&s, &all, (apr_uint64_t)i, MS(end_ms)), i == 6);
    }
    assert_int_equal(s.lower_bound, 0);
    assert_in_range((int)s.rate_kbps, 1800, 2200);
    sp_parallel_begin(&all, 7, MS(3000)); /* and it starts anew */
    assert_int_equal(end(&all, 7, 100000, 3000, 4000), 1);
}

static void a_chain_of_overlaps_is_one_group(void **state)
{
    sp_parallel_t all = {0};
    sp_sample_t s;

    sp_parallel_begin(&all, 1, MS(0));
    sp_parallel_begin(&all, 2, MS(800));
    assert_int_equal(end(&all, 1, 100000, 0, 1000), 0);
    sp_parallel_begin(&all, 3, MS(1700));
    assert_int_equal(end(&all, 2, 100000, 800, 1800), 0);
    assert_int_equal(sp_parallel_sample(&s, &all, 2, MS(1800)), 0);
    assert_int_equal(end(&all, 3, 100000, 1700, 2700), 0);
    assert_int_equal(sp_parallel_sample(&s, &all, 3, MS(2700)), 1);
    /* 300 kB in 2700 ms */
    assert_in_range((int)s.rate_kbps, 850, 930);
}

/* A request that waited for a script was not on the line meanwhile. */
static void waiting_for_the_server_is_not_delivering(void **state)
{
    sp_parallel_t all = {0};

    sp_parallel_begin(&all, 1, MS(0));
    sp_parallel_begin(&all, 2, MS(0));
    assert_int_equal(end(&all, 1, 50000, 0, 500), 0); /* 2 is still open */
    assert_int_equal(end(&all, 2, 50000, 5000, 5500), 1);
}

/* P8: sixty pictures over six connections, one after the other on each. */
static void p8_many_deliveries_are_summed_up(void **state)
{
    sp_parallel_t all = {0};
    sp_sample_t s;
    int has = 0, i;

    for (i = 0; i < 66; i++) { /* each takes 600 ms of six side by side */
        int at_ms = 100 * i;
        if (i >= 6) {
            assert_int_equal(
                end(&all, (apr_uint64_t)(i - 5), 25000, at_ms - 600, at_ms), 0);
            has =
                sp_parallel_sample(&s, &all, (apr_uint64_t)(i - 5), MS(at_ms));
            assert_int_equal(has, i == 65);
        }
        if (i < 60) {
            sp_parallel_begin(&all, (apr_uint64_t)(i + 1), MS(at_ms));
        }
    }
    /* 60 x 25 kB in 6.5 s: 1846 kbit/s */
    assert_int_equal(s.lower_bound, 0);
    assert_in_range((int)s.rate_kbps, 1700, 2000);
}

/* More at once than there is room for: what is left is only a bound. */
static void a_group_that_lacks_some_is_a_bound(void **state)
{
    sp_parallel_t all = {0};
    sp_sample_t s;
    int i, points = 0, bounds = 0;

    for (i = 1; i <= SP_PARALLEL_MAX + 3; i++) {
        sp_parallel_begin(&all, (apr_uint64_t)i, MS(i));
    }
    for (i = 1; i <= SP_PARALLEL_MAX + 3; i++) {
        (void)end(&all, (apr_uint64_t)i, 100000, i, 5000 + i);
        if (sp_parallel_sample(&s, &all, (apr_uint64_t)i, MS(5000 + i))) {
            points += !s.lower_bound;
            bounds += s.lower_bound;
        }
    }
    assert_int_equal(points, 0);
    assert_int_equal(bounds, 1);
}

static void a_long_download_is_there_as_long_as_it_is_seen(void **state)
{
    sp_parallel_t all = {0};
    int ms;

    sp_parallel_begin(&all, 1, MS(0));
    for (ms = 30000; ms <= 600000; ms += 30000) {
        sp_parallel_seen(&all, 1, MS(ms));
    }
    sp_parallel_begin(&all, 2, MS(600000));
    assert_int_equal(end(&all, 2, 100000, 600000, 601000), 0);
}

static void what_is_left_behind_is_on_the_line_for_a_while(void **state)
{
    sp_parallel_t all = {0};
    sp_sample_t s;

    sp_parallel_begin(&all, 1, MS(0));
    sp_parallel_leave(&all, 1, MS(3000));
    sp_parallel_begin(&all, 2, MS(1000));
    assert_int_equal(end(&all, 2, 100000, 1000, 2000), 0);
    assert_int_equal(sp_parallel_sample(&s, &all, 2, MS(2000)), 1);
    assert_int_equal(s.lower_bound, 1);
    sp_parallel_begin(&all, 3, MS(4000));
    assert_int_equal(end(&all, 3, 100000, 4000, 5000), 1);
}

static void clocks_that_run_backwards_do_no_harm(void **state)
{
    sp_parallel_t all = {0};
    sp_sample_t s;

    sp_parallel_begin(&all, 1, MS(5000));
    sp_parallel_begin(&all, 2, MS(4000));
    assert_int_equal(end(&all, 1, 100000, 4000, 4500), 0);
    assert_int_equal(end(&all, 2, 100000, 9000, 4500), 1); /* ended before */
    assert_int_equal(sp_parallel_sample(&s, &all, 1, MS(4500)), 0);
}

static void more_than_there_is_room_for_stay_bounded(void **state)
{
    sp_parallel_t all = {0};
    int i;

    for (i = 1; i <= 100; i++) {
        sp_parallel_begin(&all, (apr_uint64_t)i, MS(i));
    }
    for (i = 1; i <= 100 - SP_PARALLEL_MAX; i++) { /* pushed out */
        assert_int_equal(end(&all, (apr_uint64_t)i, 100000, i, 5000), 0);
    }
}

static void a_dead_process_is_forgotten(void **state)
{
    sp_parallel_t all = {0};
    apr_time_t later = T0 + 2 * SP_PARALLEL_STALE_FOR;
    sp_sample_t s;

    sp_parallel_begin(&all, 1, T0); /* never ends */
    sp_parallel_begin(&all, 2, later);
    assert_int_equal(sp_parallel_end(&all, 2, 100000, 20, apr_time_from_sec(1),
                                     later + apr_time_from_sec(1)),
                     1);
    assert_int_equal(sp_parallel_sample(&s, &all, 1, later), 0);
}

static void what_was_never_begun_is_not_alone(void **state)
{
    sp_parallel_t all = {0};
    sp_sample_t s;

    assert_int_equal(end(&all, 9, 100000, 0, 100), 0);
    assert_int_equal(sp_parallel_sample(&s, &all, 9, MS(100)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(one_after_the_other_each_is_alone),
        UNIT(p8_six_connections_speak_together),
        UNIT(a_chain_of_overlaps_is_one_group),
        UNIT(waiting_for_the_server_is_not_delivering),
        UNIT(p8_many_deliveries_are_summed_up),
        UNIT(a_group_that_lacks_some_is_a_bound),
        UNIT(a_long_download_is_there_as_long_as_it_is_seen),
        UNIT(what_is_left_behind_is_on_the_line_for_a_while),
        UNIT(clocks_that_run_backwards_do_no_harm),
        UNIT(more_than_there_is_room_for_stay_bounded),
        UNIT(a_dead_process_is_forgotten),
        UNIT(what_was_never_begun_is_not_alone),
    };

    return UNIT_RUN(tests);
}
