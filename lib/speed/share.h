/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client rows that several machines share through a cache on the network.
 *
 *     any thread            sp_share_want, sp_share_publish: note and return
 *     one thread a process  fetches, merges into the table, stores
 *
 * Nobody waits for the network: what is wanted is in the table some
 * milliseconds later, or never.  Notes are bounded; what has no room, or comes
 * too often, is forgotten.  The cache is not trusted: see speed/sharedrow.h.
 */
#ifndef SP_SHARE_H
#define SP_SHARE_H

#include "base/log.h"
#include "speed/clientkey.h"
#include "speed/estimate.h"
#include "speed/table.h"

typedef struct sp_share_t sp_share_t; /* per process; made after fork */

/* The cache; called by the one thread only. */
typedef struct {
    void *self;
    /**
     * @param out   room for *len bytes
     * @param len   set to what was found
     * @return APR_SUCCESS; APR_NOTFOUND; another status when it is out of
     *         order, after a bounded time
     */
    apr_status_t (*get)(void *self, unsigned char *out, apr_size_t *len,
                        const sp_clientkey_t *client, apr_time_t now);
    apr_status_t (*put)(void *self, const sp_clientkey_t *client,
                        const unsigned char *bytes, apr_size_t len,
                        apr_time_t now);
} sp_share_cache_t;

/* A client is fetched and stored once in so long, by one process. */
#define SP_SHARE_WANT_FOR apr_time_from_sec(60)
#define SP_SHARE_PUBLISH_FOR apr_time_from_sec(5)

/**
 * @param cache    copied
 * @param clients  rows: sp_client_t
 * @param key      of the table; signs what is stored
 * @param log      used from any thread; NULL: none
 * @param p        the thread is told to stop, and waited for, before p is gone
 */
sp_share_t *sp_share_make(const sp_share_cache_t *cache, sp_table_t *clients,
                          const ds_seal_key_t *key, const ds_log_t *log,
                          apr_pool_t *p);

/**
 * Whatever other machines know of this client shall come into the table.
 * @param share  NULL: nothing happens
 */
void sp_share_want(sp_share_t *share, const sp_clientkey_t *client);

/* Other machines shall know this of the client: merged with what they do. */
void sp_share_publish(sp_share_t *share, const sp_clientkey_t *client,
                      const sp_state_t *state);

#endif
