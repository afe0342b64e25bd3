/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdlib.h>

#include "render/queue.h"

#define SECOND_US 1000000
#define NEVER_US APR_UINT64_MAX

/* Jobs are named by numbers. */
static void *job(apr_uintptr_t number)
{
    return (void *)number;
}

static di_waiting_t waiting(apr_uintptr_t number, unsigned urgency,
                            apr_uint64_t client)
{
    di_waiting_t it = {.job = job(number),
                       .urgency = urgency,
                       .priority = 5,
                       .client = client,
                       .deadline_us = NEVER_US};

    return it;
}

static void add(di_queue_t *queue, const di_waiting_t *it)
{
    di_waiting_t out;

    assert_int_equal(di_queue_add(queue, &out, it, it->arrived_us), 0);
}

static apr_uintptr_t take(di_queue_t *queue, apr_uint64_t now_us)
{
    di_waiting_t out;

    return di_queue_take(queue, &out, now_us) ? (apr_uintptr_t)out.job : 0;
}

static void an_empty_queue_has_nothing(void **state)
{
    di_queue_t *queue = di_queue_make(2, 1000);
    di_waiting_t out;

    assert_int_equal(di_queue_take(queue, &out, 0), 0);
    assert_int_equal(di_queue_expire(queue, &out, 0), 0);
    assert_int_equal(di_queue_remove(queue, job(1)), 0);
    assert_int_equal(di_queue_count(queue), 0);
    di_queue_free(queue);
    di_queue_free(NULL);
}

/* Added in this order, taken in that of `place`. */
typedef struct {
    unsigned urgency, priority;
    apr_uint64_t client;
    int place;
} order_case_t;

static const order_case_t order_cases[] = {
    {DI_URGENCY_AHEAD, 9, 0, 8},   {DI_URGENCY_STALE, 5, 0, 6},
    {DI_URGENCY_STALE, 5, 0, 7},   {DI_URGENCY_MISSING, 1, 0, 5},
    {DI_URGENCY_MISSING, 2, 0, 3}, {DI_URGENCY_MISSING, 2, 0, 4},
    {DI_URGENCY_QUICK, 0, 0, 2},   {DI_URGENCY_QUICK, 9, 0, 1},
};

static void urgency_then_priority_then_arrival_decide(void **state)
{
    enum { CASES = sizeof(order_cases) / sizeof(*order_cases) };
    di_queue_t *queue = di_queue_make(CASES, 60000);
    int i, place;

    for (i = 0; i < CASES; i++) {
        di_waiting_t it = waiting((apr_uintptr_t)i + 1, order_cases[i].urgency,
                                  order_cases[i].client);

        it.priority = order_cases[i].priority;
        add(queue, &it);
    }
    for (place = 1; place <= CASES; place++) {
        apr_uintptr_t got = take(queue, 0);

        assert_in_range(got, 1, CASES);
        assert_int_equal(order_cases[got - 1].place, place);
    }
    di_queue_free(queue);
}

static void what_nobody_waits_for_can_be_left_for_later(void **state)
{
    static const unsigned urgencies[] = {DI_URGENCY_AHEAD, DI_URGENCY_STALE,
                                         DI_URGENCY_MISSING, DI_URGENCY_QUICK};
    di_queue_t *queue = di_queue_make(4, 1000);
    di_waiting_t out;
    unsigned i;

    for (i = 0; i < 4; i++) {
        di_waiting_t it = waiting(i + 1, urgencies[i], 0);

        add(queue, &it);
    }
    /* Long after: all are lifted as far as can be. */
    assert_int_equal(di_queue_take_awaited(queue, &out, 3600000000u), 1);
    assert_ptr_equal(out.job, job(3));
    assert_int_equal(di_queue_take_awaited(queue, &out, 3600000000u), 1);
    assert_ptr_equal(out.job, job(4));
    assert_int_equal(di_queue_take_awaited(queue, &out, 3600000000u), 0);
    assert_int_equal(di_queue_count(queue), 2);
    assert_int_equal(take(queue, 3600000000u), 1);
    assert_int_equal(take(queue, 3600000000u), 2);
    di_queue_free(queue);
}

static void clients_take_turns(void **state)
{
    static const apr_uintptr_t wanted[] = {1, 11, 2, 12, 3, 13, 4, 5};
    di_queue_t *queue = di_queue_make(20, 60000);
    size_t i;

    for (i = 1; i <= 5; i++) {
        di_waiting_t it = waiting(i, DI_URGENCY_MISSING, 100);

        add(queue, &it);
    }
    for (i = 11; i <= 13; i++) {
        di_waiting_t it = waiting(i, DI_URGENCY_MISSING, 200);

        add(queue, &it);
    }
    for (i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
        assert_int_equal(take(queue, 0), wanted[i]);
    }
    di_queue_free(queue);
}

