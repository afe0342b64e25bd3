/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <fcntl.h>
#include <unistd.h>

#include <jxl/encode.h>

#include "rasters.h"
#include "render/render_jxl.h"

static const di_encode_t lossless = {.lossless = 1}, lossy = {.quality = 80};

static const di_samples_e kinds[] = {DI_GREY, DI_GREY_ALPHA, DI_RGB, DI_RGBA};
static const unsigned sides[][2] = {{1, 1}, {1, 40}, {17, 31}, {300, 66}};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static di_blob_t encode(const di_raster_t *picture, const di_encode_t *how)
{
    di_blob_t file = {0};

    assert_int_equal(di_jxl_encode(&file, picture, how), DI_RENDER_OK);
    assert_true(file.len > 2);
    assert_memory_equal(file.bytes, "\xFF\x0A", 2);
    return file;
}

/* The library tells standard error what is wrong with a file; a renderer has
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
static void gaps(const di_encode_t *how, unsigned most, double mean,
                 unsigned most_alpha)
{
    size_t kind, side;

    for (kind = 0; kind < COUNT(kinds); kind++) {
        for (side = 0; side < COUNT(sides); side++) {
            di_raster_t picture =
                raster_waves(kinds[kind], sides[side][0], sides[side][1]);
            di_blob_t file = encode(&picture, how);
            di_decoded_t decoded;
            raster_gap_t gap;

            assert_int_equal(di_jxl_decode(&decoded, file.bytes, file.len),
                             DI_RENDER_OK);
            assert_int_equal(decoded.icc.len, 0);
            assert_int_equal(decoded.picture.samples, kinds[kind]);
            gap = raster_gap(&picture, &decoded.picture);
            if (gap.most > most || gap.mean > mean ||
                gap.most_alpha > most_alpha) {
                fail_msg("kind %zu, side %zu: %u, mean %.1f, alpha %u", kind,
                         side, gap.most, gap.mean, gap.most_alpha);
            }
            di_decoded_free(&decoded);
            di_raster_free(&picture);
            free(file.bytes);
        }
    }
}

static void lossless_files_keep_every_sample(void **state)
{
    di_encode_t fast = {.lossless = 1, .fast = 1};

    gaps(&lossless, 0, 0, 0);
    gaps(&fast, 0, 0, 0);
}

static void lossy_files_stay_close_in_color_and_alpha(void **state)
{
    di_encode_t fast = {.quality = 80, .fast = 1};

    gaps(&lossy, 90, 4.0, 4);
    gaps(&fast, 90, 4.0, 4);
}

static void the_check_sees_what_the_decoder_sees(void **state)
{
    di_raster_t picture = raster_waves(DI_RGBA, 50, 40), checked;
    di_blob_t file = encode(&picture, &lossy);
    di_decoded_t decoded;
    raster_gap_t gap;
    int told;

    assert_int_equal(di_jxl_check(&checked, &file), DI_RENDER_OK);
    assert_int_equal(di_jxl_decode(&decoded, file.bytes, file.len),
                     DI_RENDER_OK);
    gap = raster_gap(&checked, &decoded.picture);
    assert_int_equal(gap.most + gap.most_alpha, 0);
    di_decoded_free(&decoded);
    di_raster_free(&checked);
    file.len /= 2;
    told = quiet_begin();
    assert_int_equal(di_jxl_check(&checked, &file), DI_RENDER_BROKEN);
    quiet_end(told);
    assert_null(checked.pixels);
    di_raster_free(&picture);
    free(file.bytes);
}

static void the_same_picture_gives_the_same_bytes(void **state)
{
    const di_encode_t *hows[] = {&lossless, &lossy};
    size_t i;

    for (i = 0; i < COUNT(hows); i++) {
        di_raster_t picture = raster_waves(DI_RGBA, 300, 270);
        di_blob_t first = encode(&picture, hows[i]),
                  second = encode(&picture, hows[i]);

        assert_int_equal(first.len, second.len);
        assert_memory_equal(first.bytes, second.bytes, first.len);
        free(first.bytes);
        free(second.bytes);
        di_raster_free(&picture);
    }
}

static void higher_quality_takes_more_bytes(void **state)
{
    static const int qualities[] = {1, 20, 29, 30, 60, 90, 100};
    di_raster_t picture = raster_waves(DI_RGB, 200, 200);
    size_t i;
    apr_size_t before = 0;

    for (i = 0; i < COUNT(qualities); i++) {
        di_encode_t how = {.quality = qualities[i]};
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

static void a_long_side_is_no_obstacle(void **state)
{
    di_raster_t picture = raster_waves(DI_RGB, 20000, 1);
    di_blob_t file = encode(&picture, &lossy);
    di_raster_t checked;

    assert_int_equal(di_jxl_check(&checked, &file), DI_RENDER_OK);
    assert_int_equal(checked.width_px, 20000);
    di_raster_free(&checked);
    di_raster_free(&picture);
    free(file.bytes);
}

static void what_takes_too_much_memory_is_no_format(void **state)
{
    static const struct {
        unsigned width_px, height_px;
        int lossless;
    } cases[] = {{4096, 4097, 0}, {60000, 300, 0}, {2048, 2049, 1}};
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        di_encode_t how = {.quality = 50, .lossless = cases[i].lossless};
        di_raster_t picture;
        di_blob_t file;

        assert_true(di_raster_make(&picture, cases[i].width_px,
                                   cases[i].height_px, DI_RGB));
        assert_int_equal(di_jxl_encode(&file, &picture, &how),
                         DI_RENDER_NO_FORMAT);
        di_raster_free(&picture);
    }
}

/* What another program may write: Display P3, and turned. */
static di_blob_t foreign(const di_raster_t *picture, int original_colors,
                         JxlPrimaries primaries, JxlOrientation orientation)
{
    JxlPixelFormat format = {3, JXL_TYPE_UINT8, JXL_NATIVE_ENDIAN, 0};
    JxlEncoder *jxl = JxlEncoderCreate(NULL);
    JxlBasicInfo info;
    JxlColorEncoding colors;
    di_blob_t file = {malloc(100000), 100000};
    unsigned char *next = file.bytes;
    size_t left = file.len;

    assert_non_null(next);
    JxlEncoderInitBasicInfo(&info);
    info.xsize = picture->width_px;
    info.ysize = picture->height_px;
    info.bits_per_sample = 8;
    info.num_color_channels = 3;
    info.uses_original_profile = original_colors;
    info.orientation = orientation;
    assert_int_equal(JxlEncoderSetBasicInfo(jxl, &info), JXL_ENC_SUCCESS);
    JxlColorEncodingSetToSRGB(&colors, 0);
    colors.primaries = primaries;
    assert_int_equal(JxlEncoderSetColorEncoding(jxl, &colors), JXL_ENC_SUCCESS);
    assert_int_equal(
        JxlEncoderAddImageFrame(JxlEncoderFrameSettingsCreate(jxl, NULL),
                                &format, picture->pixels,
                                picture->row_bytes * picture->height_px),
        JXL_ENC_SUCCESS);
    JxlEncoderCloseInput(jxl);
    assert_int_equal(JxlEncoderProcessOutput(jxl, &next, &left),
                     JXL_ENC_SUCCESS);
    file.len -= left;
    JxlEncoderDestroy(jxl);
    return file;
}

