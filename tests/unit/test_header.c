/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "render/header.h"

#define EXIF "MM\0*\0\0\0\x08\0\x01\x01\x12"
#define EXIF_LEN 26

typedef struct {
    const char *file;
    di_format_e format;
    apr_uint32_t frames, channels, scans, profile_bytes, orientation;
    int animated, progressive, alpha;
    apr_size_t exif_len;
} header_case_t;

/* All are 24 x 16 px, but for grids, of four tiles of 64 x 64 px. */
static const header_case_t cases[] = {
    {"header_jpeg/rgb", DI_FORMAT_JPEG, 1, 3, 1, 0, 1, 0, 0, 0, 0},
    {"header_jpeg/grey", DI_FORMAT_JPEG, 1, 1, 1, 0, 1, 0, 0, 0, 0},
    {"header_jpeg/cmyk", DI_FORMAT_JPEG, 1, 4, 1, 0, 1, 0, 0, 0, 0},
    {"header_jpeg/progressive", DI_FORMAT_JPEG, 1, 3, 10, 0, 1, 0, 1, 0, 0},
    {"header_jpeg/restart", DI_FORMAT_JPEG, 1, 3, 1, 0, 1, 0, 0, 0, 0},
    {"header_jpeg/profile", DI_FORMAT_JPEG, 1, 3, 1, 124, 1, 0, 0, 0, 0},
    {"header_jpeg/exif", DI_FORMAT_JPEG, 1, 3, 1, 0, 1, 0, 0, 0, EXIF_LEN},
    {"header_png/rgb", DI_FORMAT_PNG, 1, 3, 1, 0, 1, 0, 0, 0, 0},
    {"header_png/grey", DI_FORMAT_PNG, 1, 1, 1, 0, 1, 0, 0, 0, 0},
    {"header_png/palette", DI_FORMAT_PNG, 1, 3, 1, 0, 1, 0, 0, 0, 0},
    {"header_png/alpha", DI_FORMAT_PNG, 1, 3, 1, 0, 1, 0, 0, 1, 0},
    {"header_png/trns", DI_FORMAT_PNG, 1, 3, 1, 0, 1, 0, 0, 1, 0},
    {"header_png/interlaced", DI_FORMAT_PNG, 1, 3, 1, 0, 1, 0, 1, 0, 0},
    {"header_png/animated", DI_FORMAT_PNG, 2, 3, 1, 0, 1, 1, 0, 1, 0},
    {"header_png/profile", DI_FORMAT_PNG, 1, 3, 1, 44, 1, 0, 0, 0, 0},
    {"header_png/exif-first", DI_FORMAT_PNG, 1, 3, 1, 0, 1, 0, 0, 0, EXIF_LEN},
    {"header_png/exif-last", DI_FORMAT_PNG, 1, 3, 1, 0, 1, 0, 0, 0, EXIF_LEN},
    {"header_gif/one", DI_FORMAT_GIF, 1, 3, 1, 0, 1, 0, 0, 0, 0},
    {"header_gif/alpha", DI_FORMAT_GIF, 1, 3, 1, 0, 1, 0, 0, 1, 0},
    {"header_gif/interlaced", DI_FORMAT_GIF, 1, 3, 1, 0, 1, 0, 1, 0, 0},
    {"header_gif/animated", DI_FORMAT_GIF, 2, 3, 1, 0, 1, 1, 0, 0, 0},
    {"header_webp/lossy", DI_FORMAT_WEBP, 1, 0, 1, 0, 1, 0, 0, 0, 0},
    {"header_webp/lossless", DI_FORMAT_WEBP, 1, 0, 1, 0, 1, 0, 0, 0, 0},
    {"header_webp/alpha", DI_FORMAT_WEBP, 1, 0, 1, 0, 1, 0, 0, 1, 0},
    {"header_webp/lossless-alpha", DI_FORMAT_WEBP, 1, 0, 1, 0, 1, 0, 0, 1, 0},
    {"header_webp/animated", DI_FORMAT_WEBP, 2, 0, 1, 0, 1, 1, 0, 0, 0},
    {"header_webp/profile", DI_FORMAT_WEBP, 1, 0, 1, 124, 1, 0, 0, 0, 0},
    {"header_webp/exif", DI_FORMAT_WEBP, 1, 0, 1, 0, 1, 0, 0, 0, EXIF_LEN},
    {"header_webp/exif-named", DI_FORMAT_WEBP, 1, 0, 1, 0, 1, 0, 0, 0,
     EXIF_LEN},
    {"header_tiff/rgb", DI_FORMAT_TIFF, 1, 3, 1, 0, 1, 0, 0, 0, 1436},
    {"header_tiff/big-endian", DI_FORMAT_TIFF, 1, 3, 1, 0, 1, 0, 0, 0, 640},
    {"header_tiff/grey", DI_FORMAT_TIFF, 1, 1, 1, 0, 1, 0, 0, 0, 686},
    {"header_tiff/cmyk", DI_FORMAT_TIFF, 1, 4, 1, 0, 1, 0, 0, 0, 796},
    {"header_tiff/alpha", DI_FORMAT_TIFF, 1, 3, 1, 0, 1, 0, 0, 1, 506},
    {"header_tiff/tiles", DI_FORMAT_TIFF, 1, 3, 1, 0, 1, 0, 0, 0, 1840},
    {"header_tiff/strips", DI_FORMAT_TIFF, 1, 3, 1, 0, 1, 0, 0, 0, 680},
    {"header_tiff/pages", DI_FORMAT_TIFF, 2, 3, 1, 0, 1, 0, 0, 0, 722},
    {"header_tiff/profile", DI_FORMAT_TIFF, 1, 3, 1, 124, 1, 0, 0, 0, 570},
    {"header_bmp/rgb", DI_FORMAT_BMP, 1, 3, 1, 0, 1, 0, 0, 0, 0},
    {"header_bmp/palette", DI_FORMAT_BMP, 1, 3, 1, 0, 1, 0, 0, 0, 0},
    {"header_bmp/rle4", DI_FORMAT_BMP, 1, 3, 1, 0, 1, 0, 0, 0, 0},
    {"header_bmp/rle8", DI_FORMAT_BMP, 1, 3, 1, 0, 1, 0, 0, 0, 0},
    {"header_bmp/os2", DI_FORMAT_BMP, 1, 3, 1, 0, 1, 0, 0, 0, 0},
    {"header_bmp/top-down", DI_FORMAT_BMP, 1, 3, 1, 0, 1, 0, 0, 0, 0},
    {"header_bmp/alpha", DI_FORMAT_BMP, 1, 3, 1, 0, 1, 0, 0, 1, 0},
    {"header_bmp/profile", DI_FORMAT_BMP, 1, 3, 1, 124, 1, 0, 0, 0, 0},
    {"header_heif/avif", DI_FORMAT_AVIF, 1, 3, 1, 0, 1, 0, 0, 0, 0},
    {"header_heif/avif-grey", DI_FORMAT_AVIF, 1, 1, 1, 0, 1, 0, 0, 0, 0},
    {"header_heif/avif-alpha", DI_FORMAT_AVIF, 1, 3, 1, 0, 1, 0, 0, 1, 0},
    {"header_heif/avif-profile", DI_FORMAT_AVIF, 1, 3, 1, 124, 1, 0, 0, 0, 0},
    {"header_heif/avif-exif-turned", DI_FORMAT_AVIF, 1, 3, 1, 0, 5, 0, 0, 0,
     EXIF_LEN},
    {"header_heif/avif-grid", DI_FORMAT_AVIF, 1, 3, 1, 0, 1, 0, 0, 0, 0},
    {"header_heif/avif-sequence", DI_FORMAT_AVIF, 3, 3, 1, 0, 1, 1, 0, 1, 0},
    {"header_heif/heic", DI_FORMAT_HEIC, 1, 3, 1, 0, 1, 0, 0, 0, 0},
    {"header_heif/heic-grey", DI_FORMAT_HEIC, 1, 1, 1, 0, 1, 0, 0, 0, 0},
    {"header_heif/heic-alpha", DI_FORMAT_HEIC, 1, 3, 1, 0, 1, 0, 0, 1, 0},
    {"header_heif/heic-two", DI_FORMAT_HEIC, 2, 3, 1, 0, 1, 0, 0, 1, 0},
    {"header_heif/heic-thumbnail", DI_FORMAT_HEIC, 1, 3, 1, 0, 1, 0, 0, 0, 0},
    {"header_jxl/bare", DI_FORMAT_JXL, 1, 3, 1, 0, 1, 0, 0, 0, 0},
    {"header_jxl/bare-grey", DI_FORMAT_JXL, 1, 1, 1, 0, 1, 0, 0, 0, 0},
    {"header_jxl/bare-alpha", DI_FORMAT_JXL, 1, 3, 1, 0, 1, 0, 0, 1, 0},
    {"header_jxl/bare-animated", DI_FORMAT_JXL, 2, 3, 1, 0, 1, 1, 0, 1, 0},
    {"header_jxl/boxes", DI_FORMAT_JXL, 1, 3, 1, 0, 1, 0, 0, 0, 0},
    {"header_jxl/boxes-alpha", DI_FORMAT_JXL, 1, 3, 1, 0, 1, 0, 0, 1, 0},
    {"header_jxl/boxes-exif", DI_FORMAT_JXL, 1, 3, 1, 0, 1, 0, 0, 0, EXIF_LEN},
    {"header_jxl/parts", DI_FORMAT_JXL, 1, 3, 1, 0, 1, 0, 0, 0, EXIF_LEN},
    {"header_jxl/parts-turned", DI_FORMAT_JXL, 1, 3, 1, 0, 6, 0, 0, 0, 0},
};