static void who_comes_later_goes_before_the_rest_of_a_long_page(void **state)
{
    di_queue_t *queue = di_queue_make(101, 60000);
    di_waiting_t other = waiting(500, DI_URGENCY_MISSING, 2);
    size_t i;

    for (i = 1; i <= 100; i++) {
        di_waiting_t it = waiting(i, DI_URGENCY_MISSING, 1);

        add(queue, &it);
    }
    for (i = 1; i <= 40; i++) {
        assert_int_equal(take(queue, 0), i);
        if (i > 2) {
            di_queue_done(queue, 1); /* two are always running */
        }
    }
    add(queue, &other);
    assert_int_equal(take(queue, 0), 500);
    assert_int_equal(take(queue, 0), 41);
    di_queue_free(queue);
}

/* With equal turns, the one who keeps fewer renderers busy goes first. */
static void running_jobs_count_as_taken(void **state)
{
    di_queue_t *queue = di_queue_make(8, 60000);
    di_waiting_t busy = waiting(1, DI_URGENCY_MISSING, 1);
    di_waiting_t again = waiting(2, DI_URGENCY_MISSING, 1);
    di_waiting_t idle = waiting(3, DI_URGENCY_MISSING, 2);

    add(queue, &busy);
    assert_int_equal(take(queue, 0), 1);
    add(queue, &again);
    add(queue, &idle);
    assert_int_equal(take(queue, 0), 3);
    di_queue_done(queue, 2);
    assert_int_equal(take(queue, 0), 2);
    di_queue_done(queue, 1);
    di_queue_done(queue, 1);
    di_queue_done(queue, 1); /* one too many is no harm */
    di_queue_done(queue, 77);

    add(queue, &again);
    add(queue, &idle);
    assert_int_equal(take(queue, 0), 2);
    di_queue_free(queue);
}

static void nobodys_jobs_are_clients_of_their_own(void **state)
{
    di_queue_t *queue = di_queue_make(8, 60000);
    apr_uintptr_t i;

    for (i = 1; i <= 3; i++) {
        di_waiting_t it = waiting(i, DI_URGENCY_MISSING, 0);

        add(queue, &it);
    }
    for (i = 11; i <= 12; i++) {
        di_waiting_t it = waiting(i, DI_URGENCY_MISSING, 9);

        add(queue, &it);
    }
    assert_int_equal(take(queue, 0), 1);
    assert_int_equal(take(queue, 0), 2);
    assert_int_equal(take(queue, 0), 3);
    assert_int_equal(take(queue, 0), 11);
    assert_int_equal(take(queue, 0), 12);
    di_queue_free(queue);
}

static void age_lifts_a_job_by_one_urgency_at_a_time(void **state)
{
    static const struct {
        apr_uint64_t waited_us;
        apr_uintptr_t first; /* 1: the old one, ahead; 2: a new one */
        unsigned urgency;    /* of the new one */
    } cases[] = {{SECOND_US - 1, 2, DI_URGENCY_STALE},
                 {SECOND_US, 1, DI_URGENCY_STALE},
                 {SECOND_US, 2, DI_URGENCY_MISSING},
                 {2 * SECOND_US, 1, DI_URGENCY_MISSING},
                 {2 * SECOND_US, 2, DI_URGENCY_QUICK},
                 {3 * SECOND_US, 1, DI_URGENCY_QUICK}};
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        di_queue_t *queue = di_queue_make(2, 1000);
        di_waiting_t old = waiting(1, DI_URGENCY_AHEAD, 0);
        di_waiting_t new = waiting(2, cases[i].urgency, 0);

        new.arrived_us = cases[i].waited_us;
        add(queue, &old);
        add(queue, &new);
        if (take(queue, cases[i].waited_us) != cases[i].first) {
            fail_msg("case %zu", i);
        }
        di_queue_free(queue);
    }
}

/* Who floods the queue, while one job of the least urgency waits. */
typedef struct {
    const char *who;
    apr_uint64_t client; /* 0: a new one for each job */
    int nobody;          /* 1: jobs of nobody */
    apr_uint64_t victim; /* whose job waits */
} flood_t;

static const flood_t floods[] = {
    {"another client", 1, 0, 2},        {"the same client", 1, 0, 1},
    {"ever new clients", 0, 0, 1},      {"nobody", 0, 1, 1},
    {"nobody against nobody", 0, 1, 0},
};

/* The queue is always full of jobs of the first urgency and the highest
   priority. */
