/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_speedprobe: how fast is this client?
 *
 * A page: insert_filter puts the filter in, which puts scripts into HTML
 * (filters/inject_out.c).  A beacon: its URL is caught before any mapping and
 * answered by handlers/beacon.c with the speed cookie.  Any request: the
 * cookie is read once, and what it says (or what SpeedProbeAssume says) is
 * offered to other modules (mod_speedprobe.h) and written into environment
 * variables early enough for mod_rewrite and <If>.
 *
 * Runs in httpd's children, on any thread; what they share is made before
 * they are (directives/speedprobe_start.c).
 */
#include "mod_speedprobe.h"

#include <string.h>

#include "apr_strings.h"
#include "http_config.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"

#include "directives/speedprobe_conf.h"
#include "directives/speedprobe_consent.h"
#include "directives/speedprobe_start.h"
#include "directives/speedprobe_tally.h"
#include "filters/delivery_out.h"
#include "filters/hints_out.h"
#include "filters/inject_out.h"
#include "filters/pagetag.h"
#include "handlers/beacon.h"
#include "handlers/probe.h"
#include "handlers/script.h"
#include "handlers/status.h"
#include "speed/clientkey.h"
#include "speed/known.h"
#include "speed/prior.h"
#include "speed/snippet.h"
#include "speed/speedcookie.h"

extern module AP_MODULE_DECLARE_DATA speedprobe_module;

/* Things that a request counts once, however often they are looked at. */
enum { SP_ONCE_CONSENT = 1, SP_ONCE_HINT = 2, SP_ONCE_SAVE_DATA = 4 };

/* What one request knows; kept with the main request. */
typedef struct {
    int read;                  /* the cookie has been looked at */
    const char *ours;          /* handler of one of our URLs, caught by
                                  translate_name; NULL: another URL */
    const request_rec *env_of; /* our variables are in its environment, */
    const sp_conf_t *env_conf; /* as these settings want them */
    int once;                  /* SP_ONCE_* that have been counted */
    int counted;               /* its delivery is measured */
    sp_known_t known;          /* by whom, what */
    sp_state_t state;          /* all of it together; at 0: nothing */
    sp_source_e source;
} sp_request_t;

/* The record of the request that the client sent: sub-requests and internal
   redirects have the same client and the same cookie. */
static sp_request_t *request_of(request_rec *r)
{
    sp_request_t *ctx;

    while (r->main || r->prev) {
        r = r->main ? r->main : r->prev;
    }
    ctx = ap_get_module_config(r->request_config, &speedprobe_module);
    if (!ctx) {
        ctx = apr_pcalloc(r->pool, sizeof(*ctx));
        ap_set_module_config(r->request_config, &speedprobe_module, ctx);
    }
    return ctx;
}

static void count_once(request_rec *r, int once, int counter)
{
    sp_request_t *ctx = request_of(r);

    if (!(ctx->once & once)) {
        ctx->once |= once;
        sp_count(counter);
    }
}

/* ---- what is known ---- */

static void count_cookie(sp_cookie_verdict_e verdict, apr_size_t len)
{
    static const int counters[] = {
        [SP_COOKIE_FINE] = SP_COUNT_COOKIE_USED,
        [SP_COOKIE_MALFORMED] = SP_COUNT_COOKIE_MALFORMED,
        [SP_COOKIE_FORGED] = SP_COUNT_COOKIE_FORGED,
        [SP_COOKIE_EXPIRED] = SP_COUNT_COOKIE_EXPIRED,
        [SP_COOKIE_ELSEWHERE] = SP_COUNT_COOKIE_ELSEWHERE};

    sp_count(len > SP_SPEEDCOOKIE_MAX ? SP_COUNT_COOKIE_OVERSIZED
                                      : counters[verdict]);
}

static void read_cookie(sp_state_t *out, request_rec *r)
{
    apr_int64_t age_ms = SP_CONF(sp_conf_of(r), cookie_age_ms);
    apr_size_t len = 0;
    const char *text =
        sp_speedcookie_find(&len, apr_table_get(r->headers_in, "Cookie"));
    sp_cookie_verdict_e verdict;

    if (!text) {
        return;
    }
    verdict = sp_speedcookie_parse(
        out, text, len, sp_server_conf_of(r->server)->keys, r->useragent_addr,
        age_ms > 0 ? age_ms / 1000 : SP_SPEEDCOOKIE_AGE_S, r->request_time);
    count_cookie(verdict, len);
    if (verdict != SP_COOKIE_FINE) {
        memset(out, 0, sizeof(*out));
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                      "SP0101: speed cookie not used: %s",
                      sp_cookie_verdict_name(verdict));
    }
}

