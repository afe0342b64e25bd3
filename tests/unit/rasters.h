/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rasters for tests of codecs, and how far two of them are apart.
 */
#ifndef RASTERS_H
#define RASTERS_H

#include <stdlib.h>

#include "render/raster.h"

/* Smooth waves, which lossy coding keeps, with a flat block in the middle;
   alpha, where there is one, falls from opaque to transparent. */
static inline di_raster_t raster_waves(di_samples_e samples, unsigned width_px,
                                       unsigned height_px)
{
    di_raster_t made;
    unsigned x, y, c, alpha = samples == DI_GREY_ALPHA || samples == DI_RGBA;

    assert_true(di_raster_make(&made, width_px, height_px, samples));
    for (y = 0; y < height_px; y++) {
        unsigned char *to = di_raster_row(&made, y);
        int block = y > height_px / 3 && y < height_px / 2;

        for (x = 0; x < width_px; x++) {
            for (c = 0; c + alpha < made.channels; c++) {
                unsigned wave = (x * (c + 2) + y * 3) % 256;

                *to++ = block ? 40 * (c + 1)
                              : (unsigned char)(wave < 128 ? 60 + wave
                                                           : 316 - wave);
            }
            if (alpha) {
                *to++ = (unsigned char)(255 - 255 * x / width_px);
            }
        }
    }
    return made;
}

/* A sample of a picture as RGBA, whatever it has. */
static inline unsigned raster_sample(const di_raster_t *raster, unsigned x,
                                     unsigned y, unsigned channel)
{
    const unsigned char *pixel =
        di_raster_row(raster, y) + (size_t)x * raster->channels;
    int grey = raster->samples == DI_GREY || raster->samples == DI_GREY_ALPHA;

    if (channel == 3) {
        return raster->samples == DI_GREY_ALPHA ? pixel[1]
               : raster->samples == DI_RGBA     ? pixel[3]
                                                : 255;
    }
    return pixel[grey ? 0 : channel];
}

typedef struct {
    unsigned most;       /* largest difference of a visible sample */
    unsigned most_alpha; /* ... of an alpha sample */
    double mean;         /* of all visible samples */
} raster_gap_t;

/* Colours of fully transparent pixels do not count. */
static inline raster_gap_t raster_gap(const di_raster_t *a,
                                      const di_raster_t *b)
{
    raster_gap_t gap = {0, 0, 0};
    double sum = 0, count = 0;
    unsigned x, y, c;

    assert_int_equal(a->width_px, b->width_px);
    assert_int_equal(a->height_px, b->height_px);
    for (y = 0; y < a->height_px; y++) {
        for (x = 0; x < a->width_px; x++) {
            for (c = 0; c < 4; c++) {
                unsigned d = (unsigned)abs((int)raster_sample(a, x, y, c) -
                                           (int)raster_sample(b, x, y, c));

                if (c == 3) {
                    gap.most_alpha = d > gap.most_alpha ? d : gap.most_alpha;
                }
                else if (raster_sample(a, x, y, 3)) {
                    gap.most = d > gap.most ? d : gap.most;
                    sum += d;
                    count++;
                }
            }
        }
    }
    gap.mean = count > 0 ? sum / count : 0;
    return gap;
}

#endif
