/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several connections of one client share its line.  Then no single one of
 * them shows the rate, but all together do: bytes of all over the time in
 * which at least one was delivering.  Pure; one such struct lies in each row
 * of the client table.
 */
#ifndef SP_PARALLEL_H
#define SP_PARALLEL_H

#include <apr_time.h>

/* Connections that are followed at once; browsers open six to a host. */
#define SP_PARALLEL_MAX 8

/* One delivery; id 0: the place is free. */
typedef struct {
    apr_uint32_t id;    /* of the connection, never 0 */
    apr_uint32_t open;  /* 1: still delivering */
    apr_time_t begun_at;
    apr_time_t ended_at;  /* when open is 0 */
    apr_uint64_t bytes;   /* acknowledged in it */
    apr_uint32_t busy_ms; /* of the connection */
    apr_uint32_t reserved;
} sp_delivery_t;

typedef struct {
    sp_delivery_t delivery[SP_PARALLEL_MAX];
} sp_parallel_t;

#endif
