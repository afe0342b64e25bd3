/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ETag of a page with scripts.  Pure.
 *
 *     "abc"  ->  W/"abc-sp1f3a09"
 *
 * The page as it is made and the page with scripts are two things, of which a
 * cache may hold either: their ETags do not match, however weakly.  The mark
 * names the way the scripts were put in, so that pages with other scripts
 * (another version, other settings) do not match either.
 */
#ifndef SP_PAGEMARK_H
#define SP_PAGEMARK_H

#include <apr_pools.h>

/* "-sp", six hex digits, the end. */
#define SP_PAGEMARK_ROOM 10

/* The mark of all that the scripts in a page depend on, as text. */
void sp_pagemark_make(char out[SP_PAGEMARK_ROOM], const char *how);

/**
 * The ETag with the mark, weak; one that has it keeps it.  What has not the
 * form of an ETag comes back as it is.
 */
const char *sp_pagemark_put(const char *etag, const char *mark, apr_pool_t *p);

/* If-None-Match with this mark taken from each ETag.  Over 1 KB, and without
   the mark, it is the same pointer. */
const char *sp_pagemark_take(const char *etags, const char *mark,
                             apr_pool_t *p);

#endif
