/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting the parts of mod_dynimage from its settings.
 *
 * The render pool is forked by httpd's parent, while it may still choose
 * users, and its listener is kept over restarts in the process pool.  Store
 * and leases are made in each child, after fork: connections to memcached
 * must not be shared.
 */
#include "directives/dynimage_start.h"

#include <string.h>
#include <unistd.h>

#include "apr_strings.h"
#include "ap_mpm.h"
#include "http_core.h"
#include "unixd.h"

#include "base/steady.h"
#include "directives/dynimage_care.h"
#include "directives/dynimage_tally.h"
#include "render/compose.h"
#include "store/store_disk.h"
#include "store/store_memcached.h"
#include "store/store_memory.h"

/* Expiry of a lease in memcached, s: past the longest render and its
   transfer, so that only a machine that died lets it run out. */
#define LEASE_MARGIN_S 5

/* Larger renditions gain little from lying in memory: their files are sent by
   sendfile, and each would drive out many small ones. */
#define MEMORY_ITEM_BYTES (512 * 1024)

static void print_log(void *server, ds_log_level_e level, apr_status_t rv,
                      const char *text)
{
    ap_log_error(APLOG_MARK, (int)level, rv, (server_rec *)server, "%s", text);
}

static int is_stopping(void)
{
    int state = AP_MPMQ_STOPPING;

    return ap_mpm_query(AP_MPMQ_MPM_STATE, &state) != APR_SUCCESS ||
           state == AP_MPMQ_STOPPING;
}

static const char *cache_root(const di_server_conf_t *conf)
{
    return conf->cache_root ? conf->cache_root : DI_CACHE_ROOT;
}

/* Where each request has a process of its own, memory of the process would be
   filled by too few to be of use. */
static int has_threads(void)
{
    int threaded = 0;

    return ap_mpm_query(AP_MPMQ_IS_THREADED, &threaded) == APR_SUCCESS &&
           threaded != AP_MPMQ_NOT_SUPPORTED;
}

static int wants_level(const di_server_conf_t *conf, const char *name)
{
    int i;

    if (!conf->levels) {
        return !strcmp(name, "disk") ||
               (!strcmp(name, "memcached") && conf->memcached) ||
               (!strcmp(name, "memory") && has_threads());
    }
    for (i = 0; i < conf->levels->nelts; i++) {
        if (!strcasecmp(APR_ARRAY_IDX(conf->levels, i, const char *), name)) {
            return 1;
        }
    }
    return 0;
}

int di_start_check(server_rec *main_server, apr_pool_t *ptemp)
{
    const di_server_conf_t *conf = di_server_conf_of(main_server);
    const char *error = NULL;
    server_rec *s;

    if (conf->levels && wants_level(conf, "memcached") && !conf->memcached) {
        error = "DynImageStore names memcached: add DynImageMemcached with "
                "its servers";
    }
    if (!error) {
        error = di_books_check(main_server, ptemp);
    }
    for (s = main_server; s && !error; s = s->next) {
        error = di_conf_check(
            ap_get_module_config(s->lookup_defaults, &dynimage_module), ptemp);
    }
    if (error) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, main_server, "DI0603: %s",
                     error);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

static int is_empty(const char *folder, apr_pool_t *ptemp)
{
    apr_finfo_t entry;
    apr_dir_t *dir;
    apr_status_t rv = apr_dir_open(&dir, folder, ptemp);

    if (rv != APR_SUCCESS) {
        return 0;
    }
    do {
        rv = apr_dir_read(&entry, APR_FINFO_NAME, dir);
    } while (rv == APR_SUCCESS &&
             (!strcmp(entry.name, ".") || !strcmp(entry.name, "..")));
    apr_dir_close(dir);
    return APR_STATUS_IS_ENOENT(rv);
}

/* Ours alone; but those above it, if they have to be made too, must let
   httpd's user through. */
