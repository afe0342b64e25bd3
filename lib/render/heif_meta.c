/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The box "meta" of a HEIF file (ISO/IEC 23008-12, 14496-12 8.11):
 *
 *     pitm        number of the primary item
 *     iinf  infe  number and type of each item
 *     iref        dimg: tiles of a grid, thmb and auxl: thumbnails, alpha
 *     iprp  ipco  properties: ispe size, irot and imir, colr profile, ...
 *           ipma  which of them an item has, in the order to apply them
 *     iloc        where the items' bytes lie
 *     idat        bytes of small items
 *
 * An item is a coded picture, a grid of coded pictures, or EXIF.  Each box is
 * walked a fixed number of times, so the work is linear.
 *
 * The size of a picture is the one of its property.  What the coded stream
 * itself says is for the decoder to compare.
 */
#include "render/heif_meta.h"

#define ITEMS_MAX 65536      /* numbers of items: 16 bits */
#define PROPERTIES_MAX 32768 /* numbers of properties: 15 bits */
#define ASSOCIATIONS_MAX 255 /* of one item: 8 bits */

/* Sides of the tiles of a grid (ISO/IEC 23000-22 7.3.11.4.2). */
#define TILE_SIDE_MIN_PX 64
/* Largest block of HEVC and AV1. */
#define BLOCK_SIDE_PX 128

/* A tile, or an alpha plane, may be so large whatever the picture is. */
#define SIDE_FREE_PX 1024
#define AREA_FREE_PX ((apr_uint64_t)SIDE_FREE_PX * SIDE_FREE_PX)

typedef unsigned char item_set_t[ITEMS_MAX / 8];
typedef unsigned char property_set_t[PROPERTIES_MAX / 8];

typedef struct {
    di_cursor_t pitm, iinf, iref, ipco, ipma, iloc, idat;
} boxes_t;

typedef struct {
    apr_uint32_t id;
    int found; /* in iinf */
    apr_uint32_t type;
    di_span_t data; /* its first extent */
    unsigned count; /* of properties */
    apr_uint32_t properties[ASSOCIATIONS_MAX];
    di_cursor_t clap; /* bytes NULL: none */
} primary_t;

typedef struct {
    di_header_t *out;
    const di_cursor_t *file;
    boxes_t boxes;
    primary_t primary;
    apr_uint32_t exif_id; /* 0: none */
    di_span_t exif;
    item_set_t secondary;    /* tiles, thumbnails, auxiliary pictures */
    item_set_t tiles;        /* of the primary item */
    apr_uint32_t tile_count; /* references to them */
    apr_uint32_t rows, columns;
    apr_uint32_t tile_width_px, tile_height_px;
    property_set_t sizes;      /* properties that are sizes */
    property_set_t tile_sizes; /* those that are the tiles' size */
} heif_t;

static int is_in(const unsigned char *set, apr_uint32_t number)
{
    return set[number / 8] >> (number % 8) & 1;
}

static void put_in(unsigned char *set, apr_uint32_t number)
{
    set[number / 8] |= (unsigned char)(1u << (number % 8));
}

/* A number of 0, 4 or 8 bytes (of iloc), 2 or 4 (of items). */
static int take_number(apr_uint64_t *number, di_cursor_t *c, unsigned bytes)
{
    const unsigned char *b = di_cursor_take(c, bytes);

    *number = 0;
    if (!b) {
        return 0;
    }
    while (bytes--) {
        *number = *number << 8 | *b++;
    }
    return 1;
}

/* The number of an item. */
static int take_id(apr_uint32_t *id, di_cursor_t *c, int wide)
{
    apr_uint64_t number;

    if (!take_number(&number, c, wide ? 4 : 2) || number >= ITEMS_MAX) {
        return 0;
    }
    *id = (apr_uint32_t)number;
    return 1;
}

/* Version and flags of a full box. */
static int take_version(unsigned *version, apr_uint32_t *flags, di_cursor_t *c)
{
    const unsigned char *b = di_cursor_take(c, 4);

    if (!b) {
        return 0;
    }
    *version = b[0];
    *flags = di_be32(b) & 0xFFFFFF;
    return 1;
}

/* ---- Which boxes there are ---- */

