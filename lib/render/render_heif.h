/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HEIC by libheif, with the decoder of render_de265.h instead of its own: so
 * it starts no thread.  The one file of the tree that knows this library.
 */
#ifndef DI_RENDER_HEIF_H
#define DI_RENDER_HEIF_H

#include "render/codec.h"

/* Make the library ready in this process, once.  Returns 1, else 0. */
int di_heif_start(void);

/**
 * Decode the primary picture, 8 bits a sample, turned and cropped as the file
 * says (the other decoders leave that to di_raster_turn).  A grey picture
 * comes as DI_RGB.
 * @param width_px  size after that, as the header tells; a picture of another
 *                  size is broken
 * @return DI_RENDER_OK, _BROKEN, _UNSUPPORTED (HDR, premultiplied alpha,
 *         and all without di_heif_start), _NO_MEMORY, _FAILED
 */
di_render_status_e di_heif_decode(di_decoded_t *out, const unsigned char *bytes,
                                  apr_size_t len, apr_uint32_t width_px,
                                  apr_uint32_t height_px);

/* Versions of this library and of its decoder, as one number; any process. */
unsigned di_heif_version(void);

#endif
