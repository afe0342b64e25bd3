/* SPDX-License-Identifier: Apache-2.0 */
/* The items of a HEIF file: between header_heif.c and heif_meta.c. */
#ifndef DI_HEIF_META_H
#define DI_HEIF_META_H

#include "render/box.h"
#include "render/header_in.h"

/**
 * Read the box "meta" of a file: its primary picture, how many there are,
 * EXIF.
 * @param out   format set
 * @param meta  the body of the box
 * @param file  the whole input
 */
di_render_status_e di_heif_meta(di_header_t *out, const di_cursor_t *meta,
                                const di_cursor_t *file);

#endif
