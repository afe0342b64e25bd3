/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Colours to sRGB, by Little CMS, so that a rendition without a profile looks
 * as its original does in a browser.  What browsers do was read from
 * Chromium's image decoders (jpeg_image_decoder.cc, png_image_decoder.cc) and
 * from skcms, and seen in Chromium 156:
 *
 *   profile         for the picture's kind of samples, or RGB for a grey one;
 *                   perceptual tables (A2B0) before matrix and curves, else
 *                   colorimetric ones (A2B1); no black point compensation
 *   gamma + primaries   a pure power curve, even 1/2.2 with sRGB's primaries,
 *                   which darkens the darkest tones
 *   gamma alone     sRGB's primaries; within 5 % of 1/2.2 it says nothing
 *   primaries alone nothing
 *   inks alone      red = (255 - C) * (255 - K) / 255, rounded down
 *
 * Everything is made in a context of one call; nothing is read from disk.
 * When memory is short the library gives up on a profile as if it were
 * damaged, and the picture would depend on the machine; so its allocations
 * pass through here.
 *
 * Time for a megapixel, and once: matrix and curves 4 to 7 ms and 1 ms, inks
 * by tables 37 ms and 20 ms; bounded by the profile's size
 * (limits.max_profile_bytes) and by the largest allocation.
 */
#include "render/render_lcms.h"

#include <stdlib.h>
#include <string.h>

#include <lcms2.h>
#include <lcms2_plugin.h>

/* Largest piece of memory that a profile may ask for: more than any table of
   the formats that there are, so that only damage does. */
#define PIECE_MAX_BYTES (64u << 20)

/* Sides of the cube of colours by which sRGB in disguise is recognised. */
#define CUBE 9

/* Libpng's threshold and the gamma of its default screen, e5. */
#define GAMMA_TOLERANCE_E5 5000u

/* ---- memory ---- */

typedef struct {
    cmsContext context;
    int short_memory; /* an allocation failed */
    cmsHPROFILE srgb;
    cmsHPROFILE profile; /* the picture's */
} color_t;

static void *allow(cmsContext context, void *bytes)
{
    color_t *c = cmsGetContextUserData(context);

    /* While the context is being made there is no user data. */
    if (!bytes && c) {
        c->short_memory = 1;
    }
    return bytes;
}

static void *on_malloc(cmsContext context, cmsUInt32Number size)
{
    return size > PIECE_MAX_BYTES ? NULL : allow(context, malloc(size));
}

static void *on_realloc(cmsContext context, void *bytes, cmsUInt32Number size)
{
    return size > PIECE_MAX_BYTES ? NULL : allow(context, realloc(bytes, size));
}

static void on_free(cmsContext context, void *bytes)
{
    free(bytes);
}

static void on_error(cmsContext context, cmsUInt32Number code, const char *text)
{
}

static void color_fini(color_t *c)
{
    if (c->profile) {
        (void)cmsCloseProfile(c->profile);
    }
    if (c->srgb) {
        (void)cmsCloseProfile(c->srgb);
    }
    if (c->context) {
        cmsDeleteContext(c->context);
    }
}

/* @return 1; 0 when memory is short.  To be ended with color_fini() anyway */
static int color_init(color_t *c)
{
    cmsPluginMemHandler memory = {
        .base = {cmsPluginMagicNumber, 2000, cmsPluginMemHandlerSig, NULL},
        .MallocPtr = on_malloc,
        .FreePtr = on_free,
        .ReallocPtr = on_realloc};

    memset(c, 0, sizeof(*c));
    c->context = cmsCreateContext(&memory, c);
    if (!c->context) {
        return 0;
    }
    cmsSetLogErrorHandlerTHR(c->context, on_error);
    c->srgb = cmsCreate_sRGBProfileTHR(c->context);
    if (!c->srgb) {
        return 0;
    }
    /* A target of version 4 would switch black point compensation on. */
    cmsSetProfileVersion(c->srgb, 2.1);
    return !c->short_memory;
}