/* What is known of this client; found out at the first question that may be
   asked. */
static const sp_request_t *client_of(request_rec *r)
{
    sp_request_t *ctx = request_of(r);

    if (!ctx->read && sp_consent_given(r)) {
        ctx->read = 1;
        if (SP_CONF(sp_conf_of(r), cookie)) {
            read_cookie(&ctx->known.cookie, r);
        }
        sp_delivery_known(&ctx->known, r);
        ctx->source = sp_known_state(&ctx->state, &ctx->known);
    }
    return ctx;
}

/* What a new cookie is to build on: the old one and this connection, not what
   is known of other clients of the address. */
static sp_state_t own_state_of(request_rec *r)
{
    sp_known_t own = {.cookie = client_of(r)->known.cookie,
                      .connection = client_of(r)->known.connection};
    sp_state_t state;

    (void)sp_known_state(&state, &own);
    return state;
}

/* What the browser says of itself, where nothing was measured. */
static void take_hints(sp_estimate_t *out, request_rec *r)
{
    const apr_table_t *in = r->headers_in;
    sp_hints_t hints = {apr_table_get(in, "Downlink"), apr_table_get(in, "RTT"),
                        apr_table_get(in, "ECT"),
                        sp_clientkey_is_private(r->useragent_addr)};
    sp_state_t prior;

    if (sp_prior_make(&prior, &hints, r->request_time)) {
        count_once(r, SP_ONCE_HINT, SP_COUNT_HINT_USED);
        sp_estimate_make(out, &prior, SP_SOURCE_HINT, r->request_time);
    }
}

/* What is known of a client that may be known. */
static void estimate_client(sp_estimate_t *out, request_rec *r)
{
    const sp_conf_t *conf = sp_conf_of(r);
    unsigned asked = sp_consent_asked(r);
    const sp_request_t *client;

    if (!sp_consent_given(r)) {
        count_once(r, SP_ONCE_CONSENT, SP_COUNT_CONSENT_MISSING);
        out->asked = asked;
        return;
    }
    client = client_of(r);
    sp_estimate_make(out, &client->state, client->source, r->request_time);
    if (SP_CONF(conf, cookie)) {
        asked |= SP_ASKED_COOKIE;
    }
    if (out->capacity_kbps == 0 && SP_CONF(conf, hints)) {
        asked |= SP_ASKED_HINTS;
        take_hints(out, r);
    }
    out->asked = asked;
}

/* The visitor's wish for few bytes.  It tells nobody who the visitor is, so
   it needs no consent. */
static void take_save_data(sp_estimate_t *out, request_rec *r)
{
    out->asked |= SP_ASKED_SAVE_DATA;
    if (sp_prior_saves_data(apr_table_get(r->headers_in, "Save-Data"))) {
        out->save_data = 1;
        count_once(r, SP_ONCE_SAVE_DATA, SP_COUNT_SAVE_DATA);
    }
}

/* The optional function of mod_speedprobe.h. */
static int speedprobe_estimate(sp_estimate_t *out, request_rec *r)
{
    const sp_conf_t *conf = sp_conf_of(r);
    apr_int64_t assumed_kbps = SP_CONF(conf, assume_kbps);

    memset(out, 0, sizeof(*out));
    if (!SP_CONF(conf, enabled)) {
        return 0;
    }
    if (assumed_kbps > 0) {
        sp_estimate_assume(out, (apr_uint32_t)assumed_kbps,
                           (apr_uint32_t)SP_CONF(conf, assume_rtt_ms));
    }
    else {
        estimate_client(out, r);
    }
    take_save_data(out, r);
    return out->capacity_kbps > 0;
}

/* The other one. */
static apr_uint32_t speedprobe_transfer_ms(const sp_estimate_t *estimate,
                                           apr_uint64_t bytes)
{
    return sp_estimate_transfer_ms(estimate, bytes);
}

static const char *band_of(const sp_conf_t *conf, const sp_estimate_t *e)
{
    const ds_bands_t *bands = ds_bands_or_default(&conf->bands);

    return bands
        ->band[ds_bands_of(bands, conf->unknown_band, e->choice_kbps,
                           e->lower_bound)]
        .name;
}

static void set_or_unset(apr_table_t *env, const char *name, apr_uint32_t value,
                         apr_pool_t *p)
{
    if (value > 0) {
        apr_table_setn(env, name, apr_psprintf(p, "%u", value));
    }
    else {
        apr_table_unset(env, name);
    }
}

