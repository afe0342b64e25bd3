/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How like each other two decoded pictures are, by arithmetic that shares
 * nothing with the renderer's: floating point, no tables.
 *
 *     compare REFERENCE OTHER [icc=FILE] [orientation=1..8] [ground=white]
 *
 * Both are PNM files (P5, P6, P7; 8 or 16 bits).  The reference is turned into
 * what a browser shows: its profile is applied (P7 of TUPLTYPE CMYK without
 * one: red = (255 - C) * (255 - K) / 255), its orientation is taken out, its
 * transparent pixels are put on the ground, if there is one, and it is averaged
 * down to OTHER's size.  One line of words is printed:
 *     width height            of OTHER
 *     full_width full_height  of the reference, upright
 *     ssim                    luma, transparent pixels on white and on black
 *     de_mean de_max          dE2000, on white, of means of 8 x 8 px, so that
 *                             it tells colours apart and not grain
 *     alpha_mean alpha_max    difference of alpha, 0..255
 *     TL TR BL BR             OTHER's corners, RRGGBB
 * Sources: SSIM as in lib/render/ssim.h; dE2000: Sharma, Wu, Dalal, "The
 * CIEDE2000 Color-Difference Formula", Color Research and Application 30 (1),
 * 2005; sRGB: IEC 61966-2-1.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lcms2.h>

/* Samples 0..255 as numbers with a fraction; planes interleaved. */
typedef struct {
    int width, height, channels, cmyk;
    float *at;
} picture_t;

static void *need(void *bytes)
{
    if (!bytes) {
        fputs("compare: no memory\n", stderr);
        exit(2);
    }
    return bytes;
}

static void fail(const char *path, const char *why)
{
    fprintf(stderr, "compare: %s: %s\n", path, why);
    exit(2);
}

static picture_t blank(int width, int height, int channels)
{
    picture_t p = {width, height, channels, 0, NULL};

    p.at = need(calloc((size_t)width * height * channels, sizeof(float)));
    return p;
}

static float *pixel(const picture_t *p, int x, int y)
{
    return p->at + ((size_t)y * p->width + x) * p->channels;
}

/* ---- reading ---- */

static int number(FILE *file)
{
    int c = getc(file), n = 0;

    while (c == '#' || c == ' ' || c == '\n') {
        while (c == '#' && (c = getc(file)) != '\n' && c != EOF) {
        }
        c = getc(file);
    }
    for (; c >= '0' && c <= '9'; c = getc(file)) {
        n = n * 10 + c - '0';
    }
    return n;
}

static void read_pam_header(picture_t *p, int *most, FILE *file)
{
    char line[256];

    while (fgets(line, sizeof(line), file) && strcmp(line, "ENDHDR\n")) {
        sscanf(line, "WIDTH %d", &p->width);
        sscanf(line, "HEIGHT %d", &p->height);
        sscanf(line, "DEPTH %d", &p->channels);
        sscanf(line, "MAXVAL %d", most);
        p->cmyk |= !strncmp(line, "TUPLTYPE CMYK", 13);
    }
}

/* GraphicsMagick packs pictures of two levels, against the format: rows of
   bits, first sample topmost, and 1 is black as in PBM. */
static void read_bits(picture_t *p, FILE *file, const char *path)
{
    size_t row = (size_t)p->width * p->channels, x;
    unsigned char *bytes = need(malloc((row + 7) / 8));
    int y;

    for (y = 0; y < p->height; y++) {
        if (fread(bytes, 1, (row + 7) / 8, file) != (row + 7) / 8) {
            fail(path, "cut off");
        }
        for (x = 0; x < row; x++) {
            p->at[y * row + x] = bytes[x / 8] & 0x80 >> x % 8 ? 0 : 255;
        }
    }
    free(bytes);
}

