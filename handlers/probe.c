/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Query -> numbers and token -> budget -> a step of noise.
 *
 * The budget lies in the client's row; where no table is kept, in a signed
 * cookie, and then a client gets nothing before it has shown that it keeps
 * cookies.  Memory: one constant block of noise per process, sent again and
 * again; no filter of a location's is run over it.
 */
#include "handlers/probe.h"

#include <string.h>

#include "apr_buckets.h"
#include "apr_strings.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"
#include "util_cookies.h"
#include "util_filter.h"

#include "directives/speedprobe_conf.h"
#include "directives/speedprobe_consent.h"
#include "directives/speedprobe_start.h"
#include "directives/speedprobe_tally.h"
#include "filters/delivery_out.h"
#include "speed/client.h"
#include "speed/clientkey.h"
#include "speed/prior.h"
#include "speed/snippet.h"

/* Twice the window of deflate, so that it cannot be compressed. */
#define NOISE_BYTES 65536

/* The process's noise, made before any child; the same in all. */
static const char *noise;

void sp_probe_register(apr_pool_t *pconf)
{
    apr_uint32_t state = 0x2545f491u, i; /* any constant but 0 */
    char *to = apr_palloc(pconf, NOISE_BYTES);

    noise = to;
    for (i = 0; i < NOISE_BYTES; i++) {
        state ^= state << 13; /* Marsaglia's xorshift32 */
        state ^= state >> 17;
        state ^= state << 5;
        to[i] = (char)(state >> 11);
    }
}

/* ---- the question ---- */

typedef struct {
    sp_beacon_t beacon;
    int has_step;           /* it comes from a step that we sent */
    sp_probe_token_t token; /* of that */
    sp_sample_t sample;     /* rate_kbps 0: it told nothing */
} ask_t;

sp_sealer_t sp_probe_sealer(request_rec *r)
{
    sp_sealer_t sealer = {NULL, sp_server_conf_of(r->server)->keys,
                          r->useragent_addr};

    return sealer;
}

/* @return 0 when it is none of our script's */
static int read_ask(ask_t *out, request_rec *r)
{
    const char *query = r->args ? r->args : "";

    memset(out, 0, sizeof(*out));
    if (!sp_beacon_parse(&out->beacon, query, strlen(query))) {
        return 0;
    }
    if (!out->beacon.token) {
        return 1;
    }
    out->has_step = sp_probe_token_parse(&out->token, out->beacon.token,
                                         out->beacon.token_len,
                                         sp_probe_sealer(r), r->request_time);
    if (!sp_probe_sample(&out->sample, &out->beacon, &out->token,
                         r->request_time)) {
        out->sample.rate_kbps = 0;
    }
    return out->has_step;
}

/* A page of another site could let its visitors fetch our noise. */
static int is_ours(const request_rec *r)
{
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site");

    return apr_table_get(r->headers_in, SP_PROBE_HEADER) &&
           (!site || !strcasecmp(site, "same-origin"));
}

/* Why there is no step; NULL: there may be one. */
static const char *refuse(request_rec *r, const ask_t *ask,
                          const sp_estimate_t *known)
{
    const ds_bands_t *bands = ds_bands_or_default(&sp_conf_of(r)->bands);
    sp_estimate_t told = *known;

    if (sp_prior_saves_data(apr_table_get(r->headers_in, "Save-Data"))) {
        return "the client saves data";
    }
    if (ask->sample.rate_kbps > 0) {
        if (!ask->sample.lower_bound) {
            return "the last step told the rate";
        }
        told.capacity_kbps = (apr_uint32_t)ask->sample.rate_kbps;
        told.lower_bound = 1;
    }
    return sp_probe_wanted(&told, bands) ? NULL : "nothing would change";
}

/* ---- the budget ---- */

/* One client's account, wherever it is kept. */
typedef struct {
    const ask_t *ask;
    double rate_kbps; /* 0: nothing known */
    apr_uint32_t rtt_ms;
    sp_cost_t limit;
    apr_time_t now;
    int wants_step;    /* 0: only the time of the last one is charged */
    apr_uint32_t step; /* out: bytes */
} account_t;

/* Charge the time of the last step and, when one fits, the bytes of the next.
 */
static void settle(account_t *a, sp_budget_t *budget)
{
    sp_budget_today(budget, a->now);
    if (a->ask->has_step) {
        sp_budget_spend(budget,
                        (sp_cost_t){0, sp_probe_ms(&a->ask->token, a->now)});
    }
    if (a->wants_step) {
        a->step = sp_probe_step(a->rate_kbps, a->rtt_ms,
                                a->ask->has_step ? a->ask->token.bytes : 0,
                                sp_budget_left(budget, a->limit));
        sp_budget_spend(budget, (sp_cost_t){a->step, 0});
    }
}

static void settle_row(void *row, void *baton)
{
    sp_client_t *client = row;
    sp_budget_t budget = {{client->probe_bytes, client->probe_ms},
                          client->probe_day_at};

    settle(baton, &budget);
    client->probe_bytes = budget.spent.bytes;
    client->probe_ms = budget.spent.ms;
    client->probe_day_at = budget.day_at;
}

static void set_budget_cookie(request_rec *r, const sp_budget_t *budget)
{
    const char *secure = !strcmp(ap_http_scheme(r), "https") ? "; Secure" : "";
    char value[SP_SEALED_ROOM];

    if (sp_budget_format(value, budget, sp_probe_sealer(r)) == APR_SUCCESS) {
        apr_table_addn(
            r->headers_out, "Set-Cookie",
            apr_psprintf(r->pool,
                         SP_BUDGET_COOKIE
                         "=%s; Path=%s; SameSite=Lax; HttpOnly%s; Max-Age=%d",
                         value, sp_conf_beacon(r->server), secure,
                         SP_BUDGET_DAY_S));
    }
}

