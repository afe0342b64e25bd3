/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_dynimage: every visitor gets images that suit the visitor's connection.
 *
 * The life of one image request, read image_handler() top down: how fast is
 * the client (mod_speedprobe) -> band -> tier -> key of the rendition ->
 * obtain it (store, lease, render pool: lib/image/obtain.c) -> headers that
 * explain -> one brigade.  Whatever goes wrong, the handler declines with the
 * reason in the headers, and httpd sends the original.
 *
 * Who runs what: parent_start() in httpd's parent, child_start() in every
 * child process, the handler in any thread of a child.
 */
#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "ap_mpm.h"
#include "unixd.h"

#include "apr_strings.h"

#include "mod_speedprobe.h"

#include "directives/dynimage_conf.h"
#include "filters/private_out.h"
#include "handlers/rendition.h"
#include "image/cachecontrol.h"
#include "image/explain.h"
#include "image/obtain.h"
#include "image/sniff.h"
#include "render/render_gm.h"
#include "render/workers.h"
#include "store/store_disk.h"
#include "store/store_memcached.h"

/* Expiry of a lease in memcached, s: past the longest render and its
   transfer, so that only a machine that died lets it run out. */
#define LEASE_MARGIN_S 5

/* Words for a scope that has no tier for a band. */
static const di_tier_t no_tier = {.name = "none", .original = 1};

/* What one process of httpd holds; set up before its first request. */
static struct {
    ds_log_t log;
    di_workers_t *workers; /* made by the parent, inherited */
    di_store_t store;
    di_world_t world;
    APR_OPTIONAL_FN_TYPE(speedprobe_estimate) * estimate;
} self;

/* One request on its way through the handler. */
typedef struct {
    request_rec *r;
    const di_conf_t *conf;
    sp_estimate_t speed;
    const char *band;
    di_tier_t room;
    const di_tier_t *tier;
    di_original_t original;
    di_limits_t limits;
    di_key_t key;
    di_obtained_t obtained;
} image_t;

static void print_log(void *server, ds_log_level_e level, apr_status_t rv,
                      const char *text)
{
    ap_log_error(APLOG_MARK, (int)level, rv, (server_rec *)server, "%s", text);
}

static di_server_conf_t *server_conf(server_rec *s)
{
    return ap_get_module_config(s->module_config, &dynimage_module);
}

/* ---- one image request -------------------------------------------------- */

/* Only a plain file that some other handler did not claim, and whose type
   says picture. */
static int is_ours(request_rec *r, const di_conf_t *conf)
{
    return DI_CONF(conf, enabled) && r->method_number == M_GET && !r->main &&
           r->finfo.filetype == APR_REG && r->filename &&
           !(r->path_info && *r->path_info) &&
           di_format_is_candidate(r->content_type) && r->handler &&
           (!strcmp(r->handler, AP_DEFAULT_HANDLER_NAME) ||
            di_format_is_candidate(r->handler));
}

static void ask_speed(image_t *image)
{
    memset(&image->speed, 0, sizeof(image->speed));
    if (self.estimate) {
        self.estimate(&image->speed, image->r);
    }
}

/* An unknown client gets the unknown band; one of which only a lower bound is
   known is never put below it. */
static void pick_tier(image_t *image)
{
    const ds_bands_t *bands = ds_bands_or_default(&image->conf->bands);
    int unknown = ds_bands_unknown(bands, image->conf->unknown_band);
    int band = unknown;

    if (image->speed.capacity_kbps) {
        band = ds_bands_pick(bands, image->speed.capacity_kbps);
        if (image->speed.lower_bound && band < unknown) {
            band = unknown;
        }
    }
    image->band = bands->band[band].name;
    image->tier = di_conf_tier(&image->room, image->conf, image->band);
    if (!image->tier) {
        image->tier = &no_tier;
        image->obtained.reason = DI_REASON_ERROR;
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, image->r,
                      "DI0302: no tier for band %s in this scope", image->band);
    }
}

static int forbids_transform(request_rec *r)
{
    return di_cachecontrol_forbids_transform(
               apr_table_get(r->headers_in, "Cache-Control")) ||
           di_cachecontrol_forbids_transform(
               apr_table_get(r->headers_out, "Cache-Control")) ||
           di_cachecontrol_forbids_transform(
               apr_table_get(r->err_headers_out, "Cache-Control"));
}

