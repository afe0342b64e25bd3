/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lcms2.h>

#include "render/render_lcms.h"

/* Patches of a cube of colours: STEPS a side. */
#define STEPS 5
#define PATCHES (STEPS * STEPS * STEPS)

/* ---- profiles made by the library itself ---- */

static di_blob_t save(cmsHPROFILE profile)
{
    cmsUInt32Number len = 0;
    di_blob_t out;

    assert_non_null(profile);
    assert_true(cmsSaveProfileToMem(profile, NULL, &len));
    out.bytes = malloc(len);
    out.len = len;
    assert_non_null(out.bytes);
    assert_true(cmsSaveProfileToMem(profile, out.bytes, &len));
    assert_true(cmsCloseProfile(profile));
    return out;
}

typedef struct {
    double white[2], red[2], green[2], blue[2];
    double gamma; /* 0: the curve of sRGB */
} space_t;

static const space_t display_p3 = {
    {0.3127, 0.3290}, {0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}, 0};
static const space_t adobe_rgb = {{0.3127, 0.3290},
                                  {0.640, 0.330},
                                  {0.210, 0.710},
                                  {0.150, 0.060},
                                  2.19921875};
static const space_t prophoto = {{0.3457, 0.3585},
                                 {0.7347, 0.2653},
                                 {0.1596, 0.8404},
                                 {0.0366, 0.0001},
                                 1.8};
static const space_t srgb_like = {
    {0.3127, 0.3290}, {0.640, 0.330}, {0.300, 0.600}, {0.150, 0.060}, 0};

static cmsToneCurve *curve_of(double gamma)
{
    /* IEC 61966-2-1 */
    static const double srgb[5] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92,
                                   0.04045};

    return gamma > 0 ? cmsBuildGamma(NULL, gamma)
                     : cmsBuildParametricToneCurve(NULL, 4, srgb);
}

static cmsHPROFILE rgb_profile(const space_t *s)
{
    cmsCIExyY white = {s->white[0], s->white[1], 1};
    cmsCIExyYTRIPLE primaries = {{s->red[0], s->red[1], 1},
                                 {s->green[0], s->green[1], 1},
                                 {s->blue[0], s->blue[1], 1}};
    cmsToneCurve *curve = curve_of(s->gamma);
    cmsToneCurve *curves[3] = {curve, curve, curve};
    cmsHPROFILE profile = cmsCreateRGBProfile(&white, &primaries, curves);

    cmsFreeToneCurve(curve);
    return profile;
}

static cmsHPROFILE grey_profile(double gamma)
{
    cmsToneCurve *curve = curve_of(gamma);
    cmsHPROFILE profile = cmsCreateGrayProfile(cmsD50_xyY(), curve);

    cmsFreeToneCurve(curve);
    return profile;
}

/* Inks on paper that is not quite white; all inks together are no black. */
static cmsInt32Number mix(const cmsUInt16Number in[], cmsUInt16Number out[],
                          void *to_lab)
{
    cmsUInt16Number rgb[3];
    unsigned i;

    for (i = 0; i < 3; i++) {
        double light = (1 - in[i] / 65535.0) * (1 - in[3] / 65535.0);

        rgb[i] = (cmsUInt16Number)(257 * (40 + 200 * light));
    }
    cmsDoTransform(to_lab, rgb, out, 1);
    return TRUE;
}

static cmsHPROFILE ink_profile(cmsUInt32Number grid)
{
    cmsHPROFILE srgb = cmsCreate_sRGBProfile();
    cmsHPROFILE lab = cmsCreateLab2Profile(NULL);
    cmsHTRANSFORM to_lab =
        cmsCreateTransform(srgb, TYPE_RGB_16, lab, TYPE_LabV2_16,
                           INTENT_RELATIVE_COLORIMETRIC, cmsFLAGS_NOOPTIMIZE);
    cmsHPROFILE profile = cmsCreateProfilePlaceholder(NULL);
    cmsPipeline *pipeline = cmsPipelineAlloc(NULL, 4, 3);
    cmsStage *table = cmsStageAllocCLut16bit(NULL, grid, 4, 3, NULL);

    assert_true(cmsStageSampleCLut16bit(table, mix, to_lab, 0));
    assert_true(cmsPipelineInsertStage(pipeline, cmsAT_BEGIN, table));
    cmsSetProfileVersion(profile, 2.1);
    cmsSetDeviceClass(profile, cmsSigOutputClass);
    cmsSetColorSpace(profile, cmsSigCmykData);
    cmsSetPCS(profile, cmsSigLabData);
    assert_true(cmsWriteTag(profile, cmsSigAToB0Tag, pipeline));
    cmsPipelineFree(pipeline);
    cmsDeleteTransform(to_lab);
    cmsCloseProfile(lab);
    cmsCloseProfile(srgb);
    return profile;
}

