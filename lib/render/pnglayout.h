/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In which colour types and depths a PNG may hold a picture without losing
 * anything, and its rows in them.  Pure.
 */
#ifndef DI_PNGLAYOUT_H
#define DI_PNGLAYOUT_H

#include "render/raster.h"

#define DI_PNG_PALETTE_MAX 256
#define DI_PNG_SLOTS 1024 /* of a hash table; a power of 2 */

/* The colours of a picture, 0xRRGGBBAA. */
typedef struct {
    unsigned count;       /* 257: more than a palette holds, nothing else of the
                             table is valid then */
    unsigned transparent; /* entries that are not opaque; they come first, so
                             that a tRNS chunk is short */
    apr_uint32_t colors[DI_PNG_PALETTE_MAX]; /* apart from that, by number */
    apr_uint16_t slots[DI_PNG_SLOTS];        /* index + 1; 0: free */
    int grey;   /* 1: every pixel is grey; valid for any count */
    int opaque; /* 1: no pixel is transparent; valid for any count */
} di_png_colors_t;

/* Numbers of the IHDR chunk. */
enum {
    DI_PNG_GREY = 0,
    DI_PNG_RGB = 2,
    DI_PNG_PALETTE = 3,
    DI_PNG_GREY_ALPHA = 4,
    DI_PNG_RGBA = 6
};

typedef struct {
    int color_type;
    int depth; /* bits a sample */
} di_png_layout_t;

#define DI_PNG_LAYOUTS_MAX 2

/* Find the colours of a picture that is not DI_CMYK. */
void di_png_colors_of(di_png_colors_t *out, const di_raster_t *picture);

/**
 * The layouts that may give the smallest file, that with the fewest bits a
 * pixel first.
 * @return how many, 1..DI_PNG_LAYOUTS_MAX
 */
unsigned di_png_layouts(di_png_layout_t out[DI_PNG_LAYOUTS_MAX],
                        const di_png_colors_t *colors);

/**
 * One row in a layout that di_png_layouts gave.
 * @param room  at least 4 bytes a pixel
 * @return room, or the picture's own row when it is the same
 */
const unsigned char *di_png_row(unsigned char *room, const di_raster_t *picture,
                                apr_uint32_t y, const di_png_layout_t *layout,
                                const di_png_colors_t *colors);

#endif