static di_cursor_t *place_of(boxes_t *boxes, apr_uint32_t type)
{
    switch (type) {
    case DI_BOX_TYPE('p', 'i', 't', 'm'):
        return &boxes->pitm;
    case DI_BOX_TYPE('i', 'i', 'n', 'f'):
        return &boxes->iinf;
    case DI_BOX_TYPE('i', 'r', 'e', 'f'):
        return &boxes->iref;
    case DI_BOX_TYPE('i', 'p', 'c', 'o'):
        return &boxes->ipco;
    case DI_BOX_TYPE('i', 'p', 'm', 'a'):
        return &boxes->ipma;
    case DI_BOX_TYPE('i', 'l', 'o', 'c'):
        return &boxes->iloc;
    case DI_BOX_TYPE('i', 'd', 'a', 't'):
        return &boxes->idat;
    default:
        return NULL;
    }
}

/* Two of a kind, between which readers could choose, are damage; but further
   ipma are legal, and pictures that need them are not taken. */
static int collect(boxes_t *boxes, di_cursor_t c)
{
    di_box_t box;
    di_box_e how;

    while ((how = di_box_next(&box, &c)) == DI_BOX_READ) {
        di_cursor_t *place = place_of(boxes, box.type);

        if (place && place->bytes) {
            return 0;
        }
        if (place) {
            *place = box.body;
        }
    }
    return how == DI_BOX_NONE;
}

static int collect_all(boxes_t *boxes, di_cursor_t meta)
{
    di_box_t iprp;

    return di_cursor_skip(&meta, 4) && collect(boxes, meta) &&
           di_box_find(&iprp, meta, DI_BOX_TYPE('i', 'p', 'r', 'p')) &&
           collect(boxes, iprp.body) && boxes->pitm.bytes &&
           boxes->iinf.bytes && boxes->iloc.bytes && boxes->ipco.bytes &&
           boxes->ipma.bytes;
}

/* ---- Items ---- */

static int read_primary_id(heif_t *h)
{
    di_cursor_t c = h->boxes.pitm;
    unsigned version;
    apr_uint32_t flags;

    return take_version(&version, &flags, &c) &&
           take_id(&h->primary.id, &c, version > 0);
}

/* From an item to others: its number, their count, their numbers. */
static int read_reference(heif_t *h, const di_box_t *box, int wide)
{
    di_cursor_t c = box->body;
    apr_uint64_t count;
    apr_uint32_t from, to;
    int tiles = box->type == DI_BOX_TYPE('d', 'i', 'm', 'g');

    if (!take_id(&from, &c, wide) || !take_number(&count, &c, 2)) {
        return 0;
    }
    if (box->type == DI_BOX_TYPE('t', 'h', 'm', 'b') ||
        box->type == DI_BOX_TYPE('a', 'u', 'x', 'l')) {
        put_in(h->secondary, from);
    }
    while (count-- && tiles) {
        if (!take_id(&to, &c, wide)) {
            return 0;
        }
        put_in(h->secondary, to);
        if (from == h->primary.id) {
            put_in(h->tiles, to);
            h->tile_count++;
        }
    }
    return 1;
}

static int read_references(heif_t *h)
{
    di_cursor_t c = h->boxes.iref;
    unsigned version;
    apr_uint32_t flags;
    di_box_t box;
    di_box_e how;

    if (!c.bytes) {
        return 1;
    }
    if (!take_version(&version, &flags, &c)) {
        return 0;
    }
    while ((how = di_box_next(&box, &c)) == DI_BOX_READ) {
        if (!read_reference(h, &box, version > 0)) {
            return 0;
        }
    }
    return how == DI_BOX_NONE;
}

static int is_picture(apr_uint32_t type)
{
    return type == DI_BOX_TYPE('a', 'v', '0', '1') ||
           type == DI_BOX_TYPE('h', 'v', 'c', '1') ||
           type == DI_BOX_TYPE('g', 'r', 'i', 'd');
}

/* Number, protection, type; flag 1: hidden.  Versions 0 and 1 have no type
   and do not occur in HEIF. */
static int read_item(heif_t *h, di_cursor_t c, apr_uint64_t *pictures)
{
    unsigned version;
    apr_uint32_t flags, id, type;
    const unsigned char *b;

    if (!take_version(&version, &flags, &c) || version < 2 ||
        !take_id(&id, &c, version > 2) || !(b = di_cursor_take(&c, 6))) {
        return 0;
    }
    type = di_be32(b + 2);
    if (id == h->primary.id) {
        h->primary.found = 1;
        h->primary.type = type;
    }
    else if (is_picture(type) && !(flags & 1) && !is_in(h->secondary, id)) {
        ++*pictures;
    }
    else if (type == DI_BOX_TYPE('E', 'x', 'i', 'f') && !h->exif_id) {
        h->exif_id = id;
    }
    return 1;
}

