/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wundef"
#include <magick/api.h>
#include <magick/confirm_access.h>
#pragma GCC diagnostic pop

#include "fixture.h"
#include "pictures.h"
#include "rasters.h"
#include "render/render_gm.h"

#define MEMORY_BYTES ((apr_uint64_t)24 << 20)
#define ALL                                                                    \
    (DI_FORMAT_SET(GIF) | DI_FORMAT_SET(TIFF) | DI_FORMAT_SET(BMP))
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* ---- decode ---- */

typedef struct {
    const char *name; /* 24 x 16 px: red above to blue below */
    di_format_e format;
    di_samples_e samples;
    apr_size_t profile_bytes;
    int first[4], last[4]; /* samples of the corners upper left, lower left */
} file_case_t;

#define RED                                                                    \
    {                                                                          \
        255, 0, 0                                                              \
    }
#define BLUE                                                                   \
    {                                                                          \
        0, 0, 255                                                              \
    }

static const file_case_t files[] = {
    {"header_gif/one", DI_FORMAT_GIF, DI_RGB, 0, RED, BLUE},
    {"header_gif/interlaced", DI_FORMAT_GIF, DI_RGB, 0, RED, BLUE},
    {"header_gif/alpha",
     DI_FORMAT_GIF,
     DI_RGBA,
     0,
     {255, 0, 0, 255},
     {255, 0, 0, 255}},
    {"header_gif/animated", DI_FORMAT_GIF, DI_RGB, 0, RED, BLUE},
    {"header_tiff/rgb", DI_FORMAT_TIFF, DI_RGB, 0, RED, BLUE},
    {"header_tiff/big-endian", DI_FORMAT_TIFF, DI_RGB, 0, RED, BLUE},
    {"header_tiff/deflate", DI_FORMAT_TIFF, DI_RGB, 0, RED, BLUE},
    {"header_tiff/strips", DI_FORMAT_TIFF, DI_RGB, 0, RED, BLUE},
    {"header_tiff/tiles", DI_FORMAT_TIFF, DI_RGB, 0, RED, BLUE},
    {"header_tiff/pages", DI_FORMAT_TIFF, DI_RGB, 0, RED, BLUE},
    {"header_tiff/profile", DI_FORMAT_TIFF, DI_RGB, 124, RED, BLUE},
    {"header_tiff/grey", DI_FORMAT_TIFF, DI_RGB, 0, {76, 76, 76}, {29, 29, 29}},
    /* Inks, 0: none. */
    {"header_tiff/cmyk",
     DI_FORMAT_TIFF,
     DI_CMYK,
     0,
     {0, 255, 255, 0},
     {255, 255, 0, 0}},
    /* Of 16 bits. */
    {"header_tiff/alpha",
     DI_FORMAT_TIFF,
     DI_RGBA,
     0,
     {255, 0, 0, 255},
     {255, 0, 0, 255}},
    {"header_bmp/rgb", DI_FORMAT_BMP, DI_RGB, 0, RED, BLUE},
    {"header_bmp/os2", DI_FORMAT_BMP, DI_RGB, 0, {76, 76, 76}, {29, 29, 29}},
    {"header_bmp/palette", DI_FORMAT_BMP, DI_RGB, 0, {246, 0, 8}, {8, 0, 246}},
    {"header_bmp/alpha",
     DI_FORMAT_BMP,
     DI_RGBA,
     0,
     {255, 0, 0, 255},
     {255, 0, 0, 255}},
    {"header_bmp/rle4", DI_FORMAT_BMP, DI_RGB, 0, {0}, {0}},
    {"header_bmp/rle8", DI_FORMAT_BMP, DI_RGB, 0, {0}, {0}},
};

static void assert_pixel(const char *name, const unsigned char *seen,
                         const int *expected, unsigned channels)
{
    unsigned c;

    for (c = 0; c < channels; c++) {
        if (abs(seen[c] - expected[c]) > 2) {
            fail_msg("%s: sample %u is %d", name, c, seen[c]);
        }
    }
}

