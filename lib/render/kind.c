/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Photographs and graphics differ in how neighbouring pixels change.  In a
 * photograph they nearly all differ a little (noise, gradients, the ripples of
 * an earlier JPEG).  In a drawing, a screenshot or text they are either equal
 * or far apart.  Areas of one colour say nothing: a cup on white is a
 * photograph and a page of text is not, and both are mostly white.
 *
 * So blocks of 8 x 8 px vote, by the changes from each pixel to the one right
 * of it and the one below:
 *
 *     blank    no change at all, or all transparent
 *     drawn    many pixels are equal, and some edge is sharp
 *     smooth   many pixels are equal, and no edge is sharp
 *     natural  few pixels are equal
 */
#include "render/kind.h"

#include <stdint.h>
#include <string.h>

#define BLOCK_PX 8
/* Blocks that are looked at, by side of the picture: at most their square. */
#define BLOCKS_A_SIDE 40
/* A change of this much in any sample is a sharp edge. */
#define SHARP 32
/* Of 100 changes in a block so many are none when it is not natural. */
#define EQUAL_PCT 35
/*
 * Of 100 blocks that are drawn or natural, so many are drawn in graphics.  On
 * 104 pictures made of 30 photographs (some cut out on white or on nothing,
 * some kept at JPEG quality 40 or as grey) at most 12 were drawn; among 80
 * screenshots, charts and flat icons at least 34, after JPEG at quality 85
 * mostly 17 and more.
 */
#define DRAWN_PCT 16
/* The same where there are few colours: then graphics are cheap anyway. */
#define DRAWN_FEW_COLORS_PCT 10

#define MOST_COLORS 257
#define SLOTS 1024 /* a power of 2, far more than colours */

typedef struct {
    unsigned blank, drawn, smooth, natural;
} votes_t;

typedef struct {
    unsigned all, equal, sharp;
} changes_t;

typedef struct {
    apr_uint64_t slots[SLOTS]; /* value + 1; 0: free */
    unsigned count;
} colors_t;

static void add_color(colors_t *colors, apr_uint32_t value)
{
    unsigned i = (value * 2654435761u) >> 22; /* Fibonacci hashing: 10 bits */

    if (colors->count == MOST_COLORS) {
        return;
    }
    while (colors->slots[i] && colors->slots[i] != (apr_uint64_t)value + 1) {
        i = (i + 1) % SLOTS;
    }
    if (!colors->slots[i]) {
        colors->slots[i] = (apr_uint64_t)value + 1;
        colors->count++;
    }
}

static inline apr_uint32_t pixel_value(const unsigned char *pixel,
                                       unsigned channels)
{
    apr_uint32_t value = 0;
    unsigned c;

    for (c = 0; c < channels; c++) {
        value = value << 8 | pixel[c];
    }
    return value;
}

/* Go on until colours, alpha and grey are all known. */
static void look_at_all(di_kind_t *out, colors_t *colors,
                        const di_raster_t *picture)
{
    unsigned channels = picture->channels;
    int has_alpha = di_raster_has_alpha(picture);
    const unsigned char *pixel = picture->pixels;
    apr_size_t left = (apr_size_t)picture->width_px * picture->height_px;
    apr_uint32_t before = ~pixel_value(pixel, channels);

    for (; left; left--, pixel += channels) {
        apr_uint32_t value = pixel_value(pixel, channels);

        if (value == before) {
            continue;
        }
        before = value;
        add_color(colors, value);
        if (has_alpha && pixel[channels - 1] != 255) {
            out->alpha = 1;
        }
        if (channels > 2 && (pixel[0] != pixel[1] || pixel[1] != pixel[2])) {
            out->grey = 0;
        }
        if (colors->count == MOST_COLORS && out->alpha == has_alpha &&
            (channels <= 2 || !out->grey)) {
            return;
        }
    }
}

