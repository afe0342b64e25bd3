/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server remembers of one client: the row of the client table.  All
 * zero is a client of which nothing is known.  Fixed size, no pointers: rows
 * lie in shared memory and, as they are, in the file of the table, so raise
 * SP_CLIENT_VERSION with every change.
 */
#ifndef SP_CLIENT_H
#define SP_CLIENT_H

#include <apr_time.h>

#include "speed/estimate.h"
#include "speed/parallel.h"

#define SP_CLIENT_VERSION 1

/* Beacons whose hash is remembered, to know a replay. */
#define SP_CLIENT_BEACONS 4

typedef struct {
    sp_state_t state;       /* of samples that the server itself took */
    sp_parallel_t parallel; /* deliveries of this moment */
    /* the page methods (handlers/beacon.c, handlers/probe.c) */
    apr_time_t paused_at; /* end of the last page whose origin paused */
    apr_time_t beacon_at; /* token bucket of beacons: full again then */
    apr_uint32_t beacon_hash[SP_CLIENT_BEACONS]; /* of the last ones */
    apr_uint32_t beacon_next;                    /* place of the next */
    apr_uint32_t probe_bytes; /* sent to it since probe_day_at */
    apr_uint32_t probe_ms;    /* spent on that */
    apr_time_t probe_day_at;  /* when the day of the budget began */
} sp_client_t;

#endif
