/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding one way; the search for a quality is search.c's. */
#include "render/candidate.h"

#include <stdlib.h>
#include <string.h>

#include "render/render_gm.h"
#include "render/search.h"
#include "render/ssim.h"

/* Below 30 skies show bands and blocks whatever a comparison of luma says;
   above 98 files grow without a difference that eyes see (ours, from looking
   at photographs). */
#define QUALITY_LEAST 30
#define QUALITY_MOST 98

/* Where a search begins when the recipe does not say. */
#define QUALITY_USUAL 70

void di_subject_free(di_subject_t *subject)
{
    di_raster_free(&subject->luma);
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
        how.chroma = subject->kind == DI_KIND_PHOTO ? DI_CHROMA_420
                                                    : DI_CHROMA_444;
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

di_render_status_e di_candidate_measure(di_candidate_t *candidate,
                                        di_subject_t *subject)
{
    const di_codec_t *codec = di_codec_of((apr_uint32_t)candidate->format);
    di_raster_t decoded, luma;
    di_render_status_e status;

    if (!subject->luma.pixels &&
        !di_luma_make(&subject->luma, subject->picture)) {
        return DI_RENDER_NO_MEMORY;
    }
    status = codec->check(&decoded, &candidate->file);
    if (status != DI_RENDER_OK) {
        return status == DI_RENDER_NO_MEMORY ? status : DI_RENDER_FAILED;
    }
    /* An alpha channel that is opaque throughout counts for nothing. */
    if (!di_luma_make(&luma, &decoded)) {
        status = DI_RENDER_NO_MEMORY;
    }
    else if (luma.width_px != subject->luma.width_px ||
             luma.height_px != subject->luma.height_px) {
        status = DI_RENDER_FAILED;
    }
    else {
        candidate->ssim_e4 = di_ssim_e4(&subject->luma, &luma);
    }
    di_raster_free(&luma);
    di_raster_free(&decoded);
    return status;
}

/* One try of the search: encode, compare, keep if it is the best so far. */
static di_render_status_e attempt(di_candidate_t *best, di_search_t *search,
                                  const di_codec_t *codec,
                                  di_subject_t *subject,
                                  const di_encode_t *how)
{
    di_candidate_t tried;
    di_render_status_e status =
        encode(&tried, codec, subject->picture, how);

    if (status == DI_RENDER_OK) {
        status = di_candidate_measure(&tried, subject);
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

di_render_status_e di_candidate_lossy(di_candidate_t *out,
                                      const di_codec_t *codec,
                                      di_subject_t *subject,
                                      const di_recipe_t *recipe,
                                      unsigned floor_e4)
{
    di_encode_t how = settings_of(subject, recipe);
    di_render_status_e status = DI_RENDER_OK;
    di_search_t search;

    memset(out, 0, sizeof(*out));
    if (!codec->lossy || !can_hold(codec, subject->picture)) {
        return DI_RENDER_NO_FORMAT;
    }
    if (!floor_e4) {
        return encode(out, codec, subject->picture, &how);
    }
    di_search_begin(&search, floor_e4, how.quality, QUALITY_LEAST,
                    QUALITY_MOST);
    while (status == DI_RENDER_OK && di_search_next(&search, &how.quality)) {
        status = attempt(out, &search, codec, subject, &how);
    }
    if (status == DI_RENDER_OK && !out->file.bytes) {
        status = DI_RENDER_NO_FORMAT;
    }
    if (status != DI_RENDER_OK) {
        di_candidate_free(out);
    }
    return status;
}

di_render_status_e di_candidate_lossless(di_candidate_t *out,
                                         const di_codec_t *codec,
                                         const di_subject_t *subject,
                                         const di_recipe_t *recipe)
{
    di_encode_t how = settings_of(subject, recipe);

    memset(out, 0, sizeof(*out));
    if (!codec->lossless || !can_hold(codec, subject->picture)) {
        return DI_RENDER_NO_FORMAT;
    }
    how.lossless = 1;
    return encode(out, codec, subject->picture, &how);
}

static di_render_status_e copy_of(di_raster_t *out, const di_raster_t *from)
{
    if (!di_raster_make(out, from->width_px, from->height_px,
                        from->samples)) {
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
    if (!recipe->colors || di_raster_has_alpha(subject->picture)) {
        return DI_RENDER_NO_FORMAT;
    }
    how.colors = (int)recipe->colors;
    status = copy_of(&few, subject->picture);
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
