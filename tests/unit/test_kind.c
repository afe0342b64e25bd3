/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "render/kind.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static unsigned next(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

static di_raster_t made(apr_uint32_t width, apr_uint32_t height,
                        di_samples_e samples)
{
    di_raster_t r;

    assert_int_equal(di_raster_make(&r, width, height, samples), 1);
    memset(r.pixels, 255, r.row_bytes * height);
    return r;
}

/* Slow waves with a little noise, in the given columns; alpha stays. */
static void paint_photo(const di_raster_t *r, apr_uint32_t from,
                        apr_uint32_t to)
{
    unsigned colors = r->channels - (di_raster_has_alpha(r) ? 1 : 0);
    unsigned seed = 7, c;
    apr_uint32_t x, y;

    for (y = 0; y < r->height_px; y++) {
        for (x = from; x < to; x++) {
            for (c = 0; c < colors; c++) {
                di_raster_row(r, y)[x * r->channels + c] =
                    (unsigned char)(30 + (x * (c + 1) + y) % 180 +
                                    next(&seed) % 9);
            }
        }
    }
}

/* Dark strokes, one pixel wide, on what is there. */
static void paint_text(const di_raster_t *r)
{
    unsigned colors = r->channels - (di_raster_has_alpha(r) ? 1 : 0);
    apr_uint32_t x, y;

    for (y = 4; y < r->height_px; y++) {
        for (x = 4; x < r->width_px; x++) {
            if (y % 20 < 12 && (x * 7 + y / 20 * 13) % 11 == 0) {
                memset(di_raster_row(r, y) + x * r->channels, 20, colors);
            }
        }
    }
}

static void assert_kind(const di_raster_t *r, di_kind_e kind, const char *of)
{
    di_kind_t k;

    di_kind_of(&k, r);
    if (k.kind != kind) {
        fail_msg("%s in %d samples", of, (int)r->samples);
    }
}

static const di_samples_e with_color[] = {DI_GREY, DI_GREY_ALPHA, DI_RGB,
                                          DI_RGBA};

static void photographs_are_told_from_text(void **state)
{
    size_t i;

    for (i = 0; i < COUNT(with_color); i++) {
        di_raster_t r = made(200, 150, with_color[i]);

        assert_kind(&r, DI_KIND_GRAPHICS, "nothing");
        paint_text(&r);
        assert_kind(&r, DI_KIND_GRAPHICS, "text");
        paint_photo(&r, 0, 200);
        assert_kind(&r, DI_KIND_PHOTO, "photograph");
        di_raster_free(&r);
    }
}

static void white_around_a_photograph_says_nothing(void **state)
{
    di_raster_t r = made(400, 300, DI_RGB);

    paint_photo(&r, 160, 240);
    assert_kind(&r, DI_KIND_PHOTO, "a photograph on white");
    paint_text(&r);
    assert_kind(&r, DI_KIND_GRAPHICS, "a page with a photograph");
    di_raster_free(&r);
}

static void a_photograph_cut_out_stays_one(void **state)
{
    di_raster_t r = made(300, 300, DI_RGBA);
    apr_uint32_t x, y;
    di_kind_t k;

    paint_photo(&r, 0, 300);
    for (y = 0; y < 300; y++) {
        for (x = 0; x < 300; x++) {
            if ((x - 150) * (x - 150) + (y - 150) * (y - 150) > 120 * 120) {
                di_raster_row(&r, y)[4 * x + 3] = 0;
            }
        }
    }
    di_kind_of(&k, &r);
    assert_int_equal(k.kind, DI_KIND_PHOTO);
    assert_int_equal(k.alpha, 1);
    assert_int_equal(k.grey, 0);
    assert_int_equal(k.colors, 257);
    di_raster_free(&r);
}

static void what_is_under_transparent_pixels_does_not_count(void **state)
{
    di_raster_t r = made(200, 150, DI_RGBA);
    apr_uint32_t x, y;

    paint_text(&r);
    paint_photo(&r, 100, 200);
    for (y = 0; y < 150; y++) {
        for (x = 100; x < 200; x++) {
            di_raster_row(&r, y)[4 * x + 3] = 0;
        }
    }
    assert_kind(&r, DI_KIND_GRAPHICS, "text beside nothing");
    di_raster_free(&r);
}

