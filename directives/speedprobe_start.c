/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting the parts of mod_speedprobe from its settings.
 *
 * What has to outlive a graceful restart lies in the process pool, where the
 * next copy of this module finds it by name: the random key of the cookies,
 * and the memory of the tables.  That memory is taken over while its shape and
 * its keys stay the same; else it is made anew, and children that still work
 * go on with the old one until they end.
 *
 *     memory    table of clients | table of networks
 */
#include "directives/speedprobe_start.h"

#include <string.h>

#include "apr_strings.h"
#include "http_config.h"

#include "directives/share_memcached.h"
#include "directives/speedprobe_conf.h"
#include "speed/client.h"
#include "base/memory.h"
#include "speed/networks.h"

extern module AP_MODULE_DECLARE_DATA speedprobe_module;

sp_parts_t sp_parts;

/* Rows of the table of networks: a quarter of the clients'. */
#define CLIENTS_PER_NETWORK 4

/* How long another process may take to give the state file back. */
#define LOCK_TRIES 10
#define LOCK_PAUSE_FOR apr_time_from_msec(100)

static void print_log(void *server, ds_log_level_e level, apr_status_t rv,
                      const char *text)
{
    ap_log_error(APLOG_MARK, (int)level, rv, (server_rec *)server, "%s", text);
}

/* ---- keys ---- */

const ds_seal_keys_t *sp_start_keys(server_rec *s)
{
    static const char name[] = "mod_speedprobe-keys";
    apr_pool_t *process = s->process->pool;
    ds_seal_keys_t *keys = NULL;
    apr_status_t rv;

    if (sp_server_conf_of(s)->keys) {
        return sp_server_conf_of(s)->keys;
    }
    (void)apr_pool_userdata_get((void **)&keys, name, process);
    if (keys) {
        return keys;
    }
    keys = apr_pcalloc(process, sizeof(*keys));
    rv = ds_seal_keys_random(keys);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s,
                     "SP0001: no random key could be made");
        return NULL;
    }
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                 "SP0002: SpeedProbeKeyFile is not set: cookies are signed "
                 "with a random key and end when httpd stops");
    /* Not _setn: the name would be unloaded with the module. */
    (void)apr_pool_userdata_set(keys, name, NULL, process);
    return keys;
}

/* Says whose keys named the rows, and what the rows mean. */
static apr_uint64_t tag_of(const ds_seal_key_t *table_key, const char *what)
{
    unsigned char mac[DS_SEAL_MAC_BYTES] = {0};
    apr_uint64_t tag;

    (void)ds_seal_mac(mac, table_key, "table-tag", what, strlen(what));
    memcpy(&tag, mac, sizeof(tag));
    return tag;
}

/* ---- settings ---- */

/* A name that no list of this server has is a slip, but harmless. */
void sp_start_check(server_rec *s)
{
    const sp_conf_t *conf =
        ap_get_module_config(s->lookup_defaults, &speedprobe_module);
    const ds_bands_t *bands = ds_bands_or_default(&conf->bands);

    if (conf->unknown_band && ds_bands_find(bands, conf->unknown_band) < 0) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "SP0003: SpeedProbeUnknownBand %s: no such band, \"%s\" "
                     "is used",
                     conf->unknown_band,
                     bands->band[ds_bands_unknown(bands, NULL)].name);
    }
}

/* ---- memory of the tables ---- */

/* What the process pool keeps from one configuration to the next. */
typedef struct {
    ds_memory_t memory;
    const char *path; /* of its file; NULL: none */
} kept_t;

typedef struct {
    apr_uint32_t rows;
    apr_size_t row_bytes;
    apr_uint64_t tag;
} shape_t;

static apr_size_t bytes_of(const shape_t *shape)
{
    return sp_table_bytes(shape->rows, shape->row_bytes);
}

