/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a picture's own header says, read without decoding: enough to refuse a
 * bomb, an animation or a cut-off file before any decoder sees it.  One file
 * a format: header_jpeg.c, header_png.c, ...
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
    apr_uint32_t width_px; /* as stored, before any orientation; of the
                              largest frame (each side for itself) or of the
                              canvas */
    apr_uint32_t height_px;
    apr_uint32_t frames;   /* of an animation, or pages of a TIFF, or pictures
                              of a HEIC collection; counted up to 100000; a
                              JXL that moves: 2, as it does not say */
    apr_uint32_t channels; /* 1 grey, 3 colour, 4 CMYK (alpha and palette
                              do not count); 0 not known */
    apr_uint32_t scans;    /* JPEG: number of SOS; else 1 */
    apr_uint32_t profile_bytes; /* of the colour profile, as stored, all
                                   parts; of the page that has the largest;
                                   0: none, or within a JXL's codestream */
    apr_uint32_t orientation;   /* what the container itself says (HEIF irot
                                   and imir, JXL), 1..8; 1: nothing */
    int animated;               /* 1: frames follow one another in time */
    int progressive;            /* JPEG, interlaced PNG and GIF */
    /* 1: there may be transparent pixels; 0: there are none, even if a
       decoder should say so (BMP of 32 bits without a mask). */
    int alpha;
    di_span_t exif; /* TIFF data, without "Exif\0\0" */
} di_header_t;

/**
 * Read a picture's header and walk its outer structure to the end.
 * @param format  what the picture is said to be; nothing else is accepted
 * @return DI_RENDER_OK; DI_RENDER_UNSUPPORTED when the bytes do not begin as
 *         that format does, or are a kind of it that no renderer takes;
 *         DI_RENDER_BROKEN when they do, but the structure is damaged or ends
 *         early.  *out holds what was read up to there
 * Source: ITU-T T.81 annex B, PNG (W3C, 2003) 5 and APNG, GIF89a, RFC 9649,
 * TIFF 6.0, ISO/IEC 14496-12 and 23008-12 (HEIF), ISO/IEC 18181-1 and -2.
 */
di_render_status_e di_header_read(di_header_t *out, di_format_e format,
                                  const unsigned char *bytes, apr_size_t len);

/**
 * Hold a header against limits, in the order in which the status codes are
 * listed.  A side over DI_SIDE_MAX_PX is always too long; width and height
 * count in 64 bits and over all frames.
 * @return DI_RENDER_OK, DI_RENDER_TOO_MANY_BYTES ... _TOO_LARGE_PROFILE
 */
di_render_status_e di_header_check(const di_header_t *header, apr_uint64_t len,
                                   const di_limits_t *limits);

#endif