static void each_kind_of_file_is_decoded_as_it_is_stored(void **state)
{
    size_t i;

    for (i = 0; i < COUNT(files); i++) {
        const file_case_t *c = &files[i];
        fixture_t file = fixture_read(c->name, *state);
        di_decoded_t out;
        di_render_status_e status =
            di_gm_decode(&out, c->format, file.bytes, file.len, 24, 16);

        if (status != DI_RENDER_OK || out.picture.samples != c->samples) {
            fail_msg("%s: %d, samples %d", c->name, status,
                     out.picture.samples);
        }
        assert_int_equal(out.picture.width_px, 24);
        assert_int_equal(out.picture.height_px, 16);
        assert_int_equal(out.icc.len, c->profile_bytes);
        assert_pixel(c->name, out.picture.pixels, c->first,
                     out.picture.channels);
        assert_pixel(c->name, di_raster_row(&out.picture, 15), c->last,
                     out.picture.channels);
        di_decoded_free(&out);
    }
}

static void what_a_decoder_calls_transparent_is(void **state)
{
    static const struct {
        const char *name;
        di_format_e format;
    } with_alpha[] = {{"header_gif/alpha", DI_FORMAT_GIF},
                      {"header_tiff/alpha", DI_FORMAT_TIFF},
                      {"header_bmp/alpha", DI_FORMAT_BMP}};
    size_t i;

    for (i = 0; i < COUNT(with_alpha); i++) {
        fixture_t file = fixture_read(with_alpha[i].name, *state);
        di_decoded_t out;

        assert_int_equal(di_gm_decode(&out, with_alpha[i].format, file.bytes,
                                      file.len, 24, 16),
                         DI_RENDER_OK);
        assert_int_equal(raster_sample(&out.picture, 0, 0, 3), 255);
        assert_int_equal(raster_sample(&out.picture, 23, 0, 3), 0);
        di_decoded_free(&out);
    }
}

static void a_jpeg_within_a_tiff_is_decoded(void **state)
{
    picture_t in = picture_make("TIFF", 64, 48, PICTURE_JPEG_INSIDE, *state);
    di_decoded_t out;

    assert_int_equal(
        di_gm_decode(&out, DI_FORMAT_TIFF, in.bytes, in.len, 64, 48),
        DI_RENDER_OK);
    assert_int_equal(out.picture.samples, DI_RGB);
    assert_in_range(raster_sample(&out.picture, 32, 24, 0), 117, 137);
    assert_in_range(raster_sample(&out.picture, 32, 24, 1), 117, 137);
    assert_in_range(raster_sample(&out.picture, 32, 24, 2), 54, 74);
    di_decoded_free(&out);
}

/* A GIF of one frame, 2 x 2 px, in a canvas of 6 x 5:
       green blue
       blue  green
   Codes of 3 bits, with a clear code in front of each pixel so that no code
   gets longer: 4 1 4 2 4 2 4 1 5.  transparent -1: no colour is. */
static fixture_t small_frame(int left, int top, int transparent, apr_pool_t *p)
{
    static const unsigned char head[] = {
        'G', 'I', 'F', '8', '9', 'a', 6, 0, 5, 0, 0x81, 0, 0,
        /* red, the background; green, blue, white */
        255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255};
    static const unsigned codes[] = {4, 1, 4, 2, 4, 2, 4, 1, 5};
    unsigned char control[] = {0x21, 0xF9, 4, 1, 0, 0, 0, 0};
    unsigned char frame[] = {0x2C, 0, 0, 0, 0, 2, 0, 2, 0,
                             0,    2, 4, 0, 0, 0, 0, 0, 0x3B};
    fixture_t out = fixture_room(64, p);
    unsigned bits = 0, i;

    for (i = 0; i < COUNT(codes); i++) {
        bits |= codes[i] << 3 * i;
    }
    for (i = 0; i < 4; i++) {
        frame[12 + i] = (unsigned char)(bits >> 8 * i);
    }
    frame[1] = (unsigned char)left;
    frame[3] = (unsigned char)top;
    fixture_add(&out, head, sizeof(head));
    if (transparent >= 0) {
        control[6] = (unsigned char)transparent;
        fixture_add(&out, control, sizeof(control));
    }
    fixture_add(&out, frame, sizeof(frame));
    return out;
}

