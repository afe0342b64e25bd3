/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GIF: logical screen, then blocks up to the trailer 3B:
 *
 *     21 label        extension, sub-blocks
 *     2C place, size, flags [colour table] code size, sub-blocks
 *
 * Sub-blocks are a length byte and that many bytes, up to a length of 0.
 */
#include "render/header_in.h"

#define PROFILE_NAME "\x0BICCRGBG1012" /* with the length of its sub-block */
#define PROFILE_NAME_LEN 12

enum {
    BLOCK_EXTENSION = 0x21,
    BLOCK_PICTURE = 0x2C,
    BLOCK_TRAILER = 0x3B,
    LABEL_CONTROL = 0xF9,
    LABEL_APPLICATION = 0xFF
};

static apr_size_t table_bytes(unsigned char flags)
{
    return flags & 0x80 ? (apr_size_t)3 << ((flags & 7) + 1) : 0;
}

static int skip_sub_blocks(di_cursor_t *c)
{
    while (di_cursor_has(c, 1)) {
        apr_size_t len = c->bytes[c->at++];

        if (!len) {
            return 1;
        }
        if (!di_cursor_skip(c, len)) {
            return 0;
        }
    }
    return 0;
}

/* Behind 0x21. */
static int read_extension(di_header_t *out, di_cursor_t *c)
{
    const unsigned char *label = di_cursor_take(c, 1);
    apr_size_t from = c->at;
    int profile;

    if (!label) {
        return 0;
    }
    profile = *label == LABEL_APPLICATION &&
              di_cursor_begins(c, PROFILE_NAME, PROFILE_NAME_LEN);
    if (*label == LABEL_CONTROL && di_cursor_has(c, 2) && label[1] >= 1) {
        out->alpha |= label[2] & 1;
    }
    if (!skip_sub_blocks(c)) {
        return 0;
    }
    if (profile) {
        di_header_add_profile(out, c->at - from - PROFILE_NAME_LEN - 1);
    }
    return 1;
}

/* Behind 0x2C.  Frames may reach beyond the logical screen; a browser shows
   the larger, so the larger counts.  What the first frame does not cover is
   transparent. */
static int read_picture(di_header_t *out, di_cursor_t *c, apr_uint64_t *count)
{
    const unsigned char *b = di_cursor_take(c, 9);
    apr_uint32_t left, top, right, bottom;

    if (!b) {
        return 0;
    }
    left = di_le16(b);
    top = di_le16(b + 2);
    right = left + di_le16(b + 4);
    bottom = top + di_le16(b + 6);
    if (!(*count)++) {
        out->progressive = (b[8] & 0x40) != 0;
        out->alpha |=
            left || top || right < out->width_px || bottom < out->height_px;
    }
    di_header_cover(out, right, bottom);
    return di_cursor_skip(c, table_bytes(b[8])) && di_cursor_skip(c, 1) &&
           skip_sub_blocks(c);
}

static di_render_status_e finish(di_header_t *out, apr_uint64_t count)
{
    out->frames = di_header_frames(count);
    out->animated = count > 1;
    return count ? DI_RENDER_OK : DI_RENDER_BROKEN;
}

di_render_status_e di_header_gif(di_header_t *out, di_cursor_t *c)
{
    apr_uint64_t count = 0;
    const unsigned char *b;

    if (!di_cursor_begins(c, "GIF87a", 6) &&
        !di_cursor_begins(c, "GIF89a", 6)) {
        return DI_RENDER_UNSUPPORTED;
    }
    b = di_cursor_take(c, 13);
    if (!b || !di_cursor_skip(c, table_bytes(b[10]))) {
        return DI_RENDER_BROKEN;
    }
    out->channels = 3;
    di_header_cover(out, di_le16(b + 6), di_le16(b + 8));
    while (di_cursor_has(c, 1)) {
        unsigned char kind = c->bytes[c->at++];

        if (kind == BLOCK_TRAILER) {
            return finish(out, count);
        }
        if (!(kind == BLOCK_EXTENSION && read_extension(out, c)) &&
            !(kind == BLOCK_PICTURE && read_picture(out, c, &count))) {
            return DI_RENDER_BROKEN;
        }
    }
    return DI_RENDER_BROKEN;
}
