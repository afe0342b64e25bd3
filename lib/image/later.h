/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renditions that are made when their request has been answered already: one
 * thread in each of httpd's children works through a short list.
 */
#ifndef DI_LATER_H
#define DI_LATER_H

#include <apr_pools.h>

#include "image/obtain.h"

typedef struct di_later_t di_later_t;

/**
 * Start the thread.
 * @param places  most wishes that wait; what comes when the list is full is
 *                dropped and counted, the next request wishes it again
 * The thread ends with pchild, after the render that it is at.
 */
apr_status_t di_later_make(di_later_t **out, const di_world_t *world,
                           int places, apr_pool_t *pchild);

/**
 * Have a rendition made and kept.  Everything is copied; never waits.  A key
 * that waits already is not added twice.
 * @param wish  its key, original, limits, recipe and formats; urgency
 *              DI_URGENCY_STALE or DI_URGENCY_AHEAD
 * @return 1 when it is on the list
 */
int di_later_add(di_later_t *later, const di_wish_t *wish);

#endif
