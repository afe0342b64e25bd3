/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST from a page of ours -> numbers -> sample -> what is known -> cookie.
 * Nothing of a report is kept on the server but that it came (its hash and its
 * time, handlers/beaconguard.c): the sender's own cookie is all that it can
 * change.  Memory: the request's pool, one body of at most 8 KB.
 */
#include "handlers/beacon.h"

#include <string.h>

#include "apr_strings.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"

#include "directives/speedprobe_conf.h"
#include "directives/speedprobe_consent.h"
#include "directives/speedprobe_start.h"
#include "directives/speedprobe_tally.h"
#include "handlers/beaconguard.h"
#include "handlers/probe.h"
#include "speed/client.h"
#include "speed/clientkey.h"
#include "speed/speedcookie.h"

/*
 * Read the whole body.
 * @return OK; HTTP_REQUEST_ENTITY_TOO_LARGE; another status when it could not
 *         be read
 */
static int read_body(request_rec *r, char body[SP_BEACON_BODY_MAX + 1],
                     apr_size_t *len)
{
    int status = ap_setup_client_block(r, REQUEST_CHUNKED_DECHUNK);
    long got = 0;

    *len = 0;
    if (status != OK) {
        return status;
    }
    if (r->remaining > SP_BEACON_BODY_MAX) {
        return HTTP_REQUEST_ENTITY_TOO_LARGE;
    }
    if (!ap_should_client_block(r)) {
        return OK;
    }
    do {
        *len += (apr_size_t)got;
        got =
            ap_get_client_block(r, body + *len, SP_BEACON_BODY_MAX + 1 - *len);
    } while (got > 0 && *len + (apr_size_t)got <= SP_BEACON_BODY_MAX);
    if (got > 0) {
        return HTTP_REQUEST_ENTITY_TOO_LARGE;
    }
    return got == 0 ? OK : HTTP_BAD_REQUEST;
}

/* "scheme://host[:port]" against the Host of this request.  The scheme is
   left out: in front of us there may be somebody who speaks TLS. */
static int is_own_origin(const request_rec *r, const char *origin)
{
    const char *host = apr_table_get(r->headers_in, "Host");
    const char *rest = strstr(origin, "://");

    return host && rest && !strcasecmp(rest + 3, host);
}

/* Did a page of this site send it?  Browsers say so in one of two headers;
   a client that sends neither can only hurt itself. */
static int is_same_origin(const request_rec *r)
{
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site");
    const char *origin = apr_table_get(r->headers_in, "Origin");

    if (site && strcasecmp(site, "same-origin")) {
        return 0;
    }
    return site || !origin || is_own_origin(r, origin);
}

static void set_cookie(request_rec *r, const sp_state_t *state)
{
    const ds_seal_keys_t *keys = sp_server_conf_of(r->server)->keys;
    apr_int64_t age_s = SP_CONF(sp_conf_of(r), cookie_age_ms) / 1000;
    const char *secure = !strcmp(ap_http_scheme(r), "https") ? "; Secure" : "";
    const char *age =
        age_s > 0 ? apr_psprintf(r->pool, "; Max-Age=%" APR_INT64_T_FMT, age_s)
                  : "";
    char value[SP_SPEEDCOOKIE_ROOM];
    apr_status_t rv =
        sp_speedcookie_format(value, state, keys, r->useragent_addr);

    if (rv != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, rv, r,
                      "SP0202: the speed cookie cannot be signed");
        return;
    }
    apr_table_addn(r->headers_out, "Set-Cookie",
                   apr_pstrcat(r->pool, SP_SPEEDCOOKIE_NAME "=", value,
                               "; Path=/; SameSite=Lax; HttpOnly", secure, age,
                               NULL));
}

/* ---- a page that paused ---- */

/* The server was done with the page at some time while the browser received
   it: what was still on its way then came later.  This is for what the two
   clocks and the way of the beacon do to that. */
#define PAUSE_NEAR apr_time_from_sec(2)

static void get_paused(void *row, void *baton)
{
    *(apr_time_t *)baton = ((sp_client_t *)row)->paused_at;
}

/* The time of a page whose origin paused is not the line's: drop it, and keep
   what the beacon says of the rest. */
