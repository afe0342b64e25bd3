/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several connections of one client share its line.  Then no single one of
 * them shows the rate, but all together do: bytes of all over the time in
 * which at least one was delivering.  Pure; one such struct lies in each row
 * of the client table.
 *
 *     connection 1  [=======]      [====]
 *     connection 2     [========]              A lone delivery speaks for
 *     connection 3  [==========]               itself, a group together, when
 *                   |--group---|   |lone|      its last one has ended.
 */
#ifndef SP_PARALLEL_H
#define SP_PARALLEL_H

#include <apr_time.h>

#include "speed/sample.h"

/* Deliveries that are followed at once; browsers open six connections to a
   host. */
#define SP_PARALLEL_MAX 8

/* One that was not seen for so long never ends: its process died. */
#define SP_PARALLEL_STALE_FOR apr_time_from_sec(120)

/* One delivery, or several that have ended and overlapped; id 0: the place is
   free. */
typedef struct {
    apr_uint64_t id;       /* of no other delivery on this machine */
    apr_time_t begun_at;   /* first byte; while open: its request */
    apr_time_t ended_at;   /* last acknowledgement; while open: last seen */
    apr_uint64_t bytes;    /* acknowledged in it */
    apr_uint32_t rtt_ms;   /* least round trip of the connection */
    apr_uint16_t streams;  /* connections that it was */
    apr_byte_t open;       /* 1: still delivering */
    apr_byte_t incomplete; /* 1: some bytes beside it are not known */
} sp_delivery_t;

typedef struct {
    sp_delivery_t delivery[SP_PARALLEL_MAX];
} sp_parallel_t;

/* A delivery begins; each has an id of its own.  With all places taken, two
   that have ended and overlapped become one; where there are none, the oldest
   makes room, and whatever it overlapped is incomplete. */
void sp_parallel_begin(sp_parallel_t *all, apr_uint64_t id, apr_time_t now);

/* It goes on: call it now and then, well within SP_PARALLEL_STALE_FOR. */
void sp_parallel_seen(sp_parallel_t *all, apr_uint64_t id, apr_time_t now);

/**
 * A delivery has ended.
 * @param busy_for  time in which its bytes were on their way, before now
 * @return 1 when it was alone on the line as far as is known; else 0, and its
 *         rate is only a lower bound
 */
int sp_parallel_end(sp_parallel_t *all, apr_uint64_t id, apr_uint64_t bytes,
                    apr_uint32_t rtt_ms, apr_interval_time_t busy_for,
                    apr_time_t now);

/**
 * A delivery is not followed any more, but goes on: its connection was closed
 * with bytes on their way, or nobody may know of it.  Until then others are
 * not alone.
 * @param until  about when its last byte will have arrived
 */
void sp_parallel_leave(sp_parallel_t *all, apr_uint64_t id, apr_time_t until);

/**
 * What a whole group says, once; then it is forgotten.
 * @param id  a delivery that has ended and was not alone
 * @return 1 and *out; 0 while another one of the group is open, or when the
 *         group says nothing
 */
int sp_parallel_sample(sp_sample_t *out, sp_parallel_t *all, apr_uint64_t id,
                       apr_time_t now);

#endif
