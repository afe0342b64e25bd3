/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deliveries of one connection, from its first request to its close.
 *
 *     request ---> delivery begins: TCP_INFO is the base
 *       first bytes pass delivery_out(): 8 KB or more are announced in the
 *         client's row, so that parallel connections know of each other;
 *         32 KB or more of a client that is not known well are looked at
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

#include <math.h>
#include <pthread.h>
#include <signal.h>
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
#include "ap_mpm.h"
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
#define FINE_BYTES 32768

/* Fine looks end after that; coarse ones grow apart to that. */
#define FINE_FOR apr_time_from_sec(30)
#define COARSE_FOR apr_time_from_msec(250)

/* The first look at a delivery that has just been announced: most are over by
   then. */
#define FIRST_FOR apr_time_from_sec(1)

/* Its row hears so often that it goes on. */
#define SEEN_FOR apr_time_from_sec(30)

/* Connections of a process that are looked at finely at once: 256 looks in
   10 ms are 3 % of a core. */
#define FINE_MAX 256

/* A request that sends nothing for so long, beside a round trip, has ended its
   delivery: a stream of events, a tunnel. */
#define QUIET_MS 200

typedef struct {
    apr_thread_mutex_t *mutex; /* guards all below but watch; see lock() */
    sp_clientkey_t client;     /* keys of the far end's address */
    sp_clientkey_t network;
    sp_clientkey_t voice; /* in that network */
    int fd;
    int known;    /* the keys are made */
    int off;      /* no measuring here: a proxy, no TCP_INFO, no key */
    int requests; /* that have come and are not logged yet */
    /* the delivery */
    int going;           /* it has begun and not ended */
    int announced;       /* it stands in the client's row */
    int fine;            /* plateau is fed */
    int allowed;         /* of a request that may be measured */
    int muted;           /* and of one that must not be */
    apr_uint64_t id;     /* see sp_delivery_t */
    apr_time_t begun_at; /* its first request */
    apr_time_t seen_at;  /* its row has heard of it */
    sp_tcp_t base;
    sp_plateau_t *plateau; /* NULL until wanted */
    /* what they have shown */
    int wanted;       /* the client is not known well */
    int asked_others; /* sp_share_want */
    sp_observed_t observed;
    conn_rec *c;
    sp_watch_t watch; /* the sampler's */
    int watched;      /* it has been given to the sampler */
    apr_interval_time_t coarse_for;
} deliveries_t;

static sp_sampler_t *sampler; /* of this process; NULL: none */
static apr_uint32_t last_id;  /* of this process */
static int active;            /* some server wants to be measured */
static int signals_interrupt; /* httpd's signals end the process from within
                                 request code: prefork */
static apr_uint32_t fine;     /* connections that are looked at finely */

static conn_rec *socket_holder(conn_rec *c)
{
    return c->master ? c->master : c;
}

static deliveries_t *find(conn_rec *c)
{
    return ap_get_module_config(socket_holder(c)->conn_config,
                                &speedprobe_module);
}

/* Where a signal ends the process from within request code, it must not come
   while that holds a mutex that the end needs. */
static void lock(deliveries_t *d, sigset_t *before)
{
    if (signals_interrupt) {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, before);
    }
    apr_thread_mutex_lock(d->mutex);
}