static kept_t *kept_of(server_rec *s)
{
    static const char name[] = "mod_speedprobe-memory-1";
    apr_pool_t *process = s->process->pool;
    void *kept = NULL;

    (void)apr_pool_userdata_get(&kept, name, process);
    if (!kept) {
        kept = apr_pcalloc(process, sizeof(kept_t));
        ((kept_t *)kept)->memory.lock_fd = -1;
        (void)apr_pool_userdata_set(kept, name, NULL, process);
    }
    return kept;
}

static int is_same_path(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static void log_no_file(server_rec *s, const char *path, apr_status_t rv)
{
    if (APR_STATUS_IS_EBUSY(rv)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "SP0503: SpeedProbeStateFile %s is in use by another "
                     "httpd: clients are remembered in memory only",
                     path);
    }
    else {
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                     "SP0502: SpeedProbeStateFile %s cannot be used: clients "
                     "are remembered in memory only",
                     path);
    }
}

/* A parent that was killed may be followed by the next one while the kernel is
   still at ending it. */
static apr_status_t take_file(ds_memory_t *out, const char *path,
                              apr_size_t bytes)
{
    apr_status_t rv = ds_memory_make(out, path, bytes);
    int i;

    for (i = 0; i < LOCK_TRIES && APR_STATUS_IS_EBUSY(rv); i++) {
        apr_sleep(LOCK_PAUSE_FOR);
        rv = ds_memory_make(out, path, bytes);
    }
    return rv;
}

/* Other memory than there is: the file's, else without one. */
static apr_status_t replace(kept_t *kept, server_rec *s, const char *path,
                            apr_size_t bytes)
{
    ds_memory_t made;
    apr_status_t rv = path ? take_file(&made, path, bytes) : APR_ENOENT;

    if (path && rv != APR_SUCCESS) {
        log_no_file(s, path, rv);
        path = NULL;
        if (kept->memory.at && kept->memory.bytes == bytes && !kept->path) {
            return APR_SUCCESS; /* the file could not be had before either */
        }
    }
    if (!path) {
        rv = ds_memory_make(&made, NULL, bytes);
    }
    if (rv == APR_SUCCESS) {
        ds_memory_replace(&kept->memory, &made);
        kept->path = path ? apr_pstrdup(s->process->pool, path) : NULL;
    }
    return rv;
}

/* The same, but empty, or of another size. */
static apr_status_t renew(kept_t *kept, server_rec *s, apr_size_t bytes)
{
    apr_status_t rv = ds_memory_renew(&kept->memory, kept->path, bytes);

    if (rv != APR_SUCCESS && kept->path) {
        log_no_file(s, kept->path, rv);
        rv = replace(kept, s, NULL, bytes);
    }
    return rv;
}

/* Memory of this size: what is there, or other. */
static apr_status_t provide(kept_t *kept, server_rec *s, const char *path,
                            apr_size_t bytes)
{
    kept->memory.is_new = 0;
    if (!kept->memory.at || !is_same_path(kept->path, path)) {
        return replace(kept, s, path, bytes);
    }
    return kept->memory.bytes == bytes ? APR_SUCCESS : renew(kept, s, bytes);
}

static int is_kept(const kept_t *kept, const shape_t *clients,
                   const shape_t *networks)
{
    char *at = kept->memory.at;

    return sp_table_is_kept(at, bytes_of(clients), clients->rows,
                            clients->row_bytes, clients->tag) &&
           sp_table_is_kept(at + bytes_of(clients), bytes_of(networks),
                            networks->rows, networks->row_bytes, networks->tag);
}

static void log_tables(server_rec *s, const kept_t *kept,
                       const shape_t *clients)
{
    ap_log_error(APLOG_MARK, APLOG_INFO, 0, s,
                 "SP0501: table of %u clients in %s (%" APR_SIZE_T_FMT
                 " bytes): %" APR_UINT64_T_FMT " clients and %" APR_UINT64_T_FMT
                 " networks known",
                 clients->rows, kept->path ? kept->path : "memory",
                 kept->memory.bytes, sp_table_used(sp_parts.clients),
                 sp_table_used(sp_parts.networks));
}