static int read_items(heif_t *h)
{
    di_cursor_t c = h->boxes.iinf;
    unsigned version;
    apr_uint32_t flags;
    apr_uint64_t count, pictures = 1;
    di_box_t box;
    di_box_e how;

    if (!take_version(&version, &flags, &c) ||
        !take_number(&count, &c, version ? 4 : 2)) {
        return 0;
    }
    while ((how = di_box_next(&box, &c)) == DI_BOX_READ) {
        if (box.type == DI_BOX_TYPE('i', 'n', 'f', 'e') &&
            !read_item(h, box.body, &pictures)) {
            return 0;
        }
    }
    h->out->frames = di_header_frames(pictures);
    return how == DI_BOX_NONE && h->primary.found;
}

/* ---- Where items lie ---- */

typedef struct {
    unsigned version, offset_bytes, length_bytes, base_bytes, index_bytes;
} iloc_t;

/* One extent; 0 when it reaches out of what it lies in.  Of items within
   items (method 2) nothing is known here. */
static int read_extent(di_span_t *span, heif_t *h, const iloc_t *iloc,
                       di_cursor_t *c, unsigned method, apr_uint64_t base)
{
    di_cursor_t in = method ? h->boxes.idat : *h->file;
    apr_uint64_t index, offset, len;

    in.at = method ? in.at : 0;
    if (!take_number(&index, c, iloc->index_bytes) ||
        !take_number(&offset, c, iloc->offset_bytes) ||
        !take_number(&len, c, iloc->length_bytes)) {
        return 0;
    }
    if (method > 1) {
        return 1;
    }
    if (!in.bytes || !di_cursor_skip(&in, base) ||
        !di_cursor_skip(&in, offset) || !di_cursor_has(&in, len)) {
        return 0;
    }
    span->at = in.at;
    span->len = len ? (apr_size_t)len : di_cursor_left(&in);
    return 1;
}

/* One item: number, [method], data reference, base, extents. */
static int read_location(heif_t *h, const iloc_t *iloc, di_cursor_t *c)
{
    apr_uint64_t method = 0, reference, base, count;
    unsigned step = iloc->index_bytes + iloc->offset_bytes + iloc->length_bytes;
    di_span_t first = {0, 0}, other;
    apr_uint32_t id, i;

    if (!take_id(&id, c, iloc->version > 1) ||
        (iloc->version && !take_number(&method, c, 2)) ||
        !take_number(&reference, c, 2) || reference ||
        !take_number(&base, c, iloc->base_bytes) ||
        !take_number(&count, c, 2) || (count > 1 && !step)) {
        return 0;
    }
    for (i = 0; i < count; i++) {
        if (!read_extent(i ? &other : &first, h, iloc, c, method & 15, base)) {
            return 0;
        }
    }
    if (id == h->primary.id) {
        h->primary.data = first;
    }
    if (id && id == h->exif_id) {
        h->exif = first;
    }
    return 1;
}

/* Sizes of the numbers are half a byte each. */
static int read_locations(heif_t *h)
{
    di_cursor_t c = h->boxes.iloc;
    iloc_t iloc;
    apr_uint32_t flags;
    apr_uint64_t count;
    const unsigned char *b;

    if (!take_version(&iloc.version, &flags, &c) || iloc.version > 2 ||
        !(b = di_cursor_take(&c, 2))) {
        return 0;
    }
    iloc.offset_bytes = b[0] >> 4;
    iloc.length_bytes = b[0] & 15;
    iloc.base_bytes = b[1] >> 4;
    iloc.index_bytes = iloc.version ? b[1] & 15 : 0;
    if (iloc.offset_bytes > 8 || iloc.length_bytes > 8 || iloc.base_bytes > 8 ||
        iloc.index_bytes > 8 ||
        !take_number(&count, &c, iloc.version > 1 ? 4 : 2)) {
        return 0;
    }
    while (count--) {
        if (!read_location(h, &iloc, &c)) {
            return 0;
        }
    }
    return h->primary.data.len != 0;
}

/* ---- Properties ---- */

/* A number of a property: 7 or 15 bits, the top one says "essential". */
static int take_property(apr_uint32_t *property, di_cursor_t *c, int wide)
{
    apr_uint64_t number;

    if (!take_number(&number, c, wide ? 2 : 1)) {
        return 0;
    }
    *property = (apr_uint32_t)number & (wide ? 0x7FFF : 0x7F);
    return 1;
}

