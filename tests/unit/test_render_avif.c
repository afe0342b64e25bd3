/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <fcntl.h>
#include <unistd.h>

#include <avif/avif.h>

#include "rasters.h"
#include "render/container.h"
#include "render/render_avif.h"
#include "render/render_lcms.h"
#include "render/source.h"
#include "render/ssim.h"

static const di_encode_t lossy = {.quality = 80, .chroma = DI_CHROMA_420},
                         full_chroma = {.quality = 80, .chroma = DI_CHROMA_444};

static const di_samples_e kinds[] = {DI_GREY, DI_GREY_ALPHA, DI_RGB, DI_RGBA};
static const unsigned sides[][2] = {{1, 1},   {1, 40},  {2, 3},
                                    {17, 31}, {65, 64}, {300, 67}};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static di_blob_t encode(const di_raster_t *picture, const di_encode_t *how)
{
    di_blob_t file = {0};

    assert_int_equal(di_avif_encode(&file, picture, how), DI_RENDER_OK);
    assert_true(file.len > 12);
    assert_memory_equal(file.bytes + 4, "ftypavif", 8);
    return file;
}

/* The decoder tells standard error what is wrong with a file; a renderer has
   none.  Returns what quiet_end wants. */
static int quiet_begin(void)
{
    int was = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

    assert_true(was >= 0 && null >= 0);
    dup2(null, STDERR_FILENO);
    close(null);
    return was;
}

static void quiet_end(int was)
{
    dup2(was, STDERR_FILENO);
    close(was);
}

/* Encode, decode and compare every kind and size of picture. */
static void gaps(const di_encode_t *how, double mean)
{
    size_t kind, side;

    for (kind = 0; kind < COUNT(kinds); kind++) {
        for (side = 0; side < COUNT(sides); side++) {
            di_raster_t picture =
                raster_waves(kinds[kind], sides[side][0], sides[side][1]);
            di_blob_t file = encode(&picture, how);
            di_decoded_t decoded;
            raster_gap_t gap;

            assert_int_equal(di_avif_decode(&decoded, file.bytes, file.len,
                                            sides[side][0], sides[side][1]),
                             DI_RENDER_OK);
            assert_int_equal(decoded.icc.len, 0);
            assert_int_equal(decoded.gamma_e5, 0);
            assert_int_equal(decoded.srgb_curve, 0);
            /* The library drops alpha that is opaque throughout. */
            assert_int_equal(decoded.picture.samples,
                             kinds[kind] - (di_raster_has_alpha(&picture) &&
                                            di_raster_is_opaque(&picture)));
            gap = raster_gap(&picture, &decoded.picture);
            if (gap.mean > mean || gap.most_alpha > 0) {
                fail_msg("kind %zu, side %zu: %u, mean %.1f, alpha %u", kind,
                         side, gap.most, gap.mean, gap.most_alpha);
            }
            di_decoded_free(&decoded);
            di_raster_free(&picture);
            free(file.bytes);
        }
    }
}

static void files_stay_close_in_color_and_keep_alpha(void **state)
{
    di_encode_t fast = full_chroma;

    fast.fast = 1;
    gaps(&full_chroma, 4.0);
    gaps(&fast, 4.0);
    gaps(&lossy, 8.0); /* the waves' colours change from pixel to pixel */
}

/* Red and blue columns, one px wide: whole only at full chroma. */
static void chroma_is_halved_only_where_asked_for(void **state)
{
    di_encode_t hows[2] = {lossy, full_chroma};
    double mean[2];
    size_t i;

    for (i = 0; i < 2; i++) {
        di_raster_t picture;
        di_blob_t file;
        di_decoded_t decoded;
        unsigned at;

        hows[i].quality = 95;
        assert_true(di_raster_make(&picture, 64, 64, DI_RGB));
        memset(picture.pixels, 0, picture.row_bytes * 64);
        for (at = 0; at < 64 * 64; at++) {
            picture.pixels[3 * at + (at & 1 ? 0 : 2)] = 200;
        }
        file = encode(&picture, &hows[i]);
        assert_int_equal(
            di_avif_decode(&decoded, file.bytes, file.len, 400, 400),
            DI_RENDER_OK);
        mean[i] = raster_gap(&picture, &decoded.picture).mean;
        di_decoded_free(&decoded);
        di_raster_free(&picture);
        free(file.bytes);
    }
    assert_true(mean[0] > 30);
    assert_true(mean[1] < 6);
}

