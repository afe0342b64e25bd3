/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the scripts go in files that have been scanned before: the places
 * never change while the file does not.  Bounded, for any number of threads
 * of one process, without a lock to wait for.
 */
#ifndef SP_PLACECACHE_H
#define SP_PLACECACHE_H

#include <apr.h>
#include <apr_pools.h>
#include <apr_time.h>

#include "speed/htmlscan.h"

/* Files remembered at most. */
#define SP_PLACECACHE_SLOTS 1024

/* A file changed so lately may change again under the same times: those of
   some file systems have steps of two seconds (FAT), or of one. */
#define SP_PLACECACHE_SETTLED_US apr_time_from_sec(2)

/* All that the places depend on. */
typedef struct {
    apr_uint64_t device, inode;
    apr_uint64_t size;       /* bytes */
    apr_time_t mtime, ctime; /* us; ctime tells a restored mtime */
    int charset_declared;    /* see sp_htmlscan_init */
} sp_placecache_key_t;

typedef struct sp_placecache_t sp_placecache_t;

/* Empty, in pool p; about 64 KB. */
sp_placecache_t *sp_placecache_create(apr_pool_t *p);

/**
 * @param now  us; no later than the times in key were read
 * @return 1 when the file has kept still for long enough that its times tell
 *         any later change
 */
int sp_placecache_is_settled(const sp_placecache_key_t *key, apr_time_t now);

/* @return 1 and the places, or 0 when the file is not known */
int sp_placecache_get(sp_htmlscan_places_t *out, sp_placecache_t *cache,
                      const sp_placecache_key_t *key);

/**
 * Remember the result of a scan of the whole file, in the stead of another
 * file maybe.  Does nothing when another thread is writing the same slot, or
 * when the scan is not over.
 */
void sp_placecache_put(sp_placecache_t *cache, const sp_placecache_key_t *key,
                       const sp_htmlscan_places_t *places);

#endif