static apr_status_t make_folder(const char *folder, apr_pool_t *ptemp)
{
    const apr_fileperms_t ours =
        APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_UEXECUTE;
    apr_status_t rv = apr_dir_make(folder, ours, ptemp);

    if (APR_STATUS_IS_ENOENT(rv)) {
        rv =
            apr_dir_make_recursive(folder,
                                   ours | APR_FPROT_GREAD | APR_FPROT_GEXECUTE |
                                       APR_FPROT_WREAD | APR_FPROT_WEXECUTE,
                                   ptemp);
        if (rv == APR_SUCCESS) {
            rv = apr_file_perms_set(folder, ours);
        }
    }
    return APR_STATUS_IS_EEXIST(rv) ? APR_SUCCESS : rv;
}

/* @return what is wrong with the folder, or NULL.  One that was there before
   is given to httpd's user only while it is empty: a slip like /var/cache
   must not give away what belongs to others. */
static const char *prepare_folder(apr_status_t *rv, const char *folder,
                                  apr_pool_t *ptemp)
{
    apr_finfo_t info;

    *rv = make_folder(folder, ptemp);
    if (*rv != APR_SUCCESS) {
        return "it cannot be made";
    }
    *rv = apr_stat(&info, folder, APR_FINFO_TYPE | APR_FINFO_OWNER, ptemp);
    if (*rv != APR_SUCCESS) {
        return "it cannot be looked at";
    }
    if (info.filetype != APR_DIR) {
        return "it is not a folder";
    }
    if (geteuid() != 0 && access(folder, R_OK | W_OK | X_OK)) {
        *rv = apr_get_os_error();
        return "it cannot be written to";
    }
    if (geteuid() != 0 || info.user == ap_unixd_config.user_id) {
        return NULL;
    }
    if (!is_empty(folder, ptemp)) {
        return "it belongs to another user than httpd's, and is not empty";
    }
    if (chown(folder, ap_unixd_config.user_id, ap_unixd_config.group_id)) {
        *rv = apr_get_os_error();
        return "it cannot be given to httpd's user";
    }
    return NULL;
}

/* The folder of the store and of the lease file, writable for children. */
static void prepare_cache_root(const di_server_conf_t *conf, server_rec *s,
                               apr_pool_t *ptemp)
{
    const char *root = cache_root(conf);
    apr_status_t rv;
    const char *wrong = prepare_folder(&rv, root, ptemp);

    if (wrong) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                     "DI0604: DynImageCacheRoot %s cannot be used, %s: "
                     "nothing will be kept on disk",
                     root, wrong);
    }
}

static const char *render_user(const di_server_conf_t *conf, server_rec *s)
{
    const char *user = conf->render_user ? conf->render_user : DI_RENDER_USER;

    if (geteuid() == 0 && ap_unixd_config.user_name &&
        !strcmp(user, ap_unixd_config.user_name)) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     "DI0605: renderers run as %s like httpd itself: give "
                     "them a user of their own with DynImageRenderUser",
                     user);
    }
    return user;
}

static apr_status_t start_renderers(di_parts_t *parts,
                                    const di_server_conf_t *conf,
                                    apr_pool_t *pconf, server_rec *s)
{
    di_workers_conf_t settings = {
        .renderers = di_conf_renderers(conf),
        .queue = (int)DI_SERVER_CONF(conf, queue),
        .age_ms = (apr_uint32_t)DI_SERVER_CONF(conf, age_ms),
        .formats = parts->inputs,
        .recycle_jobs = (apr_uint32_t)DI_SERVER_CONF(conf, recycle_jobs),
        .recycle_bytes = (apr_uint64_t)DI_SERVER_CONF(conf, recycle_bytes),
        .memory_bytes = (apr_uint64_t)DI_SERVER_CONF(conf, memory_bytes),
        .user = render_user(conf, s),
        .time_limit_ms = (apr_uint32_t)DI_SERVER_CONF(conf, render_ms),
        .log = &parts->log};
    static const char key[] = "dynimage-workers-2";
    apr_pool_t *pprocess = s->process->pool;
    void *workers = NULL;
    apr_status_t rv = APR_SUCCESS;

    apr_pool_userdata_get(&workers, key, pprocess);
    parts->workers = workers;
    if (!workers) {
        rv = di_workers_parent_make(&parts->workers, pprocess);
        if (rv == APR_SUCCESS) {
            /* Not _setn: the key would be unloaded with the module. */
            rv = apr_pool_userdata_set(parts->workers, key, NULL, pprocess);
        }
    }
    return rv ? rv
              : di_workers_parent_start(parts->workers, &settings, is_stopping,
                                        pconf);
}