static void a_frame_smaller_than_its_canvas_is_put_into_it(void **state)
{
    int transparent;

    for (transparent = -1; transparent < 3; transparent++) {
        fixture_t file = small_frame(3, 1, transparent, *state);
        di_decoded_t out;
        unsigned x, y;

        assert_int_equal(
            di_gm_decode(&out, DI_FORMAT_GIF, file.bytes, file.len, 6, 5),
            DI_RENDER_OK);
        assert_int_equal(out.picture.width_px, 6);
        assert_int_equal(out.picture.height_px, 5);
        for (y = 0; y < 5; y++) {
            for (x = 0; x < 6; x++) {
                int inside = (x == 3 || x == 4) && (y == 1 || y == 2);
                int blue = (x == 4) != (y == 2);
                int seen = inside && transparent != 1 + blue;

                assert_int_equal(raster_sample(&out.picture, x, y, 3),
                                 seen ? 255 : 0);
                if (seen) {
                    assert_int_equal(raster_sample(&out.picture, x, y, 1),
                                     blue ? 0 : 255);
                    assert_int_equal(raster_sample(&out.picture, x, y, 2),
                                     blue ? 255 : 0);
                }
            }
        }
        di_decoded_free(&out);
    }
}

static void a_frame_beyond_its_canvas_is_broken(void **state)
{
    static const int at[][2] = {{5, 1}, {3, 4}, {200, 200}};
    size_t i;

    for (i = 0; i < COUNT(at); i++) {
        fixture_t file = small_frame(at[i][0], at[i][1], -1, *state);
        di_decoded_t out;

        assert_int_equal(
            di_gm_decode(&out, DI_FORMAT_GIF, file.bytes, file.len, 6, 5),
            DI_RENDER_BROKEN);
        assert_null(out.picture.pixels);
    }
}

static void a_cut_file_is_broken(void **state)
{
    static const struct {
        const char *coder;
        di_format_e format;
    } kinds[] = {{"GIF", DI_FORMAT_GIF},
                 {"TIFF", DI_FORMAT_TIFF},
                 {"BMP", DI_FORMAT_BMP}};
    size_t i, tenth;

    for (i = 0; i < COUNT(kinds); i++) {
        picture_t in =
            picture_make(kinds[i].coder, 100, 80, PICTURE_GRAY, *state);

        for (tenth = 0; tenth < 10; tenth += 3) {
            di_decoded_t out;

            assert_int_not_equal(di_gm_decode(&out, kinds[i].format, in.bytes,
                                              in.len * tenth / 10, 100, 80),
                                 DI_RENDER_OK);
            assert_null(out.picture.pixels);
            assert_null(out.icc.bytes);
        }
    }
}

static void more_pixels_than_were_told_are_refused(void **state)
{
    picture_t in = picture_make("BMP", 100, 80, PICTURE_NOISE, *state);
    di_decoded_t out;

    assert_int_not_equal(
        di_gm_decode(&out, DI_FORMAT_BMP, in.bytes, in.len, 100, 79),
        DI_RENDER_OK);
    assert_int_equal(
        di_gm_decode(&out, DI_FORMAT_BMP, in.bytes, in.len, 100, 80),
        DI_RENDER_OK);
    di_decoded_free(&out);
}

/* ---- resize, colours ---- */