static cmsHPROFILE link_profile(void)
{
    return cmsCreateInkLimitingDeviceLink(cmsSigCmykData, 200);
}

/* ---- pictures ---- */

static void make(di_decoded_t *out, unsigned width, di_samples_e samples)
{
    memset(out, 0, sizeof(*out));
    assert_int_equal(di_raster_make(&out->picture, width, 1, samples), 1);
}

/* Every sample takes STEPS values; the fourth follows the first. */
static void draw_patches(di_decoded_t *out, di_samples_e samples)
{
    unsigned i, c;

    make(out, PATCHES, samples);
    for (i = 0; i < PATCHES; i++) {
        unsigned step[4] = {i % STEPS, i / STEPS % STEPS, i / STEPS / STEPS,
                            i % 3};

        for (c = 0; c < out->picture.channels; c++) {
            out->picture.pixels[i * out->picture.channels + c] =
                (unsigned char)(step[c] * 255 / (STEPS - 1));
        }
    }
}

static void draw_noise(di_decoded_t *out, di_samples_e samples)
{
    unsigned i, seed = 7;

    make(out, 4096, samples);
    for (i = 0; i < out->picture.row_bytes; i++) {
        seed = seed * 1103515245u + 12345u;
        out->picture.pixels[i] = (unsigned char)(seed >> 16);
    }
}

static void draw_greys(di_decoded_t *out, di_samples_e samples)
{
    unsigned i, c;

    make(out, 256, samples);
    for (i = 0; i < 256; i++) {
        for (c = 0; c < out->picture.channels; c++) {
            out->picture.pixels[i * out->picture.channels + c] =
                (unsigned char)(c && samples == DI_GREY_ALPHA ? 255 - i : i);
        }
    }
}

static void convert(di_decoded_t *decoded)
{
    assert_int_equal(di_color_to_srgb(decoded), DI_RENDER_OK);
    assert_null(decoded->icc.bytes);
    assert_int_equal(decoded->icc.len, 0);
}

/* Convert; the picture must come out as it went in. */
static void assert_untouched(di_decoded_t *decoded)
{
    di_samples_e samples = decoded->picture.samples;
    apr_size_t len = decoded->picture.row_bytes;
    unsigned char *before = malloc(len);

    memcpy(before, decoded->picture.pixels, len);
    convert(decoded);
    assert_int_equal(decoded->picture.samples, samples);
    assert_memory_equal(decoded->picture.pixels, before, len);
    free(before);
    di_decoded_free(decoded);
}

/* ---- against the library's floating point ---- */

typedef struct {
    double mean, most; /* CIEDE2000 */
} distance_t;

/* What the profile says of the patches, kept inside sRGB, as Lab. */
static void reference(cmsCIELab *lab, cmsHPROFILE profile,
                      cmsUInt32Number format, const double *patches)
{
    cmsHPROFILE srgb = cmsCreate_sRGBProfile();
    cmsHPROFILE pcs = cmsCreateLab4Profile(NULL);
    cmsHTRANSFORM to_rgb, to_lab;
    double rgb[PATCHES * 3];
    unsigned i;

    /* As in render_lcms.c, else black points are compensated. */
    cmsSetProfileVersion(srgb, 2.1);
    to_rgb = cmsCreateTransform(profile, format, srgb, TYPE_RGB_DBL,
                                INTENT_PERCEPTUAL, cmsFLAGS_NOOPTIMIZE);
    to_lab =
        cmsCreateTransform(srgb, TYPE_RGB_DBL, pcs, TYPE_Lab_DBL,
                           INTENT_RELATIVE_COLORIMETRIC, cmsFLAGS_NOOPTIMIZE);
    cmsDoTransform(to_rgb, patches, rgb, PATCHES);
    for (i = 0; i < PATCHES * 3; i++) {
        rgb[i] = rgb[i] < 0 ? 0 : rgb[i] > 1 ? 1 : rgb[i];
    }
    cmsDoTransform(to_lab, rgb, lab, PATCHES);
    cmsDeleteTransform(to_rgb);
    cmsDeleteTransform(to_lab);
    cmsCloseProfile(srgb);
    cmsCloseProfile(pcs);
}