/* Keys of the other tiers in the order in which a client of this band is
   served best: the next smaller ones, then larger ones. */
static int nearest_keys(di_key_t *keys, const image_t *image)
{
    const ds_bands_t *bands = ds_bands_or_default(&image->conf->bands);
    int own = ds_bands_find(bands, image->band), count = 0, i;
    di_tier_t room;

    for (i = 1; i < 2 * bands->count; i++) {
        int band = i <= own ? own - i : i - own + own;
        const di_tier_t *tier;
        if (band < 0 || band >= bands->count || band == own) {
            continue;
        }
        tier = di_conf_tier(&room, image->conf, bands->band[band].name);
        if (tier && !tier->original &&
            !di_variant_key(&keys[count], &image->original, tier,
                            &image->limits, di_gm_version(), image->r->pool)) {
            count++;
        }
    }
    return count;
}

static void obtain(image_t *image)
{
    di_key_t nearest[DS_BANDS_MAX];
    di_wish_t wish = {.original = &image->original,
                      .limits = &image->limits,
                      .tier = image->tier,
                      .key = &image->key,
                      .nearest = nearest};
    apr_pool_t *p = image->r->pool;

    image->limits.max_pixels = (apr_uint64_t)DI_CONF(image->conf, max_pixels);
    image->limits.max_bytes = (apr_uint64_t)DI_CONF(image->conf, max_bytes);
    wish.wait_ms = (apr_uint32_t)DI_CONF(image->conf, wait_ms);
    if (!self.world.store ||
        di_variant_key(&image->key, &image->original, image->tier,
                       &image->limits, di_gm_version(), p)) {
        image->obtained.reason = DI_REASON_ERROR;
        return;
    }
    wish.nearest_count = nearest_keys(nearest, image);
    di_obtain(&image->obtained, &self.world, &wish, p);
    if (image->obtained.nearest >= 0) {
        image->key = nearest[image->obtained.nearest];
    }
}

static void decide(image_t *image)
{
    image->obtained.nearest = -1;
    image->obtained.cache = "none";
    ask_speed(image);
    pick_tier(image);
    if (image->obtained.reason == DI_REASON_ERROR) {
        return;
    }
    if (image->tier->original) {
        image->obtained.reason = DI_REASON_ORIGINAL;
    }
    else if (forbids_transform(image->r)) {
        image->obtained.reason = DI_REASON_NO_TRANSFORM;
    }
    else {
        obtain(image);
    }
}

static void explain(const image_t *image)
{
    const di_obtained_t *got = &image->obtained;
    request_rec *r = image->r;
    di_explanation_t e = {.tier = image->tier->name,
                          .kbps = image->speed.capacity_kbps,
                          .source = sp_source_name(image->speed.source),
                          .cache = got->cache,
                          .in_bytes = image->original.bytes,
                          .out_bytes = got->have ? got->entry.body.bytes
                                                 : image->original.bytes,
                          .took_ms = got->took_ms,
                          .reason = got->reason,
                          .kept = got->kept};
    const char *text = di_explain_header(&e, r->pool);

    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, "DI0301: %s %s", r->uri, text);
    apr_table_setn(r->subprocess_env, "DYNIMAGE_TIER", e.tier);
    apr_table_setn(r->subprocess_env, "DYNIMAGE_REASON",
                   di_reason_word(e.reason));
    if (DI_CONF(image->conf, header)) {
        apr_table_setn(r->headers_out, "DynImage", text);
        apr_table_mergen(r->headers_out, "Cache-Status",
                         di_explain_cache_status(&e, r->pool));
        apr_table_mergen(r->headers_out, "Server-Timing",
                         di_explain_timing(&e, r->pool));
    }
}

/* Without mod_speedprobe everybody gets the same answer, and the site alone
   decides who may keep it. */
static void restrict_caches(const image_t *image)
{
    if (self.estimate || image->obtained.passing) {
        di_private_out_add(
            image->r, (apr_uint32_t)(DI_CONF(image->conf, max_age_ms) / 1000),
            image->obtained.passing,
            self.estimate && image->speed.source != SP_SOURCE_ASSUME);
    }
}

