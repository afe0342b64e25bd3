/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which purge covers a request (store/purges.h): for the keys of renditions,
 * and for mod_cache, whose copy of an original must not outlive the purge.
 *
 * A URL is that of the visitor's request line as well as the one that httpd
 * made of it (mod_rewrite, DirectoryIndex): who purges names either.
 */
#ifndef DI_PURGED_H
#define DI_PURGED_H

#include "directives/dynimage_start.h"

/* The name of a site in the map: its ServerName in lower case; from p. */
const char *di_purged_site(const server_rec *s, apr_pool_t *p);

/**
 * A URL's path as the map has it: decoded, with each "//", "/./" and "/../"
 * resolved, without the query; from p.
 * @param url  "/path?query" or "http://host/path?query"
 * @return NULL when it has no path that begins with '/'
 */
const char *di_purged_path(const char *url, apr_pool_t *p);

/* The newest stamp that covers a request; 0: none. */
apr_uint64_t di_purged(request_rec *r);

/* Call once from the module's hooks: limits the age of mod_cache's copies.
   @param parts  of this process, static */
void di_purged_register(const di_parts_t *parts);

#endif
