/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EXIF in an AVIF file is an item of its own (ISO/IEC 23008-12 annex A):
 *
 *   ftyp
 *   meta  pitm  the picture's number
 *         iloc  + where the block lies
 *         iinf  + that it is EXIF
 *         iref  + which picture it describes
 *         ...
 *   mdat  the pictures + offset 0, block
 *
 * What is marked is put in; all that lies in mdat moves by as much as meta
 * grows.  Only what libavif writes for one picture is taken: numbers of 16
 * bits, one extent an item, mdat at the end.
 */
#include "render/container_avif.h"

#include <stdlib.h>
#include <string.h>

#include "render/box.h"

#define LOCATION_BYTES 14
#define INFO_BYTES 21
#define REFERENCE_BYTES 14
#define REFERENCES_HEAD_BYTES 12 /* of a box iref that is not there yet */

/* Version and flags, and sizes of 4 bytes for offset and length. */
#define ILOC_HEAD "\0\0\0\0\x44"

/* Where a box begins and ends; end 0: there is none. */
typedef struct {
    apr_size_t at, end;
} place_t;

typedef struct {
    place_t meta, mdat, pitm, iloc, iinf, iref;
    apr_uint32_t items;   /* in iloc */
    apr_uint32_t highest; /* number of an item */
} layout_t;

static place_t *place_of(layout_t *layout, apr_uint32_t type)
{
    switch (type) {
    case DI_BOX_TYPE('m', 'e', 't', 'a'):
        return &layout->meta;
    case DI_BOX_TYPE('m', 'd', 'a', 't'):
        return &layout->mdat;
    case DI_BOX_TYPE('p', 'i', 't', 'm'):
        return &layout->pitm;
    case DI_BOX_TYPE('i', 'l', 'o', 'c'):
        return &layout->iloc;
    case DI_BOX_TYPE('i', 'i', 'n', 'f'):
        return &layout->iinf;
    case DI_BOX_TYPE('i', 'r', 'e', 'f'):
        return &layout->iref;
    default:
        return NULL;
    }
}

/* Note the boxes that fill c; 0 when they do not, or one has a size that is
   not written in 4 bytes. */
static int find_boxes(layout_t *layout, di_cursor_t c)
{
    apr_size_t at = c.at;
    di_box_t box;
    di_box_e how;

    while ((how = di_box_next(&box, &c)) == DI_BOX_READ) {
        place_t *place = place_of(layout, box.type);

        if (place) {
            if (place->end || di_be32(c.bytes + at) != c.at - at) {
                return 0;
            }
            place->at = at;
            place->end = c.at;
        }
        at = c.at;
    }
    return how == DI_BOX_NONE;
}

/* A full box of version 0 of at least that many bytes. */
static int is_plain(const place_t *place, const unsigned char *bytes,
                    apr_size_t least)
{
    return place->end - place->at >= least && !bytes[place->at + 8];
}

static int read_locations(layout_t *layout, const unsigned char *bytes)
{
    const unsigned char *b = bytes + layout->iloc.at;
    apr_uint32_t i;

    if (memcmp(b + 8, ILOC_HEAD, sizeof(ILOC_HEAD))) {
        return 0;
    }
    layout->items = di_be16(b + 14);
    if (layout->iloc.end - layout->iloc.at !=
        16 + (apr_size_t)layout->items * LOCATION_BYTES) {
        return 0;
    }
    for (i = 0, b += 16; i < layout->items; i++, b += LOCATION_BYTES) {
        if (di_be16(b + 4) != 1) {
            return 0;
        }
        if (di_be16(b) > layout->highest) {
            layout->highest = di_be16(b);
        }
    }
    return layout->items < 0xFFFF && layout->highest < 0xFFFF;
}

static int read_layout(layout_t *layout, const di_blob_t *file)
{
    di_cursor_t c = {file->bytes, file->len, 0};

    memset(layout, 0, sizeof(*layout));
    if (!di_cursor_has(&c, 12) || memcmp(file->bytes + 4, "ftyp", 4) ||
        !find_boxes(layout, c) || !layout->meta.end ||
        layout->mdat.end != file->len ||
        !is_plain(&layout->meta, file->bytes, 12)) {
        return 0;
    }
    c.at = layout->meta.at + 12;
    c.len = layout->meta.end;
    return find_boxes(layout, c) && is_plain(&layout->pitm, file->bytes, 14) &&
           is_plain(&layout->iloc, file->bytes, 16) &&
           is_plain(&layout->iinf, file->bytes, 14) &&
           (!layout->iref.end ||
            is_plain(&layout->iref, file->bytes, REFERENCES_HEAD_BYTES)) &&
           read_locations(layout, file->bytes);
}

