/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TIFF: byte order, 42, offset of the first directory; a directory is
 *
 *     count (2) | entries of 12: tag (2) type (2) count (4) value or offset |
 *     offset of the next directory, 0 in the last
 *
 * and describes one page, whose strips or tiles must lie within the file.
 * There is no end mark.
 *
 * No data may be referenced from more than one place (TIFF 6.0, section 2).
 * So the directories and tables of a valid file have together no more bytes
 * than the file: that bounds the work, and ends chains that run in a circle.
 */
#include "render/header_in.h"

#define CODE_OLD_JPEG 6 /* withdrawn: TIFF Technical Note 2 */
#define BITS_MAX 32
#define SAMPLES_MAX 8
/* Alpha is also written as "unspecified data": any extra sample may be. */
#define NO_EXTRA APR_UINT32_MAX
/* A tile may be larger than a small picture, px. */
#define TILE_PX_MAX ((apr_uint64_t)1024 * 1024)

enum {
    TAG_WIDTH = 256,
    TAG_HEIGHT = 257,
    TAG_BITS = 258,
    TAG_COMPRESSION = 259,
    TAG_PHOTOMETRIC = 262,
    TAG_STRIP_OFFSETS = 273,
    TAG_SAMPLES = 277,
    TAG_STRIP_BYTES = 279,
    TAG_TILE_WIDTH = 322,
    TAG_TILE_HEIGHT = 323,
    TAG_TILE_OFFSETS = 324,
    TAG_TILE_BYTES = 325,
    TAG_EXTRA_SAMPLES = 338,
    TAG_PROFILE = 34675
};

enum { TYPE_BYTE = 1, TYPE_SHORT = 3, TYPE_LONG = 4 };

typedef struct {
    const di_cursor_t *file;
    int big_endian;
    apr_size_t budget; /* bytes of directories and tables still allowed */
} tiff_t;

typedef struct {
    apr_uint32_t type, count;
    apr_size_t at; /* of the first value */
} field_t;

typedef struct {
    apr_uint32_t width_px, height_px;
    apr_uint32_t tile_width_px, tile_height_px;
    apr_uint32_t bits, samples, photometric, compression;
    apr_uint32_t extra; /* what the first sample behind the colours is */
    apr_uint32_t profile_bytes;
    field_t offsets, sizes; /* of strips or tiles */
} page_t;

static apr_uint32_t get16(const tiff_t *t, apr_size_t at)
{
    const unsigned char *b = t->file->bytes + at;

    return t->big_endian ? di_be16(b) : di_le16(b);
}

static apr_uint32_t get32(const tiff_t *t, apr_size_t at)
{
    const unsigned char *b = t->file->bytes + at;

    return t->big_endian ? di_be32(b) : di_le32(b);
}

static int lies_within(const tiff_t *t, apr_uint64_t at, apr_uint64_t len)
{
    return at <= t->file->len && len <= t->file->len - at;
}

static int spend(tiff_t *t, apr_uint64_t bytes)
{
    if (bytes > t->budget) {
        return 0;
    }
    t->budget -= (apr_size_t)bytes;
    return 1;
}

/* Bytes of one value; 0: a type that is not known. */
static unsigned value_bytes(apr_uint32_t type)
{
    static const unsigned char bytes[] = {0, 1, 1, 2, 4, 8, 1,
                                          1, 2, 4, 8, 4, 8, 4};

    return type < sizeof(bytes) ? bytes[type] : 0;
}

/* The field of an entry; 0 when its values do not lie in the file. */
static int get_field(field_t *field, const tiff_t *t, apr_size_t entry)
{
    apr_uint64_t bytes;

    field->type = get16(t, entry + 2);
    field->count = get32(t, entry + 4);
    bytes = (apr_uint64_t)value_bytes(field->type) * field->count;
    field->at = bytes <= 4 ? entry + 8 : get32(t, entry + 8);
    return lies_within(t, field->at, bytes);
}

static int is_number(const field_t *field)
{
    return field->count &&
           (field->type == TYPE_BYTE || field->type == TYPE_SHORT ||
            field->type == TYPE_LONG);
}

/* Value number i; i < field->count. */
static apr_uint32_t get_value(const tiff_t *t, const field_t *field,
                              apr_size_t i)
{
    switch (field->type) {
    case TYPE_SHORT:
        return get16(t, field->at + 2 * i);
    case TYPE_LONG:
        return get32(t, field->at + 4 * i);
    default:
        return t->file->bytes[field->at + i];
    }
}

/* Where the single number of a tag goes; NULL for other tags. */
static apr_uint32_t *number_of(page_t *page, apr_uint32_t tag)
{
    switch (tag) {
    case TAG_WIDTH:
        return &page->width_px;
    case TAG_HEIGHT:
        return &page->height_px;
    case TAG_BITS:
        return &page->bits;
    case TAG_COMPRESSION:
        return &page->compression;
    case TAG_PHOTOMETRIC:
        return &page->photometric;
    case TAG_SAMPLES:
        return &page->samples;
    case TAG_TILE_WIDTH:
        return &page->tile_width_px;
    case TAG_TILE_HEIGHT:
        return &page->tile_height_px;
    case TAG_EXTRA_SAMPLES:
        return &page->extra;
    default:
        return NULL;
    }
}