static void unset_environment(request_rec *r)
{
    apr_table_unset(r->subprocess_env, "SPEEDPROBE_KBPS");
    apr_table_unset(r->subprocess_env, "SPEEDPROBE_BOUND");
    apr_table_unset(r->subprocess_env, "SPEEDPROBE_CONFIDENCE");
    apr_table_unset(r->subprocess_env, "SPEEDPROBE_RTT_MS");
    apr_table_unset(r->subprocess_env, "SPEEDPROBE_BAND");
    apr_table_unset(r->subprocess_env, "SPEEDPROBE_SOURCE");
    apr_table_unset(r->subprocess_env, "SPEEDPROBE_SAVE_DATA");
}

/* Write the variables as the settings of this moment want them. */
static void set_environment(request_rec *r)
{
    const sp_conf_t *conf = sp_conf_of(r);
    sp_request_t *ctx = request_of(r);
    sp_estimate_t e;

    /* Of a sub-request the address says nothing: the next may have it too. */
    if (ctx->env_of == r && ctx->env_conf == conf && !r->main) {
        return;
    }
    if (!SP_CONF(conf, enabled)) {
        if (ctx->env_of) {
            unset_environment(r);
        }
        ctx->env_of = NULL;
        return;
    }
    (void)speedprobe_estimate(&e, r);
    ctx->env_of = r;
    ctx->env_conf = conf;
    set_or_unset(r->subprocess_env, "SPEEDPROBE_KBPS", e.capacity_kbps,
                 r->pool);
    set_or_unset(r->subprocess_env, "SPEEDPROBE_RTT_MS", e.rtt_ms, r->pool);
    set_or_unset(r->subprocess_env, "SPEEDPROBE_CONFIDENCE", e.confidence_pct,
                 r->pool);
    set_or_unset(r->subprocess_env, "SPEEDPROBE_SAVE_DATA",
                 (apr_uint32_t)e.save_data, r->pool);
    apr_table_setn(r->subprocess_env, "SPEEDPROBE_BOUND",
                   e.lower_bound ? "1" : "0");
    apr_table_setn(r->subprocess_env, "SPEEDPROBE_BAND", band_of(conf, &e));
    apr_table_setn(r->subprocess_env, "SPEEDPROBE_SOURCE",
                   sp_source_name(e.source));
}

/* ---- a request's way ---- */

static int post_read_request(request_rec *r)
{
    if (!r->main && !r->prev && sp_server_conf_of(r->server)->used) {
        request_of(r)->counted = sp_delivery_on_request(r);
    }
    set_environment(r);
    return DECLINED;
}

/* The handler of one of our URLs, all of which begin with the beacon's path;
   NULL: another URL. */
static const char *ours_of(request_rec *r)
{
    const sp_server_conf_t *server = sp_server_conf_of(r->server);
    const char *beacon = sp_conf_beacon(r->server);
    apr_size_t len = strlen(beacon);

    if (r->main || r->prev || r->proxyreq == PROXYREQ_PROXY || !server->used ||
        strncmp(r->uri, beacon, len)) {
        return NULL;
    }
    if (!strcmp(r->uri + len, SP_SCRIPT_SUFFIX)) {
        return SP_SCRIPT_HANDLER;
    }
    if (!strcmp(r->uri + len, SP_PROBE_SUFFIX)) {
        return server->probes ? SP_PROBE_HANDLER : NULL;
    }
    return r->uri[len] ? NULL : SP_BEACON_HANDLER;
}

/* The Location's settings hold by now.  Our URLs are taken before aliases,
   rewriting and proxying can. */
static int translate_name(request_rec *r)
{
    const char *ours = ours_of(r);

    set_environment(r);
    if (!ours) {
        return DECLINED;
    }
    request_of(r)->ours = ours;
    r->handler = ours;
    r->filename = apr_pstrdup(r->pool, r->uri);
    return OK;
}

/* Our handler of this very request; NULL for requests made out of it. */
static const char *handler_of(request_rec *r)
{
    return r->main || r->prev ? NULL : request_of(r)->ours;
}

/* Our URLs have no file, so no Directory applies to them. */
static int map_to_storage(request_rec *r)
{
    return handler_of(r) ? OK : DECLINED;
}

/* From here on a client is in the topmost band, however fast it is. */
static double enough_kbps(const sp_conf_t *conf)
{
    const ds_bands_t *bands = ds_bands_or_default(&conf->bands);

    return (double)bands->band[bands->count - 1].from_kbps;
}

/* Shall what is delivered be looked at closely?  Not asked where nobody wanted
   to know the client. */
