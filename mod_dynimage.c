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
 * child process (directives/dynimage_start.c), the handler in any thread.
 */
#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "mpm_common.h"

#include "apr_strings.h"

#include "mod_speedprobe.h"

#include "directives/dynimage_conf.h"
#include "directives/dynimage_start.h"
#include "directives/dynimage_tally.h"
#include "filters/private_out.h"
#include "handlers/accounting.h"
#include "handlers/admin.h"
#include "handlers/choice.h"
#include "handlers/image_status.h"
#include "handlers/purged.h"
#include "handlers/rendition.h"
#include "handlers/wish.h"
#include "image/explain.h"
#include "image/obtain.h"

static di_parts_t parts; /* of this process */
static APR_OPTIONAL_FN_TYPE(speedprobe_estimate) * estimate_client;
static APR_OPTIONAL_FN_TYPE(speedprobe_transfer_ms) * predict_ms;

/* One request on its way through the handler. */
typedef struct {
    request_rec *r;
    const di_conf_t *conf;
    sp_estimate_t speed;
    int saving;     /* Save-Data chose a lower band than the speed did */
    di_tier_t room; /* of asks.tier */
    di_request_t asks;
    di_obtained_t obtained;
} image_t;

/* ---- one image request ---- */

static int is_ours(request_rec *r, const di_conf_t *conf)
{
    return r->method_number == M_GET && !r->main && di_choice_is_image(r, conf);
}

static void ask_speed(image_t *image)
{
    memset(&image->speed, 0, sizeof(image->speed));
    if (estimate_client) {
        estimate_client(&image->speed, image->r);
    }
}

static void pick_tier(image_t *image)
{
    const ds_bands_t *bands = ds_bands_or_default(&image->conf->bands);
    int band = di_choice_band(image->conf, image->speed.choice_kbps,
                              image->speed.lower_bound);

    if (band == 0) {
        image->speed.asked &= ~(unsigned)SP_ASKED_SAVE_DATA;
    }
    if (image->speed.save_data) {
        image->saving = band > 0;
        band = 0;
    }
    image->asks.band = bands->band[band].name;
    image->asks.tier =
        di_choice_tier(&image->room, image->conf, image->asks.band);
    if (image->asks.tier == &di_choice_no_tier) {
        image->obtained.reason = DI_REASON_ERROR;
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, image->r,
                      "DI0602: no tier for band %s in this scope",
                      image->asks.band);
    }
}

static void obtain(image_t *image)
{
    di_wish_t wish;

    if (!parts.world.store ||
        !di_request_wish(&wish, &image->asks, parts.inputs)) {
        image->obtained.reason = DI_REASON_ERROR;
        return;
    }
    di_obtain(&image->obtained, &parts.world, &wish, image->r->pool);
}

static void decide(image_t *image)
{
    image->obtained.cache = "none";
    ask_speed(image);
    pick_tier(image);
    if (image->obtained.reason == DI_REASON_ERROR) {
        return;
    }
    di_request_read(&image->asks);
    if (image->asks.tier->original) {
        image->obtained.reason = DI_REASON_ORIGINAL;
    }
    else if (di_choice_forbids_transform(image->r)) {
        image->obtained.reason = DI_REASON_NO_TRANSFORM;
    }
    else if (!image->asks.formats) {
        image->obtained.reason = DI_REASON_NO_FORMAT;
    }
    else {
        obtain(image);
    }
}

static void explain(const image_t *image)
{
    const di_obtained_t *got = &image->obtained;
    request_rec *r = image->r;
    di_explanation_t e = {.tier = image->asks.tier->name,
                          .kbps = image->speed.capacity_kbps,
                          .source = sp_source_name(image->speed.source),
                          .saving = image->saving,
                          .cache = got->cache,
                          .in_bytes = image->asks.original.bytes,
                          .out_bytes = got->have ? got->entry.body.bytes
                                                 : image->asks.original.bytes,
                          .took_ms = got->took_ms,
                          .reason = got->reason,
                          .kept = got->kept};
    const char *text;

    e.eta_ms = predict_ms ? predict_ms(&image->speed, e.out_bytes) : 0;
    text = di_explain_header(&e, r->pool);

    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, "DI0601: %s %s", r->uri, text);
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

