/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lease: the right to render one rendition now.  One holder over all
 * threads, processes and (with memcached) machines.
 *
 * Two parts, taken in this order:
 *   local   an open-file-description lock (F_OFD_SETLK) on one byte of one
 *           lease file, at an offset made of the key's hash.  The kernel
 *           drops it when its holder dies, however it dies: there is no stale
 *           lock, no clean-up and no process-shared mutex.
 *   shared  memcached "add" with an expiry, when a memcached level exists.  A
 *           memcached that does not answer counts as "nobody else has it".
 *
 * Leases save work, they do not guard anything: with memcached in trouble two
 * machines may render the same picture, and both results are the same bytes.
 */
#ifndef DI_LEASE_H
#define DI_LEASE_H

#include "base/log.h"
#include "store/store.h"

typedef struct di_leases_t di_leases_t; /* per process; made after fork */
typedef struct di_lease_t di_lease_t;

/* The shared part, given by store_memcached.c.  Any thread may call it. */
typedef struct {
    void *self;
    /**
     * Called by the holder of the local part only.
     * @return APR_SUCCESS: taken, release gives it back; APR_EBUSY: another
     *         machine has it; another status: memcached is out of order, and
     *         the lease counts as taken but there is nothing to release
     */
    apr_status_t (*take)(void *self, const di_key_t *key, apr_uint32_t ttl_s);
    void (*release)(void *self, const di_key_t *key);
} di_lease_shared_t;

/**
 * @param file    path of the lease file, made with mode 0600 at the first
 *                take; must be on a local file system
 * @param ttl_s   expiry of the shared part, s: longer than any render
 * @param shared  NULL: this machine only
 * @param log     NULL: none; used from any thread
 * @return APR_SUCCESS.  The file is not looked at here
 */
apr_status_t di_leases_make(di_leases_t **out, const char *file,
                            apr_uint32_t ttl_s, const di_lease_shared_t *shared,
                            const ds_log_t *log, apr_pool_t *p);

/**
 * Take the lease of a key without waiting, except for memcached's time-out.
 * @param key  only its hash is used; nothing of it is kept
 * @param p    the lease is released with this pool at the latest
 * @return APR_SUCCESS; APR_EBUSY when somebody holds it; another status when
 *         leases are out of order (the caller renders without one).  *out is
 *         set on APR_SUCCESS only
 */
apr_status_t di_lease_take(di_lease_t **out, di_leases_t *leases,
                           const di_key_t *key, apr_pool_t *p);

/* Give it back; NULL is fine, and so is a second call while p lives. */
void di_lease_release(di_lease_t *lease);

typedef struct di_want_t di_want_t;

/**
 * Say, on this machine, that one waits for a lease that somebody else holds: a
 * holder who would not keep what it makes then keeps it for a moment.
 * @param p  the want ends with this pool at the latest
 * @return NULL when it cannot be said
 */
di_want_t *di_lease_want(di_leases_t *leases, const di_key_t *key,
                         apr_pool_t *p);

/* Wait no longer; NULL is fine, and so is a second call while p lives. */
void di_lease_unwant(di_want_t *want);

/* Does somebody on this machine say so of this lease?  NULL lease: 0. */
int di_lease_is_wanted(const di_lease_t *lease);

#endif
