/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <pthread.h>

#include <apr_strings.h>

#include "store/breaker.h"

#define REST DI_BREAKER_REST_FOR

/* One step of a story: at so many ms, what happens, and what is expected. */
typedef struct {
    int at_ms;
    enum { ASK, ANSWER, TIMEOUT, ERROR, END } what;
    int expected;
} step_t;

static const step_t one_timeout_opens_it[] = {
    {0, ASK, 1}, {10, TIMEOUT, 1}, {20, ASK, 0}, {5009, ASK, 0}, {0, END, 0},
};
static const step_t four_errors_open_it[] = {
    {0, ERROR, 0}, {1, ERROR, 0}, {2, ERROR, 0}, {3, ASK, 1},
    {3, ERROR, 1}, {4, ASK, 0},   {0, END, 0},
};
static const step_t rare_errors_are_forgiven[] = {
    {0, ERROR, 0},     {1, ERROR, 0},     {2, ERROR, 0},     {30000, ERROR, 0},
    {30001, ERROR, 0}, {30002, ERROR, 0}, {60000, ERROR, 0}, {89000, ERROR, 0},
    {89001, ERROR, 0}, {89002, ERROR, 1}, {0, END, 0},
};
static const step_t answers_between_do_not_clear_the_count[] = {
    {0, ERROR, 0}, {1, ERROR, 0}, {2, ERROR, 0}, {3, ANSWER, 0},
    {4, ERROR, 1}, {5, ASK, 0},   {0, END, 0},
};
static const step_t one_probe_is_let_through_after_the_rest[] = {
    {10, TIMEOUT, 1}, {5010, ASK, 1}, {5011, ASK, 0},
    {5012, ASK, 0},   {0, END, 0},
};
static const step_t an_answered_probe_closes_it[] = {
    {10, TIMEOUT, 1},   {5010, ASK, 1}, {5010, ANSWER, 1}, {5011, ANSWER, 0},
    {5011, ASK, 1},     {5012, ASK, 1}, {5013, ERROR, 0},  {5014, ASK, 1},
    {5015, TIMEOUT, 1}, {0, END, 0},
};
static const step_t an_answer_closes_it_without_asking[] = {
    {10, TIMEOUT, 1},
    {1010, ANSWER, 1},
    {1011, ASK, 1},
    {0, END, 0},
};
static const step_t a_failed_probe_keeps_it_open_quietly[] = {
    {10, TIMEOUT, 1}, {5010, ASK, 1},  {5060, TIMEOUT, 0}, {5061, ASK, 0},
    {10009, ASK, 0},  {10010, ASK, 1}, {10011, ERROR, 0},  {0, END, 0},
};
static const step_t a_probe_that_never_reports_costs_one_rest[] = {
    {10, TIMEOUT, 1}, {5010, ASK, 1}, {10009, ASK, 0},
    {10010, ASK, 1},  {0, END, 0},
};

static const struct {
    const char *name;
    const step_t *steps;
} stories[] = {
#define STORY(name)                                                            \
    {                                                                          \
#name, name                                                            \
    }
    STORY(one_timeout_opens_it),
    STORY(four_errors_open_it),
    STORY(rare_errors_are_forgiven),
    STORY(answers_between_do_not_clear_the_count),
    STORY(one_probe_is_let_through_after_the_rest),
    STORY(an_answered_probe_closes_it),
    STORY(an_answer_closes_it_without_asking),
    STORY(a_failed_probe_keeps_it_open_quietly),
    STORY(a_probe_that_never_reports_costs_one_rest),
};

static int take_step(di_breaker_t *breaker, const step_t *step)
{
    apr_time_t now =
        apr_time_from_sec(100000) + apr_time_from_msec(step->at_ms);

    switch (step->what) {
    case ASK:
        return di_breaker_allows(breaker, now, REST);
    case ANSWER:
        return di_breaker_succeeded(breaker);
    default:
        return di_breaker_failed(breaker,
                                 step->what == TIMEOUT ? DI_BREAKER_TIMEOUT
                                                       : DI_BREAKER_ERROR,
                                 now, REST);
    }
}