#define CASES (sizeof(cases) / sizeof(*cases))

static di_render_status_e read_fixture(di_header_t *out, di_format_e format,
                                       const fixture_t *f)
{
    return di_header_read(out, format, f->bytes, f->len);
}

static void assert_case(const header_case_t *c, const di_header_t *h,
                        const fixture_t *f)
{
    unsigned side_px = strstr(c->file, "grid") ? 128 : 0;

    if (h->format != c->format || h->width_px != (side_px ? side_px : 24) ||
        h->height_px != (side_px ? side_px : 16) || h->frames != c->frames ||
        h->channels != c->channels || h->scans != c->scans ||
        h->profile_bytes != c->profile_bytes ||
        h->orientation != c->orientation || h->animated != c->animated ||
        h->progressive != c->progressive || h->alpha != c->alpha ||
        h->exif.len != c->exif_len) {
        fail_msg("%s: %ux%u frames %u channels %u scans %u profile %u "
                 "orientation %u animated %d progressive %d alpha %d exif %zu",
                 c->file, h->width_px, h->height_px, h->frames, h->channels,
                 h->scans, h->profile_bytes, h->orientation, h->animated,
                 h->progressive, h->alpha, (size_t)h->exif.len);
    }
    if (c->exif_len == EXIF_LEN) {
        assert_memory_equal(f->bytes + h->exif.at, EXIF, sizeof(EXIF) - 1);
    }
}

