/* SPDX-License-Identifier: Apache-2.0 */
/* Which answers are pages that may carry scripts. */
#ifndef SP_ELIGIBLE_H
#define SP_ELIGIBLE_H

#include "httpd.h"

#include "speed/policy.h"

/* Why an answer is left alone; sp_eligible_name has the words. */
typedef enum {
    SP_ELIGIBLE,
    SP_INELIGIBLE_METHOD,       /* neither GET nor HEAD */
    SP_INELIGIBLE_STATUS,       /* not 200 */
    SP_INELIGIBLE_RANGE,        /* a part was asked for */
    SP_INELIGIBLE_TYPE,         /* not text/html */
    SP_INELIGIBLE_CHARSET,      /* bytes of markup may be something else */
    SP_INELIGIBLE_ENCODED,      /* compressed by somebody before us */
    SP_INELIGIBLE_ATTACHMENT,   /* to be saved, not shown */
    SP_INELIGIBLE_NO_TRANSFORM, /* Cache-Control forbids changes */
    SP_INELIGIBLE_NOT_SHOWN,    /* fetched by a script, or not as a page */
    SP_INELIGIBLE_POLICY,       /* the Content-Security-Policy forbids */
    SP_INELIGIBLE_PROXY,        /* a forward proxy's traffic */
    SP_INELIGIBLE_CONSENT       /* the visitor has not agreed */
} sp_eligible_e;

const char *sp_eligible_name(sp_eligible_e reason);

/* The counter of what is left alone, SP_COUNT_PAGE_*. */
int sp_eligible_counter(sp_eligible_e reason);

/**
 * Decide by the headers, when the handler has set them all.  Where consent is
 * asked for, Vary is set on pages that depend on it.
 * @param policy  set to what the page's policies allow
 */
sp_eligible_e sp_eligible(sp_policy_t *policy, request_rec *r);

/* As far as the request tells: could its answer be such a page? */
int sp_eligible_asked_for(const request_rec *r);

/* Is it text/html, as far as is known? */
int sp_eligible_is_html(const request_rec *r);

/* Does the content type that will be sent name the charset? */
int sp_eligible_has_charset(request_rec *r);

#endif
