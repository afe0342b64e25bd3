/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renditions that are made when their request has been answered already: one
 * thread in each of httpd's children works through a short list.
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
 * @param wish  its others and slowness do not count; it is made with the
 *              urgency DI_URGENCY_STALE
 * @return 1 when it is on the list
 */
int di_later_add(di_later_t *later, const di_wish_t *wish);

#endif