static void the_header_of_each_kind_of_picture_is_read(void **state)
{
    size_t i;

    for (i = 0; i < CASES; i++) {
        fixture_t f = fixture_read(cases[i].file, *state);
        di_header_t header;

        if (read_fixture(&header, cases[i].format, &f) != DI_RENDER_OK) {
            fail_msg("%s is not read", cases[i].file);
        }
        assert_case(&cases[i], &header, &f);
    }
}

/* Frames of a bare JPEG XL codestream do not tell their length. */
static int shows_its_end(const header_case_t *c)
{
    return strncmp(c->file, "header_jxl/bare", 15) != 0;
}

static void a_picture_cut_anywhere_is_refused(void **state)
{
    size_t i, len;

    for (i = 0; i < CASES; i++) {
        fixture_t f = fixture_read(cases[i].file, *state);

        for (len = 0; len < f.len; len++) {
            unsigned char *cut = test_malloc(len + !len);
            di_header_t header;
            int read;

            memcpy(cut, f.bytes, len);
            read = di_header_read(&header, cases[i].format, cut, len) ==
                   DI_RENDER_OK;
            if (read && (shows_its_end(&cases[i]) || len < 5)) {
                fail_msg("%s cut at %zu", cases[i].file, len);
            }
            test_free(cut);
        }
    }
}

static void bytes_of_another_kind_are_unsupported(void **state)
{
    static const char *const others[] = {
        "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
        "%!PS-Adobe-3.0\nshowpage\n",
        "P6 1 1 255\n...",
        "",
        "x",
        "\xFF\xD8",
        "....ftypisom....isommp42"};
    di_header_t header;
    size_t i;
    int format;

    for (format = DI_FORMAT_UNKNOWN; format <= DI_FORMAT_END; format++) {
        for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
            assert_int_equal(
                di_header_read(&header, (di_format_e)format,
                               (const unsigned char *)others[i],
                               strlen(others[i])),
                i == 6 && (format == DI_FORMAT_AVIF || format == DI_FORMAT_HEIC)
                    ? DI_RENDER_BROKEN
                    : DI_RENDER_UNSUPPORTED);
        }
    }
}

