/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libjpeg scales while it decodes, to n/8 with sides rounded up, at a
 * fraction of the cost of a resize.  GraphicsMagick is told a size and asks
 * libjpeg for 1/N, N = floor(source side / hinted side), the smaller of both
 * sides; libjpeg takes the nearest n/8 that is not below: 1/2, 3/8 (for a
 * third), 1/4 (for 4 to 7), 1/8.  So the hint is the source divided by N,
 * rounded down; rounded up by one pixel it would decode at the next larger
 * step.  On a picture of a few pixels the division says nothing, so those are
 * decoded whole and resized.
 */
#include "render/scale.h"

#define SMALL_PX 16

typedef struct {
    apr_uint32_t eighths; /* of the original's sides */
    apr_uint32_t divisor; /* N for which that is decoded */
} step_t;

static const step_t steps[] = {{8, 1}, {4, 2}, {3, 3}, {2, 4}, {1, 8}};

#define STEPS (sizeof(steps) / sizeof(*steps))

static apr_uint32_t scaled(apr_uint32_t px, apr_uint32_t eighths)
{
    return (px * eighths + 7) / 8;
}

static apr_uint32_t at_least_1(apr_uint32_t px)
{
    return px ? px : 1;
}

static void plan_free_size(di_scale_t *out, apr_uint32_t width_px,
                           apr_uint32_t height_px, apr_uint32_t longest_px,
                           apr_uint32_t fit_px)
{
    out->width_px = at_least_1(
        (apr_uint32_t)(((apr_uint64_t)width_px * fit_px + longest_px / 2) /
                       longest_px));
    out->height_px = at_least_1(
        (apr_uint32_t)(((apr_uint64_t)height_px * fit_px + longest_px / 2) /
                       longest_px));
}

void di_scale_plan(di_scale_t *out, apr_uint32_t width_px,
                   apr_uint32_t height_px, apr_uint32_t fit_px)
{
    apr_uint32_t longest = width_px > height_px ? width_px : height_px;
    apr_size_t i = 0;

    while (fit_px && i < STEPS - 1 &&
           scaled(longest, steps[i].eighths) > fit_px) {
        i++;
    }
    out->width_px = scaled(width_px, steps[i].eighths);
    out->height_px = scaled(height_px, steps[i].eighths);
    if (fit_px && scaled(longest, steps[i].eighths) > fit_px) {
        plan_free_size(out, width_px, height_px, longest, fit_px);
    }
    out->hint_width_px = out->hint_height_px = 0;
    if (steps[i].divisor > 1 && longest >= SMALL_PX) {
        out->hint_width_px = at_least_1(width_px / steps[i].divisor);
        out->hint_height_px = at_least_1(height_px / steps[i].divisor);
    }
}
