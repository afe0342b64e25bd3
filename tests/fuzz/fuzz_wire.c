/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of the render pool.  Whatever is accepted must be within the limits
 * that the callers rely on, and must read back the same once written.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "render/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int true_for_all_input)
{
    if (!true_for_all_input) {
        abort();
    }
}

static void try_order(const uint8_t *data, size_t size)
{
    unsigned char frame[DI_WIRE_JOB_BYTES];
    di_order_t order;

    if (di_wire_get_order(&order, data, size)) {
        const di_job_t *job = &order.job;

        require(size == sizeof(frame));
        require(job->formats && !(job->formats & ~DI_FORMATS_OUT));
        require(DI_FORMAT_IN(DI_FORMATS_IN, job->format));
        require(job->recipe.fit_px <= DI_SIDE_MAX_PX);
        require(job->recipe.quality <= 100);
        require(job->urgency < DI_URGENCY_END && job->priority <= 9);
        require(order.original_bytes <= job->limits.max_bytes);
        di_wire_put_order(frame, &order);
        require(!memcmp(frame, data, sizeof(frame)));
    }
}

static void try_result(const uint8_t *data, size_t size)
{
    static const di_job_t job = {.format = DI_FORMAT_JPEG,
                                 .formats =
                                     DI_FORMAT_SET(JPEG) | DI_FORMAT_SET(WEBP),
                                 .recipe = {.fit_px = 640, .quality = 50},
                                 .limits = {.max_pixels = 10000000,
                                            .max_bytes = 1000000,
                                            .max_side_px = 20000},
                                 .time_limit_ms = 1000};
    unsigned char frame[DI_WIRE_RESULT_BYTES];
    di_result_t result;

    if (di_wire_get_result(&result, data, size, &job)) {
        int ok = result.status == DI_RENDER_OK;

        require(size == sizeof(frame));
        require(result.status < DI_RENDER_TOLD ||
                result.status == DI_RENDER_BUSY ||
                result.status == DI_RENDER_NO_POOL);
        require(result.bytes <= DI_WIRE_RENDITION_MAX_BYTES);
        require(ok == (result.bytes > 0));
        require(ok == (result.format != DI_FORMAT_UNKNOWN));
        require(!ok || DI_FORMAT_IN(job.formats, result.format));
        require(result.format != DI_FORMAT_JPEG ||
                (result.width_px <= 640 && result.height_px <= 640));
        require(!ok ||
                (uint64_t)result.source_width_px * result.source_height_px <=
                    job.limits.max_pixels);
        di_wire_put_result(frame, &result);
        require(!memcmp(frame, data, sizeof(frame)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_order(data, size);
    try_result(data, size);
    return 0;
}
