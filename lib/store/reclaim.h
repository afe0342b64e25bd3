/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reclaim: how the disk level stays within its quota.  The plan says which
 * entries have to go (pure); the sweep walks the folders and deletes them.
 *
 * No entry carries a note of its use: the file system's access time is that,
 * and mounts that write it once a day (relatime) are exact enough.
 */
#ifndef DI_RECLAIM_H
#define DI_RECLAIM_H

#include <stdatomic.h>

#include <apr_errno.h>
#include <apr_time.h>

#include "store/store.h"

/* A sweep deletes until this share of the quota is used. */
#define DI_RECLAIM_KEEP_PCT 90

/* Most entries that one sweep remembers, 32 MB; what lies beyond is counted,
   and its turn comes with a later sweep. */
#define DI_RECLAIM_LIST_MAX (1 << 20)

/* A temporary file that is older was left by a process that died. */
#define DI_RECLAIM_TEMPORARY_FOR apr_time_from_sec(3600)

typedef struct {
    apr_uint64_t bytes; /* that it takes on the disk */
    apr_time_t used_at; /* read or made, us */
    unsigned char hash[DI_KEY_HASH_BYTES];
} di_reclaim_entry_t;

/**
 * Decide which entries have to go.  Pure.
 * @param list         reordered: those unused for longest come first.  A use
 *                     that is more than a day ahead of now is a clock's error
 *                     and counts as none
 * @param total_bytes  of all entries, also those that are not in the list
 * @return how many of the first entries are to be deleted
 */
apr_size_t di_reclaim_plan(di_reclaim_entry_t *list, apr_size_t count,
                           apr_uint64_t total_bytes, apr_uint64_t quota_bytes,
                           apr_time_t now);

/* What a sweep found and did. */
typedef struct {
    apr_uint64_t entries; /* seen */
    apr_uint64_t bytes;   /* of what was seen */
    apr_uint64_t removed; /* entries deleted */
    apr_uint64_t removed_bytes;
    apr_uint64_t temporaries; /* left-over temporary files deleted */
} di_reclaim_report_t;

/**
 * Walk the folders under root and delete what the plan says, and temporary
 * files that nobody will finish.  Files of other names are left alone and not
 * counted.  One process and thread sweeps at a time.
 * @param out   set in any case
 * @param stop  looked at in each folder: once true the sweep ends early
 * @return APR_SUCCESS; APR_EBUSY when another one sweeps just now; APR_EINTR
 *         when it was stopped; another status when root cannot be read
 */
apr_status_t di_reclaim_sweep(di_reclaim_report_t *out, const char *root,
                              apr_uint64_t quota_bytes, apr_time_t now,
                              const atomic_int *stop);

#endif
