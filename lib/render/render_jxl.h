/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JPEG XL by libjxl directly, without its threads.  The one file of the tree
 * that knows this library.
 */
#ifndef DI_RENDER_JXL_H
#define DI_RENDER_JXL_H

#include "render/codec.h"

/* Decode the first frame to 8 bits a sample, as stored (the file's own
   orientation is not applied), in sRGB where the library can convert. */
di_render_status_e di_jxl_decode(di_decoded_t *out, const unsigned char *bytes,
                                 apr_size_t len);

/* A bare codestream; quality 1..100 is mapped to a distance (documented in
   the source).  Lossy coding takes alpha along: a few levels of 255 at usual
   qualities.  Lossless costs ten times the CPU of lossless WebP and is larger:
   for clients that take nothing else.  DI_RENDER_NO_FORMAT: more than 16 Mpx,
   lossless 4 Mpx, which would take too much memory. */
di_encode_fn di_jxl_encode;
di_check_fn di_jxl_check;

/* The library's version as its own number; any process. */
unsigned di_jxl_version(void);

#endif
