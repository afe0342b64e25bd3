/* SPDX-License-Identifier: Apache-2.0 */
/* The table of codecs. */
#include "render/codecs.h"

#include <string.h>

#include "render/render_avif.h"
#include "render/render_gm.h"
#include "render/render_heif.h"
#include "render/render_jpeg.h"
#include "render/render_jxl.h"
#include "render/render_png.h"
#include "render/render_webp.h"

/* Of WebP: its frame header has 14 bits for a side (RFC 9649 2.5). */
#define WEBP_SIDE_MAX_PX 16383

static const di_codec_t codecs[] = {
    {DI_FORMAT_JPEG, "JPEG", di_jpeg_encode, di_jpeg_check, 1, 0, 0, 50,
     DI_SIDE_MAX_PX},
    {DI_FORMAT_PNG, "PNG", di_png_encode, di_png_check, 0, 1, 1, 0,
     DI_SIDE_MAX_PX},
    {DI_FORMAT_GIF, "GIF", NULL, NULL, 0, 0, 0, 0, 0},
    {DI_FORMAT_WEBP, "WEBP", di_webp_encode, di_webp_check, 1, 1, 1, 30,
     WEBP_SIDE_MAX_PX},
    {DI_FORMAT_TIFF, "TIFF", NULL, NULL, 0, 0, 0, 0, 0},
    {DI_FORMAT_BMP, "BMP", NULL, NULL, 0, 0, 0, 0, 0},
    {DI_FORMAT_AVIF, "AVIF", di_avif_encode, di_avif_check, 1, 0, 1, 30,
     DI_AVIF_SIDE_MAX_PX},
    {DI_FORMAT_HEIC, "HEIC", NULL, NULL, 0, 0, 0, 0, 0},
    {DI_FORMAT_JXL, "JXL", di_jxl_encode, di_jxl_check, 1, 1, 1, 30,
     DI_SIDE_MAX_PX},
};

const di_codec_t *di_codec_of(apr_uint32_t format)
{
    apr_size_t i;

    for (i = 0; i < sizeof(codecs) / sizeof(*codecs); i++) {
        if ((apr_uint32_t)codecs[i].format == format) {
            return &codecs[i];
        }
    }
    return NULL;
}

di_render_status_e di_codec_decode(di_decoded_t *out, const di_header_t *header,
                                   const unsigned char *bytes, apr_size_t len,
                                   unsigned eighths)
{
    memset(out, 0, sizeof(*out));
    switch (header->format) {
    case DI_FORMAT_JPEG:
        return di_jpeg_decode(out, bytes, len, eighths);
    case DI_FORMAT_PNG:
        return di_png_decode(out, bytes, len);
    case DI_FORMAT_WEBP:
        return di_webp_decode(out, bytes, len, 0, 0);
    case DI_FORMAT_AVIF:
        return di_avif_decode(out, bytes, len, header->width_px,
                              header->height_px);
    case DI_FORMAT_HEIC:
        return di_heif_decode(out, bytes, len, header->width_px,
                              header->height_px);
    case DI_FORMAT_JXL:
        return di_jxl_decode(out, bytes, len);
    default:
        return di_gm_decode(out, (di_format_e)header->format, bytes, len,
                            header->width_px, header->height_px);
    }
}