static inline void add_change(changes_t *changes, const unsigned char *from,
                              const unsigned char *to, unsigned channels,
                              int has_alpha)
{
    unsigned most = 0;
    unsigned c;

    if (has_alpha && !from[channels - 1] && !to[channels - 1]) {
        return;
    }
    for (c = 0; c < channels; c++) {
        unsigned change =
            (unsigned)(from[c] > to[c] ? from[c] - to[c] : to[c] - from[c]);

        most = change > most ? change : most;
    }
    changes->all++;
    changes->equal += most == 0;
    changes->sharp += most >= SHARP;
}

static inline void add_block(changes_t *changes, const di_raster_t *picture,
                             apr_uint32_t x0, apr_uint32_t y0,
                             unsigned channels, int has_alpha)
{
    unsigned x, y;

    for (y = 0; y < BLOCK_PX; y++) {
        const unsigned char *pixel =
            di_raster_row(picture, y0 + y) + (apr_size_t)x0 * channels;

        for (x = 0; x < BLOCK_PX; x++, pixel += channels) {
            add_change(changes, pixel, pixel + channels, channels, has_alpha);
            add_change(changes, pixel, pixel + picture->row_bytes, channels,
                       has_alpha);
        }
    }
}

/* The picture goes on by a pixel, at least, right of the block and below.  The
   numbers of samples are constants for the compiler's sake. */
static void vote(votes_t *votes, const di_raster_t *picture, apr_uint32_t x,
                 apr_uint32_t y)
{
    changes_t changes = {0, 0, 0};

    switch (picture->samples) {
    case DI_GREY:
        add_block(&changes, picture, x, y, 1, 0);
        break;
    case DI_GREY_ALPHA:
        add_block(&changes, picture, x, y, 2, 1);
        break;
    case DI_RGB:
        add_block(&changes, picture, x, y, 3, 0);
        break;
    case DI_RGBA:
        add_block(&changes, picture, x, y, 4, 1);
        break;
    default:
        add_block(&changes, picture, x, y, 4, 0);
    }
    if (changes.equal == changes.all) {
        votes->blank++;
    }
    else if (100 * changes.equal < EQUAL_PCT * changes.all) {
        votes->natural++;
    }
    else if (changes.sharp) {
        votes->drawn++;
    }
    else {
        votes->smooth++;
    }
}

/* Distance of the blocks that are looked at, along a side of so many. */
static apr_uint32_t step(apr_uint32_t side_px)
{
    apr_uint32_t px = side_px / BLOCKS_A_SIDE;

    return px > BLOCK_PX ? px : BLOCK_PX;
}

static void take_votes(votes_t *votes, const di_raster_t *picture)
{
    apr_uint32_t step_x = step(picture->width_px);
    apr_uint32_t step_y = step(picture->height_px);
    apr_uint32_t x, y;

    for (y = 0; y + BLOCK_PX < picture->height_px; y += step_y) {
        for (x = 0; x + BLOCK_PX < picture->width_px; x += step_x) {
            vote(votes, picture, x, y);
        }
    }
}

/* Grey photographs have few colours too. */
static di_kind_e decide(const votes_t *votes, int has_few_colors, int grey)
{
    unsigned speak = votes->drawn + votes->natural;
    unsigned pct = has_few_colors && !grey ? DRAWN_FEW_COLORS_PCT : DRAWN_PCT;

    if (!speak) {
        return has_few_colors ? DI_KIND_GRAPHICS : DI_KIND_PHOTO;
    }
    return 100 * votes->drawn >= pct * speak ? DI_KIND_GRAPHICS : DI_KIND_PHOTO;
}

void di_kind_of(di_kind_t *out, const di_raster_t *picture)
{
    votes_t votes = {0, 0, 0, 0};
    colors_t colors;

    memset(&colors, 0, sizeof(colors));
    memset(out, 0, sizeof(*out));
    out->grey = picture->samples != DI_CMYK;
    look_at_all(out, &colors, picture);
    take_votes(&votes, picture);
    out->colors = colors.count;
    out->kind = decide(&votes, colors.count < MOST_COLORS, out->grey);
}
