/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A window of 8 x 8 px is four blocks of 4 x 4, and neighbouring windows
 * share blocks, so each pixel is looked at once: strips of four rows become
 * sums of columns (plain loops that compilers vectorise), those become sums
 * of blocks, and two strips of blocks become a row of windows.
 *
 *     strip y      | block 0 | block 1 | block 2 | ...
 *     strip y + 4  | block 0 | block 1 | block 2 | ...
 *                   \__window 0_______/
 *                             \__window 1_______/
 *
 * Where a side is not a multiple of 4, one more window lies at the far edge,
 * so that every pixel counts.
 */
#include "render/ssim.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_PX 4

/* Sums over pixels of both pictures. */
typedef struct {
    apr_int64_t a;
    apr_int64_t b;
    apr_int64_t ab;
    apr_int64_t differ; /* (a - b)^2 */
} sums_t;

typedef struct {
    apr_uint32_t a;
    apr_uint32_t b;
    apr_uint32_t ab;
    apr_uint32_t differ;
} block_t;

typedef struct {
    const di_raster_t *a;
    const di_raster_t *b;
    apr_uint16_t *column_a; /* sums of a strip, by column */
    apr_uint16_t *column_b;
    apr_uint32_t *column_ab;
    apr_uint32_t *column_differ;
    block_t *upper; /* blocks of a strip */
    block_t *lower;
    apr_uint32_t blocks; /* of the grid; two more at the far edge, if any */
    int has_edge;
    apr_int64_t total_e30; /* of windows */
    apr_uint32_t windows;
    apr_int64_t differ;
} compare_t;

/* Y of JFIF 1.02: 0.299, 0.587, 0.114 in 1/65536, rounded as libjpeg does. */
static inline unsigned char luma(unsigned r, unsigned g, unsigned b)
{
    return (unsigned char)((19595 * r + 38470 * g + 7471 * b + 32768) >> 16);
}

static inline unsigned over(unsigned color, unsigned behind, unsigned alpha)
{
    return (color * alpha + behind * (255 - alpha) + 127) / 255;
}

static void luma_of_rgb(unsigned char *out, const unsigned char *in,
                        apr_size_t count, unsigned channels)
{
    apr_size_t i;

    for (i = 0; i < count; i++) {
        out[i] = luma(in[0], in[1], in[2]);
        in += channels;
    }
}

static void luma_of_grey(unsigned char *out, const unsigned char *in,
                         apr_size_t count, unsigned channels)
{
    apr_size_t i;

    for (i = 0; i < count; i++) {
        out[i] = in[i * channels];
    }
}

static void luma_over(unsigned char *out, const di_raster_t *picture,
                      unsigned behind)
{
    const unsigned char *in = picture->pixels;
    unsigned last = picture->channels - 1;
    unsigned step = last == 3 ? 1 : 0;
    apr_size_t i, count = (apr_size_t)picture->width_px * picture->height_px;

    for (i = 0; i < count; i++) {
        out[i] = luma(over(in[0], behind, in[last]),
                      over(in[step], behind, in[last]),
                      over(in[2 * step], behind, in[last]));
        in += picture->channels;
    }
}

int di_luma_make(di_raster_t *out, const di_raster_t *picture)
{
    int opaque = di_raster_is_opaque(picture);
    apr_size_t count = (apr_size_t)picture->width_px * picture->height_px;

    memset(out, 0, sizeof(*out));
    if (picture->samples == DI_CMYK || picture->height_px > 0x7fffffff ||
        !di_raster_make(out, picture->width_px,
                        picture->height_px * (opaque ? 1 : 2), DI_GREY)) {
        return 0;
    }
    if (!opaque) {
        luma_over(out->pixels, picture, 255);
        luma_over(out->pixels + count, picture, 0);
    }
    else if (picture->channels >= 3) {
        luma_of_rgb(out->pixels, picture->pixels, count, picture->channels);
    }
    else {
        luma_of_grey(out->pixels, picture->pixels, count, picture->channels);
    }
    return 1;
}

