/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passive measuring: what the kernel tells (TCP_INFO) of deliveries that
 * happen anyway, turned into samples of the client's rate.  No page is
 * changed, nothing is sent for it.
 */
#ifndef SP_DELIVERY_OUT_H
#define SP_DELIVERY_OUT_H

#include "httpd.h"

#include "speed/estimate.h"

/* Call once from the module's hooks. */
void sp_delivery_register(void);

/**
 * Sample this answer finely, whatever its size and whatever is known: for
 * answers that are sent to measure.  Call before the first byte is passed.
 */
void sp_delivery_watch(request_rec *r);

#endif
