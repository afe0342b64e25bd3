/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memcached level, shared by all machines: libmemcached behind a circuit
 * breaker per server: a server that hangs is felt for one time-out, once for
 * all processes that share the breakers, and then left alone; while a breaker
 * is open, its keys cost no system call.
 */
#ifndef DI_STORE_MEMCACHED_H
#define DI_STORE_MEMCACHED_H

#include "base/log.h"
#include "store/breaker.h"
#include "store/lease.h"
#include "store/shareditem.h"
#include "store/store.h"

/* Most servers of one level. */
#define DI_MEMCACHED_SERVERS_MAX 64

/* Room for a token, with its final NUL. */
#define DI_MEMCACHED_TOKEN_ROOM 33

typedef struct {
    const char *const *servers; /* words as di_memcached_server_check wants
                                   them, the same on all machines; NULL ends */
    apr_uint32_t timeout_ms;    /* of connecting, and of each wait for the
                                   server within an operation */
    apr_size_t max_item_bytes;  /* larger records are not offered */
    apr_uint32_t ttl_s;         /* expiry of entries; 0 = memcached's own */
    apr_uint32_t rest_ms;       /* how long a failing server is left alone
                                   when probed is 0; 0 = 5000 */
    di_breaker_t *breakers;     /* a table of DI_BREAKERS, where servers are
                                   found by their words, shared by processes
                                   whatever their lists; NULL: this process's
                                   own */
    int probed;                 /* 1: somebody calls di_memcached_probe often,
                                   and no other operation is tried on a server
                                   that is left alone; 0: one is, after each
                                   rest */
    const char *token;          /* marks leases as held by those processes
                                   that exclude each other by one lease file,
                                   so that one left by a dead process is
                                   taken over; NULL: this process alone */
    const ds_log_t *log;        /* used from any thread */
} di_memcached_conf_t;

/**
 * Make a new token, to be given to all processes of one lease file.
 * @param out  DI_MEMCACHED_TOKEN_ROOM bytes
 * @return as apr_generate_random_bytes
 */
apr_status_t di_memcached_token(char *out);

/**
 * Is this the name of a server?  Legal: "host:port", "[v6 address]:port",
 * "/path/of/socket".  Give addresses where you can: a name is resolved at
 * each connect, and no time-out covers a resolver that hangs.  Pure.
 * @return NULL when fine, else an error sentence from p
 */
const char *di_memcached_server_check(const char *word, apr_pool_t *p);

/**
 * Make the level.  Call in each process after fork, never before.  Does not
 * connect: a server that is away is found by the operations, and used again
 * when it comes back.
 * @param out     the level
 * @param shared  set to the lease interface over the same servers
 * @param conf    copied, except its log
 * @param p       lives as long as the process
 * @return APR_SUCCESS; APR_EINVAL for a conf without servers, with too many,
 *         or with one that di_memcached_server_check refuses; APR_ENOMEM
 */
apr_status_t di_memcached_make(di_level_t **out, di_lease_shared_t **shared,
                               const di_memcached_conf_t *conf, apr_pool_t *p);

/**
 * Ask each server that is left alone whether it answers again, and use it again
 * if so.  Takes up to half a second, then leaves the others to the next call.
 * Any process that shares the breakers may do it for all.
 */
void di_memcached_probe(di_level_t *level);

/* Items over the same servers; lives as long as the level. */
di_shared_item_t *di_memcached_item(di_level_t *level);

#endif
