/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a Content-Security-Policy let our inline scripts run and report?  Pure.
 *
 * Stricter than browsers: what is not plainly allowed counts as forbidden, so
 * a page's policy is never violated and never reports because of us.
 */
#ifndef SP_POLICY_H
#define SP_POLICY_H

#include <apr_pools.h>

typedef struct {
    int forbidden;     /* 1: leave the page alone */
    const char *nonce; /* give the scripts this nonce; NULL: none */
} sp_policy_t;

/**
 * Take one header field into account; several fields must all agree, so call
 * it for each with the same *policy (zeroed before the first).
 * @param field  the field's value: one or more policies, comma separated
 * @param p      holds policy->nonce
 */
void sp_policy_add(sp_policy_t *policy, const char *field, apr_pool_t *p);

#endif
