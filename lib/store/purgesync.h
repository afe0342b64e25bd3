/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the purge map reaches other machines: through one item in memcached that
 * all who share it read and write, and by pulling the maps of machines that do
 * not.  Both are duties of the caretaker (base/caretaker.h).
 *
 *     item: get -> merge -> is ours newer, or the item gone? -> put(cas)
 *     pull: GET URL -> merge
 *
 * A merge is the same in any order and any number of times, so neither a race
 * nor a machine that was away loses a purge; a memcached that forgot is told
 * again.
 */
#ifndef DI_PURGESYNC_H
#define DI_PURGESYNC_H

#include "base/fetch.h"
#include "base/log.h"
#include "store/purges.h"
#include "store/shareditem.h"

/* How often the item is read: a purge is in force on all machines within twice
   that. */
#define DI_PURGESYNC_EVERY apr_time_from_msec(400)

typedef struct di_purgesync_t di_purgesync_t; /* per process */
typedef struct di_purgepull_t di_purgepull_t;

/**
 * @param item  copied
 * @param log   NULL: none
 */
di_purgesync_t *di_purgesync_make(di_purges_t *purges,
                                  const di_shared_item_t *item,
                                  const ds_log_t *log, apr_pool_t *p);

/* One turn; a di_purgesync_t * as the baton of a ds_duty_t.  Not from two
   threads of one process at a time. */
void di_purgesync_run(void *sync, apr_time_t now, apr_pool_t *ptemp);

typedef struct {
    const char *const *url; /* of other machines' maps (docs/admin.md) */
    int count;
    const char *token; /* NULL: none */
    apr_status_t (*fetch)(ds_fetched_t *out, const char **error,
                          const ds_fetch_t *fetch, apr_pool_t *p);
} di_purgepull_conf_t;

/* @param conf  what it points at must live as long as p */
di_purgepull_t *di_purgepull_make(di_purges_t *purges,
                                  const di_purgepull_conf_t *conf,
                                  const ds_log_t *log, apr_pool_t *p);

/* One turn: all URLs, one after the other, each for at most five seconds; so
   this duty wants a caretaker of its own. */
void di_purgepull_run(void *pull, apr_time_t now, apr_pool_t *ptemp);

#endif