static int taken_before_the_victim(const flood_t *flood)
{
    enum { PLACES = 50, STEP_US = 10000, LIMIT = 100000 };
    di_queue_t *queue = di_queue_make(PLACES, 1000);
    di_waiting_t victim = waiting(1, DI_URGENCY_AHEAD, flood->victim);
    apr_uint64_t now_us = 0, next_client = 1000;
    apr_uintptr_t number = 2;
    int taken;

    victim.priority = 0;
    add(queue, &victim);
    for (taken = 0; taken < LIMIT; taken++) {
        di_waiting_t out;

        while (di_queue_count(queue) < PLACES) {
            apr_uint64_t client = flood->client ? flood->client : next_client++;
            di_waiting_t it =
                waiting(number++, DI_URGENCY_QUICK, flood->nobody ? 0 : client);

            it.priority = 9;
            it.arrived_us = now_us;
            add(queue, &it);
        }
        assert_int_equal(di_queue_take(queue, &out, now_us), 1);
        if (out.job == job(1)) {
            break;
        }
        di_queue_done(queue, out.client);
        now_us += STEP_US;
    }
    di_queue_free(queue);
    return taken;
}

static void no_job_waits_for_ever(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(floods) / sizeof(*floods); i++) {
        int taken = taken_before_the_victim(&floods[i]);

        /* 300 until others let it go first.  Its own client's come before it
           for 16 times as long. */
        if (taken >
            (floods[i].client == floods[i].victim ? 16 : 1) * 300 + 2 * 50) {
            fail_msg("%s: %d jobs first", floods[i].who, taken);
        }
    }
}

/* Four clients with 1 to 64 jobs at a time get the same share. */
static void shares_are_equal_whatever_is_asked(void **state)
{
    static const unsigned wants[] = {1, 4, 16, 64};
    di_queue_t *queue = di_queue_make(100, 1000);
    unsigned have[4] = {0}, got[4] = {0}, i, step;
    apr_uint64_t now_us = 0;

    for (step = 0; step < 4000; step++) {
        di_waiting_t out;

        for (i = 0; i < 4; i++) {
            while (have[i] < wants[i]) {
                di_waiting_t it = waiting(1, DI_URGENCY_MISSING, i + 1);

                it.arrived_us = now_us;
                add(queue, &it);
                have[i]++;
            }
        }
        assert_int_equal(di_queue_take(queue, &out, now_us), 1);
        di_queue_done(queue, out.client);
        have[out.client - 1]--;
        got[out.client - 1]++;
        now_us += 20000;
    }
    for (i = 0; i < 4; i++) {
        assert_in_range(got[i], 990, 1010);
    }
    di_queue_free(queue);
}

static void jobs_past_their_deadline_are_found(void **state)
{
    di_queue_t *queue = di_queue_make(4, 1000);
    apr_uintptr_t i;
    di_waiting_t out;

    for (i = 1; i <= 3; i++) {
        di_waiting_t it = waiting(i, DI_URGENCY_MISSING, 1);

        it.deadline_us = i * 100;
        add(queue, &it);
    }
    assert_int_equal(di_queue_expire(queue, &out, 99), 0);
    assert_int_equal(di_queue_expire(queue, &out, 100), 1);
    assert_ptr_equal(out.job, job(1));
    assert_int_equal(di_queue_expire(queue, &out, 100), 0);
    assert_int_equal(di_queue_expire(queue, &out, 300), 1);
    assert_int_equal(di_queue_expire(queue, &out, 300), 1);
    assert_int_equal(di_queue_count(queue), 0);
    di_queue_free(queue);
}

static void a_job_can_be_removed_once(void **state)
{
    di_queue_t *queue = di_queue_make(4, 1000);
    apr_uintptr_t i;

    for (i = 1; i <= 3; i++) {
        di_waiting_t it = waiting(i, DI_URGENCY_MISSING, 1);

        add(queue, &it);
    }
    assert_int_equal(di_queue_remove(queue, job(2)), 1);
    assert_int_equal(di_queue_remove(queue, job(2)), 0);
    assert_int_equal(di_queue_count(queue), 2);
    assert_int_equal(take(queue, 0), 1);
    assert_int_equal(take(queue, 0), 3);
    assert_int_equal(take(queue, 0), 0);
    di_queue_free(queue);
}

/* A queue of three jobs is full; what a fourth one does. */
typedef struct {
    const char *what;
    di_waiting_t jobs[4];
    apr_uintptr_t told; /* that there is no place */
} full_case_t;

#define JOB(number, urgent, prio, whose)                                       \
    {                                                                          \
        .job = (void *)(number), .urgency = DI_URGENCY_##urgent,               \
        .priority = (prio), .client = (whose), .deadline_us = NEVER_US         \
    }

