/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting an EXIF block into an encoded file: JPEG (APP1 behind SOI), PNG
 * (eXIf in front of the first IDAT), WebP (VP8X made if need be, EXIF chunk
 * at the end), AVIF (an item), JPEG XL (a box).  Pure.
 */
#ifndef DI_CONTAINER_H
#define DI_CONTAINER_H

#include "render/codec.h"

/* What the EXIF block's surroundings take at most, bytes: AVIF's 65. */
#define DI_CONTAINER_EXIF_BYTES 80

/**
 * @param file       from an encoder of this tree; replaced on success
 * @param width_px   of the picture in it
 * @param alpha      1: it has alpha (WebP's header says so)
 * @param exif       from the byte order mark on
 * @return DI_RENDER_OK; DI_RENDER_NO_FORMAT when the format takes no EXIF or
 *         the file is none of its kind; DI_RENDER_NO_MEMORY
 */
di_render_status_e di_container_add_exif(di_blob_t *file, di_format_e format,
                                         apr_uint32_t width_px,
                                         apr_uint32_t height_px, int alpha,
                                         const unsigned char *exif,
                                         apr_size_t len);

/* 1 when browsers lay a file of this format out at the size that its EXIF
   says (seen in Chromium; docs/fidelity.md). */
int di_container_carries_size(di_format_e format);

#endif
