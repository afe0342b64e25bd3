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
 * one above all that it knows) and passed on as they are: machines that have
 * the same stamps make the same keys.  Maps are merged by taking the greater
 * stamp of each place, so the order in which news arrive does not matter.
 *
 * In memory that all processes share and that outlives them.  Bounded: when it
 * is full, sites have their places folded into one stamp for the whole site,
 * those with most places first, until an eighth is free (more is purged than
 * was asked for, never less, and never another site's).
 *
 *     place   hash of (site, path), 108 bits | hash of site, 108 bits | stamp
 *
 * Readers and writers take no lock: a process that is stopped or killed at any
 * instruction holds nobody up.  With an empty map a look-up is one load; with
 * none for the site, the hash of its name.
 */
#ifndef DI_PURGES_H
#define DI_PURGES_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_time.h>

/* Most places of the map. */
#define DI_PURGES_MAX 4096

/* Folders deeper than so many levels are purged with the one at this level. */
#define DI_PURGES_DEPTH_MAX 64

/* A stamp further ahead of the clock is refused when maps are merged: it would
   make all later purges of that URL void. */
#define DI_PURGES_AHEAD_FOR apr_time_from_sec(86400)

/* Most bytes of an exported map. */
#define DI_PURGES_EXPORT_MAX (16 + 40 * (2 * DI_PURGES_MAX + 1))

typedef struct di_purges_t di_purges_t;

/* Bytes of memory; the same for every configuration. */
apr_size_t di_purges_bytes(void);

/* Take memory into use; keeps what this version left in it. */
di_purges_t *di_purges_init(void *mem);

/**
 * The newest stamp that covers a URL; 0: none.
 * @param purges  NULL: none
 * @param site    host name, lower case, without port; names are compared as
 *                they are
 * @param path    decoded path, from "/"; no query
 */
apr_uint64_t di_purges_stamp(const di_purges_t *purges, const char *site,
                             const char *path);

/**
 * Purge.  In force, for all processes of this machine, when it returns.
 * @param stamp  out: the stamp that was made
 * @param site   NULL: all sites, and path does not count
 * @param path   "/": the site; ending in '/': all below; else that one URL
 * @return APR_SUCCESS; APR_EINVAL for a path that does not begin with '/';
 *         APR_ENOSPC when so many sites have been purged that no folding
 *         makes room: nothing was purged; APR_EGENERAL when there is no hash;
 *         APR_ENOMEM
 */
apr_status_t di_purges_add(apr_uint64_t *stamp, di_purges_t *purges,
                           const char *site, const char *path, apr_time_t now);

/* 0: nothing was ever purged.  Rises by every change: who has seen it need not
   look again.  NULL: 0. */
apr_uint64_t di_purges_version(const di_purges_t *purges);

/**
 * The whole map as bytes, for memcached, HTTP and other machines; the .c draws
 * it.  The same stamps make the same bytes.
 */
void di_purges_export(const char **out, apr_size_t *bytes,
                      const di_purges_t *purges, apr_pool_t *p);

/**
 * Merge what another machine exported.
 * @param news   out: places of ours that this changed
 * @param theirs out: places in which ours is newer: they should have our map
 * @return APR_SUCCESS; APR_EINVAL for bytes that are no map: nothing changed;
 *         APR_ENOSPC, APR_ENOMEM: not all of it found room
 */
apr_status_t di_purges_merge(int *news, int *theirs, di_purges_t *purges,
                             const char *data, apr_size_t bytes,
                             apr_time_t now);

#endif
