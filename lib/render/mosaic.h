/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small picture that stands for a large one: square tiles cut from all over
 * it and laid one below the other.  What a codec makes of it, at some quality,
 * is close to what it makes of the whole, at a fraction of the time.  Pure.
 */
#ifndef DI_MOSAIC_H
#define DI_MOSAIC_H

#include "render/raster.h"

/* Side of a tile, and width of a mosaic. */
#define DI_MOSAIC_TILE_PX 96

/* 1 when a mosaic of this picture is much smaller than it: from 400,000 px on.
   It has a quarter of the pixels or less, and 370,000 at most. */
int di_mosaic_pays(const di_raster_t *picture);

/**
 * Cut the tiles of a picture for which it pays, and lay them out.
 * @return 1; 0 when memory is short
 */
int di_mosaic_make(di_raster_t *out, const di_raster_t *picture);

/**
 * Mean of di_ssim_e4() over the tiles of two mosaics' lumas: without windows
 * across the seams, which are no part of the picture; DI_SSIM_NO_MEMORY.
 */
unsigned di_mosaic_ssim_e4(const di_raster_t *a, const di_raster_t *b);

#endif
