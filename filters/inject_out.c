/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brigades in, brigades out: the scanner says where, this file cuts buckets
 * and puts ours between.
 *
 * Place in the chain: behind everything that makes content (type RESOURCE),
 * ahead of everything that compresses it (CONTENT_SET).  So cached pages are
 * stored with the scripts in them.
 *
 * Memory, per request: at most SP_HTMLSCAN_HOLD_MAX bytes of the page are held
 * back; out of a pipe or a large file at most PASS_BYTES are in memory before
 * they are passed on.  A file of up to SP_PAGEFILE_KEPT_MAX bytes is scanned
 * through a buffer of PEEK_BYTES and stays a file, cut at the places, so that
 * sendfile sends it; parts of up to SP_PAGEFILE_COPIED_MAX are copied, since
 * that costs less.  Per process: the places in the SP_PLACECACHE_SLOTS files
 * scanned last (about 64 KB); a page found there is not read at all, or not
 * scanned.  Once nothing is left to be inserted the filter leaves the chain
 * and the rest goes by as it is.
 *
 * A file that is written while it is sent comes out torn, as it does without
 * this filter; one that shrinks ends the connection, as it does without.
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
#include "directives/speedprobe_start.h"
#include "directives/speedprobe_tally.h"
#include "filters/eligible.h"
#include "filters/pagefile.h"
#include "filters/pagetag.h"
#include "speed/client.h"
#include "speed/clientkey.h"
#include "speed/gaps.h"
#include "speed/htmlscan.h"
#include "speed/prior.h"
#include "speed/snippet.h"

/* Page bytes in memory before they are passed on. */
#define PASS_BYTES 65536

/* Bytes of a file that are looked at at once; two fit in a core's cache. */
#define PEEK_BYTES 32768

/* Parts of a file up to this size are copied; sendfile costs more. */
#define SMALL_BYTES 4096

/* This process's, from child_init on. */
static sp_placecache_t *places_known;

typedef struct {
    apr_bucket_brigade *out; /* what is passed next */
    apr_size_t out_bytes;    /* page bytes in out that are in memory */
    apr_size_t out_kept;     /* page bytes in out that are in files */
    sp_htmlscan_t scan;
    char held[SP_HTMLSCAN_HOLD_MAX]; /* page bytes before a possible place */
    apr_size_t held_len;
    sp_snippet_t snippet;
    char *peeked;             /* PEEK_BYTES, or NULL */
    sp_placecache_key_t file; /* when the page is one file that keeps still */
    int is_file;              /* whether it is */
    int charset_declared;     /* by the content type */
    const char *nonce;
    int may_be_inline;       /* the page's policy allows it */
    int base_forbids;        /* the page's base URL forbids what is allowed */
    sp_snippet_e kind;       /* of snippet */
    apr_size_t filled_bytes; /* shorter pages are filled up to this size */
    apr_size_t filler_max;   /* by at most so much */
    sp_gaps_t gaps;
} inject_t;

/* ---- begin ---- */

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
    sp_pagetag_mark(r);
}

/* An inline script where a policy allows it, unless the ladder of the probe is
   wanted, which does not fit; else what the policy does allow. */
static sp_snippet_e kind_of(const sp_conf_t *conf, const sp_policy_t *policy)
{
    int method = (int)SP_CONF(conf, method);
    int external = method == SP_METHOD_PROBE ||
                   (method == SP_METHOD_TIMING &&
                    SP_CONF(conf, script) == SP_SCRIPT_EXTERNAL);

    if (policy->no_inline || (external && !policy->no_external)) {
        return method == SP_METHOD_PROBE ? SP_SNIPPET_PROBE
                                         : SP_SNIPPET_EXTERNAL;
    }
    return method == SP_METHOD_PADDING ? SP_SNIPPET_FILLED : SP_SNIPPET_INLINE;
}

/* Nobody who asks to save data gets bytes only to be measured. */
static int saves_data(request_rec *r)
{
    return sp_prior_saves_data(apr_table_get(r->headers_in, "Save-Data"));
}

