/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread sleeps until the earliest duty is due.  A shared turn holds the
 * moment from which on the duty is due again; moving it on by compare-and-swap
 * is what makes one of all processes do it.
 *
 * Who did it looks again when it is due, and so keeps doing it; the others look
 * some turns later, each at a moment of its own:
 *
 *     turns    |    |    |    |    |    |    |
 *     winner   x    x    x    x    x    x    x
 *     others   x                 o .. o
 *
 * So hundreds of idle processes do not all wake at each turn, and where the
 * winner is gone one of the others takes over.
 */
#include "base/caretaker.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/pool.h"
#include "base/quiet.h"
#include "base/steady.h"

struct ds_caretaker_t {
    pthread_mutex_t mutex; /* guards stop and hurry */
    pthread_cond_t news;
    pthread_t thread;
    int stop;
    apr_uint64_t hurry; /* set of duties to be done at once */
    apr_pool_t *pool;   /* the thread's own */
    int count;
    ds_duty_t *duty;
    apr_time_t *own_turn; /* of duties that every process does, and the next
                             look at a shared one */
};

/* Others look so many turns after the one that they lost, but no longer than
   that after it was due; and as much again, by their number (ours). */
#define OTHERS_TURNS 2
#define OTHERS_LONGEST apr_time_from_sec(2)

/* Parts of that time that processes are spread over. */
#define OTHERS_PARTS 64

static apr_time_t look_again_at(const ds_duty_t *duty, apr_time_t due)
{
    apr_interval_time_t span = OTHERS_TURNS * duty->every;

    span = span < OTHERS_LONGEST ? span : OTHERS_LONGEST;
    return due + span + span * (getpid() % OTHERS_PARTS) / OTHERS_PARTS;
}

/* May this process do the duty now?  If not, *next is when to look again. */
static int is_ours(apr_time_t *next, const ds_duty_t *duty, apr_time_t now)
{
    apr_int64_t due;

    *next = now + duty->every;
    if (!duty->turn) {
        return 1;
    }
    due = atomic_load(duty->turn);
    /* A turn far ahead is of another boot, whose clock had run longer. */
    if (due > now && due <= now + duty->every) {
        *next = look_again_at(duty, due);
        return 0;
    }
    if (atomic_compare_exchange_strong(duty->turn, &due, now + duty->every)) {
        return 1;
    }
    *next = look_again_at(duty, now + duty->every);
    return 0;
}

static void do_duty(ds_caretaker_t *caretaker, int at)
{
    const ds_duty_t *duty = &caretaker->duty[at];
    apr_pool_t *ptemp;

    if (apr_pool_create(&ptemp, caretaker->pool) == APR_SUCCESS) {
        duty->run(duty->baton, apr_time_now(), ptemp);
        apr_pool_destroy(ptemp);
    }
}

/* Do what is due.  @return when the next one is */
static apr_time_t do_due(ds_caretaker_t *caretaker, apr_uint64_t hurry)
{
    apr_time_t earliest = ds_steady_now() + apr_time_from_sec(3600);
    int i;

    for (i = 0; i < caretaker->count; i++) {
        apr_time_t now = ds_steady_now(), *turn = &caretaker->own_turn[i];

        if (hurry & (apr_uint64_t)1 << i ||
            (*turn <= now && is_ours(turn, &caretaker->duty[i], now))) {
            do_duty(caretaker, i);
        }
        earliest = *turn < earliest ? *turn : earliest;
    }
    return earliest;
}

static void *run(void *baton)
{
    ds_caretaker_t *caretaker = baton;

    pthread_mutex_lock(&caretaker->mutex);
    while (!caretaker->stop) {
        apr_uint64_t hurry = caretaker->hurry;
        struct timespec until;
        apr_time_t next;

        caretaker->hurry = 0;
        pthread_mutex_unlock(&caretaker->mutex);
        next = do_due(caretaker, hurry);
        until.tv_sec = apr_time_sec(next);
        until.tv_nsec = (long)apr_time_usec(next) * 1000;
        pthread_mutex_lock(&caretaker->mutex);
        if (!caretaker->stop && !caretaker->hurry) {
            pthread_cond_timedwait(&caretaker->news, &caretaker->mutex, &until);
        }
    }
    pthread_mutex_unlock(&caretaker->mutex);
    return NULL;
}

static apr_status_t end(void *baton)
{
    ds_caretaker_t *caretaker = baton;
    sigset_t before;

    ds_quiet_enter(&caretaker->mutex, &before);
    caretaker->stop = 1;
    pthread_cond_signal(&caretaker->news);
    ds_quiet_leave(&caretaker->mutex, &before);
    pthread_join(caretaker->thread, NULL);
    pthread_cond_destroy(&caretaker->news);
    pthread_mutex_destroy(&caretaker->mutex);
    return APR_SUCCESS;
}

static void make_condition(pthread_cond_t *out)
{
    pthread_condattr_t steady;

    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(out, &steady);
    pthread_condattr_destroy(&steady);
}

apr_status_t ds_caretaker_make(ds_caretaker_t **out, const ds_duty_t *duties,
                               int count, apr_pool_t *p)
{
    ds_caretaker_t *caretaker = apr_pcalloc(p, sizeof(*caretaker));
    apr_status_t rv = ds_pool_make_own(&caretaker->pool, p);
    int failed;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    caretaker->count = count;
    caretaker->duty = apr_pmemdup(p, duties, sizeof(*duties) * (size_t)count);
    caretaker->own_turn =
        apr_pcalloc(p, sizeof(*caretaker->own_turn) * (size_t)count);
    pthread_mutex_init(&caretaker->mutex, NULL);
    make_condition(&caretaker->news);
    failed = ds_quiet_thread(&caretaker->thread, run, caretaker);
    if (failed) {
        return APR_FROM_OS_ERROR(failed);
    }
    apr_pool_pre_cleanup_register(p, caretaker, end);
    *out = caretaker;
    return APR_SUCCESS;
}

void ds_caretaker_hurry(ds_caretaker_t *caretaker, int duty)
{
    sigset_t before;

    if (!caretaker) {
        return;
    }
    ds_quiet_enter(&caretaker->mutex, &before);
    caretaker->hurry |= (apr_uint64_t)1 << duty;
    pthread_cond_signal(&caretaker->news);
    ds_quiet_leave(&caretaker->mutex, &before);
}