/* Luma and alpha; against the luma of what the decoder gives. */
static void the_check_sees_what_the_decoder_sees(void **state)
{
    size_t kind;

    for (kind = 0; kind < COUNT(kinds); kind++) {
        di_raster_t picture = raster_waves(kinds[kind], 50, 41), checked, a, b;
        di_blob_t file = encode(&picture, &full_chroma);
        di_decoded_t decoded;

        assert_int_equal(di_avif_check(&checked, &file), DI_RENDER_OK);
        assert_int_equal(
            di_avif_decode(&decoded, file.bytes, file.len, 400, 400),
            DI_RENDER_OK);
        assert_true(di_luma_make(&a, &checked));
        assert_true(di_luma_make(&b, &decoded.picture));
        if (di_ssim_e4(&a, &b) < 9950) {
            fail_msg("kind %zu: %u", kind, di_ssim_e4(&a, &b));
        }
        di_raster_free(&a);
        di_raster_free(&b);
        di_decoded_free(&decoded);
        di_raster_free(&checked);
        di_raster_free(&picture);
        free(file.bytes);
    }
}

static void the_check_tells_a_cut_file(void **state)
{
    di_raster_t picture = raster_waves(DI_RGB, 50, 40), checked;
    di_blob_t file = encode(&picture, &lossy);
    int told = quiet_begin();

    file.len /= 2;
    assert_int_equal(di_avif_check(&checked, &file), DI_RENDER_BROKEN);
    quiet_end(told);
    assert_null(checked.pixels);
    di_raster_free(&picture);
    free(file.bytes);
}

static void the_same_picture_gives_the_same_bytes(void **state)
{
    size_t kind;

    for (kind = 0; kind < COUNT(kinds); kind++) {
        di_raster_t picture = raster_waves(kinds[kind], 300, 270);
        di_blob_t first = encode(&picture, &lossy),
                  second = encode(&picture, &lossy);

        assert_int_equal(first.len, second.len);
        assert_memory_equal(first.bytes, second.bytes, first.len);
        free(first.bytes);
        free(second.bytes);
        di_raster_free(&picture);
    }
}

static void higher_quality_takes_more_bytes(void **state)
{
    static const int qualities[] = {1, 10, 20, 30, 50, 70, 80, 90, 98, 100};
    di_raster_t picture = raster_waves(DI_RGB, 200, 200);
    size_t i;
    apr_size_t before = 0;

    for (i = 0; i < COUNT(qualities); i++) {
        di_encode_t how = {.quality = qualities[i], .chroma = DI_CHROMA_444};
        di_blob_t file = encode(&picture, &how);

        if (file.len <= before) {
            fail_msg("quality %d: %zu bytes after %zu", qualities[i],
                     (size_t)file.len, (size_t)before);
        }
        before = file.len;
        free(file.bytes);
    }
    di_raster_free(&picture);
}

static void every_quality_has_a_quantizer(void **state)
{
    di_raster_t picture = raster_waves(DI_RGB, 24, 24);
    di_encode_t how = full_chroma;

    for (how.quality = 1; how.quality <= 100; how.quality++) {
        free(encode(&picture, &how).bytes);
    }
    di_raster_free(&picture);
}

/* The pixels are never looked at. */
static void what_the_format_cannot_hold_is_told(void **state)
{
    static const struct {
        apr_uint32_t width_px, height_px;
        int lossless;
    } cases[] = {{DI_AVIF_SIDE_MAX_PX + 1, 1, 0},
                 {1, DI_AVIF_SIDE_MAX_PX + 1, 0},
                 {8192, 4097, 0},
                 {8, 8, 1}};
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        di_raster_t picture = {.width_px = cases[i].width_px,
                               .height_px = cases[i].height_px,
                               .samples = DI_GREY,
                               .channels = 1,
                               .row_bytes = cases[i].width_px};
        di_encode_t how = {.quality = 50, .lossless = cases[i].lossless};
        di_blob_t file = {0};

        assert_int_equal(di_avif_encode(&file, &picture, &how),
                         DI_RENDER_NO_FORMAT);
        assert_null(file.bytes);
    }
}

