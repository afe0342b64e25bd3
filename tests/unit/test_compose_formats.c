/* SPDX-License-Identifier: Apache-2.0 */
/* Which format a rendition gets; its colours, transparency, floor, ceiling and
   texts. */
#include "composing.h"

#include <stdio.h>

#include <jpeglib.h>
#include <lcms2.h>

#include "rasters.h"
#include "render/container.h"
#include "render/ssim.h"

#define SET(name) DI_FORMAT_SET(name)

/* Mean absolute difference of the channels, alpha included. */
static double difference(const unsigned char *a, const unsigned char *b,
                         size_t count)
{
    double sum = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        sum += abs(a[i] - b[i]);
    }
    return sum / (double)count;
}

/* Flat areas with sharp edges. */
static di_raster_t drawing(unsigned width_px, unsigned height_px,
                           unsigned colors)
{
    di_raster_t made;
    unsigned x, y;

    assert_true(di_raster_make(&made, width_px, height_px, DI_RGB));
    for (y = 0; y < height_px; y++) {
        for (x = 0; x < width_px; x++) {
            unsigned color = (x / 13 * 7 + y / 11 * 5) % colors;
            unsigned char *to = di_raster_row(&made, y) + 3 * (size_t)x;

            to[0] = (unsigned char)(color * 97);
            to[1] = (unsigned char)(color * 57 + 40);
            to[2] = (unsigned char)(color * 31);
        }
    }
    return made;
}

static picture_t drawn(unsigned width_px, unsigned height_px, unsigned colors,
                       apr_pool_t *p)
{
    static const di_encode_t lossless = {.lossless = 1};
    di_raster_t raster = drawing(width_px, height_px, colors);
    picture_t made = encoded(&raster, DI_FORMAT_PNG, &lossless, p);

    return fat(&made, p);
}

static di_job_t job_of(di_format_e format, unsigned formats)
{
    di_job_t job = plain;

    job.format = (apr_uint32_t)format;
    job.formats = formats;
    return job;
}

/* ---- which format ---- */

static void
the_smallest_of_the_formats_that_keep_the_floor_is_taken(void **state)
{
    static const unsigned each[] = {SET(JPEG), SET(PNG), SET(WEBP), SET(AVIF),
                                    SET(JXL)};
    static const char *const coders[] = {"JPEG", "PNG24"};
    size_t i, j;

    for (j = 0; j < 2; j++) {
        picture_t in = fat_picture(coders[j], 200, 150, PICTURE_NOISE, *state);
        di_job_t job = job_of(j ? DI_FORMAT_PNG : DI_FORMAT_JPEG, 0);
        apr_uint64_t least = 0;
        di_result_t result;
        unsigned format = 0;

        job.recipe.ssim_e4 = 9800;
        for (i = 0; i < COUNT(each); i++) {
            job.formats = each[i];
            (void)render(&result, &job, &in, *state);
            if (result.status == DI_RENDER_OK &&
                (!least || result.bytes < least)) {
                least = result.bytes;
                format = result.format;
            }
        }
        job.formats = DI_FORMATS_OUT;
        (void)render_ok(&result, &job, &in, *state);
        assert_int_equal(result.format, format);
        assert_int_equal(result.bytes, least);
    }
}

static void without_a_floor_all_formats_keep_the_first_ones(void **state)
{
    picture_t in = fat_picture("JPEG", 200, 150, 0, *state);
    di_job_t job = job_of(DI_FORMAT_JPEG, SET(JPEG));
    di_result_t alone, result;

    (void)render_ok(&alone, &job, &in, *state);
    assert_int_equal(alone.quality, 60);
    assert_int_equal(alone.ssim_e4, 0);
    job.formats |= SET(WEBP);
    (void)render_ok(&result, &job, &in, *state);
    assert_true(result.bytes <= alone.bytes);
    assert_true(result.ssim_e4 > 9000);
}

typedef struct {
    const char *what;
    const char *coder;
    di_format_e format;
    unsigned flags, formats;
    di_format_e expected;
    int lossless;
} choice_case_t;

