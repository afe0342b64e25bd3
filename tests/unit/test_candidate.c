/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With a codec of our own: a file holds the luma, whatever its length says,
 * and a pattern is added on decoding that is the stronger the lower the
 * quality.
 */
#include "unit.h"

#include <stdlib.h>

#include "rasters.h"
#include "shortmemory.h"
#include "render/candidate.h"
#include "render/ssim.h"

typedef struct {
    apr_uint32_t width_px, height_px;
    int quality;
} start_t;

/* What the codec was asked for. */
static struct {
    int encodes;
    apr_uint64_t pixels;
    int coarse; /* the pattern is half as strong again */
} fake;

static di_render_status_e
fake_encode(di_blob_t *out, const di_raster_t *picture, const di_encode_t *how)
{
    start_t start = {picture->width_px, picture->height_px, how->quality};
    apr_size_t pixels = (apr_size_t)picture->width_px * picture->height_px;
    di_raster_t luma;

    fake.encodes++;
    fake.pixels += pixels;
    assert_true(di_luma_make(&luma, picture));
    out->bytes = malloc(sizeof(start) + pixels);
    out->len = sizeof(start) + pixels * (unsigned)how->quality / 200;
    memcpy(out->bytes, &start, sizeof(start));
    memcpy(out->bytes + sizeof(start), luma.pixels, pixels);
    di_raster_free(&luma);
    return DI_RENDER_OK;
}

/* In 1/16 of a level: the root of libjpeg's step, so that the loss goes with
   the step. */
static unsigned pattern_e16(int quality)
{
    unsigned step =
        (unsigned)(quality < 50 ? 5000 / quality : 200 - 2 * quality);
    unsigned root = 0;

    while ((root + 1) * (root + 1) <= 16 * step) {
        root++;
    }
    return fake.coarse ? 3 * root : 2 * root;
}

static di_render_status_e fake_check(di_raster_t *out, const di_blob_t *file)
{
    apr_uint32_t i;
    start_t start;
    unsigned size;

    memcpy(&start, file->bytes, sizeof(start));
    size = pattern_e16(start.quality);
    assert_true(di_raster_make(out, start.width_px, start.height_px, DI_GREY));
    for (i = 0; i < start.width_px * start.height_px; i++) {
        unsigned chance = (i * 2654435761u) >> 27; /* 0..31 */
        int change = (int)((size + chance / 2) / 16);
        int value =
            file->bytes[sizeof(start) + i] + (chance & 1 ? change : -change);

        out->pixels[i] = (unsigned char)(value < 0     ? 0
                                         : value > 255 ? 255
                                                       : value);
    }
    return DI_RENDER_OK;
}

static const di_codec_t codec = {
    DI_FORMAT_WEBP, "FAKE", fake_encode, fake_check, 1, 0, 0, 30, 20000};

typedef struct {
    di_raster_t picture;
    di_subject_t subject;
} case_t;

static void begin(case_t *c, unsigned width_px, unsigned height_px)
{
    c->picture = raster_waves(DI_RGB, width_px, height_px);
    di_subject_init(&c->subject, &c->picture, DI_KIND_PHOTO);
    memset(&fake, 0, sizeof(fake));
}

static void end(case_t *c)
{
    di_subject_free(&c->subject);
    di_raster_free(&c->picture);
}

/* As compose.c does it. */
static di_render_status_e render(di_candidate_t *out, case_t *c,
                                 const di_recipe_t *recipe)
{
    unsigned floor_e4 = recipe->ssim_e4;
    int large = di_subject_is_large(&c->subject);
    di_estimate_t estimate;

    if (large) {
        assert_int_equal(di_candidate_estimate(&estimate, &codec, &c->subject,
                                               recipe, &floor_e4),
                         DI_RENDER_OK);
    }
    return di_candidate_lossy(out, &codec, &c->subject, recipe, recipe->ssim_e4,
                              large ? &estimate : NULL);
}

