/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passive measuring: what the kernel tells (TCP_INFO) of deliveries that
 * happen anyway, turned into samples of the client's rate.  No page is
 * changed, nothing is sent for it.
 */
#ifndef SP_DELIVERY_OUT_H
#define SP_DELIVERY_OUT_H

#include "httpd.h"

#include "speed/known.h"

/* Call once from the module's hooks. */
void sp_delivery_register(void);

/* In each child, from child_init. */
void sp_delivery_start_child(server_rec *s, apr_pool_t *pchild);

/**
 * A request has come: whatever was delivered on its connection before is
 * over.  Call it once for each main request, from post_read_request, when
 * the client's address is known.
 * @return 1 when sp_delivery_on_logged must be called for it
 */
int sp_delivery_on_request(request_rec *r);

/**
 * All of the answer was written, from log_transaction; ahead of those who
 * write the log.  Sets the notes speedprobe-acked (bytes of this delivery that
 * have arrived by now), speedprobe-busy-ms (time in which some were on their
 * way) and speedprobe-rate (kbit/s by these; ">=" before a lower bound; not
 * set when they say nothing).
 */
void sp_delivery_on_logged(request_rec *r);

/**
 * What deliveries have shown of the client of a request.
 * @param out  its members connection, row and network are set; all zero when
 *             nothing is known, or this client must not be followed
 */
void sp_delivery_known(sp_known_t *out, request_rec *r);

/* The client is not known well: deliveries of this request are worth many
   looks. */
void sp_delivery_wanted(request_rec *r);

/**
 * Sample this answer finely, whatever its size and whatever is known: for
 * answers that are sent to measure.  Call before the first byte is passed.
 */
void sp_delivery_watch(request_rec *r);

#endif
