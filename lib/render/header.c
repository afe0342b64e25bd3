/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Picture headers.  A cursor walks the outer structure of the file (JPEG
 * segments, PNG chunks, GIF blocks, RIFF chunks); every step first asks
 * whether the bytes are there.  A file whose structure does not reach its end
 * mark was cut off, which decoders report only by halves: libjpeg warns, but
 * GraphicsMagick keeps just the first warning of a picture.
 */
#include "render/header.h"

#include <string.h>

typedef struct {
    const unsigned char *bytes;
    apr_size_t len;
    apr_size_t at; /* never above len */
} cursor_t;

static int has(const cursor_t *c, apr_size_t count)
{
    return c->len - c->at >= count;
}

/* Step over count bytes; 0 when the input ends before. */
static int skip(cursor_t *c, apr_size_t count)
{
    if (!has(c, count)) {
        return 0;
    }
    c->at += count;
    return 1;
}

static int begins(const cursor_t *c, const char *text, apr_size_t count)
{
    return has(c, count) && !memcmp(c->bytes + c->at, text, count);
}

static apr_uint32_t be16(const unsigned char *b)
{
    return (apr_uint32_t)b[0] << 8 | b[1];
}

static apr_uint32_t be32(const unsigned char *b)
{
    return be16(b) << 16 | be16(b + 2);
}

static apr_uint32_t le16(const unsigned char *b)
{
    return (apr_uint32_t)b[1] << 8 | b[0];
}

static apr_uint32_t le24(const unsigned char *b)
{
    return (apr_uint32_t)b[2] << 16 | le16(b);
}

static apr_uint32_t le32(const unsigned char *b)
{
    return le16(b + 2) << 16 | le16(b);
}

/* ---- JPEG ---- */

static int jpeg_is_frame(unsigned char marker)
{
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 &&
           marker != 0xC8 && marker != 0xCC;
}

static int jpeg_has_no_length(unsigned char marker)
{
    return marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8);
}

/* To the byte behind the next marker; 0 at the end of the input.  In front of
   it lie entropy-coded data with FF 00, or fill bytes, or nothing. */
static int jpeg_next_marker(cursor_t *c, unsigned char *marker)
{
    for (;;) {
        const unsigned char *ff =
            memchr(c->bytes + c->at, 0xFF, c->len - c->at);

        if (!ff || ff + 1 >= c->bytes + c->len) {
            return 0;
        }
        c->at = (apr_size_t)(ff - c->bytes) + 1;
        if (ff[1] == 0x00) {
            c->at++;
        }
        else if (ff[1] != 0xFF) {
            *marker = c->bytes[c->at++];
            return 1;
        }
    }
}

/* One frame header: precision, height, width, number of components. */
static di_render_status_e jpeg_frame(di_header_t *out, const unsigned char *b,
                                     apr_size_t len)
{
    if (len < 6 || out->width_px) {
        return DI_RENDER_BROKEN;
    }
    out->height_px = be16(b + 1);
    out->width_px = be16(b + 3);
    out->channels = b[5];
    if (!out->width_px || !out->height_px) {
        return DI_RENDER_BROKEN;
    }
    return b[0] == 8 && (b[5] == 1 || b[5] == 3 || b[5] == 4)
               ? DI_RENDER_OK
               : DI_RENDER_UNSUPPORTED;
}

/* Remember where EXIF and a colour profile lie; first of each counts. */
static void jpeg_app(di_header_t *out, unsigned char marker, const cursor_t *c,
                     apr_size_t len)
{
    static const char icc_name[] = "ICC_PROFILE";
    const unsigned char *b = c->bytes + c->at;

    if (marker == 0xE1 && len > 6 && !memcmp(b, "Exif\0", 6) &&
        !out->exif.len) {
        out->exif.at = c->at + 6;
        out->exif.len = len - 6;
    }
    if (marker == 0xE2 && len > 14 && !memcmp(b, icc_name, sizeof(icc_name)) &&
        !out->icc.len) {
        out->icc.at = c->at + 14;
        out->icc.len = len - 14;
    }
}