static const choice_case_t choices[] = {
    {"photo as PNG", "PNG24", DI_FORMAT_PNG, 0, SET(JPEG) | SET(PNG),
     DI_FORMAT_JPEG, 0},
    {"photo, PNG alone", "PNG24", DI_FORMAT_PNG, 0, SET(PNG), DI_FORMAT_PNG, 1},
    {"photo as TIFF", "TIFF", DI_FORMAT_TIFF, PICTURE_NOISE,
     SET(JPEG) | SET(PNG), DI_FORMAT_JPEG, 0},
    {"photo as BMP", "BMP", DI_FORMAT_BMP, PICTURE_NOISE, SET(JPEG) | SET(PNG),
     DI_FORMAT_JPEG, 0},
    {"photo with alpha, no WebP", "PNG32", DI_FORMAT_PNG,
     PICTURE_ALPHA | PICTURE_NOISE, SET(JPEG) | SET(PNG), DI_FORMAT_PNG, 1},
    {"photo with alpha", "PNG32", DI_FORMAT_PNG, PICTURE_ALPHA | PICTURE_NOISE,
     SET(JPEG) | SET(WEBP), DI_FORMAT_WEBP, 0},
    {"alpha that is opaque", "PNG32", DI_FORMAT_PNG, PICTURE_OPAQUE,
     SET(JPEG) | SET(PNG), DI_FORMAT_JPEG, 0},
};

static void the_kind_of_picture_decides(void **state)
{
    size_t i;

    for (i = 0; i < COUNT(choices); i++) {
        const choice_case_t *c = &choices[i];
        picture_t in = fat_picture(c->coder, 120, 90, c->flags, *state);
        di_job_t job = job_of(c->format, c->formats);
        di_result_t result;

        (void)render_ok(&result, &job, &in, *state);
        if (result.format != (apr_uint32_t)c->expected ||
            (result.quality == 0) != c->lossless) {
            fail_msg("%s: format %u, quality %u", c->what, result.format,
                     result.quality);
        }
        assert_int_equal(result.width_px, 120);
    }
}

static void a_drawing_stays_as_it_is_to_the_pixel(void **state)
{
    static const unsigned sets[] = {SET(PNG), SET(JPEG) | SET(PNG),
                                    SET(PNG) | SET(WEBP) | SET(JPEG)};
    size_t i;

    for (i = 0; i < COUNT(sets); i++) {
        picture_t in = drawn(240, 180, 7, *state), out;
        di_job_t job = job_of(DI_FORMAT_PNG, sets[i]);
        unsigned width, height;
        di_result_t result;

        job.recipe.fit_px = 100;
        out = render_ok(&result, &job, &in, *state);
        assert_int_not_equal(result.format, DI_FORMAT_JPEG);
        assert_int_equal(result.width_px, 240);
        assert_int_equal(result.quality, 0);
        assert_int_equal(result.ssim_e4, 10000);
        assert_memory_equal(
            picture_pixels(&width, &height, "PNG", in.bytes, in.len, *state),
            shown(&out, &result, *state), 240 * 180 * 4);
    }
}

typedef struct {
    di_format_e format;
    const char *coder;
    unsigned flags, colors;
    int exact; /* pixels must be the very same */
    di_format_e out;
} same_size_case_t;

static const same_size_case_t same_sizes[] = {
    {DI_FORMAT_PNG, "PNG", 0, 0, 1, DI_FORMAT_PNG},
    {DI_FORMAT_PNG, "PNG", PICTURE_NOISE, 0, 1, DI_FORMAT_PNG},
    {DI_FORMAT_PNG, "PNG", PICTURE_GRAY, 0, 1, DI_FORMAT_PNG},
    {DI_FORMAT_PNG, "PNG", PICTURE_ALPHA, 0, 1, DI_FORMAT_PNG},
    {DI_FORMAT_PNG, "PNG", PICTURE_ALPHA, 16, 1, DI_FORMAT_PNG},
    {DI_FORMAT_PNG, "PNG32", PICTURE_OPAQUE, 0, 1, DI_FORMAT_PNG},
    {DI_FORMAT_PNG, "PNG32", PICTURE_OPAQUE | PICTURE_GRAY, 0, 1,
     DI_FORMAT_PNG},
    {DI_FORMAT_PNG, "PNG32", PICTURE_ALPHA | PICTURE_GRAY, 0, 1, DI_FORMAT_PNG},
    {DI_FORMAT_PNG, "PNG8", PICTURE_GRAY, 0, 1, DI_FORMAT_PNG},
    {DI_FORMAT_GIF, "GIF", 0, 0, 1, DI_FORMAT_PNG},
    {DI_FORMAT_GIF, "GIF", PICTURE_ALPHA, 0, 1, DI_FORMAT_PNG},
    {DI_FORMAT_BMP, "BMP", 0, 0, 1, DI_FORMAT_PNG},
    {DI_FORMAT_TIFF, "TIFF", 0, 0, 1, DI_FORMAT_PNG},
    {DI_FORMAT_WEBP, "WEBP", 0, 0, 1, DI_FORMAT_PNG},
    {DI_FORMAT_WEBP, "WEBP", PICTURE_ALPHA, 0, 1, DI_FORMAT_PNG},
    {DI_FORMAT_WEBP, "WEBP", PICTURE_OPAQUE, 0, 0, DI_FORMAT_WEBP},
    {DI_FORMAT_WEBP, "WEBP", 0, 0, 0, DI_FORMAT_WEBP},
    {DI_FORMAT_WEBP, "WEBP", PICTURE_ALPHA, 0, 0, DI_FORMAT_WEBP},
    {DI_FORMAT_PNG, "PNG", PICTURE_ALPHA, 0, 0, DI_FORMAT_WEBP},
};

