/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memcached level, shared by all machines: libmemcached behind a circuit
 * breaker, so that a server which hangs is felt once and then left alone.
 */
#ifndef DI_STORE_MEMCACHED_H
#define DI_STORE_MEMCACHED_H

#include "base/log.h"
#include "store/lease.h"
#include "store/store.h"

typedef struct {
    const char *const *servers; /* "host:port" or a socket path; NULL ends */
    apr_uint32_t timeout_ms;    /* of one operation */
    apr_size_t max_item_bytes;  /* larger entries are not offered */
    apr_uint32_t ttl_s;         /* expiry of entries; 0 = memcached's own */
    const ds_log_t *log;
} di_memcached_conf_t;

/**
 * Make the level.  Call in each process after fork, never before.
 * @param out     the level
 * @param shared  set to the lease interface over the same servers
 * @param p       lives as long as the process
 */
apr_status_t di_memcached_make(di_level_t **out, di_lease_shared_t **shared,
                               const di_memcached_conf_t *conf, apr_pool_t *p);

#endif
