/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan sorts by the policy's order; the scan collects what to plan with.
 *
 * 56 bytes of memory an entry, from malloc, because a scan is not tied to any
 * request's pool.  Only the customer's own folder is read and written.
 */
#include "store/reclaim.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/steady.h"
#include "store/record.h"
#include "store/tree.h"

#define FIRST_ROOM 1024
#define DAY_FOR apr_time_from_sec(86400)

/* So long a reclaim is left to the sweeper before a put tries one again. */
#define OVERDUE_FOR apr_time_from_sec(60)

/* ---- the plan ---- */

static int compare(apr_int64_t one, apr_int64_t two)
{
    return (one > two) - (one < two);
}

static int by_hash(const di_reclaim_entry_t *one, const di_reclaim_entry_t *two)
{
    return memcmp(one->hash, two->hash, sizeof(one->hash));
}

static int first_of(int difference, const di_reclaim_entry_t *one,
                    const di_reclaim_entry_t *two)
{
    return difference ? difference : by_hash(one, two);
}

static int by_use(const void *a, const void *b)
{
    const di_reclaim_entry_t *one = a, *two = b;

    return first_of(compare(one->used_at, two->used_at), one, two);
}

static int by_requests(const void *a, const void *b)
{
    const di_reclaim_entry_t *one = a, *two = b;
    int difference = compare(one->requests, two->requests);

    return difference ? difference : by_use(a, b);
}

static int by_age(const void *a, const void *b)
{
    const di_reclaim_entry_t *one = a, *two = b;

    return first_of(compare(one->made_at, two->made_at), one, two);
}

static int by_priority(const void *a, const void *b)
{
    const di_reclaim_entry_t *one = a, *two = b;
    int difference = compare(one->priority, two->priority);

    return difference ? difference : by_use(a, b);
}

/* The class of its idle time was put into priority, longest lowest. */
static int by_class(const void *a, const void *b)
{
    const di_reclaim_entry_t *one = a, *two = b;
    int difference = compare(one->priority, two->priority);

    return difference ? difference : by_requests(a, b);
}

/* 0: up to a minute idle; 1: up to two more; 2: up to four more; ... */
static apr_uint32_t idle_class(apr_time_t used_at, apr_time_t now)
{
    apr_uint64_t spans =
        now > used_at ? (apr_uint64_t)(now - used_at) / DI_RECLAIM_CLASS_FOR
                      : 0;
    apr_uint32_t number = 0;

    for (spans++; spans > 1; spans >>= 1) {
        number++;
    }
    return number;
}

static void prepare(di_reclaim_entry_t *entry, di_policy_e policy,
                    apr_time_t now)
{
    if (entry->used_at > now + DAY_FOR) {
        entry->used_at = 0;
    }
    if (entry->made_at > now + DAY_FOR) {
        entry->made_at = 0;
    }
    if (policy == DI_POLICY_IDLE) {
        entry->priority = 64 - idle_class(entry->used_at, now);
    }
}

static int is_over(const di_reclaim_goal_t *left)
{
    return left->bytes > left->keep_bytes || left->files > left->keep_files;
}

apr_size_t di_reclaim_plan(di_reclaim_entry_t *list, apr_size_t count,
                           const di_reclaim_goal_t *goal, di_policy_e policy,
                           apr_time_t now)
{
    static int (*const orders[])(const void *, const void *) = {
        [DI_POLICY_IDLE] = by_class,
        [DI_POLICY_LRU] = by_use,
        [DI_POLICY_LFU] = by_requests,
        [DI_POLICY_AGE] = by_age,
        [DI_POLICY_PRIORITY] = by_priority};
    di_reclaim_goal_t left = *goal;
    apr_size_t victims = 0, i;

    if (policy == DI_POLICY_PERMANENT || !is_over(&left) || count == 0) {
        return 0;
    }
    for (i = 0; i < count; i++) {
        prepare(&list[i], policy, now);
    }
    qsort(list, count, sizeof(*list), orders[policy]);
    for (; victims < count && is_over(&left); victims++) {
        left.bytes -=
            list[victims].bytes < left.bytes ? list[victims].bytes : left.bytes;
        left.files -= left.files > 0;
    }
    return victims;
}