/* The segment behind a marker that has a length. */
static di_render_status_e jpeg_segment(di_header_t *out, cursor_t *c,
                                       unsigned char marker)
{
    di_render_status_e status = DI_RENDER_OK;
    apr_size_t len;

    if (!has(c, 2) || (len = be16(c->bytes + c->at)) < 2 || !has(c, len)) {
        return DI_RENDER_BROKEN;
    }
    c->at += 2;
    len -= 2;
    if (jpeg_is_frame(marker)) {
        status = jpeg_frame(out, c->bytes + c->at, len);
    }
    else {
        jpeg_app(out, marker, c, len);
    }
    c->at += len;
    return status;
}

static di_render_status_e jpeg_read(di_header_t *out, cursor_t *c)
{
    unsigned char marker;

    if (!begins(c, "\xFF\xD8\xFF", 3)) {
        return DI_RENDER_UNSUPPORTED;
    }
    c->at = 2;
    while (jpeg_next_marker(c, &marker)) {
        di_render_status_e status;

        if (marker == 0xD9) {
            return out->width_px ? DI_RENDER_OK : DI_RENDER_BROKEN;
        }
        if (jpeg_has_no_length(marker)) {
            continue;
        }
        status = jpeg_segment(out, c, marker);
        if (status != DI_RENDER_OK) {
            return status;
        }
    }
    return DI_RENDER_BROKEN;
}

/* ---- PNG ---- */

static di_render_status_e png_ihdr(di_header_t *out, cursor_t *c)
{
    const unsigned char *b = c->bytes + c->at;

    if (!has(c, 25) || be32(b) != 13 || memcmp(b + 4, "IHDR", 4)) {
        return DI_RENDER_BROKEN;
    }
    out->width_px = be32(b + 8);
    out->height_px = be32(b + 12);
    out->channels = b[17] & 2 ? 3 : 1;
    return out->width_px && out->height_px ? DI_RENDER_OK : DI_RENDER_BROKEN;
}

static di_render_status_e png_read(di_header_t *out, cursor_t *c)
{
    int data_seen = 0, palette;

    if (!begins(c, "\x89PNG\r\n\x1A\n", 8)) {
        return DI_RENDER_UNSUPPORTED;
    }
    c->at = 8;
    if (png_ihdr(out, c) != DI_RENDER_OK) {
        return DI_RENDER_BROKEN;
    }
    palette = c->bytes[25] == 3;
    while (has(c, 12)) {
        const unsigned char *b = c->bytes + c->at;

        if (!memcmp(b + 4, "IEND", 4)) {
            return data_seen ? DI_RENDER_OK : DI_RENDER_BROKEN;
        }
        if (!memcmp(b + 4, "acTL", 4) && !data_seen) {
            out->frames = 2;
        }
        /* One colour that means "transparent": GraphicsMagick shows it. */
        if (!memcmp(b + 4, "tRNS", 4) && !palette) {
            return DI_RENDER_UNSUPPORTED;
        }
        data_seen |= !memcmp(b + 4, "IDAT", 4);
        if (!skip(c, 12) || !skip(c, be32(b))) {
            return DI_RENDER_BROKEN;
        }
    }
    return DI_RENDER_BROKEN;
}

/* ---- GIF ---- */

static apr_size_t gif_table_bytes(unsigned char flags)
{
    return flags & 0x80 ? (apr_size_t)3 << ((flags & 7) + 1) : 0;
}

static int gif_skip_sub_blocks(cursor_t *c)
{
    while (has(c, 1)) {
        apr_size_t len = c->bytes[c->at++];

        if (!len) {
            return 1;
        }
        if (!skip(c, len)) {
            return 0;
        }
    }
    return 0;
}

/* A picture behind its 0x2C.  Frames may reach beyond the logical screen; a
   browser shows the larger, so the larger counts. */
static int gif_frame(di_header_t *out, cursor_t *c)
{
    const unsigned char *b = c->bytes + c->at;
    apr_uint32_t right, bottom;

    if (!has(c, 9)) {
        return 0;
    }
    right = le16(b) + le16(b + 4);
    bottom = le16(b + 2) + le16(b + 6);
    out->width_px = out->width_px > right ? out->width_px : right;
    out->height_px = out->height_px > bottom ? out->height_px : bottom;
    out->frames += out->frames < 2;
    return skip(c, 9) && skip(c, gif_table_bytes(b[8])) && skip(c, 1) &&
           gif_skip_sub_blocks(c);
}