/* What transparent pixels hide may be anything. */
static void hide(unsigned char *rgba, size_t pixels)
{
    size_t i;

    for (i = 0; i < pixels; i++) {
        if (!rgba[4 * i + 3]) {
            memset(rgba + 4 * i, 0, 3);
        }
    }
}

static void formats_without_a_layout_keep_size_alpha_and_look(void **state)
{
    size_t i;

    for (i = 0; i < COUNT(same_sizes); i++) {
        const same_size_case_t *c = &same_sizes[i];
        picture_t in = fat_picture(c->coder, 120, 90, c->flags, *state), out;
        di_job_t job = job_of(c->format, 1u << c->out);
        unsigned width, height;
        unsigned char *before, *after;
        di_result_t result;
        double off;

        job.recipe.fit_px = 50;
        job.recipe.colors = c->colors;
        out = render_ok(&result, &job, &in, *state);
        assert_int_equal(result.width_px, 120);
        assert_int_equal(result.height_px, 90);
        before =
            picture_pixels(&width, &height, c->coder, in.bytes, in.len, *state);
        assert_non_null(before);
        after = shown(&out, &result, *state);
        hide(before, 120 * 90);
        hide(after, 120 * 90);
        off = difference(before, after, 120 * 90 * 4);
        if (c->exact ? off > 0 : off > 12) {
            fail_msg("case %zu: difference %f", i, off);
        }
        if (c->flags & PICTURE_ALPHA) {
            assert_int_equal(after[3], 0);
            assert_int_equal(after[119 * 4 + 3], 255);
        }
    }
}

static void
a_format_that_cannot_hold_the_sides_leaves_it_to_another(void **state)
{
    picture_t in =
        fat_picture("PNG32", 17000, 10, PICTURE_ALPHA | PICTURE_NOISE, *state);
    di_job_t job = job_of(DI_FORMAT_PNG, SET(WEBP) | SET(PNG));
    di_result_t result;

    (void)render_ok(&result, &job, &in, *state);
    assert_int_equal(result.format, DI_FORMAT_PNG);
    job.formats = SET(WEBP);
    assert_int_equal(status_of(&job, &in, *state), DI_RENDER_NO_FORMAT);
}

static void a_palette_has_no_more_colors_than_asked_for(void **state)
{
    picture_t in = fat_picture("PNG24", 120, 90, PICTURE_NOISE, *state), out;
    di_job_t job = job_of(DI_FORMAT_PNG, SET(PNG));
    di_result_t result;
    size_t i;

    job.recipe.colors = 16;
    out = render_ok(&result, &job, &in, *state);
    assert_int_equal(out.bytes[25], 3);
    for (i = 33; memcmp(out.bytes + i + 4, "PLTE", 4); i++) {
        assert_true(i + 8 < out.len);
    }
    assert_in_range(out.bytes[i + 3], 3, 3 * 16);
    assert_in_range(result.ssim_e4, 1, 9999);
    /* Not when that is too unlike. */
    job.recipe.ssim_e4 = 9999;
    (void)render_ok(&result, &job, &in, *state);
    assert_int_equal(result.ssim_e4, 10000);
}

