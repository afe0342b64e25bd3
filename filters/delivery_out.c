/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deliveries of one connection, from its first request to its close.
 *
 *     request ---> delivery begins: TCP_INFO is the base
 *       first bytes pass delivery_out(): 8 KB or more are announced in the
 *         client's row, so that parallel connections know of each other;
 *         128 KB or more of a client that is not known well are looked at
 *         many times (speed/sampler.h)
 *       all written (log_transaction): looked at until all has arrived
 *     all arrived, next request, or close ---> the delivery ends: sample ->
 *         row of the client, the network's row, this connection's memory
 *
 * A delivery belongs to a connection, not to a request: pipelined requests and
 * the streams of HTTP/2 run into one.  The connection is the one that has the
 * socket (the master of HTTP/2's streams).
 *
 * Off where the far end is not the client: behind proxies of any kind.
 *
 * Runs in request threads and in the sampler's; the record's mutex is held for
 * moments and never while the sampler is called.  Memory: 500 bytes a
 * connection, 1.6 KB more for one that was looked at finely.
 */
#include "filters/delivery_out.h"

#include <stdlib.h>
#include <unistd.h>

#include "apr_atomic.h"
#include "apr_portable.h"
#include "apr_strings.h"
#include "apr_thread_mutex.h"
#include "http_config.h"
#include "http_connection.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"
#include "util_filter.h"

#include "directives/speedprobe_conf.h"
#include "directives/speedprobe_consent.h"
#include "directives/speedprobe_start.h"
#include "speed/client.h"
#include "speed/clientkey.h"
#include "speed/networks.h"
#include "speed/passive.h"
#include "speed/plateau.h"
#include "speed/sampler.h"
#include "speed/speedcookie.h"
#include "speed/tcpinfo.h"

extern module AP_MODULE_DECLARE_DATA speedprobe_module;

static const char filter_name[] = "SPEEDPROBE_DELIVERY";

/* From here on a delivery shares the line noticeably. */
#define ANNOUNCE_BYTES SP_PASSIVE_BYTES

/* From here on it can show a plateau. */
#define FINE_BYTES 131072

/* Fine looks end after that; coarse ones grow apart to that. */
#define FINE_FOR apr_time_from_sec(30)
#define COARSE_FOR apr_time_from_msec(250)

typedef struct {
    apr_thread_mutex_t *mutex; /* guards all below but watch */
    sp_clientkey_t client;     /* keys of the far end's address */
    sp_clientkey_t network;
    int fd;
    int known;    /* the keys are made */
    int off;      /* no measuring here: a proxy, no TCP_INFO, no key */
    int requests; /* that have come and are not logged yet */
    /* the delivery */
    int going;           /* it has begun and not ended */
    int announced;       /* it stands in the client's row */
    int fine;            /* plateau is fed */
    int muted;           /* of a request that must not be measured */
    apr_uint64_t id;     /* see sp_delivery_t */
    apr_time_t begun_at; /* its first request */
    sp_tcp_t base;
    sp_plateau_t *plateau; /* NULL until wanted */
    /* what they have shown */
    int wanted; /* the client is not known well */
    sp_observed_t observed;
    conn_rec *c;
    sp_watch_t watch; /* the sampler's */
    apr_interval_time_t coarse_for;
} deliveries_t;

static sp_sampler_t *sampler; /* of this process; NULL: none */
static apr_uint32_t last_id;  /* of this process */
static int active;            /* some server wants to be measured */

static conn_rec *socket_holder(conn_rec *c)
{
    return c->master ? c->master : c;
}

static deliveries_t *find(conn_rec *c)
{
    return ap_get_module_config(socket_holder(c)->conn_config,
                                &speedprobe_module);
}

static apr_uint64_t next_id(void)
{
    return (apr_uint64_t)getpid() << 32 | (apr_atomic_inc32(&last_id) + 1);
}

/* ---- the end of a delivery ---- */

/* What the client's row does with it, under the row's lock. */
typedef struct {
    const deliveries_t *d;
    sp_sample_t sample;
    int has_sample;
    apr_uint64_t bytes;
    apr_interval_time_t busy_for;
    apr_uint32_t rtt_ms;
    apr_time_t ended_at;
    apr_time_t now;
    sp_state_t known; /* of the client, with it */
} ending_t;

static void settle(void *row, void *baton)
{
    sp_client_t *client = row;
    ending_t *e = baton;
    int alone = sp_parallel_end(&client->parallel, e->d->id, e->bytes,
                                e->rtt_ms, e->busy_for, e->ended_at);

    if (!alone) {
        sp_sample_t group;
        e->sample.lower_bound = 1;
        if (sp_parallel_sample(&group, &client->parallel, e->d->id,
                               e->ended_at)) {
            e->sample = group;
            e->has_sample = 1;
        }
    }
    if (e->has_sample) {
        client->state = sp_estimate_fold(&client->state, &e->sample, e->now);
    }
    e->known = client->state;
}

static void log_sample(const deliveries_t *d, const ending_t *e)
{
    ap_log_cerror(APLOG_MARK, APLOG_DEBUG, 0, d->c,
                  "SP0401: delivered %" APR_UINT64_T_FMT
                  " bytes in %" APR_TIME_T_FMT
                  " ms, round trip %u ms, %d looks: %s%.0f kbit/s",
                  e->bytes, apr_time_as_msec(e->busy_for), e->rtt_ms,
                  d->fine ? sp_plateau_looks(d->plateau) : 0,
                  !e->has_sample          ? "no sample, "
                  : e->sample.lower_bound ? "at least "
                                          : "",
                  e->has_sample ? e->sample.rate_kbps : 0);
}

static void remember(deliveries_t *d, ending_t *e)
{
    /* Without a row nobody knows who else shares the line. */
    if (sp_table_with(sp_parts.clients, d->client.bytes, 0, settle, e,
                      e->now) <= 0) {
        e->sample.lower_bound = 1;
    }
    if (!e->has_sample) {
        return;
    }
    sp_observed_add(&d->observed, &e->sample, e->now);
    sp_networks_add(sp_parts.networks, &d->network, &d->client, &e->sample,
                    e->now);
    if (e->known.at) {
        sp_share_publish(sp_parts.share, &d->client, &e->known);
    }
}

/* The mutex is held. */
static void end_delivery(deliveries_t *d, const sp_tcp_t *tcp, apr_time_t now)
{
    ending_t e = {
        .d = d,
        .bytes = tcp->acked_bytes - d->base.acked_bytes,
        .busy_for = (apr_interval_time_t)(tcp->busy_us - d->base.busy_us),
        .rtt_ms = (tcp->min_rtt_us + 999) / 1000,
        .ended_at = now - apr_time_from_msec(tcp->quiet_ms) + tcp->min_rtt_us,
        .now = now};

    d->going = 0;
    if (e.ended_at > now) {
        e.ended_at = now;
    }
    e.has_sample = !d->muted && e.bytes >= SP_PASSIVE_BYTES &&
                   sp_passive_sample(&e.sample, &d->base, tcp,
                                     d->fine ? d->plateau : NULL);
    if (d->announced || e.has_sample) {
        remember(d, &e);
        log_sample(d, &e);
    }
}

/* ---- looks ---- */

/* Several looks within each flight (speed/train.h). */
static apr_interval_time_t fine_period(const sp_tcp_t *tcp)
{
    apr_interval_time_t part = tcp->min_rtt_us / 16;

    return part > SP_SAMPLER_PERIOD_FOR ? part : SP_SAMPLER_PERIOD_FOR;
}

static apr_interval_time_t next_look(deliveries_t *d, const sp_tcp_t *tcp,
                                     apr_time_t now)
{
    if (d->fine && !sp_plateau_is_done(d->plateau) &&
        now - d->begun_at < FINE_FOR) {
        return fine_period(tcp);
    }
    d->coarse_for += d->coarse_for / 2;
    if (d->coarse_for > COARSE_FOR) {
        d->coarse_for = COARSE_FOR;
    }
    return d->coarse_for;
}

/* sp_look_fn, in the sampler's thread. */
static apr_interval_time_t on_look(void *baton, apr_status_t rv,
                                   const sp_tcp_t *tcp, apr_time_t before,
                                   apr_time_t now)
{
    deliveries_t *d = baton;
    apr_interval_time_t next = 0;

    apr_thread_mutex_lock(d->mutex);
    if (rv == APR_SUCCESS && d->going) {
        if (d->fine) {
            sp_plateau_feed(d->plateau, tcp, before, now);
        }
        if (d->requests == 0 && sp_tcp_is_drained(tcp)) {
            end_delivery(d, tcp, now);
        }
        else {
            next = next_look(d, tcp, now);
        }
    }
    apr_thread_mutex_unlock(d->mutex);
    return next;
}

/* ---- the begin of a delivery ---- */

static int key_client(deliveries_t *d, const request_rec *r)
{
    const apr_sockaddr_t *client = r->connection->client_addr;

    return sp_clientkey_client(&d->client, &sp_parts.table_key, client) ==
               APR_SUCCESS &&
           sp_clientkey_network(&d->network, &sp_parts.table_key, client) ==
               APR_SUCCESS;
}

/* One line for the process: no TCP_INFO is a fact of the machine. */
static void log_missing(const request_rec *r, apr_status_t rv)
{
    static apr_uint32_t logged;

    if (apr_atomic_inc32(&logged) == 0) {
        ap_log_rerror(APLOG_MARK, APLOG_NOTICE, rv, r,
                      "SP0402: this socket tells nothing of its deliveries "
                      "(TCP_INFO): speeds are measured by pages only");
    }
}

static apr_status_t forget(void *baton)
{
    deliveries_t *d = baton;

    sp_sampler_forget(sampler, &d->watch);
    free(d->plateau);
    return APR_SUCCESS;
}

/* The record is made by the connection's own thread: the streams of HTTP/2
   must not use its pool. */
static int pre_connection(conn_rec *c, void *csd)
{
    deliveries_t *d;
    apr_os_sock_t fd = -1;

    if (c->master || !active || !csd) {
        return OK;
    }
    d = apr_pcalloc(c->pool, sizeof(*d));
    if (apr_os_sock_get(&fd, csd) != APR_SUCCESS ||
        apr_thread_mutex_create(&d->mutex, APR_THREAD_MUTEX_DEFAULT, c->pool) !=
            APR_SUCCESS) {
        return OK;
    }
    d->c = c;
    d->fd = d->watch.fd = fd;
    d->watch.on_look = on_look;
    d->watch.baton = d;
    apr_pool_pre_cleanup_register(c->pool, d, forget);
    ap_set_module_config(c->conn_config, &speedprobe_module, d);
    return OK;
}

/* At the first request.  What other machines know of the client comes into the
   table while it is answered.  @return 0 when nothing can be measured */
static int introduce(deliveries_t *d, const request_rec *r)
{
    apr_status_t rv = sp_tcp_read(&d->base, d->fd);

    if (rv != APR_SUCCESS) {
        log_missing(r, rv);
        return 0;
    }
    if (!key_client(d, r)) {
        return 0;
    }
    if (sp_consent_given(r)) {
        sp_share_want(sp_parts.share, &d->client);
    }
    return 1;
}

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

static void begin_delivery(deliveries_t *d, const sp_tcp_t *tcp, apr_time_t now)
{
    d->going = 1;
    d->announced = d->fine = d->muted = 0;
    d->coarse_for = SP_SAMPLER_PERIOD_FOR;
    d->id = next_id();
    d->begun_at = now;
    d->base = *tcp;
}

/* The mutex is held. */
static void next_request(deliveries_t *d, const request_rec *r)
{
    sp_tcp_t tcp;

    if (!d->known && !(d->known = introduce(d, r))) {
        d->off = 1;
    }
    if (d->off || d->requests++ > 0 ||
        sp_tcp_read(&tcp, d->fd) != APR_SUCCESS) {
        return;
    }
    if (d->going && sp_tcp_is_drained(&tcp)) {
        end_delivery(d, &tcp, r->request_time);
    }
    if (!d->going) {
        begin_delivery(d, &tcp, r->request_time);
    }
}

int sp_delivery_on_request(request_rec *r)
{
    deliveries_t *d = find(r->connection);

    if (!d || d->off) {
        return 0;
    }
    if (is_proxied(r)) {
        d->off = 1;
        return 0;
    }
    apr_thread_mutex_lock(d->mutex);
    next_request(d, r);
    apr_thread_mutex_unlock(d->mutex);
    if (!d->off) {
        ap_add_output_filter(filter_name, NULL, r, r->connection);
    }
    return !d->off;
}

/* ---- while it goes on ---- */

static void announce(void *row, void *baton)
{
    const deliveries_t *d = baton;

    sp_parallel_begin(&((sp_client_t *)row)->parallel, d->id, d->begun_at);
}

/* The mutex is held.  @return 1 when the sampler is to be called */
static int look_finely(deliveries_t *d, apr_time_t now)
{
    if (d->fine || !d->going) {
        return 0;
    }
    if (!d->plateau) {
        d->plateau = malloc(sizeof(*d->plateau)); /* any thread may come here */
    }
    if (d->plateau) {
        sp_plateau_init(d->plateau, &d->base, now);
        d->fine = 1;
    }
    return d->fine;
}

typedef struct {
    apr_off_t bytes; /* of this answer, so far */
    int asked;       /* sp_delivery_watch */
} answer_t;

/* @return 1 when nothing is left to be done for this answer */
static int on_bytes(ap_filter_t *f, deliveries_t *d)
{
    answer_t *answer = f->ctx;
    int enough = answer->bytes >= ANNOUNCE_BYTES;
    int fine = answer->asked || answer->bytes >= FINE_BYTES, watch = 0;
    apr_time_t now = apr_time_now();

    apr_thread_mutex_lock(d->mutex);
    if (enough && d->going && !d->announced && !d->muted) {
        d->announced = sp_table_with(sp_parts.clients, d->client.bytes, 1,
                                     announce, d, now) > 0;
    }
    if (fine && (answer->asked || d->wanted)) {
        watch = look_finely(d, now);
    }
    apr_thread_mutex_unlock(d->mutex);
    if (watch) {
        sp_sampler_watch(sampler, &d->watch, SP_SAMPLER_PERIOD_FOR);
    }
    return enough && fine;
}

static void mute(deliveries_t *d)
{
    apr_thread_mutex_lock(d->mutex);
    d->muted = 1;
    apr_thread_mutex_unlock(d->mutex);
}

static int may_measure(request_rec *r)
{
    const sp_conf_t *conf = sp_conf_of(r);

    return SP_CONF(conf, enabled) && SP_CONF(conf, passive) &&
           sp_consent_given(r);
}

/* Counts bytes as they go by; the settings of the request hold by now. */
static apr_status_t delivery_out(ap_filter_t *f, apr_bucket_brigade *bb)
{
    deliveries_t *d = find(f->c);
    apr_off_t bytes = 0;
    int over = 0;

    if (!f->ctx) {
        f->ctx = apr_pcalloc(f->r->pool, sizeof(answer_t));
    }
    if (!d || d->off) {
        over = 1;
    }
    else if (!may_measure(f->r)) {
        mute(d);
        over = 1;
    }
    else {
        (void)apr_brigade_length(bb, 0, &bytes);
        if (bytes > 0) {
            ((answer_t *)f->ctx)->bytes += bytes;
            over =
                ((answer_t *)f->ctx)->bytes >= ANNOUNCE_BYTES && on_bytes(f, d);
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

void sp_delivery_wanted(request_rec *r)
{
    deliveries_t *d = find(r->connection);

    if (d) {
        d->wanted = 1;
    }
}

/* ---- all is written ---- */

/* What the access log may tell: of what had arrived when it was written. */
static void note(request_rec *r, const deliveries_t *d, const sp_tcp_t *tcp)
{
    sp_sample_t sample;

    apr_table_setn(r->notes, "speedprobe-acked",
                   apr_psprintf(r->pool, "%" APR_UINT64_T_FMT,
                                tcp->acked_bytes - d->base.acked_bytes));
    apr_table_setn(r->notes, "speedprobe-busy-ms",
                   apr_psprintf(r->pool, "%" APR_UINT64_T_FMT,
                                (tcp->busy_us - d->base.busy_us) / 1000));
    if (!d->muted && sp_passive_sample(&sample, &d->base, tcp,
                                       d->fine ? d->plateau : NULL)) {
        apr_table_setn(r->notes, "speedprobe-rate",
                       apr_psprintf(r->pool, "%s%.0f",
                                    sample.lower_bound ? ">=" : "",
                                    sample.rate_kbps));
    }
}

void sp_delivery_on_logged(request_rec *r)
{
    deliveries_t *d = find(r->connection);
    apr_interval_time_t after = 0;
    sp_tcp_t tcp;

    if (!d) {
        return;
    }
    apr_thread_mutex_lock(d->mutex);
    d->requests--;
    if (d->going && !d->off && sp_tcp_read(&tcp, d->fd) == APR_SUCCESS) {
        note(r, d, &tcp);
        if (d->requests == 0 && sp_tcp_is_drained(&tcp)) {
            end_delivery(d, &tcp, apr_time_now());
        }
        else if (d->announced) {
            after = fine_period(&tcp);
        }
    }
    apr_thread_mutex_unlock(d->mutex);
    if (after > 0) {
        sp_sampler_watch(sampler, &d->watch, after);
    }
}

static int pre_close_connection(conn_rec *c)
{
    deliveries_t *d = c->master ? NULL : find(c);
    sp_tcp_t tcp;

    if (!d || d->off) {
        return OK;
    }
    sp_sampler_forget(sampler, &d->watch);
    apr_thread_mutex_lock(d->mutex);
    if (d->going && sp_tcp_read(&tcp, d->fd) == APR_SUCCESS) {
        end_delivery(d, &tcp, apr_time_now());
    }
    d->off = 1;
    apr_thread_mutex_unlock(d->mutex);
    return OK;
}

/* ---- what is known ---- */

/* A row speaks for as long as a cookie does; it goes when room is needed. */
#define ROW_AGE_FOR apr_time_from_sec(SP_SPEEDCOOKIE_AGE_S)

static void copy_state(void *row, void *baton)
{
    *(sp_state_t *)baton = ((const sp_client_t *)row)->state;
}

void sp_delivery_known(sp_known_t *out, request_rec *r)
{
    deliveries_t *d = find(r->connection);

    if (!d || d->off) {
        return;
    }
    apr_thread_mutex_lock(d->mutex);
    out->connection = d->observed;
    apr_thread_mutex_unlock(d->mutex);
    (void)sp_table_with(sp_parts.clients, d->client.bytes, 0, copy_state,
                        &out->row, r->request_time);
    if (r->request_time - out->row.at > ROW_AGE_FOR) {
        out->row.at = 0;
    }
    (void)sp_networks_prior(&out->network, sp_parts.networks, &d->network,
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
    if (!active) {
        return;
    }
    rv = sp_sampler_make(&sampler, apr_time_now, sp_tcp_read, pchild);
    if (rv != APR_SUCCESS) {
        sampler = NULL;
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