/* ---- the scan ---- */

/* Where to write the next entry; NULL when there is no room for more. */
static di_reclaim_entry_t *next_entry(di_reclaim_scan_t *scan)
{
    apr_size_t room = scan->room ? 2 * scan->room : FIRST_ROOM;
    di_reclaim_entry_t *list;

    if (scan->count == scan->room && scan->room < DI_RECLAIM_LIST_MAX) {
        list = realloc(scan->list, room * sizeof(*list));
        if (list) {
            scan->list = list;
            scan->room = room;
        }
    }
    return scan->count < scan->room ? &scan->list[scan->count++] : NULL;
}

/* A head that cannot be read is of no use to anybody: 0. */
static apr_uint32_t read_priority(int folder, const unsigned char *hash)
{
    di_record_t record;

    return di_tree_head(&record, folder, hash) ? record.priority : 0;
}

static void note_entry(void *baton, const unsigned char *hash,
                       const struct stat *st)
{
    di_reclaim_scan_t *scan = baton;
    di_reclaim_entry_t *entry = next_entry(scan);
    di_use_t use;

    scan->bytes += di_tree_bytes(st);
    scan->files++;
    if (!entry) {
        return;
    }
    use = di_usage_get(scan->usage, hash);
    entry->bytes = di_tree_bytes(st);
    entry->made_at = di_tree_changed_at(st);
    entry->used_at =
        use.used_at > entry->made_at ? use.used_at : entry->made_at;
    entry->requests = use.requests;
    entry->priority = scan->policy == DI_POLICY_PRIORITY
                          ? read_priority(scan->folder, hash)
                          : 0;
    memcpy(entry->hash, hash, DI_KEY_HASH_BYTES);
}

apr_status_t di_reclaim_scan(di_reclaim_scan_t *scan)
{
    apr_status_t rv = APR_SUCCESS;
    int folder;

    for (folder = 0; folder < DI_TREE_FOLDERS && rv == APR_SUCCESS; folder++) {
        if (scan->stop && atomic_load(scan->stop)) {
            return APR_EINTR;
        }
        if (scan->until && ds_steady_now() > scan->until) {
            return APR_TIMEUP;
        }
        rv = di_tree_each(scan->folder, folder, note_entry, scan);
    }
    return rv;
}

/* ---- room at once ---- */

/* What is to fit, and how long it may take to have more room than that. */
typedef struct {
    apr_uint64_t bytes;
    apr_time_t until;  /* of ds_steady_now */
    apr_time_t at_all; /* and this, even if it does not fit then */
} need_t;

static int is_enough(const di_hold_t *hold, const need_t *need)
{
    apr_time_t now = ds_steady_now();

    return now > need->at_all ||
           (now > need->until && di_hold_fits(hold, need->bytes, 1));
}

/* The sweeper is to reclaim what took too long here. */
static void leave_to_sweeper(di_hold_t *hold, apr_time_t now)
{
    atomic_store(&hold->account->overdue_at, now);
}

/* Is it?  Puts that look again meanwhile only keep it waiting. */
static int is_left_to_sweeper(const di_hold_t *hold, apr_time_t now)
{
    apr_time_t since = atomic_load(&hold->account->overdue_at);

    return since && now < since + OVERDUE_FOR && now > since - OVERDUE_FOR;
}

static apr_status_t remove_first(apr_uint64_t *removed, di_hold_t *hold,
                                 const di_reclaim_entry_t *list,
                                 apr_size_t victims, const need_t *need,
                                 apr_time_t now)
{
    apr_status_t rv = APR_SUCCESS;
    apr_size_t i;

    for (i = 0; i < victims && rv == APR_SUCCESS; i++) {
        if (is_enough(hold, need)) {
            leave_to_sweeper(hold, now);
            return di_hold_fits(hold, need->bytes, 1) ? APR_SUCCESS : APR_EBUSY;
        }
        rv = di_hold_remove(hold, list[i].hash, now);
        if (rv == APR_SUCCESS) {
            ++*removed;
            atomic_fetch_add(&hold->account->reclaimed, 1);
        }
    }
    return rv;
}

