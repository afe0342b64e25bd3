/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sweeper does the long work of the disk level in a thread of its own, so
 * that neither a hit nor a put waits for it:
 *
 *   - accounts that are not known are counted;
 *   - accounts above terms.near_pct are reclaimed down to terms.keep_pct, ahead
 *     of the put that would have to do that;
 *   - once an hour each account is compared with its folder, and expired
 *     entries go;
 *   - folders that belong to no customer of the configuration are told, and
 * left alone; one that somebody deleted stays so.
 *
 * One process sweeps a customer at a time, while others put and get.
 */
#ifndef DI_SWEEPER_H
#define DI_SWEEPER_H

#include <apr_pools.h>

#include "base/log.h"
#include "store/account.h"
#include "store/usage.h"

typedef struct {
    const char *root; /* not copied */
    di_accounts_t *accounts;
    const di_usage_t *usage; /* NULL: none */
    const ds_log_t *log;     /* used in the sweeper's thread; NULL: none */
} di_sweeper_conf_t;

typedef struct di_sweeper_t di_sweeper_t;

/**
 * @param conf  copied
 * @param p     a sweep under way is told to stop, and waited for, before p
 *              is gone
 */
di_sweeper_t *di_sweeper_make(const di_sweeper_conf_t *conf, apr_pool_t *p);

/**
 * Look whether some account needs work, and start the thread if so.  Quick;
 * from any thread.
 * @return 1 when the thread is at it already, and another process might sweep
 *         another customer
 */
int di_sweeper_wake(di_sweeper_t *sweeper, apr_time_t now);

/* Do that work here and now, and return when it is done. */
void di_sweeper_run(di_sweeper_t *sweeper, apr_time_t now);

#endif
