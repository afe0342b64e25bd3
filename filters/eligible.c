/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From headers alone, of the request and of the answer: is this a page that
 * may carry scripts?  Headers that mod_headers will set later count as well.
 */
#include "filters/eligible.h"

#include <string.h>

#include "apr_buckets.h"
#include "apr_strings.h"
#include "http_core.h"
#include "http_protocol.h"
#include "util_filter.h"

#include "directives/speedprobe_consent.h"
#include "directives/speedprobe_tally.h"

/* ---- as it is ---- */

static const char *answer_header(const request_rec *r, const char *name)
{
    const char *value = apr_table_get(r->headers_out, name);

    return value ? value : apr_table_get(r->err_headers_out, name);
}

/* All lines of a header that may have several, of both tables; NULL: none. */
static const char *answer_list(const request_rec *r, const char *name)
{
    const char *set = apr_table_getm(r->pool, r->headers_out, name);
    const char *always = apr_table_getm(r->pool, r->err_headers_out, name);

    return set && always ? apr_pstrcat(r->pool, set, ", ", always, NULL)
                         : (set ? set : always);
}

/* A word in a comma-separated header. */
static int has_token(const request_rec *r, const char *header, const char *word)
{
    return ap_find_token(r->pool, answer_list(r, header), word);
}

/* What follows "charset=" in the content type, AddDefaultCharset included, or
   NULL. */
static const char *charset_of(request_rec *r)
{
    const char *type = ap_make_content_type(r, r->content_type);
    const char *at = ap_strcasestr(type, "charset=");

    if (!at) {
        return NULL;
    }
    at += strlen("charset=");
    return at + strspn(at, "\"' ");
}

/* Charsets in which a byte of ASCII markup may be a part of something else.*/
static int is_unsafe_charset(const char *charset)
{
    static const char *const unsafe[] = {
        "utf-16",   "utf16",     "utf-32", "utf32",       "utf-7",
        "utf7",     "iso-10646", "ucs-2",  "ucs-4",       "unicode",
        "iso-2022", "csiso2022", "hz",     "replacement", NULL};
    int i;

    for (i = 0; charset && unsafe[i]; i++) {
        if (!strncasecmp(charset, unsafe[i], strlen(unsafe[i]))) {
            return 1;
        }
    }
    return 0;
}

int sp_eligible_is_html(const request_rec *r)
{
    const char *type = r->content_type;
    apr_size_t len = type ? strcspn(type, "; \t") : 0;

    return len == strlen("text/html") && !strncasecmp(type, "text/html", len);
}

/* Asked for by a script, or for anything but a page of its own.  In frames our
   script would keep still, and a sandboxed frame complains of every script. */
static int is_not_shown(const request_rec *r)
{
    const char *dest = apr_table_get(r->headers_in, "Sec-Fetch-Dest");

    return apr_table_get(r->headers_in, "X-Requested-With") ||
           (dest && strcasecmp(dest, "document"));
}

static int is_encoded(const request_rec *r)
{
    const char *encoding = answer_list(r, "Content-Encoding");

    return (encoding && strcasecmp(encoding, "identity")) ||
           (r->content_encoding && strcasecmp(r->content_encoding, "identity"));
}

static int is_attachment(const request_rec *r)
{
    const char *disposition = answer_header(r, "Content-Disposition");

    return disposition && strncasecmp(disposition, "inline", 6);
}

int sp_eligible_asked_for(const request_rec *r)
{
    return r->proxyreq != PROXYREQ_PROXY && r->method_number == M_GET &&
           !apr_table_get(r->headers_in, "Range") && !is_not_shown(r);
}

static sp_eligible_e as_it_is(request_rec *r)
{
    if (r->proxyreq == PROXYREQ_PROXY) {
        return SP_INELIGIBLE_PROXY;
    }
    if (r->method_number != M_GET) {
        return SP_INELIGIBLE_METHOD;
    }
    if (r->status != HTTP_OK) {
        return SP_INELIGIBLE_STATUS;
    }
    if (!sp_eligible_is_html(r)) {
        return SP_INELIGIBLE_TYPE;
    }
    if (apr_table_get(r->headers_in, "Range") ||
        answer_header(r, "Content-Range")) {
        return SP_INELIGIBLE_RANGE;
    }
    if (is_unsafe_charset(charset_of(r))) {
        return SP_INELIGIBLE_CHARSET;
    }
    if (is_encoded(r)) {
        return SP_INELIGIBLE_ENCODED;
    }
    if (is_attachment(r)) {
        return SP_INELIGIBLE_ATTACHMENT;
    }
    if (has_token(r, "Cache-Control", "no-transform")) {
        return SP_INELIGIBLE_NO_TRANSFORM;
    }
    return is_not_shown(r) ? SP_INELIGIBLE_NOT_SHOWN : SP_ELIGIBLE;
}

const char *sp_eligible_name(sp_eligible_e reason)
{
    static const char *const names[] = {
        [SP_ELIGIBLE] = "eligible",
        [SP_INELIGIBLE_METHOD] = "method",
        [SP_INELIGIBLE_STATUS] = "status",
        [SP_INELIGIBLE_RANGE] = "range",
        [SP_INELIGIBLE_TYPE] = "type",
        [SP_INELIGIBLE_CHARSET] = "charset",
        [SP_INELIGIBLE_ENCODED] = "encoded",
        [SP_INELIGIBLE_ATTACHMENT] = "attachment",
        [SP_INELIGIBLE_NO_TRANSFORM] = "no-transform",
        [SP_INELIGIBLE_NOT_SHOWN] = "not-shown",
        [SP_INELIGIBLE_POLICY] = "policy",
        [SP_INELIGIBLE_PROXY] = "proxy",
        [SP_INELIGIBLE_CONSENT] = "consent"};

    return names[reason];
}

