/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdlib.h>

#include "render/codec.h"
#include "render/raster.h"

static const di_samples_e all_samples[] = {DI_GREY, DI_GREY_ALPHA, DI_RGB,
                                           DI_RGBA, DI_CMYK};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* The same noise for the same seed. */
static void noise_fill(di_raster_t *r, unsigned seed)
{
    apr_size_t i;

    for (i = 0; i < r->row_bytes * r->height_px; i++) {
        seed = seed * 1664525u + 1013904223u;
        r->pixels[i] = (unsigned char)(seed >> 24);
    }
}

static di_raster_t made(apr_uint32_t width, apr_uint32_t height,
                        di_samples_e samples)
{
    di_raster_t r;

    assert_int_equal(di_raster_make(&r, width, height, samples), 1);
    noise_fill(&r, width * 131 + height);
    return r;
}

static di_raster_t of_bytes(apr_uint32_t width, apr_uint32_t height,
                            di_samples_e samples, const char *bytes)
{
    di_raster_t r = made(width, height, samples);

    memcpy(r.pixels, bytes, r.row_bytes * height);
    return r;
}

static di_raster_t copy_of(const di_raster_t *from)
{
    di_raster_t r = made(from->width_px, from->height_px, from->samples);

    memcpy(r.pixels, from->pixels, from->row_bytes * from->height_px);
    return r;
}

static void assert_same(const di_raster_t *a, const di_raster_t *b)
{
    assert_int_equal(a->width_px, b->width_px);
    assert_int_equal(a->height_px, b->height_px);
    assert_int_equal(a->samples, b->samples);
    assert_int_equal(a->channels, b->channels);
    assert_int_equal(a->row_bytes, b->row_bytes);
    assert_memory_equal(a->pixels, b->pixels, a->row_bytes * a->height_px);
}

static void a_picture_has_the_rows_of_its_samples(void **state)
{
    static const unsigned channels[] = {1, 2, 3, 4, 4};
    size_t i;

    for (i = 0; i < COUNT(all_samples); i++) {
        di_raster_t r = made(7, 3, all_samples[i]);

        assert_int_equal(r.channels, channels[i]);
        assert_int_equal(r.row_bytes, 7 * channels[i]);
        assert_ptr_equal(di_raster_row(&r, 2), r.pixels + 2 * r.row_bytes);
        di_raster_free(&r);
        assert_null(r.pixels);
        assert_int_equal(r.width_px, 0);
    }
}

static void sizes_that_do_not_fit_or_are_empty_give_nothing(void **state)
{
    static const apr_uint32_t sizes[][2] = {
        {0, 5}, {5, 0}, {0xffffffffu, 0xffffffffu}, {0x80000000u, 0x80000000u}};
    size_t i;

    for (i = 0; i < COUNT(sizes); i++) {
        di_raster_t r;

        memset(&r, 0x55, sizeof(r));
        assert_int_equal(di_raster_make(&r, sizes[i][0], sizes[i][1], DI_RGBA),
                         0);
        assert_null(r.pixels);
        assert_int_equal(r.row_bytes, 0);
    }
}

static void replacing_moves_the_picture(void **state)
{
    di_raster_t a = made(2, 2, DI_GREY), b = made(3, 1, DI_RGB);
    unsigned char *pixels = b.pixels;

    di_raster_replace(&a, &b);
    assert_ptr_equal(a.pixels, pixels);
    assert_int_equal(a.width_px, 3);
    assert_null(b.pixels);
    di_raster_free(&a);
    di_raster_free(&b);
}

/* The picture     1 2 3    as it is stored, and how each orientation shows
                   4 5 6    it. */
typedef struct {
    apr_uint32_t width;
    const char *shown;
} turn_case_t;

static const turn_case_t turned[] = {
    {3, "123456"}, {3, "321654"}, {3, "654321"}, {3, "456123"},
    {2, "142536"}, {2, "415263"}, {2, "635241"}, {2, "362514"}};