static void a_long_side_is_no_obstacle(void **state)
{
    di_raster_t picture = raster_waves(DI_RGB, DI_AVIF_SIDE_MAX_PX, 1);
    di_blob_t file = encode(&picture, &lossy);
    di_raster_t checked;

    assert_int_equal(di_avif_check(&checked, &file), DI_RENDER_OK);
    assert_int_equal(checked.width_px, DI_AVIF_SIDE_MAX_PX);
    di_raster_free(&checked);
    di_raster_free(&picture);
    free(file.bytes);
}

/* ---- what other programs may write ---- */

typedef struct {
    unsigned depth;
    avifPixelFormat planes;
    avifRange range;
    int primaries, curve;
    const char *icc;
    unsigned transform; /* avifTransformFlags */
    int premultiplied;
} foreign_t;

static void transform(avifImage *image, const foreign_t *how)
{
    image->transformFlags = how->transform;
    image->irot.angle = 1;
    image->imir.mode = 1;
    image->pasp = (avifPixelAspectRatioBox){2, 1};
    /* the left 20 px of 40 */
    image->clap = (avifCleanApertureBox){20, 1, 20, 1, (uint32_t)-10, 1, 0, 1};
}

static di_blob_t foreign(const di_raster_t *picture, const foreign_t *how)
{
    avifImage *image = avifImageCreate(picture->width_px, picture->height_px,
                                       how->depth, how->planes);
    avifEncoder *encoder = avifEncoderCreate();
    avifRWData out = AVIF_DATA_EMPTY;
    avifRGBImage rgb;
    di_blob_t file;

    assert_true(image && encoder);
    image->yuvRange = how->range;
    image->colorPrimaries = (avifColorPrimaries)how->primaries;
    image->transferCharacteristics = (avifTransferCharacteristics)how->curve;
    image->matrixCoefficients = AVIF_MATRIX_COEFFICIENTS_BT709;
    image->alphaPremultiplied = how->premultiplied;
    transform(image, how);
    if (how->icc) {
        avifImageSetProfileICC(image, (const uint8_t *)how->icc,
                               strlen(how->icc));
    }
    avifRGBImageSetDefaults(&rgb, image);
    rgb.depth = 8;
    rgb.format = picture->samples == DI_RGBA ? AVIF_RGB_FORMAT_RGBA
                                             : AVIF_RGB_FORMAT_RGB;
    rgb.pixels = picture->pixels;
    rgb.rowBytes = (uint32_t)picture->row_bytes;
    assert_int_equal(avifImageRGBToYUV(image, &rgb), AVIF_RESULT_OK);
    encoder->codecChoice = AVIF_CODEC_CHOICE_AOM;
    encoder->speed = 9;
    encoder->minQuantizer = encoder->maxQuantizer = 8;
    assert_int_equal(avifEncoderWrite(encoder, image, &out), AVIF_RESULT_OK);
    file.len = out.size;
    file.bytes = malloc(out.size);
    assert_non_null(file.bytes);
    memcpy(file.bytes, out.data, out.size);
    avifRWDataFree(&out);
    avifEncoderDestroy(encoder);
    avifImageDestroy(image);
    return file;
}

#define FULL AVIF_RANGE_FULL
#define LIMITED AVIF_RANGE_LIMITED
#define YUV444 AVIF_PIXEL_FORMAT_YUV444

