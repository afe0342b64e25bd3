/* SPDX-License-Identifier: Apache-2.0 */
/* Between header.c and the files of its formats. */
#ifndef DI_HEADER_IN_H
#define DI_HEADER_IN_H

#include "render/cursor.h"
#include "render/header.h"

/* Frames are counted up to here. */
#define DI_HEADER_FRAMES_MAX 100000

/**
 * Read one format.
 * @param out  format set, frames, scans and orientation 1, all else 0
 * @param c    the whole input, at its begin
 */
typedef di_render_status_e di_header_fn(di_header_t *out, di_cursor_t *c);

di_header_fn di_header_jpeg;
di_header_fn di_header_png;
di_header_fn di_header_gif;
di_header_fn di_header_webp;
di_header_fn di_header_tiff;
di_header_fn di_header_bmp;
di_header_fn di_header_heif; /* AVIF and HEIC */
di_header_fn di_header_jxl;

/* Make the size at least this. */
void di_header_cover(di_header_t *out, apr_uint32_t width_px,
                     apr_uint32_t height_px);

/* Remember where EXIF lies, with or without "Exif\0\0" in front; the first
   counts. */
void di_header_note_exif(di_header_t *out, const di_cursor_t *c, apr_size_t at,
                         apr_size_t len);

/* The same behind the big-endian offset that ISO files put in front: bytes
   between it and the TIFF data (ISO/IEC 23008-12 A.2.1). */
void di_header_note_offset_exif(di_header_t *out, const di_cursor_t *c,
                                apr_size_t at, apr_size_t len);

/* One more part of the colour profile. */
void di_header_add_profile(di_header_t *out, apr_size_t len);

/* Saturating: count of the frames of a file. */
apr_uint32_t di_header_frames(apr_uint64_t count);

#endif