static void choose(inject_t *ctx, request_rec *r, const sp_policy_t *policy)
{
    const sp_conf_t *conf = sp_conf_of(r);
    apr_int64_t usual_bytes = sp_conf_defaults.min_page_bytes;

    ctx->nonce = policy->nonce;
    ctx->may_be_inline = !policy->no_inline;
    ctx->kind = kind_of(conf, policy);
    ctx->filled_bytes = (apr_size_t)SP_CONF(conf, min_page_bytes);
    ctx->filler_max = SP_FILLER_MAX;
    if (ctx->kind == SP_SNIPPET_FILLED) {
        ctx->filled_bytes = (apr_size_t)SP_CONF(conf, padding_bytes);
        ctx->filler_max = SP_PADDING_MAX;
        if (saves_data(r)) {
            ctx->kind = SP_SNIPPET_INLINE;
            ctx->filled_bytes = 0;
        }
    }
    else if (saves_data(r) && SP_CONF(conf, min_page_bytes) > usual_bytes) {
        ctx->filled_bytes = (apr_size_t)usual_bytes;
    }
    sp_pagetag_vary(r);
}

static inject_t *begin(ap_filter_t *f, const sp_policy_t *policy)
{
    request_rec *r = f->r;
    inject_t *ctx = apr_pcalloc(r->pool, sizeof(*ctx));

    ctx->out = apr_brigade_create(r->pool, f->c->bucket_alloc);
    ctx->charset_declared = sp_eligible_has_charset(r);
    sp_htmlscan_init(&ctx->scan, ctx->charset_declared);
    choose(ctx, r, policy);
    sp_snippet_make(&ctx->snippet, ctx->kind, sp_conf_beacon(r->server),
                    ctx->nonce, r->pool);
    return ctx;
}

/* ---- bytes ---- */

