/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delivery, from its first request to its last acknowledgement.
 *
 *     request ---> begins: TCP_INFO is the base
 *       8 KB or more are announced in the client's row, so that parallel
 *         connections know of each other; 32 KB or more of a client that is
 *         not known well are looked at many times (speed/sampler.h)
 *       all written: looked at until all has arrived
 *     all arrived, next request, or close ---> ends: sample -> row of the
 *         client, the network's row, this connection's memory
 *
 * A delivery belongs to a connection, not to a request: pipelined requests and
 * the streams of HTTP/2 run into one.  A request that falls silent has ended
 * its delivery, and begins another one when it speaks again.
 *
 * Runs in request threads and in the sampler's; the record's mutex is held for
 * moments and never while the sampler is called.  Memory: 500 bytes a
 * connection, 1.6 KB more for one that was looked at finely.
 */
#include "filters/deliveries.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "apr_atomic.h"
#include "apr_thread_mutex.h"
#include "ap_mpm.h"
#include "http_log.h"

#include "directives/speedprobe_conf.h"
#include "directives/speedprobe_start.h"
#include "speed/client.h"
#include "speed/networks.h"
#include "speed/passive.h"
#include "speed/plateau.h"
#include "speed/sampler.h"
#include "speed/tcpinfo.h"

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

struct sp_deliveries_t {
    apr_thread_mutex_t *mutex; /* guards all below but watch; see lock() */
    sp_deliveries_keys_t keys;
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
};

static sp_sampler_t *sampler; /* of this process; NULL: none */
static apr_uint32_t last_id;  /* of this process */
static int signals_interrupt; /* httpd's signals end the process from within
                                 request code: prefork */
static apr_uint32_t fine;     /* connections that are looked at finely */

/* Where a signal ends the process from within request code, it must not come
   while that holds a mutex that the end needs. */
static void lock(sp_deliveries_t *d, sigset_t *before)
{
    if (signals_interrupt) {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, before);
    }
    apr_thread_mutex_lock(d->mutex);
}

