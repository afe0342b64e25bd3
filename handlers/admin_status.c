/* SPDX-License-Identifier: Apache-2.0 */
/* status: the pool, the store and what was counted, at a glance. */
#include "http_main.h"

#include "handlers/admin_image.h"

#include "directives/dynimage_tally.h"

static void put_pool(ds_json_t *root, di_workers_t *workers)
{
    ds_json_t *to = ds_json_object_in(root, "pool");
    di_workers_stats_t stats;

    di_workers_child_stats(&stats, workers);
    ds_json_number(to, "renderers", (apr_int64_t)stats.renderers);
    ds_json_number(to, "alive", (apr_int64_t)stats.alive);
    ds_json_number(to, "running", (apr_int64_t)stats.running);
    ds_json_number(to, "waiting", (apr_int64_t)stats.waiting);
    ds_json_number(to, "taken", (apr_int64_t)stats.taken);
    ds_json_number(to, "refused", (apr_int64_t)stats.refused);
    ds_json_number(to, "died", (apr_int64_t)stats.died);
    ds_json_number(to, "timed_out", (apr_int64_t)stats.timed_out);
    ds_json_number(to, "busy_us", (apr_int64_t)stats.busy_us);
}

static void put_levels(ds_json_t *root, const di_store_t *store)
{
    ds_json_t *list = ds_json_array_in(root, "levels");
    int i;

    for (i = 0; store && i < store->count; i++) {
        ds_json_text(list, NULL, store->level[i]->name);
    }
}

/* Each server, and whether it is left alone now; the breakers are in the order
   of the directive. */
static void put_memcached(ds_json_t *root, const di_parts_t *parts)
{
    const apr_array_header_t *servers =
        di_server_conf_of(ap_server_conf)->memcached;
    const di_breaker_t *breakers = parts->books.breaker;
    ds_json_t *list = ds_json_array_in(root, "memcached");
    int i;

    for (i = 0; servers && i < servers->nelts; i++) {
        ds_json_t *to = ds_json_object_in(list, NULL);

        ds_json_text(to, "server", APR_ARRAY_IDX(servers, i, const char *));
        ds_json_flag(to, "open", breakers && di_breaker_is_open(&breakers[i]));
    }
}

/* The pool's own figures are shown as "pool". */
static void put_counters(ds_json_t *root)
{
    ds_json_t *to = ds_json_object_in(root, "counters");
    int i;

    for (i = 1; i < DI_COUNT_END; i++) {
        if (di_counters[i].name && di_counters[i].kind == DS_TALLY_COUNTER) {
            ds_json_number(to, di_counters[i].name,
                           (apr_int64_t)ds_tally_get(di_tally, i));
        }
    }
}

int di_admin_status(di_admin_t *admin)
{
    ds_json_t *root = ds_json_object(admin->r->pool);
    const di_conf_t *conf =
        ap_get_module_config(admin->r->per_dir_config, &dynimage_module);

    ds_json_text(root, "version", DI_VERSION);
    ds_json_text(root, "mode", di_admin_mode(conf, admin->r->pool));
    put_pool(root, admin->parts->workers);
    put_levels(root, admin->parts->world.store);
    ds_json_number(root, "customers",
                   admin->parts->books.accounts
                       ? di_accounts_count(admin->parts->books.accounts)
                       : 0);
    if (admin->everywhere) {
        put_memcached(root, admin->parts);
    }
    put_counters(root);
    return di_admin_send(admin, root);
}