static void every_orientation_brings_the_visual_top_up(void **state)
{
    unsigned o;

    for (o = 1; o <= 8; o++) {
        di_raster_t r = of_bytes(3, 2, DI_GREY, "123456");

        assert_int_equal(di_raster_turn(&r, o), 1);
        assert_int_equal(r.width_px, turned[o - 1].width);
        assert_int_equal(r.height_px, 6 / turned[o - 1].width);
        if (memcmp(r.pixels, turned[o - 1].shown, 6)) {
            fail_msg("orientation %u: %.6s", o, (const char *)r.pixels);
        }
        di_raster_free(&r);
    }
}

static void turning_back_gives_the_same_picture(void **state)
{
    static const unsigned back[] = {1, 2, 3, 4, 5, 8, 7, 6};
    static const apr_uint32_t sizes[][2] = {
        {1, 1}, {1, 70}, {70, 1}, {32, 32}, {33, 65}, {100, 31}, {2049, 2}};
    size_t s, k;
    unsigned o;

    for (s = 0; s < COUNT(sizes); s++) {
        for (k = 0; k < COUNT(all_samples); k++) {
            for (o = 1; o <= 8; o++) {
                di_raster_t r = made(sizes[s][0], sizes[s][1], all_samples[k]);
                di_raster_t was = copy_of(&r);

                assert_int_equal(di_raster_turn(&r, o), 1);
                assert_int_equal(di_raster_turn(&r, back[o - 1]), 1);
                assert_same(&r, &was);
                di_raster_free(&r);
                di_raster_free(&was);
            }
        }
    }
}

static void turning_moves_whole_pixels(void **state)
{
    di_raster_t r = made(45, 77, DI_RGB);
    di_raster_t was = copy_of(&r);
    apr_uint32_t x, y;

    assert_int_equal(di_raster_turn(&r, 6), 1);
    for (y = 0; y < was.height_px; y++) {
        for (x = 0; x < was.width_px; x++) {
            assert_memory_equal(di_raster_row(&r, x) +
                                    3 * (was.height_px - 1 - y),
                                di_raster_row(&was, y) + 3 * x, 3);
        }
    }
    di_raster_free(&r);
    di_raster_free(&was);
}

static void one_pixel_that_lets_through_is_seen(void **state)
{
    static const di_samples_e samples[] = {DI_GREY_ALPHA, DI_RGBA};
    size_t i;
    apr_uint32_t x, y;

    for (i = 0; i < COUNT(samples); i++) {
        di_raster_t r = made(9, 5, samples[i]);

        assert_int_equal(di_raster_has_alpha(&r), 1);
        for (y = 0; y < 5; y++) {
            for (x = 0; x < 9; x++) {
                di_raster_row(&r, y)[(x + 1) * r.channels - 1] = 255;
            }
        }
        assert_int_equal(di_raster_is_opaque(&r), 1);
        di_raster_row(&r, 4)[9 * r.channels - 1] = 254;
        assert_int_equal(di_raster_is_opaque(&r), 0);
        di_raster_free(&r);
    }
}

static void pictures_without_alpha_are_opaque(void **state)
{
    di_raster_t rgb = made(3, 3, DI_RGB), cmyk = made(3, 3, DI_CMYK);

    assert_int_equal(di_raster_has_alpha(&rgb), 0);
    assert_int_equal(di_raster_is_opaque(&rgb), 1);
    assert_int_equal(di_raster_has_alpha(&cmyk), 0);
    assert_int_equal(di_raster_is_opaque(&cmyk), 1);
    di_raster_free(&rgb);
    di_raster_free(&cmyk);
}

typedef struct {
    di_samples_e from;
    const char *pixels; /* two of them */
    apr_uint32_t background;
    di_samples_e to;
    const char *shown;
} flat_case_t;

/* 0x66 of 255 is 40 %: 126 * 0.4 + 255 * 0.6 = 203.4. */
static const flat_case_t flattened[] = {
    {DI_RGBA, "\x7e\xa4\xcb\x66\x01\x02\x03\x00", 0xffffff, DI_RGB,
     "\xcb\xdb\xea\xff\xff\xff"},
    {DI_RGBA, "\x7e\xa4\xcb\xff\x01\x02\x03\x00", 0x102030, DI_RGB,
     "\x7e\xa4\xcb\x10\x20\x30"},
    {DI_GREY_ALPHA, "\x7e\x66\x40\xff", 0xffffff, DI_GREY, "\xcb\x40"},
    {DI_GREY_ALPHA, "\x7e\xff\x40\x00", 0x102030, DI_RGB,
     "\x7e\x7e\x7e\x10\x20\x30"},
    {DI_RGB, "abcdef", 0x102030, DI_RGB, "abcdef"},
    {DI_GREY, "ab", 0x102030, DI_GREY, "ab"},
    {DI_CMYK, "abcdefgh", 0x102030, DI_CMYK, "abcdefgh"}};

