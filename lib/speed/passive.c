/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When is a delivery's time the line's, and not slow start's, the client's or
 * our own?  A point must have filled the line (bytes >= 3 round trips of it),
 * and what the line itself took must stand out from the round trips of a slow
 * start that grows no faster than it must: for longer than the kernel's coarse
 * clock and a busy machine blur, and than a round trip or two that a loss
 * costs.  Everything else that was long enough is a bound: the line is not
 * slower than that.
 *
 * Source: deliveries over lines of known rate; see docs/benchmarks.md.
 */
#include "speed/passive.h"

#include <math.h>

#include "base/units.h"
#include "speed/transfer.h"

/* The clock of busy time ticks in 4 ms (CONFIG_HZ=250): 60 ms are known to
   7 %. */
#define POINT_MS 60
#define TICK_MS 4

#define POINT_ROUND_TRIPS 3

/* What the line took, beside the round trips of slow start: at least so much
   of the whole, and so many round trips. */
#define LINE_SHARE 0.2
#define LINE_ROUND_TRIPS 2
#define SLOW_GROWTH 1.5

/* Share of the busy time that client or server may have held it up. */
#define LIMITED_SHARE 0.2

/* An idle token bucket lets some bytes through at once; see sample.c. */
#define BURST_BYTES 4096

/* With a large window left from before, or a fresh one: the answers must
   agree that well, for nobody knows which of the two it was. */
#define WINDOW_AGREEMENT 1.25

/* A bound that much above a point contradicts it; see sample.c. */
#define CONTRADICTION 1.3

/* Recovery from loss makes rates less sure, octaves. */
#define LOSS_SPREAD 0.1

/* Bytes, time and round trip of one delivery or several. */
typedef struct {
    double bytes, ms, rtt_ms;
    double window_bytes;
} transfer_t;

static int in_range(double rate_kbps)
{
    return rate_kbps >= 1 && rate_kbps <= DS_RATE_MAX_KBPS;
}

static int bound_of(sp_sample_t *out, const transfer_t *t)
{
    out->lower_bound = 1;
    out->spread = SP_PASSIVE_SPREAD;
    out->rtt_ms = (apr_uint32_t)ceil(t->rtt_ms);
    out->rate_kbps = (t->bytes - BURST_BYTES) * 8 / (t->ms + TICK_MS);
    return in_range(out->rate_kbps);
}

/* Did the line itself take long enough to be told from slow start? */
static int stands_out(const transfer_t *t, double window_bytes)
{
    double slow_start_ms =
        t->rtt_ms * sp_transfer_rounds(t->bytes, window_bytes, SLOW_GROWTH);
    double line_ms = t->ms - slow_start_ms;

    return line_ms >= POINT_MS && line_ms >= LINE_SHARE * t->ms &&
           line_ms >= LINE_ROUND_TRIPS * t->rtt_ms;
}

/* @return the rate, or 0 where the time says little about it */
static double point_of(const transfer_t *t, double window_bytes)
{
    double rate_kbps;

    if (t->rtt_ms <= 0 || !stands_out(t, window_bytes)) {
        return 0;
    }
    rate_kbps = sp_transfer_rate_kbps(t->bytes, t->ms, t->rtt_ms, window_bytes);
    return in_range(rate_kbps) &&
                   t->bytes * 8 >= POINT_ROUND_TRIPS * rate_kbps * t->rtt_ms
               ? rate_kbps
               : 0;
}

static int sample_of(sp_sample_t *out, const transfer_t *t)
{
    double fresh_kbps, rate_kbps;

    if (t->bytes < SP_PASSIVE_BYTES || t->ms <= 0) {
        return 0;
    }
    fresh_kbps = point_of(t, SP_TRANSFER_WINDOW_BYTES);
    rate_kbps = point_of(t, t->window_bytes);
    if (rate_kbps == 0 || fresh_kbps == 0 ||
        fresh_kbps > WINDOW_AGREEMENT * rate_kbps) {
        return bound_of(out, t);
    }
    out->lower_bound = 0;
    out->spread = SP_PASSIVE_SPREAD;
    out->rtt_ms = (apr_uint32_t)ceil(t->rtt_ms);
    out->rate_kbps = rate_kbps;
    return 1;
}

/* The client's window or our buffer held it up for too long. */
static int is_limited(const sp_tcp_t *base, const sp_tcp_t *last)
{
    double limit_us = LIMITED_SHARE * (double)(last->busy_us - base->busy_us);

    return (double)(last->rwnd_limited_us - base->rwnd_limited_us) > limit_us ||
           (double)(last->sndbuf_limited_us - base->sndbuf_limited_us) >
               limit_us;
}

static transfer_t transfer_of(const sp_tcp_t *base, const sp_tcp_t *last)
{
    transfer_t t = {.bytes = (double)(last->acked_bytes - base->acked_bytes),
                    .ms = (double)(last->busy_us - base->busy_us) / 1000,
                    .rtt_ms = (double)last->min_rtt_us / 1000,
                    .window_bytes =
                        fmax(base->window_bytes, SP_TRANSFER_WINDOW_BYTES)};

    return t;
}

int sp_passive_between(sp_sample_t *out, const sp_tcp_t *base,
                       const sp_tcp_t *last)
{
    transfer_t t = transfer_of(base, last);

    if (last->acked_bytes < base->acked_bytes ||
        last->busy_us < base->busy_us || !sample_of(out, &t)) {
        return 0;
    }
    if (is_limited(base, last)) {
        return bound_of(out, &t);
    }
    out->spread += last->ca_state >= SP_TCP_RECOVERY ? LOSS_SPREAD : 0;
    return 1;
}

static const sp_sample_t *higher(const sp_sample_t *a, const sp_sample_t *b)
{
    return a->rate_kbps >= b->rate_kbps ? a : b;
}

/* Both tell of one delivery; at most one of them is a point that counts.  A
   line that is full has a queue before it: where many looks saw none, the
   time was lost on something else. */
static void choose(sp_sample_t *out, const sp_sample_t *looks,
                   const sp_sample_t *between, int saw_queue)
{
    if (!looks->lower_bound) {
        *out = *looks;
    }
    else if (between->lower_bound || !saw_queue ||
             looks->rate_kbps > CONTRADICTION * between->rate_kbps) {
        *out = *higher(looks, between);
        out->lower_bound = 1;
    }
    else {
        *out = *between;
    }
}

int sp_passive_sample(sp_sample_t *out, const sp_tcp_t *base,
                      const sp_tcp_t *last, const sp_plateau_t *plateau)
{
    sp_sample_t looks, between;
    int has_between = sp_passive_between(&between, base, last);

    if (!plateau || !sp_plateau_sample(&looks, plateau)) {
        if (has_between) {
            *out = between;
        }
        return has_between;
    }
    looks.rtt_ms = (last->min_rtt_us + 999) / 1000;
    looks.spread += last->ca_state >= SP_TCP_RECOVERY ? LOSS_SPREAD : 0;
    looks.lower_bound |= is_limited(base, last);
    *out = looks;
    if (has_between) {
        choose(out, &looks, &between, sp_plateau_saw_queue(plateau));
    }
    return 1;
}

int sp_passive_shared(sp_sample_t *out, double bytes, double ms, double rtt_ms,
                      int streams)
{
    transfer_t t = {.bytes = bytes,
                    .ms = ms,
                    .rtt_ms = rtt_ms,
                    .window_bytes = streams * SP_TRANSFER_WINDOW_BYTES};

    return sample_of(out, &t);
}