static void deep_and_limited_samples_become_bytes(void **state)
{
    static const foreign_t cases[] = {
        {8, YUV444, LIMITED, 1, 13, NULL, 0, 0},
        {10, YUV444, FULL, 1, 13, NULL, 0, 0},
        {12, YUV444, LIMITED, 1, 13, NULL, 0, 0},
        {12, YUV444, FULL, 1, 13, NULL, 0, 1},
        {8, AVIF_PIXEL_FORMAT_YUV400, LIMITED, 1, 13, NULL, 0, 0},
        {10, AVIF_PIXEL_FORMAT_YUV400, FULL, 1, 13, NULL, 0, 0},
        {12, AVIF_PIXEL_FORMAT_YUV400, LIMITED, 1, 13, NULL, 0, 0},
        {8, AVIF_PIXEL_FORMAT_YUV400, FULL, 1, 13, NULL, 0, 1}};
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        const foreign_t *how = &cases[i];
        di_raster_t picture, grey = raster_waves(DI_GREY_ALPHA, 40, 24);
        di_blob_t file;
        di_decoded_t decoded;
        raster_gap_t gap;
        size_t at;

        assert_true(di_raster_make(&picture, 40, 24, DI_RGBA));
        for (at = 0; at < 40 * 24; at++) {
            memset(picture.pixels + 4 * at, grey.pixels[2 * at], 3);
            /* colours behind little alpha do not survive multiplication */
            picture.pixels[4 * at + 3] = grey.pixels[2 * at + 1] / 2 + 127;
        }
        file = foreign(&picture, how);
        assert_int_equal(
            di_avif_decode(&decoded, file.bytes, file.len, 400, 400),
            DI_RENDER_OK);
        gap = raster_gap(&picture, &decoded.picture);
        if (gap.mean > 3 || gap.most_alpha > 1) {
            fail_msg("case %zu: mean %.1f, alpha %u", i, gap.mean,
                     gap.most_alpha);
        }
        di_decoded_free(&decoded);
        di_raster_free(&grey);
        di_raster_free(&picture);
        free(file.bytes);
    }
}

static void colors_are_srgb_or_described(void **state)
{
    static const struct {
        foreign_t how;
        di_render_status_e status;
        int srgb_curve;
        apr_uint32_t gamma_e5, red_x_e5;
        size_t icc_len;
    } cases[] = {
        {{8, YUV444, FULL, 1, 13, NULL, 0, 0}, DI_RENDER_OK, 0, 0, 0, 0},
        {{8, YUV444, FULL, 2, 2, NULL, 0, 0}, DI_RENDER_OK, 0, 0, 0, 0},
        {{8, YUV444, FULL, 1, 1, NULL, 0, 0}, DI_RENDER_OK, 0, 0, 0, 0},
        {{8, YUV444, FULL, 12, 13, NULL, 0, 0}, DI_RENDER_OK, 1, 0, 68000, 0},
        {{10, YUV444, FULL, 9, 14, NULL, 0, 0}, DI_RENDER_OK, 1, 0, 70800, 0},
        {{8, YUV444, FULL, 1, 4, NULL, 0, 0}, DI_RENDER_OK, 0, 45455, 64000, 0},
        {{8, YUV444, FULL, 12, 8, NULL, 0, 0},
         DI_RENDER_OK,
         0,
         100000,
         68000,
         0},
        {{10, YUV444, FULL, 9, 16, NULL, 0, 0},
         DI_RENDER_UNSUPPORTED,
         0,
         0,
         0,
         0}, /* PQ */
        {{10, YUV444, FULL, 9, 18, NULL, 0, 0},
         DI_RENDER_UNSUPPORTED,
         0,
         0,
         0,
         0}, /* HLG */
        {{10, YUV444, FULL, 9, 16, "profile", 0, 0}, DI_RENDER_OK, 0, 0, 0, 7},
    };
    di_raster_t picture = raster_waves(DI_RGB, 40, 20);
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        di_blob_t file = foreign(&picture, &cases[i].how);
        di_decoded_t decoded;

        if (di_avif_decode(&decoded, file.bytes, file.len, 400, 400) !=
                cases[i].status ||
            decoded.srgb_curve != cases[i].srgb_curve ||
            decoded.gamma_e5 != cases[i].gamma_e5 ||
            decoded.chroma_e5[2] != cases[i].red_x_e5 ||
            decoded.icc.len != cases[i].icc_len) {
            fail_msg("case %zu: curve %d, gamma %u, red %u, profile %zu", i,
                     decoded.srgb_curve, decoded.gamma_e5, decoded.chroma_e5[2],
                     (size_t)decoded.icc.len);
        }
        di_decoded_free(&decoded);
        free(file.bytes);
    }
    di_raster_free(&picture);
}

