/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures for tests, made and read by GraphicsMagick in a child process, so
 * that the test's own process keeps whatever state of that library it has.
 */
#ifndef PICTURES_H
#define PICTURES_H

#include <apr_pools.h>

typedef struct {
    unsigned char *bytes;
    apr_size_t len;
} picture_t;

enum {
    PICTURE_GRAY = 1,  /* looks grey; JPEG and PNG become grey files */
    PICTURE_ALPHA = 2, /* left half transparent, right half opaque */
    PICTURE_CMYK = 4,
    PICTURE_FRAMES = 8, /* three frames */
    PICTURE_PROGRESSIVE = 16,
    PICTURE_NOISE = 32, /* every pixel random, else smooth ramps */
    PICTURE_COMMENT = 64,
    PICTURE_ICC = 128,        /* a colour profile, 4000 bytes of filler */
    PICTURE_COLOR_FILE = 256, /* with GRAY: three channels all the same */
    PICTURE_OPAQUE = 1024,    /* an alpha channel, opaque throughout */
    PICTURE_JPEG_INSIDE = 2048, /* TIFF: coded as JPEG */
    PICTURE_444 = 512         /* JPEG without chroma subsampling */
};

/**
 * Make a picture: red grows to the right, green downwards, blue is 64.
 * @param coder  GraphicsMagick's name of the format
 * @return bytes from p; fails the running test when it cannot be made
 */
picture_t picture_make(const char *coder, unsigned width_px, unsigned height_px,
                       unsigned flags, apr_pool_t *p);

/* Decode to width * height * 4 bytes RGBA (A: 255 = opaque); NULL when the
   decoder reports anything at all. */
unsigned char *picture_pixels(unsigned *width_px, unsigned *height_px,
                              const char *coder, const unsigned char *bytes,
                              apr_size_t len, apr_pool_t *p);

/* Put bytes behind the first `at` bytes of a picture. */
picture_t picture_insert(const picture_t *picture, apr_size_t at,
                         const void *bytes, apr_size_t len, apr_pool_t *p);

#endif