/* The first question only brings a cookie. */
static void settle_cookie(account_t *a, request_rec *r)
{
    sp_budget_t budget = {{0, 0}, 0};
    const char *text = NULL;

    if (ap_cookie_read(r, SP_BUDGET_COOKIE, &text, 0) != APR_SUCCESS || !text ||
        !sp_budget_parse(&budget, text, strlen(text), sp_probe_sealer(r))) {
        a->wants_step = 0;
    }
    settle(a, &budget);
    set_budget_cookie(r, &budget);
}

static void settle_account(account_t *a, request_rec *r)
{
    sp_clientkey_t key;

    if (!sp_parts.clients) {
        settle_cookie(a, r);
    }
    else if (sp_clientkey_client(&key, &sp_parts.table_key,
                                 r->useragent_addr) == APR_SUCCESS) {
        (void)sp_table_with(sp_parts.clients, key.bytes, 1, settle_row, a,
                            a->now);
    }
}

static account_t account_of(request_rec *r, const ask_t *ask)
{
    const sp_conf_t *conf = sp_conf_of(r);
    account_t a = {.ask = ask,
                   .limit = {(apr_uint32_t)SP_CONF(conf, budget_bytes),
                             (apr_uint32_t)SP_CONF(conf, budget_ms)},
                   .now = r->request_time};

    return a;
}

/* ---- the answer ---- */

static apr_status_t send_noise(request_rec *r, apr_uint32_t bytes)
{
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, alloc);

    while (bytes > 0) {
        apr_uint32_t part = bytes < NOISE_BYTES ? bytes : NOISE_BYTES;

        APR_BRIGADE_INSERT_TAIL(bb,
                                apr_bucket_immortal_create(noise, part, alloc));
        bytes -= part;
    }
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(alloc));
    return ap_pass_brigade(r->output_filters, bb);
}

/* A step of noise, as it is: whatever compresses is told not to. */
static int send_step(request_rec *r, apr_uint32_t bytes)
{
    sp_probe_token_t token = {bytes, apr_time_now()};
    char text[SP_SEALED_ROOM];
    apr_status_t rv = sp_probe_token_format(text, &token, sp_probe_sealer(r));

    if (rv != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, rv, r,
                      "SP0603: the probe's token cannot be signed");
        return HTTP_NO_CONTENT;
    }
    apr_table_setn(r->subprocess_env, "no-gzip", "1");
    apr_table_setn(r->subprocess_env, "no-brotli", "1");
    apr_table_setn(r->headers_out, "Content-Encoding", "identity");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_set(r->headers_out, SP_PROBE_HEADER, text);
    ap_set_content_type(r, "application/octet-stream");
    ap_set_content_length(r, bytes);
    sp_delivery_watch(r);
    (void)send_noise(r, bytes); /* the client left, or has it */
    return OK;
}

int sp_probe_answer(request_rec *r, const sp_estimate_t *known)
{
    ask_t ask;
    account_t account;
    const char *why;

    apr_table_setn(r->err_headers_out, "Cache-Control",
                   "no-store, no-transform");
    apr_table_setn(r->err_headers_out, "Cross-Origin-Resource-Policy",
                   "same-origin");
    if (r->method_number != M_GET || r->header_only) {
        ap_allow_standard_methods(r, REPLACE_ALLOW, M_GET, -1);
        return HTTP_METHOD_NOT_ALLOWED;
    }
    if (!is_ours(r) || !sp_consent_given(r) ||
        !sp_conf_remembers(sp_conf_of(r))) {
        sp_count(is_ours(r) ? SP_COUNT_PROBE_NO_CONSENT
                            : SP_COUNT_PROBE_FOREIGN);
        r->status = HTTP_NO_CONTENT;
        return OK;
    }
    why = read_ask(&ask, r) ? refuse(r, &ask, known) : "not our script's";
    account = account_of(r, &ask);
    account.wants_step = why == NULL;
    account.rate_kbps = ask.sample.rate_kbps > known->capacity_kbps
                            ? ask.sample.rate_kbps
                            : known->capacity_kbps;
    account.rtt_ms =
        ask.beacon.rtt_ms > 0 ? (apr_uint32_t)ask.beacon.rtt_ms : known->rtt_ms;
    if (!why || ask.has_step) {
        settle_account(&account, r);
    }
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                  "SP0602: probe of %u bytes%s%s", account.step,
                  account.step ? "" : ": ",
                  account.step         ? ""
                  : why                ? why
                  : account.wants_step ? "the budget is used up"
                                       : "no budget yet");
    sp_count(account.step ? SP_COUNT_PROBE_SENT : SP_COUNT_PROBE_NONE);
    ds_tally_add(sp_tally, SP_COUNT_PROBE_BYTES, account.step);
    if (account.step == 0 || send_step(r, account.step) != OK) {
        r->status = HTTP_NO_CONTENT;
    }
    return OK;
}

/* ---- the report ---- */

int sp_probe_report(sp_sample_t *out, const sp_beacon_t *beacon,
                    apr_time_t cookie_at, request_rec *r)
{
    ask_t ask = {.beacon = *beacon};
    account_t account = account_of(r, &ask);

    ask.has_step =
        sp_probe_token_parse(&ask.token, beacon->token, beacon->token_len,
                             sp_probe_sealer(r), r->request_time);
    /* Cookies tell whole seconds, so the same report may count again within
       one. */
    if (!ask.has_step || cookie_at > ask.token.sent_at) {
        return 0;
    }
    /* A step that told no rate was charged by the question for the next. */
    if (beacon->probe_full == 1) {
        settle_account(&account, r);
    }
    return sp_probe_sample(out, beacon, &ask.token, r->request_time);
}
