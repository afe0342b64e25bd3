/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AVIF and HEIC: ISO boxes,
 *
 *     ftyp  brands
 *     meta  still pictures (heif_meta.c)
 *     moov  trak  tkhd
 *                 mdia  minf  stbl  stsz    of image sequences
 *     mdat  the coded pictures
 *
 * Each kind of box is looked for in one place, so there is no depth to
 * recurse into.
 */
#include "render/box.h"
#include "render/header_in.h"
#include "render/heif_meta.h"

typedef struct {
    int of_format; /* a brand of the format that is asked for */
    int sequence;  /* a brand of image sequences */
} brands_t;

typedef struct {
    di_cursor_t meta, moov; /* bytes NULL: none */
    int data;               /* mdat was seen */
} file_t;

static int is_sequence(apr_uint32_t brand)
{
    switch (brand) {
    case DI_BOX_TYPE('a', 'v', 'i', 's'):
    case DI_BOX_TYPE('h', 'e', 'v', 'c'):
    case DI_BOX_TYPE('h', 'e', 'v', 'x'):
    case DI_BOX_TYPE('h', 'e', 'v', 'm'):
    case DI_BOX_TYPE('h', 'e', 'v', 's'):
    case DI_BOX_TYPE('m', 's', 'f', '1'):
        return 1;
    default:
        return 0;
    }
}

static int is_of_format(apr_uint32_t brand, apr_uint32_t format)
{
    switch (brand) {
    case DI_BOX_TYPE('a', 'v', 'i', 'f'):
    case DI_BOX_TYPE('a', 'v', 'i', 's'):
        return format == DI_FORMAT_AVIF;
    case DI_BOX_TYPE('h', 'e', 'i', 'c'):
    case DI_BOX_TYPE('h', 'e', 'i', 'x'):
    case DI_BOX_TYPE('h', 'e', 'i', 'm'):
    case DI_BOX_TYPE('h', 'e', 'i', 's'):
    case DI_BOX_TYPE('h', 'e', 'v', 'c'):
    case DI_BOX_TYPE('h', 'e', 'v', 'x'):
    case DI_BOX_TYPE('h', 'e', 'v', 'm'):
    case DI_BOX_TYPE('h', 'e', 'v', 's'):
        return format == DI_FORMAT_HEIC;
    default:
        return 0;
    }
}

/* Major brand, its version, compatible brands: four bytes each. */
static void read_brands(brands_t *brands, di_cursor_t c, apr_uint32_t format)
{
    apr_size_t i;
    const unsigned char *b;

    for (i = 0; (b = di_cursor_take(&c, 4)); i++) {
        if (i != 1) {
            brands->of_format |= is_of_format(di_be32(b), format);
            brands->sequence |= is_sequence(di_be32(b));
        }
    }
}

/* Width and height in 1/65536 px at the end (14496-12 8.3.2). */
static int read_track_header(di_header_t *out, const di_cursor_t *tkhd)
{
    const unsigned char *end = tkhd->bytes + tkhd->len;

    if (di_cursor_left(tkhd) < 84) {
        return 0;
    }
    di_header_cover(out, di_be32(end - 8) >> 16, di_be32(end - 4) >> 16);
    return 1;
}

/* Flags, common size, count of samples. */
static int read_sample_sizes(di_header_t *out, di_cursor_t stsz)
{
    const unsigned char *b = di_cursor_take(&stsz, 12);
    apr_uint32_t count;

    if (!b) {
        return 0;
    }
    count = di_header_frames(di_be32(b + 8));
    if (out->frames < count) {
        out->frames = count;
    }
    return 1;
}

static int read_track(di_header_t *out, di_cursor_t trak)
{
    di_box_t head, box;

    return di_box_find(&head, trak, DI_BOX_TYPE('t', 'k', 'h', 'd')) &&
           di_box_find(&box, trak, DI_BOX_TYPE('m', 'd', 'i', 'a')) &&
           di_box_find(&box, box.body, DI_BOX_TYPE('m', 'i', 'n', 'f')) &&
           di_box_find(&box, box.body, DI_BOX_TYPE('s', 't', 'b', 'l')) &&
           di_box_find(&box, box.body, DI_BOX_TYPE('s', 't', 's', 'z')) &&
           read_track_header(out, &head.body) &&
           read_sample_sizes(out, box.body);
}

static di_render_status_e read_sequence(di_header_t *out, di_cursor_t moov)
{
    di_box_t box;
    di_box_e how;

    while ((how = di_box_next(&box, &moov)) == DI_BOX_READ) {
        if (box.type == DI_BOX_TYPE('t', 'r', 'a', 'k') &&
            !read_track(out, box.body)) {
            return DI_RENDER_BROKEN;
        }
    }
    out->animated = 1;
    return how == DI_BOX_NONE ? DI_RENDER_OK : DI_RENDER_BROKEN;
}

/* Find the boxes of the file; 0 when one does not lie in it. */
static int read_file(file_t *file, di_cursor_t *c)
{
    di_box_t box;
    di_box_e how;

    while ((how = di_box_next(&box, c)) == DI_BOX_READ) {
        if (box.type == DI_BOX_TYPE('m', 'e', 't', 'a') && !file->meta.bytes) {
            file->meta = box.body;
        }
        else if (box.type == DI_BOX_TYPE('m', 'o', 'o', 'v') &&
                 !file->moov.bytes) {
            file->moov = box.body;
        }
        file->data |= box.type == DI_BOX_TYPE('m', 'd', 'a', 't');
    }
    return how == DI_BOX_NONE;
}

di_render_status_e di_header_heif(di_header_t *out, di_cursor_t *c)
{
    di_cursor_t whole = *c;
    brands_t brands = {0, 0};
    file_t file;
    di_box_t box;
    di_render_status_e status = DI_RENDER_OK;

    memset(&file, 0, sizeof(file));
    if (!di_cursor_has(c, 12) || memcmp(c->bytes + 4, "ftyp", 4)) {
        return DI_RENDER_UNSUPPORTED;
    }
    if (di_box_next(&box, c) != DI_BOX_READ) {
        return DI_RENDER_BROKEN;
    }
    read_brands(&brands, box.body, out->format);
    if (!brands.of_format) {
        return DI_RENDER_UNSUPPORTED;
    }
    if (!read_file(&file, c) || !(file.meta.bytes || file.moov.bytes)) {
        return DI_RENDER_BROKEN;
    }
    if (file.meta.bytes) {
        status = di_heif_meta(out, &file.meta, &whole);
    }
    else if (!brands.sequence || !file.data) {
        return DI_RENDER_BROKEN;
    }
    return status == DI_RENDER_OK && brands.sequence && file.moov.bytes
               ? read_sequence(out, file.moov)
               : status;
}
