/* SPDX-License-Identifier: Apache-2.0 */
/* Stretches between looks; the idea is in the header. */
#include "speed/train.h"

#include <math.h>
#include <string.h>

/* A stretch: long against bunches of packets, short against a round trip of
   those lines for which it is made. */
#define STRETCH_US 40000
#define STRETCH_MAX_US 200000

/* Fewer bytes are too few packets to tell a spacing by. */
#define STRETCH_BYTES 32768

/* The steepest flight of all may be a bunch: it counts for a little less, and
   not for more than slow start can grow by in a round trip. */
#define TOP_SHARE 0.9
#define TOP_GROWTH 2

/* Of so many flights some may be bunches; the third counts. */
#define MANY_ROUNDS 6
#define BEST 3

/* Bunching moves packets by about the path's jitter, at both ends. */
#define JITTERS 3

void sp_train_init(sp_train_t *train)
{
    memset(train, 0, sizeof(*train));
}

static void end_round(sp_train_t *train)
{
    double kbps = train->round_kbps;
    int i;

    train->rounds += kbps > 0;
    train->round_kbps = 0;
    for (i = 0; i < BEST; i++) {
        double other = train->best_kbps[i];
        if (kbps > other) {
            train->best_kbps[i] = kbps;
            kbps = other;
        }
    }
}

/* @return kbit/s from one look to now; 0 when it tells nothing */
static double stretch(const sp_train_look_t *from, const sp_tcp_t *tcp,
                      apr_time_t now)
{
    apr_interval_time_t span = now - from->read_at;
    apr_uint64_t bytes = tcp->acked_bytes - from->acked_bytes;

    if (span < STRETCH_US || span > STRETCH_MAX_US || bytes < STRETCH_BYTES ||
        from->lost != tcp->resent_segments) {
        return 0;
    }
    return (double)bytes * 8000 /
           (double)(span + JITTERS * (apr_int64_t)tcp->rtt_deviation_us);
}

void sp_train_feed(sp_train_t *train, const sp_tcp_t *tcp, apr_time_t before,
                   apr_time_t now)
{
    sp_train_look_t *next = &train->look[train->looks % SP_TRAIN_LOOKS];
    int known = train->looks < SP_TRAIN_LOOKS ? train->looks : SP_TRAIN_LOOKS,
        i;

    if (now >= train->round_ends_at) {
        end_round(train);
        train->round_ends_at = now + tcp->min_rtt_us;
    }
    if (tcp->ca_state != 0) {
        /* A hole that is mended acknowledges all behind it at once. */
        train->looks = 0;
        return;
    }
    for (i = 0; i < known; i++) {
        double kbps = stretch(&train->look[i], tcp, now);
        if (kbps > train->round_kbps) {
            train->round_kbps = kbps;
        }
    }
    next->read_at = before;
    next->acked_bytes = tcp->acked_bytes;
    next->lost = tcp->resent_segments;
    train->looks++;
}

double sp_train_kbps(const sp_train_t *train)
{
    sp_train_t ended = *train;

    end_round(&ended);
    if (ended.rounds >= MANY_ROUNDS) {
        return ended.best_kbps[BEST - 1];
    }
    return fmax(ended.best_kbps[1], fmin(TOP_SHARE * ended.best_kbps[0],
                                         TOP_GROWTH * ended.best_kbps[1]));
}
