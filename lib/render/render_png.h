/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PNG by libpng directly.  The one file of the tree that knows this library.
 */
#ifndef DI_RENDER_PNG_H
#define DI_RENDER_PNG_H

#include "render/codec.h"

/**
 * Decode to 8 bits a sample, tRNS of every colour type honoured, palette and
 * small depths expanded, interlacing undone; profile, gamma and primaries as
 * the file gives them (iCCP; else gAMA and cHRM unless sRGB is there).  A
 * grey file gives grey.
 * @return DI_RENDER_OK; DI_RENDER_BROKEN for any damage of picture data or of
 *         a critical chunk (checksums included), not of others;
 *         DI_RENDER_UNSUPPORTED for a cICP that is not sRGB;
 *         DI_RENDER_TOO_LARGE_PROFILE for one of more than 4 MB that counts;
 *         DI_RENDER_NO_MEMORY, DI_RENDER_FAILED
 */
di_render_status_e di_png_decode(di_decoded_t *out, const unsigned char *bytes,
                                 apr_size_t len);

/**
 * Encode in the smallest colour type and depth that keeps every sample: grey
 * 1..8 bits, palette 1..8 bits with tRNS, RGB, with alpha.  how->colors asks
 * for a palette, which must hold all colours of the picture
 * (DI_RENDER_NO_FORMAT if not; di_gm_reduce_colors makes such a picture).
 */
di_encode_fn di_png_encode;
di_check_fn di_png_check;

/* Another number for every version of libpng and of zlib, as they run. */
unsigned di_png_version(void);

#endif