static void a_picture_of_another_format_is_unsupported(void **state)
{
    size_t i;
    int format;

    for (i = 0; i < CASES; i++) {
        fixture_t f = fixture_read(cases[i].file, *state);
        di_header_t header;

        for (format = DI_FORMAT_UNKNOWN; format <= DI_FORMAT_END; format++) {
            assert_int_equal(read_fixture(&header, (di_format_e)format, &f),
                             format == (int)cases[i].format
                                 ? DI_RENDER_OK
                                 : DI_RENDER_UNSUPPORTED);
        }
    }
}

static void kinds_that_no_renderer_takes_are_unsupported(void **state)
{
    static const struct {
        const char *file;
        di_format_e format;
    } kinds[] = {{"header_jpeg/arithmetic", DI_FORMAT_JPEG},
                 {"header_tiff/bigtiff", DI_FORMAT_TIFF},
                 {"header_bmp/jpeg-inside", DI_FORMAT_BMP}};
    size_t i;
    di_header_t header;

    for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        fixture_t f = fixture_read(kinds[i].file, *state);

        assert_int_equal(read_fixture(&header, kinds[i].format, &f),
                         DI_RENDER_UNSUPPORTED);
    }
}

static void twelve_bits_in_a_jpeg_are_unsupported(void **state)
{
    fixture_t f = fixture_read("header_jpeg/rgb", *state);
    unsigned char *frame = fixture_find(&f, "\xFF\xC0\0\x11", 1);
    di_header_t header;

    frame[4] = 12;
    assert_int_equal(read_fixture(&header, DI_FORMAT_JPEG, &f),
                     DI_RENDER_UNSUPPORTED);
}

static void each_limit_is_held_in_turn(void **state)
{
    static const di_render_status_e order[] = {DI_RENDER_TOO_MANY_BYTES,
                                               DI_RENDER_TOO_MANY_PIXELS,
                                               DI_RENDER_TOO_LONG_SIDE,
                                               DI_RENDER_TOO_MANY_FRAMES,
                                               DI_RENDER_TOO_MANY_SCANS,
                                               DI_RENDER_TOO_LARGE_PROFILE,
                                               DI_RENDER_OK};
    di_header_t header = {.width_px = 100,
                          .height_px = 200,
                          .frames = 3,
                          .scans = 7,
                          .profile_bytes = 11};
    di_limits_t limits = {49, 59999, 199, 2, 6, 10};
    int i;

    for (i = 0; i < 7; i++) {
        assert_int_equal(di_header_check(&header, 50, &limits), order[i]);
        limits.max_bytes += i == 0;
        limits.max_pixels += i == 1;
        limits.max_side_px += i == 2;
        limits.max_frames += i == 3;
        limits.max_scans += i == 4;
        limits.max_profile_bytes += i == 5;
    }
}

static void no_limit_allows_a_side_over_that_of_a_jpeg(void **state)
{
    static const di_limits_t none = {APR_UINT64_MAX, APR_UINT64_MAX,
                                     APR_UINT32_MAX, APR_UINT32_MAX,
                                     APR_UINT32_MAX, APR_UINT32_MAX};
    di_header_t header = {
        .width_px = 1, .height_px = DI_SIDE_MAX_PX, .frames = 1, .scans = 1};

    assert_int_equal(di_header_check(&header, 1, &none), DI_RENDER_OK);
    header.height_px++;
    assert_int_equal(di_header_check(&header, 1, &none),
                     DI_RENDER_TOO_LONG_SIDE);
}

static void a_product_over_64_bits_is_too_many_pixels(void **state)
{
    static const di_limits_t limits = {
        1, APR_UINT64_MAX / 2, APR_UINT32_MAX, APR_UINT32_MAX, 1, 1};
    di_header_t header = {.width_px = APR_UINT32_MAX,
                          .height_px = APR_UINT32_MAX,
                          .frames = 100000,
                          .scans = 1};

    assert_int_equal(di_header_check(&header, 1, &limits),
                     DI_RENDER_TOO_MANY_PIXELS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(the_header_of_each_kind_of_picture_is_read),
        UNIT(a_picture_cut_anywhere_is_refused),
        UNIT(bytes_of_another_kind_are_unsupported),
        UNIT(a_picture_of_another_format_is_unsupported),
        UNIT(kinds_that_no_renderer_takes_are_unsupported),
        UNIT(twelve_bits_in_a_jpeg_are_unsupported),
        UNIT(each_limit_is_held_in_turn),
        UNIT(no_limit_allows_a_side_over_that_of_a_jpeg),
        UNIT(a_product_over_64_bits_is_too_many_pixels),
    };

    return UNIT_RUN(tests);
}
