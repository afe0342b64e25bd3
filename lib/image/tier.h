/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tiers: named recipes for renditions.
 *
 * A recipe is written as words: "original", or key=value pairs
 *     scale=PCT        percent of the original's sides, or 1/8 1/4 3/8 1/2
 *     fit=PX           longest side
 *     width=PX         greatest width, of the picture as it is shown
 *     height=PX        greatest height
 *     quality=1..100   where the search begins, with ssim=; else what is used
 *     ssim=0.50..0.999 floor of likeness
 *     bytes=SIZE       ceiling of the rendition
 *     chroma=auto|420|422|444
 *     progressive=on|off
 *     colors=0|2..256  PNG palette; 0: as many as the picture has
 *     formats=auto|keep|LIST
 *     layout=keep|page page: the page says how large a picture is shown
 *     priority=0..9    in the queue of renders, 9 first
 * Of several limits on the size the tightest counts.  "off" takes a limit
 * away that another scope has set.  A scope that names a tier again changes
 * only the keys that it gives.
 */
#ifndef DI_TIER_H
#define DI_TIER_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "render/render.h"

/* "key not given" in di_tier_t while settings are being merged. */
#define DI_TIER_UNSET (-1)

/* di_tier_t.formats: the original's own format. */
#define DI_TIER_KEEP 0

/* Every number is DI_TIER_UNSET where its key was not given, and 0 where it
   is off.  The names and units are those of di_recipe_t. */
typedef struct {
    const char *name; /* ds_arg_is_name */
    int original;     /* 1: no rendition, the original is the tier */
    int priority;     /* di_job_t.priority */
    int formats;      /* DI_TIER_KEEP, or a set of DI_FORMATS_OUT */
    int scale_permille;
    int fit_px;
    int max_width_px;
    int max_height_px;
    int quality;
    int ssim_e4;
    int most_bytes;
    int chroma; /* di_chroma_e */
    int progressive;
    int colors;
    int page_layout;
} di_tier_t;

/* An array of di_tier_t, each name once. */
typedef apr_array_header_t di_tiers_t;

/* low, medium, broad as design and docs/directives.md give them. */
const di_tiers_t *di_tiers_default(void);

di_tiers_t *di_tiers_make(apr_pool_t *p);

/**
 * Add one tier as an operator wrote it, or change keys of the one that has
 * this name already.
 * @param words  char *: the recipe's words
 * @param p      the name is copied to it; lives as long as tiers
 * @return NULL, or an error sentence from p; tiers is then as before
 */
const char *di_tiers_add(di_tiers_t *tiers, const char *name,
                         const apr_array_header_t *words, apr_pool_t *p);

/**
 * base changed by add, key by key.
 * @param base  NULL: none
 * @param add   NULL: none
 * @return one of them, or a new array from p; NULL when both are
 */
di_tiers_t *di_tiers_merge(di_tiers_t *base, di_tiers_t *add, apr_pool_t *p);

/**
 * The tier of that name, in tiers over the default ladder, with every key
 * given.  Missing ones take the defaults of "low", but no ceiling, and no
 * floor where a quality is given.
 * @param room   written to; the result is room
 * @param tiers  NULL: the default ladder alone
 * @return NULL when there is none
 */
const di_tier_t *di_tiers_find(di_tier_t *room, const di_tiers_t *tiers,
                               const char *name);

/* A tier's recipe with every key, as di_tiers_add reads it: "original", or
   "scale=off fit=900 ... priority=5"; from p.
   @param tier  as di_tiers_find fills it */
const char *di_tier_text(const di_tier_t *tier, apr_pool_t *p);

/**
 * How a tier's pictures are made.
 * @param tier            as di_tiers_find fills it, not the original
 * @param background      0xRRGGBB
 * @param keep_copyright  0 or 1
 */
di_recipe_t di_tier_recipe(const di_tier_t *tier, apr_uint32_t background,
                           int keep_copyright);

/* The cheap recipe that stands in for a full one at a cold miss: at most 640 px
   a side, at quality 40, without a search; some 20 KB and 50 ms of a 12 MP
   photograph. */
di_recipe_t di_tier_quick(const di_recipe_t *full);

/**
 * Which formats a rendition may have: the tier's policy, for this original
 * and this client.
 * @param original  its format, as its media type claims
 * @param accept    as for di_accept_formats
 * @return set of formats, of DI_FORMATS_OUT; empty when the client takes none
 *         of the policy's
 */
unsigned di_tier_formats(const di_tier_t *tier, di_format_e original,
                         const char *accept);

/* 1 when di_tier_formats follows the Accept header: the policy has a format
   that not every client takes, and is not the original's own. */
int di_tier_heeds_accept(const di_tier_t *tier);

#endif
