/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libjpeg scales while it decodes, to n/8 with sides rounded up, at a
 * fraction of the cost of a resize.  So a rendition has such a size wherever
 * nobody asked for an exact one.
 *
 * All limits are turned into one share of the original's sides, a fraction,
 * and the smallest one counts.
 */
#include "render/scale.h"

/* Below this a picture shows nothing any more. */
#define LEAST_SIDE_PX 16

typedef struct {
    apr_uint32_t part;
    apr_uint32_t of;
} share_t;

static apr_uint32_t scaled(apr_uint32_t px, unsigned eighths)
{
    return (px * eighths + 7) / 8;
}

static apr_uint32_t longest(apr_uint32_t a, apr_uint32_t b)
{
    return a > b ? a : b;
}

/* limit 0: none. */
static void tighten(share_t *share, apr_uint32_t limit, apr_uint32_t of)
{
    if (limit &&
        (apr_uint64_t)limit * share->of < (apr_uint64_t)share->part * of) {
        share->part = limit;
        share->of = of;
    }
}

/* Rounded to the nearest, so that a side which the share was made for comes
   out exactly, and no other goes over a limit. */
static apr_uint32_t share_of(apr_uint32_t px, const share_t *share)
{
    apr_uint64_t product = (apr_uint64_t)px * share->part;
    apr_uint32_t side = (apr_uint32_t)((product + share->of / 2) / share->of);

    return side ? side : 1;
}

/* The smallest n/8 that is not below out's size. */
static unsigned eighths_for(const di_scale_t *out, apr_uint32_t width_px,
                            apr_uint32_t height_px)
{
    unsigned n = 1;

    while (n < 8 && (scaled(width_px, n) < out->width_px ||
                     scaled(height_px, n) < out->height_px)) {
        n++;
    }
    return n;
}

static void take_share(di_scale_t *out, apr_uint32_t width_px,
                       apr_uint32_t height_px, const share_t *share)
{
    out->width_px = share_of(width_px, share);
    out->height_px = share_of(height_px, share);
    out->eighths = eighths_for(out, width_px, height_px);
}

static void take_eighths(di_scale_t *out, apr_uint32_t width_px,
                         apr_uint32_t height_px, unsigned eighths)
{
    out->width_px = scaled(width_px, eighths);
    out->height_px = scaled(height_px, eighths);
    out->eighths = eighths;
}

static int keeps(apr_uint32_t px, apr_uint32_t limit_px)
{
    return !limit_px || px <= limit_px;
}

void di_scale_plan(di_scale_t *out, apr_uint32_t width_px,
                   apr_uint32_t height_px, int turned,
                   const di_recipe_t *recipe)
{
    apr_uint32_t most_width_px =
        turned ? recipe->max_height_px : recipe->max_width_px;
    apr_uint32_t most_height_px =
        turned ? recipe->max_width_px : recipe->max_height_px;
    apr_uint32_t longest_px = longest(width_px, height_px);
    share_t share = {1, 1};
    unsigned n = 8;

    tighten(&share, recipe->fit_px, longest_px);
    tighten(&share, most_width_px, width_px);
    tighten(&share, most_height_px, height_px);
    tighten(&share, recipe->scale_permille, 1000);
    while (n && !(keeps(scaled(longest_px, n), recipe->fit_px) &&
                  keeps(scaled(width_px, n), most_width_px) &&
                  keeps(scaled(height_px, n), most_height_px))) {
        n--;
    }
    if (!n || recipe->page_layout || recipe->scale_permille) {
        take_share(out, width_px, height_px, &share);
    }
    else {
        take_eighths(out, width_px, height_px, n);
    }
}

/* A size that just misses the ceiling is wasted: aim a little below. */
#define AIM 0.97

/*
 * Fewer pixels have more detail each: at one quality a file's bytes go with
 * about the 1.5th power of the sides and not with their square.  Squared, so
 * that this needs no roots and comes out alike on all machines.
 */
static int is_expected_to_fit(apr_uint32_t side_px, apr_uint32_t now_px,
                              apr_size_t bytes, apr_size_t most_bytes)
{
    double side = (double)side_px / now_px;
    double allowed = AIM * (double)most_bytes / (double)bytes;

    return side * side * side <= allowed * allowed;
}

/* The largest side below now_px that is expected to fit; 0: none. */
static apr_uint32_t side_that_fits(apr_uint32_t now_px, apr_size_t bytes,
                                   apr_size_t most_bytes)
{
    apr_uint32_t fits = 0, over = now_px;

    while (over - fits > 1) {
        apr_uint32_t side = fits + (over - fits) / 2;

        if (is_expected_to_fit(side, now_px, bytes, most_bytes)) {
            fits = side;
        }
        else {
            over = side;
        }
    }
    return fits;
}

/* Exact and not n/8: the picture is decoded already, and where few eighths are
   left a step of them would halve its sides for a byte too many. */
int di_scale_lower(di_scale_t *scale, apr_uint32_t width_px,
                   apr_uint32_t height_px, apr_size_t bytes,
                   apr_size_t most_bytes)
{
    apr_uint32_t now_px = longest(scale->width_px, scale->height_px);
    share_t share = {side_that_fits(now_px, bytes, most_bytes),
                     longest(width_px, height_px)};
    di_scale_t lower;

    take_share(&lower, width_px, height_px, &share);
    if (lower.width_px < LEAST_SIDE_PX || lower.height_px < LEAST_SIDE_PX) {
        return 0;
    }
    *scale = lower;
    return 1;
}
