/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HEVC still picture by libde265, on the thread that calls.  The one file
 * of the tree that knows this library.
 *
 * libheif has a decoder of its own over the same library, which starts a
 * thread for each picture whatever it is told, and waits for ever where it may
 * not; a renderer may not (render/sandbox.h).
 *
 * The library writes to standard error of some damage, which a renderer keeps
 * closed (render/renderer.c).
 */
#ifndef DI_RENDER_DE265_H
#define DI_RENDER_DE265_H

#include "render/render.h"

typedef struct di_de265_t di_de265_t;

/* Views of what the decoder holds, until it is freed. */
typedef struct {
    unsigned chroma; /* chroma_format_idc: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4 */
    unsigned depth;  /* bits of a sample; above 8 two bytes each, as the
                        machine has them */
    unsigned planes; /* 1 or 3: Y, Cb, Cr */
    struct {
        const unsigned char *samples;
        apr_uint32_t width_px, height_px;
        apr_size_t row_bytes;
    } plane[3];
    /* What the stream says of its colours, ITU-T H.273. */
    unsigned primaries, curve, matrix;
    int full_range;
} di_hevc_picture_t;

/* The library's tables; once in a process before the first decoder. */
void di_de265_start(void);

/* NULL when memory is short. */
di_de265_t *di_de265_new(void);
void di_de265_free(di_de265_t *decoder);

/**
 * Hand over a part of the stream, as HEIF stores it (ISO/IEC 14496-15 4.3):
 * NAL units, each behind its length in four bytes.
 */
di_render_status_e di_de265_push(di_de265_t *decoder,
                                 const unsigned char *bytes, apr_size_t len);

/**
 * Decode what was handed over; once.
 * @return DI_RENDER_OK, _BROKEN (a picture that is damaged only in part,
 *         too), _UNSUPPORTED, _NO_MEMORY
 */
di_render_status_e di_de265_decode(di_hevc_picture_t *out, di_de265_t *decoder);

/* The library's version as its own number; any process. */
unsigned di_de265_version(void);

#endif
