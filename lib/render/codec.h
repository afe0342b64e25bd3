/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the story of a render (render/render.c) asks of a codec.  One file for
 * each foreign library implements it: render_jpeg.c, render_png.c,
 * render_webp.c, render_jxl.c, render_avif.c, render_heif.c,
 * render_gm.c.
 *
 * Codecs run in a renderer (render/renderer.h) on one thread, on bytes that
 * may be hostile and whose structure and size were checked before
 * (render/header.h).  None opens a file, starts a thread, or writes to
 * standard error.
 */
#ifndef DI_CODEC_H
#define DI_CODEC_H

#include "render/raster.h"
#include "render/render.h"

/* Bytes in memory of malloc; all zero is "none". */
typedef struct {
    unsigned char *bytes;
    apr_size_t len;
} di_blob_t;

/* What a decoder hands over: the picture as stored, before any orientation,
   in the colours of its profile. */
typedef struct {
    di_raster_t picture;
    di_blob_t icc; /* the profile; none: sRGB, or grey or CMYK without one */
    /* PNG: gamma and primaries instead of a profile; 0: not given.  Values
       are those of the gAMA and cHRM chunks. */
    apr_uint32_t gamma_e5;
    apr_uint32_t chroma_e5[8]; /* white x, y, red x, y, green, blue */
    int srgb_curve; /* AVIF: 1: primaries with sRGB's curve instead of gamma */
} di_decoded_t;

void di_decoded_free(di_decoded_t *decoded);

typedef struct {
    int quality;     /* 1..100, the format's own scale; ignored if lossless */
    int lossless;    /* PNG: always */
    int progressive; /* JPEG */
    di_chroma_e chroma; /* JPEG: not DI_CHROMA_AUTO */
    int colors;      /* PNG: 0, or the largest palette (lossy if need be) */
    int fast;        /* 1: spend as little time as the format allows; the
                        picture looks as without, the file may be larger */
} di_encode_t;

/**
 * Encode a picture that is not DI_CMYK.  Same arguments, same bytes.  No
 * metadata, no profile, no comment (render/container.h adds what is wanted).
 * @param out  set on DI_RENDER_OK only
 * @return DI_RENDER_OK, DI_RENDER_NO_MEMORY, DI_RENDER_NO_FORMAT when the
 *         format cannot hold this picture (alpha in JPEG, a side above
 *         16383 px in WebP), DI_RENDER_FAILED
 */
typedef di_render_status_e di_encode_fn(di_blob_t *out,
                                        const di_raster_t *picture,
                                        const di_encode_t *how);

/**
 * Decode what this codec has just encoded, for comparing with the picture.
 * @param out  DI_GREY (the luma of ITU-R BT.601, full range) where that is
 *             cheaper, else any samples but DI_CMYK
 */
typedef di_render_status_e di_check_fn(di_raster_t *out,
                                       const di_blob_t *encoded);

#endif