/* The likeness of a quality, in full. */
static unsigned likeness(case_t *c, int quality)
{
    di_encode_t how = {.quality = quality};
    di_raster_t luma, decoded;
    di_blob_t file;
    unsigned ssim_e4;

    fake_encode(&file, &c->picture, &how);
    fake_check(&decoded, &file);
    assert_true(di_luma_make(&luma, &c->picture));
    ssim_e4 = di_ssim_e4(&luma, &decoded);
    di_raster_free(&luma);
    di_raster_free(&decoded);
    free(file.bytes);
    return ssim_e4;
}

static const struct {
    unsigned width_px, height_px;
} sizes[] = {{300, 200}, {900, 700}, {2500, 1000}, {3000, 1600}};

static const unsigned floors_e4[] = {8000, 9000, 9500};
static const apr_uint32_t starts[] = {0, 35, 60, 90};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static void check_render(case_t *c, const di_recipe_t *recipe)
{
    di_candidate_t first, again;
    int encodes;

    memset(&fake, 0, sizeof(fake));
    assert_int_equal(render(&first, c, recipe), DI_RENDER_OK);
    encodes = fake.encodes;
    assert_in_range(encodes, 1, DI_SEARCH_TRIES);
    assert_true(first.ssim_e4 >= recipe->ssim_e4);
    assert_int_equal(first.ssim_e4, likeness(c, first.quality));
    /* A step coarser by a quarter would not do. */
    assert_true(likeness(c, first.quality - (100 - first.quality) / 4 - 1) <
                recipe->ssim_e4);
    assert_int_equal(render(&again, c, recipe), DI_RENDER_OK);
    assert_int_equal(again.quality, first.quality);
    assert_int_equal(again.file.len, first.file.len);
    di_candidate_free(&first);
    di_candidate_free(&again);
}

static void a_floor_is_kept_closely_in_four_encodes(void **state)
{
    unsigned i, j, k;
    case_t c;

    for (i = 0; i < COUNT(sizes); i++) {
        begin(&c, sizes[i].width_px, sizes[i].height_px);
        for (j = 0; j < COUNT(floors_e4); j++) {
            for (k = 0; k < COUNT(starts); k++) {
                di_recipe_t recipe = {.quality = starts[k],
                                      .ssim_e4 = floors_e4[j]};

                check_render(&c, &recipe);
            }
        }
        end(&c);
    }
}

static void a_large_picture_is_encoded_twice_at_most(void **state)
{
    di_recipe_t recipe = {.quality = 35, .ssim_e4 = 9500};
    di_candidate_t out;
    case_t c;

    begin(&c, 3000, 1600);
    assert_int_equal(render(&out, &c, &recipe), DI_RENDER_OK);
    assert_true(fake.pixels < 2.2 * 3000 * 1600);
    di_candidate_free(&out);
    end(&c);
}

static void an_estimate_does_not_touch_the_picture(void **state)
{
    di_recipe_t recipe = {.quality = 35, .ssim_e4 = 9500};
    unsigned floor_e4 = 9500;
    di_estimate_t estimate;
    case_t c;

    begin(&c, 3000, 1600);
    assert_int_equal(di_candidate_estimate(&estimate, &codec, &c.subject,
                                           &recipe, &floor_e4),
                     DI_RENDER_OK);
    assert_true(fake.pixels < 3000 * 1600 / 4);
    assert_true(estimate.quality > 35 && estimate.bytes_e12 > 0);
    end(&c);
}