static int image_handler(request_rec *r)
{
    image_t image = {.r = r};

    image.conf = ap_get_module_config(r->per_dir_config, &dynimage_module);
    if (!is_ours(r, image.conf)) {
        return DECLINED;
    }
    image.original.file = r->filename;
    image.original.bytes = (apr_uint64_t)r->finfo.size;
    image.original.modified_at = r->finfo.mtime;

    decide(&image);
    explain(&image);
    restrict_caches(&image);
    if (!image.obtained.have) {
        return DECLINED;
    }
    return di_rendition_send(r, &image.obtained.entry,
                             di_variant_etag(&image.key, r->pool));
}

/* ---- start: the parent -------------------------------------------------- */

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

static int wants_level(const di_server_conf_t *conf, const char *name)
{
    int i;

    if (!conf->levels) {
        return !strcmp(name, "disk") || conf->memcached;
    }
    for (i = 0; i < conf->levels->nelts; i++) {
        if (!strcasecmp(APR_ARRAY_IDX(conf->levels, i, const char *), name)) {
            return 1;
        }
    }
    return 0;
}

static int check_settings(apr_pool_t *pconf, apr_pool_t *plog,
                          apr_pool_t *ptemp, server_rec *main_server)
{
    const di_server_conf_t *conf = server_conf(main_server);
    const char *error = NULL;
    server_rec *s;

    if (conf->levels && wants_level(conf, "memcached") && !conf->memcached) {
        error = "DynImageStore names memcached: add DynImageMemcached with "
                "its servers";
    }
    for (s = main_server; s && !error; s = s->next) {
        error = di_conf_check(
            ap_get_module_config(s->lookup_defaults, &dynimage_module), ptemp);
    }
    if (error) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, main_server, "DI0303: %s",
                     error);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

/* The folder of the store and of the lease file, writable for children. */
static void prepare_cache_root(const di_server_conf_t *conf, server_rec *s,
                               apr_pool_t *ptemp)
{
    const char *root = cache_root(conf);
    apr_status_t rv = apr_dir_make_recursive(
        root, APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_UEXECUTE, ptemp);

    if (rv == APR_SUCCESS && geteuid() == 0 &&
        chown(root, ap_unixd_config.user_id, ap_unixd_config.group_id)) {
        rv = apr_get_os_error();
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                     "DI0304: DynImageCacheRoot %s cannot be used: nothing "
                     "will be kept on disk",
                     root);
    }
}

static const char *render_user(const di_server_conf_t *conf, server_rec *s)
{
    const char *user = conf->render_user ? conf->render_user : DI_RENDER_USER;

    if (geteuid() == 0 && ap_unixd_config.user_name &&
        !strcmp(user, ap_unixd_config.user_name)) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     "DI0305: renderers run as %s like httpd itself: give "
                     "them a user of their own with DynImageRenderUser",
                     user);
    }
    return user;
}

static apr_status_t start_renderers(const di_server_conf_t *conf,
                                    apr_pool_t *pconf, server_rec *s)
{
    di_workers_conf_t settings = {
        .renderers = (int)DI_SERVER_CONF(conf, renderers),
        .queue = (int)DI_SERVER_CONF(conf, queue),
        .memory_bytes = (apr_uint64_t)DI_SERVER_CONF(conf, memory_bytes),
        .user = render_user(conf, s),
        .time_limit_ms = (apr_uint32_t)DI_SERVER_CONF(conf, render_ms),
        .log = &self.log};
    static const char key[] = "dynimage-workers";
    apr_pool_t *pprocess = s->process->pool;
    void *workers = NULL;
    apr_status_t rv = APR_SUCCESS;

    apr_pool_userdata_get(&workers, key, pprocess);
    self.workers = workers;
    if (!workers) {
        rv = di_workers_parent_make(&self.workers, pprocess);
        if (rv == APR_SUCCESS) {
            apr_pool_userdata_setn(self.workers, key, NULL, pprocess);
        }
    }
    return rv ? rv
              : di_workers_parent_start(self.workers, &settings, is_stopping,
                                        pconf);
}

