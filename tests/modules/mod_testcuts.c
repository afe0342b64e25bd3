/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the live tests: answers with a file of the document root that is cut
 * into buckets in a way that the query names.
 *
 *     page.html?kind=heap&cut=1&pass=1&between=flush&end=eoc
 *
 *     kind     heap pool mmap file pipe mix
 *     cut      N: every N bytes; tag: ahead of each "<" and ">"; rN: pieces of
 *              random length, seed N; none
 *     pass     1: a brigade each, else all in one
 *     between  flush, or meta: a metadata bucket of a type nobody knows, or
 *              empty: a bucket without bytes
 *     end      eos; none: leaves EOS to httpd; eoc, error: these buckets after
 *              half of the page
 */
#include <stdlib.h>
#include <string.h>

#include "httpd.h"

#include "apr_buckets.h"
#include "apr_lib.h"
#include "apr_mmap.h"
#include "apr_strings.h"
#include "http_config.h"
#include "http_connection.h"
#include "http_protocol.h"
#include "http_request.h"
#include "util_filter.h"

/* Longer pieces would not fit into a pipe. */
#define PIPE_BYTES 4096

typedef struct {
    request_rec *r;
    apr_file_t *fd;
    apr_mmap_t *mm; /* the file, or NULL when it is empty */
    char *bytes;    /* the same */
    apr_size_t size;
    apr_bucket_brigade *bb;
    const char *kind, *cut, *pass, *between, *end;
    apr_uint32_t random;
    int pieces;
} cuts_t;

static const char *option(request_rec *r, const char *name, const char *unset)
{
    const char *args = r->args ? r->args : "", *word;
    apr_size_t len = strlen(name);

    while (*args && *(word = ap_getword(r->pool, &args, '&'))) {
        if (!strncmp(word, name, len) && word[len] == '=') {
            return word + len + 1;
        }
    }
    return unset;
}

/* ---- buckets ---- */

static void read_nothing(void *data)
{
}

static apr_status_t read_meta(apr_bucket *b, const char **data, apr_size_t *len,
                              apr_read_type_e block)
{
    *data = NULL;
    *len = 0;
    return APR_SUCCESS;
}

static const apr_bucket_type_t unknown_type = {"TESTCUTS",
                                               5,
                                               APR_BUCKET_METADATA,
                                               read_nothing,
                                               read_meta,
                                               apr_bucket_setaside_noop,
                                               apr_bucket_split_notimpl,
                                               apr_bucket_simple_copy};

static apr_bucket *unknown_bucket(apr_bucket_alloc_t *list)
{
    apr_bucket *b = apr_bucket_alloc(sizeof(*b), list);

    APR_BUCKET_INIT(b);
    b->free = apr_bucket_free;
    b->list = list;
    b->type = &unknown_type;
    b->length = 0;
    b->start = 0;
    b->data = NULL;
    return b;
}

static apr_bucket *pipe_bucket(cuts_t *c, apr_size_t at, apr_size_t len)
{
    apr_file_t *in, *out;

    if (apr_file_pipe_create(&in, &out, c->r->pool) != APR_SUCCESS ||
        apr_file_write_full(out, c->bytes + at, len, NULL) != APR_SUCCESS) {
        return NULL;
    }
    apr_file_close(out);
    return apr_bucket_pipe_create(in, c->bb->bucket_alloc);
}

/* Its last bucket unmaps a mapping, so each has a copy. */
static apr_bucket *mmap_bucket(cuts_t *c, apr_size_t at, apr_size_t len)
{
    apr_mmap_t *mm;

    return apr_mmap_dup(&mm, c->mm, c->r->pool) == APR_SUCCESS
               ? apr_bucket_mmap_create(mm, (apr_off_t)at, len,
                                        c->bb->bucket_alloc)
               : NULL;
}

static apr_bucket *piece_of(cuts_t *c, apr_size_t at, apr_size_t len)
{
    static const char *const kinds[] = {"heap", "pool", "mmap", "file", "pipe"};
    apr_bucket_alloc_t *list = c->bb->bucket_alloc;
    const char *kind = !strcmp(c->kind, "mix") ? kinds[c->pieces % 5] : c->kind;

    switch (kind[0] == 'p' ? kind[1] : kind[0]) {
    case 'o':
        return apr_bucket_pool_create(c->bytes + at, len, c->r->pool, list);
    case 'm':
        return mmap_bucket(c, at, len);
    case 'f':
        return apr_bucket_file_create(c->fd, (apr_off_t)at, len, c->r->pool,
                                      list);
    case 'i':
        return pipe_bucket(c, at, len);
    default:
        return apr_bucket_heap_create(c->bytes + at, len, NULL, list);
    }
}

/* ---- pieces ---- */

