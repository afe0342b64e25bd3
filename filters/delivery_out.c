/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where httpd tells of deliveries: connections, requests, bytes that go by,
 * answers that are written, closes.  What is made of that is in
 * filters/deliveries.c.
 *
 * The record belongs to the connection that has the socket (the master of
 * HTTP/2's streams).  Nothing is measured where the far end is not the client:
 * behind proxies of any kind, and on connections to backends.
 */
#include "filters/delivery_out.h"

#include "apr_portable.h"
#include "apr_strings.h"
#include "http_config.h"
#include "http_connection.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"
#include "util_filter.h"

#include "directives/speedprobe_conf.h"
#include "directives/speedprobe_consent.h"
#include "directives/speedprobe_start.h"
#include "filters/deliveries.h"
#include "speed/client.h"
#include "speed/networks.h"
#include "speed/speedcookie.h"

extern module AP_MODULE_DECLARE_DATA speedprobe_module;

static const char filter_name[] = "SPEEDPROBE_DELIVERY";

static int active; /* some server wants to be measured */

static sp_deliveries_t *find(conn_rec *c)
{
    return ap_get_module_config((c->master ? c->master : c)->conn_config,
                                &speedprobe_module);
}

/* ---- connections ---- */

/* The record is made by the connection's own thread: the streams of HTTP/2
   must not use its pool. */
static int pre_connection(conn_rec *c, void *csd)
{
    apr_os_sock_t fd;

    if (!c->master && !c->outgoing && active && csd &&
        apr_os_sock_get(&fd, csd) == APR_SUCCESS) {
        ap_set_module_config(c->conn_config, &speedprobe_module,
                             sp_deliveries_make(c, fd));
    }
    return OK;
}

static int pre_close_connection(conn_rec *c)
{
    sp_deliveries_t *d = c->master ? NULL : find(c);

    if (d) {
        sp_deliveries_close(d);
    }
    return OK;
}

/* ---- requests ---- */

/* Does somebody stand between the client and us?  Then the connection ends at
   his machine, and its speed is not the client's. */
static int is_proxied(const request_rec *r)
{
    static const char *const signs[] = {"Via", "X-Forwarded-For", "Forwarded",
                                        "X-Real-IP", NULL};
    int i;

    for (i = 0; signs[i]; i++) {
        if (apr_table_get(r->headers_in, signs[i])) {
            return 1;
        }
    }
    return r->useragent_addr != r->connection->client_addr;
}

int sp_delivery_on_request(request_rec *r)
{
    sp_deliveries_t *d = find(r->connection);

    if (!d || sp_deliveries_are_off(d) ||
        !sp_deliveries_request(d, r, is_proxied(r))) {
        return 0;
    }
    ap_add_output_filter(filter_name, NULL, r, r->connection);
    return 1;
}

void sp_delivery_wanted(request_rec *r)
{
    sp_deliveries_t *d = find(r->connection);

    if (d) {
        sp_deliveries_want(d);
    }
}

/* ---- bytes ---- */

typedef struct {
    apr_off_t bytes; /* of this answer, so far */
    int asked;       /* sp_delivery_watch */
} answer_t;

static int may_measure(request_rec *r)
{
    const sp_conf_t *conf = sp_conf_of(r);

    return SP_CONF(conf, enabled) && SP_CONF(conf, passive) &&
           SP_CONF(conf, assume_kbps) <= 0 && sp_consent_given(r);
}

/* @return 1 when nothing is left to be done for this answer */
static int on_bytes(sp_deliveries_t *d, answer_t *answer,
                    apr_bucket_brigade *bb)
{
    apr_off_t bytes = 0;

    (void)apr_brigade_length(bb, 0, &bytes);
    answer->bytes += bytes > 0 ? bytes : 0;
    if (answer->bytes < SP_DELIVERIES_BYTES) {
        return 0;
    }
    sp_deliveries_bytes(d, answer->bytes, answer->asked);
    return answer->asked || answer->bytes >= SP_DELIVERIES_FINE_BYTES;
}

/* Counts bytes as they go by; the settings of the request hold by now. */
static apr_status_t delivery_out(ap_filter_t *f, apr_bucket_brigade *bb)
{
    sp_deliveries_t *d = find(f->c);
    int over = 1;

    if (!f->ctx) {
        f->ctx = apr_pcalloc(f->r->pool, sizeof(answer_t));
    }
    if (d && !sp_deliveries_are_off(d)) {
        if (may_measure(f->r)) {
            sp_deliveries_ask_others(d);
            over = on_bytes(d, f->ctx, bb);
        }
        else {
            sp_deliveries_mute(d);
        }
    }
    if (over) {
        ap_remove_output_filter(f);
    }
    return ap_pass_brigade(f->next, bb);
}

void sp_delivery_watch(request_rec *r)
{
    ap_filter_t *f;

    for (f = r->proto_output_filters; f; f = f->next) {
        if (f->frec->filter_func.out_func == delivery_out) {
            f->ctx = f->ctx ? f->ctx : apr_pcalloc(r->pool, sizeof(answer_t));
            ((answer_t *)f->ctx)->asked = 1;
        }
    }
}

/* ---- all is written ---- */

/* What the access log may tell.  It reads the notes of the last of several
   internal redirects. */
void sp_delivery_on_logged(request_rec *r)
{
    sp_deliveries_t *d = find(r->connection);
    sp_deliveries_logged_t logged;

    if (!d || !sp_deliveries_logged(&logged, d)) {
        return;
    }
    while (r->next) {
        r = r->next;
    }
    apr_table_setn(
        r->notes, "speedprobe-acked",
        apr_psprintf(r->pool, "%" APR_UINT64_T_FMT, logged.acked_bytes));
    apr_table_setn(r->notes, "speedprobe-busy-ms",
                   apr_psprintf(r->pool, "%" APR_UINT64_T_FMT, logged.busy_ms));
    if (logged.has_sample) {
        apr_table_setn(r->notes, "speedprobe-rate",
                       apr_psprintf(r->pool, "%s%.0f",
                                    logged.sample.lower_bound ? ">=" : "",
                                    logged.sample.rate_kbps));
    }
}

/* ---- what is known ---- */

/* A row speaks for as long as a cookie does, or where that ends with the
   browser's session for as long as one may; it goes when room is needed. */
#define ROW_AGE_FOR apr_time_from_sec(SP_SPEEDCOOKIE_AGE_S)

static void copy_state(void *row, void *baton)
{
    *(sp_state_t *)baton = ((const sp_client_t *)row)->state;
}

void sp_delivery_known(sp_known_t *out, request_rec *r)
{
    apr_int64_t age_ms = SP_CONF(sp_conf_of(r), cookie_age_ms);
    sp_deliveries_t *d = find(r->connection);
    const sp_deliveries_keys_t *keys;

    if (!d || sp_deliveries_are_off(d)) {
        return;
    }
    keys = sp_deliveries_keys(d);
    sp_deliveries_observed(&out->connection, d);
    (void)sp_table_with(sp_parts.clients, keys->client.bytes, 0, copy_state,
                        &out->row, r->request_time);
    if (r->request_time - out->row.at >
        (age_ms > 0 ? apr_time_from_msec(age_ms) : ROW_AGE_FOR)) {
        out->row.at = 0;
    }
    (void)sp_networks_prior(&out->network, sp_parts.networks, &keys->network,
                            r->request_time);
}

/* ---- start ---- */

void sp_delivery_start_child(server_rec *main_server, apr_pool_t *pchild)
{
    server_rec *s = main_server;
    apr_status_t rv;

    for (active = 0; s && !active; s = s->next) {
        active = sp_server_conf_of(s)->used;
    }
    rv = active ? sp_deliveries_start(pchild) : APR_SUCCESS;
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, main_server,
                     "SP0403: this process has no sampler: large deliveries "
                     "are measured at the next request only");
    }
}

void sp_delivery_register(void)
{
    ap_register_output_filter(filter_name, delivery_out, NULL,
                              AP_FTYPE_PROTOCOL);
    ap_hook_pre_connection(pre_connection, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_close_connection(pre_close_connection, NULL, NULL,
                                 APR_HOOK_FIRST);
}
