/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rate of a delivery from many looks at it while it goes on: the kernel's
 * delivery rates, once they stop growing and a queue stands before the line.
 * Pure.
 *
 *     rate |        . . : . : .      <- plateau: these count (75th percentile)
 *          |     . '
 *          |  . '                    <- still growing: only a lower bound
 *          +------------------ time
 *
 * Source of the rules: three rounds without 25 % of growth is how BBR knows a
 * full pipe (draft-ietf-ccwg-bbr 4.3.1.2); that a queue stands, and the 75th
 * percentile, are measured: 96 % of such estimates lay within 15 % of the
 * line, and no bound above 1.1 of it.
 */
#ifndef SP_PLATEAU_H
#define SP_PLATEAU_H

#include <apr_time.h>

#include "speed/sample.h"
#include "speed/tcpinfo.h"
#include "speed/train.h"

/* Looks that are remembered; more add nothing. */
#define SP_PLATEAU_MAX 256

/* Standard deviation of a point, octaves. */
#define SP_PLATEAU_SPREAD 0.12

typedef struct {
    sp_train_t train;         /* a bound from within the flights */
    sp_tcp_t base;            /* when the delivery began */
    apr_uint64_t acked_bytes; /* at the last look that counted */
    apr_time_t round_ends_at; /* a round takes one least round trip */
    double top_kbps;          /* greatest rate so far */
    double full_kbps;         /* top_kbps when it last grew by 25 % */
    int flat_rounds;          /* rounds since then */
    int is_full;              /* there were enough of them */
    int queued;               /* looks behind a queue, from the front of kbps */
    int others;               /* looks without one, from its end */
    float kbps[SP_PLATEAU_MAX];
} sp_plateau_t;

void sp_plateau_init(sp_plateau_t *plateau, const sp_tcp_t *base,
                     apr_time_t now);

/* One look; before and now as for sp_train_feed. */
void sp_plateau_feed(sp_plateau_t *plateau, const sp_tcp_t *tcp,
                     apr_time_t before, apr_time_t now);

/* Looks that counted. */
int sp_plateau_looks(const sp_plateau_t *plateau);

/* More looks change nothing: memory is used up. */
int sp_plateau_is_done(const sp_plateau_t *plateau);

/* 0 when there were enough looks to see a queue, and none stood. */
int sp_plateau_saw_queue(const sp_plateau_t *plateau);

/**
 * What the looks say so far.
 * @return 1 and *out, a point or a lower bound; 0 when they say nothing
 */
int sp_plateau_sample(sp_sample_t *out, const sp_plateau_t *plateau);

#endif
