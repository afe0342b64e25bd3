/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "rasters.h"
#include "render/render_webp.h"

static const di_encode_t lossless = {.lossless = 1}, lossy = {.quality = 80};

static const di_samples_e kinds[] = {DI_GREY, DI_GREY_ALPHA, DI_RGB, DI_RGBA};
static const unsigned sides[][2] = {{1, 1}, {1, 40}, {17, 31}, {130, 66}};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static di_blob_t encode(const di_raster_t *picture, const di_encode_t *how)
{
    di_blob_t file = {0};

    assert_int_equal(di_webp_encode(&file, picture, how), DI_RENDER_OK);
    assert_true(file.len > 12);
    assert_memory_equal(file.bytes, "RIFF", 4);
    return file;
}

/* Encode, decode and compare every kind and size of picture. */
static void gaps(const di_encode_t *how, unsigned most, double mean)
{
    size_t kind, side;

    for (kind = 0; kind < COUNT(kinds); kind++) {
        for (side = 0; side < COUNT(sides); side++) {
            di_raster_t picture =
                raster_waves(kinds[kind], sides[side][0], sides[side][1]);
            di_blob_t file = encode(&picture, how);
            di_decoded_t decoded;
            raster_gap_t gap;

            assert_int_equal(
                di_webp_decode(&decoded, file.bytes, file.len, 0, 0),
                DI_RENDER_OK);
            assert_int_equal(decoded.icc.len, 0);
            gap = raster_gap(&picture, &decoded.picture);
            if (gap.most > most || gap.mean > mean || gap.most_alpha) {
                fail_msg("kind %zu, side %zu: %u, mean %.1f, alpha %u", kind,
                         side, gap.most, gap.mean, gap.most_alpha);
            }
            di_decoded_free(&decoded);
            di_raster_free(&picture);
            free(file.bytes);
        }
    }
}

static void lossless_files_keep_every_visible_sample(void **state)
{
    di_encode_t fast = {.lossless = 1, .fast = 1};

    gaps(&lossless, 0, 0);
    gaps(&fast, 0, 0);
}

static void lossy_files_stay_close_and_keep_alpha_exactly(void **state)
{
    di_encode_t fast = {.quality = 80, .fast = 1},
                sharp = {.quality = 80, .chroma = DI_CHROMA_444};

    gaps(&lossy, 60, 4.0);
    gaps(&fast, 60, 4.0);
    gaps(&sharp, 60, 4.0);
}

static void alpha_is_decoded_only_where_there_is_some(void **state)
{
    size_t i;

    for (i = 0; i < COUNT(kinds); i++) {
        di_raster_t picture = raster_waves(kinds[i], 20, 20), checked;
        di_blob_t file = encode(&picture, &lossy);

        assert_int_equal(di_webp_check(&checked, &file), DI_RENDER_OK);
        assert_int_equal(checked.samples,
                         kinds[i] == DI_GREY || kinds[i] == DI_RGB ? DI_RGB
                                                                   : DI_RGBA);
        di_raster_free(&checked);
        di_raster_free(&picture);
        free(file.bytes);
    }
}

static void the_same_picture_gives_the_same_bytes(void **state)
{
    const di_encode_t *hows[] = {&lossless, &lossy};
    size_t i;

    for (i = 0; i < COUNT(hows); i++) {
        di_raster_t picture = raster_waves(DI_RGBA, 90, 70);
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
    di_raster_t picture = raster_waves(DI_RGB, 200, 200);
    int quality;
    apr_size_t before = 0;

    for (quality = 1; quality <= 100; quality += 33) {
        di_encode_t how = {.quality = quality};
        di_blob_t file = encode(&picture, &how);

        assert_true(file.len > before);
        before = file.len;
        free(file.bytes);
    }
    di_raster_free(&picture);
}

static void a_side_above_16383_has_no_format(void **state)
{
    static const struct {
        unsigned width_px, height_px;
        di_render_status_e status;
    } cases[] = {{16383, 2, DI_RENDER_OK},
                 {2, 16383, DI_RENDER_OK},
                 {16384, 1, DI_RENDER_NO_FORMAT},
                 {1, 16384, DI_RENDER_NO_FORMAT}};
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        di_raster_t picture =
            raster_waves(DI_RGB, cases[i].width_px, cases[i].height_px);
        di_blob_t file = {0};

        assert_int_equal(di_webp_encode(&file, &picture, &lossy),
                         cases[i].status);
        assert_int_equal(file.bytes != NULL, cases[i].status == DI_RENDER_OK);
        free(file.bytes);
        di_raster_free(&picture);
    }
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
    size_t i, kind;

    for (i = 0; i < COUNT(hows) * 2; i++) {
        di_raster_t picture;
        di_blob_t file;
        apr_size_t len;

        kind = i & 1;
        picture = raster_waves(kind ? DI_RGBA : DI_RGB, 40, 30);
        file = encode(&picture, hows[i / 2]);
        for (len = 0; len < file.len; len++) {
            unsigned char *part = copy(file.bytes, len);
            di_decoded_t decoded;

            assert_int_equal(di_webp_decode(&decoded, part, len, 0, 0),
                             DI_RENDER_BROKEN);
            assert_null(decoded.picture.pixels);
            assert_int_equal(di_webp_decode(&decoded, part, len, 20, 15),
                             DI_RENDER_BROKEN);
            free(part);
        }
        di_raster_free(&picture);
        free(file.bytes);
    }
}

