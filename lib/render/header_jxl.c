/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JPEG XL: a bare codestream FF 0A ..., or ISO boxes with the codestream in
 * one jxlc or in several jxlp (a number of four bytes in front, its top bit
 * set in the last part).
 *
 * A codestream begins with bit fields, least bit of a byte first: the size,
 * then metadata of which what follows the extra channels' names and the
 * colour space is not looked at.  Frames say how long they are only behind
 * entropy-coded data: their number and whether a bare codestream was cut are
 * for the decoder to find; an animation counts as two frames.
 *
 * Source: ISO/IEC 18181-1 annexes B (fields), C (SizeHeader), D (metadata);
 * 18181-2 for the boxes.
 */
#include "render/box.h"
#include "render/header_in.h"

#define SIGNATURE "\0\0\0\x0CJXL \r\n\x87\n"
#define SIGNATURE_LEN 12
#define BARE_SIGNATURE "\xFF\x0A"

/* As much of a codestream as is put together from parts; names of up to
   1071 bytes in two extra channels fit. */
#define HEAD_LEN 2304
#define LAST_PART 0x80000000u

/* Extra channels, as in level 5 of 18181-1 annex M: each costs as much as
   the picture. */
#define CHANNELS_MAX 4

typedef struct {
    const unsigned char *bytes;
    apr_size_t len; /* bits */
    apr_size_t at;  /* bits; above len: read past the end */
} bits_t;

/* Up to 32 bits; zeros past the end. */
static apr_uint32_t get(bits_t *b, unsigned count)
{
    apr_uint32_t value = 0;
    unsigned i;

    for (i = 0; i < count; i++, b->at++) {
        if (b->at < b->len) {
            value |= (apr_uint32_t)(b->bytes[b->at / 8] >> (b->at % 8) & 1u)
                     << i;
        }
    }
    return value;
}

/* One of the four ways to write a number of type U32: bits and what is
   added; a constant has no bits. */
typedef struct {
    unsigned bits;
    apr_uint32_t base;
} way_t;

static apr_uint32_t get_u32(bits_t *b, const way_t ways[4])
{
    const way_t *way = &ways[get(b, 2)];

    return way->base + get(b, way->bits);
}

static apr_uint32_t get_enum(bits_t *b)
{
    static const way_t ways[4] = {{0, 0}, {0, 1}, {4, 2}, {6, 18}};

    return get_u32(b, ways);
}

/* C.2.3: the width as a ratio of the height; 0 when it is given itself. */
static apr_uint32_t ratio_width(unsigned ratio, apr_uint32_t height)
{
    static const unsigned char ratios[8][2] = {
        {0, 1}, {1, 1}, {12, 10}, {4, 3}, {3, 2}, {16, 9}, {5, 4}, {2, 1}};

    return (apr_uint32_t)((apr_uint64_t)height * ratios[ratio][0] /
                          ratios[ratio][1]);
}

static apr_uint32_t get_side(bits_t *b, int small)
{
    static const way_t ways[4] = {{9, 1}, {13, 1}, {18, 1}, {30, 1}};

    return small ? (get(b, 5) + 1) * 8 : get_u32(b, ways);
}

static void get_size(apr_uint32_t *width, apr_uint32_t *height, bits_t *b)
{
    int small = (int)get(b, 1);
    unsigned ratio;

    *height = get_side(b, small);
    ratio = get(b, 3);
    *width = ratio ? ratio_width(ratio, *height) : get_side(b, small);
}

static apr_uint32_t get_preview_side(bits_t *b, int by_8)
{
    static const way_t eights[4] = {{0, 16}, {0, 32}, {5, 1}, {9, 33}};
    static const way_t ones[4] = {{6, 1}, {8, 65}, {10, 321}, {12, 1345}};

    return get_u32(b, by_8 ? eights : ones);
}

static void skip_preview(bits_t *b)
{
    int by_8 = (int)get(b, 1);

    (void)get_preview_side(b, by_8);
    if (!get(b, 3)) {
        (void)get_preview_side(b, by_8);
    }
}

static void skip_animation(bits_t *b)
{
    static const way_t ticks[4] = {{0, 100}, {0, 1000}, {10, 1}, {30, 1}};
    static const way_t per[4] = {{0, 1}, {0, 1001}, {8, 1}, {10, 1}};
    static const way_t loops[4] = {{0, 0}, {3, 0}, {16, 0}, {32, 0}};

    (void)get_u32(b, ticks);
    (void)get_u32(b, per);
    (void)get_u32(b, loops);
    (void)get(b, 1);
}

static void get_extra_fields(di_header_t *out, bits_t *b)
{
    apr_uint32_t width, height;

    out->orientation = get(b, 3) + 1;
    if (get(b, 1)) {
        get_size(&width, &height, b);
    }
    if (get(b, 1)) {
        skip_preview(b);
    }
    out->animated = (int)get(b, 1);
    if (out->animated) {
        out->frames = 2;
        skip_animation(b);
    }
}

static void skip_bit_depth(bits_t *b)
{
    static const way_t whole[4] = {{0, 8}, {0, 10}, {0, 12}, {6, 1}};
    static const way_t floating[4] = {{0, 32}, {0, 16}, {0, 24}, {6, 1}};

    if (get(b, 1)) {
        (void)get_u32(b, floating);
        (void)get(b, 4);
    }
    else {
        (void)get_u32(b, whole);
    }
}