/*
 * The index of one window, in 1/2^30.  All sums are exact, with n times the
 * variances and covariance:
 *
 *      (2 a b + C1)     (2 cov + C2)
 *     -------------- * ----------------     C = (K 255 n)^2
 *     (a² + b² + C1)   (var + var + C2)
 *
 * The floating-point steps are two products, a quotient and a product by a
 * power of two, with no sum that a compiler could fuse one into.
 */
static apr_int64_t index_e30(const sums_t *s, apr_int64_t n)
{
    apr_int64_t c1 = 65025 * n * n / 10000;
    apr_int64_t c2 = 585225 * n * n / 10000;
    apr_int64_t product = 2 * s->a * s->b;
    apr_int64_t squares = s->a * s->a + s->b * s->b;
    apr_int64_t covariance = 2 * n * s->ab - product;
    apr_int64_t variances = n * (s->differ + 2 * s->ab) - squares;
    double like = (double)(product + c1) * (double)(covariance + c2);
    double most = (double)(squares + c1) * (double)(variances + c2);

    return (apr_int64_t)(like / most * (1 << 30));
}

static void add_window(compare_t *c, const sums_t *s, apr_int64_t n)
{
    c->total_e30 += index_e30(s, n);
    c->differ += s->differ;
    c->windows++;
}

static void sum_columns(const compare_t *c, apr_uint32_t y)
{
    apr_uint16_t *restrict column_a = c->column_a;
    apr_uint16_t *restrict column_b = c->column_b;
    apr_uint32_t *restrict column_ab = c->column_ab;
    apr_uint32_t *restrict column_differ = c->column_differ;
    apr_size_t width = c->a->row_bytes;
    apr_size_t x;
    unsigned row;

    memset(column_a, 0, width * sizeof(*column_a));
    memset(column_b, 0, width * sizeof(*column_b));
    memset(column_ab, 0, width * sizeof(*column_ab));
    memset(column_differ, 0, width * sizeof(*column_differ));
    for (row = 0; row < BLOCK_PX; row++) {
        const unsigned char *restrict a = di_raster_row(c->a, y + row);
        const unsigned char *restrict b = di_raster_row(c->b, y + row);

        for (x = 0; x < width; x++) {
            apr_int16_t differ = (apr_int16_t)(a[x] - b[x]);

            column_a[x] = (apr_uint16_t)(column_a[x] + a[x]);
            column_b[x] = (apr_uint16_t)(column_b[x] + b[x]);
            column_ab[x] += (apr_uint16_t)(a[x] * b[x]);
            column_differ[x] += (apr_uint16_t)(differ * differ);
        }
    }
}

static void sum_block(block_t *out, const compare_t *c, apr_uint32_t x)
{
    const apr_uint16_t *a = c->column_a + x;
    const apr_uint16_t *b = c->column_b + x;
    const apr_uint32_t *ab = c->column_ab + x;
    const apr_uint32_t *differ = c->column_differ + x;

    out->a = (apr_uint32_t)a[0] + a[1] + a[2] + a[3];
    out->b = (apr_uint32_t)b[0] + b[1] + b[2] + b[3];
    out->ab = ab[0] + ab[1] + ab[2] + ab[3];
    out->differ = differ[0] + differ[1] + differ[2] + differ[3];
}

static void sum_strip(block_t *out, const compare_t *c, apr_uint32_t y)
{
    apr_uint32_t width = c->a->width_px;
    apr_uint32_t i;

    sum_columns(c, y);
    for (i = 0; i < c->blocks; i++) {
        sum_block(&out[i], c, i * BLOCK_PX);
    }
    if (c->has_edge) {
        sum_block(&out[c->blocks], c, width - 2 * BLOCK_PX);
        sum_block(&out[c->blocks + 1], c, width - BLOCK_PX);
    }
}

static void add_four_blocks(compare_t *c, apr_uint32_t i)
{
    const block_t *u = &c->upper[i], *l = &c->lower[i];
    sums_t s;

    s.a = u[0].a + u[1].a + l[0].a + l[1].a;
    s.b = u[0].b + u[1].b + l[0].b + l[1].b;
    s.ab = u[0].ab + u[1].ab + l[0].ab + l[1].ab;
    s.differ = u[0].differ + u[1].differ + l[0].differ + l[1].differ;
    add_window(c, &s, DI_SSIM_WINDOW_PX * DI_SSIM_WINDOW_PX);
}