static void colors_are_srgb_or_have_a_profile(void **state)
{
    static const struct {
        int original_colors;
        JxlPrimaries primaries;
        int profile;
    } cases[] = {{0, JXL_PRIMARIES_SRGB, 0},
                 {0, JXL_PRIMARIES_P3, 0}, /* converted */
                 {1, JXL_PRIMARIES_SRGB, 0},
                 {1, JXL_PRIMARIES_P3, 1}};
    di_raster_t picture = raster_waves(DI_RGB, 40, 20);
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        di_blob_t file = foreign(&picture, cases[i].original_colors,
                                 cases[i].primaries, JXL_ORIENT_IDENTITY);
        di_decoded_t decoded;

        assert_int_equal(di_jxl_decode(&decoded, file.bytes, file.len),
                         DI_RENDER_OK);
        if ((decoded.icc.len > 128) != cases[i].profile) {
            fail_msg("case %zu: %zu bytes", i, (size_t)decoded.icc.len);
        }
        if (cases[i].profile) {
            assert_memory_equal(decoded.icc.bytes + 36, "acsp", 4);
        }
        di_decoded_free(&decoded);
        free(file.bytes);
    }
    di_raster_free(&picture);
}

static void the_picture_stays_as_stored(void **state)
{
    di_raster_t picture = raster_waves(DI_RGB, 40, 20);
    di_blob_t file =
        foreign(&picture, 1, JXL_PRIMARIES_SRGB, JXL_ORIENT_ROTATE_90_CW);
    di_decoded_t decoded;

    assert_int_equal(di_jxl_decode(&decoded, file.bytes, file.len),
                     DI_RENDER_OK);
    assert_true(raster_gap(&picture, &decoded.picture).mean < 4);
    di_decoded_free(&decoded);
    di_raster_free(&picture);
    free(file.bytes);
}

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
    const di_encode_t *hows[] = {&lossless, &lossy};
    size_t i;

    for (i = 0; i < COUNT(hows) * 2; i++) {
        di_raster_t picture = raster_waves(i & 1 ? DI_RGBA : DI_RGB, 40, 30);
        di_blob_t file = encode(&picture, hows[i / 2]);
        apr_size_t len;

        for (len = 0; len < file.len; len++) {
            unsigned char *part = copy(file.bytes, len);
            di_decoded_t decoded;
            int told = quiet_begin();
            di_render_status_e status = di_jxl_decode(&decoded, part, len);

            quiet_end(told);
            if (status != DI_RENDER_BROKEN) {
                fail_msg("case %zu: %zu of %zu bytes: %d", i, (size_t)len,
                         (size_t)file.len, status);
            }
            assert_null(decoded.picture.pixels);
            free(part);
        }
        di_raster_free(&picture);
        free(file.bytes);
    }
}

