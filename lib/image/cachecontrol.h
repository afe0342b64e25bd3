/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cache-Control of an answer that was chosen for one client: whatever the
 * site says about it, no shared cache may hand it to another client.  And of a
 * request for what was purged.
 */
#ifndef DI_CACHECONTROL_H
#define DI_CACHECONTROL_H

#include <apr_pools.h>

/**
 * @param site       the site's own Cache-Control, lists joined; NULL or "":
 *                   none
 * @param max_age_s  lifetime in the client's own cache when the site names
 *                   none, s
 * @param passing    1: the client itself must ask again before each use
 * @return the value to send, from p: "private", the site's directives less
 *         public, s-maxage, proxy-revalidate and must-understand, and a
 *         lifetime.  "no-store" of the site stays.
 * Source: RFC 9111 5.2.2
 */
const char *di_cachecontrol_private(const char *site, apr_uint32_t max_age_s,
                                    int passing, apr_pool_t *p);

/* 1 when a list holds the directive no-transform (RFC 9111 5.2.1.6). */
int di_cachecontrol_forbids_transform(const char *value);

/**
 * A request shall be answered with nothing that is older than so many seconds.
 * @param asked  the client's own Cache-Control, lists joined; NULL or "": none
 * @return the value to ask with, from p: without the client's max-age, where
 *         that is greater, and max-stale; NULL when what the client asks for
 *         is at least as strict
 * Source: RFC 9111 5.2.1
 */
const char *di_cachecontrol_limit_age(const char *asked, apr_int64_t age_s,
                                      apr_pool_t *p);

#endif
