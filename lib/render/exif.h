/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EXIF: what of an original's matters, and the block that a rendition gets.
 *
 * A browser lays a picture out at its number of pixels, unless EXIF says, in
 * a consistent way, that those pixels stand for another size.  A rendition
 * with fewer pixels says so, and the page does not move.  Pure.
 *
 * Source: HTML standard, "density-corrected natural width and height"; EXIF
 * 2.32, 4.6.
 */
#ifndef DI_EXIF_H
#define DI_EXIF_H

#include <apr.h>

/* Longest author or copyright text that is kept, bytes. */
#define DI_EXIF_TEXT_MAX 1024

/* A text within the bytes that were read; len 0: absent. */
typedef struct {
    const char *text;
    apr_size_t len; /* bytes, without NULs and blanks at the end; a NUL within
                       parts the two halves of a copyright */
} di_exif_text_t;

typedef struct {
    apr_uint32_t orientation;  /* 1..8; 1 when absent or not legal */
    apr_uint32_t x_num, x_den; /* XResolution; 0: absent */
    apr_uint32_t y_num, y_den;
    apr_uint32_t unit;     /* ResolutionUnit: 2 = inch */
    apr_uint32_t width_px; /* PixelXDimension; 0: absent */
    apr_uint32_t height_px;
    di_exif_text_t artist;    /* tag 0x013B */
    di_exif_text_t copyright; /* tag 0x8298 */
} di_exif_t;

/**
 * Read EXIF data.  Damaged or absent data leave the values that stand for
 * "absent"; never fails.
 * @param tiff  from the byte order mark on; may be NULL when len is 0; must
 *              outlive *out
 */
void di_exif_read(di_exif_t *out, const unsigned char *tiff, apr_size_t len);

/* 1 when this orientation swaps width and height. */
int di_exif_turns(apr_uint32_t orientation);

/**
 * The size at which the original itself is laid out, as stored, px: the
 * number of its pixels, or the size of its own density when that is valid.
 * @param width_px   in: pixels stored; out: layout size
 */
void di_exif_shown(apr_uint32_t *width_px, apr_uint32_t *height_px,
                   const di_exif_t *exif);

/* What a rendition's block says; orientation is always 1. */
typedef struct {
    apr_uint32_t width_px; /* of the rendition */
    apr_uint32_t height_px;
    apr_uint32_t shown_width_px; /* layout size; equal: no density is said */
    apr_uint32_t shown_height_px;
    di_exif_text_t artist;
    di_exif_text_t copyright;
} di_exif_wish_t;

/* Room that di_exif_write may need. */
#define DI_EXIF_MAX (256 + 2 * (DI_EXIF_TEXT_MAX + 2))

/**
 * Write the block, from the byte order mark on.  Longer texts are cut (at a
 * character of UTF-8), control characters become spaces.
 * @return bytes written; 0 when there is nothing to say
 */
apr_size_t di_exif_write(unsigned char block[DI_EXIF_MAX],
                         const di_exif_wish_t *wish);

#endif
