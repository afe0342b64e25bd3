/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target for one format's header: what is true of every input.  The
 * limits are such that everything may happen.
 */
#ifndef HEADER_ONE_H
#define HEADER_ONE_H

#include <stdint.h>
#include <stdlib.h>

#include "render/header_in.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void require(int true_for_all_input)
{
    if (!true_for_all_input) {
        abort();
    }
}

static inline void header_one(di_format_e format, const uint8_t *data,
                              size_t size)
{
    static const di_limits_t limits = {1 << 20, 50000000, 20000,
                                       200,     20,       1 << 16};
    di_header_t header;
    di_render_status_e status = di_header_read(&header, format, data, size);

    require(status == DI_RENDER_OK || status == DI_RENDER_UNSUPPORTED ||
            status == DI_RENDER_BROKEN);
    if (status == DI_RENDER_OK) {
        require(header.width_px && header.height_px && header.scans);
        require(header.frames >= 1 && header.frames <= DI_HEADER_FRAMES_MAX);
    }
    require(header.format == (apr_uint32_t)format);
    require(header.channels <= 4 || status != DI_RENDER_OK);
    require(header.orientation >= 1 && header.orientation <= 8);
    require(header.exif.at <= size && header.exif.len <= size - header.exif.at);
    (void)di_header_check(&header, size, &limits);
}

#endif