/* There is no checksum, so that damage may decode to another picture.  The
   size stays out of it: the file's size was checked before any decoder. */
static void damage_gives_a_picture_or_is_told(void **state)
{
    const di_encode_t *hows[] = {&lossless, &lossy};
    size_t i, at, broken = 0;

    for (i = 0; i < COUNT(hows); i++) {
        di_raster_t picture = raster_waves(DI_RGBA, 40, 24);
        di_blob_t file = encode(&picture, hows[i]);

        for (at = 8; at < file.len; at += 1 + file.len / 150) {
            unsigned char *bad = copy(file.bytes, file.len);
            di_decoded_t decoded;
            di_render_status_e status;
            int told = quiet_begin();

            bad[at] ^= 0xFF;
            status = di_jxl_decode(&decoded, bad, file.len);
            quiet_end(told);
            assert_int_equal(status == DI_RENDER_OK,
                             decoded.picture.pixels != NULL);
            broken += status != DI_RENDER_OK;
            di_decoded_free(&decoded);
            free(bad);
        }
        di_raster_free(&picture);
        free(file.bytes);
    }
    assert_true(broken > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(lossless_files_keep_every_sample),
        UNIT(lossy_files_stay_close_in_color_and_alpha),
        UNIT(the_check_sees_what_the_decoder_sees),
        UNIT(the_same_picture_gives_the_same_bytes),
        UNIT(higher_quality_takes_more_bytes),
        UNIT(a_long_side_is_no_obstacle),
        UNIT(what_takes_too_much_memory_is_no_format),
        UNIT(colors_are_srgb_or_have_a_profile),
        UNIT(the_picture_stays_as_stored),
        UNIT(every_cut_is_broken),
        UNIT(damage_gives_a_picture_or_is_told),
    };

    return UNIT_RUN(tests);
}
