/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JPEG by libjpeg-turbo directly: decoding at n/8 of the size (the DCT does
 * the scaling), encoding, and decoding of the luma alone.  The one file of
 * the tree that knows this library.
 */
#ifndef DI_RENDER_JPEG_H
#define DI_RENDER_JPEG_H

#include "render/codec.h"

/**
 * Decode.  Grey becomes DI_GREY, YCbCr and RGB DI_RGB, CMYK and YCCK
 * DI_CMYK (0 = no ink, whatever Adobe's marker says); the profile is joined
 * from its APP2 parts.
 * @param eighths  1..8: the picture has ceil(side * eighths / 8) px a side
 * @return DI_RENDER_OK; DI_RENDER_BROKEN also for damage that libjpeg repairs
 *         with made-up picture data, but not for harmless warnings (bytes in
 *         front of a marker); DI_RENDER_UNSUPPORTED (arithmetic coding,
 *         12 bits, two components), DI_RENDER_NO_MEMORY, DI_RENDER_FAILED
 */
di_render_status_e di_jpeg_decode(di_decoded_t *out, const unsigned char *bytes,
                                  apr_size_t len, unsigned eighths);

/* Baseline or progressive, Huffman tables optimised unless how->fast (then
   baseline always). */
di_encode_fn di_jpeg_encode;
di_check_fn di_jpeg_check;

/* The library's version as its own number; any process. */
unsigned di_jpeg_version(void);

#endif
