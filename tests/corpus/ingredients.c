/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no common program makes, for tests/corpus/make:
 *
 *     ingredients profile p3|adobe|gamma22|linear|inks|grey >FILE.icc
 *     ingredients cmyk|ycck [adobe] <CMYK.raw WIDTH HEIGHT QUALITY >FILE.jpg
 *
 * "inks" is a profile with tables for a press that does not exist.  CMYK.raw
 * has four bytes for a pixel, 255 = full ink; with "adobe" they are stored
 * inverted behind an Adobe marker, as Adobe's programs do.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <lcms2.h>

static int fail(const char *why)
{
    fprintf(stderr, "ingredients: %s\n", why);
    return 1;
}

/* ---- profiles ---- */

static cmsHPROFILE of_primaries(const cmsCIExyYTRIPLE *primaries,
                                cmsToneCurve *curve)
{
    static const cmsCIExyY d65 = {0.3127, 0.3290, 1};
    cmsToneCurve *curves[3] = {curve, curve, curve};

    return cmsCreateRGBProfile(&d65, primaries, curves);
}

/* Inks swallow light each in its own way, and black is not quite black. */
static int inks_to_lab(const cmsUInt16Number in[], cmsUInt16Number out[],
                       void *nothing)
{
    static const double left[4][3] = {{0.10, 0.45, 0.75},
                                      {0.72, 0.10, 0.35},
                                      {0.95, 0.80, 0.08},
                                      {0.07, 0.07, 0.08}};
    static const double white[3] = {0.9505, 1, 1.0890};
    double rgb[3] = {1, 1, 1}, xyz[3], lab[3];
    cmsCIELab value;
    int i, c;

    for (i = 0; i < 4; i++) {
        for (c = 0; c < 3; c++) {
            rgb[c] *= 1 - in[i] / 65535.0 * (1 - left[i][c]);
        }
    }
    xyz[0] = 0.4124 * rgb[0] + 0.3576 * rgb[1] + 0.1805 * rgb[2];
    xyz[1] = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
    xyz[2] = 0.0193 * rgb[0] + 0.1192 * rgb[1] + 0.9505 * rgb[2];
    for (c = 0; c < 3; c++) {
        double t = xyz[c] / white[c];

        lab[c] = t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116;
    }
    value.L = 116 * lab[1] - 16;
    value.a = 500 * (lab[0] - lab[1]);
    value.b = 200 * (lab[1] - lab[2]);
    cmsFloat2LabEncodedV2(out, &value);
    return 1;
}

static cmsHPROFILE of_inks(void)
{
    cmsHPROFILE profile = cmsCreateProfilePlaceholder(NULL);
    cmsPipeline *table = cmsPipelineAlloc(NULL, 4, 3);
    cmsStage *cube = cmsStageAllocCLut16bit(NULL, 9, 4, 3, NULL);
    cmsMLU *name = cmsMLUalloc(NULL, 1);

    cmsStageSampleCLut16bit(cube, inks_to_lab, NULL, 0);
    cmsPipelineInsertStage(table, cmsAT_BEGIN, cube);
    cmsSetProfileVersion(profile, 2.1);
    cmsSetDeviceClass(profile, cmsSigOutputClass);
    cmsSetColorSpace(profile, cmsSigCmykData);
    cmsSetPCS(profile, cmsSigLabData);
    cmsMLUsetASCII(name, "en", "US", "Inks of a press that does not exist");
    cmsWriteTag(profile, cmsSigProfileDescriptionTag, name);
    cmsWriteTag(profile, cmsSigMediaWhitePointTag, cmsD50_XYZ());
    cmsWriteTag(profile, cmsSigAToB0Tag, table);
    return profile;
}

static cmsHPROFILE profile_of(const char *kind)
{
    static const cmsCIExyYTRIPLE srgb = {
        {0.64, 0.33, 1}, {0.30, 0.60, 1}, {0.15, 0.06, 1}};
    static const cmsCIExyYTRIPLE p3 = {
        {0.680, 0.320, 1}, {0.265, 0.690, 1}, {0.150, 0.060, 1}};
    static const cmsCIExyYTRIPLE adobe = {
        {0.64, 0.33, 1}, {0.21, 0.71, 1}, {0.15, 0.06, 1}};
    static const cmsFloat64Number srgb_curve[5] = {
        2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};

    if (!strcmp(kind, "p3")) {
        return of_primaries(&p3,
                            cmsBuildParametricToneCurve(NULL, 4, srgb_curve));
    }
    if (!strcmp(kind, "adobe")) {
        return of_primaries(&adobe, cmsBuildGamma(NULL, 563 / 256.0));
    }
    if (!strcmp(kind, "gamma22")) {
        return of_primaries(&adobe, cmsBuildGamma(NULL, 1 / 0.45455));
    }
    if (!strcmp(kind, "linear")) {
        return of_primaries(&srgb, cmsBuildGamma(NULL, 1));
    }
    if (!strcmp(kind, "grey")) {
        return cmsCreateGrayProfile(cmsD50_xyY(), cmsBuildGamma(NULL, 1.8));
    }
    return strcmp(kind, "inks") ? NULL : of_inks();
}

/* A profile holds the time at which it was made. */
static void forget_time(unsigned char *bytes)
{
    static const unsigned char then[12] = {7, 232, 0, 1, 0, 1};

    memcpy(bytes + 24, then, sizeof(then));
}

static int write_profile(const char *kind)
{
    cmsHPROFILE profile = profile_of(kind);
    cmsUInt32Number len = 0;
    unsigned char *bytes;

    if (!profile || !cmsSaveProfileToMem(profile, NULL, &len) ||
        !(bytes = malloc(len)) || !cmsSaveProfileToMem(profile, bytes, &len)) {
        return fail("no such profile");
    }
    forget_time(bytes);
    fwrite(bytes, 1, len, stdout);
    return 0;
}

/* ---- JPEG of four inks ---- */

static void begin(struct jpeg_compress_struct *jpeg, int ycck, int adobe,
                  char **size)
{
    jpeg->image_width = (JDIMENSION)atoi(size[0]);
    jpeg->image_height = (JDIMENSION)atoi(size[1]);
    jpeg->input_components = 4;
    jpeg->in_color_space = JCS_CMYK;
    jpeg_set_defaults(jpeg);
    jpeg_set_colorspace(jpeg, ycck ? JCS_YCCK : JCS_CMYK);
    jpeg_set_quality(jpeg, atoi(size[2]), TRUE);
    jpeg->write_Adobe_marker = ycck || adobe ? TRUE : FALSE;
    jpeg_start_compress(jpeg, TRUE);
}

static int write_jpeg(int ycck, int adobe, char **size)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    JDIMENSION x;
    JSAMPROW row;

    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, stdout);
    begin(&jpeg, ycck, adobe, size);
    row = malloc((size_t)jpeg.image_width * 4);
    while (row && jpeg.next_scanline < jpeg.image_height &&
           fread(row, 4, jpeg.image_width, stdin) == jpeg.image_width) {
        for (x = 0; adobe && x < jpeg.image_width * 4; x++) {
            row[x] = (JSAMPLE)(255 - row[x]);
        }
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    free(row);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return 0;
}

int main(int argc, char **argv)
{
    int adobe = argc > 2 && !strcmp(argv[2], "adobe");

    if (argc == 3 && !strcmp(argv[1], "profile")) {
        return write_profile(argv[2]);
    }
    if (argc == 5 + adobe && strstr("cmyk ycck", argv[1])) {
        return write_jpeg(!strcmp(argv[1], "ycck"), adobe, argv + 2 + adobe);
    }
    return fail("see the head of its source");
}