static void what_is_not_smaller_is_no_gain(void **state)
{
    picture_t in = picture_make("JPEG", 200, 150, PICTURE_NOISE, *state);
    di_job_t job = job_of(DI_FORMAT_JPEG, SET(JPEG));
    di_result_t result;

    job.recipe.quality = 98;
    (void)render(&result, &job, &in, *state);
    assert_int_equal(result.status, DI_RENDER_NO_GAIN);
    assert_int_equal(result.source_width_px, 200);
    assert_int_equal(result.width_px, 0);
}

static void no_format_at_all_is_told_apart(void **state)
{
    picture_t in = fat_picture("JPEG", 200, 150, 0, *state);
    di_job_t job = job_of(DI_FORMAT_JPEG, 0);

    assert_int_equal(status_of(&job, &in, *state), DI_RENDER_NO_FORMAT);
    /* Without loss it would have several times its bytes. */
    job.formats = SET(PNG);
    assert_int_equal(status_of(&job, &in, *state), DI_RENDER_NO_FORMAT);
    /* A floor that no lossy format keeps. */
    job.formats = SET(JPEG);
    job.recipe.ssim_e4 = 10000;
    assert_int_equal(status_of(&job, &in, *state), DI_RENDER_NO_FORMAT);
}

/* ---- transparency ---- */

static void a_background_is_put_behind_where_nothing_else_is_taken(void **state)
{
    picture_t in = fat_picture("PNG32", 120, 90, PICTURE_ALPHA, *state), out;
    di_job_t job = job_of(DI_FORMAT_PNG, SET(JPEG));
    unsigned char *rgba;
    di_result_t result;

    job.recipe.background = 0x3070B0;
    job.recipe.quality = 90;
    out = render_ok(&result, &job, &in, *state);
    rgba = shown(&out, &result, *state) + (45 * 120 + 20) * 4;
    assert_in_range(rgba[0], 0x30 - 5, 0x30 + 5);
    assert_in_range(rgba[1], 0x70 - 5, 0x70 + 5);
    assert_in_range(rgba[2], 0xB0 - 5, 0xB0 + 5);
    rgba += 80 * 4; /* x 100, y 45 of the ramps */
    assert_in_range(rgba[0], 205, 220);
    assert_in_range(rgba[1], 120, 135);
}

/* It is JPEG because that is quick, not because nothing else is taken. */
static void the_quick_rendition_never_loses_transparency(void **state)
{
    picture_t in = fat_picture("PNG32", 120, 90, PICTURE_ALPHA, *state);
    di_job_t job = job_of(DI_FORMAT_PNG, SET(JPEG));

    job.recipe.quick = 1;
    assert_int_equal(status_of(&job, &in, *state), DI_RENDER_NO_FORMAT);
}

static void the_quick_rendition_is_a_jpeg_of_anything_opaque(void **state)
{
    picture_t photo = fat_picture("JPEG", 400, 300, PICTURE_NOISE, *state);
    picture_t drawing_png = drawn(400, 300, 7, *state);
    const picture_t *in[] = {&photo, &drawing_png};
    size_t i;

    for (i = 0; i < 2; i++) {
        di_job_t job = job_of(i ? DI_FORMAT_PNG : DI_FORMAT_JPEG, SET(JPEG));
        di_result_t result;

        job.recipe.quick = 1;
        job.recipe.progressive = 0;
        job.recipe.quality = 30;
        job.recipe.fit_px = 200;
        (void)render_ok(&result, &job, in[i], *state);
        assert_int_equal(result.width_px, 200);
        assert_int_equal(result.quality, 30);
        assert_int_equal(result.ssim_e4, 0);
    }
}

static void a_transparent_color_of_a_png_is_transparent(void **state)
{
    /* The colour of the upper left pixel. */
    static const unsigned char trns[] = {0, 0, 0, 0, 0, 64};
    static const unsigned sets[] = {SET(PNG), SET(WEBP), SET(JPEG) | SET(WEBP)};
    picture_t in = fat_picture("PNG24", 60, 40, 0, *state), out;
    size_t i;

    in = with_chunk(&in, "tRNS", trns, sizeof(trns), *state);
    for (i = 0; i < COUNT(sets); i++) {
        di_job_t job = job_of(DI_FORMAT_PNG, sets[i]);
        unsigned char *rgba;
        di_result_t result;

        out = render_ok(&result, &job, &in, *state);
        rgba = shown(&out, &result, *state);
        assert_int_equal(rgba[3], 0);
        assert_int_equal(rgba[7], 255);
        assert_int_equal(rgba[60 * 40 * 4 - 1], 255);
    }
}

