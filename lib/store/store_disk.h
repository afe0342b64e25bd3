/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk level: one file per entry under a root folder, written as a
 * temporary file and renamed, read by one open() and sent with sendfile.
 */
#ifndef DI_STORE_DISK_H
#define DI_STORE_DISK_H

#include "base/log.h"
#include "store/store.h"

typedef struct {
    const char *root;           /* folder; exists and is writable */
    apr_int64_t quota_bytes;    /* bound on the bytes of all entries, so far
                                   as one sweep can hold it (see reclaim.h) */
    const ds_log_t *log;
} di_disk_conf_t;

/**
 * Make the level.  Call in each process after fork.
 * @param p  lives as long as the process
 */
apr_status_t di_disk_make(di_level_t **out, const di_disk_conf_t *conf,
                          apr_pool_t *p);

#endif
