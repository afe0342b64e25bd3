/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cost = pixels in x what decoding one takes + pixels out x what encoding and
 * comparing one takes x encodes.  The rates are CPU ns a pixel on one core of
 * a 2020s server, rounded up; a machine three times slower or faster changes
 * which side of 300 ms few pictures are on.
 */
#include "image/cost.h"

#include "render/scale.h"
#include "render/search.h"

/* Of the first bytes nothing could be told. */
#define UNKNOWN_MS 1000

typedef struct {
    unsigned decode_ns; /* a pixel of the original */
    unsigned encode_ns; /* a pixel of the rendition, one encode */
    unsigned check_ns;  /* a pixel of the rendition, decoded and compared */
} rates_t;

static const rates_t rates[DI_FORMAT_END] = {
    [DI_FORMAT_JPEG] = {7, 25, 12},   [DI_FORMAT_PNG] = {25, 150, 30},
    [DI_FORMAT_GIF] = {25, 0, 0},     [DI_FORMAT_WEBP] = {25, 120, 30},
    [DI_FORMAT_TIFF] = {30, 0, 0},    [DI_FORMAT_BMP] = {15, 0, 0},
    [DI_FORMAT_AVIF] = {20, 60, 20},  [DI_FORMAT_HEIC] = {80, 0, 0},
    [DI_FORMAT_JXL] = {100, 200, 80},
};

/* A progressive JPEG is entropy-decoded scan by scan. */
#define PROGRESSIVE_TIMES 4

static apr_uint64_t decode_ns(const di_job_t *job, const di_header_t *header,
                              apr_uint64_t pixels)
{
    apr_uint64_t ns = pixels * rates[job->format].decode_ns;

    return job->format == DI_FORMAT_JPEG && header->progressive
               ? ns * PROGRESSIVE_TIMES
               : ns;
}

static apr_uint64_t encode_ns(const di_job_t *job, apr_uint64_t pixels)
{
    unsigned tries = job->recipe.ssim_e4 ? DI_SEARCH_TRIES - 1 : 1;
    apr_uint64_t ns = 0;
    int format;

    for (format = 1; format < DI_FORMAT_END; format++) {
        if (DI_FORMAT_IN(job->formats, format) && format != DI_FORMAT_PNG) {
            ns += (apr_uint64_t)rates[format].encode_ns +
                  (job->recipe.ssim_e4 ? rates[format].check_ns : 0);
        }
    }
    return pixels * ns * tries;
}

apr_uint32_t di_cost_ms(const di_job_t *job, const di_header_t *header)
{
    apr_uint64_t in = (apr_uint64_t)header->width_px * header->height_px;
    apr_uint64_t ns;
    di_scale_t scale;

    if (!in || job->format >= DI_FORMAT_END ||
        header->width_px > DI_SIDE_MAX_PX ||
        header->height_px > DI_SIDE_MAX_PX) {
        return UNKNOWN_MS;
    }
    di_scale_plan(&scale, header->width_px, header->height_px, 0,
                  &job->recipe);
    ns = decode_ns(job, header, in) +
         encode_ns(job, (apr_uint64_t)scale.width_px * scale.height_px);
    return (apr_uint32_t)(ns / 1000000);
}
