/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Colours are found by a hash table with open addressing: it never holds more
 * than 256 of 1024 slots, so a search is short.  Neighbours are mostly alike,
 * and a run of one colour costs one comparison a pixel.
 */
#include "render/pnglayout.h"

#include <stdlib.h>
#include <string.h>

/* 0xRRGGBBAA of one pixel. */
static apr_uint32_t color_at(const unsigned char *pixel, unsigned channels)
{
    apr_uint32_t first = pixel[0];

    switch (channels) {
    case 1:
        return first * 0x01010100u | 0xFF;
    case 2:
        return first * 0x01010100u | pixel[1];
    case 3:
        return first << 24 | (apr_uint32_t)pixel[1] << 16 |
               (apr_uint32_t)pixel[2] << 8 | 0xFF;
    default:
        return first << 24 | (apr_uint32_t)pixel[1] << 16 |
               (apr_uint32_t)pixel[2] << 8 | pixel[3];
    }
}

static int is_grey(apr_uint32_t color)
{
    return (color >> 24) == (color >> 16 & 0xFF) &&
           (color >> 24) == (color >> 8 & 0xFF);
}

static int is_opaque(apr_uint32_t color)
{
    return (color & 0xFF) == 0xFF;
}

/* The slot that holds a colour, or the free one where it belongs.  The factor
   is 2^32 divided by the golden ratio, which spreads like numbers. */
static unsigned slot_of(const di_png_colors_t *colors, apr_uint32_t color)
{
    unsigned slot = (color * 2654435769u) >> 22;

    while (colors->slots[slot] &&
           colors->colors[colors->slots[slot] - 1] != color) {
        slot = (slot + 1) % DI_PNG_SLOTS;
    }
    return slot;
}

/* Returns 0 when the table is full. */
static int add_color(di_png_colors_t *colors, apr_uint32_t color)
{
    unsigned slot = slot_of(colors, color);

    if (colors->slots[slot]) {
        return 1;
    }
    if (colors->count == DI_PNG_PALETTE_MAX) {
        colors->count++;
        return 0;
    }
    colors->colors[colors->count++] = color;
    colors->slots[slot] = (apr_uint16_t)colors->count;
    colors->grey = colors->grey && is_grey(color);
    colors->opaque = colors->opaque && is_opaque(color);
    return 1;
}

/* Fills the table.  Returns the first row that may hold colours which are not
   in it. */
static apr_uint32_t collect(di_png_colors_t *out, const di_raster_t *picture)
{
    apr_uint32_t last, color, x, y;

    last = ~color_at(picture->pixels, picture->channels);
    for (y = 0; y < picture->height_px; y++) {
        const unsigned char *pixel = di_raster_row(picture, y);

        for (x = 0; x < picture->width_px; x++, pixel += picture->channels) {
            color = color_at(pixel, picture->channels);
            if (color != last && !add_color(out, color)) {
                return y;
            }
            last = color;
        }
    }
    return y;
}

static void settle_rest(di_png_colors_t *out, const di_raster_t *picture,
                        apr_uint32_t y)
{
    apr_uint32_t color, x;

    for (; y < picture->height_px && (out->grey || out->opaque); y++) {
        const unsigned char *pixel = di_raster_row(picture, y);

        for (x = 0; x < picture->width_px; x++, pixel += picture->channels) {
            color = color_at(pixel, picture->channels);
            out->grey &= is_grey(color);
            out->opaque &= is_opaque(color);
        }
    }
}

static int by_place(const void *a_of, const void *b_of)
{
    apr_uint32_t a = *(const apr_uint32_t *)a_of;
    apr_uint32_t b = *(const apr_uint32_t *)b_of;

    if (is_opaque(a) != is_opaque(b)) {
        return is_opaque(a) - is_opaque(b);
    }
    return (a > b) - (a < b);
}

static void sort(di_png_colors_t *colors)
{
    unsigned i;

    qsort(colors->colors, colors->count, sizeof(*colors->colors), by_place);
    memset(colors->slots, 0, sizeof(colors->slots));
    for (i = 0; i < colors->count; i++) {
        colors->slots[slot_of(colors, colors->colors[i])] =
            (apr_uint16_t)(i + 1);
        colors->transparent += !is_opaque(colors->colors[i]);
    }
}

void di_png_colors_of(di_png_colors_t *out, const di_raster_t *picture)
{
    apr_uint32_t y;

    memset(out, 0, sizeof(*out));
    out->grey = out->opaque = 1;
    y = collect(out, picture);
    if (out->count <= DI_PNG_PALETTE_MAX) {
        sort(out);
    }
    else {
        settle_rest(out, picture, y);
    }
}

