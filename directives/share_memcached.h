/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memcached as the cache of speed/share.h: the memcached level of the store
 * (store/store_memcached.h), with its breakers and its limits.
 */
#ifndef SP_SHARE_MEMCACHED_H
#define SP_SHARE_MEMCACHED_H

#include "base/log.h"
#include "speed/share.h"

/**
 * Make it, after fork.  Does not connect.
 * @param servers     words as di_memcached_server_check wants them; NULL ends
 * @param timeout_ms  of each wait for a server
 * @param p           lives longer than the share
 * @return as di_memcached_make
 */
apr_status_t sp_share_memcached_make(sp_share_cache_t *out,
                                     const char *const *servers,
                                     apr_uint32_t timeout_ms,
                                     const ds_log_t *log, apr_pool_t *p);

#endif
