/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A decoded picture: rows of 8-bit samples, interleaved.  Every codec reads
 * and writes this, and everything between decoding and encoding works on it.
 *
 * Unless said otherwise colours are sRGB and the picture is upright.  Memory
 * is malloc's, because a render ends with its process's job and not with a
 * pool.
 */
#ifndef DI_RASTER_H
#define DI_RASTER_H

#include <apr.h>

typedef enum {
    DI_GREY = 1,  /* grey */
    DI_GREY_ALPHA = 2,
    DI_RGB = 3,
    DI_RGBA = 4,   /* not premultiplied */
    DI_CMYK = 5    /* four samples, 0 = no ink; never encoded */
} di_samples_e;

typedef struct {
    apr_uint32_t width_px;
    apr_uint32_t height_px;
    di_samples_e samples;
    unsigned channels;     /* samples of one pixel: 1..4 */
    apr_size_t row_bytes;  /* width_px * channels: no padding */
    unsigned char *pixels; /* height_px rows; owned */
} di_raster_t;

/**
 * Make room for a picture; its samples are not set.
 * @return 1; 0 when memory is short, with *out all zero
 */
int di_raster_make(di_raster_t *out, apr_uint32_t width_px,
                   apr_uint32_t height_px, di_samples_e samples);

/* Free and zero; all zero is fine. */
void di_raster_free(di_raster_t *raster);

/* Free *to and put *from in its place; *from becomes all zero. */
void di_raster_replace(di_raster_t *to, di_raster_t *from);

static inline unsigned char *di_raster_row(const di_raster_t *raster,
                                           apr_uint32_t y)
{
    return raster->pixels + (apr_size_t)y * raster->row_bytes;
}

/* 1 for DI_GREY_ALPHA and DI_RGBA. */
int di_raster_has_alpha(const di_raster_t *raster);

/* 1 when no pixel is transparent in the least. */
int di_raster_is_opaque(const di_raster_t *raster);

/**
 * Turn by an EXIF orientation, so that row 0 is the visual top.
 * @param orientation  1..8
 * @return 1; 0 when memory is short, with *raster as it was
 */
int di_raster_turn(di_raster_t *raster, unsigned orientation);

/**
 * Put a colour behind transparent pixels; DI_RGBA becomes DI_RGB and
 * DI_GREY_ALPHA becomes DI_GREY (or DI_RGB on a coloured background).  Other
 * pictures stay as they are.  Blended in sRGB, as browsers do.
 * @param background  0xRRGGBB
 * @return 1; 0 when memory is short, with *raster as it was
 */
int di_raster_flatten(di_raster_t *raster, apr_uint32_t background);

/**
 * Drop what says nothing: an alpha channel that is opaque throughout, and
 * colour where every pixel is grey.
 * @return 1; 0 when memory is short, with *raster as it was
 */
int di_raster_simplify(di_raster_t *raster);

/**
 * Average blocks of factor x factor pixels (those at the right and lower edge
 * may be smaller), weighting colours by alpha.
 * @param factor  2..64
 * @return 1; 0 when memory is short, with *raster as it was.  The size is
 *         rounded up
 */
int di_raster_shrink(di_raster_t *raster, unsigned factor);

#endif
