/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoding one way; the search for a quality is search.c's.
 *
 * The first tries for a large picture are made on its mosaic:
 *
 *     di_candidate_estimate    two tries on the mosaic
 *     di_candidate_lossy       then the rest on the picture, measured in full
 */
#include "render/candidate.h"

#include <stdlib.h>
#include <string.h>

#include "render/mosaic.h"
#include "render/render_gm.h"
#include "render/ssim.h"

/* Above it files grow without a difference that eyes see (ours, from looking
   at photographs). */
#define QUALITY_MOST 98

/* Where a search begins when the recipe does not say. */
#define QUALITY_USUAL 70

/* Of DI_SEARCH_TRIES those on a mosaic.  Against all tries in full, on 8
   photographs in 2 sizes with 2 floors: bytes +1 to +3 % and half the time.
   With one try less here the format is wrong more often. */
#define MOSAIC_TRIES 2

void di_subject_init(di_subject_t *subject, const di_raster_t *picture,
                     di_kind_e kind)
{
    memset(subject, 0, sizeof(*subject));
    subject->whole.picture = picture;
    subject->part.picture = &subject->mosaic;
    subject->part.is_mosaic = 1;
    subject->kind = kind;
}

void di_subject_free(di_subject_t *subject)
{
    di_raster_free(&subject->whole.luma);
    di_raster_free(&subject->part.luma);
    di_raster_free(&subject->mosaic);
}

int di_subject_is_large(const di_subject_t *subject)
{
    return di_mosaic_pays(subject->whole.picture);
}

static apr_uint64_t pixels_of(const di_raster_t *picture)
{
    return (apr_uint64_t)picture->width_px * picture->height_px;
}

int di_subject_scale_e12(const di_subject_t *subject)
{
    return di_search_bytes_e12((apr_size_t)pixels_of(subject->whole.picture)) -
           di_search_bytes_e12((apr_size_t)pixels_of(&subject->mosaic));
}

void di_candidate_free(di_candidate_t *candidate)
{
    free(candidate->file.bytes);
    memset(candidate, 0, sizeof(*candidate));
}

int di_candidate_keep_smaller(di_candidate_t *best, di_candidate_t *other)
{
    if (other->file.bytes &&
        (!best->file.bytes || other->file.len < best->file.len)) {
        di_candidate_free(best);
        *best = *other;
        memset(other, 0, sizeof(*other));
        return 1;
    }
    di_candidate_free(other);
    return 0;
}

static di_encode_t settings_of(const di_subject_t *subject,
                               const di_recipe_t *recipe)
{
    di_encode_t how = {.quality = recipe->quality ? (int)recipe->quality
                                                  : QUALITY_USUAL,
                       .progressive = recipe->progressive != 0,
                       .chroma = (di_chroma_e)recipe->chroma,
                       .fast = recipe->quick != 0};

    if (how.chroma == DI_CHROMA_AUTO) {
        how.chroma =
            subject->kind == DI_KIND_PHOTO ? DI_CHROMA_420 : DI_CHROMA_444;
    }
    return how;
}

static int can_hold(const di_codec_t *codec, const di_raster_t *picture)
{
    return codec->encode && picture->width_px <= codec->most_side_px &&
           picture->height_px <= codec->most_side_px &&
           (codec->alpha || !di_raster_has_alpha(picture));
}

static di_render_status_e encode(di_candidate_t *out, const di_codec_t *codec,
                                 const di_raster_t *picture,
                                 const di_encode_t *how)
{
    memset(out, 0, sizeof(*out));
    out->format = codec->format;
    out->quality = how->lossless ? 0 : how->quality;
    out->ssim_e4 = how->lossless ? 10000 : 0;
    return codec->encode(&out->file, picture, how);
}