static void read_samples(picture_t *p, int most, FILE *file, const char *path)
{
    size_t i, count = (size_t)p->width * p->height * p->channels;
    size_t wide = most > 255 ? 2 : 1;
    unsigned char *bytes = need(malloc(count * wide));

    if (fread(bytes, wide, count, file) != count) {
        fail(path, "cut off");
    }
    for (i = 0; i < count; i++) {
        unsigned v = wide == 2 ? (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1]
                               : bytes[i];

        p->at[i] = (float)(v * 255.0 / most);
    }
    free(bytes);
}

static picture_t read_pnm(const char *path)
{
    FILE *file = fopen(path, "rb");
    picture_t p = {0, 0, 0, 0, NULL};
    int most = 255, kind = 0;

    if (!file || getc(file) != 'P') {
        fail(path, "no PNM file");
    }
    kind = getc(file);
    if (kind == '7') {
        read_pam_header(&p, &most, file);
    }
    else if (kind == '5' || kind == '6') {
        p.channels = kind == '5' ? 1 : 3;
        p.width = number(file);
        p.height = number(file);
        most = number(file);
    }
    if (p.width < 1 || p.height < 1 || p.channels < 1 || p.channels > 4 ||
        most < 1 || most > 65535 || p.width > 65500 || p.height > 65500) {
        fail(path, "no PNM file");
    }
    {
        int cmyk = p.cmyk;

        p = blank(p.width, p.height, p.channels);
        p.cmyk = cmyk;
    }
    if (kind == '7' && most == 1) {
        read_bits(&p, file, path);
    }
    else {
        read_samples(&p, most, file, path);
    }
    fclose(file);
    return p;
}

/* ---- what a browser shows ---- */

static int has_alpha(const picture_t *p)
{
    return !p->cmyk && (p->channels == 2 || p->channels == 4);
}

/* Red, green, blue, alpha. */
static picture_t plain_rgba(const picture_t *p)
{
    picture_t out = blank(p->width, p->height, 4);
    size_t i, count = (size_t)p->width * p->height;

    for (i = 0; i < count; i++) {
        const float *in = p->at + i * p->channels;
        float *to = out.at + i * 4;
        int c;

        for (c = 0; c < 3; c++) {
            to[c] = p->cmyk ? floorf((255 - in[c]) * (255 - in[3]) / 255)
                            : in[p->channels > 2 ? c : 0];
        }
        to[3] = has_alpha(p) ? in[p->channels - 1] : 255;
    }
    return out;
}

static cmsUInt32Number kind_of(cmsHPROFILE profile, const char *path)
{
    switch (cmsGetColorSpace(profile)) {
    case cmsSigRgbData:
        return TYPE_RGB_DBL;
    case cmsSigGrayData:
        return TYPE_GRAY_DBL;
    case cmsSigCmykData:
        return TYPE_CMYK_DBL;
    default:
        fail(path, "a profile for neither RGB, grey nor inks");
        return 0;
    }
}

/* Rounded to 8 bits, as every file is that is shown. */
static void convert(picture_t *rgba, const picture_t *p, const char *icc)
{
    cmsHPROFILE from = cmsOpenProfileFromFile(icc, "r");
    cmsHPROFILE to = cmsCreate_sRGBProfile();
    cmsUInt32Number kind;
    cmsHTRANSFORM t;
    size_t i, count = (size_t)p->width * p->height;

    if (!from) {
        fail(icc, "no profile");
    }
    kind = kind_of(from, icc);
    cmsSetProfileVersion(to, 2.1); /* no black point compensation */
    t = cmsCreateTransform(from, kind, to, TYPE_RGB_DBL, INTENT_PERCEPTUAL,
                           cmsFLAGS_NOOPTIMIZE | cmsFLAGS_NOCACHE |
                               cmsFLAGS_NOWHITEONWHITEFIXUP);
    if (!t) {
        fail(icc, "no transform");
    }
    for (i = 0; i < count; i++) {
        double in[4], out[3];
        int c;

        for (c = 0; c < 4; c++) {
            in[c] =
                p->cmyk ? p->at[i * 4 + c] / 2.55 : rgba->at[i * 4 + c] / 255;
        }
        cmsDoTransform(t, in, out, 1);
        for (c = 0; c < 3; c++) {
            double v = out[c] < 0 ? 0 : out[c] > 1 ? 1 : out[c];

            rgba->at[i * 4 + c] = (float)floor(v * 255 + 0.5);
        }
    }
    cmsDeleteTransform(t);
    cmsCloseProfile(from);
    cmsCloseProfile(to);
}

