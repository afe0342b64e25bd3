/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AVIF by libavif: encoded by libaom, decoded by dav1d, both on the caller's
 * thread alone.  The one file of the tree that knows this library.
 *
 * When memory is short libavif ends the process.
 */
#ifndef DI_RENDER_AVIF_H
#define DI_RENDER_AVIF_H

#include "render/codec.h"

/* Longest side: browsers' decoders take no longer one (libavif's default of
   imageDimensionLimit, which Chromium and Firefox keep). */
#define DI_AVIF_SIDE_MAX_PX 32768

/**
 * Decode the primary picture to 8 bits a sample, within its clean aperture,
 * but as stored: neither turned nor mirrored.  Colours of a code point (CICP)
 * other than sRGB come as primaries and curve.
 * @param width_px  size that the header tells: a decoder that finds more
 *                  pixels (but for those of a block) gives up
 * @return DI_RENDER_OK; DI_RENDER_BROKEN; DI_RENDER_UNSUPPORTED (HDR by code
 *         point, pixels that are not square, an aperture between pixels),
 *         DI_RENDER_NO_MEMORY, DI_RENDER_FAILED
 */
di_render_status_e di_avif_decode(di_decoded_t *out, const unsigned char *bytes,
                                  apr_size_t len, apr_uint32_t width_px,
                                  apr_uint32_t height_px);

/* Lossy colour, lossless alpha; quality 1..100 is mapped to a quantizer
   (documented in the source).  Chroma is 4:2:0 for DI_CHROMA_420, else 4:4:4.
   DI_RENDER_NO_FORMAT: lossless, a side above DI_AVIF_SIDE_MAX_PX, or more
   pixels than there shall be memory for. */
di_encode_fn di_avif_encode;
di_check_fn di_avif_check;

/* The versions of all libraries involved as one number; any process. */
unsigned di_avif_version(void);

#endif
