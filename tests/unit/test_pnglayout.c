/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "render/pnglayout.h"

/* A picture of one row whose pixels are given as 0xRRGGBBAA. */
static di_raster_t row_of(const apr_uint32_t *pixels, unsigned count)
{
    di_raster_t out;
    unsigned i;

    assert_true(di_raster_make(&out, count, 1, DI_RGBA));
    for (i = 0; i < count; i++) {
        out.pixels[4 * i] = (unsigned char)(pixels[i] >> 24);
        out.pixels[4 * i + 1] = (unsigned char)(pixels[i] >> 16);
        out.pixels[4 * i + 2] = (unsigned char)(pixels[i] >> 8);
        out.pixels[4 * i + 3] = (unsigned char)pixels[i];
    }
    return out;
}

static void transparent_colors_come_first_and_then_by_number(void **state)
{
    static const apr_uint32_t pixels[] = {
        0x112233FF, 0xFFFFFF80, 0x000000FF, 0x112233FF, 0x00000000, 0xFFFFFF80,
    };
    static const apr_uint32_t expected[] = {0x00000000, 0xFFFFFF80, 0x000000FF,
                                            0x112233FF};
    di_raster_t picture = row_of(pixels, 6);
    di_png_colors_t colors;

    di_png_colors_of(&colors, &picture);
    assert_int_equal(colors.count, 4);
    assert_int_equal(colors.transparent, 2);
    assert_memory_equal(colors.colors, expected, sizeof(expected));
    assert_false(colors.opaque);
    assert_false(colors.grey);
    di_raster_free(&picture);
}

static void more_than_256_colors_are_257_and_the_rest_is_looked_at(void **state)
{
    apr_uint32_t pixels[1000];
    di_png_colors_t colors;
    di_raster_t picture;
    unsigned i;

    /* Two axes of grey and alpha; what differs stands at the end. */
    for (i = 0; i < 1000; i++) {
        pixels[i] = i % 256 * 0x01010100u | (255 - i / 256);
    }
    picture = row_of(pixels, 1000);
    di_png_colors_of(&colors, &picture);
    assert_int_equal(colors.count, 257);
    assert_true(colors.grey);
    assert_false(colors.opaque);
    picture.pixels[4 * 999] ^= 1;
    di_png_colors_of(&colors, &picture);
    assert_int_equal(colors.count, 257);
    assert_false(colors.grey);
    di_raster_free(&picture);
}

typedef struct {
    const char *label;
    unsigned count; /* of colours: first + i * step */
    apr_uint32_t first, step;
    int color_type, depth, second_type; /* -1: there is no second layout */
} layout_case_t;

#define GREY_STEP(value) ((value)*0x01010100u)

static const layout_case_t layouts[] = {
    {"black", 1, 0x000000FF, 0, DI_PNG_GREY, 1, -1},
    {"grey of 1 bit", 2, 0x000000FF, GREY_STEP(255u), DI_PNG_GREY, 1, -1},
    {"grey of 2 bits", 4, 0x000000FF, GREY_STEP(85u), DI_PNG_GREY, 2, -1},
    {"grey of 4 bits", 16, 0x000000FF, GREY_STEP(17u), DI_PNG_GREY, 4, -1},
    {"grey of 8 bits", 256, 0x000000FF, GREY_STEP(1u), DI_PNG_GREY, 8, -1},
    {"17 greys", 17, 0x000000FF, GREY_STEP(3u), DI_PNG_GREY, 8, -1},
    {"one odd grey", 1, 0x252525FF, 0, DI_PNG_PALETTE, 1, -1},
    {"three odd greys", 3, 0x010101FF, GREY_STEP(5u), DI_PNG_PALETTE, 2, -1},
    {"one colour", 1, 0x336699FF, 0, DI_PNG_PALETTE, 1, -1},
    {"2 colours", 2, 0x336699FF, 0x100, DI_PNG_PALETTE, 1, -1},
    {"3 colours", 3, 0x336600FF, 0x100, DI_PNG_PALETTE, 2, -1},
    {"4 colours", 4, 0x336600FF, 0x100, DI_PNG_PALETTE, 2, -1},
    {"5 colours", 5, 0x336600FF, 0x100, DI_PNG_PALETTE, 4, -1},
    {"16 colours", 16, 0x336600FF, 0x100, DI_PNG_PALETTE, 4, -1},
    {"17 colours", 17, 0x336600FF, 0x100, DI_PNG_PALETTE, 8, DI_PNG_RGB},
    {"256 colours", 256, 0x336600FF, 0x100, DI_PNG_PALETTE, 8, DI_PNG_RGB},
    {"257 colours", 257, 0x336600FF, 0x100, DI_PNG_RGB, 8, -1},
    {"2 alphas", 2, 0x33669980, 1, DI_PNG_PALETTE, 1, -1},
    {"99 alphas", 99, 0x33669900, 1, DI_PNG_PALETTE, 8, DI_PNG_RGBA},
    {"99 alphas of grey", 99, 0x33333300, 1, DI_PNG_PALETTE, 8,
     DI_PNG_GREY_ALPHA},
    {"300 greys with alpha", 300, 0, 0, DI_PNG_GREY_ALPHA, 8, -1},
    {"300 colours with alpha", 300, 0x33660000, 0x101, DI_PNG_RGBA, 8, -1},
};

