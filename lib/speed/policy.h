/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a Content-Security-Policy let our scripts run and report?  Pure.
 *
 * Stricter than browsers: what is not plainly allowed counts as forbidden, so
 * a page's policy is never violated and never reports because of us.
 */
#ifndef SP_POLICY_H
#define SP_POLICY_H

#include <apr_pools.h>

typedef struct {
    /* our origin as the page's request names it, set before the first call;
       NULL: only 'self' and "*" match it */
    const char *scheme; /* "http" or "https" */
    const char *host;   /* HOST or HOST:PORT, as in the Host header */
    /* the answer */
    int no_inline;     /* 1: no inline script */
    int no_external;   /* 1: no script from this site either */
    const char *nonce; /* give scripts of both kinds this nonce; NULL: none */
} sp_policy_t;

/**
 * Take one header field into account; several fields must all agree, so call
 * it for each with the same *policy (zero but for our origin before the first).
 * @param field  the field's value: one or more policies, comma separated
 * @param p      holds policy->nonce
 */
void sp_policy_add(sp_policy_t *policy, const char *field, apr_pool_t *p);

#endif
