/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sampler's thread and its list.  One mutex guards both; a look is made
 * under it, so whoever holds it knows that none is under way.  A look costs
 * about a microsecond, and a round over the list is cut in pieces, so nobody
 * waits long.
 */
#include "speed/sampler.h"

#include <pthread.h>
#include <signal.h>

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include "base/pool.h"

/* Looks that are made before others get the mutex. */
#define LOOKS_AT_ONCE 64

/* Due later than anybody asks for: the clock was set back. */
#define FAR_FOR apr_time_from_sec(60)

struct sp_sampler_t {
    apr_time_t (*clock)(void);
    apr_status_t (*read)(sp_tcp_t *, int);
    apr_pool_t *p; /* of the thread; with an allocator of its own,
                      for it is made by whatever thread comes */
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *wake; /* something is to be watched, or stop */
    apr_thread_t *thread;    /* NULL: not started yet */
    int hold_signals;
    int stop;
    int failed;          /* no thread can be had; not tried again */
    apr_time_t wakes_at; /* the thread sleeps until then */
    apr_uint32_t count;
    sp_watch_t *list[SP_SAMPLER_MAX]; /* list[place - 1] */
};

/* The last one takes the place. */
static void drop(sp_sampler_t *s, sp_watch_t *watch)
{
    sp_watch_t *last = s->list[--s->count];

    s->list[watch->place - 1] = last;
    last->place = watch->place;
    watch->place = 0;
}

static void look(sp_sampler_t *s, sp_watch_t *watch)
{
    apr_time_t before = s->clock(), now;
    apr_interval_time_t next;
    sp_tcp_t tcp;
    apr_status_t rv = s->read(&tcp, watch->fd);

    now = s->clock();
    next = watch->on_look(watch->baton, rv, &tcp, before, now);
    if (next <= 0) {
        drop(s, watch);
    }
    else {
        watch->due_at = now + next;
    }
}

/* Look at all that are due.  A connection that moves in the list meanwhile
   is looked at in the next round. */
static void round_of_looks(sp_sampler_t *s)
{
    apr_time_t now = s->clock();
    apr_uint32_t i = 0, looks = 0;

    while (i < s->count && !s->stop) {
        sp_watch_t *watch = s->list[i];
        if (watch->due_at > now && watch->due_at < now + FAR_FOR) {
            i++;
            continue;
        }
        look(s, watch);
        i += watch->place == i + 1;
        if (++looks % LOOKS_AT_ONCE == 0) {
            apr_thread_mutex_unlock(s->mutex);
            apr_thread_yield();
            apr_thread_mutex_lock(s->mutex);
        }
    }
}

/* Time until the next look, never less than the period. */
static apr_interval_time_t rest(const sp_sampler_t *s)
{
    apr_time_t now = s->clock(), due_at = now + apr_time_from_sec(1);
    apr_uint32_t i;

    for (i = 0; i < s->count; i++) {
        if (s->list[i]->due_at < due_at) {
            due_at = s->list[i]->due_at;
        }
    }
    return due_at < now + SP_SAMPLER_PERIOD_FOR ? SP_SAMPLER_PERIOD_FOR
                                                : due_at - now;
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *baton)
{
    sp_sampler_t *s = baton;

    apr_thread_mutex_lock(s->mutex);
    while (!s->stop) {
        if (s->count == 0) {
            s->wakes_at = APR_INT64_MAX;
            apr_thread_cond_wait(s->wake, s->mutex);
            continue;
        }
        round_of_looks(s);
        if (!s->stop && s->count > 0) {
            apr_interval_time_t span = rest(s);
            s->wakes_at = s->clock() + span;
            apr_thread_cond_timedwait(s->wake, s->mutex, span);
        }
    }
    apr_thread_mutex_unlock(s->mutex);
    return NULL;
}

static void enter(sp_sampler_t *s, sigset_t *before)
{
    if (s->hold_signals) {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, before);
    }
    apr_thread_mutex_lock(s->mutex);
}

static void leave(sp_sampler_t *s, const sigset_t *before)
{
    apr_thread_mutex_unlock(s->mutex);
    if (s->hold_signals) {
        pthread_sigmask(SIG_SETMASK, before, NULL);
    }
}

/* Signals are httpd's: prefork handles them in its one thread, and must not
   find itself in ours. */
static int start(sp_sampler_t *s)
{
    sigset_t all, before;

    if (!s->thread && !s->failed) {
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        s->failed =
            apr_thread_create(&s->thread, NULL, run, s, s->p) != APR_SUCCESS;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    return !s->failed;
}

static apr_status_t end(void *baton)
{
    sp_sampler_t *s = baton;
    apr_status_t rv;

    apr_thread_mutex_lock(s->mutex);
    s->stop = 1;
    apr_thread_cond_signal(s->wake);
    apr_thread_mutex_unlock(s->mutex);
    if (s->thread) {
        apr_thread_join(&rv, s->thread);
    }
    return APR_SUCCESS;
}

apr_status_t sp_sampler_make(sp_sampler_t **out, apr_time_t (*clock)(void),
                             apr_status_t (*read)(sp_tcp_t *, int),
                             int hold_signals, apr_pool_t *p)
{
    sp_sampler_t *s = apr_pcalloc(p, sizeof(*s));
    apr_status_t rv;

    s->clock = clock;
    s->read = read;
    s->hold_signals = hold_signals;
    rv = ds_pool_make_own(&s->p, p);
    if (rv == APR_SUCCESS) {
        rv = apr_thread_mutex_create(&s->mutex, APR_THREAD_MUTEX_DEFAULT, p);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_thread_cond_create(&s->wake, p);
    }
    if (rv == APR_SUCCESS) {
        /* Ahead of the pool's children: the thread's own pool is one. */
        apr_pool_pre_cleanup_register(p, s, end);
        *out = s;
    }
    return rv;
}

int sp_sampler_watch(sp_sampler_t *s, sp_watch_t *watch,
                     apr_interval_time_t after)
{
    apr_time_t due_at;
    sigset_t before;
    int kept = 0;

    if (!s) {
        return 0;
    }
    enter(s, &before);
    due_at = s->clock() + after;
    if (watch->place != 0) {
        watch->due_at = due_at < watch->due_at ? due_at : watch->due_at;
        kept = 1;
    }
    else if (!s->stop && s->count < SP_SAMPLER_MAX && start(s)) {
        watch->due_at = due_at;
        s->list[s->count++] = watch;
        watch->place = s->count;
        kept = 1;
    }
    if (kept && due_at < s->wakes_at) {
        apr_thread_cond_signal(s->wake);
    }
    leave(s, &before);
    return kept;
}

void sp_sampler_forget(sp_sampler_t *s, sp_watch_t *watch)
{
    sigset_t before;

    if (!s) {
        return;
    }
    enter(s, &before);
    if (watch->place != 0) {
        drop(s, watch);
    }
    leave(s, &before);
}