static void the_picture_stays_as_stored_or_is_refused(void **state)
{
    static const struct {
        unsigned transform;
        di_render_status_e status;
    } cases[] = {
        {AVIF_TRANSFORM_IROT, DI_RENDER_OK},
        {AVIF_TRANSFORM_IMIR, DI_RENDER_OK},
        {AVIF_TRANSFORM_IROT | AVIF_TRANSFORM_IMIR, DI_RENDER_OK},
        {AVIF_TRANSFORM_PASP, DI_RENDER_UNSUPPORTED},
    };
    di_raster_t picture = raster_waves(DI_RGB, 40, 20);
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        foreign_t how = {8, YUV444, FULL, 1, 13, NULL, cases[i].transform, 0};
        di_blob_t file = foreign(&picture, &how);
        di_decoded_t decoded;

        assert_int_equal(
            di_avif_decode(&decoded, file.bytes, file.len, 400, 400),
            cases[i].status);
        if (cases[i].status == DI_RENDER_OK) {
            assert_true(raster_gap(&picture, &decoded.picture).mean < 4);
        }
        di_decoded_free(&decoded);
        free(file.bytes);
    }
    di_raster_free(&picture);
}

/* Display P3 to sRGB in linear light (rows of the matrix that follows from the
   primaries of both and D65), by the curve of IEC 61966-2-1. */
static void p3_by_code_point_is_converted(void **state)
{
    static const struct {
        unsigned char p3[3], srgb[3];
    } cases[] = {{{128, 128, 128}, {128, 128, 128}},
                 {{200, 100, 50}, {215, 93, 31}},
                 {{12, 10, 8}, {12, 10, 8}},
                 {{100, 120, 200}, {95, 121, 206}}};
    static const foreign_t how = {8, YUV444, FULL, 12, 13, NULL, 0, 0};
    size_t i, at;

    for (i = 0; i < COUNT(cases); i++) {
        di_raster_t picture;
        di_blob_t file;
        di_decoded_t decoded;
        const unsigned char *got;

        assert_true(di_raster_make(&picture, 32, 32, DI_RGB));
        for (at = 0; at < 32 * 32; at++) {
            memcpy(picture.pixels + 3 * at, cases[i].p3, 3);
        }
        file = foreign(&picture, &how);
        assert_int_equal(di_avif_decode(&decoded, file.bytes, file.len, 32, 32),
                         DI_RENDER_OK);
        assert_int_equal(di_color_to_srgb(&decoded), DI_RENDER_OK);
        got = decoded.picture.pixels;
        for (at = 0; at < 3; at++) {
            if (abs(got[at] - cases[i].srgb[at]) > 3) {
                fail_msg("case %zu: %u %u %u", i, got[0], got[1], got[2]);
            }
        }
        di_decoded_free(&decoded);
        di_raster_free(&picture);
        free(file.bytes);
    }
}

/* Quarters against the clock, then mirrored: as heif-convert shows it. */
static void an_original_is_turned_by_its_container(void **state)
{
    static const struct {
        unsigned transform, orientation;
    } cases[] = {{0, 1},
                 {AVIF_TRANSFORM_IROT, 8},
                 {AVIF_TRANSFORM_IMIR, 2},
                 {AVIF_TRANSFORM_IROT | AVIF_TRANSFORM_IMIR, 7}};
    di_job_t job = {.format = DI_FORMAT_AVIF,
                    .limits = {1 << 20, 1 << 20, 1000, 1, 1, 1 << 20}};
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        foreign_t how = {8, YUV444, FULL, 1, 13, NULL, cases[i].transform, 0};
        di_raster_t picture = raster_waves(DI_RGB, 40, 20), shown;
        di_blob_t file = foreign(&picture, &how);
        di_scale_t full = {40, 20, 8};
        di_source_t source;

        assert_int_equal(di_source_read(&source, &job, file.bytes, file.len),
                         DI_RENDER_OK);
        assert_int_equal(source.orientation, cases[i].orientation);
        assert_int_equal(di_source_decode(&shown, &source, &full),
                         DI_RENDER_OK);
        assert_true(di_raster_turn(&picture, cases[i].orientation));
        assert_true(raster_gap(&picture, &shown).mean < 4);
        di_raster_free(&shown);
        di_raster_free(&picture);
        free(file.bytes);
    }
}