static void put_text(ap_filter_t *f, sp_text_t text)
{
    inject_t *ctx = f->ctx;

    if (text.len > 0) {
        APR_BRIGADE_INSERT_TAIL(
            ctx->out, apr_bucket_pool_create(text.text, text.len, f->r->pool,
                                             f->c->bucket_alloc));
    }
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

/* The start script; where filler stands between the two, it comes with the
   end script. */
static void put_start(ap_filter_t *f)
{
    inject_t *ctx = f->ctx;

    if (ctx->kind != SP_SNIPPET_FILLED) {
        put_text(f, ctx->snippet.start);
    }
}

/*
 * An external script would be looked for under the page's base URL.  The
 * inline one takes its stead where that is allowed, without its start, which
 * only browsers without Navigation Timing need.
 * @return 0 when there is nothing to put
 */
static int mind_base(ap_filter_t *f)
{
    inject_t *ctx = f->ctx;

    if (!ctx->scan.base_leads_away ||
        (ctx->kind != SP_SNIPPET_EXTERNAL && ctx->kind != SP_SNIPPET_PROBE)) {
        return 1;
    }
    ctx->base_forbids = !ctx->may_be_inline;
    ctx->kind = SP_SNIPPET_INLINE;
    sp_snippet_make(&ctx->snippet, ctx->kind, sp_conf_beacon(f->r->server),
                    ctx->nonce, f->r->pool);
    return ctx->may_be_inline;
}

/* The end script; before it filler, when the page is short so far.  The size
   up to this place counts and not the Content-Length, so that a page comes
   out the same however it is made. */
static void put_end(ap_filter_t *f, apr_uint64_t page_bytes)
{
    inject_t *ctx = f->ctx;

    if (!mind_base(f)) {
        return;
    }
    if (ctx->kind == SP_SNIPPET_FILLED) {
        if (page_bytes >= ctx->filled_bytes) {
            sp_snippet_make(&ctx->snippet, SP_SNIPPET_INLINE,
                            sp_conf_beacon(f->r->server), ctx->nonce,
                            f->r->pool);
        }
        put_text(f, ctx->snippet.start);
    }
    if (page_bytes < ctx->filled_bytes) {
        apr_size_t lacks = ctx->filled_bytes - (apr_size_t)page_bytes;
        sp_text_t filler;

        filler.text = sp_snippet_filler(
            &filler.len, lacks < ctx->filler_max ? lacks : ctx->filler_max,
            f->r->pool);
        put_text(f, filler);
    }
    put_text(f, ctx->snippet.end);
}

/* Put a part of the page behind the output.  Neighbours in one file become one
   part again, so that they are sent at once. */
static void append(inject_t *ctx, apr_bucket *b)
{
    apr_bucket *last = APR_BRIGADE_LAST(ctx->out);

    APR_BUCKET_REMOVE(b);
    if (!APR_BUCKET_IS_FILE(b)) {
        ctx->out_bytes += b->length;
        APR_BRIGADE_INSERT_TAIL(ctx->out, b);
        return;
    }
    ctx->out_kept += b->length;
    if (last != APR_BRIGADE_SENTINEL(ctx->out) && APR_BUCKET_IS_FILE(last) &&
        last->data == b->data &&
        last->start + (apr_off_t)last->length == b->start) {
        last->length += b->length;
        apr_bucket_destroy(b);
    }
    else {
        APR_BRIGADE_INSERT_TAIL(ctx->out, b);
    }
}

/*
 * Move the first len bytes of a bucket to the output.
 * @param data  these bytes, when they have been read, or NULL
 * @return what is behind them
 */
static apr_bucket *move_part(inject_t *ctx, apr_bucket *b, const char *data,
                             apr_size_t len)
{
    apr_bucket *next;

    if (len < b->length) {
        apr_bucket_split(b, len);
    }
    if (sp_pagefile_is_sendable(b) && len <= SMALL_BYTES) {
        b = sp_pagefile_copy(b, data);
    }
    next = APR_BUCKET_NEXT(b);
    append(ctx, b);
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
static apr_bucket *put_script(ap_filter_t *f, apr_bucket *b, const char *data,
                              apr_size_t *moved, apr_size_t read,
                              sp_htmlscan_event_e event)
{
    inject_t *ctx = f->ctx;
    apr_size_t back = sp_htmlscan_back(&ctx->scan);

    if (back <= read) {
        release(f);
        if (read - back > *moved) {
            b = move_part(ctx, b, data + *moved, read - back - *moved);
            *moved = read - back;
        }
    }
    if (event == SP_HTMLSCAN_START) {
        put_start(f);
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
 * @param b    first of its brigade; it and its parts are used up
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
        b = put_script(f, b, data, &moved, read, event);
    }
    keep = sp_htmlscan_held(&ctx->scan);
    if (keep <= len - moved) {
        release(f); /* the mark lies in this bucket, or nowhere */
        if (len - moved > keep) {
            b = move_part(ctx, b, data + moved, len - moved - keep);
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
        sp_gaps_came(&ctx->gaps, apr_time_now());
        rv = ap_pass_brigade(f->next, ctx->out);
        sp_gaps_went(&ctx->gaps, apr_time_now());
        apr_brigade_cleanup(ctx->out);
    }
    ctx->out_bytes = ctx->out_kept = 0;
    return rv;
}

/* What the scan of a file has found holds for the next time. */
static void remember(inject_t *ctx)
{
    sp_htmlscan_places_t places = sp_htmlscan_places(&ctx->scan);

    if (ctx->is_file) {
        sp_placecache_put(places_known, &ctx->file, &places);
    }
}

static void set_paused(void *row, void *baton)
{
    sp_client_t *client = row;

    client->paused_at = *(apr_time_t *)baton;
}

/* A page that paused tells nothing of the line: the beacon's handler knows it
   by the time of its end. */
static void note_pause(ap_filter_t *f)
{
    inject_t *ctx = f->ctx;
    apr_time_t now = apr_time_now();
    sp_clientkey_t key;

    if (!sp_gaps_paused(&ctx->gaps)) {
        return;
    }
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, f->r,
                  "SP0601: the page paused for %" APR_TIME_T_FMT " ms",
                  apr_time_as_msec(ctx->gaps.idle));
    if (sp_parts.clients &&
        sp_clientkey_client(&key, &sp_parts.table_key, f->r->useragent_addr) ==
            APR_SUCCESS) {
        (void)sp_table_with(sp_parts.clients, key.bytes, 1, set_paused, &now,
                            now);
    }
}

/* HEAD whose answer comes without a page tells nothing of the page. */
static void count_page(const ap_filter_t *f)
{
    static const int counters[] = {
        [SP_HTMLSCAN_GOING] = SP_COUNT_PAGE_CUT,
        [SP_HTMLSCAN_PLACED] = SP_COUNT_PAGE_INJECTED,
        [SP_HTMLSCAN_NOT_HTML] = SP_COUNT_PAGE_FRAGMENT,
        [SP_HTMLSCAN_CSP] = SP_COUNT_PAGE_OWN_POLICY,
        [SP_HTMLSCAN_AMP] = SP_COUNT_PAGE_AMP,
        [SP_HTMLSCAN_FRAMESET] = SP_COUNT_PAGE_FRAMESET,
        [SP_HTMLSCAN_LOST] = SP_COUNT_PAGE_LOST,
        [SP_HTMLSCAN_CHARSET] = SP_COUNT_PAGE_CHARSET};
    const inject_t *ctx = f->ctx;

    if (ctx->scan.offset > 0 || !f->r->header_only) {
        sp_count(ctx->base_forbids ? SP_COUNT_PAGE_BASE
                                   : counters[ctx->scan.why]);
    }
}

/* Nothing more to do: pass everything and leave the chain. */
static apr_status_t leave(ap_filter_t *f, apr_bucket_brigade *rest)
{
    inject_t *ctx = f->ctx;
    apr_status_t rv;

    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, f->r,
                  "SP0302: page of %" APR_UINT64_T_FMT " bytes scanned: %s",
                  ctx->scan.offset, sp_htmlscan_why(&ctx->scan));
    count_page(f);
    remember(ctx);
    release(f);
    APR_BRIGADE_CONCAT(ctx->out, rest);
    ap_remove_output_filter(f);
    rv = pass(f);
    note_pause(f);
    return rv;
}

/* First brigade: the headers are complete.  @return 1 when the body is to be
   scanned */
static int start(ap_filter_t *f)
{
    request_rec *r = f->r;
    sp_policy_t policy;
    sp_eligible_e reason = sp_eligible(&policy, r);

    sp_pagetag_confirm(r);
    if (reason != SP_ELIGIBLE) {
        sp_count(sp_eligible_counter(reason));
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, "SP0301: left alone: %s",
                      sp_eligible_name(reason));
        return 0;
    }
    fix_headers(r);
    /* HEAD goes the same way, so that its length is that of GET. */
    f->ctx = begin(f, &policy);
    return 1;
}

