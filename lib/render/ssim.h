/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How like its original an encoded picture is: structural similarity of the
 * luma, 8 bits.  Pure.
 */
#ifndef DI_SSIM_H
#define DI_SSIM_H

#include <limits.h>

#include "render/raster.h"

/* In place of a mean: memory is short, and nothing is known. */
#define DI_SSIM_NO_MEMORY UINT_MAX

/* Smallest side that is compared by windows; smaller pictures by one window
   over all of it. */
#define DI_SSIM_WINDOW_PX 8

/**
 * The luma of a picture (ITU-R BT.601, full range: JPEG's Y), transparent
 * pixels on white and, so that a change of alpha alone is seen on any page,
 * a second time on black below it (a picture with alpha that is not opaque
 * becomes twice as high).
 * @return 1; 0 when memory is short, or the picture DI_CMYK
 */
int di_luma_make(di_raster_t *out, const di_raster_t *picture);

/**
 * Mean SSIM of two DI_GREY pictures of one size, in 1/10000; 10000 only when
 * they are equal; 0 when their sizes differ; DI_SSIM_NO_MEMORY.  Rounded down;
 * a mean below 0 is 0.  Integer arithmetic up to the last division of a
 * window, so that it is the same on every machine.
 * Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from
 * error visibility to structural similarity", IEEE TIP 13 (4), 2004, with
 * K1 = 0.01, K2 = 0.03, and square windows of 8 x 8 px every 4 px, as in x264
 * and libvpx.
 */
unsigned di_ssim_e4(const di_raster_t *a, const di_raster_t *b);

#endif
