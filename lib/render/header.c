/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Picture headers.  A cursor walks the outer structure of the file: JPEG
 * segments, PNG chunks, GIF blocks, RIFF chunks, TIFF directories, ISO boxes.
 * A file whose structure does not reach its end mark was cut off, which
 * decoders report only by halves: libjpeg warns, but GraphicsMagick keeps
 * just the first warning of a picture.
 */
#include "render/header.h"

#include "render/header_in.h"

#define EXIF_NAME "Exif\0"
#define EXIF_NAME_LEN sizeof(EXIF_NAME)

void di_header_cover(di_header_t *out, apr_uint32_t width_px,
                     apr_uint32_t height_px)
{
    if (out->width_px < width_px) {
        out->width_px = width_px;
    }
    if (out->height_px < height_px) {
        out->height_px = height_px;
    }
}

void di_header_note_exif(di_header_t *out, const di_cursor_t *c, apr_size_t at,
                         apr_size_t len)
{
    if (len > EXIF_NAME_LEN &&
        !memcmp(c->bytes + at, EXIF_NAME, EXIF_NAME_LEN)) {
        at += EXIF_NAME_LEN;
        len -= EXIF_NAME_LEN;
    }
    if (!out->exif.len && len) {
        out->exif.at = at;
        out->exif.len = len;
    }
}

void di_header_note_offset_exif(di_header_t *out, const di_cursor_t *c,
                                apr_size_t at, apr_size_t len)
{
    apr_uint32_t offset;

    if (len > 4 && (offset = di_be32(c->bytes + at)) < len - 4) {
        di_header_note_exif(out, c, at + 4 + offset, len - 4 - offset);
    }
}

void di_header_add_profile(di_header_t *out, apr_size_t len)
{
    apr_uint64_t sum = (apr_uint64_t)out->profile_bytes + len;

    out->profile_bytes =
        sum < APR_UINT32_MAX ? (apr_uint32_t)sum : APR_UINT32_MAX;
}

apr_uint32_t di_header_frames(apr_uint64_t count)
{
    return count < DI_HEADER_FRAMES_MAX ? (apr_uint32_t)count
                                        : DI_HEADER_FRAMES_MAX;
}

static di_header_fn *reader_of(di_format_e format)
{
    switch (format) {
    case DI_FORMAT_JPEG:
        return di_header_jpeg;
    case DI_FORMAT_PNG:
        return di_header_png;
    case DI_FORMAT_GIF:
        return di_header_gif;
    case DI_FORMAT_WEBP:
        return di_header_webp;
    case DI_FORMAT_TIFF:
        return di_header_tiff;
    case DI_FORMAT_BMP:
        return di_header_bmp;
    case DI_FORMAT_AVIF:
    case DI_FORMAT_HEIC:
        return di_header_heif;
    case DI_FORMAT_JXL:
        return di_header_jxl;
    case DI_FORMAT_UNKNOWN:
    case DI_FORMAT_END:
        break;
    }
    return NULL;
}

di_render_status_e di_header_read(di_header_t *out, di_format_e format,
                                  const unsigned char *bytes, apr_size_t len)
{
    di_cursor_t c = {bytes, len, 0};
    di_header_fn *read = reader_of(format);
    di_render_status_e status;

    memset(out, 0, sizeof(*out));
    out->format = (apr_uint32_t)format;
    out->frames = 1;
    out->scans = 1;
    out->orientation = 1;
    if (!read) {
        return DI_RENDER_UNSUPPORTED;
    }
    status = read(out, &c);
    if (status == DI_RENDER_OK &&
        (!out->width_px || !out->height_px || !out->frames)) {
        return DI_RENDER_BROKEN;
    }
    return status;
}

static int has_too_many_pixels(const di_header_t *header,
                               apr_uint64_t max_pixels)
{
    apr_uint64_t pixels = (apr_uint64_t)header->width_px * header->height_px;

    /* Divided, because the product may not fit. */
    return header->frames && pixels > max_pixels / header->frames;
}

static int is_too_long(const di_header_t *header, apr_uint32_t max_side_px)
{
    apr_uint32_t side_px = header->width_px > header->height_px
                               ? header->width_px
                               : header->height_px;

    return side_px > max_side_px || side_px > DI_SIDE_MAX_PX;
}

di_render_status_e di_header_check(const di_header_t *header, apr_uint64_t len,
                                   const di_limits_t *limits)
{
    if (len > limits->max_bytes) {
        return DI_RENDER_TOO_MANY_BYTES;
    }
    if (has_too_many_pixels(header, limits->max_pixels)) {
        return DI_RENDER_TOO_MANY_PIXELS;
    }
    if (is_too_long(header, limits->max_side_px)) {
        return DI_RENDER_TOO_LONG_SIDE;
    }
    if (header->frames > limits->max_frames) {
        return DI_RENDER_TOO_MANY_FRAMES;
    }
    if (header->scans > limits->max_scans) {
        return DI_RENDER_TOO_MANY_SCANS;
    }
    if (header->profile_bytes > limits->max_profile_bytes) {
        return DI_RENDER_TOO_LARGE_PROFILE;
    }
    return DI_RENDER_OK;
}
