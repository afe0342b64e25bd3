/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "pictures.h"
#include "render/header.h"

typedef struct {
    di_format_e format;
    const char *coder;
    unsigned width, height, flags;
    unsigned frames, channels; /* expected */
} header_case_t;

static const header_case_t cases[] = {
    {DI_FORMAT_JPEG, "JPEG", 64, 48, 0, 1, 3},
    {DI_FORMAT_JPEG, "JPEG", 64, 48, PICTURE_GRAY, 1, 1},
    {DI_FORMAT_JPEG, "JPEG", 64, 48, PICTURE_CMYK, 1, 4},
    {DI_FORMAT_JPEG, "JPEG", 64, 48, PICTURE_PROGRESSIVE, 1, 3},
    {DI_FORMAT_JPEG, "JPEG", 64, 48, PICTURE_NOISE | PICTURE_ICC, 1, 3},
    {DI_FORMAT_PNG, "PNG", 33, 21, 0, 1, 3},
    {DI_FORMAT_PNG, "PNG", 33, 21, PICTURE_GRAY, 1, 1},
    {DI_FORMAT_PNG, "PNG", 33, 21, PICTURE_ALPHA, 1, 3},
    {DI_FORMAT_GIF, "GIF", 40, 30, 0, 1, 3},
    {DI_FORMAT_GIF, "GIF", 40, 30, PICTURE_FRAMES, 2, 3},
    {DI_FORMAT_WEBP, "WEBP", 50, 20, 0, 1, 0},
    {DI_FORMAT_WEBP, "WEBP", 50, 20, PICTURE_ALPHA, 1, 0},
};

#define CASES (sizeof(cases) / sizeof(*cases))

static void the_header_of_each_kind_of_picture_is_read(void **state)
{
    size_t i;

    for (i = 0; i < CASES; i++) {
        const header_case_t *c = &cases[i];
        picture_t picture =
            picture_make(c->coder, c->width, c->height, c->flags, *state);
        di_header_t header;

        assert_int_equal(
            di_header_read(&header, c->format, picture.bytes, picture.len),
            DI_RENDER_OK);
        assert_int_equal(header.width_px, c->width);
        assert_int_equal(header.height_px, c->height);
        assert_int_equal(header.frames, c->frames);
        assert_int_equal(header.channels, c->channels);
        assert_int_equal(header.icc.len, c->flags & PICTURE_ICC ? 4000 : 0);
    }
}

static void a_picture_cut_anywhere_is_refused(void **state)
{
    size_t i, len;

    for (i = 0; i < CASES; i++) {
        const header_case_t *c = &cases[i];
        picture_t picture =
            picture_make(c->coder, c->width, c->height, c->flags, *state);

        for (len = 0; len < picture.len; len++) {
            unsigned char *cut = test_malloc(len + 1);
            di_header_t header;

            memcpy(cut, picture.bytes, len);
            if (di_header_read(&header, c->format, cut, len) == DI_RENDER_OK) {
                fail_msg("case %zu cut at %zu of %zu", i, len,
                         (size_t)picture.len);
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
        "BM......................................"};
    di_header_t header;
    size_t i;
    int format;

    for (format = DI_FORMAT_UNKNOWN; format <= DI_FORMAT_WEBP; format++) {
        for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
            assert_int_equal(di_header_read(&header, (di_format_e)format,
                                            (const unsigned char *)others[i],
                                            strlen(others[i])),
                             DI_RENDER_UNSUPPORTED);
        }
    }
}

static void a_picture_of_another_format_is_unsupported(void **state)
{
    size_t i;
    int format;

    for (i = 0; i < CASES; i++) {
        const header_case_t *c = &cases[i];
        picture_t picture =
            picture_make(c->coder, c->width, c->height, c->flags, *state);
        di_header_t header;

        for (format = DI_FORMAT_JPEG; format <= DI_FORMAT_WEBP; format++) {
            assert_int_equal(di_header_read(&header, (di_format_e)format,
                                            picture.bytes, picture.len),
                             format == (int)c->format ? DI_RENDER_OK
                                                      : DI_RENDER_UNSUPPORTED);
        }
    }
}

static void an_animated_png_has_more_than_one_frame(void **state)
{
    static const unsigned char actl[20] = {0,   0,   0, 8, 'a', 'c',
                                           'T', 'L', 0, 0, 0,   2};
    picture_t picture = picture_make("PNG", 20, 20, 0, *state);
    di_header_t header;

    picture = picture_insert(&picture, 33, actl, sizeof(actl), *state);
    assert_int_equal(
        di_header_read(&header, DI_FORMAT_PNG, picture.bytes, picture.len),
        DI_RENDER_OK);
    assert_int_equal(header.frames, 2);
}

static void an_animated_webp_has_more_than_one_frame(void **state)
{
    static const unsigned char webp[] = {
        'R', 'I', 'F', 'F', 22, 0, 0, 0, 'W', 'E', 'B', 'P', 'V', 'P', '8',
        'X', 10,  0,   0,   0,  2, 0, 0, 0,   99,  0,   0,   49,  0,   0};
    di_header_t header;

    assert_int_equal(
        di_header_read(&header, DI_FORMAT_WEBP, webp, sizeof(webp)),
        DI_RENDER_OK);
    assert_int_equal(header.frames, 2);
    assert_int_equal(header.width_px, 100);
    assert_int_equal(header.height_px, 50);
}

static void exif_is_found_behind_other_segments(void **state)
{
    static const unsigned char exif[] = {0xFF, 0xE1, 0, 12,  'E', 'x', 'i',
                                         'f',  0,    0, 'M', 'M', 0,   '*'};
    picture_t picture = picture_make("JPEG", 20, 20, PICTURE_COMMENT, *state);
    di_header_t header;

    picture = picture_insert(&picture, 20, exif, sizeof(exif), *state);
    assert_int_equal(
        di_header_read(&header, DI_FORMAT_JPEG, picture.bytes, picture.len),
        DI_RENDER_OK);
    assert_int_equal(header.exif.len, 4);
    assert_memory_equal(picture.bytes + header.exif.at, "MM\0*", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(the_header_of_each_kind_of_picture_is_read),
        UNIT(a_picture_cut_anywhere_is_refused),
        UNIT(bytes_of_another_kind_are_unsupported),
        UNIT(a_picture_of_another_format_is_unsupported),
        UNIT(an_animated_png_has_more_than_one_frame),
        UNIT(an_animated_webp_has_more_than_one_frame),
        UNIT(exif_is_found_behind_other_segments),
    };

    return UNIT_RUN(tests);
}
