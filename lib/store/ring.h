/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring that tells which server has a key, so that all machines with the
 * same list agree, and a server more or less moves only its own share
 * (consistent hashing, known as ketama).
 *
 *     0 ...... A3 ... B7 ..... A1 .. C2 ...... 2^64 - 1, then 0 again
 *                   ^key: the server of the next point, B
 *
 * Pure but for the pool that it lives in.
 */
#ifndef DI_RING_H
#define DI_RING_H

#include <apr_errno.h>
#include <apr_pools.h>

/* Points of a server.  More make shares more even; with 160 they differ by a
   tenth.  Source: ketama's own count */
#define DI_RING_POINTS 160

typedef struct di_ring_t di_ring_t;

/**
 * @param words  names of servers, the same on all machines; their order does
 *               not matter.  A name that is there twice counts once
 * @param count  above 0
 * @return APR_SUCCESS, or as ds_digest_sha256
 */
apr_status_t di_ring_make(di_ring_t **out, const char *const *words, int count,
                          apr_pool_t *p);

/**
 * @param hash  8 bytes that are evenly spread
 * @return the place of the server in words
 */
int di_ring_find(const di_ring_t *ring, const unsigned char *hash);

#endif