/* 32 x 16 px of 32 bits, without a mask for alpha; the fourth byte is 0, as
   most programs leave it. */
static void a_bmp_without_a_mask_is_opaque(void **state)
{
    static const unsigned char head[54] = {
        'B', 'M', 0x36, 8,  0, 0, 0, 0,  0, 0, 54, 0, 0, 0, 40,
        0,   0,   0,    32, 0, 0, 0, 16, 0, 0, 0,  1, 0, 32};
    static const unsigned sets[] = {SET(PNG), SET(WEBP), SET(JPEG)};
    picture_t in = {apr_pcalloc(*state, 54 + 32 * 16 * 4), 54 + 32 * 16 * 4};
    size_t i;

    memcpy(in.bytes, head, 54);
    for (i = 0; i < 32 * 16; i++) {
        in.bytes[54 + 4 * i] = 40; /* blue */
        in.bytes[54 + 4 * i + 2] = (unsigned char)(i % 32 / 8 * 60 + 20);
    }
    in = fat(&in, *state);
    for (i = 0; i < COUNT(sets); i++) {
        di_job_t job = job_of(DI_FORMAT_BMP, sets[i]);
        unsigned char *rgba;
        di_result_t result;
        picture_t out;

        out = render_ok(&result, &job, &in, *state);
        rgba = shown(&out, &result, *state);
        assert_int_equal(rgba[3], 255);
        assert_in_range(rgba[0], 10, 30);
        assert_in_range(rgba[31 * 4], 190, 210);
        assert_int_equal(rgba[32 * 16 * 4 - 1], 255);
    }
}

/* ---- colours ---- */

static void grey_stays_grey_with_one_channel(void **state)
{
    /* A profile that is damaged counts as none. */
    static const unsigned flags[] = {PICTURE_GRAY, PICTURE_GRAY | PICTURE_ICC,
                                     PICTURE_GRAY | PICTURE_COLOR_FILE,
                                     PICTURE_GRAY | PICTURE_COLOR_FILE |
                                         PICTURE_ICC};
    size_t i;

    for (i = 0; i < COUNT(flags); i++) {
        picture_t in = fat_picture("JPEG", 100, 80, flags[i], *state), out;
        di_job_t job = job_of(DI_FORMAT_JPEG, SET(JPEG));
        unsigned char *rgba;
        di_result_t result;
        di_header_t header;

        job.recipe.fit_px = 50;
        out = render_ok(&result, &job, &in, *state);
        assert_int_equal(
            di_header_read(&header, DI_FORMAT_JPEG, out.bytes, out.len),
            DI_RENDER_OK);
        assert_int_equal(header.channels, 1);
        assert_int_equal(header.profile_bytes, 0);
        rgba = shown(&out, &result, *state);
        assert_in_range(rgba[25 * 4], 110, 140);
        assert_int_equal(rgba[25 * 4], rgba[25 * 4 + 1]);
    }
}

/* Three quarters cyan and half black, with Adobe's marker, which means that
   samples are stored inverted. */
