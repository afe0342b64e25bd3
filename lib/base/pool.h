/* SPDX-License-Identifier: Apache-2.0 */
/* Pools that a thread may use on its own. */
#ifndef DS_POOL_H
#define DS_POOL_H

#include <apr_errno.h>
#include <apr_pools.h>

/**
 * Make a pool with an allocator of its own, so that whoever holds one lock of
 * the caller's may use it, whatever the parent's threads do meanwhile.
 * @param out     ends with the parent
 * @param parent  must not be in use elsewhere during this call
 * @return APR_SUCCESS or APR_ENOMEM
 */
apr_status_t ds_pool_make_own(apr_pool_t **out, apr_pool_t *parent);

#endif