static apr_uint64_t lower(apr_uint64_t one, apr_uint64_t two)
{
    return one < two ? one : two;
}

static void make_goal(di_reclaim_goal_t *out, const di_terms_t *terms,
                      const di_hold_t *hold, apr_uint64_t bytes)
{
    out->bytes = hold->state.bytes;
    out->files = hold->state.files;
    out->keep_bytes =
        lower(di_account_share(terms->quota_bytes, terms->keep_pct),
              terms->quota_bytes - lower(bytes, terms->quota_bytes));
    out->keep_files =
        lower(di_account_share(terms->quota_files, terms->keep_pct),
              terms->quota_files - 1);
}

/* Delete by what a scan has found. */
static apr_status_t run_plan(apr_uint64_t *removed, di_hold_t *hold,
                             di_reclaim_scan_t *scan, const di_terms_t *terms,
                             const need_t *need, apr_time_t now)
{
    di_reclaim_goal_t goal;
    apr_size_t victims;

    make_goal(&goal, terms, hold, need->bytes);
    victims =
        di_reclaim_plan(scan->list, scan->count, &goal, terms->policy, now);
    return remove_first(removed, hold, scan->list, victims, need, now);
}

/* Count what there is, within need->until, and put the books right. */
static apr_status_t count(di_reclaim_scan_t *scan, di_hold_t *hold,
                          const need_t *need, apr_time_t now)
{
    apr_status_t rv;

    if (is_left_to_sweeper(hold, now)) {
        return APR_EBUSY;
    }
    scan->folder = hold->folder;
    scan->until = need->until;
    rv = di_reclaim_scan(scan);
    if (rv == APR_TIMEUP) {
        leave_to_sweeper(hold, now);
        return APR_EBUSY;
    }
    if (rv == APR_SUCCESS) {
        di_hold_set(hold, scan->bytes, scan->files, now);
    }
    return rv;
}

static void begin_deleting(need_t *need, apr_interval_time_t at_most)
{
    need->until = ds_steady_now() + at_most;
    need->at_all = need->until + at_most;
}

apr_status_t di_reclaim_room(apr_uint64_t *removed, di_hold_t *hold,
                             const di_usage_t *usage, apr_uint64_t bytes,
                             apr_interval_time_t at_most, apr_time_t now)
{
    need_t need = {.bytes = bytes, .until = ds_steady_now() + at_most};
    di_reclaim_scan_t scan = {.usage = usage};
    di_terms_t terms;
    apr_status_t rv;

    *removed = 0;
    di_account_terms(&terms, hold->account);
    if (terms.policy == DI_POLICY_PERMANENT) {
        return APR_ENOSPC;
    }
    scan.policy = terms.policy;
    rv = count(&scan, hold, &need, now);
    /* The count alone may have shown that there is room. */
    if (rv == APR_SUCCESS && !di_hold_fits(hold, bytes, 1)) {
        begin_deleting(&need, at_most);
        rv = run_plan(removed, hold, &scan, &terms, &need, now);
    }
    free(scan.list);
    if (rv == APR_SUCCESS && !di_hold_fits(hold, bytes, 1)) {
        rv = APR_ENOSPC;
    }
    return rv;
}

apr_status_t di_reclaim_shrink(apr_uint64_t *removed, di_hold_t *hold,
                               const di_usage_t *usage, apr_uint64_t bytes,
                               apr_interval_time_t at_most, apr_time_t now)
{
    need_t need = {.bytes = bytes, .until = ds_steady_now() + at_most};
    di_reclaim_scan_t scan = {.usage = usage};
    di_terms_t terms;
    apr_status_t rv;

    *removed = 0;
    di_account_terms(&terms, hold->account);
    if (terms.policy == DI_POLICY_PERMANENT) {
        return APR_ENOSPC;
    }
    scan.policy = terms.policy;
    rv = count(&scan, hold, &need, now);
    if (rv == APR_SUCCESS && bytes <= scan.bytes / 2) {
        terms.quota_bytes = scan.bytes;
        begin_deleting(&need, at_most);
        rv = run_plan(removed, hold, &scan, &terms, &need, now);
    }
    free(scan.list);
    return rv == APR_SUCCESS && !*removed ? APR_ENOSPC : rv;
}
