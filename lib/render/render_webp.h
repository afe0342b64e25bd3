/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebP by libwebp directly.  The one file of the tree that knows this
 * library.
 */
#ifndef DI_RENDER_WEBP_H
#define DI_RENDER_WEBP_H

#include "render/codec.h"

/**
 * Decode a file of one frame to DI_RGB or DI_RGBA, its ICCP chunk as profile.
 * @param width_px  when the picture is wanted smaller: the decoder's own
 *                  scaling; 0: as stored
 */
di_render_status_e di_webp_decode(di_decoded_t *out, const unsigned char *bytes,
                                  apr_size_t len, apr_uint32_t width_px,
                                  apr_uint32_t height_px);

/* Lossy (alpha kept exactly) or lossless; a bare VP8, VP8L or VP8X file. */
di_encode_fn di_webp_encode;
di_check_fn di_webp_check;

/* Another number for every version of encoder and decoder; any process. */
unsigned di_webp_version(void);

#endif
