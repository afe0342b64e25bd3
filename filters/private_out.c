/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cache-Control: private for answers that were chosen for one client.
 *
 * Position: AP_FTYPE_CONTENT_SET, added in the handler phase.  httpd puts a
 * filter behind those of its type that are there already, so this one comes
 * behind mod_headers' (added in the insert_filter phase) and, by its lower
 * type, ahead of CACHE_SAVE (AP_FTYPE_CONTENT_SET + 1).
 */
#include "filters/private_out.h"

#include "util_filter.h"

#include "image/cachecontrol.h"

typedef struct {
    apr_uint32_t max_age_s;
    int passing;
    int by_cookie;
} private_ctx_t;

static const char filter_name[] = "DYNIMAGE_PRIVATE";

/* What the site says, from both header tables, which it is taken out of. */
static const char *take_site_value(request_rec *r)
{
    const char *site;

    if (apr_table_get(r->err_headers_out, "Cache-Control")) {
        r->headers_out =
            apr_table_overlay(r->pool, r->err_headers_out, r->headers_out);
        apr_table_clear(r->err_headers_out);
    }
    apr_table_compress(r->headers_out, APR_OVERLAP_TABLES_MERGE);
    site = apr_table_get(r->headers_out, "Cache-Control");
    apr_table_unset(r->headers_out, "Cache-Control");
    return site;
}

static apr_status_t private_out(ap_filter_t *f, apr_bucket_brigade *bb)
{
    private_ctx_t *ctx = f->ctx;
    request_rec *r = f->r;
    const char *site = take_site_value(r);

    apr_table_setn(
        r->headers_out, "Cache-Control",
        di_cachecontrol_private(site, ctx->max_age_s, ctx->passing, r->pool));
    apr_table_unset(r->headers_out, "Expires");
    if (ctx->by_cookie) {
        apr_table_mergen(r->headers_out, "Vary", "Cookie");
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

void di_private_out_register(void)
{
    ap_register_output_filter(filter_name, private_out, NULL,
                              AP_FTYPE_CONTENT_SET);
}

void di_private_out_add(request_rec *r, apr_uint32_t max_age_s, int passing,
                        int by_cookie)
{
    private_ctx_t *ctx = apr_pcalloc(r->pool, sizeof(*ctx));

    ctx->max_age_s = max_age_s;
    ctx->passing = passing;
    ctx->by_cookie = by_cookie;
    ap_add_output_filter(filter_name, ctx, r, r->connection);
}