/* ---- which colours the picture has ---- */

static int is_grey(const di_raster_t *picture)
{
    return picture->samples == DI_GREY || picture->samples == DI_GREY_ALPHA;
}

static int suits(cmsHPROFILE profile, const di_raster_t *picture)
{
    cmsProfileClassSignature kind = cmsGetDeviceClass(profile);
    cmsColorSpaceSignature space = cmsGetColorSpace(profile);

    if (kind != cmsSigInputClass && kind != cmsSigDisplayClass &&
        kind != cmsSigOutputClass && kind != cmsSigColorSpaceClass) {
        return 0;
    }
    if (picture->samples == DI_CMYK) {
        return space == cmsSigCmykData;
    }
    return space == cmsSigRgbData ||
           (space == cmsSigGrayData && is_grey(picture));
}

static cmsHPROFILE embedded_profile(color_t *c, const di_decoded_t *decoded)
{
    cmsHPROFILE profile;

    if (!decoded->icc.bytes || decoded->icc.len > PIECE_MAX_BYTES) {
        return NULL;
    }
    profile = cmsOpenProfileFromMemTHR(c->context, decoded->icc.bytes,
                                       (cmsUInt32Number)decoded->icc.len);
    if (profile && !suits(profile, &decoded->picture)) {
        (void)cmsCloseProfile(profile);
        profile = NULL;
    }
    return profile;
}

/* 1 when all points lie in the chart; y is divided by. */
static int are_points(const apr_uint32_t xy_e5[8])
{
    unsigned i;

    for (i = 0; i < 8; i += 2) {
        if (!xy_e5[i + 1] || xy_e5[i] > 100000 || xy_e5[i + 1] > 100000) {
            return 0;
        }
    }
    return 1;
}

static cmsCIExyY point(const apr_uint32_t *xy_e5)
{
    cmsCIExyY at = {xy_e5[0] / 100000.0, xy_e5[1] / 100000.0, 1.0};

    return at;
}

/* IEC 61966-2-1: a line below, then a power; as ICC's curve of type 3. */
static cmsToneCurve *srgb_curve(const color_t *c)
{
    static const cmsFloat64Number parts[] = {2.4, 1 / 1.055, 0.055 / 1.055,
                                             1 / 12.92, 0.04045};

    return cmsBuildParametricToneCurve(c->context, 4, parts);
}

/* @param gamma_e5  0: sRGB's curve */
static cmsHPROFILE curve_profile(color_t *c, apr_uint32_t gamma_e5,
                                 const apr_uint32_t xy_e5[8])
{
    cmsCIExyY white = point(xy_e5);
    cmsCIExyYTRIPLE primaries = {point(xy_e5 + 2), point(xy_e5 + 4),
                                 point(xy_e5 + 6)};
    cmsToneCurve *curve =
        gamma_e5 ? cmsBuildGamma(c->context, 100000.0 / gamma_e5)
                 : srgb_curve(c);
    cmsToneCurve *curves[3] = {curve, curve, curve};
    cmsHPROFILE profile;

    if (!curve) {
        return NULL;
    }
    profile = cmsCreateRGBProfileTHR(c->context, &white, &primaries, curves);
    cmsFreeToneCurve(curve);
    return profile;
}