void di_start_parent(di_parts_t *parts, server_rec *s, apr_pool_t *pconf,
                     apr_pool_t *ptemp)
{
    const di_server_conf_t *conf = di_server_conf_of(s);
    apr_status_t rv;

    parts->log.baton = s;
    parts->log.upto = (ds_log_level_e)ap_get_server_module_loglevel(
        s, dynimage_module.module_index);
    parts->log.print = print_log;
    prepare_cache_root(conf, s, ptemp);
    di_books_parent_start(&parts->books, &parts->ledger, s, ptemp);
    if (di_memcached_token(parts->token) != APR_SUCCESS) {
        parts->token[0] = '\0';
    }
    parts->inputs = di_conf_inputs(conf);
    parts->renderer = di_compose_version(pconf);
    rv = start_renderers(parts, conf, pconf, s);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, s,
                     "DI0606: the render pool could not be started: originals "
                     "will be sent");
        parts->workers = NULL;
    }
}

static void render(void *workers, di_result_t *result, apr_file_t **out,
                   const di_job_t *job, apr_file_t *original, apr_pool_t *p)
{
    if (!workers) {
        result->status = DI_RENDER_NO_POOL;
        return;
    }
    di_workers_child_render(workers, result, out, job, original, p);
}

/* Jobs in front of a new one, each as long as those before on average. */
static apr_uint32_t backlog_ms(void *workers)
{
    di_workers_stats_t stats;
    apr_uint64_t mean_us;

    di_workers_child_stats(&stats, workers);
    if (!stats.taken || !stats.renderers || stats.running < stats.renderers) {
        return 0;
    }
    mean_us = stats.busy_us / stats.taken;
    return (apr_uint32_t)((stats.waiting + 1) * mean_us / stats.renderers /
                          1000);
}

static int make_later(void *later, const di_wish_t *wish)
{
    int added = di_later_add(later, wish);

    if (added < 2) {
        ds_tally_add(di_tally, added ? DI_COUNT_LATER : DI_COUNT_LATER_DROPPED,
                     1);
    }
    return added;
}

static void forget_later(void *later, const di_key_t *key, apr_time_t at)
{
    di_later_forget(later, key, at);
}

/* Jobs that no renderer had begun are no renders. */
static void book_render(void *baton, const di_wish_t *wish,
                        const di_result_t *result)
{
    const di_parts_t *parts = baton;

    if (result->cpu_us) {
        di_ledger_render(parts->ledger, wish->key->customer, result->cpu_us);
    }
}

static void pause_for(apr_interval_time_t span)
{
    apr_sleep(span);
}

static apr_status_t add_disk(di_parts_t *parts, const di_server_conf_t *conf,
                             apr_pool_t *p)
{
    di_disk_conf_t disk = {.root = cache_root(conf),
                           .accounts = parts->books.accounts,
                           .usage = parts->books.usage,
                           .no_sendfile = parts->no_sendfile,
                           .log = &parts->log};
    apr_status_t rv = APR_ENOMEM; /* without books no quota would be kept */

    if (disk.accounts) {
        rv = di_disk_make(&parts->store.level[parts->store.count], &disk, p);
    }
    if (rv == APR_SUCCESS) {
        parts->disk = parts->store.level[parts->store.count];
    }
    return rv;
}

static apr_status_t add_memcached(di_parts_t *parts, di_lease_shared_t **shared,
                                  const di_server_conf_t *conf, apr_pool_t *p)
{
    di_memcached_conf_t memcached = {
        .timeout_ms = (apr_uint32_t)DI_SERVER_CONF(conf, memcached_ms),
        .max_item_bytes = (apr_size_t)DI_SERVER_CONF(conf, max_item_bytes),
        .breakers = parts->books.breaker,
        .probed = 1,
        .token = parts->token[0] ? parts->token : NULL,
        .log = &parts->log};
    apr_status_t rv;

    *(const char **)apr_array_push(conf->memcached) = NULL;
    conf->memcached->nelts--;
    memcached.servers = (const char *const *)conf->memcached->elts;
    rv = di_memcached_make(&parts->memcached, shared, &memcached, p);
    parts->store.level[parts->store.count] = parts->memcached;
    return rv;
}

