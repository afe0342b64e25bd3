/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EXIF, read for five tags and written with five tags:
 *
 *   FF E1 | length 116 | "Exif" 00 00 | TIFF data, big-endian, 108 bytes:
 *     0  "MM" 002A, offset of IFD0 = 8
 *     8  IFD0, 4 entries:   XResolution -> 62, YResolution -> 70,
 *                           ResolutionUnit 2, Exif IFD -> 78
 *    62  72 * width / shown width    (two 32-bit numbers)
 *    70  72 * height / shown height
 *    78  Exif IFD, 2 entries: PixelXDimension, PixelYDimension = shown size
 *
 * A browser takes the shown size only when pixels * 72 / resolution, rounded,
 * equals it on both axes; with the fraction above that holds exactly.
 */
#include "render/density.h"

#include <string.h>

enum {
    TAG_ORIENTATION = 0x0112,
    TAG_X_RESOLUTION = 0x011A,
    TAG_Y_RESOLUTION = 0x011B,
    TAG_RESOLUTION_UNIT = 0x0128,
    TAG_EXIF_IFD = 0x8769,
    TAG_PIXEL_X = 0xA002,
    TAG_PIXEL_Y = 0xA003
};

enum { TYPE_SHORT = 3, TYPE_LONG = 4, TYPE_RATIONAL = 5 };

#define UNIT_INCH 2
#define CSS_DPI 72 /* the resolution that means "one pixel each" */

typedef struct {
    const unsigned char *bytes;
    apr_size_t len;
    int big_endian;
} tiff_t;

/* Numbers beyond the end read as 0. */
static apr_uint32_t get16(const tiff_t *tiff, apr_size_t at)
{
    const unsigned char *b = tiff->bytes + at;

    if (at > tiff->len || tiff->len - at < 2) {
        return 0;
    }
    return tiff->big_endian ? (apr_uint32_t)b[0] << 8 | b[1]
                            : (apr_uint32_t)b[1] << 8 | b[0];
}

static apr_uint32_t get32(const tiff_t *tiff, apr_size_t at)
{
    apr_uint32_t first, second;

    if (at > tiff->len || tiff->len - at < 4) {
        return 0;
    }
    first = get16(tiff, at);
    second = get16(tiff, at + 2);
    return tiff->big_endian ? first << 16 | second : second << 16 | first;
}

/* A SHORT or LONG of one entry; 0 for any other type. */
static apr_uint32_t entry_number(const tiff_t *tiff, apr_size_t at)
{
    switch (get16(tiff, at + 2)) {
    case TYPE_SHORT:
        return get16(tiff, at + 8);
    case TYPE_LONG:
        return get32(tiff, at + 8);
    default:
        return 0;
    }
}

static void entry_rational(apr_uint32_t *num, apr_uint32_t *den,
                           const tiff_t *tiff, apr_size_t at)
{
    if (get16(tiff, at + 2) == TYPE_RATIONAL) {
        apr_size_t value = get32(tiff, at + 8);

        *num = get32(tiff, value);
        *den = get32(tiff, value + 4);
    }
}

/* One entry of either directory.  Returns the Exif directory's offset when
   this entry gives it, else 0. */
static apr_size_t read_entry(di_exif_t *out, const tiff_t *tiff, apr_size_t at)
{
    switch (get16(tiff, at)) {
    case TAG_ORIENTATION:
        out->orientation = entry_number(tiff, at);
        break;
    case TAG_X_RESOLUTION:
        entry_rational(&out->x_num, &out->x_den, tiff, at);
        break;
    case TAG_Y_RESOLUTION:
        entry_rational(&out->y_num, &out->y_den, tiff, at);
        break;
    case TAG_RESOLUTION_UNIT:
        out->unit = entry_number(tiff, at);
        break;
    case TAG_PIXEL_X:
        out->width_px = entry_number(tiff, at);
        break;
    case TAG_PIXEL_Y:
        out->height_px = entry_number(tiff, at);
        break;
    case TAG_EXIF_IFD:
        return entry_number(tiff, at);
    default:
        break;
    }
    return 0;
}