static int compare(unsigned *ssim_e4, di_view_t *view,
                   const di_raster_t *decoded)
{
    unsigned (*ssim)(const di_raster_t *, const di_raster_t *) =
        view->is_mosaic ? di_mosaic_ssim_e4 : di_ssim_e4;
    di_raster_t luma;

    if (!view->luma.pixels && !di_luma_make(&view->luma, view->picture)) {
        return 0;
    }
    if (decoded->samples == DI_GREY) {
        *ssim_e4 = ssim(&view->luma, decoded);
        return 1;
    }
    if (!di_luma_make(&luma, decoded)) {
        return 0;
    }
    *ssim_e4 = ssim(&view->luma, &luma);
    di_raster_free(&luma);
    return 1;
}

static di_render_status_e measure(di_candidate_t *candidate,
                                  const di_codec_t *codec, di_view_t *view)
{
    di_raster_t decoded;
    di_render_status_e status = codec->check(&decoded, &candidate->file);

    if (status != DI_RENDER_OK) {
        return status == DI_RENDER_NO_MEMORY ? status : DI_RENDER_FAILED;
    }
    if (!compare(&candidate->ssim_e4, view, &decoded)) {
        status = DI_RENDER_NO_MEMORY;
    }
    di_raster_free(&decoded);
    return status;
}

di_render_status_e di_candidate_measure(di_candidate_t *candidate,
                                        di_subject_t *subject)
{
    return measure(candidate, di_codec_of((apr_uint32_t)candidate->format),
                   &subject->whole);
}

/* One try of a search: encode, compare, keep if it is the best so far. */
static di_render_status_e attempt(di_candidate_t *best, di_search_t *search,
                                  const di_codec_t *codec, di_view_t *view,
                                  const di_encode_t *how)
{
    di_candidate_t tried;
    di_render_status_e status = encode(&tried, codec, view->picture, how);

    if (status == DI_RENDER_OK) {
        status = measure(&tried, codec, view);
    }
    if (status == DI_RENDER_OK) {
        di_search_feed(search, tried.ssim_e4, tried.file.len);
        if (search->best == search->count - 1) {
            di_candidate_free(best);
            *best = tried;
            return status;
        }
    }
    di_candidate_free(&tried);
    return status;
}

static di_render_status_e search_on(di_candidate_t *out, di_search_t *search,
                                    const di_codec_t *codec, di_view_t *view,
                                    di_encode_t *how)
{
    di_render_status_e status = DI_RENDER_OK;

    while (status == DI_RENDER_OK && di_search_next(search, &how->quality)) {
        status = attempt(out, search, codec, view, how);
    }
    return status;
}

static int is_possible(const di_codec_t *codec, const di_subject_t *subject)
{
    return codec->lossy && can_hold(codec, subject->whole.picture);
}

/* What recipe->quality makes of the mosaic is the floor for other formats. */
static di_render_status_e set_floor(di_estimate_t *out, unsigned *floor_e4,
                                    di_subject_t *subject,
                                    const di_encode_t *how)
{
    di_candidate_t tried;
    di_render_status_e status =
        encode(&tried, out->codec, subject->part.picture, how);

    if (status == DI_RENDER_OK) {
        status = measure(&tried, out->codec, &subject->part);
    }
    if (status == DI_RENDER_OK) {
        *floor_e4 = tried.ssim_e4;
        out->quality = how->quality;
        out->bytes_e12 = di_search_bytes_e12(tried.file.len);
    }
    di_candidate_free(&tried);
    return status;
}

di_render_status_e di_candidate_estimate(di_estimate_t *out,
                                         const di_codec_t *codec,
                                         di_subject_t *subject,
                                         const di_recipe_t *recipe,
                                         unsigned *floor_e4)
{
    di_encode_t how = settings_of(subject, recipe);
    di_candidate_t smallest = {0};
    di_render_status_e status;

    memset(out, 0, sizeof(*out));
    out->codec = codec;
    if (!is_possible(codec, subject)) {
        return DI_RENDER_NO_FORMAT;
    }
    if (!subject->mosaic.pixels &&
        !di_mosaic_make(&subject->mosaic, subject->whole.picture)) {
        return DI_RENDER_NO_MEMORY;
    }
    if (!*floor_e4) {
        return set_floor(out, floor_e4, subject, &how);
    }
    di_search_begin(&out->search, *floor_e4, how.quality, codec->least_quality,
                    QUALITY_MOST);
    di_search_bound(&out->search, MOSAIC_TRIES);
    status = search_on(&smallest, &out->search, codec, &subject->part, &how);
    di_candidate_free(&smallest);
    if (status == DI_RENDER_OK && !out->search.count) {
        return DI_RENDER_NO_FORMAT; /* nothing lossy keeps that floor */
    }
    di_search_guess(&out->quality, &out->bytes_e12, &out->search);
    return status;
}