static void order_looks(request_rec *r)
{
    const sp_conf_t *conf = sp_conf_of(r);
    const sp_request_t *ctx = request_of(r);

    if (ctx->read && sp_estimate_is_due(&ctx->state, enough_kbps(conf),
                                        SP_CONF(conf, remeasure_ms) * 1000,
                                        r->request_time)) {
        sp_delivery_wanted(r);
    }
}

/* All settings hold by now. */
static int fixups(request_rec *r)
{
    if (handler_of(r)) {
        r->handler = handler_of(r); /* whatever SetHandler says */
        return OK;
    }
    set_environment(r);
    sp_pagetag_unmark(r);
    if (SP_CONF(sp_conf_of(r), enabled)) {
        order_looks(r);
    }
    return DECLINED;
}

static int handler(request_rec *r)
{
    const char *ours = handler_of(r);
    sp_estimate_t known;
    sp_state_t state;

    if (!ours || !r->handler || strcmp(r->handler, ours)) {
        return DECLINED;
    }
    if (!strcmp(ours, SP_SCRIPT_HANDLER)) {
        return sp_script_answer(r);
    }
    if (!strcmp(ours, SP_PROBE_HANDLER)) {
        /* On may be said elsewhere than here. */
        if (!speedprobe_estimate(&known, r)) {
            const sp_request_t *client = client_of(r);
            sp_estimate_make(&known, &client->state, client->source,
                             r->request_time);
        }
        return sp_probe_answer(r, &known);
    }
    state = own_state_of(r);
    return sp_beacon_answer(r, &state, client_of(r)->known.cookie.at);
}

static int log_transaction(request_rec *r)
{
    sp_request_t *ctx =
        ap_get_module_config(r->request_config, &speedprobe_module);

    if (ctx && ctx->counted) {
        ctx->counted = 0;
        sp_delivery_on_logged(r);
    }
    return DECLINED;
}

static void insert_filter(request_rec *r)
{
    const sp_conf_t *conf = sp_conf_of(r);

    if (r->main || !SP_CONF(conf, enabled) || handler_of(r)) {
        return;
    }
    if (sp_conf_injects(conf)) {
        sp_inject_insert(r);
    }
    if (SP_CONF(conf, hints) && SP_CONF(conf, assume_kbps) == 0) {
        sp_hints_insert(r);
    }
}

/* ---- start ---- */

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *base)
{
    const ds_seal_keys_t *keys;
    server_rec *s;

    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    keys = sp_start_keys(base);
    if (!keys) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    sp_tally_parent_start(base);
    sp_start_parent(base, keys, pconf, ptemp);
    for (s = base; s; s = s->next) {
        sp_server_conf_of(s)->keys = keys;
        sp_start_check(s);
    }
    return OK;
}

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    sp_start_child(s, pchild);
    sp_delivery_start_child(s, pchild);
}

static void hooks(apr_pool_t *p)
{
    /* Behind those who find out the client's address, ahead of all who may
       look at the environment or map the URL. */
    static const char *const address[] = {"mod_remoteip.c", NULL};
    static const char *const readers[] = {
        "mod_setenvif.c", "mod_rewrite.c",     "mod_headers.c", "mod_alias.c",
        "mod_proxy.c",    "mod_vhost_alias.c", "mod_dir.c",     NULL};

    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_read_request(post_read_request, address, readers,
                              APR_HOOK_FIRST);
    ap_hook_translate_name(translate_name, NULL, readers,
                           APR_HOOK_REALLY_FIRST);
    ap_hook_map_to_storage(map_to_storage, NULL, readers,
                           APR_HOOK_REALLY_FIRST);
    ap_hook_fixups(fixups, NULL, readers, APR_HOOK_REALLY_FIRST);
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_insert_filter(insert_filter, NULL, NULL, APR_HOOK_LAST);
    ap_hook_log_transaction(log_transaction, NULL, NULL, APR_HOOK_REALLY_FIRST);
    sp_inject_register();
    sp_hints_register();
    sp_status_register();
    sp_probe_register(p);
    sp_delivery_register();
    APR_REGISTER_OPTIONAL_FN(speedprobe_estimate);
    APR_REGISTER_OPTIONAL_FN(speedprobe_transfer_ms);
}

module AP_MODULE_DECLARE_DATA speedprobe_module = {STANDARD20_MODULE_STUFF,
                                                   sp_conf_dir_create,
                                                   sp_conf_dir_merge,
                                                   sp_conf_server_create,
                                                   sp_conf_server_merge,
                                                   sp_conf_commands,
                                                   hooks,
                                                   AP_MODULE_FLAG_ALWAYS_MERGE};