static void a_clean_aperture_is_all_there_is(void **state)
{
    foreign_t how = {8, YUV444, FULL, 1, 13, NULL, AVIF_TRANSFORM_CLAP, 0};
    di_samples_e samples[] = {DI_RGB, DI_RGBA};
    size_t i;

    for (i = 0; i < COUNT(samples); i++) {
        di_raster_t picture = raster_waves(samples[i], 40, 20), left;
        di_blob_t file = foreign(&picture, &how);
        di_decoded_t decoded;
        unsigned y;

        assert_true(di_raster_make(&left, 20, 20, samples[i]));
        for (y = 0; y < 20; y++) {
            memcpy(di_raster_row(&left, y), di_raster_row(&picture, y),
                   left.row_bytes);
        }
        assert_int_equal(di_avif_decode(&decoded, file.bytes, file.len, 20, 20),
                         DI_RENDER_OK);
        assert_int_equal(decoded.picture.samples, samples[i]);
        assert_true(raster_gap(&left, &decoded.picture).mean < 4);
        di_decoded_free(&decoded);
        di_raster_free(&left);
        di_raster_free(&picture);
        free(file.bytes);
    }
}

static void more_pixels_than_told_are_not_decoded(void **state)
{
    di_raster_t picture = raster_waves(DI_RGB, 128, 128);
    di_blob_t file = encode(&picture, &lossy);
    di_decoded_t decoded;
    int told = quiet_begin();

    assert_int_not_equal(di_avif_decode(&decoded, file.bytes, file.len, 40, 40),
                         DI_RENDER_OK);
    quiet_end(told);
    assert_null(decoded.picture.pixels);
    di_raster_free(&picture);
    free(file.bytes);
}

/* ---- EXIF ---- */

/* The library reads back what container_avif.c has put into its file, and the
   picture is the same. */
static void a_block_of_exif_is_added(void **state)
{
    static const unsigned char exif[] = "MM\0*\0\0\0\x08\0\0\0\0\0\0";
    size_t kind;

    for (kind = 0; kind < COUNT(kinds); kind++) {
        di_raster_t picture = raster_waves(kinds[kind], 40, 20);
        di_blob_t file = encode(&picture, &lossy);
        avifDecoder *decoder = avifDecoderCreate();
        di_decoded_t before, after;
        di_header_t header;
        raster_gap_t gap;

        assert_int_equal(di_avif_decode(&before, file.bytes, file.len, 40, 20),
                         DI_RENDER_OK);
        assert_int_equal(di_container_add_exif(&file, DI_FORMAT_AVIF, 40, 20, 0,
                                               exif, sizeof(exif)),
                         DI_RENDER_OK);
        assert_int_equal(di_avif_decode(&after, file.bytes, file.len, 40, 20),
                         DI_RENDER_OK);
        gap = raster_gap(&before.picture, &after.picture);
        assert_int_equal(gap.most + gap.most_alpha, 0);
        assert_int_equal(
            di_header_read(&header, DI_FORMAT_AVIF, file.bytes, file.len),
            DI_RENDER_OK);
        assert_int_equal(header.exif.len, sizeof(exif));
        assert_memory_equal(file.bytes + header.exif.at, exif, sizeof(exif));
        assert_int_equal(avifDecoderSetIOMemory(decoder, file.bytes, file.len),
                         AVIF_RESULT_OK);
        assert_int_equal(avifDecoderParse(decoder), AVIF_RESULT_OK);
        assert_int_equal(decoder->image->exif.size, sizeof(exif));
        assert_memory_equal(decoder->image->exif.data, exif, sizeof(exif));
        avifDecoderDestroy(decoder);
        di_decoded_free(&before);
        di_decoded_free(&after);
        di_raster_free(&picture);
        free(file.bytes);
    }
}

