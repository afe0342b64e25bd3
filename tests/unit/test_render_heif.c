/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "rasters.h"
#include "render/render_heif.h"
#include "render/render_lcms.h"
#include "render/source.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static int start(void **state)
{
    return di_heif_start() && di_color_start() ? 0 : -1;
}

static di_render_status_e decode(di_decoded_t *out, const char *name,
                                 unsigned width_px, unsigned height_px,
                                 apr_pool_t *p)
{
    fixture_t file =
        fixture_read(apr_pstrcat(p, "header_heif/", name, NULL), p);

    return di_heif_decode(out, file.bytes, file.len, width_px, height_px);
}

/* ---- what comes out ---- */

typedef struct {
    const char *name;
    unsigned width_px, height_px;
    di_samples_e samples;
    apr_size_t profile_bytes;
    int upper_left[3], lower_left[3], lower_right[3];
} file_case_t;

/* Seen by another program over libheif, with its own decoder. */
#define FIRST                                                                  \
    {                                                                          \
        243, 10, 0                                                             \
    }
#define LOWER                                                                  \
    {                                                                          \
        10, 244, 2                                                             \
    }
#define LAST                                                                   \
    {                                                                          \
        97, 5, 150                                                             \
    }

static const file_case_t files[] = {
    {"heic", 24, 16, DI_RGB, 0, FIRST, LOWER, LAST},
    {"heic-profile", 24, 16, DI_RGB, 124, FIRST, LOWER, LAST},
    {"heic-thumbnail", 24, 16, DI_RGB, 0, FIRST, LOWER, {81, 3, 141}},
    {"heic-grey", 24, 16, DI_RGB, 0, {75, 75, 75}, {29, 29, 29}, {29, 29, 29}},
    {"heic-alpha", 24, 16, DI_RGBA, 0, {255, 1, 0}, {255, 0, 0}, {0, 0, 0}},
    {"heic-10bit", 24, 16, DI_RGB, 0, {246, 0, 11}, {7, 0, 244}, {7, 0, 244}},
    {"heic-turned", 16, 24, DI_RGB, 0, {128, 156, 84}, FIRST, LOWER},
    {"heic-tiles", 1000, 480, DI_RGB, 0, {0, 128, 0}, {254, 0, 0}, {254, 0, 0}},
    {"heic-large", 640, 480, DI_RGB, 0, {0, 128, 0}, {254, 0, 0}, {254, 0, 0}},
};

static void assert_pixel(const char *name, const di_raster_t *picture,
                         unsigned x, unsigned y, const int expected[3])
{
    unsigned c;

    for (c = 0; c < 3; c++) {
        int seen = (int)raster_sample(picture, x, y, c);

        if (abs(seen - expected[c]) > 2) {
            fail_msg("%s: sample %u at %u, %u is %d", name, c, x, y, seen);
        }
    }
}

static void each_kind_of_file_is_decoded_as_it_is_shown(void **state)
{
    size_t i;

    for (i = 0; i < COUNT(files); i++) {
        const file_case_t *c = &files[i];
        di_decoded_t out;
        di_render_status_e status =
            decode(&out, c->name, c->width_px, c->height_px, *state);

        if (status != DI_RENDER_OK || out.picture.samples != c->samples) {
            fail_msg("%s: %d, samples %d", c->name, status,
                     out.picture.samples);
        }
        assert_int_equal(out.icc.len, c->profile_bytes);
        assert_int_equal(out.picture.width_px, c->width_px);
        assert_int_equal(out.picture.height_px, c->height_px);
        assert_pixel(c->name, &out.picture, 0, 0, c->upper_left);
        assert_pixel(c->name, &out.picture, 0, c->height_px - 1, c->lower_left);
        assert_pixel(c->name, &out.picture, c->width_px - 1, c->height_px - 1,
                     c->lower_right);
        di_decoded_free(&out);
    }
}

static void what_is_transparent_stays_so(void **state)
{
    di_decoded_t out;

    assert_int_equal(decode(&out, "heic-alpha", 24, 16, *state), DI_RENDER_OK);
    assert_int_equal(raster_sample(&out.picture, 0, 0, 3), 255);
    assert_int_equal(raster_sample(&out.picture, 23, 0, 3), 0);
    di_decoded_free(&out);
}

static void primaries_of_the_file_are_handed_over(void **state)
{
    /* Display P3: white, red, green, blue */
    static const apr_uint32_t p3[8] = {31270, 32900, 68000, 32000,
                                       26500, 69000, 15000, 6000};
    di_decoded_t out;
    unsigned i;

    assert_int_equal(decode(&out, "heic-primaries", 24, 16, *state),
                     DI_RENDER_OK);
    assert_int_equal(out.srgb_curve, 1);
    for (i = 0; i < 8; i++) {
        assert_in_range(out.chroma_e5[i], p3[i] - 10, p3[i] + 10);
    }
    di_decoded_free(&out);
}

