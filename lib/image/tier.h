/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tiers: named recipes for renditions, and which one a client gets.
 *
 * A recipe is written as words: "original", or key=value pairs
 *     fit=PX           longest side, px; see di_job_t.fit_px; 0 = keep
 *     quality=1..100   JPEG and WebP
 *     progressive=on|off
 *     colors=0|2..256  PNG and GIF palette; 0 = lossless
 * A scope that names a tier again changes only the keys that it gives.
 */
#ifndef DI_TIER_H
#define DI_TIER_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "base/band.h"
#include "render/render.h"

/* Most tiers in one ladder. */
#define DI_TIERS_MAX 16

/* Greatest fit, px: the largest side that a JPEG can have. */
#define DI_TIER_FIT_MAX_PX 65500

/* "key not given" in di_tier_t while settings are being merged. */
#define DI_TIER_UNSET (-1)

typedef struct {
    const char *name; /* ds_arg_is_name */
    int original;     /* 1: no rendition, the original is the tier */
    int fit_px;
    int quality;
    int progressive;
    int colors;
} di_tier_t;

typedef struct {
    int count;
    di_tier_t tier[DI_TIERS_MAX];
} di_tiers_t;

/* low, medium, broad as design and docs/directives.md give them. */
const di_tiers_t *di_tiers_default(void);

/**
 * Add one tier as an operator wrote it, or change keys of the one that has
 * this name already.
 * @param words  char *: the recipe's words
 * @param p      the name is copied to it
 * @return NULL, or an error sentence from p
 */
const char *di_tiers_add(di_tiers_t *tiers, const char *name,
                         const apr_array_header_t *words, apr_pool_t *p);

/* out = base changed by add, key by key; out may be base. */
void di_tiers_merge(di_tiers_t *out, const di_tiers_t *base,
                    const di_tiers_t *add);

/* The tier of that name with every key given (missing ones take the defaults
   of "low"), or NULL. */
const di_tier_t *di_tiers_find(di_tier_t *room, const di_tiers_t *tiers,
                               const char *name);

/* The render job of a tier for an original of that format and size. */
di_job_t di_tier_job(const di_tier_t *tier, di_format_e format);

#endif
