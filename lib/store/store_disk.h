/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk level: one file per entry in its customer's folder, written as a
 * temporary file and renamed, read by one open() and sent with sendfile.
 *
 * What a customer has there is bounded by its account, at every moment and over
 * all processes (account.h); what is full is reclaimed by the account's policy,
 * from the customer's own entries.
 */
#ifndef DI_STORE_DISK_H
#define DI_STORE_DISK_H

#include "base/log.h"
#include "store/account.h"
#include "store/store.h"
#include "store/usage.h"

typedef struct {
    const char *root;        /* folder on a local file system, writable;
                                made on demand when its parent exists */
    di_accounts_t *accounts; /* shared by all processes that use root; NULL:
                                one customer, "all", in memory of this level,
                                almost without bound */
    di_usage_t *usage;       /* NULL: files' times stand for their use */
    int no_sendfile;         /* 1: files are opened for plain reading */
    const ds_log_t *log;     /* used from any thread, also from one of the
                                level's own */
} di_disk_conf_t;

/**
 * Make the level.  Call in each process after fork.
 * @param conf  copied, except its texts, memory and log
 * @param p     lives as long as the process
 * @return APR_SUCCESS, or APR_EINVAL for a conf without root.  Root is not
 *         looked at: a disk that is away is found by get and put, and may come
 *         back
 *
 * Its put has these statuses more than store.h says: APR_ENOSPC also when the
 * customer is none of the accounts'; APR_EBUSY when its account was held by
 * others for too long, is not known yet, or is full and so large that only the
 * sweeper may reclaim it: not kept, nothing is wrong.
 */
apr_status_t di_disk_make(di_level_t **out, const di_disk_conf_t *conf,
                          apr_pool_t *p);

/**
 * Look whether some account needs work that takes long, and start it in a
 * thread of the level's own (sweeper.h).  Quick; call about once a second, in
 * one process of all.
 * @return 1 when it is at it already; another process may sweep the others
 */
int di_disk_sweep(di_level_t *disk, apr_time_t now);

/* Do that work here and now.  For tests and tools. */
void di_disk_sweep_now(di_level_t *disk, apr_time_t now);

#endif
