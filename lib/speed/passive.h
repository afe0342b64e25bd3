/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One delivery as the server's kernel saw it -> a sample of the client's rate.
 * Pure.
 *
 * Two ways, of which the surer counts: the plateau of many looks during the
 * delivery (speed/plateau.h), and the transfer model backwards on what was
 * acknowledged in how much busy time between two looks (speed/transfer.h).
 * Busy time runs only while data is on its way, so neither the idle time of a
 * kept-alive connection nor a slow script counts; and acknowledged bytes are
 * what arrived, not what was written into a buffer.
 */
#ifndef SP_PASSIVE_H
#define SP_PASSIVE_H

#include "speed/plateau.h"
#include "speed/sample.h"
#include "speed/tcpinfo.h"

/* Standard deviation of a point of the two-look way, octaves. */
#define SP_PASSIVE_SPREAD 0.3

/* Fewer bytes tell nothing, not even a bound. */
#define SP_PASSIVE_BYTES 8192

/**
 * Sample from two looks: bytes acknowledged and busy time between them.
 * @param base  when the delivery began
 * @param last  when all of it had arrived, or the last look at it
 * @return 1 and *out, a point or a lower bound; 0 when they say nothing
 */
int sp_passive_between(sp_sample_t *out, const sp_tcp_t *base,
                       const sp_tcp_t *last);

/**
 * Sample from all that is known of a delivery.
 * @param plateau  NULL when nobody looked in between
 */
int sp_passive_sample(sp_sample_t *out, const sp_tcp_t *base,
                      const sp_tcp_t *last, const sp_plateau_t *plateau);

/**
 * The same from sums over several connections that shared the line.
 * @param bytes    acknowledged on all of them
 * @param ms       in which at least one was busy
 * @param streams  how many; each opens its own window
 */
int sp_passive_shared(sp_sample_t *out, double bytes, double ms, double rtt_ms,
                      int streams);

#endif
