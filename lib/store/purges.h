/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The purge map: which URLs were purged, and when.  A purge is a stamp for one
 * URL, for all below a folder, for a site or for all sites; the newest stamp
 * that covers a URL becomes part of its renditions' keys (image/variant.h), so
 * that a purge takes effect on every level at once, costs no scan, and does not
 * depend on how much is stored.  What was stored under the old keys is never
 * asked for again and goes first when its customer's quota is full.
 *
 * Stamps are made by the machine that is told of the purge (us since 1970, each
 * one above all that it knows) and passed on as they are: machines that have the
 * same stamps make the same keys.  Maps are merged by taking the greater stamp
 * of each place, so the order in which news arrive does not matter.
 *
 * In memory that all processes share and that outlives them.  Bounded: when it
 * is full the site with most places has them folded into one stamp for the
 * whole site (more is purged than was asked for, never less, and never another
 * site's).
 *
 *     place   hash of (site, path), 128 bits, site apart | stamp
 *
 * Readers take no lock; with an empty map, or none for the site, a look-up is a
 * load or two.
 */
#ifndef DI_PURGES_H
#define DI_PURGES_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_time.h>

/* Most places of the map. */
#define DI_PURGES_MAX 4096

/* A stamp further ahead of the clock is refused when maps are merged: it would
   make all later purges of that URL void. */
#define DI_PURGES_AHEAD_FOR apr_time_from_sec(86400)

typedef struct di_purges_t di_purges_t;

/* Bytes of memory; the same for every configuration. */
apr_size_t di_purges_bytes(void);

/* Take memory into use; keeps what this version left in it. */
di_purges_t *di_purges_init(void *mem);

/**
 * The newest stamp that covers a URL; 0: none.
 * @param site  host name, lower case, without port; names are compared as they
 *              are
 * @param path  decoded path, from "/"; no query
 */
apr_uint64_t di_purges_stamp(const di_purges_t *purges, const char *site,
                             const char *path);

/**
 * Purge.
 * @param stamp  out: the stamp that was made
 * @param site   NULL: all sites, and path does not count
 * @param path   "/": the site; ending in '/': all below; else that one URL
 * @return APR_SUCCESS; APR_EINVAL for a path that does not begin with '/'
 */
apr_status_t di_purges_add(apr_uint64_t *stamp, di_purges_t *purges,
                           const char *site, const char *path, apr_time_t now);

/* Rises by every change: who has seen it need not look again. */
apr_uint64_t di_purges_version(const di_purges_t *purges);

/**
 * The whole map as bytes, for memcached, HTTP and other machines; the .c draws
 * it (magic, version, count, CRC).
 */
void di_purges_export(const char **out, apr_size_t *bytes,
                      const di_purges_t *purges, apr_pool_t *p);

/**
 * Merge what another machine exported.
 * @param news   out: places of ours that this changed
 * @param theirs out: places in which ours is newer: they should have our map
 * @return APR_SUCCESS; APR_EINVAL for bytes that are no map: nothing changed
 */
apr_status_t di_purges_merge(int *news, int *theirs, di_purges_t *purges,
                             const char *data, apr_size_t bytes,
                             apr_time_t now);

#endif