static void lab_of(cmsCIELab *lab, const di_raster_t *picture)
{
    cmsHPROFILE srgb = cmsCreate_sRGBProfile();
    cmsHPROFILE pcs = cmsCreateLab4Profile(NULL);
    cmsHTRANSFORM to_lab =
        cmsCreateTransform(srgb, TYPE_RGB_DBL, pcs, TYPE_Lab_DBL,
                           INTENT_RELATIVE_COLORIMETRIC, cmsFLAGS_NOOPTIMIZE);
    double rgb[PATCHES * 3];
    unsigned i;

    for (i = 0; i < PATCHES * 3; i++) {
        rgb[i] = picture->pixels[i / 3 * picture->channels + i % 3] / 255.0;
    }
    cmsDoTransform(to_lab, rgb, lab, PATCHES);
    cmsDeleteTransform(to_lab);
    cmsCloseProfile(srgb);
    cmsCloseProfile(pcs);
}

static distance_t error_of(const di_raster_t *picture, const cmsCIELab *wanted)
{
    cmsCIELab lab[PATCHES];
    distance_t error = {0, 0};
    unsigned i;

    lab_of(lab, picture);
    for (i = 0; i < PATCHES; i++) {
        double e = cmsCIE2000DeltaE(&lab[i], &wanted[i], 1, 1, 1);

        error.mean += e / PATCHES;
        error.most = e > error.most ? e : error.most;
    }
    return error;
}

/* How far the conversion is from the reference; takes the profile. */
static distance_t measure(cmsHPROFILE profile, di_samples_e samples)
{
    double patches[PATCHES * 4];
    cmsCIELab wanted[PATCHES];
    di_decoded_t decoded;
    unsigned i, channels = samples == DI_CMYK ? 4 : 3;
    distance_t error;

    draw_patches(&decoded, samples);
    for (i = 0; i < PATCHES * channels; i++) {
        unsigned char sample =
            decoded.picture
                .pixels[i / channels * decoded.picture.channels + i % channels];

        /* The library counts ink in percent. */
        patches[i] = sample / (samples == DI_CMYK ? 2.55 : 255.0);
    }
    reference(wanted, profile,
              samples == DI_CMYK ? TYPE_CMYK_DBL : TYPE_RGB_DBL, patches);
    decoded.icc = save(profile);
    convert(&decoded);
    for (i = 0; samples == DI_RGBA && i < PATCHES; i++) {
        assert_int_equal(decoded.picture.pixels[4 * i + 3],
                         i % 3 * 255 / (STEPS - 1));
    }
    error = error_of(&decoded.picture, wanted);
    di_decoded_free(&decoded);
    return error;
}

static void wide_colors_come_close_to_the_reference(void **state)
{
    static const space_t *const spaces[] = {&display_p3, &adobe_rgb, &prophoto};
    unsigned i;

    for (i = 0; i < 2 * sizeof(spaces) / sizeof(*spaces); i++) {
        distance_t error =
            measure(rgb_profile(spaces[i / 2]), i % 2 ? DI_RGBA : DI_RGB);

        if (error.mean > 0.3 || error.most > 1.5) {
            fail_msg("space %u: mean %.3f, most %.3f", i / 2, error.mean,
                     error.most);
        }
    }
}

static void display_p3_red_is_brighter_than_srgb_red(void **state)
{
    static const unsigned char in[6] = {200, 40, 40, 100, 100, 100};
    di_decoded_t decoded;

    make(&decoded, 2, DI_RGB);
    memcpy(decoded.picture.pixels, in, 6);
    decoded.icc = save(rgb_profile(&display_p3));
    convert(&decoded);
    assert_true(decoded.picture.pixels[0] > 210);
    assert_true(decoded.picture.pixels[1] < 25);
    /* Grey stays. */
    assert_in_range(decoded.picture.pixels[3], 99, 101);
    assert_in_range(decoded.picture.pixels[5], 99, 101);
    di_decoded_free(&decoded);
}

static void inks_come_close_to_the_reference(void **state)
{
    distance_t error = measure(ink_profile(9), DI_CMYK);

    if (error.mean > 0.5 || error.most > 3) {
        fail_msg("mean %.3f, most %.3f", error.mean, error.most);
    }
}