static void unlock(deliveries_t *d, const sigset_t *before)
{
    apr_thread_mutex_unlock(d->mutex);
    if (signals_interrupt) {
        pthread_sigmask(SIG_SETMASK, before, NULL);
    }
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

/* It goes on, but is none of ours. */
static void leave_row(void *row, void *baton)
{
    const ending_t *e = baton;

    sp_parallel_leave(&((sp_client_t *)row)->parallel, e->d->id, e->ended_at);
}

/* Not with ap_log_cerror, which may use the connection's pool: this may be
   another thread. */
static void log_sample(const deliveries_t *d, const ending_t *e)
{
    ap_log_error(APLOG_MARK, APLOG_DEBUG, 0, d->c->base_server,
                 "SP0401: [client %s] delivered %" APR_UINT64_T_FMT
                 " bytes in %" APR_TIME_T_FMT
                 " ms, round trip %u ms, %d looks: %s%.0f kbit/s",
                 d->c->client_ip, e->bytes, apr_time_as_msec(e->busy_for),
                 e->rtt_ms, d->fine ? sp_plateau_looks(d->plateau) : 0,
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
    sp_networks_add(sp_parts.networks, &d->network, &d->voice, &e->sample,
                    e->now);
    if (e->known.at) {
        sp_share_publish(sp_parts.share, &d->client, &e->known);
    }
}

static void end_fine(deliveries_t *d)
{
    if (d->fine) {
        d->fine = 0;
        apr_atomic_dec32(&fine);
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
    e.has_sample = d->allowed && !d->muted && e.bytes >= SP_PASSIVE_BYTES &&
                   sp_passive_sample(&e.sample, &d->base, tcp,
                                     d->fine ? d->plateau : NULL);
    if (d->muted) {
        if (d->announced) {
            (void)sp_table_with(sp_parts.clients, d->client.bytes, 0, leave_row,
                                &e, now);
        }
    }
    else if (d->announced || e.has_sample) {
        remember(d, &e);
        log_sample(d, &e);
    }
    end_fine(d);
}

/* The connection closes: the kernel may have much to send yet, and nobody will
   tell of its end.  The mutex is held. */
static void close_delivery(deliveries_t *d, const sp_tcp_t *tcp, apr_time_t now)
{
    double left =
        tcp->notsent_bytes + (double)tcp->unacked_segments * tcp->segment_bytes;
    double busy_ms = (double)(tcp->busy_us - d->base.busy_us) / 1000;
    double bytes = (double)(tcp->acked_bytes - d->base.acked_bytes);
    ending_t e = {.d = d, .now = now};

    if (!d->announced || left < SP_PASSIVE_BYTES || bytes < 1) {
        end_delivery(d, tcp, now);
        return;
    }
    e.ended_at = now + (apr_time_t)fmin(1000 * left * busy_ms / bytes,
                                        (double)SP_PARALLEL_STALE_FOR);
    (void)sp_table_with(sp_parts.clients, d->client.bytes, 0, leave_row, &e,
                        now);
    d->announced = 0; /* what has arrived says at least a bound */
    end_delivery(d, tcp, now);
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

static void seen(void *row, void *baton)
{
    const deliveries_t *d = baton;

    sp_parallel_seen(&((sp_client_t *)row)->parallel, d->id, d->seen_at);
}

static void tell_row(deliveries_t *d, apr_time_t now)
{
    if (d->announced && now - d->seen_at >= SEEN_FOR) {
        d->seen_at = now;
        (void)sp_table_with(sp_parts.clients, d->client.bytes, 0, seen, d, now);
    }
}

/* Whatever its request does next, this delivery is over. */
static int is_over(const deliveries_t *d, const sp_tcp_t *tcp)
{
    return sp_tcp_is_drained(tcp) &&
           (d->requests == 0 ||
            tcp->quiet_ms > QUIET_MS + tcp->min_rtt_us / 1000);
}

/* sp_look_fn, in the sampler's thread, where signals are blocked. */
static apr_interval_time_t on_look(void *baton, apr_status_t rv,
                                   const sp_tcp_t *tcp, apr_time_t before,
                                   apr_time_t now)
{
    deliveries_t *d = baton;
    apr_interval_time_t next = 0;

    apr_thread_mutex_lock(d->mutex);
    if (rv == APR_SUCCESS && d->going && !d->off) {
        if (d->fine) {
            sp_plateau_feed(d->plateau, tcp, before, now);
        }
        if (is_over(d, tcp)) {
            end_delivery(d, tcp, now);
        }
        else {
            tell_row(d, now);
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
           sp_clientkey_customer(&d->voice, &sp_parts.table_key, client) ==
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

/* Request pools that are cleared after this one still log their requests. */
static apr_status_t forget(void *baton)
{
    deliveries_t *d = baton;
    sigset_t before;

    if (d->watched) {
        sp_sampler_forget(sampler, &d->watch);
    }
    lock(d, &before);
    d->off = 1;
    d->going = 0;
    end_fine(d);
    free(d->plateau);
    d->plateau = NULL;
    unlock(d, &before);
    return APR_SUCCESS;
}

/* The record is made by the connection's own thread: the streams of HTTP/2
   must not use its pool. */
static int pre_connection(conn_rec *c, void *csd)
{
    deliveries_t *d;
    apr_os_sock_t fd = -1;

    if (c->master || c->outgoing || !active || !csd) {
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

/* At the first request.  @return 0 when nothing can be measured */
static int introduce(deliveries_t *d, const request_rec *r)
{
    apr_status_t rv = sp_tcp_read(&d->base, d->fd);

    if (rv != APR_SUCCESS) {
        log_missing(r, rv);
        return 0;
    }
    return key_client(d, r);
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

/* The mutex is held. */
static void begin_delivery(deliveries_t *d, const sp_tcp_t *tcp, apr_time_t now)
{
    d->going = 1;
    d->announced = d->allowed = d->muted = d->wanted = 0;
    d->coarse_for = SP_SAMPLER_PERIOD_FOR;
    d->id = next_id();
    d->begun_at = now;
    d->base = *tcp;
}

/* The mutex is held. */
static void next_request(deliveries_t *d, const request_rec *r)
{
    apr_time_t now;
    sp_tcp_t tcp;

    if (!d->known && !(d->known = introduce(d, r))) {
        d->off = 1;
    }
    if (d->off) {
        return;
    }
    d->requests++;
    if ((d->going && d->requests > 1) ||
        sp_tcp_read(&tcp, d->fd) != APR_SUCCESS) {
        return;
    }
    now = apr_time_now();
    if (d->going && sp_tcp_is_drained(&tcp)) {
        end_delivery(d, &tcp, now);
    }
    if (!d->going) {
        begin_delivery(d, &tcp, now);
    }
}

/* From now on somebody else's line.  The mutex is held. */
static void give_up(deliveries_t *d)
{
    sp_tcp_t tcp;

    if (d->going && sp_tcp_read(&tcp, d->fd) == APR_SUCCESS) {
        d->muted = 1;
        end_delivery(d, &tcp, apr_time_now());
    }
    d->off = 1;
}

int sp_delivery_on_request(request_rec *r)
{
    deliveries_t *d = find(r->connection);
    sigset_t before;
    int off;

    if (!d || d->off) {
        return 0;
    }
    lock(d, &before);
    if (is_proxied(r)) {
        give_up(d);
    }
    else {
        next_request(d, r);
    }
    off = d->off;
    unlock(d, &before);
    if (!off) {
        ap_add_output_filter(filter_name, NULL, r, r->connection);
    }
    return !off;
}

/* ---- while it goes on ---- */

static void announce(void *row, void *baton)
{
    const deliveries_t *d = baton;

    sp_parallel_begin(&((sp_client_t *)row)->parallel, d->id, d->begun_at);
}

/* The mutex is held. */
static int look_finely(deliveries_t *d, apr_time_t now)
{
    if (d->fine || apr_atomic_read32(&fine) >= FINE_MAX) {
        return 0;
    }
    if (!d->plateau) {
        d->plateau = malloc(sizeof(*d->plateau)); /* any thread may come here */
    }
    if (!d->plateau) {
        return 0;
    }
    sp_plateau_init(d->plateau, &d->base, now);
    d->fine = 1;
    apr_atomic_inc32(&fine);
    return 1;
}

typedef struct {
    apr_off_t bytes; /* of this answer, so far */
    int asked;       /* sp_delivery_watch */
} answer_t;

/* The first bytes after a quiet time of a long request.  The mutex is held. */
static void begin_again(deliveries_t *d, apr_time_t now)
{
    sp_tcp_t tcp;

    if (!d->going && !d->off && sp_tcp_read(&tcp, d->fd) == APR_SUCCESS) {
        begin_delivery(d, &tcp, now);
    }
}

/* The mutex is held.  @return when the sampler shall look; 0: not asked */
static apr_interval_time_t follow(deliveries_t *d, const answer_t *answer,
                                  apr_time_t now)
{
    apr_interval_time_t after = 0;

    if (!d->announced && !d->muted) {
        d->announced = sp_table_with(sp_parts.clients, d->client.bytes, 1,
                                     announce, d, now) > 0;
        d->seen_at = now;
        after = d->announced ? FIRST_FOR : 0;
    }
    if ((answer->asked || (d->wanted && answer->bytes >= FINE_BYTES)) &&
        look_finely(d, now)) {
        after = SP_SAMPLER_PERIOD_FOR;
    }
    return after;
}

/* @return 1 when nothing is left to be done for this answer */
static int on_bytes(ap_filter_t *f, deliveries_t *d)
{
    const answer_t *answer = f->ctx;
    apr_interval_time_t after = 0;
    apr_time_t now = apr_time_now();
    sigset_t before;

    lock(d, &before);
    begin_again(d, now);
    if (d->going) {
        d->allowed = 1;
        after = follow(d, answer, now);
        d->watched |= after > 0;
    }
    unlock(d, &before);
    if (after > 0) {
        sp_sampler_watch(sampler, &d->watch, after);
    }
    return answer->asked || answer->bytes >= FINE_BYTES;
}

static void mute(deliveries_t *d)
{
    sigset_t before;

    lock(d, &before);
    d->muted = 1;
    unlock(d, &before);
}

static int may_measure(request_rec *r)
{
    const sp_conf_t *conf = sp_conf_of(r);

    return SP_CONF(conf, enabled) && SP_CONF(conf, passive) &&
           SP_CONF(conf, assume_kbps) <= 0 && sp_consent_given(r);
}

/* What other machines know of the client comes into the table meanwhile. */
static void ask_others(deliveries_t *d)
{
    if (!d->asked_others) {
        d->asked_others = 1;
        sp_share_want(sp_parts.share, &d->client);
    }
}

/* Counts bytes as they go by; the settings of the request hold by now. */
static apr_status_t delivery_out(ap_filter_t *f, apr_bucket_brigade *bb)
{
    deliveries_t *d = find(f->c);
    apr_off_t bytes = 0;
    answer_t *answer = f->ctx;
    int over = 0;

    if (!answer) {
        answer = f->ctx = apr_pcalloc(f->r->pool, sizeof(*answer));
    }
    if (!d || d->off) {
        over = 1;
    }
    else if (!may_measure(f->r)) {
        mute(d);
        over = 1;
    }
    else {
        ask_others(d);
        (void)apr_brigade_length(bb, 0, &bytes);
        answer->bytes += bytes > 0 ? bytes : 0;
        over = answer->bytes >= ANNOUNCE_BYTES && on_bytes(f, d);
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

/* What the access log may tell: of what had arrived when it was written.  It
   reads the notes of the last of several internal redirects. */
static void note(request_rec *r, const deliveries_t *d, const sp_tcp_t *tcp)
{
    sp_sample_t sample;

    while (r->next) {
        r = r->next;
    }
    apr_table_setn(r->notes, "speedprobe-acked",
                   apr_psprintf(r->pool, "%" APR_UINT64_T_FMT,
                                tcp->acked_bytes - d->base.acked_bytes));
    apr_table_setn(r->notes, "speedprobe-busy-ms",
                   apr_psprintf(r->pool, "%" APR_UINT64_T_FMT,
                                (tcp->busy_us - d->base.busy_us) / 1000));
    if (d->allowed && !d->muted &&
        sp_passive_sample(&sample, &d->base, tcp,
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
    sigset_t before;
    sp_tcp_t tcp;

    if (!d) {
        return;
    }
    lock(d, &before);
    d->requests--;
    if (d->going && !d->off && sp_tcp_read(&tcp, d->fd) == APR_SUCCESS) {
        note(r, d, &tcp);
        if (d->requests == 0 && sp_tcp_is_drained(&tcp)) {
            end_delivery(d, &tcp, apr_time_now());
        }
        else if (d->announced) {
            after = fine_period(&tcp);
            d->watched = 1;
        }
    }
    unlock(d, &before);
    if (after > 0) {
        sp_sampler_watch(sampler, &d->watch, after);
    }
}

static int pre_close_connection(conn_rec *c)
{
    deliveries_t *d = c->master ? NULL : find(c);
    sigset_t before;
    sp_tcp_t tcp;

    if (!d) {
        return OK;
    }
    if (d->watched) {
        sp_sampler_forget(sampler, &d->watch);
    }
    lock(d, &before);
    if (d->going && !d->off && sp_tcp_read(&tcp, d->fd) == APR_SUCCESS) {
        close_delivery(d, &tcp, apr_time_now());
    }
    d->off = 1;
    unlock(d, &before);
    return OK;
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
    deliveries_t *d = find(r->connection);
    sigset_t before;

    if (!d || d->off) {
        return;
    }
    lock(d, &before);
    out->connection = d->observed;
    unlock(d, &before);
    (void)sp_table_with(sp_parts.clients, d->client.bytes, 0, copy_state,
                        &out->row, r->request_time);
    if (r->request_time - out->row.at >
        (age_ms > 0 ? apr_time_from_msec(age_ms) : ROW_AGE_FOR)) {
        out->row.at = 0;
    }
    (void)sp_networks_prior(&out->network, sp_parts.networks, &d->network,
                            r->request_time);
}

/* ---- start ---- */

void sp_delivery_start_child(server_rec *main_server, apr_pool_t *pchild)
{
    server_rec *s = main_server;
    int threads = AP_MPMQ_NOT_SUPPORTED;
    apr_status_t rv;

    for (active = 0; s && !active; s = s->next) {
        active = sp_server_conf_of(s)->used;
    }
    if (!active) {
        return;
    }
    (void)ap_mpm_query(AP_MPMQ_IS_THREADED, &threads);
    signals_interrupt = threads == AP_MPMQ_NOT_SUPPORTED;
    rv = sp_sampler_make(&sampler, apr_time_now, sp_tcp_read, signals_interrupt,
                         pchild);
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
