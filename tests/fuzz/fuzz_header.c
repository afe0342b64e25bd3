/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that reads a picture's bytes before a decoder does: the first
 * input byte picks the format, the rest is the picture.
 */
#include <stdint.h>
#include <stdlib.h>

#include "render/density.h"
#include "render/header.h"
#include "render/pngcolor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int true_for_all_input)
{
    if (!true_for_all_input) {
        abort();
    }
}

static void try_header(di_format_e format, const uint8_t *data, size_t size)
{
    di_header_t header;
    di_exif_t exif;
    apr_uint32_t width, height;

    if (di_header_read(&header, format, data, size) == DI_RENDER_OK) {
        require(header.width_px && header.height_px);
        require(header.frames == 1 || header.frames == 2);
    }
    require(header.exif.at <= size && header.exif.len <= size &&
            header.exif.at + header.exif.len <= size);
    require(header.icc.at + header.icc.len <= size);
    di_exif_read(&exif, data + header.exif.at, header.exif.len);
    require(exif.orientation >= 1 && exif.orientation <= 8);
    width = header.width_px;
    height = header.height_px;
    di_density_shown(&width, &height, &exif);
}

static void try_png(const uint8_t *data, size_t size)
{
    unsigned char *out = malloc(2 * size + 1);

    if (out) {
        require(di_pngcolor_merge(out, data, size, data, size) <= 2 * size);
        (void)di_pngcolor_has_profile(data, size);
    }
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    try_header((di_format_e)(data[0] % 5), data + 1, size - 1);
    try_png(data + 1, size - 1);
    return 0;
}
