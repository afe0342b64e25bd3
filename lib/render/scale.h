/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which size a rendition gets, and how to come to it cheaply.  Pure.
 */
#ifndef DI_SCALE_H
#define DI_SCALE_H

#include "render/render.h"

typedef struct {
    apr_uint32_t width_px; /* of the rendition, as stored (not upright) */
    apr_uint32_t height_px;
    unsigned eighths; /* 1..8: the smallest n/8 of the original, each side
                         rounded up, that is at least the rendition */
} di_scale_t;

/**
 * Plan the scaling of an original by a recipe's fit_px, max_width_px,
 * max_height_px, scale_permille.
 * @param width_px   of the original as stored, 1..DI_SIDE_MAX_PX
 * @param turned     1: orientation swaps the sides, so that the recipe's
 *                   width is the stored height
 * The rendition is the largest n/8 (n = 1..8) of the original, each side
 * rounded up, that keeps every limit; when even 1/8 does not, or with
 * page_layout or scale_permille, exactly what the tightest limit says (never
 * more than the original, at least 1 px, the picture's ratio kept).
 */
void di_scale_plan(di_scale_t *out, apr_uint32_t width_px,
                   apr_uint32_t height_px, int turned,
                   const di_recipe_t *recipe);

/**
 * The next smaller size for a rendition that came out over its ceiling.
 * @param scale   in: the size that gave `bytes`; out: a size expected to give
 *                at most most_bytes, exact and not n/8
 * @return 1; 0 when it cannot be smaller (a side would be under 16 px)
 */
int di_scale_lower(di_scale_t *scale, apr_uint32_t width_px,
                   apr_uint32_t height_px, apr_size_t bytes,
                   apr_size_t most_bytes);

#endif
