/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding a JPEG at any eighth and converting its colours: the first input
 * byte picks the eighth, the rest is the file.  The library's own bugs are
 * the sandbox's business; here it is that its errors come back to us.
 */
#include <stdint.h>
#include <stdlib.h>

#include "render/header.h"
#include "render/render_jpeg.h"
#include "render/render_lcms.h"

/* Larger pictures take long and show nothing new. */
#define PIXELS_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int true_for_all_input)
{
    if (!true_for_all_input) {
        abort();
    }
}

static int is_small(const uint8_t *data, size_t size)
{
    di_header_t header;

    (void)di_header_read(&header, DI_FORMAT_JPEG, data, size);
    return (apr_uint64_t)header.width_px * header.height_px <= PIXELS_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    di_decoded_t decoded;

    if (size == 0 || !is_small(data + 1, size - 1)) {
        return 0;
    }
    if (di_jpeg_decode(&decoded, data + 1, size - 1, 1u + data[0] % 8) !=
        DI_RENDER_OK) {
        require(!decoded.picture.pixels && !decoded.icc.bytes);
        return 0;
    }
    require(di_color_to_srgb(&decoded) == DI_RENDER_OK);
    require(decoded.picture.samples == DI_GREY ||
            decoded.picture.samples == DI_RGB);
    di_decoded_free(&decoded);
    return 0;
}
