/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a picture shows: decides how it may be coded.  Pure.
 */
#ifndef DI_KIND_H
#define DI_KIND_H

#include "render/raster.h"

typedef enum {
    DI_KIND_PHOTO,   /* smooth changes of many colours: lossy coding */
    DI_KIND_GRAPHICS /* flat areas, sharp edges, text: lossless where that is
                        smaller, never a palette with dither, 4:4:4 */
} di_kind_e;

typedef struct {
    di_kind_e kind;
    unsigned colors; /* different pixel values, alpha included; 257: more
                        than 256 */
    int alpha;       /* 1: some pixel is transparent */
    int grey;        /* 1: every pixel is grey */
} di_kind_t;

/* Looks at every pixel for colors, alpha and grey until each is settled, and
   at a bounded sample for kind. */
void di_kind_of(di_kind_t *out, const di_raster_t *picture);

#endif
