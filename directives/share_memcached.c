/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between speed/share.h and the store's memcached level.  The store's key text
 * of a client is
 *
 *     speedprobe client <32 hex digits of its key>
 *
 * Called by the share's thread alone, so one pool serves all operations; it has
 * an allocator of its own, as others use their pools meanwhile.
 */
#include "directives/share_memcached.h"

#include <string.h>

#include "apr_strings.h"

#include "base/pool.h"
#include "speed/sharedrow.h"
#include "store/store_memcached.h"

/* Longest record: far more than one takes. */
#define ITEM_BYTES 4096

typedef struct {
    di_level_t *level;
    apr_pool_t *scratch; /* of one operation */
} cache_t;

static apr_status_t key_of(di_key_t *out, cache_t *cache,
                           const sp_clientkey_t *client)
{
    static const char digits[] = "0123456789abcdef";
    char hex[2 * SP_CLIENTKEY_BYTES + 1] = "";
    int i;

    for (i = 0; i < SP_CLIENTKEY_BYTES; i++) {
        hex[2 * i] = digits[client->bytes[i] >> 4];
        hex[2 * i + 1] = digits[client->bytes[i] & 15];
    }
    return di_key_make(
        out, apr_pstrcat(cache->scratch, "speedprobe client ", hex, NULL));
}

static apr_status_t copy(unsigned char *out, apr_size_t *len,
                         const di_body_t *body)
{
    if (!body->data || body->bytes > *len) {
        return APR_EGENERAL;
    }
    memcpy(out, body->data, body->bytes);
    *len = body->bytes;
    return APR_SUCCESS;
}

static apr_status_t get(void *self, unsigned char *out, apr_size_t *len,
                        const sp_clientkey_t *client, apr_time_t now)
{
    cache_t *cache = self;
    di_entry_t entry;
    di_key_t key;
    apr_status_t rv = key_of(&key, cache, client);

    if (rv == APR_SUCCESS) {
        rv = cache->level->get(cache->level, &entry, &key, now, cache->scratch);
    }
    if (rv == APR_SUCCESS) {
        rv = copy(out, len, &entry.body);
    }
    apr_pool_clear(cache->scratch);
    return rv;
}

static apr_status_t put(void *self, const sp_clientkey_t *client,
                        const unsigned char *bytes, apr_size_t len,
                        apr_time_t now)
{
    const di_record_t record = {
        .made_at = now,
        .expires_at = now + apr_time_from_sec(SP_SHAREDROW_AGE_S)};
    const di_body_t body = {.data = (const char *)bytes, .bytes = len};
    cache_t *cache = self;
    di_key_t key;
    apr_status_t rv = key_of(&key, cache, client);

    if (rv == APR_SUCCESS) {
        rv = cache->level->put(cache->level, &key, &record, &body, now,
                               cache->scratch);
    }
    apr_pool_clear(cache->scratch);
    return rv;
}

apr_status_t sp_share_memcached_make(sp_share_cache_t *out,
                                     const char *const *servers,
                                     apr_uint32_t timeout_ms,
                                     const ds_log_t *log, apr_pool_t *p)
{
    const di_memcached_conf_t conf = {.servers = servers,
                                      .timeout_ms = timeout_ms,
                                      .max_item_bytes = ITEM_BYTES,
                                      .ttl_s = SP_SHAREDROW_AGE_S,
                                      .log = log};
    cache_t *cache = apr_pcalloc(p, sizeof(*cache));
    di_lease_shared_t *leases;
    apr_status_t rv = ds_pool_make_own(&cache->scratch, p);

    if (rv == APR_SUCCESS) {
        rv = di_memcached_make(&cache->level, &leases, &conf, p);
    }
    out->self = cache;
    out->get = get;
    out->put = put;
    return rv;
}