static void count(const image_t *image)
{
    const di_obtained_t *got = &image->obtained;

    ds_tally_add(di_tally, DI_COUNT_REASON(got->reason), 1);
    ds_tally_add(di_tally,
                 !strcmp(got->cache, "memory")      ? DI_COUNT_HIT_MEMORY
                 : !strcmp(got->cache, "disk")      ? DI_COUNT_HIT_DISK
                 : !strcmp(got->cache, "memcached") ? DI_COUNT_HIT_MEMCACHED
                 : !strcmp(got->cache, "joined")    ? DI_COUNT_JOINED
                 : !strcmp(got->cache, "miss")      ? DI_COUNT_MISS
                                                    : DI_COUNT_NONE,
                 1);
    if (got->have) {
        ds_tally_add(di_tally, DI_COUNT_BYTES_ORIGINAL,
                     image->asks.original.bytes);
        ds_tally_add(di_tally, DI_COUNT_BYTES_RENDITION, got->entry.body.bytes);
    }
}

/* The request headers that the choice followed, NULL for none.  The original
   sent in a rendition's place counts as chosen by them, too: the next client
   may get the rendition. */
static const char *vary(const image_t *image)
{
    apr_pool_t *p = image->r->pool;
    const char *speed = sp_estimate_vary(image->speed.asked, p);

    if (!di_tier_heeds_accept(image->asks.tier)) {
        return speed;
    }
    return speed ? apr_pstrcat(p, "Accept, ", speed, NULL) : "Accept";
}

/* Without mod_speedprobe all who take the same formats get the same answer,
   and the site alone decides who may keep it. */
static void restrict_caches(const image_t *image)
{
    /* An error's picture must not make the error last. */
    int passing = image->obtained.passing || ap_is_HTTP_ERROR(image->r->status);

    if (estimate_client || image->obtained.passing) {
        di_private_out_add(
            image->r, (apr_uint32_t)(DI_CONF(image->conf, max_age_ms) / 1000),
            passing, vary(image));
    }
    else if (di_tier_heeds_accept(image->asks.tier)) {
        apr_table_mergen(image->r->headers_out, "Vary", "Accept");
    }
}

static int image_handler(request_rec *r)
{
    image_t image = {.r = r};

    image.conf = ap_get_module_config(r->per_dir_config, &dynimage_module);
    if (!is_ours(r, image.conf) || !di_choice_may_read(r)) {
        return DECLINED;
    }
    image.asks =
        (di_request_t){.r = r,
                       .conf = image.conf,
                       .renderer = parts.renderer,
                       .original = {r->filename, (apr_uint64_t)r->finfo.size,
                                    r->finfo.mtime, di_purged(r)}};

    decide(&image);
    explain(&image);
    count(&image);
    di_accounting_note(r, di_server_conf_of(r->server)->site.account,
                       image.asks.tier->name, &image.obtained,
                       image.asks.original.bytes);
    restrict_caches(&image);
    if (!image.obtained.have) {
        return DECLINED;
    }
    return di_rendition_send(r, &image.obtained.entry,
                             di_variant_etag(&image.obtained.key, r->pool));
}

/* ---- the module ---- */

static int check_settings(apr_pool_t *pconf, apr_pool_t *plog,
                          apr_pool_t *ptemp, server_rec *s)
{
    return di_start_check(s, ptemp);
}

/* httpd reads its configuration twice at the first start: once to try. */
static int parent_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                        server_rec *s)
{
    if (ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG) {
        estimate_client = APR_RETRIEVE_OPTIONAL_FN(speedprobe_estimate);
        predict_ms = APR_RETRIEVE_OPTIONAL_FN(speedprobe_transfer_ms);
        di_tally_parent_start(s);
        di_start_parent(&parts, s, pconf, ptemp);
    }
    return OK;
}

static void child_start(apr_pool_t *pchild, server_rec *s)
{
    di_start_child(&parts, s, pchild);
}

/* In the parent, every ten seconds. */
static int parent_maintain(apr_pool_t *p, server_rec *s)
{
    di_workers_parent_maintain(parts.workers);
    return OK;
}

static void register_hooks(apr_pool_t *p)
{
    ap_hook_check_config(check_settings, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(parent_start, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_monitor(parent_maintain, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_start, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(image_handler, NULL, NULL, APR_HOOK_LAST);
    di_private_out_register();
    di_status_register(&parts);
    di_accounting_register(&parts);
    di_admin_register(&parts);
    di_purged_register(&parts);
}

module AP_MODULE_DECLARE_DATA dynimage_module = {
    STANDARD20_MODULE_STUFF, di_conf_dir_create,         di_conf_dir_merge,
    di_conf_server_create,   di_conf_server_merge,       di_conf_commands,
    register_hooks,          AP_MODULE_FLAG_ALWAYS_MERGE};