/* EXIF 2.32 4.6.4: where the stored row 0 and column 0 are shown. */
static picture_t turned(const picture_t *p, int orientation)
{
    int swap = orientation > 4;
    picture_t out =
        blank(swap ? p->height : p->width, swap ? p->width : p->height, 4);
    int x, y;

    for (y = 0; y < p->height; y++) {
        for (x = 0; x < p->width; x++) {
            int right = p->width - 1 - x, low = p->height - 1 - y;
            int to_x[9] = {x, x, right, right, x, y, low, low, y};
            int to_y[9] = {y, y, y, low, low, x, x, right, right};

            memcpy(pixel(&out, to_x[orientation], to_y[orientation]),
                   pixel(p, x, y), 4 * sizeof(float));
        }
    }
    return out;
}

/* Along one side: the mean over the part that a pixel covers. */
static picture_t narrowed(const picture_t *p, int width)
{
    picture_t out = blank(width, p->height, 4);
    double share = (double)p->width / width;
    int x, y, c;

    for (y = 0; y < p->height; y++) {
        for (x = 0; x < width; x++) {
            double from = x * share, to = (x + 1) * share, at = from;
            double sum[4] = {0, 0, 0, 0};
            float *mean = pixel(&out, x, y);

            while (at < to - 1e-9) {
                int i = (int)(at + 1e-9);
                double end = i + 1 < to ? i + 1 : to, w = end - at;
                const float *in = pixel(p, i < p->width ? i : p->width - 1, y);

                for (c = 0; c < 3; c++) {
                    sum[c] += w * in[c] * in[3];
                }
                sum[3] += w * in[3];
                at = end;
            }
            for (c = 0; c < 3; c++) {
                mean[c] = (float)(sum[3] > 0 ? sum[c] / sum[3] : 0);
            }
            mean[3] = (float)(sum[3] / share);
        }
    }
    return out;
}

static picture_t sized(picture_t p, int width, int height)
{
    picture_t a, b;

    if (p.width == width && p.height == height) {
        return p;
    }
    a = narrowed(&p, width);
    b = turned(&a, 5);
    free(a.at);
    a = narrowed(&b, height);
    free(b.at);
    b = turned(&a, 5);
    free(a.at);
    return b;
}

/* ---- likeness ---- */

static double luma(const float *rgba, double ground)
{
    double y = 0.299 * rgba[0] + 0.587 * rgba[1] + 0.114 * rgba[2];

    return floor(ground + (y - ground) * rgba[3] / 255 + 0.5);
}

/* One value for a pixel. */
static picture_t lumas(const picture_t *p, double ground)
{
    picture_t out = blank(p->width, p->height, 1);
    size_t i, count = (size_t)p->width * p->height;

    for (i = 0; i < count; i++) {
        out.at[i] = (float)luma(p->at + i * 4, ground);
    }
    return out;
}

static double window(const picture_t *a, const picture_t *b, int x0, int y0,
                     int w, int h)
{
    double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0, n = (double)w * h;
    double c1 = 2.55 * 2.55, c2 = 7.65 * 7.65, ma, mb;
    int x, y;

    for (y = y0; y < y0 + h; y++) {
        const float *pa = pixel(a, x0, y), *pb = pixel(b, x0, y);

        for (x = 0; x < w; x++) {
            double va = pa[x], vb = pb[x];

            sa += va;
            sb += vb;
            saa += va * va;
            sbb += vb * vb;
            sab += va * vb;
        }
    }
    ma = sa / n;
    mb = sb / n;
    return (2 * ma * mb + c1) * (2 * (sab / n - ma * mb) + c2) /
           ((ma * ma + mb * mb + c1) *
            (saa / n - ma * ma + sbb / n - mb * mb + c2));
}

