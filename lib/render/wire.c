/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames, all numbers little-endian:
 *
 *   job  0 "DIJ1"           4 format        8 fit_px       12 quality
 *       16 progressive     20 colors       24 time limit   28 zero
 *       32 max_pixels (8)  40 max_bytes (8)
 *       48 original's bytes (8)            56 deadline, us (8)
 *
 *   result
 *        0 "DIR1"           4 status        8 format       12 width
 *       16 height          20 source width 24 source height
 *       28 CPU time, us    32 bytes (8)
 *
 * One frame is one message of a SOCK_SEQPACKET socket; the job carries the
 * original's descriptor, a result with status OK the rendition's.
 */
#include "render/wire.h"

#include <string.h>

static void put32(unsigned char *b, apr_uint32_t value)
{
    b[0] = (unsigned char)value;
    b[1] = (unsigned char)(value >> 8);
    b[2] = (unsigned char)(value >> 16);
    b[3] = (unsigned char)(value >> 24);
}

static void put64(unsigned char *b, apr_uint64_t value)
{
    put32(b, (apr_uint32_t)value);
    put32(b + 4, (apr_uint32_t)(value >> 32));
}

static apr_uint32_t get32(const unsigned char *b)
{
    return (apr_uint32_t)b[3] << 24 | (apr_uint32_t)b[2] << 16 |
           (apr_uint32_t)b[1] << 8 | b[0];
}

static apr_uint64_t get64(const unsigned char *b)
{
    return (apr_uint64_t)get32(b + 4) << 32 | get32(b);
}

void di_wire_put_order(unsigned char frame[DI_WIRE_JOB_BYTES],
                       const di_order_t *order)
{
    const di_job_t *job = &order->job;

    memcpy(frame, "DIJ1", 4);
    put32(frame + 4, job->format);
    put32(frame + 8, job->fit_px);
    put32(frame + 12, job->quality);
    put32(frame + 16, job->progressive);
    put32(frame + 20, job->colors);
    put32(frame + 24, job->time_limit_ms);
    put32(frame + 28, 0);
    put64(frame + 32, job->max_pixels);
    put64(frame + 40, job->max_bytes);
    put64(frame + 48, order->original_bytes);
    put64(frame + 56, order->deadline_us);
}

static int job_is_legal(const di_job_t *job)
{
    int lossy = job->format == DI_FORMAT_JPEG || job->format == DI_FORMAT_WEBP;

    return job->format >= DI_FORMAT_JPEG && job->format <= DI_FORMAT_WEBP &&
           job->fit_px <= DI_SIDE_MAX_PX && job->quality <= 100 &&
           (!lossy || job->quality >= 1) && job->progressive <= 1 &&
           job->colors != 1 && job->colors <= 256 && job->time_limit_ms;
}

int di_wire_get_order(di_order_t *out, const unsigned char *frame,
                      apr_size_t len)
{
    di_job_t *job = &out->job;

    if (len != DI_WIRE_JOB_BYTES || memcmp(frame, "DIJ1", 4) ||
        get32(frame + 28)) {
        return 0;
    }
    job->format = get32(frame + 4);
    job->fit_px = get32(frame + 8);
    job->quality = get32(frame + 12);
    job->progressive = get32(frame + 16);
    job->colors = get32(frame + 20);
    job->time_limit_ms = get32(frame + 24);
    job->max_pixels = get64(frame + 32);
    job->max_bytes = get64(frame + 40);
    out->original_bytes = get64(frame + 48);
    out->deadline_us = get64(frame + 56);
    return job_is_legal(job) && out->original_bytes &&
           out->original_bytes <= job->max_bytes;
}

void di_wire_put_result(unsigned char frame[DI_WIRE_RESULT_BYTES],
                        const di_result_t *result)
{
    memcpy(frame, "DIR1", 4);
    put32(frame + 4, result->status);
    put32(frame + 8, result->format);
    put32(frame + 12, result->width_px);
    put32(frame + 16, result->height_px);
    put32(frame + 20, result->source_width_px);
    put32(frame + 24, result->source_height_px);
    put32(frame + 28, result->cpu_us);
    put64(frame + 32, result->bytes);
}

/* The claims of a success fit together and to the job. */
static int success_is_legal(const di_result_t *result, const di_job_t *job)
{
    apr_uint32_t longest = result->width_px > result->height_px
                               ? result->width_px
                               : result->height_px;

    return result->format == job->format && result->width_px &&
           result->height_px && result->width_px <= result->source_width_px &&
           result->height_px <= result->source_height_px &&
           result->source_width_px <= DI_SIDE_MAX_PX &&
           result->source_height_px <= DI_SIDE_MAX_PX &&
           (apr_uint64_t)result->source_width_px * result->source_height_px <=
               job->max_pixels &&
           (job->format != DI_FORMAT_JPEG || !job->fit_px ||
            longest <= job->fit_px) &&
           result->bytes && result->bytes <= DI_WIRE_RENDITION_MAX_BYTES;
}

int di_wire_get_result(di_result_t *out, const unsigned char *frame,
                       apr_size_t len, const di_job_t *job)
{
    if (len != DI_WIRE_RESULT_BYTES || memcmp(frame, "DIR1", 4)) {
        return 0;
    }
    out->status = get32(frame + 4);
    out->format = get32(frame + 8);
    out->width_px = get32(frame + 12);
    out->height_px = get32(frame + 16);
    out->source_width_px = get32(frame + 20);
    out->source_height_px = get32(frame + 24);
    out->cpu_us = get32(frame + 28);
    out->bytes = get64(frame + 32);
    if (out->status == DI_RENDER_OK) {
        return success_is_legal(out, job);
    }
    return out->status <= DI_RENDER_FAILED && !out->width_px &&
           !out->height_px && !out->bytes;
}