static void add_windows(compare_t *c)
{
    apr_uint32_t i;

    for (i = 0; i + 1 < c->blocks; i++) {
        add_four_blocks(c, i);
    }
    if (c->has_edge) {
        add_four_blocks(c, c->blocks);
    }
}

static void compare_by_windows(compare_t *c)
{
    apr_uint32_t height = c->a->height_px;
    apr_uint32_t y;

    sum_strip(c->upper, c, 0);
    for (y = BLOCK_PX; y + BLOCK_PX <= height; y += BLOCK_PX) {
        block_t *kept = c->upper;

        sum_strip(c->lower, c, y);
        add_windows(c);
        c->upper = c->lower;
        c->lower = kept;
    }
    if (height % BLOCK_PX) {
        sum_strip(c->upper, c, height - 2 * BLOCK_PX);
        sum_strip(c->lower, c, height - BLOCK_PX);
        add_windows(c);
    }
}

/* Pixels that make C, rounded to a whole number, exact to 1/10^7. */
#define ENOUGH_PX 1024

/* Fewer pixels count as several copies of them, which have the same index. */
static void add_whole(compare_t *c, sums_t *s, apr_int64_t count)
{
    apr_int64_t copies = count < ENOUGH_PX ? ENOUGH_PX / count + 1 : 1;

    s->a *= copies;
    s->b *= copies;
    s->ab *= copies;
    s->differ *= copies;
    add_window(c, s, count * copies);
}

static void compare_whole(compare_t *c)
{
    apr_size_t i, count = c->a->row_bytes * c->a->height_px;
    sums_t s = {0, 0, 0, 0};

    for (i = 0; i < count; i++) {
        apr_int64_t a = c->a->pixels[i], b = c->b->pixels[i];

        s.a += a;
        s.b += b;
        s.ab += a * b;
        s.differ += (a - b) * (a - b);
    }
    add_whole(c, &s, (apr_int64_t)count);
}

/* One piece of memory for all sums of a strip, those of four bytes first so
   that each begins aligned. */
static void *divide_memory(compare_t *c)
{
    apr_size_t width = c->a->row_bytes;
    apr_size_t blocks = (apr_size_t)c->blocks + 2;
    block_t *all =
        malloc(2 * blocks * sizeof(block_t) + 2 * width * sizeof(apr_uint32_t) +
               2 * width * sizeof(apr_uint16_t));

    if (all) {
        c->upper = all;
        c->lower = all + blocks;
        c->column_ab = (apr_uint32_t *)(void *)(all + 2 * blocks);
        c->column_differ = c->column_ab + width;
        c->column_a = (apr_uint16_t *)(void *)(c->column_differ + width);
        c->column_b = c->column_a + width;
    }
    return all;
}

static unsigned mean_e4(const compare_t *c)
{
    apr_int64_t mean = c->total_e30 / c->windows * 10000 / (1 << 30);

    if (!c->differ) {
        return 10000;
    }
    return mean < 0 ? 0 : mean > 9999 ? 9999 : (unsigned)mean;
}

unsigned di_ssim_e4(const di_raster_t *a, const di_raster_t *b)
{
    compare_t c = {0};
    void *memory;

    if (a->width_px != b->width_px || a->height_px != b->height_px) {
        return 0;
    }
    c.a = a;
    c.b = b;
    if (a->width_px < DI_SSIM_WINDOW_PX || a->height_px < DI_SSIM_WINDOW_PX) {
        compare_whole(&c);
        return mean_e4(&c);
    }
    c.blocks = a->width_px / BLOCK_PX;
    c.has_edge = a->width_px % BLOCK_PX != 0;
    memory = divide_memory(&c);
    if (!memory) {
        return DI_SSIM_NO_MEMORY;
    }
    compare_by_windows(&c);
    free(memory);
    return mean_e4(&c);
}
