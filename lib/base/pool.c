/* SPDX-License-Identifier: Apache-2.0 */
/* An allocator that its pool owns: they end together. */
#include "base/pool.h"

#include <apr_allocator.h>

apr_status_t ds_pool_make_own(apr_pool_t **out, apr_pool_t *parent)
{
    apr_allocator_t *allocator;
    apr_status_t rv = apr_allocator_create(&allocator);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = apr_pool_create_ex(out, parent, NULL, allocator);
    if (rv != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return rv;
    }
    apr_allocator_owner_set(allocator, *out);
    return APR_SUCCESS;
}