/* VP8 has no checksum, so that damage may decode to another picture. */
static void damage_gives_a_picture_or_is_told(void **state)
{
    const di_encode_t *hows[] = {&lossless, &lossy};
    size_t i, at, broken = 0;

    for (i = 0; i < COUNT(hows); i++) {
        di_raster_t picture = raster_waves(DI_RGBA, 33, 21);
        di_blob_t file = encode(&picture, hows[i]);

        for (at = 0; at < file.len; at++) {
            unsigned char *bad = copy(file.bytes, file.len);
            di_decoded_t decoded;
            di_render_status_e status;

            bad[at] ^= 0xFF;
            status = di_webp_decode(&decoded, bad, file.len, 33, 21);
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

static void the_decoder_scales(void **state)
{
    static const unsigned sizes[][2] = {{100, 60}, {50, 30}, {33, 20},
                                        {1, 1},    {100, 1}, {7, 60}};
    di_raster_t picture = raster_waves(DI_RGBA, 100, 60);
    di_blob_t file = encode(&picture, &lossy);
    size_t i;

    for (i = 0; i < COUNT(sizes); i++) {
        di_decoded_t decoded;

        assert_int_equal(di_webp_decode(&decoded, file.bytes, file.len,
                                        sizes[i][0], sizes[i][1]),
                         DI_RENDER_OK);
        assert_int_equal(decoded.picture.width_px, sizes[i][0]);
        assert_int_equal(decoded.picture.height_px, sizes[i][1]);
        di_decoded_free(&decoded);
    }
    di_raster_free(&picture);
    free(file.bytes);
}

/* "RIFF" size "WEBP", VP8X with these flags for 20 x 10 px, and the chunks of
   a plain file behind one of another kind. */
static unsigned char *extended(apr_size_t *len, unsigned flags,
                               const char *type, apr_size_t size,
                               const di_blob_t *plain)
{
    apr_size_t padded = size + (size & 1);
    unsigned char *made, *b;

    *len = 12 + 18 + 8 + padded + plain->len - 12;
    made = b = calloc(1, *len);
    assert_non_null(made);
    memcpy(b, "RIFF\0\0\0\0WEBPVP8X\x0A", 17);
    b[4] = (unsigned char)(*len - 8);
    b[5] = (unsigned char)((*len - 8) >> 8);
    b[20] = (unsigned char)flags;
    b[24] = 19;
    b[27] = 9;
    memcpy(b + 30, type, 4);
    b[34] = (unsigned char)size;
    memset(b + 38, 'p', size);
    memcpy(b + 38 + padded, plain->bytes + 12, plain->len - 12);
    return made;
}

#define VP8X_ICC 0x20
#define VP8X_ANIMATED 0x02

static void the_profile_is_handed_over(void **state)
{
    static const struct {
        const char *type;
        apr_size_t size, icc;
    } cases[] = {{"ICCP", 130, 130},
                 {"ICCP", 131, 131},
                 {"ICCP", 0, 0},
                 {"abcd", 130, 0}};
    di_raster_t picture = raster_waves(DI_RGB, 20, 10);
    di_blob_t plain = encode(&picture, &lossy);
    size_t i, at;

    for (i = 0; i < COUNT(cases); i++) {
        apr_size_t len;
        unsigned char *file =
            extended(&len, VP8X_ICC, cases[i].type, cases[i].size, &plain);
        di_decoded_t decoded;

        assert_int_equal(di_webp_decode(&decoded, file, len, 0, 0),
                         DI_RENDER_OK);
        assert_int_equal(decoded.icc.len, cases[i].icc);
        for (at = 0; at < decoded.icc.len; at++) {
            assert_int_equal(decoded.icc.bytes[at], 'p');
        }
        di_decoded_free(&decoded);
        free(file);
    }
    di_raster_free(&picture);
    free(plain.bytes);
}

static void an_animation_is_told(void **state)
{
    di_raster_t picture = raster_waves(DI_RGB, 20, 10);
    di_blob_t plain = encode(&picture, &lossy);
    apr_size_t len;
    unsigned char *file = extended(&len, VP8X_ANIMATED, "ANIM", 6, &plain);
    di_decoded_t decoded;

    assert_int_equal(di_webp_decode(&decoded, file, len, 0, 0),
                     DI_RENDER_ANIMATED);
    free(file);
    di_raster_free(&picture);
    free(plain.bytes);
}

/* In place of the library's. */
static int encoder_version = 0x010204, decoder_version = 0x010204;

int WebPGetEncoderVersion(void);
int WebPGetEncoderVersion(void)
{
    return encoder_version;
}

int WebPGetDecoderVersion(void);
int WebPGetDecoderVersion(void)
{
    return decoder_version;
}

static void encoder_and_decoder_are_in_the_version(void **state)
{
    unsigned before = di_webp_version();

    encoder_version++;
    assert_int_not_equal(di_webp_version(), before);
    decoder_version++;
    assert_int_not_equal(di_webp_version(), before);
    encoder_version--;
    assert_int_not_equal(di_webp_version(), before);
    decoder_version--;
    assert_int_equal(di_webp_version(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(lossless_files_keep_every_visible_sample),
        UNIT(lossy_files_stay_close_and_keep_alpha_exactly),
        UNIT(alpha_is_decoded_only_where_there_is_some),
        UNIT(the_same_picture_gives_the_same_bytes),
        UNIT(higher_quality_takes_more_bytes),
        UNIT(a_side_above_16383_has_no_format),
        UNIT(every_cut_is_broken),
        UNIT(damage_gives_a_picture_or_is_told),
        UNIT(the_decoder_scales),
        UNIT(the_profile_is_handed_over),
        UNIT(an_animation_is_told),
        UNIT(encoder_and_decoder_are_in_the_version),
    };

    return UNIT_RUN(tests);
}
