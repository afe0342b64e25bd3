/* SPDX-License-Identifier: Apache-2.0 */
/* SpeedProbeConsent and SpeedProbeHonor against the headers of a request. */
#include "directives/speedprobe_consent.h"

#include <string.h>

#include "apr_strings.h"

#include "directives/speedprobe_conf.h"
#include "speed/estimate.h"

static const sp_consent_t nobody = {NULL, NULL};

static const sp_consent_t *consent_of(const sp_conf_t *conf)
{
    return conf->consent ? conf->consent : &nobody;
}

static int objects(const request_rec *r, apr_int64_t honor)
{
    return ((honor & SP_HONOR_GPC) &&
            sp_consent_objects(apr_table_get(r->headers_in, "Sec-GPC"))) ||
           ((honor & SP_HONOR_DNT) &&
            sp_consent_objects(apr_table_get(r->headers_in, "DNT")));
}

int sp_consent_given(const request_rec *r)
{
    const sp_conf_t *conf = sp_conf_of(r);

    return !objects(r, SP_CONF(conf, honor)) &&
           sp_consent_found(consent_of(conf),
                            apr_table_get(r->headers_in, "Cookie"));
}

unsigned sp_consent_asked(const request_rec *r)
{
    const sp_conf_t *conf = sp_conf_of(r);
    apr_int64_t honor = SP_CONF(conf, honor);

    return (consent_of(conf)->name ? SP_ASKED_COOKIE : 0) |
           (honor & SP_HONOR_GPC ? SP_ASKED_GPC : 0) |
           (honor & SP_HONOR_DNT ? SP_ASKED_DNT : 0);
}

void sp_consent_vary(request_rec *r)
{
    const char *vary = sp_estimate_vary(sp_consent_asked(r), r->pool);

    if (vary) {
        apr_table_mergen(r->headers_out, "Vary", vary);
    }
}

/* As far as is known before there is an answer. */
static int may_be_page(const request_rec *r)
{
    const char *accept = apr_table_get(r->headers_in, "Accept");

    return r->content_type ? !strncasecmp(r->content_type, "text/html", 9)
                           : accept && strstr(accept, "text/html");
}

/*
 * A page with our scripts has a weak ETag; one without ETag cannot be told
 * from its date.  A strong ETag is that of the page as it is, and may be
 * confirmed.
 */
void sp_consent_forget_page(request_rec *r)
{
    const char *etag = apr_table_get(r->headers_in, "If-None-Match");

    if (r->main || !sp_consent_asked(r) || sp_consent_given(r) ||
        !may_be_page(r) || (etag && !strstr(etag, "W/") && strcmp(etag, "*"))) {
        return;
    }
    apr_table_unset(r->headers_in, "If-None-Match");
    apr_table_unset(r->headers_in, "If-Modified-Since");
}
