/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which size a rendition gets, and what the JPEG decoder is asked for.  Pure.
 */
#ifndef DI_SCALE_H
#define DI_SCALE_H

#include <apr.h>

typedef struct {
    apr_uint32_t width_px; /* of the rendition */
    apr_uint32_t height_px;
    apr_uint32_t hint_width_px; /* size to ask the decoder for; 0: none */
    apr_uint32_t hint_height_px;
} di_scale_t;

/**
 * Plan the scaling of a JPEG.
 * @param width_px   of the original as stored, 1..65535
 * @param fit_px     longest side wanted; 0: keep the size
 * The rendition is the largest of 1, 1/2, 3/8, 1/4, 1/8 whose longest side is
 * at most fit_px, each side rounded up as the decoder does; when even 1/8 is
 * longer, its longest side is fit_px.
 */
void di_scale_plan(di_scale_t *out, apr_uint32_t width_px,
                   apr_uint32_t height_px, apr_uint32_t fit_px);

#endif
