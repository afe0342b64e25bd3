/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BMP: file header of 14 bytes ("BM", size, reserved, offset of the pixels),
 * a header whose first four bytes are its own length, masks or palette,
 * pixels; all little-endian.
 *
 *     at  OS/2 1 (12 bytes)   Windows (40 and more), OS/2 2 (64)
 *      4  width (2)           width (4)
 *      6  height (2)
 *      8  planes (2)          height (4), negative: from the top down
 *     10  bits a pixel (2)
 *     12                      planes (2)
 *     14                      bits a pixel (2)
 *     16                      compression (4)
 *     52                      mask of alpha (from 56 bytes on)
 *     56                      colour space (from 108 bytes on)
 *    112                      offset and length of a profile (124 bytes)
 *
 * The file's size in its header is not looked at: many writers leave it 0.
 * Source: Windows GDI, "Bitmap Header Types"; OS/2 2.0 PM reference.
 */
#include "render/header_in.h"

#define FILE_HEADER_LEN 14
#define SPACE_EMBEDDED 0x4D424544 /* 'MBED' */

enum {
    LEN_OS2 = 12,
    LEN_INFO = 40,
    LEN_ALPHA = 56,
    LEN_OS2_2 = 64,
    LEN_V5 = 124
};

enum {
    CODE_RGB = 0,
    CODE_RLE8 = 1,
    CODE_RLE4 = 2,
    CODE_MASKS = 3,
    CODE_ALPHA_MASKS = 6
};

typedef struct {
    const unsigned char *info; /* the header behind the file's */
    apr_uint32_t info_len;
    apr_uint32_t bits, code;
} bmp_t;

static int is_known_header(apr_uint32_t len)
{
    return len == LEN_OS2 || len == LEN_INFO || len == 52 || len == LEN_ALPHA ||
           len == LEN_OS2_2 || len == 108 || len == LEN_V5;
}

static int is_known_coding(const bmp_t *bmp)
{
    switch (bmp->code) {
    case CODE_RGB:
        return bmp->bits == 1 || bmp->bits == 4 || bmp->bits == 8 ||
               bmp->bits == 16 || bmp->bits == 24 || bmp->bits == 32;
    case CODE_RLE8:
        return bmp->bits == 8;
    case CODE_RLE4:
        return bmp->bits == 4;
    case CODE_MASKS:
    case CODE_ALPHA_MASKS:
        return bmp->info_len != LEN_OS2_2 &&
               (bmp->bits == 16 || bmp->bits == 32);
    default:
        return 0;
    }
}

/* Two's complement, without its sign; the least number stays over 2^31. */
static apr_uint32_t magnitude(apr_uint32_t number)
{
    return number >> 31 ? 0u - number : number;
}

static void read_size(di_header_t *out, bmp_t *bmp)
{
    const unsigned char *b = bmp->info;

    if (bmp->info_len == LEN_OS2) {
        out->width_px = di_le16(b + 4);
        out->height_px = di_le16(b + 6);
        bmp->bits = di_le16(b + 10);
        return;
    }
    out->width_px = di_le32(b + 4);
    out->height_px = magnitude(di_le32(b + 8));
    bmp->bits = di_le16(b + 14);
    bmp->code = di_le32(b + 16);
}

/* 0 when the profile does not lie in the file. */
static int read_profile(di_header_t *out, const bmp_t *bmp,
                        const di_cursor_t *c)
{
    apr_uint32_t at, len;

    if (bmp->info_len < LEN_V5 || di_le32(bmp->info + 56) != SPACE_EMBEDDED) {
        return 1;
    }
    at = di_le32(bmp->info + 112);
    len = di_le32(bmp->info + 116);
    out->profile_bytes = len;
    return at <= c->len - FILE_HEADER_LEN &&
           len <= c->len - FILE_HEADER_LEN - at;
}

/* Pairs of count and value; count 0 is an escape: 0 end of line, 1 end of
   the picture, 2 and two bytes a move, n that many pixels as they are, to an
   even number of bytes. */
static int reaches_its_end(di_cursor_t *c, apr_uint32_t code)
{
    const unsigned char *pair;

    while ((pair = di_cursor_take(c, 2))) {
        apr_size_t bytes = 0;

        if (pair[0]) {
            continue;
        }
        if (pair[1] == 1) {
            return 1;
        }
        if (pair[1] == 2) {
            bytes = 2;
        }
        else if (pair[1]) {
            bytes = code == CODE_RLE8 ? pair[1] : (pair[1] + 1u) / 2;
            bytes += bytes & 1;
        }
        if (!di_cursor_skip(c, bytes)) {
            return 0;
        }
    }
    return 0;
}

/* Rows are padded to four bytes. */
static int has_its_pixels(const di_header_t *out, const bmp_t *bmp,
                          di_cursor_t *c)
{
    apr_uint64_t row_bytes =
        ((apr_uint64_t)out->width_px * bmp->bits + 31) / 32 * 4;

    return bmp->code == CODE_RLE8 || bmp->code == CODE_RLE4
               ? reaches_its_end(c, bmp->code)
               : row_bytes <= di_cursor_left(c) / out->height_px;
}

di_render_status_e di_header_bmp(di_header_t *out, di_cursor_t *c)
{
    bmp_t bmp = {NULL, 0, 0, 0};
    apr_uint32_t pixels_at;

    if (!di_cursor_begins(c, "BM", 2)) {
        return DI_RENDER_UNSUPPORTED;
    }
    if (!di_cursor_has(c, FILE_HEADER_LEN + 4)) {
        return DI_RENDER_BROKEN;
    }
    bmp.info = c->bytes + FILE_HEADER_LEN;
    bmp.info_len = di_le32(bmp.info);
    pixels_at = di_le32(c->bytes + 10);
    if (!is_known_header(bmp.info_len)) {
        return DI_RENDER_UNSUPPORTED;
    }
    if (pixels_at < FILE_HEADER_LEN + bmp.info_len ||
        !di_cursor_skip(c, pixels_at)) {
        return DI_RENDER_BROKEN;
    }
    read_size(out, &bmp);
    out->channels = 3;
    out->alpha = bmp.code == CODE_ALPHA_MASKS ||
                 (bmp.info_len >= LEN_ALPHA && bmp.info_len != LEN_OS2_2 &&
                  di_le32(bmp.info + 52));
    if (!is_known_coding(&bmp)) {
        return DI_RENDER_UNSUPPORTED;
    }
    return out->width_px && !(out->width_px >> 31) && out->height_px &&
                   read_profile(out, &bmp, c) && has_its_pixels(out, &bmp, c)
               ? DI_RENDER_OK
               : DI_RENDER_BROKEN;
}
