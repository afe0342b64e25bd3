/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deliveries of one connection, measured one after the other: the record
 * behind filters/delivery_out.c, which alone uses it.
 *
 *     sp_deliveries_request   a request has come: the next delivery begins
 *     sp_deliveries_bytes     so much of its answer has gone by
 *     sp_deliveries_logged    all of it was written
 *     sp_deliveries_close     the connection is about to be closed
 *
 * Every function may be called from any thread.
 */
#ifndef SP_DELIVERIES_H
#define SP_DELIVERIES_H

#include "httpd.h"

#include "speed/clientkey.h"
#include "speed/known.h"

/* From here on a delivery shares the line noticeably. */
#define SP_DELIVERIES_BYTES 8192

/* From here on looks within it show more than its ends. */
#define SP_DELIVERIES_FINE_BYTES 32768

typedef struct sp_deliveries_t sp_deliveries_t;

/* Whose they are. */
typedef struct {
    sp_clientkey_t client;  /* key of the far end's address */
    sp_clientkey_t network; /* of its network */
    sp_clientkey_t voice;   /* in that network */
} sp_deliveries_keys_t;

/* What had arrived when an answer was logged. */
typedef struct {
    apr_uint64_t acked_bytes; /* since the delivery began */
    apr_uint64_t busy_ms;     /* time in which some was on its way */
    int has_sample;
    sp_sample_t sample; /* by these */
} sp_deliveries_logged_t;

/**
 * In each child, before any connection.
 * @return APR_SUCCESS, or why there is no sampler: then large deliveries are
 *         measured less well
 */
apr_status_t sp_deliveries_start(apr_pool_t *pchild);

/* The record of a connection, in its pool; by the connection's own thread.
   @return NULL when there is none to be had */
sp_deliveries_t *sp_deliveries_make(conn_rec *c, int fd);

/* Nothing is measured here: a proxy, no TCP_INFO, no key, or closed. */
int sp_deliveries_are_off(const sp_deliveries_t *d);

/* Valid once a request has come. */
const sp_deliveries_keys_t *sp_deliveries_keys(const sp_deliveries_t *d);

/**
 * A request has come.
 * @param proxied  1: from somebody who is not the client; measuring ends
 * @return 1 when sp_deliveries_logged must be called for it
 */
int sp_deliveries_request(sp_deliveries_t *d, const request_rec *r,
                          int proxied);

/* The client is not known well: this delivery is worth many looks. */
void sp_deliveries_want(sp_deliveries_t *d);

/**
 * Bytes of an answer that may be measured have gone by.
 * @param bytes  of this answer so far, SP_DELIVERIES_BYTES or more
 * @param asked  1: worth many looks in any case
 */
void sp_deliveries_bytes(sp_deliveries_t *d, apr_off_t bytes, int asked);

/* An answer that must not be measured is part of this delivery. */
void sp_deliveries_mute(sp_deliveries_t *d);

/* What other machines know of the client shall come into the table; once. */
void sp_deliveries_ask_others(sp_deliveries_t *d);

/* All of an answer was written.  @return 1 and *out; 0 when nothing is going */
int sp_deliveries_logged(sp_deliveries_logged_t *out, sp_deliveries_t *d);

void sp_deliveries_close(sp_deliveries_t *d);

/* What they have shown so far. */
void sp_deliveries_observed(sp_observed_t *out, sp_deliveries_t *d);

#endif