static int palette_depth(unsigned count)
{
    return count <= 2 ? 1 : count <= 4 ? 2 : count <= 16 ? 4 : 8;
}

/* The fewest bits in which all greys are exact: with n bits there are the
   multiples of 255 / (2^n - 1). */
static int grey_depth(const di_png_colors_t *colors)
{
    int depth;
    unsigned i;

    for (depth = 1; depth < 8; depth *= 2) {
        apr_uint32_t step = 255u / ((1u << depth) - 1);

        for (i = 0; i < colors->count && !((colors->colors[i] >> 24) % step);
             i++) {
        }
        if (i == colors->count) {
            break;
        }
    }
    return depth;
}

static int direct_type(const di_png_colors_t *colors)
{
    if (colors->grey) {
        return colors->opaque ? DI_PNG_GREY : DI_PNG_GREY_ALPHA;
    }
    return colors->opaque ? DI_PNG_RGB : DI_PNG_RGBA;
}

unsigned di_png_layouts(di_png_layout_t out[DI_PNG_LAYOUTS_MAX],
                        const di_png_colors_t *colors)
{
    di_png_layout_t direct = {direct_type(colors), 8};
    di_png_layout_t palette = {DI_PNG_PALETTE, palette_depth(colors->count)};

    if (colors->count > DI_PNG_PALETTE_MAX) {
        out[0] = direct;
        return 1;
    }
    if (direct.color_type == DI_PNG_GREY) {
        direct.depth = grey_depth(colors);
        /* With as many bits, a palette only adds its own bytes. */
        out[0] = direct.depth <= palette.depth ? direct : palette;
        return 1;
    }
    out[0] = palette;
    out[1] = direct;
    /* A palette of a byte may lose to filtered samples: its numbers do not
       follow the colours, and it costs up to 1 KB. */
    return palette.depth == 8 ? 2 : 1;
}

static void pack(unsigned char *room, apr_uint32_t x, int depth, unsigned value)
{
    unsigned per_byte = 8 / (unsigned)depth;
    unsigned shift = 8 - (unsigned)depth * (x % per_byte + 1);

    room[x / per_byte] |= (unsigned char)(value << shift);
}

/* Small numbers, the leftmost pixel in the highest bits. */
static void packed_row(unsigned char *room, const di_raster_t *picture,
                       const unsigned char *pixel,
                       const di_png_layout_t *layout,
                       const di_png_colors_t *colors)
{
    apr_uint32_t x, color, last = 0;
    unsigned value = 0;

    memset(room, 0, picture->width_px);
    for (x = 0; x < picture->width_px; x++, pixel += picture->channels) {
        color = color_at(pixel, picture->channels);
        if (x == 0 || color != last) {
            value = layout->color_type == DI_PNG_PALETTE
                        ? colors->slots[slot_of(colors, color)] - 1u
                        : color >> (32 - layout->depth);
            last = color;
        }
        pack(room, x, layout->depth, value);
    }
}

static void direct_row(unsigned char *room, const di_raster_t *picture,
                       const unsigned char *pixel, int color_type)
{
    int colored = color_type == DI_PNG_RGB || color_type == DI_PNG_RGBA;
    int alpha = color_type == DI_PNG_GREY_ALPHA || color_type == DI_PNG_RGBA;
    apr_uint32_t x, color;

    for (x = 0; x < picture->width_px; x++, pixel += picture->channels) {
        color = color_at(pixel, picture->channels);
        *room++ = (unsigned char)(color >> 24);
        if (colored) {
            *room++ = (unsigned char)(color >> 16);
            *room++ = (unsigned char)(color >> 8);
        }
        if (alpha) {
            *room++ = (unsigned char)color;
        }
    }
}

static int same_layout(const di_raster_t *picture,
                       const di_png_layout_t *layout)
{
    static const int types[] = {-1, DI_PNG_GREY, DI_PNG_GREY_ALPHA, DI_PNG_RGB,
                                DI_PNG_RGBA};

    return layout->depth == 8 && types[picture->channels] == layout->color_type;
}

const unsigned char *di_png_row(unsigned char *room, const di_raster_t *picture,
                                apr_uint32_t y, const di_png_layout_t *layout,
                                const di_png_colors_t *colors)
{
    const unsigned char *row = di_raster_row(picture, y);

    if (same_layout(picture, layout)) {
        return row;
    }
    if (layout->color_type == DI_PNG_PALETTE || layout->depth < 8) {
        packed_row(room, picture, row, layout, colors);
    }
    else {
        direct_row(room, picture, row, layout->color_type);
    }
    return room;
}