/* Cut or damaged anywhere: told, or done; never read outside. */
static void a_file_of_another_kind_gets_no_exif(void **state)
{
    di_raster_t picture = raster_waves(DI_RGBA, 8, 8);
    di_blob_t whole = encode(&picture, &lossy);
    apr_size_t at;

    for (at = 0; at < whole.len; at++) {
        di_blob_t part = {malloc(at ? at : 1), at};
        di_blob_t bad = {malloc(whole.len), whole.len};

        assert_true(part.bytes && bad.bytes);
        memcpy(part.bytes, whole.bytes, at);
        assert_int_equal(di_container_add_exif(&part, DI_FORMAT_AVIF, 8, 8, 1,
                                               (const unsigned char *)"MM", 2),
                         DI_RENDER_NO_FORMAT);
        memcpy(bad.bytes, whole.bytes, whole.len);
        bad.bytes[at] ^= 0xFF;
        (void)di_container_add_exif(&bad, DI_FORMAT_AVIF, 8, 8, 1,
                                    (const unsigned char *)"MM", 2);
        free(part.bytes);
        free(bad.bytes);
    }
    di_raster_free(&picture);
    free(whole.bytes);
}

/* ---- damage ---- */

/* A copy of its own size, so that a read behind its end is seen. */
static unsigned char *copy(const unsigned char *bytes, apr_size_t len)
{
    unsigned char *made = malloc(len ? len : 1);

    assert_non_null(made);
    memcpy(made, bytes, len);
    return made;
}

static void every_cut_is_broken(void **state)
{
    size_t kind;

    for (kind = 0; kind < COUNT(kinds); kind++) {
        di_raster_t picture = raster_waves(kinds[kind], 40, 30);
        di_blob_t file = encode(&picture, &lossy);
        apr_size_t len;

        for (len = 0; len < file.len; len++) {
            unsigned char *part = copy(file.bytes, len);
            di_decoded_t decoded;
            int told = quiet_begin();
            di_render_status_e status =
                di_avif_decode(&decoded, part, len, 400, 400);

            quiet_end(told);
            if (status != DI_RENDER_BROKEN) {
                fail_msg("kind %zu: %zu of %zu bytes: %d", kind, (size_t)len,
                         (size_t)file.len, status);
            }
            assert_null(decoded.picture.pixels);
            free(part);
        }
        di_raster_free(&picture);
        free(file.bytes);
    }
}

/* There is no checksum, so that damage may decode to another picture. */
static void damage_gives_a_picture_or_is_told(void **state)
{
    di_raster_t picture = raster_waves(DI_RGBA, 40, 24);
    di_blob_t file = encode(&picture, &lossy);
    apr_size_t at, broken = 0;

    for (at = 0; at < file.len; at++) {
        unsigned char *bad = copy(file.bytes, file.len);
        di_decoded_t decoded;
        di_render_status_e status;
        int told = quiet_begin();

        bad[at] ^= 0xFF;
        status = di_avif_decode(&decoded, bad, file.len, 400, 400);
        quiet_end(told);
        assert_int_equal(status == DI_RENDER_OK,
                         decoded.picture.pixels != NULL);
        broken += status != DI_RENDER_OK;
        di_decoded_free(&decoded);
        free(bad);
    }
    assert_true(broken > 20);
    di_raster_free(&picture);
    free(file.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(files_stay_close_in_color_and_keep_alpha),
        UNIT(chroma_is_halved_only_where_asked_for),
        UNIT(the_check_sees_what_the_decoder_sees),
        UNIT(the_check_tells_a_cut_file),
        UNIT(the_same_picture_gives_the_same_bytes),
        UNIT(higher_quality_takes_more_bytes),
        UNIT(every_quality_has_a_quantizer),
        UNIT(what_the_format_cannot_hold_is_told),
        UNIT(a_long_side_is_no_obstacle),
        UNIT(deep_and_limited_samples_become_bytes),
        UNIT(colors_are_srgb_or_described),
        UNIT(the_picture_stays_as_stored_or_is_refused),
        UNIT(p3_by_code_point_is_converted),
        UNIT(an_original_is_turned_by_its_container),
        UNIT(a_clean_aperture_is_all_there_is),
        UNIT(more_pixels_than_told_are_not_decoded),
        UNIT(a_block_of_exif_is_added),
        UNIT(a_file_of_another_kind_gets_no_exif),
        UNIT(every_cut_is_broken),
        UNIT(damage_gives_a_picture_or_is_told),
    };

    return UNIT_RUN(tests);
}