static double ssim_of(const picture_t *a, const picture_t *b)
{
    double sum = 0;
    int x, y, n = 0;

    if (a->width < 8 || a->height < 8) {
        return window(a, b, 0, 0, a->width, a->height);
    }
    for (y = 0; y + 8 <= a->height; y += 4) {
        for (x = 0; x + 8 <= a->width; x += 4, n++) {
            sum += window(a, b, x, y, 8, 8);
        }
    }
    return sum / n;
}

static double ssim_on(const picture_t *a, const picture_t *b, double ground)
{
    picture_t la = lumas(a, ground), lb = lumas(b, ground);
    double ssim = ssim_of(&la, &lb);

    free(la.at);
    free(lb.at);
    return ssim;
}

static double linear(double v)
{
    v /= 255;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double root(double t)
{
    return t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116;
}

/* White point D65, on white paper. */
static void to_lab(double lab[3], const float *rgba)
{
    double v[3], x, y, z;
    int c;

    for (c = 0; c < 3; c++) {
        v[c] = linear(255 + (rgba[c] - 255) * rgba[3] / 255);
    }
    x = root((0.4124 * v[0] + 0.3576 * v[1] + 0.1805 * v[2]) / 0.9505);
    y = root(0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]);
    z = root((0.0193 * v[0] + 0.1192 * v[1] + 0.9505 * v[2]) / 1.0890);
    lab[0] = 116 * y - 16;
    lab[1] = 500 * (x - y);
    lab[2] = 200 * (y - z);
}

#define DEGREE (M_PI / 180)

static double hue(double a, double b)
{
    double h = a == 0 && b == 0 ? 0 : atan2(b, a) / DEGREE;

    return h < 0 ? h + 360 : h;
}

static double de2000(const double *p, const double *q)
{
    double c_mean = (hypot(p[1], p[2]) + hypot(q[1], q[2])) / 2;
    double c7 = pow(c_mean, 7), g = 0.5 * (1 - sqrt(c7 / (c7 + 6103515625.0)));
    double a1 = (1 + g) * p[1], a2 = (1 + g) * q[1];
    double c1 = hypot(a1, p[2]), c2 = hypot(a2, q[2]);
    double h1 = hue(a1, p[2]), h2 = hue(a2, q[2]), dh = h2 - h1, h = h1 + h2;
    double l = (p[0] + q[0]) / 2 - 50, c = (c1 + c2) / 2, t, sl, sc, sh, rt;
    double dl = q[0] - p[0], dc = c2 - c1;

    if (c1 * c2 == 0) {
        dh = 0;
    }
    else {
        h = (fabs(dh) <= 180 ? h : h < 360 ? h + 360 : h - 360) / 2;
        dh = dh > 180 ? dh - 360 : dh < -180 ? dh + 360 : dh;
    }
    dh = 2 * sqrt(c1 * c2) * sin(dh / 2 * DEGREE);
    t = 1 - 0.17 * cos((h - 30) * DEGREE) + 0.24 * cos(2 * h * DEGREE) +
        0.32 * cos((3 * h + 6) * DEGREE) - 0.20 * cos((4 * h - 63) * DEGREE);
    sl = 1 + 0.015 * l * l / sqrt(20 + l * l);
    sc = 1 + 0.045 * c;
    sh = 1 + 0.015 * c * t;
    c7 = pow(c, 7);
    rt = -2 * sqrt(c7 / (c7 + 6103515625.0)) *
         sin(60 * exp(-pow((h - 275) / 25, 2)) * DEGREE);
    dl /= sl;
    dc /= sc;
    dh /= sh;
    return sqrt(dl * dl + dc * dc + dh * dh + rt * dc * dh);
}

