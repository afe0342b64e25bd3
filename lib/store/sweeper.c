/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread at most.  It is started and joined under the mutex, for which
 * nobody waits: who finds it taken knows that somebody else is starting one.
 */
#include "store/sweeper.h"

#include <pthread.h>
#include <signal.h>

#define SWEEPS_PER_QUOTA 64

struct di_sweeper_t {
    const char *root;
    apr_uint64_t quota_bytes;
    const ds_log_t *log;
    _Atomic apr_uint64_t owed; /* bytes put since the last sweep */
    atomic_int swept;          /* 1: this process has swept before */
    atomic_int running;        /* 1: the thread still sweeps */
    atomic_int stop;
    pthread_mutex_t mutex; /* guards the two members below */
    int started;           /* 1: thread is to be joined */
    pthread_t thread;
};

static void report(const di_sweeper_t *sweeper,
                   const di_reclaim_report_t *found, apr_status_t rv)
{
    ds_log_level_e level = DS_LOG_WARNING;

    /* A root that is gone is told by whoever wants to put there. */
    if (rv == APR_EBUSY || rv == APR_EINTR || APR_STATUS_IS_ENOENT(rv)) {
        return;
    }
    if (rv == APR_SUCCESS) {
        level =
            found->removed || found->temporaries ? DS_LOG_INFO : DS_LOG_DEBUG;
    }
    ds_log(sweeper->log, level, "DI0407", rv,
           "store %s swept: %" APR_UINT64_T_FMT " entries of %" APR_UINT64_T_FMT
           " bytes, %" APR_UINT64_T_FMT " of %" APR_UINT64_T_FMT
           " bytes removed, %" APR_UINT64_T_FMT " left-over files",
           sweeper->root, found->entries, found->bytes, found->removed,
           found->removed_bytes, found->temporaries);
}

static void *sweep_thread(void *baton)
{
    di_sweeper_t *sweeper = baton;
    di_reclaim_report_t found;
    apr_status_t rv;

    rv = di_reclaim_sweep(&found, sweeper->root, sweeper->quota_bytes,
                          apr_time_now(), &sweeper->stop);
    report(sweeper, &found, rv);
    atomic_store(&sweeper->running, 0);
    return NULL;
}

/* A signal handler of httpd's must not run in the sweeper's thread: prefork's
   would end the process from here, and wait here for this thread. */
static int start_thread(di_sweeper_t *sweeper)
{
    sigset_t all, before;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&sweeper->thread, NULL, sweep_thread, sweeper);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return !failed;
}

static void start(di_sweeper_t *sweeper)
{
    if (atomic_load(&sweeper->running) || atomic_load(&sweeper->stop)) {
        return;
    }
    if (sweeper->started) {
        pthread_join(sweeper->thread, NULL);
    }
    atomic_store(&sweeper->swept, 1);
    atomic_store(&sweeper->owed, 0);
    atomic_store(&sweeper->running, 1);
    sweeper->started = start_thread(sweeper);
    if (!sweeper->started) {
        atomic_store(&sweeper->running, 0);
    }
}

void di_sweeper_note(di_sweeper_t *sweeper, apr_uint64_t bytes)
{
    apr_uint64_t owed = atomic_fetch_add(&sweeper->owed, bytes) + bytes;

    if (atomic_load(&sweeper->swept) &&
        owed < sweeper->quota_bytes / SWEEPS_PER_QUOTA) {
        return;
    }
    if (!pthread_mutex_trylock(&sweeper->mutex)) {
        start(sweeper);
        pthread_mutex_unlock(&sweeper->mutex);
    }
}

static apr_status_t sweeper_end(void *baton)
{
    di_sweeper_t *sweeper = baton;

    atomic_store(&sweeper->stop, 1);
    pthread_mutex_lock(&sweeper->mutex);
    if (sweeper->started) {
        pthread_join(sweeper->thread, NULL);
        sweeper->started = 0;
    }
    pthread_mutex_unlock(&sweeper->mutex);
    pthread_mutex_destroy(&sweeper->mutex);
    return APR_SUCCESS;
}

di_sweeper_t *di_sweeper_make(const char *root, apr_uint64_t quota_bytes,
                              const ds_log_t *log, apr_pool_t *p)
{
    di_sweeper_t *sweeper = apr_pcalloc(p, sizeof(*sweeper));

    sweeper->root = root;
    sweeper->quota_bytes = quota_bytes;
    sweeper->log = log;
    pthread_mutex_init(&sweeper->mutex, NULL);
    apr_pool_pre_cleanup_register(p, sweeper, sweeper_end);
    return sweeper;
}