static void the_background_shows_through(void **state)
{
    size_t i;

    for (i = 0; i < COUNT(flattened); i++) {
        const flat_case_t *c = &flattened[i];
        di_raster_t r = of_bytes(2, 1, c->from, c->pixels);

        assert_int_equal(di_raster_flatten(&r, c->background), 1);
        assert_int_equal(r.samples, c->to);
        assert_memory_equal(r.pixels, c->shown, r.row_bytes);
        di_raster_free(&r);
    }
}

typedef struct {
    di_samples_e from;
    const char *pixels; /* two of them */
    di_samples_e to;
    const char *kept;
} simple_case_t;

static const simple_case_t simplified[] = {{DI_RGBA,
                                            "aaa\xff"
                                            "bbb\xff",
                                            DI_GREY, "ab"},
                                           {DI_RGBA,
                                            "aaa\xff"
                                            "bbb\xfe",
                                            DI_GREY_ALPHA,
                                            "a\xff"
                                            "b\xfe"},
                                           {DI_RGBA,
                                            "aba\xff"
                                            "bbb\xff",
                                            DI_RGB, "ababbb"},
                                           {DI_RGBA,
                                            "aab\xff"
                                            "bbb\x80",
                                            DI_RGBA,
                                            "aab\xff"
                                            "bbb\x80"},
                                           {DI_RGB, "aaabbb", DI_GREY, "ab"},
                                           {DI_RGB, "aaabbc", DI_RGB, "aaabbc"},
                                           {DI_GREY_ALPHA,
                                            "a\xff"
                                            "b\xff",
                                            DI_GREY, "ab"},
                                           {DI_GREY_ALPHA,
                                            "a\x01"
                                            "b\xff",
                                            DI_GREY_ALPHA,
                                            "a\x01"
                                            "b\xff"},
                                           {DI_GREY, "ab", DI_GREY, "ab"},
                                           {DI_CMYK,
                                            "aaa\xff"
                                            "bbb\xff",
                                            DI_CMYK,
                                            "aaa\xff"
                                            "bbb\xff"}};

static void what_says_nothing_is_dropped(void **state)
{
    size_t i;

    for (i = 0; i < COUNT(simplified); i++) {
        const simple_case_t *c = &simplified[i];
        di_raster_t r = of_bytes(2, 1, c->from, c->pixels);

        assert_int_equal(di_raster_simplify(&r), 1);
        if (r.samples != c->to || memcmp(r.pixels, c->kept, r.row_bytes)) {
            fail_msg("case %u: %d samples, not %d", (unsigned)i, (int)r.samples,
                     (int)c->to);
        }
        di_raster_free(&r);
    }
}

static void shrinking_one_colour_keeps_it(void **state)
{
    static const unsigned factors[] = {2, 3, 7, 8, 64};
    size_t k, f, i;

    for (k = 0; k < COUNT(all_samples); k++) {
        for (f = 0; f < COUNT(factors); f++) {
            di_raster_t r = made(131, 67, all_samples[k]);
            unsigned n = r.channels;

            for (i = 0; i < r.row_bytes * 67; i++) {
                r.pixels[i] = (unsigned char)(255 - 50 * (i % n));
            }
            assert_int_equal(di_raster_shrink(&r, factors[f]), 1);
            assert_int_equal(r.width_px, (130 + factors[f]) / factors[f]);
            assert_int_equal(r.height_px, (66 + factors[f]) / factors[f]);
            for (i = 0; i < r.row_bytes * r.height_px; i++) {
                assert_int_equal(r.pixels[i], 255 - 50 * (i % n));
            }
            di_raster_free(&r);
        }
    }
}

