/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "render/ssim.h"
#include "shortmemory.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static unsigned next(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

/* A smooth picture with an edge, so that windows differ. */
static di_raster_t scene(apr_uint32_t width, apr_uint32_t height)
{
    di_raster_t r;
    apr_uint32_t x, y;

    assert_int_equal(di_raster_make(&r, width, height, DI_GREY), 1);
    for (y = 0; y < height; y++) {
        for (x = 0; x < width; x++) {
            unsigned v = (x * 5 + y * 3 + (x * y) / 7) % 300;

            di_raster_row(&r, y)[x] = (unsigned char)(x > width / 2 ? 40
                                                      : v > 255     ? 255
                                                                    : v);
        }
    }
    return r;
}

static di_raster_t with_noise(const di_raster_t *from, int most)
{
    di_raster_t r;
    apr_size_t i;
    unsigned seed = 1;

    assert_int_equal(
        di_raster_make(&r, from->width_px, from->height_px, DI_GREY), 1);
    for (i = 0; i < from->row_bytes * from->height_px; i++) {
        int v = from->pixels[i] +
                (int)(next(&seed) % (unsigned)(2 * most + 1)) - most;

        r.pixels[i] = (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
    return r;
}

/* One window by the paper's formula, in two passes of floating point. */
static double window(const di_raster_t *a, const di_raster_t *b,
                     apr_uint32_t x0, apr_uint32_t y0, apr_uint32_t width,
                     apr_uint32_t height)
{
    double n = (double)width * height, c1 = 0.01 * 255 * 0.01 * 255,
           c2 = 0.03 * 255 * 0.03 * 255;
    double ma = 0, mb = 0, va = 0, vb = 0, cov = 0;
    apr_uint32_t x, y;

    for (y = y0; y < y0 + height; y++) {
        for (x = x0; x < x0 + width; x++) {
            ma += di_raster_row(a, y)[x] / n;
            mb += di_raster_row(b, y)[x] / n;
        }
    }
    for (y = y0; y < y0 + height; y++) {
        for (x = x0; x < x0 + width; x++) {
            double da = di_raster_row(a, y)[x] - ma;
            double db = di_raster_row(b, y)[x] - mb;

            va += da * da / n;
            vb += db * db / n;
            cov += da * db / n;
        }
    }
    return (2 * ma * mb + c1) * (2 * cov + c2) /
           ((ma * ma + mb * mb + c1) * (va + vb + c2));
}

/* Where windows lie along one side: every 4 px, and at the far edge. */
static unsigned places(apr_uint32_t *out, apr_uint32_t side)
{
    unsigned count = 0;
    apr_uint32_t at;

    for (at = 0; at + 8 <= side; at += 4) {
        out[count++] = at;
    }
    if (side % 4) {
        out[count++] = side - 8;
    }
    return count;
}

static double reference(const di_raster_t *a, const di_raster_t *b)
{
    apr_uint32_t xs[100], ys[100];
    unsigned columns, rows, i, j;
    double sum = 0;

    if (a->width_px < 8 || a->height_px < 8) {
        return window(a, b, 0, 0, a->width_px, a->height_px);
    }
    columns = places(xs, a->width_px);
    rows = places(ys, a->height_px);
    for (j = 0; j < rows; j++) {
        for (i = 0; i < columns; i++) {
            sum += window(a, b, xs[i], ys[j], 8, 8);
        }
    }
    return sum / (columns * rows);
}

static const apr_uint32_t sizes[][2] = {{1, 1},   {3, 90},   {90, 3},  {8, 8},
                                        {9, 8},   {8, 11},   {12, 9},  {64, 1},
                                        {13, 15}, {100, 61}, {120, 80}};
static const int noises[] = {1, 4, 20, 90};

static void it_is_what_the_formula_says(void **state)
{
    size_t s, n;

    for (s = 0; s < COUNT(sizes); s++) {
        di_raster_t a = scene(sizes[s][0], sizes[s][1]);

        for (n = 0; n < COUNT(noises); n++) {
            di_raster_t b = with_noise(&a, noises[n]);
            double want = reference(&a, &b) * 10000;
            unsigned is = di_ssim_e4(&a, &b);

            if (memcmp(a.pixels, b.pixels, a.row_bytes * a.height_px) &&
                want > 0 && !(is <= want + 0.01 && is >= want - 1.01)) {
                fail_msg("%ux%u noise %d: %u, not %f", sizes[s][0], sizes[s][1],
                         noises[n], is, want);
            }
            di_raster_free(&b);
        }
        di_raster_free(&a);
    }
}

static void a_picture_is_wholly_like_itself(void **state)
{
    size_t s;

    for (s = 0; s < COUNT(sizes); s++) {
        di_raster_t a = scene(sizes[s][0], sizes[s][1]);

        assert_int_equal(di_ssim_e4(&a, &a), 10000);
        di_raster_free(&a);
    }
}

static void one_other_pixel_anywhere_is_seen(void **state)
{
    apr_uint32_t x, y;
    di_raster_t a = scene(19, 14), b = scene(19, 14);

    for (y = 0; y < 14; y++) {
        for (x = 0; x < 19; x++) {
            di_raster_row(&b, y)[x] ^= 1;
            assert_in_range(di_ssim_e4(&a, &b), 9000, 9999);
            di_raster_row(&b, y)[x] ^= 1;
        }
    }
    di_raster_free(&a);
    di_raster_free(&b);
}

static void likeness_is_mutual_and_falls_with_noise(void **state)
{
    size_t s, n;

    for (s = 3; s < COUNT(sizes); s++) {
        di_raster_t a = scene(sizes[s][0], sizes[s][1]);
        unsigned before = 10000;

        for (n = 0; n < COUNT(noises); n++) {
            di_raster_t b = with_noise(&a, noises[n]);
            unsigned is = di_ssim_e4(&a, &b);

            assert_int_equal(di_ssim_e4(&b, &a), is);
            assert_true(is < before);
            before = is;
            di_raster_free(&b);
        }
        di_raster_free(&a);
    }
}

/* The largest sums there are must not overflow. */
static void black_is_least_like_white(void **state)
{
    di_raster_t a = scene(7, 65500), b = scene(7, 65500);

    memset(a.pixels, 0, 7 * 65500);
    memset(b.pixels, 255, 7 * 65500);
    assert_int_equal(di_ssim_e4(&a, &b), 0);
    memset(a.pixels, 255, 7 * 65500);
    b.pixels[5] = 254;
    assert_int_equal(di_ssim_e4(&a, &b), 9999);
    memset(a.pixels, 0, 7 * 65500);
    a.width_px = b.width_px = 500;
    a.row_bytes = b.row_bytes = 500;
    a.height_px = b.height_px = 900;
    memset(b.pixels, 255, 500 * 900);
    assert_int_equal(di_ssim_e4(&a, &b), 0);
    di_raster_free(&a);
    di_raster_free(&b);
}

static void a_negative_is_not_alike(void **state)
{
    di_raster_t a = scene(40, 40), b = scene(40, 40);
    apr_size_t i;

    for (i = 0; i < 1600; i++) {
        a.pixels[i] = (unsigned char)(i % 2 ? 255 : 0);
        b.pixels[i] = (unsigned char)(i % 2 ? 0 : 255);
    }
    assert_int_equal(di_ssim_e4(&a, &b), 0);
    di_raster_free(&a);
    di_raster_free(&b);
}

static void other_sizes_are_not_alike(void **state)
{
    di_raster_t a = scene(40, 20), b = scene(20, 40);

    assert_int_equal(di_ssim_e4(&a, &b), 0);
    di_raster_free(&a);
    di_raster_free(&b);
}

typedef struct {
    di_raster_t a, b;
} pair_t;

static int is_told_by_the_value(void *what)
{
    const pair_t *pair = what;

    return di_ssim_e4(&pair->a, &pair->b) == DI_SSIM_NO_MEMORY;
}

/* The sums of a strip take 20 bytes a column. */
static void too_little_memory_is_no_likeness(void **state)
{
    pair_t pair;

    if (!SHORT_MEMORY_CAN_BE) {
        return; /* cmocka calls a skipped test "not ok" */
    }
    assert_int_equal(di_raster_make(&pair.a, 1 << 20, 8, DI_GREY), 1);
    assert_int_equal(di_raster_make(&pair.b, 1 << 20, 8, DI_GREY), 1);
    memset(pair.a.pixels, 7, pair.a.row_bytes * 8);
    memset(pair.b.pixels, 8, pair.b.row_bytes * 8);
    assert_int_equal(short_memory_run(is_told_by_the_value, &pair, 1 << 20), 1);
    assert_true(di_ssim_e4(&pair.a, &pair.b) < 10000);
    di_raster_free(&pair.a);
    di_raster_free(&pair.b);
}

static void luma_is_jpegs_y(void **state)
{
    unsigned seed = 5;
    int i;

    for (i = 0; i < 20000; i++) {
        unsigned char rgb[3] = {(unsigned char)next(&seed),
                                (unsigned char)next(&seed),
                                (unsigned char)next(&seed)};
        di_raster_t picture = {1, 1, DI_RGB, 3, 3, rgb}, y;
        double want = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];

        assert_int_equal(di_luma_make(&y, &picture), 1);
        assert_true(y.pixels[0] <= want + 0.501 && y.pixels[0] >= want - 0.501);
        di_raster_free(&y);
    }
}

typedef struct {
    di_samples_e samples;
    const char *pixels; /* two */
    apr_uint32_t height;
    const char *luma;
} luma_case_t;

static const luma_case_t lumas[] = {
    {DI_GREY, "ab", 1, "ab"},
    {DI_GREY_ALPHA,
     "a\xff"
     "b\xff",
     1, "ab"},
    {DI_GREY_ALPHA,
     "a\xff"
     "b\x00",
     2,
     "a\xff"
     "a\x00"},
    {DI_RGB,
     "\xff\x00\x00"
     "\x00\xff\x00",
     1, "\x4c\x96"},
    {DI_RGBA,
     "\xff\xff\xff\xff"
     "\x00\x00\xff\xff",
     1, "\xff\x1d"},
    {DI_RGBA,
     "\xff\xff\xff\x80"
     "\x00\x00\xff\x00",
     2, "\xff\xff\x80\x00"},
};

static void luma_shows_alpha_on_white_and_on_black(void **state)
{
    size_t i;

    for (i = 0; i < COUNT(lumas); i++) {
        const luma_case_t *c = &lumas[i];
        di_raster_t picture, y;

        assert_int_equal(di_raster_make(&picture, 2, 1, c->samples), 1);
        memcpy(picture.pixels, c->pixels, picture.row_bytes);
        assert_int_equal(di_luma_make(&y, &picture), 1);
        assert_int_equal(y.samples, DI_GREY);
        assert_int_equal(y.width_px, 2);
        assert_int_equal(y.height_px, c->height);
        assert_memory_equal(y.pixels, c->luma, 2 * c->height);
        di_raster_free(&y);
        di_raster_free(&picture);
    }
}

static void inks_have_no_luma(void **state)
{
    di_raster_t cmyk, y;

    assert_int_equal(di_raster_make(&cmyk, 2, 2, DI_CMYK), 1);
    assert_int_equal(di_luma_make(&y, &cmyk), 0);
    assert_null(y.pixels);
    di_raster_free(&cmyk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(it_is_what_the_formula_says),
        UNIT(a_picture_is_wholly_like_itself),
        UNIT(one_other_pixel_anywhere_is_seen),
        UNIT(likeness_is_mutual_and_falls_with_noise),
        UNIT(black_is_least_like_white),
        UNIT(a_negative_is_not_alike),
        UNIT(other_sizes_are_not_alike),
        UNIT(too_little_memory_is_no_likeness),
        UNIT(luma_is_jpegs_y),
        UNIT(luma_shows_alpha_on_white_and_on_black),
        UNIT(inks_have_no_luma),
    };

    return UNIT_RUN(tests);
}
