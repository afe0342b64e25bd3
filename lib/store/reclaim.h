/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reclaim: which of a customer's entries go when its quota is full, and their
 * deletion.  The plan is pure; the rest reads and deletes files.
 *
 * What an entry's use was is usage.h's, and its file's time where that has
 * forgotten it.
 */
#ifndef DI_RECLAIM_H
#define DI_RECLAIM_H

#include <stdatomic.h>

#include <apr_errno.h>
#include <apr_time.h>

#include "store/account.h"
#include "store/booking.h"
#include "store/usage.h"

/* Most entries that one plan knows, 64 MB; the others are counted, and their
   turn comes with a later one. */
#define DI_RECLAIM_LIST_MAX (1 << 20)

typedef struct {
    apr_uint64_t bytes;    /* as accounts have it */
    apr_time_t used_at;    /* asked for last, or made */
    apr_time_t made_at;    /* its file's time */
    apr_uint32_t requests; /* since it was made, as far as they are known */
    apr_uint32_t priority; /* 0..9; read for DI_POLICY_PRIORITY only */
    unsigned char hash[DI_KEY_HASH_BYTES];
} di_reclaim_entry_t;

/* What there is, and what is to be left. */
typedef struct {
    apr_uint64_t bytes, files; /* of all entries, also those not in the list */
    apr_uint64_t keep_bytes, keep_files;
} di_reclaim_goal_t;

/* First class of idle time under DI_POLICY_IDLE: up to so long.  The next ones
   are twice as long each. */
#define DI_RECLAIM_CLASS_FOR apr_time_from_sec(60)

/**
 * Decide which entries have to go.  Pure.
 * @param list  reordered: the first to go come first; of equals the one with
 *              the lower hash.  An instant that is more than a day ahead of
 *              now is a clock's error and counts as 0
 * @return how many of the first are to be deleted; 0 for
 *         DI_POLICY_PERMANENT
 */
apr_size_t di_reclaim_plan(di_reclaim_entry_t *list, apr_size_t count,
                           const di_reclaim_goal_t *goal, di_policy_e policy,
                           apr_time_t now);

/* A customer's entries, as its folder has them. */
typedef struct {
    di_policy_e policy;
    const di_usage_t *usage;  /* NULL: only files' times are known */
    const atomic_int *stop;   /* NULL, or: once true, give up */
    apr_time_t until;         /* of ds_steady_now; 0: as long as it takes */
    int folder;               /* the customer's, open */
    di_reclaim_entry_t *list; /* from malloc; the caller frees it */
    apr_size_t count, room;
    apr_uint64_t bytes, files; /* of all */
} di_reclaim_scan_t;

/**
 * Fill list and sums.
 * @return APR_SUCCESS; APR_EINTR when stopped; APR_TIMEUP; else why it cannot
 *         be read
 */
apr_status_t di_reclaim_scan(di_reclaim_scan_t *scan);

/**
 * Make room in a customer's quota, under its lock and at once: count, and if
 * need be delete down to terms.keep_pct, or lower for what is to come. Bounded:
 * what takes too long is left to the sweeper, and to nobody else for a minute.
 * @param at_most  time for the count; as much for deletions, twice as much
 *                 while it does not fit
 * @param removed  out: entries that were deleted
 * @param bytes    that are to fit afterwards, in one file
 * @return APR_SUCCESS; APR_ENOSPC when they do not fit; APR_EBUSY when that
 *         took too long; else why not
 */
apr_status_t di_reclaim_room(apr_uint64_t *removed, di_hold_t *hold,
                             const di_usage_t *usage, apr_uint64_t bytes,
                             apr_interval_time_t at_most, apr_time_t now);

/**
 * Make room on a disk that is full although the quota is not: what the customer
 * has now counts as its quota, and goes down to terms.keep_pct of that, or
 * lower for what is to come.  Of its own entries, and as bounded as
 * di_reclaim_room; nothing for an entry larger than half of them.
 * @return APR_SUCCESS when something was deleted; APR_ENOSPC when nothing may
 *         be; as di_reclaim_room
 */
apr_status_t di_reclaim_shrink(apr_uint64_t *removed, di_hold_t *hold,
                               const di_usage_t *usage, apr_uint64_t bytes,
                               apr_interval_time_t at_most, apr_time_t now);

#endif