static void without_a_floor_the_first_format_sets_it(void **state)
{
    di_recipe_t recipe = {.quality = 70};
    di_estimate_t fine, coarse;
    unsigned floor_e4 = 0;
    di_candidate_t out;
    case_t c;

    begin(&c, 1200, 800);
    assert_int_equal(
        di_candidate_estimate(&fine, &codec, &c.subject, &recipe, &floor_e4),
        DI_RENDER_OK);
    assert_int_equal(fine.quality, 70);
    assert_true(floor_e4 > 0);
    fake.coarse = 1;
    assert_int_equal(
        di_candidate_estimate(&coarse, &codec, &c.subject, &recipe, &floor_e4),
        DI_RENDER_OK);
    assert_in_range(coarse.quality, 85, 91);
    assert_true(coarse.bytes_e12 > fine.bytes_e12);

    fake.encodes = 0;
    assert_int_equal(
        di_candidate_lossy(&out, &codec, &c.subject, &recipe, 0, &coarse),
        DI_RENDER_OK);
    assert_int_equal(out.quality, coarse.quality);
    assert_int_equal(out.ssim_e4, 0);
    assert_int_equal(fake.encodes, 1);
    di_candidate_free(&out);
    end(&c);
}

static void a_floor_out_of_reach_is_no_format(void **state)
{
    di_recipe_t recipe = {.quality = 60, .ssim_e4 = 10000};
    unsigned floor_e4 = 10000;
    di_estimate_t estimate;
    di_candidate_t out;
    case_t c;

    begin(&c, 300, 200);
    assert_int_equal(render(&out, &c, &recipe), DI_RENDER_NO_FORMAT);
    assert_null(out.file.bytes);
    end(&c);
    begin(&c, 1200, 800);
    assert_int_equal(di_candidate_estimate(&estimate, &codec, &c.subject,
                                           &recipe, &floor_e4),
                     DI_RENDER_NO_FORMAT);
    end(&c);
}

/* Wider than any picture, so that the sums of a strip, 20 bytes a column, are
   more than the files and rasters of 8 rows. */
#define WIDE_PX (1 << 22)

static int keep_a_floor(void *what)
{
    di_recipe_t recipe = {.quality = 90, .ssim_e4 = 5000};
    di_codec_t wide = codec;
    di_candidate_t out;
    di_render_status_e status;

    wide.most_side_px = WIDE_PX;
    status = di_candidate_lossy(&out, &wide, what, &recipe, 5000, NULL);
    di_candidate_free(&out);
    return (int)status;
}

static void memory_that_a_comparison_lacks_is_told(void **state)
{
    case_t c;

    if (!SHORT_MEMORY_CAN_BE) {
        return; /* cmocka calls a skipped test "not ok" */
    }
    begin(&c, WIDE_PX, 8);
    assert_int_equal(keep_a_floor(&c.subject), DI_RENDER_OK);
    /* 64 MB are enough up to there. */
    assert_int_equal(short_memory_run(keep_a_floor, &c.subject, 100 << 20),
                     DI_RENDER_NO_MEMORY);
    end(&c);
}

static void the_smaller_candidate_is_kept(void **state)
{
    di_candidate_t best = {{NULL, 0}, DI_FORMAT_UNKNOWN, 0, 0};
    di_candidate_t first = {{malloc(1), 20}, DI_FORMAT_JPEG, 50, 0};
    di_candidate_t larger = {{malloc(1), 21}, DI_FORMAT_PNG, 0, 0};
    di_candidate_t smaller = {{malloc(1), 19}, DI_FORMAT_WEBP, 50, 0};

    di_candidate_keep_smaller(&best, &first);
    di_candidate_keep_smaller(&best, &larger);
    assert_int_equal(best.format, DI_FORMAT_JPEG);
    assert_null(larger.file.bytes);
    di_candidate_keep_smaller(&best, &smaller);
    assert_int_equal(best.format, DI_FORMAT_WEBP);
    di_candidate_free(&best);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_floor_is_kept_closely_in_four_encodes),
        UNIT(a_large_picture_is_encoded_twice_at_most),
        UNIT(an_estimate_does_not_touch_the_picture),
        UNIT(without_a_floor_the_first_format_sets_it),
        UNIT(a_floor_out_of_reach_is_no_format),
        UNIT(memory_that_a_comparison_lacks_is_told),
        UNIT(the_smaller_candidate_is_kept),
    };

    return UNIT_RUN(tests);
}
