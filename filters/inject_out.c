/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brigades in, brigades out: the scanner says where, this file cuts buckets
 * and puts ours between.
 *
 * Place in the chain: behind everything that makes content (type RESOURCE),
 * ahead of everything that compresses it (CONTENT_SET).  So cached pages are
 * stored with the scripts in them.
 *
 * Memory: at most SP_HTMLSCAN_HOLD_MAX bytes of the page are held back; out
 * of a file or pipe at most PASS_BYTES are in memory before they are passed
 * on.  Once nothing is left to be inserted the filter leaves the chain and
 * the rest goes by as it is (sendfile included).
 */
#include "filters/inject_out.h"

#include <string.h>

#include "apr_buckets.h"
#include "apr_lib.h"
#include "apr_strings.h"
#include "http_protocol.h"
#include "http_request.h"
#include "util_filter.h"

#include "directives/speedprobe_conf.h"
#include "speed/htmlscan.h"
#include "speed/policy.h"
#include "speed/snippet.h"

/* Page bytes in memory before they are passed on. */
#define PASS_BYTES 65536

typedef struct {
    apr_bucket_brigade *out; /* what is passed next */
    apr_size_t out_bytes;    /* page bytes in out */
    sp_htmlscan_t scan;
    char held[SP_HTMLSCAN_HOLD_MAX]; /* page bytes before a possible place */
    apr_size_t held_len;
    sp_snippet_t snippet;
    apr_size_t min_page_bytes;
} inject_t;

/* ---- eligible ---- */

static const char *answer_header(const request_rec *r, const char *name)
{
    const char *value = apr_table_get(r->headers_out, name);

    return value ? value : apr_table_get(r->err_headers_out, name);
}

/* A word in a comma-separated header. */
static int has_token(const request_rec *r, const char *header, const char *word)
{
    return ap_find_token(r->pool, answer_header(r, header), word);
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

static int is_html(const request_rec *r)
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
    const char *encoding = answer_header(r, "Content-Encoding");

    return (encoding && strcasecmp(encoding, "identity")) ||
           (r->content_encoding && strcasecmp(r->content_encoding, "identity"));
}

static int is_attachment(const request_rec *r)
{
    const char *disposition = answer_header(r, "Content-Disposition");

    return disposition && strncasecmp(disposition, "inline", 6);
}

static sp_inject_reason_e eligible(request_rec *r)
{
    if (r->proxyreq == PROXYREQ_PROXY) {
        return SP_INJECT_PROXY;
    }
    if (r->method_number != M_GET) {
        return SP_INJECT_METHOD;
    }
    if (r->status != HTTP_OK) {
        return SP_INJECT_STATUS;
    }
    if (!is_html(r)) {
        return SP_INJECT_TYPE;
    }
    if (apr_table_get(r->headers_in, "Range") ||
        answer_header(r, "Content-Range")) {
        return SP_INJECT_RANGE;
    }
    if (is_unsafe_charset(charset_of(r))) {
        return SP_INJECT_CHARSET;
    }
    if (is_encoded(r)) {
        return SP_INJECT_ENCODED;
    }
    if (is_attachment(r)) {
        return SP_INJECT_ATTACHMENT;
    }
    if (has_token(r, "Cache-Control", "no-transform")) {
        return SP_INJECT_NO_TRANSFORM;
    }
    return is_not_shown(r) ? SP_INJECT_NOT_SHOWN : SP_INJECT_ELIGIBLE;
}

