/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output filter that keeps an answer chosen for one client out of shared
 * caches.  It runs behind mod_headers and mod_expires, which may have called
 * the answer public, and ahead of mod_cache's save filter; it looks at
 * headers only, once, and then leaves the chain.
 */
#ifndef DI_PRIVATE_OUT_H
#define DI_PRIVATE_OUT_H

#include "httpd.h"

/* Register the filter; once, from register_hooks. */
void di_private_out_register(void);

/**
 * Mark this answer.
 * @param max_age_s  lifetime in the client's own cache when the site gives
 *                   none, s
 * @param passing    1: the client must ask again before each use
 * @param vary       request headers that the choice followed; NULL: none
 */
void di_private_out_add(request_rec *r, apr_uint32_t max_age_s, int passing,
                        const char *vary);

#endif
