/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The codecs by format: what each can hold, and who decodes and encodes it.
 * The one table that a new format is added to.
 */
#ifndef DI_CODECS_H
#define DI_CODECS_H

#include "render/codec.h"
#include "render/header.h"

typedef struct {
    di_format_e format;
    const char *name;      /* of the format, upper case */
    di_encode_fn *encode;  /* NULL: originals only */
    di_check_fn *check;    /* NULL if encode is */
    int lossy, lossless;   /* what encode can do */
    int alpha;             /* 1: encode takes transparent pixels */
    int least_quality; /* of a search: below it skies, wood and gradients show
                          blocks or bands, whatever a comparison of luma says
                          (ours, from looking at photographs) */
    apr_uint32_t most_side_px; /* that encode takes; 0: originals only */
} di_codec_t;

/* NULL for DI_FORMAT_UNKNOWN and numbers that are none. */
const di_codec_t *di_codec_of(apr_uint32_t format);

/**
 * Decode an original, as stored, in the colours of its profile.
 * @param eighths  size wanted, n/8; only formats whose decoder scales at no
 *                 cost come smaller, and what comes is never smaller than
 *                 that
 */
di_render_status_e di_codec_decode(di_decoded_t *out,
                                   const di_header_t *header,
                                   const unsigned char *bytes, apr_size_t len,
                                   unsigned eighths);

#endif