static cmsHPROFILE chunks_profile(color_t *c, const di_decoded_t *decoded)
{
    /* ITU-R BT.709's primaries and D65. */
    static const apr_uint32_t srgb_e5[8] = {31270, 32900, 64000, 33000,
                                            30000, 60000, 15000, 6000};
    static const apr_uint32_t none[8];
    apr_uint32_t gamma_e5 = decoded->gamma_e5;

    if (!(gamma_e5 || decoded->srgb_curve) ||
        decoded->picture.samples == DI_CMYK) {
        return NULL;
    }
    if (memcmp(decoded->chroma_e5, none, sizeof(none))) {
        return are_points(decoded->chroma_e5)
                   ? curve_profile(c, gamma_e5, decoded->chroma_e5)
                   : NULL;
    }
    if ((apr_uint64_t)gamma_e5 * 22 >= (100000u - GAMMA_TOLERANCE_E5) * 10 &&
        (apr_uint64_t)gamma_e5 * 22 <= (100000u + GAMMA_TOLERANCE_E5) * 10) {
        return NULL;
    }
    return curve_profile(c, gamma_e5, srgb_e5);
}

/* ---- conversion ---- */

/* Paper stays as white as the profile says, as in Chromium.  NULL: the profile
   is damaged, or memory is short. */
static cmsHTRANSFORM transform_make(const color_t *c, cmsUInt32Number in,
                                    cmsUInt32Number out, cmsUInt32Number flags)
{
    static const cmsUInt32Number intents[] = {INTENT_PERCEPTUAL,
                                              INTENT_RELATIVE_COLORIMETRIC};
    cmsHTRANSFORM transform = NULL;
    unsigned i;

    flags |= cmsFLAGS_NOCACHE | cmsFLAGS_NOWHITEONWHITEFIXUP;
    for (i = 0; !transform && i < 2; i++) {
        transform = cmsCreateTransformTHR(c->context, c->profile, in, c->srgb,
                                          out, intents[i], flags);
    }
    return transform;
}

/* 1 when no sample changes by more than 1: sRGB under another name, which
   must not cost its pixels anything. */
static int changes_little(const unsigned char *before,
                          const unsigned char *after, unsigned count)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        if (abs(before[i] - after[i]) > 1) {
            return 0;
        }
    }
    return 1;
}

static int is_identity(cmsHTRANSFORM transform, unsigned channels)
{
    unsigned char before[CUBE * CUBE * CUBE * 4];
    unsigned char after[sizeof(before)];
    unsigned i, count = CUBE * CUBE * CUBE;

    for (i = 0; i < count; i++) {
        unsigned char *pixel = before + i * channels;

        pixel[channels - 1] = 255; /* alpha, if there is one */
        pixel[0] = (unsigned char)(i % CUBE * 255 / (CUBE - 1));
        pixel[1] = (unsigned char)(i / CUBE % CUBE * 255 / (CUBE - 1));
        pixel[2] = (unsigned char)(i / CUBE / CUBE * 255 / (CUBE - 1));
    }
    memcpy(after, before, sizeof(after));
    cmsDoTransform(transform, before, after, count);
    return changes_little(before, after, count * channels);
}

static void convert_color(const color_t *c, di_raster_t *picture)
{
    cmsUInt32Number format =
        picture->samples == DI_RGBA ? TYPE_RGBA_8 : TYPE_RGB_8;
    cmsHTRANSFORM transform = transform_make(c, format, format, 0);
    apr_uint32_t y;

    if (!transform) {
        return;
    }
    if (!is_identity(transform, picture->channels)) {
        for (y = 0; y < picture->height_px; y++) {
            unsigned char *row = di_raster_row(picture, y);

            cmsDoTransform(transform, row, row, picture->width_px);
        }
    }
    cmsDeleteTransform(transform);
}

/* Where each grey goes; 0: nowhere else. */
static int grey_curve(unsigned char curve[256], const color_t *c)
{
    unsigned from = cmsGetColorSpace(c->profile) == cmsSigRgbData ? 3 : 1;
    unsigned char before[256 * 3], after[256 * 3];
    /* Optimised, dark greys would be interpolated over 8 at a time. */
    cmsHTRANSFORM transform =
        transform_make(c, from == 3 ? TYPE_RGB_8 : TYPE_GRAY_8, TYPE_RGB_8,
                       cmsFLAGS_NOOPTIMIZE);
    unsigned i;

    if (!transform) {
        return 0;
    }
    for (i = 0; i < 256 * from; i++) {
        before[i] = (unsigned char)(i / from);
    }
    cmsDoTransform(transform, before, after, 256);
    cmsDeleteTransform(transform);
    for (i = 0; i < 256; i++) {
        curve[i] = after[3 * i + 1];
        before[i] = (unsigned char)i;
    }
    return !changes_little(before, curve, 256);
}