static apr_size_t read_directory(di_exif_t *out, const tiff_t *tiff,
                                 apr_size_t at)
{
    apr_size_t entries = get16(tiff, at), exif_at = 0, i;

    at += 2;
    for (i = 0; i < entries && at < tiff->len; i++, at += 12) {
        apr_size_t found = read_entry(out, tiff, at);

        exif_at = found ? found : exif_at;
    }
    return exif_at;
}

void di_exif_read(di_exif_t *out, const unsigned char *bytes, apr_size_t len)
{
    tiff_t tiff = {bytes, len, 0};

    memset(out, 0, sizeof(*out));
    out->orientation = 1;
    if (len >= 8 &&
        (!memcmp(bytes, "MM\0*", 4) || !memcmp(bytes, "II*\0", 4))) {
        apr_size_t exif_at;

        tiff.big_endian = bytes[0] == 'M';
        exif_at = read_directory(out, &tiff, get32(&tiff, 4));
        if (exif_at) {
            (void)read_directory(out, &tiff, exif_at);
        }
    }
    if (out->orientation < 1 || out->orientation > 8) {
        out->orientation = 1;
    }
}

int di_exif_turns(apr_uint32_t orientation)
{
    return orientation >= 5;
}

/* pixels * 72 / (num / den), rounded to the nearest; 0 when there is none. */
static apr_uint64_t size_from_resolution(apr_uint32_t px, apr_uint32_t num,
                                         apr_uint32_t den)
{
    apr_uint64_t scaled = (apr_uint64_t)(px & 0xFFFF) * CSS_DPI * den;

    return num ? (2 * scaled + num) / (2 * (apr_uint64_t)num) : 0;
}

void di_density_shown(apr_uint32_t *width_px, apr_uint32_t *height_px,
                      const di_exif_t *exif)
{
    apr_uint64_t width, height;

    width = size_from_resolution(*width_px, exif->x_num, exif->x_den);
    height = size_from_resolution(*height_px, exif->y_num, exif->y_den);
    if (exif->unit == UNIT_INCH && width && height && width == exif->width_px &&
        height == exif->height_px) {
        *width_px = exif->width_px;
        *height_px = exif->height_px;
    }
}

static unsigned char *put16(unsigned char *b, apr_uint32_t value)
{
    b[0] = (unsigned char)(value >> 8);
    b[1] = (unsigned char)value;
    return b + 2;
}

static unsigned char *put32(unsigned char *b, apr_uint32_t value)
{
    return put16(put16(b, value >> 16), value & 0xFFFF);
}

/* An entry with one value; a SHORT stands in the upper half of the field. */
static unsigned char *put_entry(unsigned char *b, apr_uint32_t tag,
                                apr_uint32_t type, apr_uint32_t value)
{
    b = put16(put16(b, tag), type);
    return put32(put32(b, 1), type == TYPE_SHORT ? value << 16 : value);
}

void di_density_block(unsigned char block[DI_DENSITY_BYTES],
                      apr_uint32_t width_px, apr_uint32_t height_px,
                      apr_uint32_t shown_width_px, apr_uint32_t shown_height_px)
{
    unsigned char *b = block;

    b = put16(put16(b, 0xFFE1), DI_DENSITY_BYTES - 2);
    memcpy(b, "Exif\0\0MM\0*", 10);
    b = put32(b + 10, 8);
    b = put16(b, 4);
    b = put_entry(b, TAG_X_RESOLUTION, TYPE_RATIONAL, 62);
    b = put_entry(b, TAG_Y_RESOLUTION, TYPE_RATIONAL, 70);
    b = put_entry(b, TAG_RESOLUTION_UNIT, TYPE_SHORT, UNIT_INCH);
    b = put_entry(b, TAG_EXIF_IFD, TYPE_LONG, 78);
    b = put32(b, 0);
    b = put32(put32(b, CSS_DPI * width_px), shown_width_px);
    b = put32(put32(b, CSS_DPI * height_px), shown_height_px);
    b = put16(b, 2);
    b = put_entry(b, TAG_PIXEL_X, TYPE_LONG, shown_width_px);
    b = put_entry(b, TAG_PIXEL_Y, TYPE_LONG, shown_height_px);
    put32(b, 0);
}
