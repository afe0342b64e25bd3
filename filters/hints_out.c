/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at the headers of an answer once, and leaves the chain.
 *
 * Over plain HTTP browsers do not listen.  The header is the same for all who
 * get it, so cached pages stay valid.
 */
#include "filters/hints_out.h"

#include <string.h>

#include "http_protocol.h"
#include "util_filter.h"

#include "directives/speedprobe_conf.h"
#include "directives/speedprobe_consent.h"
#include "filters/eligible.h"

static const char filter_name[] = "SPEEDPROBE_HINTS";

static apr_status_t hints_out(ap_filter_t *f, apr_bucket_brigade *bb)
{
    request_rec *r = f->r;

    if (r->status == HTTP_OK && sp_eligible_is_html(r)) {
        sp_consent_vary(r);
        if (sp_consent_given(r)) {
            apr_table_mergen(r->headers_out, "Accept-CH", "Downlink, RTT, ECT");
        }
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

void sp_hints_register(void)
{
    ap_register_output_filter(filter_name, hints_out, NULL, AP_FTYPE_RESOURCE);
}

void sp_hints_insert(request_rec *r)
{
    if (!strcmp(ap_http_scheme(r), "https")) {
        ap_add_output_filter(filter_name, NULL, r, r->connection);
    }
}