static void de_of(double *mean, double *most, const picture_t *a,
                  const picture_t *b)
{
    size_t i, count = (size_t)a->width * a->height;
    double sum = 0;

    *most = 0;
    for (i = 0; i < count; i++) {
        double p[3], q[3], de;

        to_lab(p, a->at + i * 4);
        to_lab(q, b->at + i * 4);
        de = de2000(p, q);
        sum += de;
        *most = de > *most ? de : *most;
    }
    *mean = sum / count;
}

static void alpha_of(double *mean, double *most, const picture_t *a,
                     const picture_t *b)
{
    size_t i, count = (size_t)a->width * a->height;
    double sum = 0;

    *most = 0;
    for (i = 0; i < count; i++) {
        double d = fabs(a->at[i * 4 + 3] - b->at[i * 4 + 3]);

        sum += d;
        *most = d > *most ? d : *most;
    }
    *mean = sum / count;
}

/* The middle of a corner's eighth. */
static void print_corners(const picture_t *p)
{
    int i;

    for (i = 0; i < 4; i++) {
        int x = i % 2 ? p->width - 1 - p->width / 16 : p->width / 16;
        int y = i / 2 ? p->height - 1 - p->height / 16 : p->height / 16;
        const float *at = pixel(p, x, y);

        printf(" %02x%02x%02x", (unsigned)at[0], (unsigned)at[1],
               (unsigned)at[2]);
    }
    putchar('\n');
}

static int is_opaque(const picture_t *p)
{
    size_t i, count = (size_t)p->width * p->height;

    for (i = 0; i < count && p->at[i * 4 + 3] >= 255; i++) {
    }
    return i == count;
}

static void put_on_white(picture_t *p)
{
    size_t i, count = (size_t)p->width * p->height;
    int c;

    for (i = 0; i < count; i++) {
        float *at = p->at + i * 4;

        for (c = 0; c < 3; c++) {
            at[c] = floorf(255 + (at[c] - 255) * at[3] / 255 + 0.5f);
        }
        at[3] = 255;
    }
}

static void report(const picture_t *reference, const picture_t *other)
{
    picture_t a = sized(*reference, other->width, other->height);
    picture_t a8 = sized(a, (a.width + 7) / 8, (a.height + 7) / 8);
    picture_t b8 = sized(*other, a8.width, a8.height);
    double ssim = ssim_on(&a, other, 255);
    double mean, most, alpha, alpha_most;

    de_of(&mean, &most, &a8, &b8);
    alpha_of(&alpha, &alpha_most, &a, other);
    if (!is_opaque(&a) || !is_opaque(other)) {
        ssim = (ssim + ssim_on(&a, other, 0)) / 2;
    }
    printf("%d %d %d %d %.5f %.3f %.3f %.3f %.1f", other->width, other->height,
           reference->width, reference->height, ssim, mean, most, alpha,
           alpha_most);
    print_corners(other);
}

int main(int argc, char **argv)
{
    picture_t reference, other, rgba, shown;
    const char *icc = NULL;
    int orientation = 1, white = 0, i;

    if (argc < 3) {
        fputs("compare REFERENCE OTHER [icc=FILE] [orientation=1..8] "
              "[ground=white]\n",
              stderr);
        return 2;
    }
    for (i = 3; i < argc; i++) {
        sscanf(argv[i], "orientation=%d", &orientation);
        white |= !strcmp(argv[i], "ground=white");
        if (!strncmp(argv[i], "icc=", 4)) {
            icc = argv[i] + 4;
        }
    }
    if (orientation < 1 || orientation > 8) {
        fail(argv[1], "no such orientation");
    }
    reference = read_pnm(argv[1]);
    other = read_pnm(argv[2]);
    rgba = plain_rgba(&reference);
    if (icc) {
        convert(&rgba, &reference, icc);
    }
    other = plain_rgba(&other);
    shown = turned(&rgba, orientation);
    if (white) {
        put_on_white(&shown);
    }
    report(&shown, &other);
    return 0;
}
