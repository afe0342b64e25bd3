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
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(formats_are_told_by_their_first_bytes),
        UNIT(only_picture_types_are_candidates),
    };

    return UNIT_RUN(tests);
}