static unsigned char *put16(unsigned char *b, apr_uint32_t value)
{
    b[0] = (unsigned char)(value >> 8);
    b[1] = (unsigned char)value;
    return b + 2;
}

static unsigned char *put32(unsigned char *b, apr_size_t value)
{
    return put16(put16(b, (apr_uint32_t)(value >> 16)), (apr_uint32_t)value);
}

static unsigned char *put(unsigned char *b, const void *bytes, apr_size_t len)
{
    memcpy(b, bytes, len);
    return b + len;
}

static void grow(unsigned char *number, apr_size_t by)
{
    put32(number, di_be32(number) + by);
}

/* Make room in the sizes, counts and offsets of the file as it was. */
static void grow_boxes(unsigned char *bytes, const layout_t *layout,
                       apr_size_t meta_by, apr_size_t mdat_by)
{
    unsigned char *b = bytes + layout->iloc.at;
    apr_uint32_t i;

    grow(bytes + layout->meta.at, meta_by);
    grow(bytes + layout->mdat.at, mdat_by);
    grow(b, LOCATION_BYTES);
    put16(b + 14, layout->items + 1);
    for (i = 0; i < layout->items; i++) {
        grow(b + 16 + (apr_size_t)i * LOCATION_BYTES + 6, meta_by);
    }
    b = bytes + layout->iinf.at;
    grow(b, INFO_BYTES);
    put16(b + 12, di_be16(b + 12) + 1);
    if (layout->iref.end) {
        grow(bytes + layout->iref.at, REFERENCE_BYTES);
    }
}

/* An extent, counted from the file's begin. */
static unsigned char *put_location(unsigned char *b, apr_uint32_t item,
                                   apr_size_t at, apr_size_t len)
{
    b = put16(put16(put16(b, item), 0), 1);
    return put32(put32(b, at), len);
}

static unsigned char *put_info(unsigned char *b, apr_uint32_t item)
{
    b = put(put32(b, INFO_BYTES), "infe\2\0\0\0", 8);
    b = put16(put16(b, item), 0);
    return put(b, "Exif", 5);
}

static unsigned char *put_reference(unsigned char *b, apr_uint32_t item,
                                    apr_uint32_t picture, int head)
{
    if (head) {
        b = put32(b, REFERENCES_HEAD_BYTES + REFERENCE_BYTES);
        b = put(b, "iref\0\0\0\0", 8);
    }
    b = put(put32(b, REFERENCE_BYTES), "cdsc", 4);
    return put16(put16(put16(b, item), 1), picture);
}

/* The file as it was, with the new parts at their places. */
static void join(unsigned char *b, const di_blob_t *file,
                 const layout_t *layout, apr_size_t block_at,
                 const unsigned char *exif, apr_size_t len)
{
    const unsigned char *from = file->bytes;
    apr_size_t at = 0, to;
    apr_size_t references =
        layout->iref.end ? layout->iref.end : layout->meta.end;
    apr_uint32_t item = layout->highest + 1;

    for (to = 0; to <= file->len; to++) {
        if (to != layout->iloc.end && to != layout->iinf.end &&
            to != references && to != file->len) {
            continue;
        }
        b = put(b, from + at, to - at);
        at = to;
        if (to == layout->iloc.end) {
            b = put_location(b, item, block_at, 4 + len);
        }
        if (to == layout->iinf.end) {
            b = put_info(b, item);
        }
        if (to == references) {
            b = put_reference(b, item, di_be16(from + layout->pitm.at + 12),
                              !layout->iref.end);
        }
    }
    put(put32(b, 0), exif, len);
}

di_render_status_e di_container_avif(di_blob_t *file, const unsigned char *exif,
                                     apr_size_t len)
{
    apr_size_t meta_by = LOCATION_BYTES + INFO_BYTES + REFERENCE_BYTES;
    apr_size_t room;
    layout_t layout;
    unsigned char *bytes;

    if (!read_layout(&layout, file)) {
        return DI_RENDER_NO_FORMAT;
    }
    meta_by += layout.iref.end ? 0 : REFERENCES_HEAD_BYTES;
    room = file->len + meta_by + 4 + len;
    bytes = malloc(room);
    if (!bytes) {
        return DI_RENDER_NO_MEMORY;
    }
    grow_boxes(file->bytes, &layout, meta_by, 4 + len);
    join(bytes, file, &layout, file->len + meta_by, exif, len);
    free(file->bytes);
    file->bytes = bytes;
    file->len = room;
    return DI_RENDER_OK;
}