static void a_gradient_of_many_colours_is_coded_as_a_photograph(void **state)
{
    di_raster_t r = made(300, 300, DI_RGB);
    apr_uint32_t x, y;

    for (y = 0; y < 300; y++) {
        for (x = 0; x < 300; x++) {
            unsigned char *pixel = di_raster_row(&r, y) + 3 * x;

            pixel[0] = (unsigned char)(x / 3);
            pixel[1] = (unsigned char)(y / 3);
            pixel[2] = 90;
        }
    }
    assert_kind(&r, DI_KIND_PHOTO, "a gradient");
    di_raster_free(&r);
}

typedef struct {
    unsigned colors;
    unsigned counted;
} colors_case_t;

static const colors_case_t color_cases[] = {{1, 1},     {2, 2},     {255, 255},
                                            {256, 256}, {257, 257}, {400, 257}};

static void colours_are_counted_up_to_257(void **state)
{
    static const di_samples_e samples[] = {DI_GREY_ALPHA, DI_RGB, DI_RGBA};
    size_t i, s;
    apr_size_t p;

    for (i = 0; i < COUNT(color_cases); i++) {
        for (s = 0; s < COUNT(samples); s++) {
            di_raster_t r = made(40, 30, samples[s]);
            di_kind_t k;

            for (p = 0; p < 1200; p++) {
                apr_size_t color = p % color_cases[i].colors;

                r.pixels[p * r.channels] = (unsigned char)color;
                r.pixels[(p + 1) * r.channels - 1] =
                    (unsigned char)(color >> 8);
            }
            di_kind_of(&k, &r);
            assert_int_equal(k.colors, color_cases[i].counted);
            di_raster_free(&r);
        }
    }
}

/* The last pixel alone is of another kind. */
static void one_pixel_decides_alpha_and_grey(void **state)
{
    di_raster_t r = made(60, 50, DI_RGBA);
    di_kind_t k;

    di_kind_of(&k, &r);
    assert_int_equal(k.alpha, 0);
    assert_int_equal(k.grey, 1);
    assert_int_equal(k.colors, 1);
    r.pixels[r.row_bytes * 50 - 1] = 254;
    di_kind_of(&k, &r);
    assert_int_equal(k.alpha, 1);
    assert_int_equal(k.grey, 1);
    assert_int_equal(k.colors, 2);
    r.pixels[r.row_bytes * 50 - 2] = 254;
    di_kind_of(&k, &r);
    assert_int_equal(k.grey, 0);
    assert_int_equal(k.colors, 2);
    di_raster_free(&r);
}

static void a_grey_photograph_is_known_to_be_both(void **state)
{
    di_raster_t r = made(100, 100, DI_GREY);
    di_kind_t k;

    paint_photo(&r, 0, 100);
    di_kind_of(&k, &r);
    assert_int_equal(k.kind, DI_KIND_PHOTO);
    assert_int_equal(k.grey, 1);
    assert_int_equal(k.alpha, 0);
    assert_in_range(k.colors, 150, 256);
    di_raster_free(&r);
}

/* Too small for a block; the sanitizers see reads past the edge. */
static void a_few_pixels_are_graphics(void **state)
{
    apr_uint32_t side;

    for (side = 1; side <= 9; side++) {
        di_raster_t r = made(side, side, DI_RGB);

        assert_kind(&r, DI_KIND_GRAPHICS, "a dot");
        di_raster_free(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(photographs_are_told_from_text),
        UNIT(white_around_a_photograph_says_nothing),
        UNIT(a_photograph_cut_out_stays_one),
        UNIT(what_is_under_transparent_pixels_does_not_count),
        UNIT(a_gradient_of_many_colours_is_coded_as_a_photograph),
        UNIT(colours_are_counted_up_to_257),
        UNIT(one_pixel_decides_alpha_and_grey),
        UNIT(a_grey_photograph_is_known_to_be_both),
        UNIT(a_few_pixels_are_graphics),
    };

    return UNIT_RUN(tests);
}
