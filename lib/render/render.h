/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a render is: a job, a result.  Plain data without pointers, because
 * both cross a socket (render/wire.h) to a process that is not trusted.
 *
 * A result is a pure function of the job's numbers, the original's bytes and
 * DI_RENDERER_VERSION.
 */
#ifndef DI_RENDER_H
#define DI_RENDER_H

#include <apr.h>

/* Part of every rendition's key.  Raise it whenever the same job could yield
   other bytes than before. */
#define DI_RENDERER_VERSION 1

/* Longest side of a picture that is decoded, px: JPEG's own limit. */
#define DI_SIDE_MAX_PX 65500

/* Picture formats; the numbers are stored on disk: append only. */
typedef enum {
    DI_FORMAT_UNKNOWN = 0,
    DI_FORMAT_JPEG = 1,
    DI_FORMAT_PNG = 2,
    DI_FORMAT_GIF = 3,
    DI_FORMAT_WEBP = 4
} di_format_e;

typedef struct {
    apr_uint32_t format;        /* di_format_e of the original, by content */
    apr_uint32_t fit_px;        /* longest side of the rendition, px: the
                                   largest of 1, 1/2, 3/8, 1/4, 1/8 of the
                                   original that fits is taken; when none
                                   does, exactly this.  0: keep the size.
                                   Only JPEG is scaled: it alone can carry
                                   the size at which a page lays it out */
    apr_uint32_t quality;       /* JPEG, WebP: 1..100 */
    apr_uint32_t progressive;   /* JPEG: 1 = progressive scans */
    apr_uint32_t colors;        /* PNG, GIF: palette of at most 2..256
                                   colours; 0: lossless */
    apr_uint64_t max_pixels;    /* width x height (x frames) of the original */
    apr_uint64_t max_bytes;     /* of the original */
    apr_uint32_t time_limit_ms; /* wall time that the render may take */
} di_job_t;

/* How a render ended. */
typedef enum {
    DI_RENDER_OK = 0,
    DI_RENDER_UNSUPPORTED, /* not a picture of the job's format, or a
                              kind that is passed through (CMYK) */
    DI_RENDER_ANIMATED,    /* more than one frame: passed through */
    DI_RENDER_TOO_LARGE,   /* over max_pixels or max_bytes */
    DI_RENDER_BROKEN,      /* the decoder found damage */
    DI_RENDER_NO_MEMORY,   /* a resource limit of the process */
    DI_RENDER_FAILED,      /* any other error of the library */
    /* The ones below are found by the caller, not told by the renderer. */
    DI_RENDER_BUSY,    /* the queue is full */
    DI_RENDER_TIMEOUT, /* no answer within the limit */
    DI_RENDER_DIED,    /* the renderer died at it */
    DI_RENDER_NO_POOL  /* there are no renderers */
} di_render_status_e;

typedef struct {
    apr_uint32_t status;   /* di_render_status_e */
    apr_uint32_t format;   /* di_format_e of the rendition */
    apr_uint32_t width_px; /* of the rendition */
    apr_uint32_t height_px;
    apr_uint32_t source_width_px; /* of the original as shown (after its
                                     orientation); 0 = not known */
    apr_uint32_t source_height_px;
    apr_uint32_t cpu_us; /* CPU time of the render, us */
    apr_uint64_t bytes;  /* of the rendition */
} di_result_t;

#endif
