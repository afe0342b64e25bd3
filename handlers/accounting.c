/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes are those of the body behind all filters that change it (compression,
 * ranges) and ahead of those that frame it: what the log has as %b.  When the
 * client went away that is what was meant for it; mod_logio knows what went
 * out, and so bounds it.  mod_logio sums a request up in this same hook, for
 * HTTP/2 on the stream's own connection, so it goes first.
 *
 * Source: httpd 2.4, modules/http/http_filters.c (sent_bodyct), server/
 * protocol.c (content-length filter: bytes_sent), modules/loggers/mod_logio.c.
 */
#include "handlers/accounting.h"

#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"

#include "apr_optional.h"
#include "apr_strings.h"

#include "image/ledger.h"

typedef struct {
    int customer;
    char tier[DI_LEDGER_TIER_ROOM];
    di_result_e result;
    apr_uint64_t original_bytes;
    apr_uint64_t rendition_bytes; /* 0: the original is sent */
} note_t;

static const di_parts_t *booked; /* of this process */
static APR_OPTIONAL_FN_TYPE(ap_logio_get_last_bytes) * last_bytes;

static di_result_e result_of(const di_obtained_t *obtained)
{
    if (!obtained->have) {
        return DI_RESULT_ORIGINAL;
    }
    if (obtained->reason != DI_REASON_RENDERED) {
        return DI_RESULT_STAND_IN;
    }
    return strcmp(obtained->cache, "miss") ? DI_RESULT_HIT : DI_RESULT_RENDERED;
}

void di_accounting_note(request_rec *r, int customer, const char *tier,
                        const di_obtained_t *obtained,
                        apr_uint64_t original_bytes)
{
    note_t *note = apr_pcalloc(r->pool, sizeof(*note));

    note->customer = customer;
    (void)apr_cpystrn(note->tier, tier, sizeof(note->tier));
    note->result = result_of(obtained);
    note->original_bytes = original_bytes;
    note->rendition_bytes = obtained->have ? obtained->entry.body.bytes : 0;
    ap_set_module_config(r->request_config, &dynimage_module, note);
}

/* The note of a request or of what it was redirected to inside.
   @param last  set to the request whose answer went out */
static const note_t *find_note(const request_rec **last, const request_rec *r)
{
    const note_t *note = NULL;

    for (; r; r = r->next) {
        const note_t *its =
            ap_get_module_config(r->request_config, &dynimage_module);

        note = its ? its : note;
        *last = r;
    }
    return note;
}

/* Bytes of the body that were sent. */
static apr_uint64_t sent_bytes(const request_rec *r)
{
    apr_off_t bytes = r->sent_bodyct ? r->bytes_sent : 0;

    if (r->connection->aborted && last_bytes) {
        apr_off_t out = last_bytes(r->connection);

        bytes = out < bytes ? out : bytes;
    }
    return bytes > 0 ? (apr_uint64_t)bytes : 0;
}

/* Of a whole rendition that came in a larger original's place. */
static apr_uint64_t saved_bytes(const note_t *note, const request_rec *r,
                                apr_uint64_t sent)
{
    /* What was sent says whether the answer is whole: an HTTP/2 client that
       leaves after its last byte may already count as gone. */
    if (!note->rendition_bytes || r->status != HTTP_OK || r->header_only ||
        sent < note->rendition_bytes ||
        note->rendition_bytes >= note->original_bytes) {
        return 0;
    }
    return note->original_bytes - note->rendition_bytes;
}

static int book(request_rec *r)
{
    const request_rec *last = r;
    const note_t *note = find_note(&last, r);
    apr_uint64_t sent, saved;

    if (note) {
        sent = sent_bytes(last);
        saved = saved_bytes(note, last, sent);
        di_ledger_request(booked->ledger, note->customer, note->tier,
                          note->result, sent, saved);
        ap_log_rerror(
            APLOG_MARK, APLOG_TRACE1, 0, r,
            "DI0655: %s booked for customer %d: tier %s, result %d, "
            "%" APR_UINT64_T_FMT " bytes, %" APR_UINT64_T_FMT " saved",
            r->uri, note->customer, note->tier, (int)note->result, sent, saved);
    }
    return OK;
}

static int find_logio(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                      server_rec *s)
{
    last_bytes = APR_RETRIEVE_OPTIONAL_FN(ap_logio_get_last_bytes);
    return OK;
}

void di_accounting_register(const di_parts_t *parts)
{
    static const char *const before[] = {"mod_logio.c", NULL};

    booked = parts;
    ap_hook_post_config(find_logio, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_log_transaction(book, before, NULL, APR_HOOK_MIDDLE);
}
