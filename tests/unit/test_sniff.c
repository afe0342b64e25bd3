/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "image/sniff.h"

typedef struct {
    const char *bytes;
    apr_size_t len;
    di_format_e format;
} sniff_case_t;

#define BYTES(text) text, sizeof(text) - 1

static const sniff_case_t cases[] = {
    {BYTES("\xff\xd8\xff\xe0\0\x10JFIF"), DI_FORMAT_JPEG},
    {BYTES("\xff\xd8\xff\xdb"), DI_FORMAT_JPEG},
    {BYTES("\xff\xd8"), DI_FORMAT_UNKNOWN},
    {BYTES("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), DI_FORMAT_PNG},
    {BYTES("\x89PNG\n\n\x1a\n"), DI_FORMAT_UNKNOWN},
    {BYTES("GIF89a\1\0"), DI_FORMAT_GIF},
    {BYTES("GIF87a\1\0"), DI_FORMAT_GIF},
    {BYTES("GIF8"), DI_FORMAT_UNKNOWN},
    {BYTES("RIFF\x10\0\0\0WEBPVP8 "), DI_FORMAT_WEBP},
    {BYTES("RIFF\x10\0\0\0WAVEfmt "), DI_FORMAT_UNKNOWN},
    {BYTES("II*\0\x08\0\0\0"), DI_FORMAT_TIFF},
    {BYTES("MM\0*\0\0\0\x08"), DI_FORMAT_TIFF},
    {BYTES("II+\0\x08\0\0\0"), DI_FORMAT_UNKNOWN},
    {BYTES("BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"), DI_FORMAT_BMP},
    {BYTES("BM\0\0\0\0\0\0\0\0\x36\0\0\0\x0c\0\0\0"), DI_FORMAT_BMP},
    {BYTES("BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0"), DI_FORMAT_UNKNOWN},
    {BYTES("BMW and other makers of cars"), DI_FORMAT_UNKNOWN},
    {BYTES("\xff\x0a\x0c\0"), DI_FORMAT_JXL},
    {BYTES("\0\0\0\x0cJXL \r\n\x87\n\0\0"), DI_FORMAT_JXL},
    {BYTES("\0\0\0\x0cjP  \r\n\x87\n\0\0"), DI_FORMAT_UNKNOWN},
    {BYTES("\0\0\0\x1c\x66typavif\0\0\0\0mif1avifmiaf"), DI_FORMAT_AVIF},
    {BYTES("\0\0\0\x1c\x66typmif1\0\0\0\0mif1miafavif"), DI_FORMAT_AVIF},
    {BYTES("\0\0\0\x1c\x66typavis\0\0\0\0msf1mif1miaf"), DI_FORMAT_AVIF},
    {BYTES("\0\0\0\x18\x66typheic\0\0\0\0mif1heic"), DI_FORMAT_HEIC},
    {BYTES("\0\0\0\x18\x66typmif1\0\0\0\0mif1heic"), DI_FORMAT_HEIC},
    {BYTES("\0\0\0\x18\x66typhevc\0\0\0\0msf1mif1"), DI_FORMAT_HEIC},
    /* The brand is not in the box, or is the version of one. */
    {BYTES("\0\0\0\x14\x66typmif1\0\0\0\0mif1heic"), DI_FORMAT_UNKNOWN},
    {BYTES("\0\0\0\x14\x66typmif1\x61vifmif1"), DI_FORMAT_UNKNOWN},
    {BYTES("\0\0\0\x18\x66typmp42\0\0\0\0mp42isom"), DI_FORMAT_UNKNOWN},
    {BYTES("%!PS-Adobe-3.0"), DI_FORMAT_UNKNOWN},
    {BYTES("<svg xmlns=\"\">"), DI_FORMAT_UNKNOWN},
    {BYTES(""), DI_FORMAT_UNKNOWN},
};

static void formats_are_told_by_their_first_bytes(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (di_sniff(cases[i].bytes, cases[i].len) != cases[i].format) {
            fail_msg("case %zu", i);
        }
    }
}

static void only_picture_types_are_candidates(void **state)
{
    assert_true(di_format_is_candidate("image/jpeg"));
    assert_true(di_format_is_candidate("IMAGE/PNG; x=y"));
    assert_true(di_format_is_candidate("image/webp"));
    assert_false(di_format_is_candidate("image/svg+xml"));
    assert_false(di_format_is_candidate("image/jpe"));
    assert_false(di_format_is_candidate("image/jpegx"));
    assert_false(di_format_is_candidate("text/html"));
    assert_false(di_format_is_candidate(NULL));
    assert_string_equal(di_format_type(DI_FORMAT_GIF), "image/gif");
    assert_null(di_format_type(DI_FORMAT_UNKNOWN));
    assert_int_equal(di_format_of_type("Image/WebP;a=b"), DI_FORMAT_WEBP);
    assert_int_equal(di_format_of_type("image/svg+xml"), DI_FORMAT_UNKNOWN);
    assert_int_equal(di_format_of_type(NULL), DI_FORMAT_UNKNOWN);
    assert_null(di_format_type(DI_FORMAT_END));
}

static void every_format_has_a_type_that_is_a_candidate(void **state)
{
    static const char *const others[] = {"image/apng", "image/x-ms-bmp",
                                         "image/heif"};
    int format;
    size_t i;

    for (format = DI_FORMAT_JPEG; format < DI_FORMAT_END; format++) {
        assert_true(
            di_format_is_candidate(di_format_type((di_format_e)format)));
    }
    for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
        assert_true(di_format_is_candidate(others[i]));
    }
    assert_string_equal(di_format_type(DI_FORMAT_PNG), "image/png");
    assert_string_equal(di_format_type(DI_FORMAT_BMP), "image/bmp");
    assert_string_equal(di_format_type(DI_FORMAT_HEIC), "image/heic");
}

static void no_byte_past_the_length_is_looked_at(void **state)
{
    size_t i, len;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        for (len = 0; len < cases[i].len; len++) {
            char *head = test_malloc(len + !len);

            memcpy(head, cases[i].bytes, len);
            (void)di_sniff(head, len);
            test_free(head);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(formats_are_told_by_their_first_bytes),
        UNIT(only_picture_types_are_candidates),
        UNIT(every_format_has_a_type_that_is_a_candidate),
        UNIT(no_byte_past_the_length_is_looked_at),
    };

    return UNIT_RUN(tests);
}
