/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plateau gate; its idea and sources are in the header.
 *
 * A look counts when something new was acknowledged and the flight was not
 * short of data.  Rates before MIN_BYTES are left out: the first flight may
 * have gone through an idle token bucket at once.
 */
#include "speed/plateau.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Acknowledged before a rate is believed. */
#define MIN_BYTES 16384

/* BBR's full-pipe rule. */
#define GROWTH 1.25
#define FLAT_ROUNDS 3

/* Looks behind a queue that make a point. */
#define QUEUED_LOOKS 2

/* Looks that would have seen one. */
#define ENOUGH_LOOKS 8

/* A bound that much above a point contradicts it; see sample.c. */
#define CONTRADICTION 1.3

/* A queue stands: the round trip is that much above the least one. */
#define QUEUE_FACTOR 1.2
#define QUEUE_US 1000

void sp_plateau_init(sp_plateau_t *plateau, const sp_tcp_t *base,
                     apr_time_t now)
{
    memset(plateau, 0, offsetof(sp_plateau_t, kbps));
    sp_train_init(&plateau->train);
    plateau->base = *base;
    plateau->acked_bytes = base->acked_bytes;
    plateau->round_ends_at = now + base->min_rtt_us;
}

static int has_queue(const sp_tcp_t *tcp)
{
    return tcp->min_rtt_us > 0 &&
           tcp->srtt_us > QUEUE_FACTOR * tcp->min_rtt_us + QUEUE_US;
}

static void end_round(sp_plateau_t *plateau, const sp_tcp_t *tcp,
                      apr_time_t now)
{
    if (plateau->top_kbps < GROWTH * plateau->full_kbps) {
        plateau->is_full |= ++plateau->flat_rounds >= FLAT_ROUNDS;
    }
    else {
        plateau->full_kbps = plateau->top_kbps;
        plateau->flat_rounds = 0;
    }
    plateau->round_ends_at = now + tcp->min_rtt_us;
}

static int counts(const sp_plateau_t *plateau, const sp_tcp_t *tcp)
{
    return tcp->acked_bytes > plateau->acked_bytes && !tcp->app_limited &&
           tcp->rate_kbps > 0 &&
           tcp->acked_bytes - plateau->base.acked_bytes >= MIN_BYTES;
}

void sp_plateau_feed(sp_plateau_t *plateau, const sp_tcp_t *tcp,
                     apr_time_t before, apr_time_t now)
{
    if (tcp->acked_bytes - plateau->base.acked_bytes >= MIN_BYTES) {
        sp_train_feed(&plateau->train, tcp, before, now);
    }
    if (!counts(plateau, tcp) || sp_plateau_is_done(plateau)) {
        return;
    }
    plateau->acked_bytes = tcp->acked_bytes;
    if (tcp->rate_kbps > plateau->top_kbps) {
        plateau->top_kbps = tcp->rate_kbps;
    }
    if (has_queue(tcp)) {
        plateau->kbps[plateau->queued++] = (float)tcp->rate_kbps;
    }
    else {
        plateau->others++;
        plateau->kbps[SP_PLATEAU_MAX - plateau->others] = (float)tcp->rate_kbps;
    }
    if (now >= plateau->round_ends_at) {
        end_round(plateau, tcp, now);
    }
}

int sp_plateau_looks(const sp_plateau_t *plateau)
{
    return plateau->queued + plateau->others;
}

int sp_plateau_is_done(const sp_plateau_t *plateau)
{
    return sp_plateau_looks(plateau) >= SP_PLATEAU_MAX;
}

int sp_plateau_saw_queue(const sp_plateau_t *plateau)
{
    return sp_plateau_looks(plateau) < ENOUGH_LOOKS ||
           plateau->queued >= QUEUED_LOOKS;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* The 75th percentile of the looks behind a queue. */
static double upper_quartile(const sp_plateau_t *plateau)
{
    float sorted[SP_PLATEAU_MAX];
    int count = plateau->queued;

    memcpy(sorted, plateau->kbps, (size_t)count * sizeof(*sorted));
    qsort(sorted, (size_t)count, sizeof(*sorted), by_value);
    return sorted[(3 * (count - 1) + 2) / 4];
}

/* The rate that one look in ten was above: acknowledgements that a jittery
   line lets through in a bunch make single rates too high.  Seen: 1.2 of a line
   with 10 ms of jitter. */
static double upper_tenth(const sp_plateau_t *plateau)
{
    float sorted[SP_PLATEAU_MAX];
    int count = sp_plateau_looks(plateau);

    memcpy(sorted, plateau->kbps, (size_t)plateau->queued * sizeof(*sorted));
    memcpy(sorted + plateau->queued,
           plateau->kbps + SP_PLATEAU_MAX - plateau->others,
           (size_t)plateau->others * sizeof(*sorted));
    qsort(sorted, (size_t)count, sizeof(*sorted), by_value);
    return sorted[count - 1 - count / 10];
}

static double bound_of(const sp_plateau_t *plateau)
{
    return fmax(sp_plateau_looks(plateau) > 0 ? upper_tenth(plateau) : 0,
                sp_train_kbps(&plateau->train));
}

/* A plateau that TCP itself made, by growing too carefully on a lossy or
   jittery path: single flights went faster than that. */
static int is_tcps_own(const sp_plateau_t *plateau)
{
    return sp_train_kbps(&plateau->train) >
           CONTRADICTION * upper_quartile(plateau);
}

int sp_plateau_sample(sp_sample_t *out, const sp_plateau_t *plateau)
{
    out->lower_bound = !plateau->is_full || plateau->queued < QUEUED_LOOKS ||
                       is_tcps_own(plateau);
    out->rate_kbps =
        out->lower_bound ? bound_of(plateau) : upper_quartile(plateau);
    if (out->rate_kbps < 1) {
        return 0;
    }
    out->spread = SP_PLATEAU_SPREAD;
    out->rtt_ms = 0;
    return 1;
}