static void ink_black_stays_as_dark_as_it_prints(void **state)
{
    di_decoded_t decoded;
    unsigned i;

    make(&decoded, 2, DI_CMYK);
    memset(decoded.picture.pixels, 255, 4);
    memset(decoded.picture.pixels + 4, 0, 4);
    decoded.icc = save(ink_profile(5));
    convert(&decoded);
    assert_int_equal(decoded.picture.samples, DI_RGB);
    assert_int_equal(decoded.picture.width_px, 2);
    for (i = 0; i < 3; i++) {
        assert_in_range(decoded.picture.pixels[i], 38, 42);
        assert_in_range(decoded.picture.pixels[3 + i], 238, 242);
    }
    di_decoded_free(&decoded);
}

/* ---- nothing to do ---- */

static cmsHPROFILE srgb_by_table(void)
{
    cmsUInt16Number table[1024];
    cmsToneCurve *exact = curve_of(0), *curve;
    cmsCIExyY white = {0.3127, 0.3290, 1};
    cmsCIExyYTRIPLE primaries = {
        {0.64, 0.33, 1}, {0.30, 0.60, 1}, {0.15, 0.06, 1}};
    cmsToneCurve *curves[3];
    cmsHPROFILE profile;
    unsigned i;

    for (i = 0; i < 1024; i++) {
        table[i] = cmsEvalToneCurve16(
            exact, (cmsUInt16Number)(i * 65535.0 / 1023 + 0.5));
    }
    curve = cmsBuildTabulatedToneCurve16(NULL, 1024, table);
    curves[0] = curves[1] = curves[2] = curve;
    profile = cmsCreateRGBProfile(&white, &primaries, curves);
    cmsSetProfileVersion(profile, 2.1);
    cmsFreeToneCurve(exact);
    cmsFreeToneCurve(curve);
    return profile;
}

static void srgb_by_any_name_changes_no_byte(void **state)
{
    static const di_samples_e samples[] = {DI_RGB, DI_RGBA, DI_GREY,
                                           DI_GREY_ALPHA};
    di_decoded_t decoded;
    unsigned i;

    for (i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
        draw_noise(&decoded, samples[i]);
        decoded.icc = save(cmsCreate_sRGBProfile());
        assert_untouched(&decoded);
        draw_noise(&decoded, samples[i]);
        decoded.icc = save(rgb_profile(&srgb_like));
        assert_untouched(&decoded);
        draw_noise(&decoded, samples[i]);
        decoded.icc = save(srgb_by_table());
        assert_untouched(&decoded);
        draw_noise(&decoded, samples[i]);
        assert_untouched(&decoded); /* no profile at all */
    }
    draw_noise(&decoded, DI_GREY);
    decoded.icc = save(grey_profile(0));
    assert_untouched(&decoded);
}

static void a_profile_of_another_kind_counts_as_none(void **state)
{
    di_decoded_t decoded;

    draw_noise(&decoded, DI_RGB);
    decoded.icc = save(grey_profile(1.0));
    assert_untouched(&decoded);
    draw_noise(&decoded, DI_RGBA);
    decoded.icc = save(ink_profile(3));
    assert_untouched(&decoded);
    draw_noise(&decoded, DI_GREY);
    decoded.icc = save(ink_profile(3));
    assert_untouched(&decoded);
    draw_noise(&decoded, DI_RGB);
    decoded.icc = save(cmsCreateLab4Profile(NULL));
    assert_untouched(&decoded);
}

static void a_damaged_profile_counts_as_none(void **state)
{
    di_blob_t whole = save(rgb_profile(&prophoto));
    di_decoded_t decoded;
    apr_size_t len;

    for (len = 1; len < whole.len; len += 13) {
        draw_patches(&decoded, DI_RGB);
        decoded.icc.bytes = malloc(len);
        decoded.icc.len = len;
        memcpy(decoded.icc.bytes, whole.bytes, len);
        /* A cut may lose a tag that is not needed. */
        convert(&decoded);
        di_decoded_free(&decoded);
        if (len < 300) {
            draw_patches(&decoded, DI_RGB);
            decoded.icc.bytes = malloc(len);
            decoded.icc.len = len;
            memcpy(decoded.icc.bytes, whole.bytes, len);
            assert_untouched(&decoded);
        }
    }
    draw_patches(&decoded, DI_RGB);
    decoded.icc = whole;
    memset(whole.bytes + 128, 0xFF, 64); /* the number of tags and a few */
    assert_untouched(&decoded);
}