static field_t *table_of(page_t *page, apr_uint32_t tag)
{
    switch (tag) {
    case TAG_STRIP_OFFSETS:
    case TAG_TILE_OFFSETS:
        return &page->offsets;
    case TAG_STRIP_BYTES:
    case TAG_TILE_BYTES:
        return &page->sizes;
    default:
        return NULL;
    }
}

static int read_entry(page_t *page, const tiff_t *t, apr_size_t entry)
{
    apr_uint32_t tag = get16(t, entry);
    apr_uint32_t *number = number_of(page, tag);
    field_t *table = table_of(page, tag);
    field_t field;

    if (!get_field(&field, t, entry) ||
        ((number || table) && !is_number(&field))) {
        return 0;
    }
    if (number) {
        *number = get_value(t, &field, 0);
    }
    else if (table) {
        *table = field;
    }
    else if (tag == TAG_PROFILE) {
        page->profile_bytes = field.count;
    }
    return 1;
}

/* A strip of no bytes stands for an empty one. */
static int has_its_data(const page_t *page, tiff_t *t)
{
    apr_size_t i, count = page->offsets.count;

    if (!count || count != page->sizes.count ||
        !spend(t, (apr_uint64_t)count * (value_bytes(page->offsets.type) +
                                         value_bytes(page->sizes.type)))) {
        return 0;
    }
    for (i = 0; i < count; i++) {
        if (!lies_within(t, get_value(t, &page->offsets, i),
                         get_value(t, &page->sizes, i))) {
            return 0;
        }
    }
    return 1;
}

/* The tags of TIFF 6.0 section 8, "PhotometricInterpretation". */
static apr_uint32_t channels_of(const page_t *page)
{
    switch (page->photometric) {
    case 0:
    case 1:
        return 1;
    case 5:
        return 4;
    case 2:
    case 3:
    case 6:
    case 8:
        return 3;
    default:
        return 0;
    }
}

static di_render_status_e take_page(di_header_t *out, const page_t *page,
                                    tiff_t *t)
{
    apr_uint64_t tile_px =
        (apr_uint64_t)page->tile_width_px * page->tile_height_px;

    if (!page->width_px || !page->height_px || !has_its_data(page, t)) {
        return DI_RENDER_BROKEN;
    }
    di_header_cover(out, page->width_px, page->height_px);
    if (!out->channels) {
        out->channels = channels_of(page);
    }
    if (out->profile_bytes < page->profile_bytes) {
        out->profile_bytes = page->profile_bytes;
    }
    out->alpha |= page->extra != NO_EXTRA;
    if (page->compression == CODE_OLD_JPEG || page->bits > BITS_MAX ||
        page->samples > SAMPLES_MAX) {
        return DI_RENDER_UNSUPPORTED;
    }
    return tile_px > TILE_PX_MAX &&
                   tile_px > (apr_uint64_t)page->width_px * page->height_px
               ? DI_RENDER_UNSUPPORTED
               : DI_RENDER_OK;
}

/* One directory; *at becomes the offset of the next. */
static di_render_status_e read_page(di_header_t *out, tiff_t *t, apr_size_t *at)
{
    page_t page;
    apr_size_t i, count, bytes;

    memset(&page, 0, sizeof(page));
    page.extra = NO_EXTRA;
    if (!lies_within(t, *at, 2)) {
        return DI_RENDER_BROKEN;
    }
    count = get16(t, *at);
    bytes = 2 + 12 * count + 4;
    if (!lies_within(t, *at, bytes) || !spend(t, bytes)) {
        return DI_RENDER_BROKEN;
    }
    for (i = 0; i < count; i++) {
        if (!read_entry(&page, t, *at + 2 + 12 * i)) {
            return DI_RENDER_BROKEN;
        }
    }
    *at = get32(t, *at + bytes - 4);
    return take_page(out, &page, t);
}

di_render_status_e di_header_tiff(di_header_t *out, di_cursor_t *c)
{
    tiff_t t = {c, c->len && c->bytes[0] == 'M', c->len};
    apr_uint64_t pages = 0;
    apr_size_t at;

    if (!di_cursor_begins(c, "II*\0", 4) && !di_cursor_begins(c, "MM\0*", 4)) {
        return DI_RENDER_UNSUPPORTED;
    }
    if (!di_cursor_has(c, 8)) {
        return DI_RENDER_BROKEN;
    }
    out->exif.len = c->len;
    for (at = get32(&t, 4); at && pages < DI_HEADER_FRAMES_MAX; pages++) {
        di_render_status_e status = read_page(out, &t, &at);

        if (status != DI_RENDER_OK) {
            return status;
        }
    }
    out->frames = di_header_frames(pages);
    return pages ? DI_RENDER_OK : DI_RENDER_BROKEN;
}