static void make_tables(kept_t *kept, const shape_t *clients,
                        const shape_t *networks)
{
    char *at = kept->memory.at;

    sp_parts.clients = sp_table_init(at, bytes_of(clients), clients->rows,
                                     clients->row_bytes, clients->tag, NULL);
    sp_parts.networks =
        sp_table_init(at + bytes_of(clients), bytes_of(networks),
                      networks->rows, networks->row_bytes, networks->tag, NULL);
}

static void start_tables(server_rec *s, apr_uint32_t rows, const char *path)
{
    const shape_t clients = {
        rows, sizeof(sp_client_t),
        tag_of(&sp_parts.table_key,
               "clients-" APR_STRINGIFY(SP_CLIENT_VERSION))};
    const shape_t networks = {
        rows / CLIENTS_PER_NETWORK, sp_networks_row_bytes(),
        tag_of(&sp_parts.table_key,
               "networks-" APR_STRINGIFY(SP_NETWORKS_VERSION))};
    kept_t *kept = kept_of(s);
    apr_status_t rv =
        provide(kept, s, path, bytes_of(&clients) + bytes_of(&networks));

    if (rv == APR_SUCCESS && !kept->memory.is_new &&
        !is_kept(kept, &clients, &networks)) {
        rv = renew(kept, s, kept->memory.bytes);
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, s,
                     "SP0504: no memory for the table of clients: nothing is "
                     "remembered on the server");
        ds_memory_drop(&kept->memory);
        return;
    }
    make_tables(kept, &clients, &networks);
    log_tables(s, kept, &clients);
}

/* ---- the hooks ---- */

void sp_start_parent(server_rec *s, const ds_seal_keys_t *keys,
                     apr_pool_t *pconf, apr_pool_t *ptemp)
{
    const sp_server_conf_t *conf = sp_server_conf_of(s);
    apr_int64_t rows = SP_SERVER_CONF(conf, table_rows);
    apr_status_t rv = sp_clientkey_secret(&sp_parts.table_key, &keys->key[0]);

    sp_parts.log.baton = s;
    sp_parts.log.upto = (ds_log_level_e)ap_get_server_module_loglevel(
        s, speedprobe_module.module_index);
    sp_parts.log.print = print_log;
    sp_parts.clients = sp_parts.networks = NULL;
    sp_parts.share = NULL;
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, s,
                     "SP0505: no key for the table of clients: nothing is "
                     "remembered on the server");
        return;
    }
    if (rows == 0) {
        ds_memory_drop(&kept_of(s)->memory);
        return;
    }
    if (conf->state_file && !conf->keys) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     "SP0506: SpeedProbeStateFile without SpeedProbeKeyFile: "
                     "what it holds ends when httpd stops");
    }
    if (conf->memcached && !conf->keys) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "SP0507: SpeedProbeMemcached without SpeedProbeKeyFile: "
                     "no machine understands what another one shares");
    }
    start_tables(s, (apr_uint32_t)rows, conf->state_file);
}

static void start_share(server_rec *s, const sp_server_conf_t *conf,
                        apr_pool_t *pchild)
{
    sp_share_cache_t cache;
    apr_status_t rv;

    *(const char **)apr_array_push(conf->memcached) = NULL;
    conf->memcached->nelts--;
    rv = sp_share_memcached_make(
        &cache, (const char *const *)conf->memcached->elts,
        (apr_uint32_t)SP_SERVER_CONF(conf, memcached_ms), &sp_parts.log,
        pchild);
    if (rv == APR_SUCCESS) {
        sp_parts.share =
            sp_share_make(&cache, sp_parts.clients, &sp_parts.table_key,
                          &sp_parts.log, pchild);
    }
    else {
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                     "SP0513: this process shares no clients through "
                     "memcached");
    }
}

void sp_start_child(server_rec *s, apr_pool_t *pchild)
{
    const sp_server_conf_t *conf = sp_server_conf_of(s);

    ds_memory_child(&kept_of(s)->memory);
    if (conf->memcached && sp_parts.clients) {
        start_share(s, conf, pchild);
    }
}
