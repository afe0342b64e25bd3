/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PNG: signature, then chunks
 *
 *     length of the data (4, big-endian) | name (4) | data | CRC (4)
 *
 * from IHDR to IEND.  CRCs are left to the decoder, and so is what compressed
 * text and profiles unpack to: it has its own limits for them.
 */
#include "render/header_in.h"

#define SIGNATURE "\x89PNG\r\n\x1A\n"
#define NUMBER_MAX 0x7FFFFFFF /* PNG 7.1 */

enum { COLOR_PALETTE = 3, COLOR_BIT_COLOR = 2, COLOR_BIT_ALPHA = 4 };

typedef struct {
    int data;                   /* IDAT was seen */
    apr_uint32_t said;          /* number of frames that a valid acTL gives */
    apr_uint64_t controls;      /* fcTL chunks */
    apr_uint64_t data_controls; /* those in front of IDAT */
} png_t;

static int is_named(const unsigned char *chunk, const char *name)
{
    return !memcmp(chunk + 4, name, 4);
}

/* Which bit depths a colour type has (PNG 11.2.2). */
static int is_legal(unsigned depth, unsigned color)
{
    static const unsigned depths[7] = {
        1u << 1 | 1u << 2 | 1u << 4 | 1u << 8 | 1u << 16, /* grey */
        0,
        1u << 8 | 1u << 16,                    /* colour */
        1u << 1 | 1u << 2 | 1u << 4 | 1u << 8, /* palette */
        1u << 8 | 1u << 16,                    /* grey and alpha */
        0,
        1u << 8 | 1u << 16}; /* colour and alpha */

    return color < 7 && depth <= 16 && depths[color] >> depth & 1u;
}

static di_render_status_e read_ihdr(di_header_t *out, di_cursor_t *c)
{
    const unsigned char *b = di_cursor_take(c, 25);

    if (!b || di_be32(b) != 13 || !is_named(b, "IHDR")) {
        return DI_RENDER_BROKEN;
    }
    out->width_px = di_be32(b + 8);
    out->height_px = di_be32(b + 12);
    out->channels = b[17] & COLOR_BIT_COLOR ? 3 : 1;
    out->alpha = b[17] != COLOR_PALETTE && b[17] & COLOR_BIT_ALPHA;
    out->progressive = b[20] == 1;
    return out->width_px && out->width_px <= NUMBER_MAX && out->height_px &&
                   out->height_px <= NUMBER_MAX && is_legal(b[16], b[17]) &&
                   !b[18] && !b[19] && b[20] <= 1
               ? DI_RENDER_OK
               : DI_RENDER_BROKEN;
}

/* One chunk whose data lie at c. */
static void read_chunk(di_header_t *out, png_t *png, const di_cursor_t *c,
                       const unsigned char *chunk, apr_size_t len)
{
    if (is_named(chunk, "IDAT")) {
        png->data = 1;
    }
    else if (is_named(chunk, "acTL") && !png->data && len == 8) {
        png->said = di_be32(chunk + 8);
    }
    else if (is_named(chunk, "fcTL")) {
        png->controls++;
        png->data_controls += !png->data;
    }
    else if (is_named(chunk, "tRNS")) {
        out->alpha = 1;
    }
    else if (is_named(chunk, "iCCP")) {
        di_header_add_profile(out, len);
    }
    else if (is_named(chunk, "eXIf")) {
        di_header_note_exif(out, c, c->at, len);
    }
}

/* An APNG of one frame still moves when IDAT is not that frame. */
static di_render_status_e finish(di_header_t *out, const png_t *png)
{
    if (png->said) {
        out->frames = di_header_frames(png->controls > png->said ? png->controls
                                                                 : png->said);
        out->animated = out->frames > 1 || !png->data_controls;
    }
    return png->data ? DI_RENDER_OK : DI_RENDER_BROKEN;
}

di_render_status_e di_header_png(di_header_t *out, di_cursor_t *c)
{
    png_t png = {0, 0, 0, 0};

    if (!di_cursor_begins(c, SIGNATURE, 8)) {
        return DI_RENDER_UNSUPPORTED;
    }
    c->at = 8;
    if (read_ihdr(out, c) != DI_RENDER_OK) {
        return DI_RENDER_BROKEN;
    }
    while (di_cursor_has(c, 12)) {
        const unsigned char *chunk = di_cursor_take(c, 8);
        apr_size_t len = di_be32(chunk);

        if (is_named(chunk, "IEND")) {
            return finish(out, &png);
        }
        if (len > NUMBER_MAX || !di_cursor_has(c, len)) {
            return DI_RENDER_BROKEN;
        }
        read_chunk(out, &png, c, chunk, len);
        if (!di_cursor_skip(c, len) || !di_cursor_skip(c, 4)) {
            return DI_RENDER_BROKEN;
        }
    }
    return DI_RENDER_BROKEN;
}