static apr_status_t add_memory(di_parts_t *parts, const di_server_conf_t *conf,
                               apr_pool_t *p)
{
    di_memory_conf_t memory = {
        .max_bytes = (apr_size_t)DI_SERVER_CONF(conf, memory_level_bytes),
        .max_item_bytes = MEMORY_ITEM_BYTES};

    return di_memory_make(&parts->store.level[parts->store.count], &memory, p);
}

/* The levels in the operator's order. */
static void make_store(di_parts_t *parts, di_lease_shared_t **shared,
                       const di_server_conf_t *conf, apr_pool_t *p,
                       server_rec *s)
{
    static const char *const usual[] = {"memory", "disk", "memcached"};
    int count = conf->levels ? conf->levels->nelts : 3, i;

    parts->store.keep_first = conf->keep_first;
    for (i = 0; i < count; i++) {
        const char *name = conf->levels
                               ? APR_ARRAY_IDX(conf->levels, i, const char *)
                               : usual[i];
        apr_status_t rv;
        if (!wants_level(conf, name)) {
            continue;
        }
        rv = !strcasecmp(name, "disk") ? add_disk(parts, conf, p)
             : !strcasecmp(name, "memory")
                 ? add_memory(parts, conf, p)
                 : add_memcached(parts, shared, conf, p);
        if (rv == APR_SUCCESS) {
            parts->store.count++;
            continue;
        }
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                     "DI0607: this process has no %s level", name);
    }
}

/* The store lies on a local disk, where sendfile works, so it is used unless
   the server says EnableSendfile Off. */
static int forbids_sendfile(server_rec *s)
{
    core_dir_config *core = ap_get_core_module_config(s->lookup_defaults);

    return core->enable_sendfile == ENABLE_SENDFILE_OFF;
}

/* Slots are leases of names that renditions have not, in the same file, and
   never memcached's: each machine has its own. */
static void make_leases(di_parts_t *parts, const di_lease_shared_t *shared,
                        const di_server_conf_t *conf, apr_pool_t *pchild,
                        server_rec *s)
{
    const char *file = apr_pstrcat(pchild, cache_root(conf), "/.leases", NULL);
    apr_uint32_t ttl_s =
        (apr_uint32_t)(DI_SERVER_CONF(conf, render_ms) / 1000) + LEASE_MARGIN_S;
    apr_status_t rv = di_leases_make(&parts->world.leases, file, ttl_s, shared,
                                     &parts->log, pchild);

    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                     "DI0608: no leases: requests for one cold image may "
                     "each render it");
        parts->world.leases = NULL;
    }
    if (di_leases_make(&parts->slots, file, ttl_s, NULL, &parts->log, pchild) !=
        APR_SUCCESS) {
        parts->slots = NULL;
    }
}

void di_start_child(di_parts_t *parts, server_rec *s, apr_pool_t *pchild)
{
    const di_server_conf_t *conf = di_server_conf_of(s);
    di_lease_shared_t *shared = NULL;

    di_books_child_start(s);
    parts->no_sendfile = forbids_sendfile(s);
    make_store(parts, &shared, conf, pchild, s);
    make_leases(parts, shared, conf, pchild, s);
    if (di_flights_make(&parts->world.flights, pchild) != APR_SUCCESS) {
        parts->world.flights = NULL;
    }
    parts->world.store = &parts->store;
    parts->world.renderer = parts->workers;
    parts->world.render = render;
    parts->world.now = apr_time_now;
    parts->world.steady = ds_steady_now;
    parts->world.pause = pause_for;
    parts->world.backlog_ms = backlog_ms;
    parts->world.rendered = book_render;
    parts->world.rendered_baton = parts;
    parts->world.log = &parts->log;
    if (parts->workers &&
        di_later_make(&parts->later, &parts->world,
                      (int)DI_SERVER_CONF(conf, later),
                      (apr_uint32_t)DI_SERVER_CONF(conf, render_ms),
                      pchild) == APR_SUCCESS) {
        parts->world.later = make_later;
        parts->world.forget = forget_later;
        parts->world.later_baton = parts->later;
    }
    di_care_child_start(parts, s, pchild);
}