const char *sp_inject_reason_name(sp_inject_reason_e reason)
{
    static const char *const names[] = {[SP_INJECT_ELIGIBLE] = "eligible",
                                        [SP_INJECT_METHOD] = "method",
                                        [SP_INJECT_STATUS] = "status",
                                        [SP_INJECT_RANGE] = "range",
                                        [SP_INJECT_TYPE] = "type",
                                        [SP_INJECT_CHARSET] = "charset",
                                        [SP_INJECT_ENCODED] = "encoded",
                                        [SP_INJECT_ATTACHMENT] = "attachment",
                                        [SP_INJECT_NO_TRANSFORM] =
                                            "no-transform",
                                        [SP_INJECT_NOT_SHOWN] = "not-shown",
                                        [SP_INJECT_POLICY] = "policy",
                                        [SP_INJECT_PROXY] = "proxy"};

    return names[reason];
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
static sp_policy_t policy_of(const request_rec *r)
{
    static const char *const headers[] = {
        "Content-Security-Policy", "Content-Security-Policy-Report-Only"};
    policy_baton_t baton = {.p = r->pool};
    int i;

    for (i = 0; i < 2; i++) {
        apr_table_do(add_policy, &baton, r->headers_out, headers[i], NULL);
        apr_table_do(add_policy, &baton, r->err_headers_out, headers[i], NULL);
    }
    return baton.policy;
}

/* ---- begin ---- */

/* "abc" becomes W/"abc": the same page, other bytes. */
static void weaken_etag(request_rec *r)
{
    const char *etag = apr_table_get(r->headers_out, "ETag");

    if (etag && etag[0] == '"') {
        apr_table_setn(r->headers_out, "ETag",
                       apr_pstrcat(r->pool, "W/", etag, NULL));
    }
}

/*
 * "Not modified" for a page that we have changed: the client asked with our
 * weak ETag, so that is the one to be confirmed.  With the strong one it could
 * put ranges of the original between our bytes.  A proxied 304 may come
 * without a type; one of another type was never changed.
 */
static void confirm_weak(request_rec *r)
{
    const char *asked = apr_table_get(r->headers_in, "If-None-Match");
    const char *etag = apr_table_get(r->headers_out, "ETag");

    if (r->status == HTTP_NOT_MODIFIED && asked && etag &&
        (!r->content_type || is_html(r)) &&
        ap_find_etag_weak(r->pool, asked, etag) &&
        !ap_find_etag_strong(r->pool, asked, etag)) {
        weaken_etag(r);
        apr_table_unset(r->headers_out, "Accept-Ranges");
    }
}

/* What was true of the bytes as they were. */
static void fix_headers(request_rec *r)
{
    static const char *const untrue[] = {"Content-Length", "Content-MD5",
                                         "Digest",         "Content-Digest",
                                         "Repr-Digest",    "Accept-Ranges"};
    apr_size_t i;

    for (i = 0; i < sizeof(untrue) / sizeof(*untrue); i++) {
        apr_table_unset(r->headers_out, untrue[i]);
        apr_table_unset(r->err_headers_out, untrue[i]);
    }
    weaken_etag(r);
}

static inject_t *begin(ap_filter_t *f, const char *nonce)
{
    request_rec *r = f->r;
    inject_t *ctx = apr_pcalloc(r->pool, sizeof(*ctx));

    ctx->out = apr_brigade_create(r->pool, f->c->bucket_alloc);
    ctx->min_page_bytes = (apr_size_t)SP_CONF(sp_conf_of(r), min_page_bytes);
    sp_htmlscan_init(&ctx->scan, charset_of(r) != NULL);
    sp_snippet_make(&ctx->snippet, sp_conf_beacon(r->server), nonce, r->pool);
    return ctx;
}

/* ---- bytes ---- */

static void put_text(ap_filter_t *f, const char *text, apr_size_t len)
{
    inject_t *ctx = f->ctx;

    APR_BRIGADE_INSERT_TAIL(
        ctx->out,
        apr_bucket_pool_create(text, len, f->r->pool, f->c->bucket_alloc));
}

/* Bytes held back go out, ahead of what follows. */
static void release(ap_filter_t *f)
{
    inject_t *ctx = f->ctx;

    if (ctx->held_len > 0) {
        APR_BRIGADE_INSERT_TAIL(
            ctx->out, apr_bucket_heap_create(ctx->held, ctx->held_len, NULL,
                                             f->c->bucket_alloc));
        ctx->out_bytes += ctx->held_len;
        ctx->held_len = 0;
    }
}

/* The end script; before it filler, when the page is short so far.  The size
   up to this place counts and not the Content-Length, so that a page comes
   out the same however it is made. */
static void put_end(ap_filter_t *f, apr_uint64_t page_bytes)
{
    inject_t *ctx = f->ctx;

    if (page_bytes < ctx->min_page_bytes) {
        apr_size_t len;
        const char *filler = sp_snippet_filler(
            &len, ctx->min_page_bytes - (apr_size_t)page_bytes, f->r->pool);
        put_text(f, filler, len);
    }
    put_text(f, ctx->snippet.end, ctx->snippet.end_len);
}

/* Move the first len bytes of a bucket that has been read to the output. */
static apr_bucket *move_part(inject_t *ctx, apr_bucket *b, apr_size_t len)
{
    apr_bucket *next;

    if (len < b->length) {
        apr_bucket_split(b, len);
    }
    next = APR_BUCKET_NEXT(b);
    APR_BUCKET_REMOVE(b);
    APR_BRIGADE_INSERT_TAIL(ctx->out, b);
    ctx->out_bytes += len;
    return next;
}

/* Keep the bytes of a bucket from an offset on; they are few. */
static void hold(inject_t *ctx, apr_bucket *b, const char *data, apr_size_t len)
{
    memcpy(ctx->held + ctx->held_len, data, len);
    ctx->held_len += len;
    apr_bucket_delete(b);
}

/*
 * A script goes in, back bytes before the end of data[0..read): into this
 * bucket, whose first *moved bytes are gone, or before the bytes held back.
 * @return what is left of the bucket
 */
static apr_bucket *put_script(ap_filter_t *f, apr_bucket *b, apr_size_t *moved,
                              apr_size_t read, sp_htmlscan_event_e event)
{
    inject_t *ctx = f->ctx;
    apr_size_t back = sp_htmlscan_back(&ctx->scan);

    if (back <= read) {
        release(f);
        if (read - back > *moved) {
            b = move_part(ctx, b, read - back - *moved);
            *moved = read - back;
        }
    }
    if (event == SP_HTMLSCAN_START) {
        put_text(f, ctx->snippet.start, ctx->snippet.start_len);
    }
    else {
        put_end(f, ctx->scan.mark_at);
    }
    release(f);
    return b;
}

/*
 * Scan the bytes of one bucket and move it, cut where needed, to the output;
 * the last few may stay behind as held.
 * @param b    first of its brigade, read; it and its parts are used up
 * @param len  not 0
 * @return 1 when nothing will be inserted any more
 */
static int on_bytes(ap_filter_t *f, apr_bucket *b, const char *data,
                    apr_size_t len)
{
    inject_t *ctx = f->ctx;
    apr_size_t moved = 0, read = 0, used, keep;
    sp_htmlscan_event_e event;

    for (;;) {
        event = sp_htmlscan_feed(&ctx->scan, data + read, len - read, &used);
        read += used;
        if (event != SP_HTMLSCAN_START && event != SP_HTMLSCAN_END) {
            break;
        }
        b = put_script(f, b, &moved, read, event);
    }
    keep = sp_htmlscan_held(&ctx->scan);
    if (keep <= len - moved) {
        release(f); /* the mark lies in this bucket, or nowhere */
        if (len - moved > keep) {
            b = move_part(ctx, b, len - moved - keep);
        }
    }
    if (keep > 0) {
        apr_size_t rest = keep < len - moved ? keep : len - moved;
        hold(ctx, b, data + len - rest, rest);
    }
    return event == SP_HTMLSCAN_DONE;
}

/* The page is over. */
static void on_end(ap_filter_t *f)
{
    inject_t *ctx = f->ctx;

    release(f);
    if (sp_htmlscan_finish(&ctx->scan)) {
        put_end(f, ctx->scan.offset);
    }
}

/* ---- the filter ---- */

static apr_status_t pass(ap_filter_t *f)
{
    inject_t *ctx = f->ctx;
    apr_status_t rv = APR_SUCCESS;

    if (!APR_BRIGADE_EMPTY(ctx->out)) {
        rv = ap_pass_brigade(f->next, ctx->out);
        apr_brigade_cleanup(ctx->out);
    }
    ctx->out_bytes = 0;
    return rv;
}

/* Nothing more to do: pass everything and leave the chain. */
static apr_status_t leave(ap_filter_t *f, apr_bucket_brigade *rest)
{
    inject_t *ctx = f->ctx;

    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, f->r,
                  "SP0302: page of %" APR_UINT64_T_FMT " bytes scanned: %s",
                  ctx->scan.offset, sp_htmlscan_why(&ctx->scan));
    release(f);
    APR_BRIGADE_CONCAT(ctx->out, rest);
    ap_remove_output_filter(f);
    return pass(f);
}