/* What is done with each item of ipma; count numbers follow at c. */
typedef int item_fn(heif_t *h, apr_uint32_t id, di_cursor_t *c, unsigned count,
                    int wide);

static int each_item(heif_t *h, item_fn *call)
{
    di_cursor_t c = h->boxes.ipma;
    unsigned version;
    apr_uint32_t flags, id;
    apr_uint64_t items, count;

    if (!take_version(&version, &flags, &c) || !take_number(&items, &c, 4)) {
        return 0;
    }
    while (items--) {
        if (!take_id(&id, &c, version > 0) || !take_number(&count, &c, 1) ||
            !call(h, id, &c, (unsigned)count, (int)(flags & 1))) {
            return 0;
        }
    }
    return 1;
}

static int note_primary(heif_t *h, apr_uint32_t id, di_cursor_t *c,
                        unsigned count, int wide)
{
    if (id != h->primary.id || h->primary.count) {
        return di_cursor_skip(c, (apr_uint64_t)count * (wide ? 2 : 1));
    }
    while (count--) {
        if (!take_property(&h->primary.properties[h->primary.count++], c,
                           wide)) {
            return 0;
        }
    }
    return 1;
}

/* A turn and a mirror: left and right exchanged first if mirrored, then
   quarter turns against the clock.  As EXIF counts them. */
typedef struct {
    int mirrored;
    unsigned turns;
} placing_t;

static apr_uint32_t orientation_of(const placing_t *placing)
{
    static const unsigned char numbers[2][4] = {{1, 8, 3, 6}, {2, 5, 4, 7}};

    return numbers[placing->mirrored][placing->turns];
}

/* 23008-12 6.5.10 and 6.5.12: imir 0 exchanges top and bottom, 1 left and
   right. */
static void turn(placing_t *placing, const di_box_t *box)
{
    const unsigned char *b = box->body.bytes + box->body.at;

    if (!di_cursor_has(&box->body, 1)) {
        return;
    }
    if (box->type == DI_BOX_TYPE('i', 'r', 'o', 't')) {
        placing->turns = (placing->turns + (b[0] & 3)) & 3;
    }
    else {
        placing->turns = (4 - placing->turns + (b[0] & 1 ? 0 : 2)) & 3;
        placing->mirrored ^= 1;
    }
}

/* Flags, width, height. */
static int read_size(apr_uint32_t *width_px, apr_uint32_t *height_px,
                     di_cursor_t ispe)
{
    const unsigned char *b = di_cursor_take(&ispe, 12);

    if (!b) {
        return 0;
    }
    *width_px = di_be32(b + 4);
    *height_px = di_be32(b + 8);
    return 1;
}

static void read_colour(di_header_t *out, di_cursor_t colr)
{
    if (di_cursor_begins(&colr, "prof", 4) ||
        di_cursor_begins(&colr, "rICC", 4)) {
        di_header_add_profile(out, di_cursor_left(&colr) - 4);
    }
}

/* Flags, number of channels, bits of each. */
static void read_depths(di_header_t *out, di_cursor_t pixi)
{
    const unsigned char *b = di_cursor_take(&pixi, 5);

    if (b) {
        out->channels = b[4] == 1 || b[4] == 3 ? b[4] : 0;
    }
}

/* A property of the primary item. */
static int apply(heif_t *h, placing_t *placing, const di_box_t *box)
{
    switch (box->type) {
    case DI_BOX_TYPE('i', 's', 'p', 'e'):
        return read_size(&h->out->width_px, &h->out->height_px, box->body);
    case DI_BOX_TYPE('i', 'r', 'o', 't'):
    case DI_BOX_TYPE('i', 'm', 'i', 'r'):
        turn(placing, box);
        return 1;
    case DI_BOX_TYPE('c', 'l', 'a', 'p'):
        h->primary.clap = box->body;
        return 1;
    case DI_BOX_TYPE('c', 'o', 'l', 'r'):
        read_colour(h->out, box->body);
        return 1;
    case DI_BOX_TYPE('p', 'i', 'x', 'i'):
        read_depths(h->out, box->body);
        return 1;
    default:
        return 1;
    }
}

/* Property number n, from 1; boxes are few, as numbers have 15 bits. */
static int find_property(di_box_t *box, const heif_t *h, apr_uint32_t n)
{
    di_cursor_t c = h->boxes.ipco;

    while (n && di_box_next(box, &c) == DI_BOX_READ) {
        if (!--n) {
            return 1;
        }
    }
    return 0;
}

