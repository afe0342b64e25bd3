/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures of the formats that we write are made here; those of the others
 * are in warm_pictures.h.  Each goes through recipes that between them use
 * every coder: lossy and lossless, progressive, scaled, with a palette.
 */
#include "render/warm.h"

#include <stdlib.h>
#include <string.h>

#include "render/codecs.h"
#include "render/compose.h"
#include "render/warm_pictures.h"

#define WARM_PX 40

typedef struct {
    di_format_e format;
    const unsigned char *bytes;
    apr_size_t len;
} picture_t;

static const picture_t pictures[] = {
    {DI_FORMAT_GIF, warm_gif, sizeof(warm_gif)},
    {DI_FORMAT_TIFF, warm_tiff, sizeof(warm_tiff)},
    {DI_FORMAT_BMP, warm_bmp, sizeof(warm_bmp)},
    {DI_FORMAT_HEIC, warm_heic, sizeof(warm_heic)},
};

static const di_recipe_t recipes[] = {
    {.quality = 50, .progressive = 1, .fit_px = 15, .page_layout = 1},
    {.quality = 50, .ssim_e4 = 9000, .colors = 16},
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* A file that comes out larger than it went in has been through it all. */
static int is_fine(apr_uint32_t status)
{
    return status == DI_RENDER_OK || status == DI_RENDER_NO_GAIN ||
           status == DI_RENDER_NO_FORMAT;
}

static int render_all(di_format_e format, const unsigned char *bytes,
                      apr_size_t len)
{
    di_job_t job = {.format = (apr_uint32_t)format,
                    .limits = {.max_bytes = 1 << 20,
                               .max_pixels = WARM_PX * WARM_PX,
                               .max_side_px = WARM_PX,
                               .max_frames = 1,
                               .max_scans = 100,
                               .max_profile_bytes = 1 << 20}};
    int ok = 1;
    apr_size_t i;
    int out;

    for (i = 0; i < COUNT(recipes); i++) {
        job.recipe = recipes[i];
        for (out = 1; out < DI_FORMAT_END; out++) {
            unsigned char *file = NULL;
            di_result_t result;

            job.formats = DI_FORMATS_OUT & (1u << out);
            if (!job.formats) {
                continue;
            }
            di_compose(&result, &file, &job, bytes, len);
            free(file);
            ok &= is_fine(result.status);
        }
    }
    return ok;
}

/* A colour picture with soft alpha if wanted; few colours or many. */
static int fill(di_raster_t *out, int alpha, unsigned colors)
{
    unsigned channels = alpha ? 4 : 3, i;

    if (!di_raster_make(out, WARM_PX, WARM_PX, alpha ? DI_RGBA : DI_RGB)) {
        return 0;
    }
    for (i = 0; i < WARM_PX * WARM_PX; i++) {
        unsigned char *pixel = out->pixels + (apr_size_t)channels * i;

        pixel[0] = (unsigned char)(i % colors * 7);
        pixel[1] = (unsigned char)(i / WARM_PX % colors * 6);
        pixel[2] = (unsigned char)(i / 7 % colors);
        if (alpha) {
            pixel[3] = (unsigned char)(i % 5 ? 255 : 128);
        }
    }
    return 1;
}

static int render_made(const di_codec_t *codec, int alpha, unsigned colors)
{
    di_encode_t how = {.quality = 80,
                       .lossless = !codec->lossy,
                       .chroma = DI_CHROMA_420};
    di_blob_t file = {NULL, 0};
    di_raster_t picture;
    int ok;

    if (!fill(&picture, alpha && codec->alpha, colors)) {
        return 0;
    }
    ok = codec->encode(&file, &picture, &how) == DI_RENDER_OK &&
         render_all(codec->format, file.bytes, file.len);
    free(file.bytes);
    di_raster_free(&picture);
    return ok;
}

int di_warm_up(unsigned formats)
{
    int ok = 1, format;
    apr_size_t i;

    for (i = 0; i < COUNT(pictures); i++) {
        if (DI_FORMAT_IN(formats, pictures[i].format)) {
            ok &= render_all(pictures[i].format, pictures[i].bytes,
                             pictures[i].len);
        }
    }
    for (format = 1; format < DI_FORMAT_END; format++) {
        const di_codec_t *codec = di_codec_of((apr_uint32_t)format);

        if (codec && codec->encode) {
            ok &= render_made(codec, 0, 3) && render_made(codec, 1, 31);
        }
    }
    return ok;
}
