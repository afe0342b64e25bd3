/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <apr_strings.h>

#include "render/pngcolor.h"

/* A PNG made of chunks: each word is a type; data are two bytes, CRC zero. */
static unsigned char *png(apr_size_t *len, const char *types, apr_pool_t *p)
{
    unsigned char *out = apr_pcalloc(p, 8 + (strlen(types) + 1) / 5 * 14),
                  *b = out + 8;
    const char *type;

    memcpy(out, "\x89PNG\r\n\x1A\n", 8);
    for (type = types; *type; type += type[4] ? 5 : 4, b += 14) {
        b[3] = 2;
        memcpy(b + 4, type, 4);
        memcpy(b + 8, type, 2);
    }
    *len = (apr_size_t)(b - out);
    return out;
}

typedef struct {
    const char *encoded, *original, *merged;
} merge_case_t;

static const merge_case_t cases[] = {
    {"IHDR IDAT IEND", "IHDR IDAT IEND", "IHDR IDAT IEND"},
    {"IHDR gAMA bKGD pHYs PLTE tRNS IDAT IDAT tEXt IEND", "IHDR IDAT IEND",
     "IHDR PLTE tRNS IDAT IDAT IEND"},
    {"IHDR IDAT IEND",
     "IHDR iCCP cICP sRGB gAMA cHRM eXIf tIME tEXt PLTE IDAT IEND",
     "IHDR iCCP cICP sRGB gAMA cHRM eXIf IDAT IEND"},
    {"IHDR gAMA IDAT IEND", "IHDR gAMA IDAT gAMA eXIf IEND",
     "IHDR gAMA IDAT IEND"},
    {"IHDR IDAT IEND IDAT", "", "IHDR IDAT IEND"},
    {"IHDR IDAT", "IHDR IDAT IEND", NULL},
    {"IDAT IEND", "IHDR IDAT IEND", NULL},
    {"", "IHDR IDAT IEND", NULL},
};

static void pixels_come_from_one_file_and_colors_from_the_other(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const merge_case_t *c = &cases[i];
        apr_size_t encoded_len, original_len, wanted_len = 0, len;
        unsigned char *encoded = png(&encoded_len, c->encoded, *state);
        unsigned char *original = png(&original_len, c->original, *state);
        unsigned char *wanted =
            c->merged ? png(&wanted_len, c->merged, *state) : NULL;
        unsigned char *out = test_malloc(encoded_len + original_len);

        len = di_pngcolor_merge(out, encoded, encoded_len, original,
                                original_len);
        if (len != wanted_len || (len && memcmp(out, wanted, len))) {
            fail_msg("case %zu: %zu bytes", i, (size_t)len);
        }
        test_free(out);
    }
}

static void a_cut_file_on_either_side_overruns_nothing(void **state)
{
    apr_size_t len, cut;
    unsigned char *whole = png(&len, "IHDR iCCP gAMA IDAT IEND", *state);

    for (cut = 0; cut <= len; cut++) {
        unsigned char *part = test_malloc(cut + 1);
        unsigned char *out = test_malloc(cut + len);

        memcpy(part, whole, cut);
        assert_int_equal(di_pngcolor_merge(out, part, cut, whole, len) != 0,
                         cut == len);
        assert_int_not_equal(di_pngcolor_merge(out, whole, len, part, cut), 0);
        test_free(part);
        test_free(out);
    }
}

static void a_profile_counts_only_in_front_of_the_pixels(void **state)
{
    apr_size_t len;
    unsigned char *file = png(&len, "IHDR gAMA iCCP IDAT IEND", *state);

    assert_int_equal(di_pngcolor_has_profile(file, len), 1);
    file = png(&len, "IHDR IDAT iCCP IEND", *state);
    assert_int_equal(di_pngcolor_has_profile(file, len), 0);
    assert_int_equal(di_pngcolor_has_profile(file, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(pixels_come_from_one_file_and_colors_from_the_other),
        UNIT(a_cut_file_on_either_side_overruns_nothing),
        UNIT(a_profile_counts_only_in_front_of_the_pixels),
    };

    return UNIT_RUN(tests);
}