static int apply_all(heif_t *h)
{
    placing_t placing = {0, 0};
    unsigned i;

    for (i = 0; i < h->primary.count; i++) {
        apr_uint32_t n = h->primary.properties[i];
        di_box_t box;

        /* 0 stands for none. */
        if (n && (!find_property(&box, h, n) || !apply(h, &placing, &box))) {
            return 0;
        }
    }
    h->out->orientation = orientation_of(&placing);
    return h->out->width_px && h->out->height_px;
}

/* One side of what is shown: numerator, denominator.  0: not a whole number,
   or so much less than what is coded that it is a crop. */
static int crop_side(apr_uint32_t *side_px, const unsigned char *b)
{
    apr_uint32_t number = di_be32(b), unit = di_be32(b + 4);

    if (!unit || number % unit || number / unit > *side_px ||
        *side_px - number / unit >= BLOCK_SIDE_PX) {
        return 0;
    }
    *side_px = number / unit;
    return 1;
}

/* 14496-12 12.1.4: encoders that code whole blocks say how much of them
   the picture is.  Real crops, which would hide a large picture behind a small
   size, are not taken. */
static di_render_status_e crop(heif_t *h)
{
    const unsigned char *b;

    if (!h->primary.clap.bytes) {
        return DI_RENDER_OK;
    }
    b = di_cursor_take(&h->primary.clap, 32);
    if (!b) {
        return DI_RENDER_BROKEN;
    }
    return crop_side(&h->out->width_px, b) &&
                   crop_side(&h->out->height_px, b + 8)
               ? DI_RENDER_OK
               : DI_RENDER_UNSUPPORTED;
}

static int is_alpha(const di_cursor_t *auxc)
{
    static const char *const names[] = {
        "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha",
        "urn:mpeg:hevc:2015:auxid:1"};
    di_cursor_t c = *auxc;

    return di_cursor_skip(&c, 4) &&
           (di_cursor_begins(&c, names[0], strlen(names[0]) + 1) ||
            di_cursor_begins(&c, names[1], strlen(names[1]) + 1));
}

/* All properties, whoever has them: alpha, and sizes.  None may be larger
   than the primary item's, unless there are several pictures: then the largest
   counts.  Small ones are free: thumbnails, and tiles of a small grid. */
static di_render_status_e survey(heif_t *h)
{
    di_cursor_t c = h->boxes.ipco;
    di_header_t *out = h->out;
    apr_uint64_t area_px = (apr_uint64_t)out->width_px * out->height_px;
    apr_uint64_t free_px = area_px > AREA_FREE_PX ? area_px : AREA_FREE_PX;
    apr_uint32_t n, width_px, height_px;
    di_box_t box;
    di_box_e how;

    for (n = 1; (how = di_box_next(&box, &c)) == DI_BOX_READ; n++) {
        if (n == PROPERTIES_MAX) {
            return DI_RENDER_UNSUPPORTED;
        }
        if (box.type == DI_BOX_TYPE('a', 'u', 'x', 'C')) {
            out->alpha |= is_alpha(&box.body);
        }
        if (box.type != DI_BOX_TYPE('i', 's', 'p', 'e')) {
            continue;
        }
        put_in(h->sizes, n);
        if (!read_size(&width_px, &height_px, box.body)) {
            return DI_RENDER_BROKEN;
        }
        if ((apr_uint64_t)width_px * height_px <= free_px) {
            continue;
        }
        if (out->frames == 1) {
            return DI_RENDER_UNSUPPORTED;
        }
        di_header_cover(out, width_px, height_px);
    }
    return how == DI_BOX_NONE ? DI_RENDER_OK : DI_RENDER_BROKEN;
}

/* ---- Grids ---- */

/* Tiles cover the whole and no row or column of them lies outside. */
static int fits(apr_uint32_t count, apr_uint32_t tile_px, apr_uint32_t whole_px)
{
    apr_uint64_t all_px = (apr_uint64_t)count * tile_px;
    apr_uint32_t free_px = whole_px > SIDE_FREE_PX ? whole_px : SIDE_FREE_PX;

    return tile_px >= TILE_SIDE_MIN_PX && all_px >= whole_px &&
           all_px - tile_px < whole_px && all_px - whole_px <= free_px;
}

