/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One way to encode a picture: in one format, as small as a recipe allows.
 */
#ifndef DI_CANDIDATE_H
#define DI_CANDIDATE_H

#include "render/codecs.h"
#include "render/kind.h"

/* A picture to encode, with what is worked out once for all formats. */
typedef struct {
    const di_raster_t *picture;
    di_kind_e kind;
    di_raster_t luma; /* to compare with; made when first asked for; owned */
} di_subject_t;

void di_subject_free(di_subject_t *subject);

typedef struct {
    di_blob_t file;
    di_format_e format;
    int quality;      /* 0: lossless */
    unsigned ssim_e4; /* 10000: lossless; 0: not measured */
} di_candidate_t;

void di_candidate_free(di_candidate_t *candidate);

/**
 * Free *best and put *other in its place when that is smaller or *best is
 * empty; else free *other.
 * @return 1 when *other is now *best
 */
int di_candidate_keep_smaller(di_candidate_t *best, di_candidate_t *other);

/**
 * Encode lossily.
 * @param floor_e4  0: at recipe->quality, not measured; else the smallest
 *                  file that keeps it, found in at most DI_SEARCH_TRIES
 *                  encodes beginning at recipe->quality
 * @return DI_RENDER_OK; DI_RENDER_NO_FORMAT when the format cannot hold the
 *         picture or cannot keep the floor; DI_RENDER_NO_MEMORY, _FAILED
 */
di_render_status_e di_candidate_lossy(di_candidate_t *out,
                                      const di_codec_t *codec,
                                      di_subject_t *subject,
                                      const di_recipe_t *recipe,
                                      unsigned floor_e4);

/* Encode without loss, statuses as above. */
di_render_status_e di_candidate_lossless(di_candidate_t *out,
                                         const di_codec_t *codec,
                                         const di_subject_t *subject,
                                         const di_recipe_t *recipe);

/**
 * Encode as PNG with recipe->colors colours.
 * @return DI_RENDER_NO_FORMAT also when that is under floor_e4 (0: none)
 */
di_render_status_e di_candidate_palette(di_candidate_t *out,
                                        di_subject_t *subject,
                                        const di_recipe_t *recipe,
                                        unsigned floor_e4);

/* Compare a candidate with its subject; sets ssim_e4. */
di_render_status_e di_candidate_measure(di_candidate_t *candidate,
                                        di_subject_t *subject);

#endif
