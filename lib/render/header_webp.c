/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebP: RIFF, size, "WEBP", then chunks
 *
 *     name (4) | length of the data (4, little-endian) | data | [one byte, to
 *     an even length]
 *
 * either VP8 or VP8L alone, or VP8X with the canvas and then ICCP, ANIM and
 * ANMF or ALPH and VP8 or VP8L, EXIF, XMP.
 */
#include "render/header_in.h"

enum { FLAG_ANIMATION = 0x02, FLAG_ALPHA = 0x10 };

typedef struct {
    int extended;        /* VP8X gave the canvas */
    int picture;         /* VP8 or VP8L was seen */
    apr_uint64_t moving; /* ANMF chunks */
} webp_t;

static int is_named(const unsigned char *chunk, const char *name)
{
    return !memcmp(chunk, name, 4);
}

/* A picture must fill its canvas exactly (RFC 9649 2.7.1.2 makes the canvas
   the picture's size; libwebp refuses anything else). */
static int take_size(di_header_t *out, webp_t *webp, apr_uint32_t width_px,
                     apr_uint32_t height_px)
{
    webp->picture = 1;
    if (webp->extended) {
        return out->width_px == width_px && out->height_px == height_px;
    }
    out->width_px = width_px;
    out->height_px = height_px;
    return 1;
}

/* RFC 6386 9.1: a key frame that is shown, start code, 14 bits each. */
static int read_lossy(di_header_t *out, webp_t *webp, const unsigned char *b,
                      apr_size_t len)
{
    return len >= 10 && !(b[0] & 1) && !memcmp(b + 3, "\x9D\x01\x2A", 3) &&
           take_size(out, webp, di_le16(b + 6) & 0x3FFF,
                     di_le16(b + 8) & 0x3FFF);
}

/* RFC 9649 3.4: signature, 14 bits each, alpha, version 0. */
static int read_lossless(di_header_t *out, webp_t *webp, const unsigned char *b,
                         apr_size_t len)
{
    apr_uint32_t bits;

    if (len < 5 || b[0] != 0x2F || (bits = di_le32(b + 1)) >> 29) {
        return 0;
    }
    out->alpha |= (int)(bits >> 28 & 1);
    return take_size(out, webp, (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1);
}

static int read_canvas(di_header_t *out, webp_t *webp, const unsigned char *b,
                       apr_size_t len)
{
    if (len < 10 || webp->extended || webp->picture) {
        return 0;
    }
    webp->extended = 1;
    out->animated = (b[0] & FLAG_ANIMATION) != 0;
    out->alpha = (b[0] & FLAG_ALPHA) != 0;
    out->width_px = di_le24(b + 4) + 1;
    out->height_px = di_le24(b + 7) + 1;
    return 1;
}

/* One chunk whose data lie at c; 0 when it is damaged. */
static int read_chunk(di_header_t *out, webp_t *webp, const di_cursor_t *c,
                      const unsigned char *chunk, apr_size_t len)
{
    const unsigned char *b = c->bytes + c->at;

    if (is_named(chunk, "VP8X")) {
        return read_canvas(out, webp, b, len);
    }
    if (is_named(chunk, "VP8 ") && !webp->picture) {
        return read_lossy(out, webp, b, len);
    }
    if (is_named(chunk, "VP8L") && !webp->picture) {
        return read_lossless(out, webp, b, len);
    }
    if (is_named(chunk, "ANMF")) {
        webp->moving++;
    }
    else if (is_named(chunk, "ALPH")) {
        out->alpha = 1;
    }
    else if (is_named(chunk, "ICCP")) {
        di_header_add_profile(out, len);
    }
    else if (is_named(chunk, "EXIF")) {
        di_header_note_exif(out, c, c->at, len);
    }
    return 1;
}

/* The size stands at the beginning of a picture's data. */
static void read_cut_picture(di_header_t *out, webp_t *webp,
                             const di_cursor_t *c, const unsigned char *chunk)
{
    if (is_named(chunk, "VP8 ") || is_named(chunk, "VP8L")) {
        (void)read_chunk(out, webp, c, chunk, c->len - c->at);
    }
}

static di_render_status_e finish(di_header_t *out, const webp_t *webp)
{
    if (out->animated) {
        out->frames = di_header_frames(webp->moving);
        return webp->moving ? DI_RENDER_OK : DI_RENDER_BROKEN;
    }
    return webp->picture ? DI_RENDER_OK : DI_RENDER_BROKEN;
}

di_render_status_e di_header_webp(di_header_t *out, di_cursor_t *c)
{
    webp_t webp = {0, 0, 0};
    apr_size_t riff;
    int is_cut;

    if (!di_cursor_begins(c, "RIFF", 4) || !di_cursor_has(c, 12) ||
        memcmp(c->bytes + 8, "WEBP", 4)) {
        return DI_RENDER_UNSUPPORTED;
    }
    riff = di_le32(c->bytes + 4);
    if (riff < 4) {
        return DI_RENDER_BROKEN;
    }
    /* What is there of a cut file is read all the same: its size may be. */
    is_cut = riff > c->len - 8;
    c->len = is_cut ? c->len : riff + 8;
    c->at = 12;
    while (di_cursor_has(c, 8)) {
        const unsigned char *chunk = di_cursor_take(c, 8);
        apr_size_t len = di_le32(chunk + 4);

        if (!di_cursor_has(c, len)) {
            read_cut_picture(out, &webp, c, chunk);
            return DI_RENDER_BROKEN;
        }
        if (!read_chunk(out, &webp, c, chunk, len)) {
            return DI_RENDER_BROKEN;
        }
        c->at += len;
        (void)di_cursor_skip(c, len & 1);
    }
    return is_cut ? DI_RENDER_BROKEN : finish(out, &webp);
}