/* First brigade: the headers are complete.  @return 1 when the body is to be
   scanned */
static int start(ap_filter_t *f)
{
    request_rec *r = f->r;
    sp_inject_reason_e reason = eligible(r);
    sp_policy_t policy = {0};

    confirm_weak(r);
    if (reason == SP_INJECT_ELIGIBLE) {
        request_rec *then = as_it_will_be(r);
        policy = policy_of(then);
        reason = policy.forbidden ? SP_INJECT_POLICY : eligible(then);
    }
    if (reason != SP_INJECT_ELIGIBLE) {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, "SP0301: left alone: %s",
                      sp_inject_reason_name(reason));
        return 0;
    }
    fix_headers(r);
    /* HEAD goes the same way, so that its length is that of GET. */
    f->ctx = begin(f, policy.nonce);
    return 1;
}

/* Read a bucket, waiting only after everything we have has gone out. */
static apr_status_t read_bucket(ap_filter_t *f, apr_bucket *b,
                                const char **data, apr_size_t *len)
{
    inject_t *ctx = f->ctx;
    apr_status_t rv;

    if (APR_BUCKET_IS_FILE(b)) {
        /* Mapping short files costs more than reading them. */
        apr_bucket_file_enable_mmap(b, 0);
        apr_bucket_file_set_buf_size(b, PASS_BYTES);
    }
    rv = apr_bucket_read(b, data, len, APR_NONBLOCK_READ);
    if (!APR_STATUS_IS_EAGAIN(rv)) {
        return rv;
    }
    APR_BRIGADE_INSERT_TAIL(ctx->out,
                            apr_bucket_flush_create(f->c->bucket_alloc));
    rv = pass(f);
    return rv == APR_SUCCESS ? apr_bucket_read(b, data, len, APR_BLOCK_READ)
                             : rv;
}

