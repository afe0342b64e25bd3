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
        UNIT(more_than_there_is_room_for_stay_bounded),
        UNIT(a_dead_process_is_forgotten),
        UNIT(what_was_never_begun_is_not_alone),
    };

    return UNIT_RUN(tests);
}
