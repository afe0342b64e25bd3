/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caretaker: one thread per process for small jobs that come round, of
 * which most need doing by one process of the machine only.
 *
 * A job's turn is a moment in memory that all processes share: who moves it on
 * does the job, and the next ones; when it dies another process goes on some
 * turns later, within 4 s where turns are short.  A job that sets its turn to
 * zero asks the others to do the next.  Jobs run one after the other and must
 * be short (well below a second); what takes longer has a thread of its own
 * (store/sweeper.h).
 */
#ifndef DS_CARETAKER_H
#define DS_CARETAKER_H

#include <stdatomic.h>

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_time.h>

typedef struct {
    void (*run)(void *baton, apr_time_t now, apr_pool_t *ptemp);
    void *baton;
    apr_interval_time_t every; /* at least 10 ms */
    _Atomic apr_int64_t *turn; /* shared, zero at first; of a clock that never
                                  goes back, us.  NULL: every process does it */
} ds_duty_t;

typedef struct ds_caretaker_t ds_caretaker_t;

/**
 * Start the thread.  Call in each process after fork.
 * @param duties  copied
 * @param p       the thread ends, after the job at hand, before p is gone
 * @return APR_SUCCESS or why there is no thread
 */
apr_status_t ds_caretaker_make(ds_caretaker_t **out, const ds_duty_t *duties,
                               int count, apr_pool_t *p);

/* Do a duty (its place in the list) soon, in this process. */
void ds_caretaker_hurry(ds_caretaker_t *caretaker, int duty);

#endif
