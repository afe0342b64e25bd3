/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk level: one file per entry under a root folder, written as a
 * temporary file and renamed, read by one open() and sent with sendfile.
 */
#ifndef DI_STORE_DISK_H
#define DI_STORE_DISK_H

#include "base/log.h"
#include "store/store.h"

/* Names of the files under root; store_disk.c draws the tree. */
#define DI_DISK_ENTRY_SUFFIX ".di"
#define DI_DISK_TEMPORARY_PREFIX "tmp-"

typedef struct {
    const char *root;        /* folder on a local file system, writable;
                                made on demand when its parent exists */
    apr_int64_t quota_bytes; /* bound on the bytes of all entries, so far
                                as sweeps hold it (see sweeper.h); at
                                least 1 */
    int no_sendfile;         /* 1: files are opened for plain reading */
    const ds_log_t *log;     /* used from any thread, also from one of the
                                level's own */
} di_disk_conf_t;

/**
 * Make the level.  Call in each process after fork.
 * @param conf  copied, except its texts and log
 * @param p     lives as long as the process
 * @return APR_SUCCESS, or APR_EINVAL for a conf without root or quota.  Root
 *         is not looked at: a disk that is away is found by get and put, and
 *         may come back
 */
apr_status_t di_disk_make(di_level_t **out, const di_disk_conf_t *conf,
                          apr_pool_t *p);

#endif