/* Read a bucket, waiting only after everything we have has gone out.
   @param b  the bucket that data is in comes out */
static apr_status_t read_bucket(ap_filter_t *f, apr_bucket **b,
                                const char **data, apr_size_t *len)
{
    inject_t *ctx = f->ctx;
    apr_status_t rv;

    if (APR_BUCKET_IS_FILE(*b)) {
        /* Mapping short files costs more than reading them. */
        apr_bucket_file_enable_mmap(*b, 0);
        apr_bucket_file_set_buf_size(*b, PASS_BYTES);
        if ((*b)->length <= SP_PAGEFILE_COPIED_MAX) {
            *b = sp_pagefile_copy(*b, NULL);
        }
    }
    rv = apr_bucket_read(*b, data, len, APR_NONBLOCK_READ);
    if (!APR_STATUS_IS_EAGAIN(rv)) {
        return rv;
    }
    APR_BRIGADE_INSERT_TAIL(ctx->out,
                            apr_bucket_flush_create(f->c->bucket_alloc));
    rv = pass(f);
    return rv == APR_SUCCESS ? apr_bucket_read(*b, data, len, APR_BLOCK_READ)
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

/* ---- pages that are files ---- */

/* The first bucket of the page: have we scanned this very file before?
   @return 1 and the outcome, or 0 */
static int is_known(sp_htmlscan_places_t *places, ap_filter_t *f, apr_bucket *b,
                    const apr_bucket_brigade *bb)
{
    inject_t *ctx = f->ctx;

    if (ctx->scan.offset > 0 || !places_known ||
        !sp_pagefile_is_whole(&ctx->file, b, APR_BRIGADE_SENTINEL(bb))) {
        return 0;
    }
    ctx->file.charset_declared = ctx->charset_declared;
    ctx->is_file = sp_placecache_is_settled(&ctx->file, f->r->request_time);
    return ctx->is_file && sp_placecache_get(places, places_known, &ctx->file);
}

/* A page whose places are known: cut it there.  Its rest stays in its
   brigade. */
static void put_known(ap_filter_t *f, apr_bucket *b,
                      const sp_htmlscan_places_t *places)
{
    inject_t *ctx = f->ctx;
    apr_uint64_t size = b->length, at = 0;

    sp_htmlscan_recall(&ctx->scan, places, size);
    apr_bucket_file_enable_mmap(b, 0);
    if (size <= SP_PAGEFILE_COPIED_MAX) {
        b = sp_pagefile_copy(b, NULL);
    }
    if (places->start) {
        at = places->start - 1;
        b = at > 0 ? move_part(ctx, b, NULL, (apr_size_t)at) : b;
        put_start(f);
    }
    if (places->end) {
        if (places->end - 1 > at) {
            b = move_part(ctx, b, NULL, (apr_size_t)(places->end - 1 - at));
        }
        put_end(f, places->end - 1);
        at = places->end - 1;
    }
    if (size > at && size - at <= SMALL_BYTES && APR_BUCKET_IS_FILE(b)) {
        (void)sp_pagefile_copy(b, NULL);
    }
    ap_log_rerror(APLOG_MARK, APLOG_TRACE1, 0, f->r,
                  "SP0303: the places in this file are known");
    ctx->is_file = 0; /* nothing new to remember */
}

/*
 * Look at a file's bytes, piece by piece, and leave them in the file.
 * @return a piece that cannot be looked at, or NULL
 */
static apr_bucket *on_file(ap_filter_t *f, apr_bucket *b, int *over)
{
    inject_t *ctx = f->ctx;
    apr_bucket *rest = b;

    if (!ctx->peeked) {
        ctx->peeked = apr_palloc(f->r->pool, PEEK_BYTES);
    }
    apr_bucket_file_enable_mmap(b, 0);
    while (rest && !*over) {
        b = rest;
        rest = NULL;
        if (b->length > PEEK_BYTES) {
            apr_bucket_split(b, PEEK_BYTES);
            rest = APR_BUCKET_NEXT(b);
        }
        if (!sp_pagefile_peek(ctx->peeked, b)) {
            return b;
        }
        *over = on_bytes(f, b, ctx->peeked, b->length);
    }
    return NULL;
}

static apr_status_t on_data(ap_filter_t *f, apr_bucket *b, int *over)
{
    apr_status_t rv;
    const char *data;
    apr_size_t len;

    if (sp_pagefile_is_sendable(b) && b->length > SP_PAGEFILE_COPIED_MAX &&
        b->length <= SP_PAGEFILE_KEPT_MAX) {
        b = on_file(f, b, over);
        if (!b) {
            return APR_SUCCESS;
        }
    }
    rv = read_bucket(f, &b, &data, &len);
    if (rv == APR_SUCCESS && len > 0) {
        *over = on_bytes(f, b, data, len);
    }
    else if (rv == APR_SUCCESS) {
        apr_bucket_delete(b);
    }
    return rv;
}

/* Use up the first bucket.
   @param over  set to 1 when nothing will be inserted any more */
static apr_status_t on_bucket(ap_filter_t *f, apr_bucket_brigade *bb, int *over)
{
    inject_t *ctx = f->ctx;
    apr_bucket *b = APR_BRIGADE_FIRST(bb);
    int flush = APR_BUCKET_IS_FLUSH(b);
    apr_status_t rv = APR_SUCCESS;
    sp_htmlscan_places_t places;

    if (APR_BUCKET_IS_METADATA(b)) {
        *over = on_metadata(f, b);
    }
    else if (is_known(&places, f, b, bb)) {
        put_known(f, b, &places);
        *over = 1;
    }
    else {
        rv = on_data(f, b, over);
    }
    if (rv != APR_SUCCESS || *over) {
        return rv;
    }
    return flush || ctx->out_bytes >= PASS_BYTES ||
                   ctx->out_kept > SP_PAGEFILE_KEPT_MAX
               ? pass(f)
               : APR_SUCCESS;
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
        rv = on_bucket(f, bb, &over);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    return over ? leave(f, bb) : pass(f);
}

/* An answer made by the core, without its handler's filters. */
static void insert_error_filter(request_rec *r)
{
    if (sp_conf_injects(sp_conf_of(r))) {
        sp_pagetag_confirm(r);
    }
}

static void child_init(apr_pool_t *p, server_rec *s)
{
    places_known = sp_placecache_create(p);
}

void sp_inject_register(void)
{
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_insert_error_filter(insert_error_filter, NULL, NULL,
                                APR_HOOK_MIDDLE);
    ap_register_output_filter(SP_INJECT_FILTER, inject_out, NULL,
                              AP_FTYPE_RESOURCE);
}

void sp_inject_insert(request_rec *r)
{
    ap_add_output_filter(SP_INJECT_FILTER, NULL, r, r->connection);
}
