/* SPDX-License-Identifier: Apache-2.0 */
/* From an original's bytes to a picture. */
#include "render/source.h"

#include <string.h>

#include "render/codecs.h"
#include "render/render_gm.h"
#include "render/render_lcms.h"

/* Of di_raster_shrink. */
#define SHRINK_MOST 64

/* The decoder of HEIC turns the picture by itself. */
static int decoder_turns(apr_uint32_t format)
{
    return format == DI_FORMAT_HEIC;
}

/* The own orientation of JPEG XL and of AVIF counts, and their EXIF's does not
   (ISO 18181-2; ISO 23008-12 7.2.3); elsewhere EXIF is all there is. */
static unsigned orientation_of(const di_source_t *source)
{
    if (source->header.format == DI_FORMAT_JXL ||
        source->header.format == DI_FORMAT_AVIF) {
        return source->header.orientation;
    }
    return source->exif.orientation;
}

static void swap(apr_uint32_t *a, apr_uint32_t *b)
{
    apr_uint32_t kept = *a;

    *a = *b;
    *b = kept;
}

static void read_layout(di_source_t *out)
{
    di_header_t *header = &out->header;

    di_exif_read(&out->exif, out->bytes + header->exif.at, header->exif.len);
    if (decoder_turns(header->format)) {
        if (di_exif_turns(header->orientation)) {
            swap(&header->width_px, &header->height_px);
        }
        out->orientation = 1;
    }
    else {
        out->orientation = orientation_of(out);
    }
    out->turns = di_exif_turns(out->orientation);
    out->shown_width_px = header->width_px;
    out->shown_height_px = header->height_px;
    if (header->format == DI_FORMAT_JPEG) {
        di_exif_shown(&out->shown_width_px, &out->shown_height_px, &out->exif);
    }
    if (out->turns) {
        swap(&out->shown_width_px, &out->shown_height_px);
    }
}

di_render_status_e di_source_read(di_source_t *out, const di_job_t *job,
                                  const unsigned char *bytes, apr_size_t len)
{
    di_render_status_e read, limits;

    memset(out, 0, sizeof(*out));
    out->bytes = bytes;
    out->len = len;
    out->max_profile_bytes = job->limits.max_profile_bytes;
    read = di_header_read(&out->header, (di_format_e)job->format, bytes, len);
    limits = di_header_check(&out->header, len, &job->limits);
    /* What is over a limit is refused for that, broken or not. */
    if (limits != DI_RENDER_OK) {
        return limits;
    }
    if (read != DI_RENDER_OK) {
        return read;
    }
    if (out->header.animated || out->header.frames > 1) {
        return DI_RENDER_ANIMATED;
    }
    read_layout(out);
    /* Browsers disagree on whether EXIF turns a WebP (Chromium 156: no). */
    return job->format == DI_FORMAT_WEBP && out->orientation != 1
               ? DI_RENDER_UNSUPPORTED
               : DI_RENDER_OK;
}

static apr_uint32_t smaller(apr_uint32_t a, apr_uint32_t b)
{
    return a < b ? a : b;
}

/* The greatest whole factor by which a picture may shrink; 1: none. */
static unsigned whole_factor(const di_raster_t *picture, apr_uint32_t width_px,
                             apr_uint32_t height_px)
{
    apr_uint32_t factor = smaller(picture->width_px / width_px,
                                  picture->height_px / height_px);

    return smaller(factor, SHRINK_MOST);
}

static di_render_status_e shrink_whole(di_raster_t *picture,
                                       apr_uint32_t width_px,
                                       apr_uint32_t height_px)
{
    unsigned factor = whole_factor(picture, width_px, height_px);

    return factor < 2 || di_raster_shrink(picture, factor)
               ? DI_RENDER_OK
               : DI_RENDER_NO_MEMORY;
}

/* Whole factors by averaging, as the JPEG decoder does in its own way; the
   rest, less than 2, by Lanczos. */
di_render_status_e di_source_shrink(di_raster_t *picture,
                                    apr_uint32_t width_px,
                                    apr_uint32_t height_px)
{
    di_render_status_e status = shrink_whole(picture, width_px, height_px);

    if (status != DI_RENDER_OK ||
        (picture->width_px == width_px && picture->height_px == height_px)) {
        return status;
    }
    return di_gm_resize(picture, width_px, height_px);
}

/* A BMP of 32 bits without a mask for alpha: its decoder takes what fills up
   each pixel, mostly 0, for alpha. */
static void forget_filler(di_raster_t *picture, const di_header_t *header)
{
    apr_size_t i, count = (apr_size_t)picture->width_px * picture->height_px;

    if (header->format == DI_FORMAT_BMP && !header->alpha &&
        picture->samples == DI_RGBA) {
        for (i = 0; i < count; i++) {
            picture->pixels[4 * i + 3] = 255;
        }
    }
}

di_render_status_e di_source_decode(di_raster_t *out,
                                    const di_source_t *source,
                                    const di_scale_t *scale)
{
    apr_uint32_t width_px = source->turns ? scale->height_px : scale->width_px;
    apr_uint32_t height_px = source->turns ? scale->width_px : scale->height_px;
    di_decoded_t decoded;
    di_render_status_e status =
        di_codec_decode(&decoded, &source->header, source->bytes, source->len,
                        scale->eighths);

    memset(out, 0, sizeof(*out));
    if (status == DI_RENDER_OK && decoded.icc.len > source->max_profile_bytes) {
        status = DI_RENDER_TOO_LARGE_PROFILE;
    }
    /* Before the colours are converted: the fewer pixels the better. */
    if (status == DI_RENDER_OK) {
        forget_filler(&decoded.picture, &source->header);
        status = shrink_whole(&decoded.picture, scale->width_px,
                              scale->height_px);
    }
    if (status == DI_RENDER_OK) {
        status = di_color_to_srgb(&decoded);
    }
    if (status == DI_RENDER_OK &&
        (!di_raster_turn(&decoded.picture, source->orientation) ||
         !di_raster_simplify(&decoded.picture))) {
        status = DI_RENDER_NO_MEMORY;
    }
    if (status == DI_RENDER_OK) {
        status = di_source_shrink(&decoded.picture, width_px, height_px);
    }
    if (status == DI_RENDER_OK) {
        di_raster_replace(out, &decoded.picture);
    }
    di_decoded_free(&decoded);
    return status;
}
