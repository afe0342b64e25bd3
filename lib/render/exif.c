/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EXIF, read for seven tags and written with those of them that a rendition
 * needs, big-endian:
 *
 *     0  "MM" 002A, offset of IFD0 = 8
 *     8  IFD0, in order of tags:
 *          with a density   XResolution, YResolution, ResolutionUnit 2
 *          with an author   Artist
 *          with a copyright Copyright
 *          with a density   Exif IFD
 *     .  values that do not fit into their entries: the resolutions 72 *
 *        pixels / shown size (two 32-bit numbers each), the texts
 *     .  Exif IFD, 2 entries: PixelXDimension, PixelYDimension = shown size
 *
 * A browser takes the shown size only when pixels * 72 / resolution, rounded,
 * equals it on both axes; with the fraction above that holds exactly.
 */
#include "render/exif.h"

#include <string.h>

enum {
    TAG_ORIENTATION = 0x0112,
    TAG_X_RESOLUTION = 0x011A,
    TAG_Y_RESOLUTION = 0x011B,
    TAG_RESOLUTION_UNIT = 0x0128,
    TAG_ARTIST = 0x013B,
    TAG_COPYRIGHT = 0x8298,
    TAG_EXIF_IFD = 0x8769,
    TAG_PIXEL_X = 0xA002,
    TAG_PIXEL_Y = 0xA003
};

enum {
    TYPE_ASCII = 2, /* in practice any encoding */
    TYPE_SHORT = 3,
    TYPE_LONG = 4,
    TYPE_RATIONAL = 5,
    TYPE_UTF8 = 129 /* EXIF 3.0 */
};

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

/* Spaces, NULs and control characters at the end say nothing. */
static apr_size_t trimmed(const char *text, apr_size_t len)
{
    while (len && (unsigned char)text[len - 1] <= ' ') {
        len--;
    }
    return len;
}

static void entry_text(di_exif_text_t *out, const tiff_t *tiff, apr_size_t at)
{
    apr_uint32_t type = get16(tiff, at + 2);
    apr_size_t count = get32(tiff, at + 4);
    apr_size_t value = count > 4 ? get32(tiff, at + 8) : at + 8;

    if ((type == TYPE_ASCII || type == TYPE_UTF8) && value <= tiff->len &&
        count <= tiff->len - value) {
        out->text = (const char *)tiff->bytes + value;
        out->len = trimmed(out->text, count);
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
    case TAG_ARTIST:
        entry_text(&out->artist, tiff, at);
        break;
    case TAG_COPYRIGHT:
        entry_text(&out->copyright, tiff, at);
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

void di_exif_shown(apr_uint32_t *width_px, apr_uint32_t *height_px,
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

/* A block being written: entries go into a directory, what does not fit into
   an entry behind all that is there already. */
typedef struct {
    unsigned char *block;
    apr_size_t entry_at; /* of the next entry */
    apr_size_t len;      /* of the block so far, even */
} writer_t;

/* Begin a directory; returns its offset. */
static apr_uint32_t begin_directory(writer_t *w, apr_uint32_t entries)
{
    apr_size_t at = w->len;

    w->entry_at = at + 2;
    w->len += 2 + 12 * (apr_size_t)entries + 4;
    (void)put16(w->block + at, entries);
    (void)put32(w->block + w->len - 4, 0); /* no directory follows */
    return (apr_uint32_t)at;
}

static void add_entry(writer_t *w, apr_uint32_t tag, apr_uint32_t type,
                      apr_uint32_t count, apr_uint32_t value)
{
    unsigned char *b = w->block + w->entry_at;

    b = put32(put16(put16(b, tag), type), count);
    /* A SHORT stands in the upper half of the field. */
    (void)put32(b, type == TYPE_SHORT ? value << 16 : value);
    w->entry_at += 12;
}

static void add_rational(writer_t *w, apr_uint32_t tag, apr_uint32_t num,
                         apr_uint32_t den)
{
    add_entry(w, tag, TYPE_RATIONAL, 1, (apr_uint32_t)w->len);
    (void)put32(put32(w->block + w->len, num), den);
    w->len += 8;
}

/* Bytes of a text that are written: at most DI_EXIF_TEXT_MAX, cut in front of
   a character of UTF-8.  Three steps back: in another encoding, any byte may
   look as if it were not the first of a character. */
static apr_size_t kept_bytes(const di_exif_text_t *text)
{
    apr_size_t len = text->len;

    if (len > DI_EXIF_TEXT_MAX) {
        len = DI_EXIF_TEXT_MAX;
        while (len > DI_EXIF_TEXT_MAX - 3 && (text->text[len] & 0xC0) == 0x80) {
            len--;
        }
    }
    return trimmed(text->text, len);
}

/* A text and its final NUL.  Control characters become spaces, but a NUL
   within stays: it parts the photographer's copyright from the editor's. */
static void add_text(writer_t *w, apr_uint32_t tag, const di_exif_text_t *text)
{
    apr_size_t len = kept_bytes(text), i;
    unsigned char *to;

    if (len == 0) {
        return;
    }
    add_entry(w, tag, TYPE_ASCII, (apr_uint32_t)len + 1, (apr_uint32_t)w->len);
    to = w->block + w->len;
    if (len + 1 <= 4) {
        to = w->block + w->entry_at - 4;
        memset(to, 0, 4);
    }
    else {
        w->len += (len + 2) & ~(apr_size_t)1;
        w->block[w->len - 1] = 0;
    }
    for (i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text->text[i];

        to[i] = (c && c < ' ') || c == 0x7F ? ' ' : c;
    }
    to[len] = 0;
}

static void add_resolutions(writer_t *w, const di_exif_wish_t *wish)
{
    add_rational(w, TAG_X_RESOLUTION, CSS_DPI * wish->width_px,
                 wish->shown_width_px);
    add_rational(w, TAG_Y_RESOLUTION, CSS_DPI * wish->height_px,
                 wish->shown_height_px);
    add_entry(w, TAG_RESOLUTION_UNIT, TYPE_SHORT, 1, UNIT_INCH);
}

/* The last entry of IFD0, and the directory to which it points. */
static void add_pixel_sizes(writer_t *w, const di_exif_wish_t *wish)
{
    add_entry(w, TAG_EXIF_IFD, TYPE_LONG, 1, (apr_uint32_t)w->len);
    (void)begin_directory(w, 2);
    add_entry(w, TAG_PIXEL_X, TYPE_LONG, 1, wish->shown_width_px);
    add_entry(w, TAG_PIXEL_Y, TYPE_LONG, 1, wish->shown_height_px);
}

apr_size_t di_exif_write(unsigned char block[DI_EXIF_MAX],
                         const di_exif_wish_t *wish)
{
    writer_t w = {block, 0, 8};
    int density = wish->shown_width_px && wish->shown_height_px &&
                  (wish->shown_width_px != wish->width_px ||
                   wish->shown_height_px != wish->height_px);
    unsigned entries = (density ? 4 : 0) + (kept_bytes(&wish->artist) != 0) +
                       (kept_bytes(&wish->copyright) != 0);

    if (entries == 0) {
        return 0;
    }
    memcpy(block, "MM\0*", 4);
    (void)put32(block + 4, begin_directory(&w, entries));
    if (density) {
        add_resolutions(&w, wish);
    }
    add_text(&w, TAG_ARTIST, &wish->artist);
    add_text(&w, TAG_COPYRIGHT, &wish->copyright);
    if (density) {
        add_pixel_sizes(&w, wish);
    }
    return w.len;
}
