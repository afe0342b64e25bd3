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

#include "apr_strings.h"

#include "util_filter.h"

#include "image/cachecontrol.h"

typedef struct {
    apr_uint32_t max_age_s;
    int passing;
    const char *vary; /* NULL: nothing to add */
} private_ctx_t;

static const char filter_name[] = "DYNIMAGE_PRIVATE";

typedef struct {
    const char *text; /* NULL: nothing yet */
    apr_pool_t *p;
} site_value_t;

static int add_value(void *baton, const char *name, const char *value)
{
    site_value_t *site = baton;

    site->text = site->text
                     ? apr_pstrcat(site->p, site->text, ", ", value, NULL)
                     : value;
    return 1;
}

/* What the site says, from both header tables, which it is taken out of.
   Other headers may be there several times, and must stay so: Set-Cookie. */
static const char *take_site_value(request_rec *r)
{
    site_value_t site = {NULL, r->pool};

    apr_table_do(add_value, &site, r->err_headers_out, "Cache-Control", NULL);
    apr_table_do(add_value, &site, r->headers_out, "Cache-Control", NULL);
    apr_table_unset(r->err_headers_out, "Cache-Control");
    apr_table_unset(r->err_headers_out, "Expires");
    apr_table_unset(r->headers_out, "Cache-Control");
    apr_table_unset(r->headers_out, "Expires");
    return site.text;
}

static apr_status_t private_out(ap_filter_t *f, apr_bucket_brigade *bb)
{
    private_ctx_t *ctx = f->ctx;
    request_rec *r = f->r;
    const char *site = take_site_value(r);

    apr_table_setn(
        r->headers_out, "Cache-Control",
        di_cachecontrol_private(site, ctx->max_age_s, ctx->passing, r->pool));
    if (ctx->vary) {
        apr_table_mergen(r->headers_out, "Vary", ctx->vary);
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
                        const char *vary)
{
    private_ctx_t *ctx = apr_pcalloc(r->pool, sizeof(*ctx));

    ctx->max_age_s = max_age_s;
    ctx->passing = passing;
    ctx->vary = vary;
    ap_add_output_filter(filter_name, ctx, r, r->connection);
}
