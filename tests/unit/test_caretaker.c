/* SPDX-License-Identifier: Apache-2.0 */
/* Duties: each process does its own, one of several does a shared one. */
#include "unit.h"

#include "base/caretaker.h"

#define EVERY apr_time_from_msec(20)

typedef struct {
    atomic_int runs;
} count_t;

static void count_run(void *baton, apr_time_t now, apr_pool_t *ptemp)
{
    count_t *count = baton;

    assert_non_null(apr_palloc(ptemp, 1000));
    atomic_fetch_add(&count->runs, 1);
}

/* Until a condition holds, or for a time that no sane machine needs. */
#define WAIT_FOR(condition)                                                    \
    do {                                                                       \
        int tries = 0;                                                         \
        while (!(condition) && tries++ < 3000) {                               \
            apr_sleep(10000);                                                  \
        }                                                                      \
        assert_true(condition);                                                \
    } while (0)

static void a_duty_comes_round(void **state)
{
    count_t count = {0};
    ds_duty_t duty = {count_run, &count, EVERY, NULL};
    ds_caretaker_t *caretaker;
    apr_pool_t *p;

    assert_int_equal(apr_pool_create(&p, *state), APR_SUCCESS);
    assert_int_equal(ds_caretaker_make(&caretaker, &duty, 1, p), APR_SUCCESS);
    WAIT_FOR(atomic_load(&count.runs) >= 3);
    apr_pool_destroy(p);
}

static void nothing_runs_after_the_pool_is_gone(void **state)
{
    count_t count = {0};
    ds_duty_t duty = {count_run, &count, EVERY, NULL};
    ds_caretaker_t *caretaker;
    apr_pool_t *p;
    int runs;

    assert_int_equal(apr_pool_create(&p, *state), APR_SUCCESS);
    assert_int_equal(ds_caretaker_make(&caretaker, &duty, 1, p), APR_SUCCESS);
    apr_pool_destroy(p);
    runs = atomic_load(&count.runs);
    apr_sleep(5 * EVERY);
    assert_int_equal(atomic_load(&count.runs), runs);
}

/* Two caretakers stand for two processes: the turn is all that they share. */
static void a_shared_duty_is_done_by_one_of_two(void **state)
{
    _Atomic apr_int64_t turn = 0;
    count_t one = {0}, two = {0};
    ds_duty_t duties[2] = {{count_run, &one, apr_time_from_sec(3600), &turn},
                           {count_run, &two, apr_time_from_sec(3600), &turn}};
    ds_caretaker_t *first, *second;
    apr_pool_t *p;

    assert_int_equal(apr_pool_create(&p, *state), APR_SUCCESS);
    assert_int_equal(ds_caretaker_make(&first, &duties[0], 1, p), APR_SUCCESS);
    assert_int_equal(ds_caretaker_make(&second, &duties[1], 1, p), APR_SUCCESS);
    WAIT_FOR(atomic_load(&one.runs) + atomic_load(&two.runs) > 0);
    apr_sleep(5 * EVERY);
    assert_int_equal(atomic_load(&one.runs) + atomic_load(&two.runs), 1);
    apr_pool_destroy(p);
}

static void another_one_goes_on_when_the_winner_is_gone(void **state)
{
    _Atomic apr_int64_t turn = 0;
    count_t one = {0}, two = {0};
    ds_duty_t duties[2] = {{count_run, &one, EVERY, &turn},
                           {count_run, &two, EVERY, &turn}};
    ds_caretaker_t *first, *second;
    apr_pool_t *p, *q;

    assert_int_equal(apr_pool_create(&p, *state), APR_SUCCESS);
    assert_int_equal(apr_pool_create(&q, *state), APR_SUCCESS);
    assert_int_equal(ds_caretaker_make(&first, &duties[0], 1, p), APR_SUCCESS);
    WAIT_FOR(atomic_load(&one.runs) > 0);
    assert_int_equal(ds_caretaker_make(&second, &duties[1], 1, q), APR_SUCCESS);
    apr_pool_destroy(p);
    WAIT_FOR(atomic_load(&two.runs) > 2);
    apr_pool_destroy(q);
}

static void a_turn_of_another_boot_is_no_obstacle(void **state)
{
    _Atomic apr_int64_t turn = APR_INT64_MAX / 2;
    count_t count = {0};
    ds_duty_t duty = {count_run, &count, EVERY, &turn};
    ds_caretaker_t *caretaker;
    apr_pool_t *p;

    assert_int_equal(apr_pool_create(&p, *state), APR_SUCCESS);
    assert_int_equal(ds_caretaker_make(&caretaker, &duty, 1, p), APR_SUCCESS);
    WAIT_FOR(atomic_load(&count.runs) >= 2);
    apr_pool_destroy(p);
}

static void a_duty_can_be_hurried(void **state)
{
    count_t count = {0};
    ds_duty_t duty = {count_run, &count, apr_time_from_sec(3600), NULL};
    ds_caretaker_t *caretaker;
    apr_pool_t *p;

    assert_int_equal(apr_pool_create(&p, *state), APR_SUCCESS);
    assert_int_equal(ds_caretaker_make(&caretaker, &duty, 1, p), APR_SUCCESS);
    WAIT_FOR(atomic_load(&count.runs) == 1);
    ds_caretaker_hurry(caretaker, 0);
    WAIT_FOR(atomic_load(&count.runs) == 2);
    ds_caretaker_hurry(NULL, 0);
    apr_pool_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_duty_comes_round),
        UNIT(nothing_runs_after_the_pool_is_gone),
        UNIT(a_shared_duty_is_done_by_one_of_two),
        UNIT(another_one_goes_on_when_the_winner_is_gone),
        UNIT(a_turn_of_another_boot_is_no_obstacle),
        UNIT(a_duty_can_be_hurried)};

    return UNIT_RUN(tests);
}