static picture_t ink(J_COLOR_SPACE stored, apr_pool_t *p)
{
    static const JSAMPLE pixel[4] = {255 - 192, 255, 255 - 64, 255 - 128};
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long len = 0;
    JSAMPLE row[4 * 64];
    JSAMPROW rows = row;
    picture_t made;
    unsigned i;

    for (i = 0; i < sizeof(row); i++) {
        row[i] = pixel[i % 4];
    }
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &bytes, &len);
    info.image_width = info.image_height = 64;
    info.input_components = 4;
    info.in_color_space = JCS_CMYK;
    jpeg_set_defaults(&info);
    jpeg_set_colorspace(&info, stored);
    info.write_Adobe_marker = TRUE;
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < 64) {
        jpeg_write_scanlines(&info, &rows, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    made.bytes = apr_pmemdup(p, bytes, len);
    made.len = len;
    free(bytes);
    return fat(&made, p);
}

static void inks_become_colors(void **state)
{
    static const J_COLOR_SPACE stored[] = {JCS_CMYK, JCS_YCCK};
    unsigned i, format;

    for (i = 0; i < 2; i++) {
        picture_t in = ink(stored[i], *state), out;

        for (format = DI_FORMAT_JPEG; format <= DI_FORMAT_WEBP; format += 3) {
            di_job_t job = job_of(DI_FORMAT_JPEG, 1u << format);
            unsigned char *rgba;
            di_result_t result;

            out = render_ok(&result, &job, &in, *state);
            rgba = shown(&out, &result, *state) + (32 * 64 + 32) * 4;
            /* (1 - ink) * (1 - black) */
            assert_in_range(rgba[0], 31 - 6, 31 + 6);
            assert_in_range(rgba[1], 127 - 6, 127 + 6);
            assert_in_range(rgba[2], 95 - 6, 95 + 6);
        }
    }
}

/* As JPEG's APP2, of a profile with these primaries and sRGB's white. */
static picture_t with_profile(const picture_t *jpeg, cmsHPROFILE profile,
                              apr_pool_t *p)
{
    cmsUInt32Number len = 0;
    unsigned char *segment;

    assert_true(cmsSaveProfileToMem(profile, NULL, &len));
    segment = apr_palloc(p, len + 14);
    memcpy(segment, "ICC_PROFILE\0\1\1", 14);
    assert_true(cmsSaveProfileToMem(profile, segment + 14, &len));
    return with_segment(jpeg, 0xE2, segment, len + 14, p);
}

static cmsHPROFILE profile_of(const double xy[6], double gamma)
{
    const cmsCIExyY white = {0.3127, 0.3290, 1};
    const cmsCIExyYTRIPLE primaries = {
        {xy[0], xy[1], 1}, {xy[2], xy[3], 1}, {xy[4], xy[5], 1}};
    cmsToneCurve *curve = cmsBuildGamma(NULL, gamma);
    cmsToneCurve *curves[3] = {curve, curve, curve};
    cmsHPROFILE profile = cmsCreateRGBProfile(&white, &primaries, curves);

    cmsFreeToneCurve(curve);
    return profile;
}

static void to_srgb(unsigned char rgb[3], cmsHPROFILE from)
{
    cmsHPROFILE srgb = cmsCreate_sRGBProfile();
    cmsHTRANSFORM transform = cmsCreateTransform(
        from, TYPE_RGB_8, srgb, TYPE_RGB_8, INTENT_PERCEPTUAL, 0);

    cmsDoTransform(transform, rgb, rgb, 1);
    cmsDeleteTransform(transform);
    cmsCloseProfile(srgb);
}

static void a_color_profile_is_applied_and_gone(void **state)
{
    static const double adobe[6] = {0.64, 0.33, 0.21, 0.71, 0.15, 0.06};
    static const double p3[6] = {0.68, 0.32, 0.265, 0.69, 0.15, 0.06};
    static const double *const spaces[] = {adobe, p3};
    static const char *const words[] = {"ICC_PROFILE", "iCCP", "ICCP"};
    unsigned char pixel[] = {150, 110, 90}, expected[3];
    static const di_encode_t best = {.quality = 98, .chroma = DI_CHROMA_444};
    unsigned i, j, format;

    for (i = 0; i < 2; i++) {
        cmsHPROFILE profile = profile_of(spaces[i], 2.2);
        di_raster_t raster;
        picture_t in, out;

        assert_true(di_raster_make(&raster, 64, 64, DI_RGB));
        for (j = 0; j < 64 * 64; j++) {
            memcpy(raster.pixels + 3 * (size_t)j, pixel, 3);
        }
        in = encoded(&raster, DI_FORMAT_JPEG, &best, *state);
        in = with_profile(&in, profile, *state);
        in = fat(&in, *state);
        memcpy(expected, pixel, 3);
        to_srgb(expected, profile);
        assert_true(expected[0] > pixel[0] + 4);
        for (format = DI_FORMAT_JPEG; format <= DI_FORMAT_WEBP; format += 3) {
            di_job_t job = job_of(DI_FORMAT_JPEG, 1u << format);
            unsigned char *rgba;
            di_result_t result;

            job.recipe.quality = 95;
            out = render_ok(&result, &job, &in, *state);
            for (j = 0; j < COUNT(words); j++) {
                assert_int_equal(count_of(&out, words[j]), 0);
            }
            rgba = shown(&out, &result, *state);
            for (j = 0; j < 3; j++) {
                assert_in_range(rgba[j], expected[j] - 4, expected[j] + 4);
            }
        }
        cmsCloseProfile(profile);
    }
}

/* ---- floor and ceiling ---- */

static di_raster_t luma_of(unsigned char *rgba, unsigned width_px,
                           unsigned height_px)
{
    di_raster_t picture, luma;

    assert_true(di_raster_make(&picture, width_px, height_px, DI_RGBA));
    memcpy(picture.pixels, rgba, picture.row_bytes * height_px);
    assert_true(di_luma_make(&luma, &picture));
    di_raster_free(&picture);
    return luma;
}

/* Held against the original as another decoder sees both. */
static void the_floor_is_kept_and_what_is_told_is_true(void **state)
{
    static const unsigned floors[] = {9000, 9500, 9800};
    static const unsigned formats[] = {SET(JPEG), SET(WEBP), SET(JPEG)};
    picture_t in = fat_picture("PNG24", 200, 150, PICTURE_NOISE, *state), out;
    unsigned width, height, told, i;
    di_raster_t before = luma_of(
        picture_pixels(&width, &height, "PNG", in.bytes, in.len, *state), 200,
        150);

    for (i = 0; i < COUNT(floors); i++) {
        di_job_t job = job_of(DI_FORMAT_PNG, formats[i]);
        di_raster_t after;
        di_result_t result;

        job.recipe.ssim_e4 = floors[i];
        out = render_ok(&result, &job, &in, *state);
        assert_true(result.ssim_e4 >= floors[i]);
        assert_true(result.quality > 0);
        after = luma_of(shown(&out, &result, *state), 200, 150);
        told = di_ssim_e4(&before, &after);
        assert_in_range(told, result.ssim_e4 - 30, result.ssim_e4 + 30);
        di_raster_free(&after);
    }
    di_raster_free(&before);
}

static void a_file_over_the_ceiling_costs_pixels_and_not_the_floor(void **state)
{
    picture_t in = fat_picture("JPEG", 640, 480, PICTURE_NOISE, *state), out;
    di_job_t job = job_of(DI_FORMAT_JPEG, SET(JPEG));
    apr_uint32_t width, height;
    di_result_t free_size, result;
    di_exif_t exif;

    job.recipe.ssim_e4 = 9500;
    (void)render_ok(&free_size, &job, &in, *state);
    job.recipe.most_bytes = (apr_uint32_t)(free_size.bytes / 3);
    out = render_ok(&result, &job, &in, *state);
    assert_true(result.bytes <= job.recipe.most_bytes);
    assert_true(result.ssim_e4 >= 9500);
    assert_true(result.width_px < 640);
    assert_true(result.width_px >= 160);
    (void)shown(&out, &result, *state);
    exif = exif_of(&out, DI_FORMAT_JPEG);
    width = result.width_px;
    height = result.height_px;
    di_exif_shown(&width, &height, &exif);
    assert_int_equal(width, 640);
    assert_int_equal(height, 480);
}

/* At its full size the file alone is under the ceiling. */
static void the_ceiling_holds_for_the_file_with_its_exif(void **state)
{
    static const unsigned formats[] = {SET(JPEG), SET(WEBP), SET(AVIF),
                                       SET(JXL)};
    picture_t in = fat_picture("JPEG", 640, 480, PICTURE_NOISE, *state);
    unsigned char block[DI_EXIF_MAX];
    char text[1000];
    di_exif_wish_t wish = {.artist = {text, sizeof(text)},
                           .copyright = {text, sizeof(text)}};
    apr_size_t len;
    size_t i;

    memset(text, 'c', sizeof(text));
    len = di_exif_write(block, &wish);
    in = with_exif(&in, block, len, *state);
    for (i = 0; i < COUNT(formats); i++) {
        di_job_t job = job_of(DI_FORMAT_JPEG, formats[i]);
        di_result_t bare, kept, result;

        job.recipe.quality = 30;
        job.recipe.page_layout = 1;
        (void)render_ok(&bare, &job, &in, *state);
        job.recipe.keep_copyright = 1;
        (void)render_ok(&kept, &job, &in, *state);
        assert_in_range(kept.bytes - bare.bytes, len,
                        len + DI_CONTAINER_EXIF_BYTES);
        job.recipe.most_bytes = (apr_uint32_t)bare.bytes + 500;
        (void)render_ok(&result, &job, &in, *state);
        assert_true(result.bytes <= job.recipe.most_bytes);
        assert_true(result.width_px < 640);
    }
}

static void
a_format_without_a_layout_is_not_made_smaller_for_the_ceiling(void **state)
{
    picture_t in = fat_picture("JPEG", 640, 480, PICTURE_NOISE, *state);
    di_job_t job = job_of(DI_FORMAT_JPEG, SET(WEBP));
    di_result_t result;

    job.recipe.most_bytes = 4000;
    (void)render_ok(&result, &job, &in, *state);
    assert_int_equal(result.width_px, 640);
    job.recipe.page_layout = 1;
    (void)render_ok(&result, &job, &in, *state);
    assert_true(result.width_px < 640);
}

/* A drawing in so few bytes that a JPEG of half its sides has more. */
static void the_size_told_is_that_of_the_picture_taken(void **state)
{
    picture_t in = drawn(240, 180, 2, *state), out;
    di_job_t job = job_of(DI_FORMAT_PNG, SET(PNG) | SET(JPEG));
    di_result_t result;

    job.recipe.fit_px = 120;
    job.recipe.quality = 95;
    job.recipe.most_bytes = 1;
    out = render_ok(&result, &job, &in, *state);
    assert_int_equal(result.format, DI_FORMAT_PNG);
    assert_int_equal(result.width_px, 240);
    (void)shown(&out, &result, *state);
}

/* ---- texts ---- */

static void copyright_is_kept_where_asked_for_and_else_nothing(void **state)
{
    static const unsigned takes =
        SET(JPEG) | SET(PNG) | SET(WEBP) | SET(AVIF) | SET(JXL);
    picture_t in = fat_picture("PNG24", 160, 96, 0, *state);
    di_exif_wish_t wish = {.artist = {"Ansel Adams", 11},
                           .copyright = {"(c) nobody", 10}};
    unsigned char block[DI_EXIF_MAX];
    apr_size_t len = di_exif_write(block, &wish);
    unsigned format, keep;

    in = with_exif(&in, block, len, *state);
    for (format = 1; format < DI_FORMAT_END; format++) {
        for (keep = 0; keep < 2; keep++) {
            di_job_t job = job_of(DI_FORMAT_PNG, 1u << format);
            int expected = keep && DI_FORMAT_IN(takes, format);
            di_result_t result;
            picture_t out;

            if (!DI_FORMAT_IN(DI_FORMATS_OUT, format)) {
                continue;
            }
            job.recipe.keep_copyright = keep;
            job.recipe.fit_px = format == DI_FORMAT_JPEG ? 80 : 0;
            out = render_ok(&result, &job, &in, *state);
            assert_int_equal(count_of(&out, "Ansel Adams"), expected);
            assert_int_equal(count_of(&out, "(c) nobody"), expected);
            if (format <= DI_FORMAT_WEBP) {
                (void)shown(&out, &result, *state);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(the_smallest_of_the_formats_that_keep_the_floor_is_taken),
        UNIT(without_a_floor_all_formats_keep_the_first_ones),
        UNIT(the_kind_of_picture_decides),
        UNIT(a_drawing_stays_as_it_is_to_the_pixel),
        UNIT(formats_without_a_layout_keep_size_alpha_and_look),
        UNIT(a_format_that_cannot_hold_the_sides_leaves_it_to_another),
        UNIT(a_palette_has_no_more_colors_than_asked_for),
        UNIT(what_is_not_smaller_is_no_gain),
        UNIT(no_format_at_all_is_told_apart),
        UNIT(a_background_is_put_behind_where_nothing_else_is_taken),
        UNIT(the_quick_rendition_never_loses_transparency),
        UNIT(the_quick_rendition_is_a_jpeg_of_anything_opaque),
        UNIT(a_transparent_color_of_a_png_is_transparent),
        UNIT(a_bmp_without_a_mask_is_opaque),
        UNIT(grey_stays_grey_with_one_channel),
        UNIT(inks_become_colors),
        UNIT(a_color_profile_is_applied_and_gone),
        UNIT(the_floor_is_kept_and_what_is_told_is_true),
        UNIT(a_file_over_the_ceiling_costs_pixels_and_not_the_floor),
        UNIT(the_ceiling_holds_for_the_file_with_its_exif),
        UNIT(a_format_without_a_layout_is_not_made_smaller_for_the_ceiling),
        UNIT(the_size_told_is_that_of_the_picture_taken),
        UNIT(copyright_is_kept_where_asked_for_and_else_nothing),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, compose_start, compose_stop);
}
