/* SPDX-License-Identifier: Apache-2.0 */
/* The list of duties. */
#include "directives/dynimage_care.h"

#include "base/fetch.h"
#include "store/purgesync.h"
#include "store/store_disk.h"
#include "store/store_memcached.h"

#define SWEEP_EVERY_MS 1000

/* How soon a memcached server that answers again is used again, ms. */
#define PROBE_EVERY_MS 1000

#define DUTIES_MAX DI_TURN_END

typedef struct {
    int count;
    ds_duty_t duty[DUTIES_MAX];
} list_t;

static void probe(void *parts, apr_time_t now, apr_pool_t *ptemp)
{
    di_memcached_probe(((di_parts_t *)parts)->memcached);
}

static void sweep(void *baton, apr_time_t now, apr_pool_t *ptemp)
{
    di_parts_t *parts = baton;

    if (di_disk_sweep(parts->disk, now) && parts->books.turn) {
        atomic_store(&parts->books.turn[DI_TURN_SWEEP], 0);
    }
}

static void add(list_t *list, di_parts_t *parts, di_turn_e turn,
                void (*run)(void *, apr_time_t, apr_pool_t *), void *baton,
                int every_ms)
{
    parts->duty[turn] = list->count;
    list->duty[list->count++] = (ds_duty_t){
        .run = run,
        .baton = baton,
        .every = apr_time_from_msec(every_ms),
        .turn = parts->books.turn ? &parts->books.turn[turn] : NULL};
}

/* Purges of machines that share memcached. */
static void add_purges(list_t *list, di_parts_t *parts, apr_pool_t *pchild)
{
    if (parts->memcached && parts->books.purges) {
        add(list, parts, DI_TURN_PURGES, di_purgesync_run,
            di_purgesync_make(parts->books.purges,
                              di_memcached_item(parts->memcached), &parts->log,
                              pchild),
            (int)apr_time_as_msec(DI_PURGESYNC_EVERY));
    }
}

/* Purges of machines that do not: a thread of its own, for it waits for
   them. */
static void start_pull(di_parts_t *parts, server_rec *s, apr_pool_t *pchild)
{
    const di_server_conf_t *conf = di_server_conf_of(s);
    di_purgepull_conf_t pull = {.token = conf->pull_token, .fetch = ds_fetch};
    list_t list = {.count = 0};
    ds_caretaker_t *caretaker;
    apr_status_t rv;

    if (!conf->pull_urls || !parts->books.purges) {
        return;
    }
    pull.url = (const char *const *)conf->pull_urls->elts;
    pull.count = conf->pull_urls->nelts;
    add(&list, parts, DI_TURN_PULL, di_purgepull_run,
        di_purgepull_make(parts->books.purges, &pull, &parts->log, pchild),
        (int)DI_SERVER_CONF(conf, pull_ms));
    parts->duty[DI_TURN_PULL] = -1; /* the other caretaker's */
    rv = ds_fetch_start();
    if (rv == APR_SUCCESS) {
        rv = ds_caretaker_make(&caretaker, list.duty, list.count, pchild);
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                     "DI0437: this process cannot pull purges and leaves it "
                     "to the others");
    }
}

void di_care_child_start(di_parts_t *parts, server_rec *s, apr_pool_t *pchild)
{
    list_t list = {.count = 0};
    apr_status_t rv;
    int turn;

    for (turn = 0; turn < DI_TURN_END; turn++) {
        parts->duty[turn] = -1;
    }
    if (parts->memcached) {
        add(&list, parts, DI_TURN_PROBE, probe, parts, PROBE_EVERY_MS);
    }
    if (parts->disk) {
        add(&list, parts, DI_TURN_SWEEP, sweep, parts, SWEEP_EVERY_MS);
    }
    add_purges(&list, parts, pchild);
    start_pull(parts, s, pchild);
    if (!list.count) {
        return;
    }
    rv = ds_caretaker_make(&parts->caretaker, list.duty, list.count, pchild);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                     "DI0615: no thread for what comes round: this process "
                     "leaves it to the others");
    }
}

void di_care_hurry(const di_parts_t *parts, di_turn_e turn)
{
    if (parts->caretaker && parts->duty[turn] >= 0) {
        ds_caretaker_hurry(parts->caretaker, parts->duty[turn]);
    }
}
