/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a picture's own header says, read without decoding: enough to refuse a
 * bomb, an animation or a cut-off file before any decoder sees it.
 *
 * Pure; reads only bytes[0..len) and does work linear in len.
 */
#ifndef DI_HEADER_H
#define DI_HEADER_H

#include "render/render.h"

/* Where a part of the input lies; len 0: the input has no such part. */
typedef struct {
    apr_size_t at;
    apr_size_t len;
} di_span_t;

typedef struct {
    apr_uint32_t format;   /* di_format_e */
    apr_uint32_t width_px; /* as stored, before any orientation */
    apr_uint32_t height_px;
    apr_uint32_t frames;   /* 1, or 2 for any number above 1 */
    apr_uint32_t channels; /* 1 grey, 3 colour, 4 CMYK (alpha and palette
                              do not count); 0 not known (WebP) */
    di_span_t exif;        /* TIFF data, without "Exif\0\0" */
    di_span_t icc;         /* first part of an ICC profile, JPEG only */
} di_header_t;

/**
 * Read a picture's header and walk its outer structure to the end.
 * @param format  what the picture is said to be; nothing else is accepted
 * @return DI_RENDER_OK; DI_RENDER_UNSUPPORTED when the bytes do not begin as
 *         that format does, or are a kind of it that no renderer takes;
 *         DI_RENDER_BROKEN when they do, but the structure is damaged or ends
 *         early
 * Source: ITU-T T.81 annex B, PNG (W3C, 2003) 5 and APNG, GIF89a, RFC 9649.
 */
di_render_status_e di_header_read(di_header_t *out, di_format_e format,
                                  const unsigned char *bytes, apr_size_t len);

#endif