/* ---- inks without a profile ---- */

static const unsigned char inks[] = {0,   0,  0,   0,   255, 255, 255, 255,
                                     251, 55, 155, 0,   127, 55,  155, 95,
                                     0,   0,  0,   255, 10,  20,  30,  40};
/* As Chromium shows a JPEG of these (the middle two were read from it). */
static const unsigned char inks_shown[] = {
    255, 255, 255, 0, 0, 0, 4, 200, 100, 80, 125, 62, 0, 0, 0, 206, 198, 189};

static void assert_by_formula(di_decoded_t *decoded)
{
    memcpy(decoded->picture.pixels, inks, sizeof(inks));
    convert(decoded);
    assert_int_equal(decoded->picture.samples, DI_RGB);
    assert_memory_equal(decoded->picture.pixels, inks_shown,
                        sizeof(inks_shown));
    di_decoded_free(decoded);
}

static void inks_without_a_usable_profile_go_by_the_formula(void **state)
{
    di_decoded_t decoded;

    make(&decoded, 6, DI_CMYK);
    assert_by_formula(&decoded);
    make(&decoded, 6, DI_CMYK);
    decoded.icc = save(cmsCreate_sRGBProfile());
    assert_by_formula(&decoded);
    make(&decoded, 6, DI_CMYK);
    decoded.icc = save(link_profile());
    assert_by_formula(&decoded);
    make(&decoded, 6, DI_CMYK);
    decoded.icc = save(ink_profile(3));
    decoded.icc.len = 200;
    assert_by_formula(&decoded);
}

/* ---- grey ---- */

typedef struct {
    unsigned before, after;
} grey_t;

/* A linear scale, as Chromium shows it. */
static const grey_t linear[] = {{0, 0},     {4, 34},    {16, 71},
                                {32, 99},   {64, 137},  {128, 188},
                                {192, 225}, {240, 248}, {255, 255}};

static void assert_linear(const di_raster_t *picture)
{
    unsigned i;

    for (i = 0; i < sizeof(linear) / sizeof(*linear); i++) {
        assert_in_range(picture->pixels[linear[i].before * picture->channels] +
                            1,
                        linear[i].after, linear[i].after + 2);
    }
}

static void grey_stays_grey_by_any_profile_that_fits(void **state)
{
    static const space_t linear_rgb = {
        {0.3127, 0.3290}, {0.68, 0.32}, {0.265, 0.69}, {0.15, 0.06}, 1.0};
    di_decoded_t decoded;
    unsigned i, k;

    for (i = 0; i < 4; i++) {
        draw_greys(&decoded, i % 2 ? DI_GREY_ALPHA : DI_GREY);
        decoded.icc =
            save(i / 2 ? rgb_profile(&linear_rgb) : grey_profile(1.0));
        convert(&decoded);
        assert_int_equal(decoded.picture.samples,
                         i % 2 ? DI_GREY_ALPHA : DI_GREY);
        assert_linear(&decoded.picture);
        for (k = 0; i % 2 && k < 256; k++) {
            assert_int_equal(decoded.picture.pixels[2 * k + 1], 255 - k);
        }
        di_decoded_free(&decoded);
    }
}

/* ---- PNG's gamma and primaries ---- */

#define SRGB                                                                   \
    {                                                                          \
        31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000                  \
    }
#define P3                                                                     \
    {                                                                          \
        31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000                  \
    }
#define NONE                                                                   \
    {                                                                          \
        0, 0, 0, 0, 0, 0, 0, 0                                                 \
    }

typedef struct {
    apr_uint32_t gamma_e5, chroma_e5[8];
    unsigned char before[3], after[3]; /* after: read from Chromium 156 */
} chunks_t;

