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
        require(size == sizeof(frame));
        require(order.job.fit_px <= DI_SIDE_MAX_PX);
        require(order.original_bytes <= order.job.max_bytes);
        di_wire_put_order(frame, &order);
        require(!memcmp(frame, data, sizeof(frame)));
    }
}

static void try_result(const uint8_t *data, size_t size)
{
    static const di_job_t job = {.format = DI_FORMAT_JPEG,
                                 .fit_px = 640,
                                 .quality = 50,
                                 .max_pixels = 10000000,
                                 .max_bytes = 1000000,
                                 .time_limit_ms = 1000};
    unsigned char frame[DI_WIRE_RESULT_BYTES];
    di_result_t result;

    if (di_wire_get_result(&result, data, size, &job)) {
        require(size == sizeof(frame));
        require(result.status <= DI_RENDER_FAILED);
        require(result.bytes <= DI_WIRE_RENDITION_MAX_BYTES);
        require((result.status == DI_RENDER_OK) == (result.bytes > 0));
        require(result.width_px <= 640 && result.height_px <= 640);
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
