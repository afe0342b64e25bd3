/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One way to encode a picture: in one format, as small as a recipe allows.
 */
#ifndef DI_CANDIDATE_H
#define DI_CANDIDATE_H

#include "render/codecs.h"
#include "render/kind.h"
#include "render/search.h"

/* A picture with its luma to compare with, made when first asked for; owned. */
typedef struct {
    const di_raster_t *picture;
    int is_mosaic;
    di_raster_t luma;
} di_view_t;

/* A picture to encode, with what is worked out once for all formats. */
typedef struct {
    di_view_t whole;
    di_view_t part;     /* of mosaic */
    di_raster_t mosaic; /* stands for it (render/mosaic.h); owned; none: the
                           picture is small, or nobody asked yet */
    di_kind_e kind;
} di_subject_t;

void di_subject_init(di_subject_t *subject, const di_raster_t *picture,
                     di_kind_e kind);
void di_subject_free(di_subject_t *subject);

/* 1: estimates can be made of it. */
int di_subject_is_large(const di_subject_t *subject);

/* Pixels of the picture over those of its mosaic, log2 in 1/4096, once
   estimates were made. */
int di_subject_scale_e12(const di_subject_t *subject);

/* What tries on the mosaic tell of a format. */
typedef struct {
    const di_codec_t *codec;
    di_search_t search; /* on the mosaic */
    int quality;        /* to encode the picture at */
    int bytes_e12;      /* log2 of the mosaic's file then, 1/4096: for telling
                           formats apart */
} di_estimate_t;

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
 * Look for the quality at which a large picture keeps a floor, in two tries on
 * its mosaic.
 * @param floor_e4  set to what recipe->quality yields if it is 0
 * @return as di_candidate_lossy
 */
di_render_status_e di_candidate_estimate(di_estimate_t *out,
                                         const di_codec_t *codec,
                                         di_subject_t *subject,
                                         const di_recipe_t *recipe,
                                         unsigned *floor_e4);

/**
 * Encode lossily.
 * @param floor_e4  0: at recipe->quality, or at the estimate's, not measured;
 *                  else the smallest file that keeps it, found in at most
 *                  DI_SEARCH_TRIES encodes beginning at recipe->quality, or,
 *                  those of the estimate counted, at the estimate's
 * @param estimate  NULL: none was made
 * @return DI_RENDER_OK; DI_RENDER_NO_FORMAT when the format cannot hold the
 *         picture or cannot keep the floor; DI_RENDER_NO_MEMORY, _FAILED
 */
di_render_status_e
di_candidate_lossy(di_candidate_t *out, const di_codec_t *codec,
                   di_subject_t *subject, const di_recipe_t *recipe,
                   unsigned floor_e4, const di_estimate_t *estimate);

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
