/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of the render pool, as bytes: the job, from httpd's children
 * through the dispatcher to a renderer, the word that it was begun, and the
 * result.
 *
 * All sides trust nothing that they read: httpd because a renderer may have
 * been taken over by a picture, the others because checking is cheap.
 * Pure.
 */
#ifndef DI_WIRE_H
#define DI_WIRE_H

#include "render/render.h"

#define DI_WIRE_JOB_BYTES 136
#define DI_WIRE_RESULT_BYTES 48

/* What a renderer sends before the result: the job is in work. */
#define DI_WIRE_BEGUN "DIB2"
#define DI_WIRE_BEGUN_BYTES 4

/* Largest rendition, bytes. */
#define DI_WIRE_RENDITION_MAX_BYTES ((apr_uint64_t)64 << 20)

/* A job on its way; the original's descriptor travels beside it. */
typedef struct {
    di_job_t job;
    apr_uint64_t original_bytes; /* size of the file when it was opened */
    apr_uint64_t deadline_us;    /* on this machine's monotonic clock; later
                                    than that nobody waits for the result */
} di_order_t;

/**
 * When it is too late to begin a job: with less than a quarter of its limit
 * left, or 50 ms, it would most likely be ended before it is done, which costs
 * a renderer and tells nothing of the picture.
 * @param most_ms  a limit beyond that does not count
 * @return a moment on the deadline's clock; 0: it is
 */
apr_uint64_t di_wire_latest_us(const di_order_t *order, apr_uint32_t most_ms);

void di_wire_put_order(unsigned char frame[DI_WIRE_JOB_BYTES],
                       const di_order_t *order);

/**
 * @return 1 when the frame is a legal job; else 0, with *out undefined
 */
int di_wire_get_order(di_order_t *out, const unsigned char *frame,
                      apr_size_t len);

/**
 * A result whose status is not DI_RENDER_OK is written without any word of a
 * rendition.
 */
void di_wire_put_result(unsigned char frame[DI_WIRE_RESULT_BYTES],
                        const di_result_t *result);

/**
 * @param job  what was asked for: a result that cannot be the answer to it
 *             (another format, too many pixels) is not legal
 * @return 1 when the frame is a legal result: one that a renderer tells
 *         (below DI_RENDER_TOLD), or DI_RENDER_BUSY or
 *         DI_RENDER_NO_POOL; else 0, with *out undefined
 */
int di_wire_get_result(di_result_t *out, const unsigned char *frame,
                       apr_size_t len, const di_job_t *job);

#endif
