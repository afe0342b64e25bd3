/* SPDX-License-Identifier: Apache-2.0 */
/*
 * If-None-Match goes in marked, is unmarked for whoever makes the page, and
 * the ETag of the answer is marked again:
 *
 *     W/"abc-sp1f3a09"  ->  W/"abc"  ->  304 "abc"  ->  304 W/"abc-sp1f3a09"
 *
 * What was asked with is kept in a note of the first request, since internal
 * redirects may lead to a scope with other settings.
 */
#include "filters/pagetag.h"

#include "apr_strings.h"
#include "http_protocol.h"

#include "directives/speedprobe_conf.h"
#include "directives/speedprobe_consent.h"
#include "filters/eligible.h"
#include "speed/pagemark.h"
#include "speed/snippet.h"

static const char asked_note[] = "speedprobe-if-none-match";

static request_rec *first_of(request_rec *r)
{
    while (r->prev) {
        r = r->prev;
    }
    return r;
}

/* All that decides in this scope what a page gets, but its policy, which is
   not known before the page is. */
static const char *mark_of(const request_rec *r)
{
    const sp_conf_t *conf = sp_conf_of(r);
    char *mark = apr_palloc(r->pool, SP_PAGEMARK_ROOM);

    sp_pagemark_make(
        mark,
        apr_psprintf(r->pool,
                     "%d %d %d %" APR_INT64_T_FMT " %" APR_INT64_T_FMT " %s",
                     SP_SNIPPET_VERSION, (int)SP_CONF(conf, method),
                     (int)SP_CONF(conf, script), SP_CONF(conf, min_page_bytes),
                     SP_CONF(conf, padding_bytes), sp_conf_beacon(r->server)));
    return mark;
}

static const char *marked(const char *etag, const request_rec *r)
{
    return sp_pagemark_put(etag, mark_of(r), r->pool);
}

/* As far as the request tells. */
static int would_get_scripts(const request_rec *r)
{
    return sp_conf_injects(sp_conf_of(r)) && sp_eligible_asked_for(r) &&
           sp_consent_given(r);
}

void sp_pagetag_unmark(request_rec *r)
{
    request_rec *first = first_of(r);
    const char *asked = apr_table_get(first->notes, asked_note), *own;

    if (r->main) {
        return;
    }
    if (asked) {
        apr_table_setn(r->headers_in, "If-None-Match", asked);
    }
    asked = apr_table_get(r->headers_in, "If-None-Match");
    if (!asked || !would_get_scripts(r)) {
        return;
    }
    own = sp_pagemark_take(asked, mark_of(r), r->pool);
    if (own != asked) {
        apr_table_setn(first->notes, asked_note, asked);
        apr_table_setn(r->headers_in, "If-None-Match", own);
    }
}

void sp_pagetag_mark(request_rec *r)
{
    const char *etag = apr_table_get(r->headers_out, "ETag");

    if (etag) {
        apr_table_setn(r->headers_out, "ETag", marked(etag, r));
    }
    else if (sp_consent_asked(r)) {
        apr_table_unset(r->headers_out, "Last-Modified");
    }
}

void sp_pagetag_vary(request_rec *r)
{
    const sp_conf_t *conf = sp_conf_of(r);

    if (SP_CONF(conf, method) == SP_METHOD_PADDING ||
        SP_CONF(conf, min_page_bytes) > sp_conf_defaults.min_page_bytes) {
        apr_table_mergen(r->headers_out, "Vary", "Save-Data");
    }
}

/*
 * Does the client have the page with scripts?  It says so by the ETag; where
 * it asks by date alone, that is what it would get now.  A proxied 304 may
 * come without a type, but a client that has such an ETag has a page.
 */
static int has_scripts(request_rec *r, const char *etag)
{
    const char *asked = apr_table_get(first_of(r)->notes, asked_note);

    if (!asked) {
        return r->content_type &&
               !apr_table_get(r->headers_in, "If-None-Match") &&
               would_get_scripts(r);
    }
    return ap_find_etag_weak(r->pool, asked, marked(etag, r));
}

void sp_pagetag_confirm(request_rec *r)
{
    const char *etag = apr_table_get(r->headers_out, "ETag");

    if (r->status != HTTP_NOT_MODIFIED ||
        (r->content_type && !sp_eligible_is_html(r))) {
        return;
    }
    if (etag && has_scripts(r, etag)) {
        apr_table_setn(r->headers_out, "ETag", marked(etag, r));
        apr_table_unset(r->headers_out, "Accept-Ranges");
        sp_pagetag_vary(r);
    }
    sp_consent_vary(r);
}