/* One extra channel; 1 when it is alpha. */
static int get_channel(bits_t *b)
{
    static const way_t shifts[4] = {{0, 0}, {0, 3}, {0, 4}, {3, 1}};
    static const way_t names[4] = {{0, 0}, {4, 0}, {5, 16}, {10, 48}};
    static const way_t cfas[4] = {{0, 1}, {2, 0}, {4, 3}, {8, 19}};
    apr_uint32_t type;

    if (get(b, 1)) {
        return 1; /* all as usual: alpha of 8 bits */
    }
    type = get_enum(b);
    skip_bit_depth(b);
    (void)get_u32(b, shifts);
    b->at += 8 * (apr_size_t)get_u32(b, names);
    if (type == 0) {
        (void)get(b, 1);
    }
    else if (type == 2) {
        b->at += 4 * 16; /* spot colour */
    }
    else if (type == 5) {
        (void)get_u32(b, cfas);
    }
    return type == 0;
}

/* 0 when there are too many. */
static int get_channels(di_header_t *out, bits_t *b)
{
    static const way_t counts[4] = {{0, 0}, {0, 1}, {4, 2}, {12, 1}};
    apr_uint32_t i, count = get_u32(b, counts);

    for (i = 0; i < count && i < CHANNELS_MAX; i++) {
        out->alpha |= get_channel(b);
    }
    return count <= CHANNELS_MAX;
}

static di_render_status_e get_metadata(di_header_t *out, bits_t *b)
{
    out->channels = 3;
    if (get(b, 1)) {
        return DI_RENDER_OK; /* all as usual: sRGB of 8 bits */
    }
    if (get(b, 1)) {
        get_extra_fields(out, b);
    }
    skip_bit_depth(b);
    (void)get(b, 1); /* 16 bits suffice for modular buffers */
    if (!get_channels(out, b)) {
        return DI_RENDER_UNSUPPORTED;
    }
    (void)get(b, 1); /* XYB */
    if (!get(b, 1)) {
        (void)get(b, 1); /* a profile follows */
        out->channels = get_enum(b) == 1 ? 1 : 3;
    }
    return DI_RENDER_OK;
}

static di_render_status_e read_head(di_header_t *out,
                                    const unsigned char *bytes, apr_size_t len)
{
    bits_t b = {bytes, 8 * (len < HEAD_LEN ? len : HEAD_LEN), 16};
    di_render_status_e status;

    if (len < 2 || memcmp(bytes, BARE_SIGNATURE, 2)) {
        return DI_RENDER_BROKEN;
    }
    get_size(&out->width_px, &out->height_px, &b);
    status = get_metadata(out, &b);
    return b.at <= b.len ? status : DI_RENDER_BROKEN;
}

/* The codestream's begin, put together from the boxes. */
typedef struct {
    unsigned char bytes[HEAD_LEN];
    apr_size_t len;
    int complete; /* the last part was seen */
} head_t;

static void append(head_t *head, const di_cursor_t *c)
{
    apr_size_t len = di_cursor_left(c), room = HEAD_LEN - head->len;

    if (len > room) {
        len = room;
    }
    memcpy(head->bytes + head->len, c->bytes + c->at, len);
    head->len += len;
}

static int read_part(head_t *head, di_cursor_t c)
{
    const unsigned char *number = di_cursor_take(&c, 4);

    if (!number || head->complete) {
        return 0;
    }
    append(head, &c);
    head->complete = (di_be32(number) & LAST_PART) != 0;
    return 1;
}

/* One box of the file; 0 when it is damaged. */
static int read_box(di_header_t *out, head_t *head, const di_box_t *box)
{
    switch (box->type) {
    case DI_BOX_TYPE('j', 'x', 'l', 'c'):
        if (head->complete || head->len) {
            return 0;
        }
        append(head, &box->body);
        head->complete = 1;
        return 1;
    case DI_BOX_TYPE('j', 'x', 'l', 'p'):
        return read_part(head, box->body);
    case DI_BOX_TYPE('E', 'x', 'i', 'f'):
        di_header_note_offset_exif(out, &box->body, box->body.at,
                                   di_cursor_left(&box->body));
        return 1;
    default:
        return 1;
    }
}

static di_render_status_e read_boxes(di_header_t *out, di_cursor_t *c)
{
    head_t head;
    di_box_t box;
    di_box_e how;

    head.len = 0;
    head.complete = 0;
    while ((how = di_box_next(&box, c)) == DI_BOX_READ) {
        if (!read_box(out, &head, &box)) {
            return DI_RENDER_BROKEN;
        }
    }
    return how == DI_BOX_NONE && head.complete
               ? read_head(out, head.bytes, head.len)
               : DI_RENDER_BROKEN;
}

di_render_status_e di_header_jxl(di_header_t *out, di_cursor_t *c)
{
    if (di_cursor_begins(c, BARE_SIGNATURE, 2)) {
        return read_head(out, c->bytes, c->len);
    }
    return di_cursor_begins(c, SIGNATURE, SIGNATURE_LEN)
               ? read_boxes(out, c)
               : DI_RENDER_UNSUPPORTED;
}