static di_render_status_e find_smallest(di_candidate_t *out,
                                        const di_codec_t *codec,
                                        di_subject_t *subject, di_encode_t *how,
                                        unsigned floor_e4,
                                        const di_estimate_t *estimate)
{
    di_render_status_e status;
    di_search_t search;

    if (estimate) {
        di_search_follow(&search, &estimate->search,
                         pixels_of(subject->whole.picture));
    }
    else {
        di_search_begin(&search, floor_e4, how->quality, codec->least_quality,
                        QUALITY_MOST);
    }
    status = search_on(out, &search, codec, &subject->whole, how);
    if (status == DI_RENDER_OK && !out->file.bytes) {
        status = DI_RENDER_NO_FORMAT;
    }
    if (status != DI_RENDER_OK) {
        di_candidate_free(out);
    }
    return status;
}

di_render_status_e
di_candidate_lossy(di_candidate_t *out, const di_codec_t *codec,
                   di_subject_t *subject, const di_recipe_t *recipe,
                   unsigned floor_e4, const di_estimate_t *estimate)
{
    di_encode_t how = settings_of(subject, recipe);

    memset(out, 0, sizeof(*out));
    if (!is_possible(codec, subject)) {
        return DI_RENDER_NO_FORMAT;
    }
    if (floor_e4) {
        return find_smallest(out, codec, subject, &how, floor_e4, estimate);
    }
    if (estimate) {
        how.quality = estimate->quality;
    }
    return encode(out, codec, subject->whole.picture, &how);
}

di_render_status_e di_candidate_lossless(di_candidate_t *out,
                                         const di_codec_t *codec,
                                         const di_subject_t *subject,
                                         const di_recipe_t *recipe)
{
    di_encode_t how = settings_of(subject, recipe);

    memset(out, 0, sizeof(*out));
    if (!codec->lossless || !can_hold(codec, subject->whole.picture)) {
        return DI_RENDER_NO_FORMAT;
    }
    how.lossless = 1;
    return encode(out, codec, subject->whole.picture, &how);
}

static di_render_status_e copy_of(di_raster_t *out, const di_raster_t *from)
{
    if (!di_raster_make(out, from->width_px, from->height_px, from->samples)) {
        return DI_RENDER_NO_MEMORY;
    }
    memcpy(out->pixels, from->pixels, from->row_bytes * from->height_px);
    return DI_RENDER_OK;
}

di_render_status_e di_candidate_palette(di_candidate_t *out,
                                        di_subject_t *subject,
                                        const di_recipe_t *recipe,
                                        unsigned floor_e4)
{
    const di_codec_t *png = di_codec_of(DI_FORMAT_PNG);
    di_encode_t how = settings_of(subject, recipe);
    di_raster_t few;
    di_render_status_e status;

    memset(out, 0, sizeof(*out));
    if (!recipe->colors || di_raster_has_alpha(subject->whole.picture)) {
        return DI_RENDER_NO_FORMAT;
    }
    how.colors = (int)recipe->colors;
    status = copy_of(&few, subject->whole.picture);
    if (status == DI_RENDER_OK) {
        status = di_gm_reduce_colors(&few, recipe->colors);
    }
    if (status == DI_RENDER_OK) {
        status = encode(out, png, &few, &how);
    }
    if (status == DI_RENDER_OK) {
        status = di_candidate_measure(out, subject);
    }
    if (status == DI_RENDER_OK && out->ssim_e4 < floor_e4) {
        status = DI_RENDER_NO_FORMAT;
    }
    if (status != DI_RENDER_OK) {
        di_candidate_free(out);
    }
    di_raster_free(&few);
    return status;
}