static void drop_paused_page(sp_beacon_t *beacon, request_rec *r)
{
    apr_time_t ended_at, began_at, paused_at = 0;
    sp_clientkey_t key;

    if (beacon->page_bytes < 0 || beacon->since_page_ms < 0 ||
        !sp_parts.clients ||
        sp_clientkey_client(&key, &sp_parts.table_key, r->useragent_addr) !=
            APR_SUCCESS ||
        sp_table_with(sp_parts.clients, key.bytes, 0, get_paused, &paused_at,
                      r->request_time) <= 0 ||
        !paused_at) {
        return;
    }
    ended_at = r->request_time - apr_time_from_msec(beacon->since_page_ms);
    began_at = ended_at - apr_time_from_msec(beacon->page_ms);
    if (paused_at >= began_at - PAUSE_NEAR &&
        paused_at <= ended_at + PAUSE_NEAR) {
        beacon->page_bytes = beacon->page_ms = -1;
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                      "SP0604: the page paused, its time does not count");
    }
}

static int make_sample(sp_sample_t *out, sp_beacon_t *beacon,
                       apr_time_t cookie_at, request_rec *r)
{
    if (beacon->token) {
        return sp_probe_report(out, beacon, cookie_at, r);
    }
    drop_paused_page(beacon, r);
    return sp_sample_make(out, beacon);
}

/*
 * May this report become a sample?  Counts the reason when not.
 * @return 1 and *beacon, *sample
 */
static int is_usable(request_rec *r, sp_beacon_t *beacon, sp_sample_t *sample,
                     apr_time_t cookie_at, const char *body, apr_size_t len)
{
    int why = SP_COUNT_NONE;

    if (!is_same_origin(r)) {
        why = SP_COUNT_BEACON_FOREIGN;
    }
    else if (!sp_consent_given(r) || !sp_conf_remembers(sp_conf_of(r))) {
        why = SP_COUNT_BEACON_NO_CONSENT;
    }
    else if (!sp_beacon_parse(beacon, body, len)) {
        why = SP_COUNT_BEACON_MALFORMED;
    }
    else if (sp_beaconguard_take(r, body, len) != SP_BEACONLIMIT_FINE) {
        return 0;
    }
    else if (!make_sample(sample, beacon, cookie_at, r)) {
        why = SP_COUNT_BEACON_NO_SAMPLE;
    }
    sp_count(why == SP_COUNT_NONE ? SP_COUNT_BEACON_TAKEN : why);
    return why == SP_COUNT_NONE;
}

static void take_report(request_rec *r, const char *body, apr_size_t len,
                        const sp_state_t *prior, apr_time_t cookie_at)
{
    sp_beacon_t beacon;
    sp_sample_t sample;
    sp_state_t state;
    sp_estimate_t now_known;

    if (!is_usable(r, &beacon, &sample, cookie_at, body, len)) {
        ap_log_rerror(
            APLOG_MARK, APLOG_DEBUG, 0, r,
            "SP0201: beacon of %" APR_SIZE_T_FMT " bytes gives no sample", len);
        return;
    }
    state = sp_estimate_fold(prior, &sample, r->request_time);
    sp_estimate_make(&now_known, &state, SP_SOURCE_COOKIE, r->request_time);
    ap_log_rerror(
        APLOG_MARK, APLOG_DEBUG, 0, r,
        "SP0203: page %" APR_INT64_T_FMT " bytes in %" APR_INT64_T_FMT
        " ms, rest %" APR_INT64_T_FMT " in %" APR_INT64_T_FMT
        " ms, probe %" APR_INT64_T_FMT " in %" APR_INT64_T_FMT
        " ms, filler %" APR_INT64_T_FMT " in %" APR_INT64_T_FMT
        " ms, round trip %u ms: %.0f kbit/s%s; now %u kbit/s%s, "
        "confidence %u %%",
        beacon.page_bytes, beacon.page_ms, beacon.rest_bytes, beacon.rest_ms,
        beacon.probe_bytes, beacon.probe_ms, beacon.filler_bytes,
        beacon.filler_ms, sample.rtt_ms, sample.rate_kbps,
        sample.lower_bound ? " or more" : "", now_known.capacity_kbps,
        now_known.lower_bound ? " or more" : "", now_known.confidence_pct);
    set_cookie(r, &state);
}

int sp_beacon_answer(request_rec *r, const sp_state_t *prior,
                     apr_time_t cookie_at)
{
    char *body = apr_palloc(r->pool, SP_BEACON_BODY_MAX + 1);
    apr_size_t len;
    int status;

    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    if (r->method_number != M_POST) {
        ap_allow_standard_methods(r, REPLACE_ALLOW, M_POST, -1);
        sp_count(SP_COUNT_BEACON_METHOD);
        return HTTP_METHOD_NOT_ALLOWED;
    }
    status = read_body(r, body, &len);
    if (status != OK) {
        if (status == HTTP_REQUEST_ENTITY_TOO_LARGE) {
            sp_count(SP_COUNT_BEACON_OVERSIZED);
        }
        return status;
    }
    take_report(r, body, len, prior, cookie_at);
    r->status = HTTP_NO_CONTENT;
    return OK;
}