static void convert_grey(const color_t *c, di_raster_t *picture)
{
    apr_size_t i, count = picture->row_bytes * picture->height_px;
    unsigned char curve[256];

    if (!grey_curve(curve, c)) {
        return;
    }
    for (i = 0; i < count; i += picture->channels) {
        picture->pixels[i] = curve[picture->pixels[i]];
    }
}

static void convert_row_of_inks(unsigned char *rgb, const unsigned char *inks,
                                apr_uint32_t width_px)
{
    apr_uint32_t x;

    for (x = 0; x < width_px; x++, rgb += 3, inks += 4) {
        unsigned light = 255u - inks[3];

        rgb[0] = (unsigned char)((255u - inks[0]) * light / 255u);
        rgb[1] = (unsigned char)((255u - inks[1]) * light / 255u);
        rgb[2] = (unsigned char)((255u - inks[2]) * light / 255u);
    }
}

/* @return 1; 0 when memory is short */
static int convert_inks(const color_t *c, di_raster_t *picture)
{
    cmsHTRANSFORM transform = NULL;
    di_raster_t rgb;
    apr_uint32_t y;

    if (!di_raster_make(&rgb, picture->width_px, picture->height_px, DI_RGB)) {
        return 0;
    }
    if (c->profile) {
        /* The library's CMYK_8 is 0 = no ink, too. */
        transform = transform_make(c, TYPE_CMYK_8, TYPE_RGB_8, 0);
    }
    for (y = 0; y < picture->height_px; y++) {
        if (transform) {
            cmsDoTransform(transform, di_raster_row(picture, y),
                           di_raster_row(&rgb, y), picture->width_px);
        }
        else {
            convert_row_of_inks(di_raster_row(&rgb, y),
                                di_raster_row(picture, y), picture->width_px);
        }
    }
    if (transform) {
        cmsDeleteTransform(transform);
    }
    di_raster_replace(picture, &rgb);
    return 1;
}

static int convert(color_t *c, di_decoded_t *decoded)
{
    di_raster_t *picture = &decoded->picture;

    c->profile = embedded_profile(c, decoded);
    if (!c->profile) {
        c->profile = chunks_profile(c, decoded);
    }
    if (picture->samples == DI_CMYK) {
        return convert_inks(c, picture);
    }
    if (c->profile) {
        (is_grey(picture) ? convert_grey : convert_color)(c, picture);
    }
    return 1;
}

di_render_status_e di_color_to_srgb(di_decoded_t *decoded)
{
    color_t c;
    int ok = color_init(&c) && convert(&c, decoded) && !c.short_memory;

    color_fini(&c);
    free(decoded->icc.bytes);
    memset(&decoded->icc, 0, sizeof(decoded->icc));
    return ok ? DI_RENDER_OK : DI_RENDER_NO_MEMORY;
}

int di_color_start(void)
{
    di_decoded_t warm = {.gamma_e5 = 100000};
    int ok;

    if (!di_raster_make(&warm.picture, 1, 1, DI_RGB)) {
        return 0;
    }
    memset(warm.picture.pixels, 16, 3);
    /* 16 of a linear scale is 71 of sRGB's. */
    ok =
        di_color_to_srgb(&warm) == DI_RENDER_OK && warm.picture.pixels[1] == 71;
    di_decoded_free(&warm);
    return ok;
}

unsigned di_color_version(void)
{
    return (unsigned)cmsGetEncodedCMMversion();
}