static void every_kind_of_samples_is_resized(void **state)
{
    static const di_samples_e kinds[] = {DI_GREY, DI_GREY_ALPHA, DI_RGB,
                                         DI_RGBA};
    size_t i;

    for (i = 0; i < COUNT(kinds); i++) {
        di_raster_t picture = raster_waves(kinds[i], 120, 80);
        di_raster_t other = raster_waves(kinds[i], 120, 80);
        raster_gap_t gap;

        assert_int_equal(di_gm_resize(&picture, 60, 40), DI_RENDER_OK);
        assert_int_equal(di_raster_has_alpha(&picture),
                         di_raster_has_alpha(&other));
        assert_true(di_raster_shrink(&other, 2));
        gap = raster_gap(&picture, &other);
        assert_true(gap.mean < 4);
        assert_true(gap.most_alpha < 4);
        di_raster_free(&picture);
        di_raster_free(&other);
    }
}

/* White that is opaque beside black that nobody sees. */
static void what_transparent_pixels_hide_does_not_show_at_edges(void **state)
{
    static const di_samples_e kinds[] = {DI_GREY_ALPHA, DI_RGBA};
    unsigned soft = 0, x, y;
    size_t i;

    for (i = 0; i < COUNT(kinds); i++) {
        di_raster_t picture;

        assert_true(di_raster_make(&picture, 41, 30, kinds[i]));
        for (y = 0; y < 30; y++) {
            unsigned char *row = di_raster_row(&picture, y);

            memset(row, 0, picture.row_bytes);
            memset(row, 255, 21 * (size_t)picture.channels);
        }
        assert_int_equal(di_gm_resize(&picture, 27, 20), DI_RENDER_OK);
        for (y = 0; y < 20; y++) {
            for (x = 0; x < 27; x++) {
                unsigned alpha = raster_sample(&picture, x, y, 3);

                soft += alpha > 0 && alpha < 255;
                if (alpha) {
                    assert_in_range(raster_sample(&picture, x, y, 0), 253, 255);
                }
            }
        }
        di_raster_free(&picture);
    }
    assert_true(soft > 0);
}

static void a_picture_that_cannot_be_resized_stays_as_it_was(void **state)
{
    static const di_samples_e kinds[] = {DI_GREY, DI_GREY_ALPHA, DI_RGB,
                                         DI_RGBA};
    size_t i;

    for (i = 0; i < COUNT(kinds); i++) {
        di_raster_t picture = raster_waves(kinds[i], 2000, 2000);
        di_raster_t before = raster_waves(kinds[i], 2000, 2000);

        assert_int_equal(di_gm_resize(&picture, 1200, 1200),
                         DI_RENDER_NO_MEMORY);
        assert_int_equal(picture.samples, before.samples);
        assert_int_equal(picture.width_px, 2000);
        assert_memory_equal(picture.pixels, before.pixels,
                            before.row_bytes * 2000);
        di_raster_free(&picture);
        di_raster_free(&before);
    }
}

static unsigned colors_of(const di_raster_t *picture)
{
    static const unsigned MOST = 300;
    unsigned char seen[300][4];
    unsigned count = 0, x, y, i, c;

    for (y = 0; y < picture->height_px; y++) {
        for (x = 0; x < picture->width_px && count < MOST; x++) {
            for (c = 0; c < 4; c++) {
                seen[count][c] = (unsigned char)raster_sample(picture, x, y, c);
            }
            for (i = 0; memcmp(seen[i], seen[count], 4); i++) {
            }
            count += i == count;
        }
    }
    return count;
}

static void colors_are_reduced_to_what_was_asked_for(void **state)
{
    static const unsigned counts[] = {2, 16, 256};
    static const double most[] = {80, 30, 10}; /* mean difference */
    static const di_samples_e kinds[] = {DI_GREY, DI_RGB};
    size_t i, j;

    for (i = 0; i < COUNT(kinds); i++) {
        for (j = 0; j < COUNT(counts); j++) {
            di_raster_t picture = raster_waves(kinds[i], 120, 80);
            di_raster_t before = raster_waves(kinds[i], 120, 80);

            assert_int_equal(di_gm_reduce_colors(&picture, counts[j]),
                             DI_RENDER_OK);
            assert_int_equal(picture.samples, kinds[i]);
            assert_in_range(colors_of(&picture), 2, counts[j]);
            assert_true(raster_gap(&picture, &before).mean < most[j]);
            di_raster_free(&picture);
            di_raster_free(&before);
        }
    }
}

