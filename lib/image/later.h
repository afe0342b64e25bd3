/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done when a request has been answered already: one thread in each of
 * httpd's children works through a short list of renditions to make, and has
 * the store drop what has expired.
 */
#ifndef DI_LATER_H
#define DI_LATER_H

#include <apr_errno.h>
#include <apr_pools.h>

#include "image/obtain.h"

/* Most places of a list. */
#define DI_LATER_PLACES_MAX 1024

typedef struct di_later_t di_later_t;

/**
 * Make the list; its thread starts with the first wish.
 * @param world   must outlive pchild's cleanups
 * @param places  most wishes that wait, 1..DI_LATER_PLACES_MAX; one that comes
 *                when the list is full is dropped: the next request wishes
 *                it again
 * @param wait_ms  that a render may take: nobody waits for it, so this is
 *                 not what a client's request would wait
 * @param pchild  the thread ends with it, after the render that it is at
 * @return APR_SUCCESS or APR_ENOMEM
 */
apr_status_t di_later_make(di_later_t **out, const di_world_t *world,
                           int places, apr_uint32_t wait_ms,
                           apr_pool_t *pchild);

/**
 * Have a rendition made and kept.  Everything is copied; never waits; any
 * thread.  A key that waits already is not added twice.
 * @param wish  its others, slowness and mode do not count; it is made with the
 *              urgency DI_URGENCY_STALE, or its own if that is less urgent
 * @return 1 when it was put on the list, 2 when it was there already, else 0
 */
int di_later_add(di_later_t *later, const di_wish_t *wish);

/**
 * Ask the store for a key soon after a time, so that it drops an entry that has
 * expired by then.  As many may wait as places were given for wishes; more are
 * left to others.  Keys come in the order of their times.  Any thread.
 */
void di_later_forget(di_later_t *later, const di_key_t *key, apr_time_t at);

#endif
