/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a Cookie header say that the visitor has agreed?  Pure.
 *
 * The operator names a cookie, and may name a value with "*" in it for any
 * run of characters, because the cookies of consent managers hold lists:
 *
 *     cookies_ok
 *     CookieConsent=*statistics:true*
 */
#ifndef SP_CONSENT_H
#define SP_CONSENT_H

#include <apr_pools.h>

typedef struct {
    const char *name;    /* NULL: nobody is asked */
    const char *pattern; /* NULL: any value but an empty one */
} sp_consent_t;

/**
 * Read what the operator wrote: COOKIE or COOKIE=VALUE.
 * @param p  holds the parts and the error sentence
 * @return NULL, or the sentence
 */
const char *sp_consent_parse(sp_consent_t *out, const char *text,
                             apr_pool_t *p);

/**
 * Every cookie of that name must say yes, and one must be there: a second one
 * may have been set for another path or by a neighbour domain, and it is not
 * known which the visitor meant.
 * @param cookies  the Cookie header, or NULL
 */
int sp_consent_found(const sp_consent_t *consent, const char *cookies);

/* 1 for the value of Sec-GPC or DNT that objects: "1". */
int sp_consent_objects(const char *value);

#endif