static void unlock(sp_deliveries_t *d, const sigset_t *before)
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
    const sp_deliveries_t *d;
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
        /* One that was left behind (close_delivery) must stay in its group. */
        if (e->d->announced && sp_parallel_sample(&group, &client->parallel,
                                                  e->d->id, e->ended_at)) {
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
static void log_sample(const sp_deliveries_t *d, const ending_t *e)
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

static void remember(sp_deliveries_t *d, ending_t *e)
{
    /* Without a row nobody knows who else shares the line. */
    if (sp_table_with(sp_parts.clients, d->keys.client.bytes, 0, settle, e,
                      e->now) <= 0) {
        e->sample.lower_bound = 1;
    }
    if (!e->has_sample) {
        return;
    }
    sp_observed_add(&d->observed, &e->sample, e->now);
    sp_networks_add(sp_parts.networks, &d->keys.network, &d->keys.voice,
                    &e->sample, e->now);
    if (e->known.at) {
        sp_share_publish(sp_parts.share, &d->keys.client, &e->known);
    }
}

static void end_fine(sp_deliveries_t *d)
{
    if (d->fine) {
        d->fine = 0;
        apr_atomic_dec32(&fine);
    }
}

/* The mutex is held. */
static void end_delivery(sp_deliveries_t *d, const sp_tcp_t *tcp,
                         apr_time_t now)
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
            (void)sp_table_with(sp_parts.clients, d->keys.client.bytes, 0,
                                leave_row, &e, now);
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
static void close_delivery(sp_deliveries_t *d, const sp_tcp_t *tcp,
                           apr_time_t now)
{
    double left =
        tcp->notsent_bytes + (double)tcp->unacked_segments * tcp->segment_bytes;
    double busy_ms = (double)(tcp->busy_us - d->base.busy_us) / 1000;
    double bytes = (double)(tcp->acked_bytes - d->base.acked_bytes);
    ending_t e = {.d = d, .now = now};

    if (!d->announced || tcp->is_dead || left < SP_PASSIVE_BYTES || bytes < 1) {
        end_delivery(d, tcp, now);
        return;
    }
    e.ended_at = now + (apr_time_t)fmin(1000 * left * busy_ms / bytes,
                                        (double)SP_PARALLEL_STALE_FOR);
    (void)sp_table_with(sp_parts.clients, d->keys.client.bytes, 0, leave_row,
                        &e, now);
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

static apr_interval_time_t next_look(sp_deliveries_t *d, const sp_tcp_t *tcp,
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
    const sp_deliveries_t *d = baton;

    sp_parallel_seen(&((sp_client_t *)row)->parallel, d->id, d->seen_at);
}

static void tell_row(sp_deliveries_t *d, apr_time_t now)
{
    if (d->announced && now - d->seen_at >= SEEN_FOR) {
        d->seen_at = now;
        (void)sp_table_with(sp_parts.clients, d->keys.client.bytes, 0, seen, d,
                            now);
    }
}

/* Whatever its request does next, this delivery is over. */
static int is_over(const sp_deliveries_t *d, const sp_tcp_t *tcp)
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
    sp_deliveries_t *d = baton;
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

/* ---- the record ---- */

/* Request pools that are cleared after this one still log their requests. */
static apr_status_t forget(void *baton)
{
    sp_deliveries_t *d = baton;
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

sp_deliveries_t *sp_deliveries_make(conn_rec *c, int fd)
{
    sp_deliveries_t *d = apr_pcalloc(c->pool, sizeof(*d));

    if (apr_thread_mutex_create(&d->mutex, APR_THREAD_MUTEX_DEFAULT, c->pool) !=
        APR_SUCCESS) {
        return NULL;
    }
    d->c = c;
    d->fd = d->watch.fd = fd;
    d->watch.on_look = on_look;
    d->watch.baton = d;
    apr_pool_pre_cleanup_register(c->pool, d, forget);
    return d;
}

int sp_deliveries_are_off(const sp_deliveries_t *d)
{
    return d->off;
}

const sp_deliveries_keys_t *sp_deliveries_keys(const sp_deliveries_t *d)
{
    return &d->keys;
}

/* ---- the begin of a delivery ---- */

static int key_client(sp_deliveries_t *d, const request_rec *r)
{
    const apr_sockaddr_t *client = r->connection->client_addr;

    return sp_clientkey_client(&d->keys.client, &sp_parts.table_key, client) ==
               APR_SUCCESS &&
           sp_clientkey_customer(&d->keys.voice, &sp_parts.table_key, client) ==
               APR_SUCCESS &&
           sp_clientkey_network(&d->keys.network, &sp_parts.table_key,
                                client) == APR_SUCCESS;
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

/* At the first request.  @return 0 when nothing can be measured */
static int introduce(sp_deliveries_t *d, const request_rec *r)
{
    apr_status_t rv = sp_tcp_read(&d->base, d->fd);

    if (rv != APR_SUCCESS) {
        log_missing(r, rv);
        return 0;
    }
    return key_client(d, r);
}

/* The mutex is held. */
static void begin_delivery(sp_deliveries_t *d, const sp_tcp_t *tcp,
                           apr_time_t now)
{
    d->going = 1;
    d->announced = d->allowed = d->muted = d->wanted = 0;
    d->coarse_for = SP_SAMPLER_PERIOD_FOR;
    d->id = next_id();
    d->begun_at = now;
    d->base = *tcp;
}

/* The mutex is held. */
static void next_request(sp_deliveries_t *d, const request_rec *r)
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
static void give_up(sp_deliveries_t *d)
{
    sp_tcp_t tcp;

    if (d->going && sp_tcp_read(&tcp, d->fd) == APR_SUCCESS) {
        d->muted = 1;
        end_delivery(d, &tcp, apr_time_now());
    }
    d->off = 1;
}

int sp_deliveries_request(sp_deliveries_t *d, const request_rec *r, int proxied)
{
    sigset_t before;
    int off;

    lock(d, &before);
    if (proxied) {
        give_up(d);
    }
    else {
        next_request(d, r);
    }
    off = d->off;
    unlock(d, &before);
    return !off;
}

/* ---- while it goes on ---- */

void sp_deliveries_want(sp_deliveries_t *d)
{
    d->wanted = 1;
}

static void announce(void *row, void *baton)
{
    const sp_deliveries_t *d = baton;

    sp_parallel_begin(&((sp_client_t *)row)->parallel, d->id, d->begun_at);
}

/* The mutex is held. */
static int look_finely(sp_deliveries_t *d, apr_time_t now)
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

/* The first bytes after a quiet time of a long request.  The mutex is held. */
static void begin_again(sp_deliveries_t *d, apr_time_t now)
{
    sp_tcp_t tcp;

    if (!d->going && !d->off && sp_tcp_read(&tcp, d->fd) == APR_SUCCESS) {
        begin_delivery(d, &tcp, now);
    }
}

/* The mutex is held.  @return when the sampler shall look; 0: not asked */
static apr_interval_time_t follow(sp_deliveries_t *d, apr_off_t bytes,
                                  int asked, apr_time_t now)
{
    apr_interval_time_t after = 0;

    if (!d->announced && !d->muted) {
        d->announced = sp_table_with(sp_parts.clients, d->keys.client.bytes, 1,
                                     announce, d, now) > 0;
        d->seen_at = now;
        after = d->announced ? FIRST_FOR : 0;
    }
    if ((asked || (d->wanted && bytes >= SP_DELIVERIES_FINE_BYTES)) &&
        look_finely(d, now)) {
        after = SP_SAMPLER_PERIOD_FOR;
    }
    return after;
}

void sp_deliveries_bytes(sp_deliveries_t *d, apr_off_t bytes, int asked)
{
    apr_interval_time_t after = 0;
    apr_time_t now = apr_time_now();
    sigset_t before;

    lock(d, &before);
    begin_again(d, now);
    if (d->going) {
        d->allowed = 1;
        after = follow(d, bytes, asked, now);
        d->watched |= after > 0;
    }
    unlock(d, &before);
    if (after > 0) {
        sp_sampler_watch(sampler, &d->watch, after);
    }
}

void sp_deliveries_mute(sp_deliveries_t *d)
{
    sigset_t before;

    lock(d, &before);
    d->muted = 1;
    unlock(d, &before);
}

void sp_deliveries_ask_others(sp_deliveries_t *d)
{
    if (!d->asked_others) {
        d->asked_others = 1;
        sp_share_want(sp_parts.share, &d->keys.client);
    }
}

/* ---- all is written ---- */

static void sum_up(sp_deliveries_logged_t *out, const sp_deliveries_t *d,
                   const sp_tcp_t *tcp)
{
    out->acked_bytes = tcp->acked_bytes - d->base.acked_bytes;
    out->busy_ms = (tcp->busy_us - d->base.busy_us) / 1000;
    out->has_sample = d->allowed && !d->muted &&
                      sp_passive_sample(&out->sample, &d->base, tcp,
                                        d->fine ? d->plateau : NULL);
}

int sp_deliveries_logged(sp_deliveries_logged_t *out, sp_deliveries_t *d)
{
    apr_interval_time_t after = 0;
    sigset_t before;
    sp_tcp_t tcp;
    int going;

    lock(d, &before);
    d->requests--;
    going = d->going && !d->off && sp_tcp_read(&tcp, d->fd) == APR_SUCCESS;
    if (going) {
        sum_up(out, d, &tcp);
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
    return going;
}

void sp_deliveries_close(sp_deliveries_t *d)
{
    sigset_t before;
    sp_tcp_t tcp;

    if (d->watched) {
        sp_sampler_forget(sampler, &d->watch);
    }
    lock(d, &before);
    if (d->going && !d->off && sp_tcp_read(&tcp, d->fd) == APR_SUCCESS) {
        close_delivery(d, &tcp, apr_time_now());
    }
    d->off = 1;
    unlock(d, &before);
}

void sp_deliveries_observed(sp_observed_t *out, sp_deliveries_t *d)
{
    sigset_t before;

    lock(d, &before);
    *out = d->observed;
    unlock(d, &before);
}

/* ---- start ---- */

apr_status_t sp_deliveries_start(apr_pool_t *pchild)
{
    int threads = AP_MPMQ_NOT_SUPPORTED;
    apr_status_t rv;

    (void)ap_mpm_query(AP_MPMQ_IS_THREADED, &threads);
    signals_interrupt = threads == AP_MPMQ_NOT_SUPPORTED;
    rv = sp_sampler_make(&sampler, apr_time_now, sp_tcp_read, signals_interrupt,
                         pchild);
    if (rv != APR_SUCCESS) {
        sampler = NULL;
    }
    return rv;
}