/* The first tile's size is the tiles' size. */
static int set_tile_size(heif_t *h, apr_uint32_t property)
{
    di_cursor_t c = h->boxes.ipco;
    apr_uint32_t n, width_px, height_px;
    di_box_t box;

    if (!find_property(&box, h, property) ||
        !read_size(&h->tile_width_px, &h->tile_height_px, box.body)) {
        return 0;
    }
    for (n = 1; di_box_next(&box, &c) == DI_BOX_READ; n++) {
        if (is_in(h->sizes, n) && read_size(&width_px, &height_px, box.body) &&
            width_px == h->tile_width_px && height_px == h->tile_height_px) {
            put_in(h->tile_sizes, n);
        }
    }
    return h->tile_width_px && h->tile_height_px;
}

/* A tile has one size, and all tiles have the same. */
static int check_tile(heif_t *h, apr_uint32_t id, di_cursor_t *c,
                      unsigned count, int wide)
{
    apr_uint32_t property;
    int sizes = 0;

    if (!is_in(h->tiles, id)) {
        return di_cursor_skip(c, (apr_uint64_t)count * (wide ? 2 : 1));
    }
    h->tiles[id / 8] &= (unsigned char)~(1u << (id % 8));
    while (count--) {
        if (!take_property(&property, c, wide)) {
            return 0;
        }
        if (!is_in(h->sizes, property)) {
            continue;
        }
        if ((!h->tile_width_px && !set_tile_size(h, property)) ||
            !is_in(h->tile_sizes, property)) {
            return 0;
        }
        sizes++;
    }
    return sizes == 1;
}

static int is_empty(const unsigned char *set, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; i++) {
        if (set[i]) {
            return 0;
        }
    }
    return 1;
}

/* 23008-12 6.6.2.3.2: version, flags (1: sizes of four bytes), rows - 1,
   columns - 1, width, height. */
static int read_grid(heif_t *h)
{
    di_cursor_t c = *h->file;
    const unsigned char *b;
    apr_uint64_t width_px, height_px;
    unsigned bytes;

    c.at = h->primary.data.at;
    c.len = c.at + h->primary.data.len;
    if (!(b = di_cursor_take(&c, 4)) || b[0]) {
        return 0;
    }
    bytes = b[1] & 1 ? 4 : 2;
    h->rows = b[2] + 1u;
    h->columns = b[3] + 1u;
    if (!take_number(&width_px, &c, bytes) ||
        !take_number(&height_px, &c, bytes)) {
        return 0;
    }
    h->out->width_px = (apr_uint32_t)width_px;
    h->out->height_px = (apr_uint32_t)height_px;
    return h->tile_count == h->rows * h->columns;
}

static int check_grid(heif_t *h, apr_uint32_t width_px, apr_uint32_t height_px)
{
    return each_item(h, check_tile) && is_empty(h->tiles, sizeof(h->tiles)) &&
           fits(h->columns, h->tile_width_px, width_px) &&
           fits(h->rows, h->tile_height_px, height_px);
}

/* ---- All of it ---- */

static int is_coded_as(const heif_t *h)
{
    return h->primary.type == (h->out->format == DI_FORMAT_AVIF
                                   ? DI_BOX_TYPE('a', 'v', '0', '1')
                                   : DI_BOX_TYPE('h', 'v', 'c', '1'));
}

static di_render_status_e read_pictures(heif_t *h, int grid)
{
    apr_uint32_t width_px, height_px;
    di_render_status_e status;

    if (!each_item(h, note_primary) || !apply_all(h) ||
        (grid && !read_grid(h))) {
        return DI_RENDER_BROKEN;
    }
    width_px = h->out->width_px;
    height_px = h->out->height_px;
    status = survey(h);
    if (status == DI_RENDER_OK && grid && !check_grid(h, width_px, height_px)) {
        status = DI_RENDER_BROKEN;
    }
    return status == DI_RENDER_OK ? crop(h) : status;
}

di_render_status_e di_heif_meta(di_header_t *out, const di_cursor_t *meta,
                                const di_cursor_t *file)
{
    heif_t h;
    int grid;

    memset(&h, 0, sizeof(h));
    h.out = out;
    h.file = file;
    if (!collect_all(&h.boxes, *meta) || !read_primary_id(&h) ||
        !read_references(&h) || !read_items(&h) || !read_locations(&h)) {
        return DI_RENDER_BROKEN;
    }
    grid = h.primary.type == DI_BOX_TYPE('g', 'r', 'i', 'd');
    if (!grid && !is_coded_as(&h)) {
        return DI_RENDER_UNSUPPORTED;
    }
    if (h.exif.len) {
        di_header_note_offset_exif(out, file, h.exif.at, h.exif.len);
    }
    return read_pictures(&h, grid);
}