static apr_size_t piece_len(cuts_t *c, apr_size_t at)
{
    apr_size_t len = c->size - at;

    if (!strcmp(c->cut, "tag")) {
        len = 1 + strcspn(c->bytes + at + 1, "<>");
    }
    else if (c->cut[0] == 'r') {
        c->random = c->random * 1664525u + 1013904223u; /* Numerical Recipes */
        len = 1 + (c->random >> 16) % 40;
    }
    else if (apr_isdigit(c->cut[0])) {
        len = (apr_size_t)strtoul(c->cut, NULL, 10);
    }
    if (len > PIPE_BYTES && (c->kind[1] == 'i')) {
        len = PIPE_BYTES; /* pipe and mix */
    }
    return len < c->size - at ? len : c->size - at;
}

static void add_between(cuts_t *c)
{
    apr_bucket_alloc_t *list = c->bb->bucket_alloc;

    if (!strcmp(c->between, "flush")) {
        APR_BRIGADE_INSERT_TAIL(c->bb, apr_bucket_flush_create(list));
    }
    else if (!strcmp(c->between, "meta")) {
        APR_BRIGADE_INSERT_TAIL(c->bb, unknown_bucket(list));
    }
    else if (!strcmp(c->between, "empty")) {
        APR_BRIGADE_INSERT_TAIL(c->bb, apr_bucket_immortal_create("", 0, list));
    }
}

static apr_status_t pass(cuts_t *c)
{
    apr_status_t rv = ap_pass_brigade(c->r->output_filters, c->bb);

    apr_brigade_cleanup(c->bb);
    return rv;
}

static apr_status_t send_pieces(cuts_t *c, apr_size_t size)
{
    apr_status_t rv = APR_SUCCESS;
    apr_size_t at, len;

    for (at = 0; at < size && rv == APR_SUCCESS; at += len, c->pieces++) {
        apr_bucket *b;
        len = piece_len(c, at);
        b = piece_of(c, at, len);
        if (!b) {
            return APR_EGENERAL;
        }
        APR_BRIGADE_INSERT_TAIL(c->bb, b);
        add_between(c);
        if (c->pass[0] == '1') {
            rv = pass(c);
        }
    }
    return rv;
}

static void add_end(cuts_t *c)
{
    apr_bucket_alloc_t *list = c->bb->bucket_alloc;

    if (!strcmp(c->end, "eoc")) {
        APR_BRIGADE_INSERT_TAIL(c->bb, ap_bucket_eoc_create(list));
    }
    else if (!strcmp(c->end, "error")) {
        APR_BRIGADE_INSERT_TAIL(
            c->bb,
            ap_bucket_error_create(HTTP_BAD_GATEWAY, NULL, c->r->pool, list));
    }
    if (strcmp(c->end, "none")) {
        APR_BRIGADE_INSERT_TAIL(c->bb, apr_bucket_eos_create(list));
    }
}

/* ---- the handler ---- */

static apr_status_t open_page(cuts_t *c)
{
    request_rec *r = c->r;
    apr_status_t rv;

    rv = apr_file_open(&c->fd, r->filename,
                       APR_FOPEN_READ | APR_FOPEN_SENDFILE_ENABLED,
                       APR_FPROT_OS_DEFAULT, r->pool);
    c->size = (apr_size_t)r->finfo.size;
    if (rv == APR_SUCCESS) {
        rv = apr_mmap_create(&c->mm, c->fd, 0, c->size, APR_MMAP_READ, r->pool);
    }
    if (rv == APR_SUCCESS) {
        c->bytes = apr_pstrmemdup(r->pool, c->mm->mm, c->size);
    }
    return rv;
}

static int handler(request_rec *r)
{
    cuts_t c = {.r = r,
                .kind = option(r, "kind", "heap"),
                .cut = option(r, "cut", "none"),
                .pass = option(r, "pass", "0"),
                .between = option(r, "between", ""),
                .end = option(r, "end", "eos")};
    int half = !strcmp(c.end, "eoc") || !strcmp(c.end, "error");

    if (!r->handler || strcmp(r->handler, "testcuts")) {
        return DECLINED;
    }
    if (r->finfo.filetype != APR_REG || open_page(&c) != APR_SUCCESS) {
        return HTTP_NOT_FOUND;
    }
    c.random = c.cut[0] == 'r' ? (apr_uint32_t)strtoul(c.cut + 1, NULL, 10) : 0;
    c.bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    ap_set_content_type(r, "text/html");
    if (send_pieces(&c, half ? c.size / 2 : c.size) != APR_SUCCESS) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    add_end(&c);
    (void)pass(&c);
    return OK;
}

static void hooks(apr_pool_t *p)
{
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(testcuts) = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, hooks, 0};
