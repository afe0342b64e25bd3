/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JPEG: SOI, segments FF xx length, entropy-coded data behind each SOS, EOI.
 * What follows EOI (further pictures of a phone) is not looked at.
 *
 * Each scan of a progressive picture is a walk over all of its coefficients
 * in the decoder, however few bytes it has: the count of scans bounds that.
 */
#include "render/header_in.h"

#define ICC_NAME "ICC_PROFILE"
#define ICC_HEAD_LEN 14 /* the name with its NUL, number, count of parts */

enum {
    MARKER_SOF0 = 0xC0, /* baseline */
    MARKER_SOF1 = 0xC1, /* extended sequential, Huffman */
    MARKER_SOF2 = 0xC2, /* progressive, Huffman */
    MARKER_DHT = 0xC4,
    MARKER_JPG = 0xC8,
    MARKER_DAC = 0xCC,
    MARKER_SOF15 = 0xCF,
    MARKER_RST0 = 0xD0,
    MARKER_SOI = 0xD8,
    MARKER_EOI = 0xD9,
    MARKER_SOS = 0xDA,
    MARKER_APP1 = 0xE1,
    MARKER_APP2 = 0xE2,
    MARKER_TEM = 0x01
};

static int is_frame(unsigned char marker)
{
    return marker >= MARKER_SOF0 && marker <= MARKER_SOF15 &&
           marker != MARKER_DHT && marker != MARKER_JPG && marker != MARKER_DAC;
}

static int has_no_length(unsigned char marker)
{
    return marker == MARKER_TEM ||
           (marker >= MARKER_RST0 && marker <= MARKER_SOI);
}

/* To the byte behind the next marker; 0 at the end of the input.  In front of
   it lie entropy-coded data with FF 00, or fill bytes, or nothing. */
static int next_marker(di_cursor_t *c, unsigned char *marker)
{
    for (;;) {
        const unsigned char *ff =
            memchr(c->bytes + c->at, 0xFF, di_cursor_left(c));

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

/* Precision, height, width, number of components.  Arithmetic coding,
   lossless and hierarchical frames and 12 bits are for no renderer. */
static di_render_status_e read_frame(di_header_t *out, unsigned char marker,
                                     const unsigned char *b, apr_size_t len)
{
    if (len < 6 || out->width_px) {
        return DI_RENDER_BROKEN;
    }
    out->height_px = di_be16(b + 1);
    out->width_px = di_be16(b + 3);
    out->channels = b[5];
    out->progressive = marker == MARKER_SOF2;
    if (!out->width_px || !out->height_px) {
        return DI_RENDER_BROKEN;
    }
    return marker <= MARKER_SOF2 && b[0] == 8 &&
                   (b[5] == 1 || b[5] == 3 || b[5] == 4)
               ? DI_RENDER_OK
               : DI_RENDER_UNSUPPORTED;
}

static void read_app(di_header_t *out, unsigned char marker,
                     const di_cursor_t *c, apr_size_t len)
{
    const unsigned char *b = c->bytes + c->at;

    if (marker == MARKER_APP1 && len > 6 && !memcmp(b, "Exif\0", 6)) {
        di_header_note_exif(out, c, c->at, len);
    }
    if (marker == MARKER_APP2 && len > ICC_HEAD_LEN &&
        !memcmp(b, ICC_NAME, sizeof(ICC_NAME))) {
        di_header_add_profile(out, len - ICC_HEAD_LEN);
    }
}

/* The segment behind a marker that has a length. */
static di_render_status_e read_segment(di_header_t *out, di_cursor_t *c,
                                       unsigned char marker)
{
    di_render_status_e status = DI_RENDER_OK;
    apr_size_t len;

    if (!di_cursor_has(c, 2) || (len = di_be16(c->bytes + c->at)) < 2 ||
        !di_cursor_has(c, len)) {
        return DI_RENDER_BROKEN;
    }
    c->at += 2;
    len -= 2;
    if (is_frame(marker)) {
        status = read_frame(out, marker, c->bytes + c->at, len);
    }
    else if (marker == MARKER_SOS) {
        out->scans++;
        status = out->width_px ? DI_RENDER_OK : DI_RENDER_BROKEN;
    }
    else {
        read_app(out, marker, c, len);
    }
    c->at += len;
    return status;
}

di_render_status_e di_header_jpeg(di_header_t *out, di_cursor_t *c)
{
    unsigned char marker;

    if (!di_cursor_begins(c, "\xFF\xD8\xFF", 3)) {
        return DI_RENDER_UNSUPPORTED;
    }
    c->at = 2;
    out->scans = 0;
    while (next_marker(c, &marker)) {
        di_render_status_e status;

        if (marker == MARKER_EOI) {
            return out->scans ? DI_RENDER_OK : DI_RENDER_BROKEN;
        }
        if (has_no_length(marker)) {
            continue;
        }
        status = read_segment(out, c, marker);
        if (status != DI_RENDER_OK) {
            return status;
        }
    }
    return DI_RENDER_BROKEN;
}
