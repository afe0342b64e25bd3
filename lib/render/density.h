/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The size at which a page lays a JPEG out.
 *
 * A browser lays a picture out at its number of pixels, unless EXIF says, in
 * a consistent way, that those pixels stand for another size.  A rendition
 * with fewer pixels says so, and the page does not move.  Pure.
 *
 * Source: HTML standard, "density-corrected natural width and height"; EXIF
 * 2.32, 4.6.
 */
#ifndef DI_DENSITY_H
#define DI_DENSITY_H

#include <apr.h>

/* What of an original's EXIF matters here. */
typedef struct {
    apr_uint32_t orientation;  /* 1..8; 1 when absent or not legal */
    apr_uint32_t x_num, x_den; /* XResolution; 0: absent */
    apr_uint32_t y_num, y_den;
    apr_uint32_t unit;     /* ResolutionUnit: 2 = inch */
    apr_uint32_t width_px; /* PixelXDimension; 0: absent */
    apr_uint32_t height_px;
} di_exif_t;

/* Bytes of the block that di_density_block writes. */
#define DI_DENSITY_BYTES 118

/**
 * Read EXIF data.  Damaged or absent data leave the values that stand for
 * "absent"; never fails.
 * @param tiff  from the byte order mark on; may be NULL when len is 0
 */
void di_exif_read(di_exif_t *out, const unsigned char *tiff, apr_size_t len);

/* 1 when this orientation swaps width and height. */
int di_exif_turns(apr_uint32_t orientation);

/**
 * The size at which the original itself is laid out, as stored, px: the
 * number of its pixels, or the size of its own density when that is valid.
 * @param width_px   in: pixels stored; out: layout size
 */
void di_density_shown(apr_uint32_t *width_px, apr_uint32_t *height_px,
                      const di_exif_t *exif);

/**
 * Write the APP1 segment that makes a browser lay out a JPEG of
 * width x height pixels at shown_width x shown_height.  It belongs right
 * behind the JPEG's SOI marker.
 */
void di_density_block(unsigned char block[DI_DENSITY_BYTES],
                      apr_uint32_t width_px, apr_uint32_t height_px,
                      apr_uint32_t shown_width_px,
                      apr_uint32_t shown_height_px);

#endif
