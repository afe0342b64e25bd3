/* SPDX-License-Identifier: Apache-2.0 */
/* The text is made for each request: it is short, and caches keep it. */
#include "handlers/script.h"

#include <string.h>

#include "apr_lib.h"
#include "apr_strings.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"
#include "util_md5.h"

#include "directives/speedprobe_conf.h"
#include "speed/snippet.h"

int sp_script_answer(request_rec *r)
{
    sp_text_t text;
    int status;

    if (r->method_number != M_GET) {
        ap_allow_standard_methods(r, REPLACE_ALLOW, M_GET, -1);
        return HTTP_METHOD_NOT_ALLOWED;
    }
    text = sp_snippet_file(sp_conf_beacon(r->server), r->pool);
    ap_set_content_type(r, "text/javascript; charset=utf-8");
    apr_table_setn(
        r->headers_out, "Cache-Control",
        apr_psprintf(r->pool, "public, max-age=%d", SP_SCRIPT_AGE_S));
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    /* Names the text and guards nothing, so MD5 will do. */
    apr_table_setn(
        r->headers_out, "ETag",
        apr_pstrcat(r->pool, "\"",
                    ap_md5_binary(r->pool, (const unsigned char *)text.text,
                                  (int)text.len),
                    "\"", NULL));
    status = ap_meets_conditions(r);
    if (status != OK) {
        r->status = status;
        return status;
    }
    ap_set_content_length(r, (apr_off_t)text.len);
    ap_rwrite(text.text, (int)text.len, r);
    return OK;
}