/* ---- what the library may do ---- */

static void coders_of_other_formats_are_gone(void **state)
{
    static const char *const gone[] = {"SVG", "PS",   "MVG", "MSL",  "TEXT",
                                       "PDF", "JPEG", "PNG", "WEBP", "URL",
                                       "HEIC"};
    static const char *const there[] = {"GIF", "TIFF", "BMP"};
    ExceptionInfo ex;
    size_t i;

    GetExceptionInfo(&ex);
    for (i = 0; i < COUNT(gone); i++) {
        assert_null(GetMagickInfo(gone[i], &ex));
    }
    for (i = 0; i < COUNT(there); i++) {
        assert_non_null(GetMagickInfo(there[i], &ex));
    }
    DestroyExceptionInfo(&ex);
}

static void a_format_that_is_not_allowed_is_not_decoded(void **state)
{
    fixture_t bmp = fixture_read("header_bmp/rgb", *state);
    fixture_t gif = fixture_read("header_gif/one", *state);
    pid_t child = fork();
    int how;

    if (!child) {
        di_decoded_t out;

        di_gm_stop();
        if (!di_gm_start(DI_FORMAT_SET(GIF), MEMORY_BYTES) ||
            di_gm_decode(&out, DI_FORMAT_GIF, gif.bytes, gif.len, 24, 16)) {
            _exit(101);
        }
        _exit(
            (int)di_gm_decode(&out, DI_FORMAT_BMP, bmp.bytes, bmp.len, 24, 16));
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    assert_in_range(WEXITSTATUS(how), DI_RENDER_OK + 1, DI_RENDER_TOLD - 1);
}

static void nothing_is_opened_run_or_fetched(void **state)
{
    static const ConfirmAccessMode modes[] = {
        FileReadConfirmAccessMode,    FileWriteConfirmAccessMode,
        FileExecuteConfirmAccessMode, URLGetFTPConfirmAccessMode,
        URLGetFileConfirmAccessMode,  URLGetHTTPConfirmAccessMode};
    size_t i;

    for (i = 0; i < COUNT(modes); i++) {
        ExceptionInfo ex;

        GetExceptionInfo(&ex);
        assert_int_equal(MagickConfirmAccess(modes[i], "/dev/null", &ex),
                         MagickFail);
        DestroyExceptionInfo(&ex);
    }
}

static int start(void **state)
{
    return apr_initialize() == APR_SUCCESS && di_gm_start(ALL, MEMORY_BYTES)
               ? 0
               : -1;
}

static int stop(void **state)
{
    di_gm_stop();
    apr_terminate();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(each_kind_of_file_is_decoded_as_it_is_stored),
        UNIT(what_a_decoder_calls_transparent_is),
        UNIT(a_jpeg_within_a_tiff_is_decoded),
        UNIT(a_frame_smaller_than_its_canvas_is_put_into_it),
        UNIT(a_frame_beyond_its_canvas_is_broken),
        UNIT(a_cut_file_is_broken),
        UNIT(more_pixels_than_were_told_are_refused),
        UNIT(every_kind_of_samples_is_resized),
        UNIT(what_transparent_pixels_hide_does_not_show_at_edges),
        UNIT(a_picture_that_cannot_be_resized_stays_as_it_was),
        UNIT(colors_are_reduced_to_what_was_asked_for),
        UNIT(coders_of_other_formats_are_gone),
        UNIT(a_format_that_is_not_allowed_is_not_decoded),
        UNIT(nothing_is_opened_run_or_fetched),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, start, stop);
}