static int parent_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                        server_rec *s)
{
    const di_server_conf_t *conf = server_conf(s);
    apr_status_t rv;

    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    self.log.baton = s;
    self.log.upto = (ds_log_level_e)ap_get_server_module_loglevel(
        s, dynimage_module.module_index);
    self.log.print = print_log;
    self.estimate = APR_RETRIEVE_OPTIONAL_FN(speedprobe_estimate);
    prepare_cache_root(conf, s, ptemp);
    rv = start_renderers(conf, pconf, s);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, s,
                     "DI0306: the render pool could not be started: originals "
                     "will be sent");
        self.workers = NULL;
    }
    return OK;
}

/* ---- start: each child -------------------------------------------------- */

static void render(void *workers, di_result_t *result, apr_file_t **out,
                   const di_job_t *job, apr_file_t *original, apr_pool_t *p)
{
    if (!workers) {
        result->status = DI_RENDER_NO_POOL;
        return;
    }
    di_workers_child_render(workers, result, out, job, original, p);
}

static void pause_for(apr_interval_time_t span)
{
    apr_sleep(span);
}

static apr_status_t add_disk(const di_server_conf_t *conf, apr_pool_t *p)
{
    di_disk_conf_t disk = {.root = cache_root(conf),
                           .quota_bytes = DI_SERVER_CONF(conf, quota_bytes),
                           .log = &self.log};

    return di_disk_make(&self.store.level[self.store.count], &disk, p);
}

static apr_status_t add_memcached(di_lease_shared_t **shared,
                                  const di_server_conf_t *conf, apr_pool_t *p)
{
    di_memcached_conf_t memcached = {
        .timeout_ms = (apr_uint32_t)DI_SERVER_CONF(conf, memcached_ms),
        .max_item_bytes = (apr_size_t)DI_SERVER_CONF(conf, max_item_bytes),
        .log = &self.log};

    *(const char **)apr_array_push(conf->memcached) = NULL;
    conf->memcached->nelts--;
    memcached.servers = (const char *const *)conf->memcached->elts;
    return di_memcached_make(&self.store.level[self.store.count], shared,
                             &memcached, p);
}

/* The levels in the operator's order. */
static void make_store(di_lease_shared_t **shared, const di_server_conf_t *conf,
                       apr_pool_t *p, server_rec *s)
{
    static const char *const usual[] = {"disk", "memcached"};
    int count = conf->levels ? conf->levels->nelts : 2, i;

    for (i = 0; i < count; i++) {
        const char *name = conf->levels
                               ? APR_ARRAY_IDX(conf->levels, i, const char *)
                               : usual[i];
        apr_status_t rv;
        if (!wants_level(conf, name)) {
            continue;
        }
        rv = strcasecmp(name, "disk") ? add_memcached(shared, conf, p)
                                      : add_disk(conf, p);
        if (rv == APR_SUCCESS) {
            self.store.count++;
            continue;
        }
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                     "DI0307: this process has no %s level", name);
    }
}

static void child_start(apr_pool_t *pchild, server_rec *s)
{
    const di_server_conf_t *conf = server_conf(s);
    di_lease_shared_t *shared = NULL;
    apr_status_t rv;

    make_store(&shared, conf, pchild, s);
    rv = di_leases_make(&self.world.leases,
                        apr_pstrcat(pchild, cache_root(conf), "/leases", NULL),
                        (apr_uint32_t)(DI_SERVER_CONF(conf, render_ms) / 1000) +
                            LEASE_MARGIN_S,
                        shared, &self.log, pchild);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                     "DI0308: no leases: requests for one cold image may "
                     "each render it");
        self.world.leases = NULL;
    }
    self.world.store = &self.store;
    self.world.renderer = self.workers;
    self.world.render = render;
    self.world.now = apr_time_now;
    self.world.pause = pause_for;
    self.world.log = &self.log;
}

/* ---- the module --------------------------------------------------------- */

static void register_hooks(apr_pool_t *p)
{
    ap_hook_check_config(check_settings, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(parent_start, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_start, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(image_handler, NULL, NULL, APR_HOOK_LAST);
    di_private_out_register();
}

AP_DECLARE_MODULE(dynimage) = {
    STANDARD20_MODULE_STUFF, di_conf_dir_create,         di_conf_dir_merge,
    di_conf_server_create,   di_conf_server_merge,       di_conf_commands,
    register_hooks,          AP_MODULE_FLAG_ALWAYS_MERGE};
