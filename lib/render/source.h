/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An original: read, held against its limits, and decoded to the picture that
 * everything else works on: upright, sRGB, 8 bits, of the size wanted.
 */
#ifndef DI_SOURCE_H
#define DI_SOURCE_H

#include "render/exif.h"
#include "render/header.h"
#include "render/raster.h"
#include "render/scale.h"

typedef struct {
    const unsigned char *bytes; /* not owned */
    apr_size_t len;
    apr_uint32_t max_profile_bytes; /* the job's */
    di_header_t header;
    di_exif_t exif;       /* points into bytes */
    unsigned orientation; /* still to be applied to what a decoder gives */
    int turns;            /* 1: that swaps the sides */
    apr_uint32_t shown_width_px; /* layout size on a page, upright */
    apr_uint32_t shown_height_px;
} di_source_t;

/**
 * Read header and EXIF, without decoding.
 * @return DI_RENDER_OK; DI_RENDER_ANIMATED; any status of di_header_read and
 *         di_header_check
 */
di_render_status_e di_source_read(di_source_t *out, const di_job_t *job,
                                  const unsigned char *bytes, apr_size_t len);

/**
 * Decode.  A profile that is over the job's limit only when it is inflated is
 * DI_RENDER_TOO_LARGE_PROFILE.
 * @param scale  of the stored picture (di_scale_plan)
 * @param out    upright; an alpha channel that is opaque, and colours that
 *               are all grey, are gone
 */
di_render_status_e di_source_decode(di_raster_t *out,
                                    const di_source_t *source,
                                    const di_scale_t *scale);

/**
 * Make a decoded picture smaller.
 * @param width_px   upright, at most the picture's
 */
di_render_status_e di_source_shrink(di_raster_t *picture,
                                    apr_uint32_t width_px,
                                    apr_uint32_t height_px);

#endif
