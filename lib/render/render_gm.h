/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GraphicsMagick: decoding of the formats that no other file decodes,
 * resizing, palettes.  The one file of the tree that knows this library.
 *
 * It keeps process-wide state, so this belongs in a process of its own
 * (render/renderer.h) and is called from one thread.
 */
#ifndef DI_RENDER_GM_H
#define DI_RENDER_GM_H

#include "render/codec.h"

/**
 * Make the library ready in this process, once: no signal handlers, no
 * delegates, no coder but those of the formats given, limits set.  What the
 * coders load or look up on first use must be there before the process gives
 * up its rights: render/compose.h decodes one picture with each.
 * @param formats       set of di_format_e: what may be decoded, of
 *                      DI_FORMATS_IN
 * @param memory_bytes  for pixels, in all
 * @return 1, else 0
 */
int di_gm_start(unsigned formats, apr_uint64_t memory_bytes);

/**
 * Name and version of the library that renders; part of every key.  Safe in
 * any process and thread: it starts nothing.
 */
const char *di_gm_version(void);

/* Release all that the library holds in this process. */
void di_gm_stop(void);

/**
 * Decode GIF, TIFF, BMP; the first frame.  With the reader forced by name.  A
 * grey picture may come as DI_RGB.
 * @param width_px  the canvas that the header tells: a GIF's frame is put
 *                  into it, transparent around; a decoder that finds more
 *                  pixels than that gives up
 * @return DI_RENDER_OK, _BROKEN, _UNSUPPORTED, _NO_MEMORY, _FAILED
 */
di_render_status_e di_gm_decode(di_decoded_t *out, di_format_e format,
                                const unsigned char *bytes, apr_size_t len,
                                apr_uint32_t width_px, apr_uint32_t height_px);

/**
 * Resize with Lanczos, any samples but DI_CMYK, in place.
 * @return DI_RENDER_OK; DI_RENDER_NO_MEMORY or DI_RENDER_FAILED, with
 *         *picture as it was
 */
di_render_status_e di_gm_resize(di_raster_t *picture, apr_uint32_t width_px,
                                apr_uint32_t height_px);

/**
 * Reduce an opaque picture to at most that many colours, dithered.
 * @param colors  2..256
 */
di_render_status_e di_gm_reduce_colors(di_raster_t *picture, unsigned colors);

#endif
