/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a render is: a job, a result.  Plain data without pointers, because
 * both cross a socket (render/wire.h) to a process that is not trusted.
 *
 * A result is a pure function of the job's recipe, the formats it may have,
 * the original's bytes and DI_RENDERER_VERSION.  Limits decide only whether
 * there is one.
 */
#ifndef DI_RENDER_H
#define DI_RENDER_H

#include <apr.h>

/* Part of every rendition's key.  Raise it whenever the same job could yield
   other bytes than before. */
#define DI_RENDERER_VERSION 2

/* Longest side of a picture that is decoded, px: JPEG's own limit. */
#define DI_SIDE_MAX_PX 65500

/* Picture formats; the numbers are stored on disk: append only. */
typedef enum {
    DI_FORMAT_UNKNOWN = 0,
    DI_FORMAT_JPEG = 1,
    DI_FORMAT_PNG = 2,
    DI_FORMAT_GIF = 3,
    DI_FORMAT_WEBP = 4,
    DI_FORMAT_TIFF = 5,
    DI_FORMAT_BMP = 6,
    DI_FORMAT_AVIF = 7,
    DI_FORMAT_HEIC = 8,
    DI_FORMAT_JXL = 9,
    DI_FORMAT_END
} di_format_e;

/* Sets of formats: DI_FORMAT_SET(JPEG) | DI_FORMAT_SET(PNG). */
#define DI_FORMAT_SET(name) (1u << DI_FORMAT_##name)
#define DI_FORMAT_IN(set, format) (((set) >> (format)) & 1u)

/* What a rendition can be. */
#define DI_FORMATS_OUT                                                         \
    (DI_FORMAT_SET(JPEG) | DI_FORMAT_SET(PNG) | DI_FORMAT_SET(WEBP) |          \
     DI_FORMAT_SET(AVIF) | DI_FORMAT_SET(JXL))

/* What an original can be, by default and at most. */
#define DI_FORMATS_IN_DEFAULT                                                  \
    (DI_FORMAT_SET(JPEG) | DI_FORMAT_SET(PNG) | DI_FORMAT_SET(GIF) |           \
     DI_FORMAT_SET(WEBP))
#define DI_FORMATS_IN                                                          \
    (DI_FORMATS_IN_DEFAULT | DI_FORMAT_SET(TIFF) | DI_FORMAT_SET(BMP) |        \
     DI_FORMAT_SET(AVIF) | DI_FORMAT_SET(HEIC) | DI_FORMAT_SET(JXL))

/* Chroma planes of a JPEG. */
typedef enum {
    DI_CHROMA_AUTO = 0, /* 4:2:0 for photographs, 4:4:4 for graphics */
    DI_CHROMA_420 = 1,
    DI_CHROMA_422 = 2,
    DI_CHROMA_444 = 3
} di_chroma_e;

/* How a tier's picture is made: all that its bytes depend on, besides the
   original and the set of formats.  0 stands for "not asked for". */
typedef struct {
    apr_uint32_t fit_px;       /* longest side */
    apr_uint32_t max_width_px; /* of the rendition, upright */
    apr_uint32_t max_height_px;
    apr_uint32_t scale_permille; /* of the original's sides, 1..1000 */
    apr_uint32_t quality;        /* 1..100, the JPEG scale.  With a floor:
                                    where the search begins */
    apr_uint32_t ssim_e4;        /* floor of SSIM against the picture before
                                    it was encoded, 1/10000 */
    apr_uint32_t most_bytes;     /* ceiling of the rendition */
    apr_uint32_t chroma;         /* di_chroma_e */
    apr_uint32_t progressive;    /* JPEG: 1 = progressive scans */
    apr_uint32_t colors;         /* PNG: palette of at most 2..256 colours */
    apr_uint32_t page_layout;    /* 1: the page sets sizes, so that a format
                                    which cannot carry the size at which it is
                                    laid out may have fewer pixels too */
    apr_uint32_t background;     /* 0xRRGGBB behind transparent pixels, where
                                    the rendition's format has none */
    apr_uint32_t keep_copyright; /* 1: author and copyright stay */
    apr_uint32_t quick;          /* 1: the cheap tier of a cold miss: no
                                    search, the fastest settings, JPEG */
} di_recipe_t;

