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