static di_render_status_e gif_read(di_header_t *out, cursor_t *c)
{
    if (!begins(c, "GIF87a", 6) && !begins(c, "GIF89a", 6)) {
        return DI_RENDER_UNSUPPORTED;
    }
    if (!has(c, 13)) {
        return DI_RENDER_BROKEN;
    }
    out->frames = 0;
    out->channels = 3;
    out->width_px = le16(c->bytes + 6);
    out->height_px = le16(c->bytes + 8);
    if (!skip(c, 13) || !skip(c, gif_table_bytes(c->bytes[10]))) {
        return DI_RENDER_BROKEN;
    }
    while (has(c, 1)) {
        unsigned char kind = c->bytes[c->at++];

        if (kind == 0x3B) {
            return out->frames && out->width_px && out->height_px
                       ? DI_RENDER_OK
                       : DI_RENDER_BROKEN;
        }
        if (!(kind == 0x21 && skip(c, 1) && gif_skip_sub_blocks(c)) &&
            !(kind == 0x2C && gif_frame(out, c))) {
            return DI_RENDER_BROKEN;
        }
    }
    return DI_RENDER_BROKEN;
}

/* ---- WebP ---- */

static void webp_extended(di_header_t *out, const unsigned char *b)
{
    out->frames = b[0] & 0x02 ? 2 : 1;
    out->width_px = le24(b + 4) + 1;
    out->height_px = le24(b + 7) + 1;
}

static int webp_lossy(di_header_t *out, const unsigned char *b)
{
    if (memcmp(b + 3, "\x9D\x01\x2A", 3)) {
        return 0;
    }
    out->width_px = le16(b + 6) & 0x3FFF;
    out->height_px = le16(b + 8) & 0x3FFF;
    return 1;
}

static int webp_lossless(di_header_t *out, const unsigned char *b)
{
    if (b[0] != 0x2F) {
        return 0;
    }
    out->width_px = (le32(b + 1) & 0x3FFF) + 1;
    out->height_px = (le32(b + 1) >> 14 & 0x3FFF) + 1;
    return 1;
}

/* One chunk's data; 0 when it is damaged.  The first size found stays: with
   VP8X that is the canvas. */
static int webp_chunk(di_header_t *out, const unsigned char *name,
                      const unsigned char *b, apr_size_t len)
{
    if (out->width_px) {
        return 1;
    }
    if (!memcmp(name, "VP8X", 4)) {
        return len >= 10 ? (webp_extended(out, b), 1) : 0;
    }
    if (!memcmp(name, "VP8 ", 4)) {
        return len >= 10 && webp_lossy(out, b);
    }
    if (!memcmp(name, "VP8L", 4)) {
        return len >= 5 && webp_lossless(out, b);
    }
    return 1;
}

static di_render_status_e webp_read(di_header_t *out, cursor_t *c)
{
    apr_size_t riff;

    if (!begins(c, "RIFF", 4) || !has(c, 12) ||
        memcmp(c->bytes + 8, "WEBP", 4)) {
        return DI_RENDER_UNSUPPORTED;
    }
    riff = le32(c->bytes + 4);
    if (riff < 4 || riff > c->len - 8) {
        return DI_RENDER_BROKEN;
    }
    c->len = riff + 8;
    c->at = 12;
    while (has(c, 8)) {
        const unsigned char *name = c->bytes + c->at;
        apr_size_t len = le32(name + 4);

        c->at += 8;
        if (!has(c, len) || !webp_chunk(out, name, name + 8, len)) {
            return DI_RENDER_BROKEN;
        }
        if (!memcmp(name, "EXIF", 4) && !out->exif.len) {
            out->exif.at = c->at;
            out->exif.len = len;
        }
        c->at += len;
        (void)skip(c, len & 1);
    }
    return out->width_px && out->height_px ? DI_RENDER_OK : DI_RENDER_BROKEN;
}

di_render_status_e di_header_read(di_header_t *out, di_format_e format,
                                  const unsigned char *bytes, apr_size_t len)
{
    cursor_t c = {bytes, len, 0};

    memset(out, 0, sizeof(*out));
    out->format = (apr_uint32_t)format;
    out->frames = 1;
    switch (format) {
    case DI_FORMAT_JPEG:
        return jpeg_read(out, &c);
    case DI_FORMAT_PNG:
        return png_read(out, &c);
    case DI_FORMAT_GIF:
        return gif_read(out, &c);
    case DI_FORMAT_WEBP:
        return webp_read(out, &c);
    case DI_FORMAT_UNKNOWN:
        break;
    }
    return DI_RENDER_UNSUPPORTED;
}