/* The mean of a block as its definition says, in floating point. */
static void assert_block(const di_raster_t *from, const di_raster_t *to,
                         apr_uint32_t x, apr_uint32_t y, unsigned factor)
{
    double sum[4] = {0, 0, 0, 0}, weights = 0, count = 0;
    int has_alpha = di_raster_has_alpha(from);
    unsigned c, n = from->channels;
    apr_uint32_t i, j;

    for (j = y * factor; j < (y + 1) * factor && j < from->height_px; j++) {
        for (i = x * factor; i < (x + 1) * factor && i < from->width_px; i++) {
            const unsigned char *pixel = di_raster_row(from, j) + i * n;
            double weight = has_alpha ? pixel[n - 1] : 1;

            for (c = 0; c < n; c++) {
                sum[c] += pixel[c] * weight;
            }
            weights += weight;
            count++;
        }
    }
    for (c = 0; c < n; c++) {
        int is = di_raster_row(to, y)[x * n + c];
        double want = has_alpha && c == n - 1 ? weights / count
                      : weights > 0           ? sum[c] / weights
                                              : 0;

        assert_true(is - want <= 0.5001 && want - is <= 0.5001);
    }
}

static void a_pixel_is_the_mean_of_its_block(void **state)
{
    static const unsigned factors[] = {2, 3, 5, 64};
    size_t k, f;
    apr_uint32_t x, y;

    for (k = 0; k < COUNT(all_samples); k++) {
        for (f = 0; f < COUNT(factors); f++) {
            di_raster_t r = made(70, 66, all_samples[k]);
            di_raster_t was = copy_of(&r);

            assert_int_equal(di_raster_shrink(&r, factors[f]), 1);
            for (y = 0; y < r.height_px; y++) {
                for (x = 0; x < r.width_px; x++) {
                    assert_block(&was, &r, x, y, factors[f]);
                }
            }
            di_raster_free(&r);
            di_raster_free(&was);
        }
    }
}

static void a_transparent_colour_does_not_bleed(void **state)
{
    di_raster_t r = of_bytes(2, 1, DI_RGBA, "\x0a\x14\x1e\xff\xff\xff\xff\x00");

    assert_int_equal(di_raster_shrink(&r, 2), 1);
    assert_memory_equal(r.pixels, "\x0a\x14\x1e\x80", 4);
    di_raster_free(&r);
}

static void the_brightest_block_of_the_largest_factor_fits(void **state)
{
    di_raster_t r = made(64, 64, DI_RGBA);

    memset(r.pixels, 255, r.row_bytes * 64);
    assert_int_equal(di_raster_shrink(&r, 64), 1);
    assert_memory_equal(r.pixels, "\xff\xff\xff\xff", 4);
    di_raster_free(&r);
}

static void what_was_decoded_is_freed_whole(void **state)
{
    di_decoded_t decoded = {0};

    di_decoded_free(&decoded);
    decoded.picture = made(3, 3, DI_RGB);
    decoded.icc.bytes = malloc(10);
    decoded.icc.len = 10;
    decoded.gamma_e5 = 45455;
    di_decoded_free(&decoded);
    assert_null(decoded.picture.pixels);
    assert_null(decoded.icc.bytes);
    assert_int_equal(decoded.gamma_e5, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_picture_has_the_rows_of_its_samples),
        UNIT(sizes_that_do_not_fit_or_are_empty_give_nothing),
        UNIT(replacing_moves_the_picture),
        UNIT(every_orientation_brings_the_visual_top_up),
        UNIT(turning_back_gives_the_same_picture),
        UNIT(turning_moves_whole_pixels),
        UNIT(one_pixel_that_lets_through_is_seen),
        UNIT(pictures_without_alpha_are_opaque),
        UNIT(the_background_shows_through),
        UNIT(what_says_nothing_is_dropped),
        UNIT(shrinking_one_colour_keeps_it),
        UNIT(a_pixel_is_the_mean_of_its_block),
        UNIT(a_transparent_colour_does_not_bleed),
        UNIT(the_brightest_block_of_the_largest_factor_fits),
        UNIT(what_was_decoded_is_freed_whole),
    };

    return UNIT_RUN(tests);
}