/* A bucket without bytes.  @return 1 when the page is over with it */
static int on_metadata(ap_filter_t *f, apr_bucket *b)
{
    inject_t *ctx = f->ctx;
    int over = APR_BUCKET_IS_EOS(b) || AP_BUCKET_IS_ERROR(b);

    if (APR_BUCKET_IS_EOS(b)) {
        on_end(f);
    }
    else if (over) {
        release(f);
    }
    APR_BUCKET_REMOVE(b);
    APR_BRIGADE_INSERT_TAIL(ctx->out, b);
    return over;
}

/* Use up one bucket.
   @param over  set to 1 when nothing will be inserted any more */
static apr_status_t on_bucket(ap_filter_t *f, apr_bucket *b, int *over)
{
    inject_t *ctx = f->ctx;
    int flush = APR_BUCKET_IS_FLUSH(b);
    apr_status_t rv = APR_SUCCESS;
    const char *data;
    apr_size_t len;

    if (APR_BUCKET_IS_METADATA(b)) {
        *over = on_metadata(f, b);
    }
    else if ((rv = read_bucket(f, b, &data, &len)) != APR_SUCCESS) {
        return rv;
    }
    else if (len > 0) {
        *over = on_bytes(f, b, data, len);
    }
    else {
        apr_bucket_delete(b);
    }
    return flush || ctx->out_bytes >= PASS_BYTES ? pass(f) : APR_SUCCESS;
}

static apr_status_t inject_out(ap_filter_t *f, apr_bucket_brigade *bb)
{
    apr_status_t rv = APR_SUCCESS;
    int over = 0;

    if (APR_BRIGADE_EMPTY(bb)) {
        return APR_SUCCESS;
    }
    if (!f->ctx && !start(f)) {
        ap_remove_output_filter(f);
        return ap_pass_brigade(f->next, bb);
    }
    while (rv == APR_SUCCESS && !over && !APR_BRIGADE_EMPTY(bb)) {
        rv = on_bucket(f, APR_BRIGADE_FIRST(bb), &over);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    return over ? leave(f, bb) : pass(f);
}

/* An answer made by the core, without its handler's filters. */
static void insert_error_filter(request_rec *r)
{
    confirm_weak(r);
}

void sp_inject_register(void)
{
    ap_hook_insert_error_filter(insert_error_filter, NULL, NULL,
                                APR_HOOK_MIDDLE);
    ap_register_output_filter(SP_INJECT_FILTER, inject_out, NULL,
                              AP_FTYPE_RESOURCE);
}

void sp_inject_insert(request_rec *r)
{
    ap_add_output_filter(SP_INJECT_FILTER, NULL, r, r->connection);
}