static void the_stories_of_a_breaker_end_as_told(void **state)
{
    size_t i;
    int at;

    for (i = 0; i < sizeof(stories) / sizeof(*stories); i++) {
        di_breaker_t breaker = {0};

        for (at = 0; stories[i].steps[at].what != END; at++) {
            if (take_step(&breaker, &stories[i].steps[at]) !=
                stories[i].steps[at].expected) {
                fail_msg("%s: step %d", stories[i].name, at);
            }
        }
    }
}

static void a_machine_just_started_has_a_clock_near_zero(void **state)
{
    di_breaker_t breaker = {0};

    assert_int_equal(di_breaker_is_open(&breaker), 0);
    assert_int_equal(di_breaker_failed(&breaker, DI_BREAKER_TIMEOUT, 2, REST),
                     1);
    assert_int_equal(di_breaker_allows(&breaker, 3, REST), 0);
    assert_int_equal(di_breaker_is_open(&breaker), 1);
}

typedef struct {
    di_breaker_t *breaker;
    int opened;
    int probes;
} asker_t;

static void *ask_often(void *baton)
{
    asker_t *asker = baton;
    int i;

    for (i = 0; i < 1000; i++) {
        asker->opened += di_breaker_failed(asker->breaker, DI_BREAKER_TIMEOUT,
                                           1000000, REST);
    }
    for (i = 0; i < 1000; i++) {
        asker->probes +=
            di_breaker_allows(asker->breaker, 1000000 + REST + i, REST);
    }
    return NULL;
}

static void among_threads_one_opens_it_and_one_probes(void **state)
{
    di_breaker_t breaker = {0};
    pthread_t thread[8];
    asker_t asker[8];
    int i, opened = 0, probes = 0;

    for (i = 0; i < 8; i++) {
        asker[i] = (asker_t){.breaker = &breaker};
        assert_int_equal(pthread_create(&thread[i], NULL, ask_often, &asker[i]),
                         0);
    }
    for (i = 0; i < 8; i++) {
        pthread_join(thread[i], NULL);
        opened += asker[i].opened;
        probes += asker[i].probes;
    }
    assert_int_equal(opened, 1);
    assert_int_equal(probes, 1);
}

static const char *name_of(int i, apr_pool_t *p)
{
    return apr_psprintf(p, "10.0.0.%d:11211", i);
}

static void each_server_of_a_table_has_its_own_breaker(void **state)
{
    di_breaker_t table[DI_BREAKERS] = {{0}};
    di_breaker_t *seen[DI_BREAKERS];
    int i, j;

    for (i = 0; i < DI_BREAKERS; i++) {
        seen[i] = di_breaker_of(table, name_of(i, *state));
        assert_in_range(seen[i] - table, 0, DI_BREAKERS - 1);
        for (j = 0; j < i; j++) {
            assert_ptr_not_equal(seen[i], seen[j]);
        }
    }
    for (i = DI_BREAKERS - 1; i >= 0; i--) {
        assert_ptr_equal(di_breaker_of(table, name_of(i, *state)), seen[i]);
    }
    /* One too many gets one all the same. */
    assert_in_range(di_breaker_of(table, "/one/more") - table, 0,
                    DI_BREAKERS - 1);
}

static void a_start_closes_all_and_forgets_when_many_are_known(void **state)
{
    di_breaker_t table[DI_BREAKERS] = {{0}};
    di_breaker_t *first = di_breaker_of(table, name_of(0, *state));
    int i;

    assert_int_equal(di_breaker_failed(first, DI_BREAKER_TIMEOUT, 2, REST), 1);
    di_breakers_clear(table);
    assert_int_equal(di_breaker_is_open(first), 0);
    assert_int_not_equal(first->owner, 0);
    for (i = 0; i <= DI_BREAKERS / 2; i++) {
        (void)di_breaker_of(table, name_of(i, *state));
    }
    di_breakers_clear(table);
    for (i = 0; i < DI_BREAKERS; i++) {
        assert_int_equal(table[i].owner, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(the_stories_of_a_breaker_end_as_told),
        UNIT(each_server_of_a_table_has_its_own_breaker),
        UNIT(a_start_closes_all_and_forgets_when_many_are_known),
        UNIT(a_machine_just_started_has_a_clock_near_zero),
        UNIT(among_threads_one_opens_it_and_one_probes),
    };

    return UNIT_RUN(tests);
}