static const chunks_t chunks[] = {
    {0, NONE, {16, 128, 239}, {16, 128, 239}},
    {0, P3, {16, 128, 239}, {16, 128, 239}},
    {100000, NONE, {16, 128, 239}, {71, 188, 248}},
    {100000, NONE, {4, 128, 251}, {34, 188, 253}},
    {100000, SRGB, {64, 128, 191}, {137, 188, 224}},
    {55556, NONE, {32, 128, 223}, {43, 146, 229}},
    {43250, NONE, {4, 64, 192}, {4, 64, 192}},
    {45455, NONE, {4, 64, 192}, {4, 64, 192}},
    {47500, NONE, {4, 64, 192}, {4, 64, 192}},
    {43000, NONE, {32, 32, 32}, {22, 22, 22}},
    {47800, NONE, {32, 32, 32}, {30, 30, 30}},
    {45455, SRGB, {4, 128, 251}, {0, 129, 251}},
    {45455, SRGB, {16, 16, 16}, {7, 7, 7}},
    {45455, P3, {192, 128, 63}, {204, 125, 42}},
    {45455, P3, {16, 128, 239}, {0, 131, 248}},
    /* Points that are none. */
    {45455,
     {31270, 0, 64000, 33000, 30000, 60000, 15000, 6000},
     {16, 128, 239},
     {16, 128, 239}},
    {45455,
     {31270, 32900, 64000, 33000, 64000, 33000, 64000, 33000},
     {16, 128, 239},
     {16, 128, 239}},
};

static void gamma_and_primaries_show_as_in_a_browser(void **state)
{
    unsigned i, c;

    for (i = 0; i < 2 * sizeof(chunks) / sizeof(*chunks); i++) {
        const chunks_t *at = &chunks[i / 2];
        di_decoded_t decoded;

        make(&decoded, 1, i % 2 ? DI_RGBA : DI_RGB);
        decoded.gamma_e5 = at->gamma_e5;
        memcpy(decoded.chroma_e5, at->chroma_e5, sizeof(at->chroma_e5));
        memcpy(decoded.picture.pixels, at->before, 3);
        if (i % 2) {
            decoded.picture.pixels[3] = 77;
        }
        convert(&decoded);
        for (c = 0; c < 3; c++) {
            if (abs(decoded.picture.pixels[c] - at->after[c]) > 1) {
                fail_msg("case %u, sample %u: %u instead of %u", i / 2, c,
                         decoded.picture.pixels[c], at->after[c]);
            }
        }
        assert_int_equal(i % 2 ? decoded.picture.pixels[3] : 77, 77);
        di_decoded_free(&decoded);
    }
}

static void grey_follows_gamma_and_a_profile_comes_first(void **state)
{
    di_decoded_t decoded;

    draw_greys(&decoded, DI_GREY);
    decoded.gamma_e5 = 100000;
    convert(&decoded);
    assert_linear(&decoded.picture);
    di_decoded_free(&decoded);
    draw_greys(&decoded, DI_RGB);
    decoded.gamma_e5 = 100000;
    decoded.icc = save(cmsCreate_sRGBProfile());
    assert_untouched(&decoded);
}

/* ---- memory ---- */

#ifndef __SANITIZE_ADDRESS__

/* Forbid this process any memory that it does not have yet. */
static void forbid_memory(void)
{
    struct rlimit limit;
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (!file || fscanf(file, "%lu", &pages) != 1) {
        _exit(101);
    }
    fclose(file);
    limit.rlim_cur = limit.rlim_max =
        (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
    if (setrlimit(RLIMIT_AS, &limit)) {
        _exit(102);
    }
}

/* One pixel of ink by a large table, which is not to become the formula. */
static void short_memory_is_not_a_damaged_profile(void **state)
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (!pid) {
        di_decoded_t decoded;

        make(&decoded, 1, DI_CMYK);
        decoded.icc = save(ink_profile(23));
        forbid_memory();
        _exit((int)di_color_to_srgb(&decoded));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), DI_RENDER_NO_MEMORY);
}

#endif

static void the_library_can_be_warmed_up(void **state)
{
    assert_int_equal(di_color_start(), 1);
    assert_int_equal(di_color_start(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(wide_colors_come_close_to_the_reference),
        UNIT(display_p3_red_is_brighter_than_srgb_red),
        UNIT(inks_come_close_to_the_reference),
        UNIT(ink_black_stays_as_dark_as_it_prints),
        UNIT(srgb_by_any_name_changes_no_byte),
        UNIT(a_profile_of_another_kind_counts_as_none),
        UNIT(a_damaged_profile_counts_as_none),
        UNIT(inks_without_a_usable_profile_go_by_the_formula),
        UNIT(grey_stays_grey_by_any_profile_that_fits),
        UNIT(gamma_and_primaries_show_as_in_a_browser),
        UNIT(grey_follows_gamma_and_a_profile_comes_first),
#ifndef __SANITIZE_ADDRESS__
        UNIT(short_memory_is_not_a_damaged_profile),
#endif
        UNIT(the_library_can_be_warmed_up),
    };

    return UNIT_RUN(tests);
}