/* What is refused from an original's header, before any decoder sees it. */
typedef struct {
    apr_uint64_t max_bytes;  /* of the file */
    apr_uint64_t max_pixels; /* width x height x frames */
    apr_uint32_t max_side_px;
    apr_uint32_t max_frames;
    apr_uint32_t max_scans;         /* of a progressive JPEG */
    apr_uint32_t max_profile_bytes; /* of a colour profile */
} di_limits_t;

typedef struct {
    apr_uint32_t format;  /* di_format_e of the original, by content */
    apr_uint32_t formats; /* set of formats that the rendition may have, of
                             DI_FORMATS_OUT */
    di_recipe_t recipe;
    di_limits_t limits;
    apr_uint32_t time_limit_ms; /* wall time: waiting and rendering */
    /* For the queue alone: */
    apr_uint32_t urgency;  /* di_urgency_e */
    apr_uint32_t priority; /* of the tier, 0..9, 9 first; among equals */
    apr_uint64_t client;   /* whose job it is, any number; 0: nobody's */
    /* Not sent; asked now and then while a job for which nobody waits is not
       begun: does somebody wait for it by now?  NULL: nobody will. */
    int (*is_awaited)(void *baton);
    void *awaited_baton;
} di_job_t;

/* Which job goes first (render/queue.h). */
typedef enum {
    DI_URGENCY_QUICK = 0, /* the cheap tier of a cold miss */
    DI_URGENCY_MISSING,   /* somebody waits for it */
    DI_URGENCY_STALE,     /* somebody got something else meanwhile */
    DI_URGENCY_AHEAD,     /* nobody has asked yet */
    DI_URGENCY_END
} di_urgency_e;

/* How a render ended. */
typedef enum {
    DI_RENDER_OK = 0,
    DI_RENDER_UNSUPPORTED,     /* not a picture of the job's format, or a kind
                                  that no renderer takes */
    DI_RENDER_ANIMATED,        /* more than one frame: passed through */
    DI_RENDER_TOO_MANY_BYTES,  /* over limits.max_bytes */
    DI_RENDER_TOO_MANY_PIXELS, /* ... and so on */
    DI_RENDER_TOO_LONG_SIDE,
    DI_RENDER_TOO_MANY_FRAMES,
    DI_RENDER_TOO_MANY_SCANS,
    DI_RENDER_TOO_LARGE_PROFILE,
    DI_RENDER_BROKEN,    /* damaged, seen by us or by the decoder */
    DI_RENDER_NO_FORMAT, /* none of job.formats can show this picture */
    DI_RENDER_NO_GAIN,   /* what the recipe asks for, in any of the formats,
                            is not smaller than the original */
    DI_RENDER_NO_MEMORY, /* a resource limit of the process */
    DI_RENDER_FAILED,    /* any other error of a library */
    DI_RENDER_TOLD,      /* number of the ones above: told by a renderer */
    /* These are told by the queue or found by the caller. */
    DI_RENDER_BUSY = 64, /* no place in the queue, pushed out of it, or in it
                            until there was no time left to begin */
    DI_RENDER_TIMEOUT,   /* begun in the first half of the limit, but no answer
                            within it */
    DI_RENDER_DIED,      /* the renderer died at it */
    DI_RENDER_NO_POOL,   /* there are no renderers */
    DI_RENDER_NOT_BEGUN  /* no renderer took it within the limit, or one did so
                            late that being too slow tells nothing */
} di_render_status_e;

typedef struct {
    apr_uint32_t status;   /* di_render_status_e */
    apr_uint32_t format;   /* di_format_e of the rendition */
    apr_uint32_t width_px; /* of the rendition */
    apr_uint32_t height_px;
    apr_uint32_t source_width_px; /* of the original as shown (after its
                                     orientation); 0 = not known */
    apr_uint32_t source_height_px;
    apr_uint32_t quality; /* that was used; 0: lossless */
    apr_uint32_t ssim_e4; /* as recipe.ssim_e4; 10000: lossless; 0: not
                             measured */
    apr_uint32_t cpu_us;  /* CPU time of the job, us, from taking it to having
                             given back its memory, also of one that gave
                             nothing; of one at which the renderer was ended
                             the time that it had; 0: none had begun */
    apr_uint64_t bytes;   /* of the rendition */
} di_result_t;

#endif