int sp_eligible_counter(sp_eligible_e reason)
{
    static const int counters[] = {
        [SP_ELIGIBLE] = SP_COUNT_NONE,
        [SP_INELIGIBLE_METHOD] = SP_COUNT_PAGE_METHOD,
        [SP_INELIGIBLE_STATUS] = SP_COUNT_PAGE_STATUS,
        [SP_INELIGIBLE_RANGE] = SP_COUNT_PAGE_RANGE,
        [SP_INELIGIBLE_TYPE] = SP_COUNT_PAGE_TYPE,
        [SP_INELIGIBLE_CHARSET] = SP_COUNT_PAGE_CHARSET,
        [SP_INELIGIBLE_ENCODED] = SP_COUNT_PAGE_ENCODED,
        [SP_INELIGIBLE_ATTACHMENT] = SP_COUNT_PAGE_ATTACHMENT,
        [SP_INELIGIBLE_NO_TRANSFORM] = SP_COUNT_PAGE_NO_TRANSFORM,
        [SP_INELIGIBLE_NOT_SHOWN] = SP_COUNT_PAGE_NOT_SHOWN,
        [SP_INELIGIBLE_POLICY] = SP_COUNT_PAGE_POLICY,
        [SP_INELIGIBLE_PROXY] = SP_COUNT_PAGE_PROXY,
        [SP_INELIGIBLE_CONSENT] = SP_COUNT_PAGE_CONSENT};

    return counters[reason];
}

/* ---- what mod_headers will say ---- */

static apr_status_t swallow(ap_filter_t *f, apr_bucket_brigade *bb)
{
    return APR_SUCCESS;
}

/*
 * The request with the headers that mod_headers is going to set.
 *
 * Most policies are set by "Header set", and mod_headers does that in a filter
 * of its own that comes after us, behind the compression.  So that filter is
 * run once on a copy of the request, with nothing behind it, to learn what it
 * will say; the request itself keeps its headers and its chain.
 * @return r itself when mod_headers has nothing to say
 */
static request_rec *as_it_will_be(request_rec *r)
{
    static ap_filter_rec_t sink_rec = {.name = "speedprobe_sink",
                                       .filter_func.out_func = swallow,
                                       .ftype = AP_FTYPE_NETWORK};
    ap_filter_t *f = r->output_filters, *fixup, *sink;
    request_rec *copy;

    while (f && strcasecmp(f->frec->name, "FIXUP_HEADERS_OUT")) {
        f = f->next;
    }
    if (!f) {
        return r;
    }
    copy = apr_pmemdup(r->pool, r, sizeof(*r));
    copy->headers_out = apr_table_copy(r->pool, r->headers_out);
    copy->err_headers_out = apr_table_copy(r->pool, r->err_headers_out);
    copy->notes = apr_table_copy(r->pool, r->notes);
    copy->subprocess_env = apr_table_copy(r->pool, r->subprocess_env);
    sink = apr_pcalloc(r->pool, sizeof(*sink));
    sink->frec = &sink_rec;
    sink->r = copy;
    sink->c = r->connection;
    fixup = apr_pmemdup(r->pool, f, sizeof(*f));
    fixup->r = copy;
    fixup->next = sink;
    copy->output_filters = fixup;
    (void)fixup->frec->filter_func.out_func(
        fixup, apr_brigade_create(r->pool, r->connection->bucket_alloc));
    return copy;
}

typedef struct {
    sp_policy_t policy;
    apr_pool_t *p;
} policy_baton_t;

static int add_policy(void *baton, const char *name, const char *value)
{
    policy_baton_t *b = baton;

    sp_policy_add(&b->policy, value, b->p);
    return 1;
}

/* A report-only policy must not gain reports, so it counts as well. */
static sp_policy_t policy_of(request_rec *r)
{
    static const char *const headers[] = {
        "Content-Security-Policy", "Content-Security-Policy-Report-Only"};
    policy_baton_t baton = {
        .policy = {.scheme = ap_http_scheme(r),
                   .host = apr_table_get(r->headers_in, "Host")},
        .p = r->pool};
    int i;

    for (i = 0; i < 2; i++) {
        apr_table_do(add_policy, &baton, r->headers_out, headers[i], NULL);
        apr_table_do(add_policy, &baton, r->err_headers_out, headers[i], NULL);
    }
    return baton.policy;
}

/* ---- both ---- */

/* The last question, because pages that are left alone for another reason do
   not depend on it. */
static sp_eligible_e as_consented(request_rec *r)
{
    sp_consent_vary(r);
    return sp_consent_given(r) ? SP_ELIGIBLE : SP_INELIGIBLE_CONSENT;
}

sp_eligible_e sp_eligible(sp_policy_t *policy, request_rec *r)
{
    sp_eligible_e reason = as_it_is(r);
    request_rec *then;

    memset(policy, 0, sizeof(*policy));
    if (reason != SP_ELIGIBLE) {
        return reason;
    }
    then = as_it_will_be(r);
    *policy = policy_of(then);
    reason = policy->no_inline && policy->no_external ? SP_INELIGIBLE_POLICY
                                                      : as_it_is(then);
    return reason == SP_ELIGIBLE ? as_consented(r) : reason;
}

int sp_eligible_has_charset(request_rec *r)
{
    return charset_of(r) != NULL;
}
