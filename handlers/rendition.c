/* SPDX-License-Identifier: Apache-2.0 */
/* Sends a rendition; ranges are httpd's own byterange filter. */
#include "handlers/rendition.h"

#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "util_filter.h"

#include "directives/dynimage_conf.h"
#include "image/sniff.h"

static void set_headers(request_rec *r, const di_entry_t *entry,
                        const char *etag)
{
    ap_set_content_type(r, di_format_type((di_format_e)entry->record.format));
    ap_set_content_length(r, (apr_off_t)entry->body.bytes);
    apr_table_setn(r->headers_out, "ETag", etag);
    apr_table_setn(r->headers_out, "Accept-Ranges", "bytes");
}

/* The file goes into the brigade as the store opened it, never under a second
   handle: filters may take it over together with its closing.  It is not
   mapped: mapping small files halves throughput, and a mapped file that
   somebody cuts off kills the process. */
static void insert_body(apr_bucket_brigade *bb, const di_body_t *body,
                        request_rec *r)
{
    apr_bucket *b;

    if (body->data) {
        b = apr_bucket_pool_create(body->data, (apr_size_t)body->bytes, r->pool,
                                   bb->bucket_alloc);
        APR_BRIGADE_INSERT_TAIL(bb, b);
        return;
    }
    b = apr_brigade_insert_file(bb, body->file, body->offset,
                                (apr_off_t)body->bytes, r->pool);
    apr_bucket_file_enable_mmap(b, 0);
}

int di_rendition_send(request_rec *r, const di_entry_t *entry, const char *etag)
{
    apr_bucket_brigade *bb =
        apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_status_t rv;
    int conditions;

    set_headers(r, entry, etag);
    conditions = ap_meets_conditions(r);
    if (conditions != OK) {
        r->status = conditions;
    }
    else if (!r->header_only) {
        insert_body(bb, &entry->body, r);
    }
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(bb->bucket_alloc));
    rv = ap_pass_brigade(r->output_filters, bb);
    if (rv == APR_SUCCESS || r->status != HTTP_OK || r->connection->aborted) {
        return OK;
    }
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, rv, r,
                  "DI0610: the rendition could not be sent");
    return AP_FILTER_ERROR;
}