static const full_case_t full_cases[] = {
    {"an equal one is refused",
     {JOB(1, STALE, 5, 0), JOB(2, STALE, 5, 0), JOB(3, STALE, 5, 0),
      JOB(4, STALE, 5, 0)},
     4},
    {"a less urgent one is refused",
     {JOB(1, STALE, 5, 0), JOB(2, STALE, 5, 0), JOB(3, STALE, 5, 0),
      JOB(4, AHEAD, 9, 0)},
     4},
    {"a more urgent one pushes out the last of the least urgent",
     {JOB(1, AHEAD, 5, 0), JOB(2, AHEAD, 5, 0), JOB(3, QUICK, 5, 0),
      JOB(4, MISSING, 0, 0)},
     2},
    {"one of a higher tier pushes out one of the lowest",
     {JOB(1, MISSING, 5, 0), JOB(2, MISSING, 2, 0), JOB(3, MISSING, 5, 0),
      JOB(4, MISSING, 3, 0)},
     2},
    {"who has many gives way to who has none",
     {JOB(1, MISSING, 9, 7), JOB(2, MISSING, 9, 7), JOB(3, MISSING, 9, 8),
      JOB(4, MISSING, 0, 9)},
     2},
    {"who has one gives way to nobody who has one",
     {JOB(1, MISSING, 0, 7), JOB(2, MISSING, 0, 8), JOB(3, MISSING, 0, 9),
      JOB(4, MISSING, 0, 7)},
     4},
    {"the same client's job of a lower tier is pushed out",
     {JOB(1, MISSING, 0, 7), JOB(2, MISSING, 0, 8), JOB(3, MISSING, 0, 9),
      JOB(4, MISSING, 9, 7)},
     1},
};

static void when_it_is_full_the_last_in_order_is_told(void **state)
{
    size_t i, k;

    for (i = 0; i < sizeof(full_cases) / sizeof(*full_cases); i++) {
        const full_case_t *c = &full_cases[i];
        di_queue_t *queue = di_queue_make(3, 1000);
        di_waiting_t out;

        for (k = 0; k < 3; k++) {
            add(queue, &c->jobs[k]);
        }
        assert_int_equal(di_queue_add(queue, &out, &c->jobs[3], 0), 1);
        if (out.job != job(c->told)) {
            fail_msg("%s", c->what);
        }
        assert_int_equal(di_queue_count(queue), 3);
        di_queue_free(queue);
    }
}

/* A thousand clients, each once: their numbers are forgotten again. */
static void any_number_of_clients_fits_into_fixed_memory(void **state)
{
    di_queue_t *queue = di_queue_make(3, 1000);
    apr_uintptr_t i;

    for (i = 1; i <= 1000; i++) {
        di_waiting_t it = waiting(i, DI_URGENCY_MISSING, i);

        add(queue, &it);
        assert_int_equal(take(queue, 0), i);
        if (i % 2) { /* the other half never end */
            di_queue_done(queue, i);
        }
    }
    assert_int_equal(di_queue_count(queue), 0);
    di_queue_free(queue);
}

static void clocks_that_run_back_do_no_harm(void **state)
{
    di_queue_t *queue = di_queue_make(2, 1000);
    di_waiting_t it = waiting(1, DI_URGENCY_AHEAD, 0);
    di_waiting_t other = waiting(2, DI_URGENCY_QUICK, 0);

    it.arrived_us = 10 * SECOND_US;
    add(queue, &it);
    add(queue, &other);
    assert_int_equal(take(queue, 0), 2);
    assert_int_equal(take(queue, 0), 1);
    di_queue_free(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(an_empty_queue_has_nothing),
        UNIT(urgency_then_priority_then_arrival_decide),
        UNIT(what_nobody_waits_for_can_be_left_for_later),
        UNIT(clients_take_turns),
        UNIT(who_comes_later_goes_before_the_rest_of_a_long_page),
        UNIT(running_jobs_count_as_taken),
        UNIT(nobodys_jobs_are_clients_of_their_own),
        UNIT(age_lifts_a_job_by_one_urgency_at_a_time),
        UNIT(no_job_waits_for_ever),
        UNIT(shares_are_equal_whatever_is_asked),
        UNIT(jobs_past_their_deadline_are_found),
        UNIT(a_job_can_be_removed_once),
        UNIT(when_it_is_full_the_last_in_order_is_told),
        UNIT(any_number_of_clients_fits_into_fixed_memory),
        UNIT(clocks_that_run_back_do_no_harm),
    };

    return UNIT_RUN(tests);
}