static void hdr_is_not_taken(void **state)
{
    di_decoded_t out;

    assert_int_equal(decode(&out, "heic-hdr", 24, 16, *state),
                     DI_RENDER_UNSUPPORTED);
    assert_null(out.picture.pixels);
}

/* The decoder has turned it: nobody may do so again. */
static void a_turned_file_is_turned_once(void **state)
{
    fixture_t file = fixture_read("header_heif/heic-turned", *state);
    di_job_t job = {.format = DI_FORMAT_HEIC,
                    .limits = {.max_bytes = 1 << 20,
                               .max_pixels = 1 << 20,
                               .max_side_px = 1000,
                               .max_frames = 1,
                               .max_scans = 1,
                               .max_profile_bytes = 1 << 20}};
    di_scale_t scale = {.width_px = 16, .height_px = 24, .eighths = 8};
    di_source_t source;
    di_raster_t picture;

    assert_int_equal(di_source_read(&source, &job, file.bytes, file.len),
                     DI_RENDER_OK);
    assert_int_equal(source.orientation, 1);
    assert_int_equal(source.shown_width_px, 16);
    assert_int_equal(source.shown_height_px, 24);
    assert_int_equal(di_source_decode(&picture, &source, &scale), DI_RENDER_OK);
    assert_int_equal(picture.width_px, 16);
    assert_int_equal(picture.height_px, 24);
    assert_pixel("turned", &picture, 0, 23, files[0].upper_left);
    assert_pixel("turned", &picture, 15, 23, files[0].lower_left);
    di_raster_free(&picture);
}

/* ---- what does not come out ---- */

static void a_picture_of_another_size_than_told_is_broken(void **state)
{
    di_decoded_t out;

    assert_int_equal(decode(&out, "heic", 24, 17, *state), DI_RENDER_BROKEN);
    assert_int_equal(decode(&out, "heic-turned", 24, 16, *state),
                     DI_RENDER_BROKEN);
    assert_null(out.picture.pixels);
}

static void a_file_of_far_more_pixels_than_told_is_refused(void **state)
{
    fixture_t file = fixture_read("header_heif/heic-grey", *state);
    di_decoded_t out;

    fixture_put32(fixture_find(&file, "ispe", 1) + 8, 1100);
    assert_int_not_equal(di_heif_decode(&out, file.bytes, file.len, 24, 16),
                         DI_RENDER_OK);
    assert_null(out.picture.pixels);
}

static void a_file_that_ends_early_is_broken(void **state)
{
    fixture_t file = fixture_read("header_heif/heic-large", *state);
    apr_size_t len;

    for (len = 0; len < file.len; len += 97) {
        di_decoded_t out;

        assert_int_not_equal(di_heif_decode(&out, file.bytes, len, 640, 480),
                             DI_RENDER_OK);
        assert_null(out.picture.pixels);
    }
}

/* Any byte of the coded picture may be wrong: it is decoded or refused. */
static void damage_ends_in_a_status(void **state)
{
    fixture_t file = fixture_read("header_heif/heic-alpha", *state);
    apr_size_t i;
    int refused = 0;

    for (i = 12; i < file.len; i++) {
        di_decoded_t out;
        di_render_status_e status;

        file.bytes[i] ^= 0x55;
        status = di_heif_decode(&out, file.bytes, file.len, 24, 16);
        assert_true(status < DI_RENDER_TOLD);
        assert_true((out.picture.pixels != NULL) == (status == DI_RENDER_OK));
        refused += status != DI_RENDER_OK;
        di_decoded_free(&out);
        file.bytes[i] ^= 0x55;
    }
    assert_true(refused > 0);
}

/* ---- threads ---- */

/* The limit does not hold for root. */
static int decode_without_threads(const fixture_t *file)
{
    struct rlimit none = {0, 0};
    di_decoded_t out;

    if ((geteuid() == 0 && setuid(65534)) || setrlimit(RLIMIT_NPROC, &none)) {
        return 101;
    }
    return (int)di_heif_decode(&out, file->bytes, file->len, 640, 480);
}

static void no_thread_is_started(void **state)
{
    fixture_t file = fixture_read("header_heif/heic-large", *state);
    pid_t child = fork();
    int how;

    if (!child) {
        (void)alarm(60); /* a decoder that waits for a thread waits for ever */
        _exit(decode_without_threads(&file));
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(how, DI_RENDER_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(each_kind_of_file_is_decoded_as_it_is_shown),
        UNIT(what_is_transparent_stays_so),
        UNIT(primaries_of_the_file_are_handed_over),
        UNIT(hdr_is_not_taken),
        UNIT(a_turned_file_is_turned_once),
        UNIT(a_picture_of_another_size_than_told_is_broken),
        UNIT(a_file_of_far_more_pixels_than_told_is_refused),
        UNIT(a_file_that_ends_early_is_broken),
        UNIT(damage_ends_in_a_status),
        UNIT(no_thread_is_started),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, start, NULL);
}
