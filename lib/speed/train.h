/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast did acknowledgements come while they came?  Far away, slow start
 * sends for a part of each round trip only, so rates over whole round trips
 * stay far below the line; within a flight, the spacing of what arrives is
 * already that of the line.  Pure.
 *
 *     acknowledged |              ____      a look every few ms; the steepest
 *                  |     __      /          stretch of 40 ms or more, made
 *                  |  __/  \____/           longer by what the path jitters,
 *                  +----------------- time  is a lower bound of the rate
 *
 * Never more than a bound: packets that somebody on the way has bunched look
 * faster than the line.  So a stretch is long against bunches, no loss may lie
 * in it, and two round trips must say nearly the same, of many three.  Source:
 * packet-train dispersion (Dovrolis, Ramanathan, Moore, "What do packet
 * dispersion techniques measure?", 2001).
 */
#ifndef SP_TRAIN_H
#define SP_TRAIN_H

#include <apr_time.h>

#include "speed/tcpinfo.h"

/* Looks that a stretch may lie between. */
#define SP_TRAIN_LOOKS 8

typedef struct {
    apr_time_t read_at; /* not later than the reading */
    apr_uint64_t acked_bytes;
    apr_uint32_t lost; /* segments sent again so far */
} sp_train_look_t;

typedef struct {
    sp_train_look_t look[SP_TRAIN_LOOKS]; /* a ring, the last ones */
    int looks;                            /* ever; the next goes to looks % n */
    apr_time_t round_ends_at;
    double round_kbps;   /* steepest stretch of this round trip */
    int rounds;          /* others that had one */
    double best_kbps[3]; /* the steepest of them, falling */
} sp_train_t;

void sp_train_init(sp_train_t *train);

/**
 * One look.
 * @param before, now  clock before and after the reading: a thread may be held
 *                     up between the two, and stretches are taken as long as
 *                     they may have been
 */
void sp_train_feed(sp_train_t *train, const sp_tcp_t *tcp, apr_time_t before,
                   apr_time_t now);

/* The lower bound, kbit/s; 0: none. */
double sp_train_kbps(const sp_train_t *train);

#endif