static void the_fewest_bits_that_hold_all_colors_are_taken(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
        const layout_case_t *c = &layouts[i];
        di_png_layout_t out[DI_PNG_LAYOUTS_MAX];
        di_png_colors_t colors;
        apr_uint32_t pixels[300];
        di_raster_t picture;
        unsigned k, count;

        for (k = 0; k < c->count; k++) {
            pixels[k] = c->first + k * c->step;
        }
        for (k = 0; k < c->count && c->color_type == DI_PNG_GREY_ALPHA; k++) {
            pixels[k] = GREY_STEP(k % 256u) | (k / 256u);
        }
        picture = row_of(pixels, c->count);
        di_png_colors_of(&colors, &picture);
        count = di_png_layouts(out, &colors);
        if (count != (c->second_type < 0 ? 1u : 2u) ||
            out[0].color_type != c->color_type || out[0].depth != c->depth ||
            (count == 2 &&
             (out[1].color_type != c->second_type || out[1].depth != 8))) {
            fail_msg("%s: %u layouts, type %d depth %d", c->label, count,
                     out[0].color_type, out[0].depth);
        }
        di_raster_free(&picture);
    }
}

static void packed_pixels_begin_in_the_highest_bits(void **state)
{
    static const apr_uint32_t pixels[] = {0x000000FF, 0x555555FF, 0xFFFFFFFF,
                                          0xAAAAAAFF, 0x555555FF};
    static const unsigned char expected[] = {0x1E, 0x40};
    di_raster_t picture = row_of(pixels, 5);
    di_png_layout_t out[DI_PNG_LAYOUTS_MAX];
    di_png_colors_t colors;
    unsigned char room[20];

    di_png_colors_of(&colors, &picture);
    assert_int_equal(di_png_layouts(out, &colors), 1);
    assert_int_equal(out[0].depth, 2);
    assert_memory_equal(di_png_row(room, &picture, 0, &out[0], &colors),
                        expected, 2);
    di_raster_free(&picture);
}

static void a_row_that_is_stored_as_it_is_is_not_copied(void **state)
{
    static const apr_uint32_t pixels[] = {0x01020380, 0x040506FF};
    static const di_png_layout_t rgba = {DI_PNG_RGBA, 8};
    static const di_png_layout_t grey_alpha = {DI_PNG_GREY_ALPHA, 8};
    di_raster_t picture = row_of(pixels, 2);
    di_png_colors_t colors;
    unsigned char room[8];

    di_png_colors_of(&colors, &picture);
    assert_ptr_equal(di_png_row(room, &picture, 0, &rgba, &colors),
                     picture.pixels);
    assert_memory_equal(di_png_row(room, &picture, 0, &grey_alpha, &colors),
                        "\x01\x80\x04\xFF", 4);
    di_raster_free(&picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(transparent_colors_come_first_and_then_by_number),
        UNIT(more_than_256_colors_are_257_and_the_rest_is_looked_at),
        UNIT(the_fewest_bits_that_hold_all_colors_are_taken),
        UNIT(packed_pixels_begin_in_the_highest_bits),
        UNIT(a_row_that_is_stored_as_it_is_is_not_copied),
    };

    return UNIT_RUN(tests);
}
