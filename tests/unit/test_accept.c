/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <apr_strings.h>

#include "image/accept.h"

#define J DI_FORMAT_SET(JPEG)
#define P DI_FORMAT_SET(PNG)
#define W DI_FORMAT_SET(WEBP)
#define A DI_FORMAT_SET(AVIF)
#define X DI_FORMAT_SET(JXL)

typedef struct {
    const char *accept;
    di_format_e original;
    unsigned set;
} accept_case_t;

static void check(const accept_case_t *cases, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        unsigned set = di_accept_formats(cases[i].accept, cases[i].original);
        if (set != cases[i].set) {
            fail_msg("\"%s\" for format %d: %x, not %x",
                     cases[i].accept ? cases[i].accept : "(none)",
                     cases[i].original, set, cases[i].set);
        }
    }
}

#define CHECK(cases) check(cases, sizeof(cases) / sizeof(*cases))

/* What the browsers send with the request of an <img>. */
static void browsers_get_what_they_name(void **state)
{
    static const char chrome[] = "image/avif,image/webp,image/apng,"
                                 "image/svg+xml,image/*,*/*;q=0.8";
    static const char firefox[] = "image/avif,image/webp,image/png,"
                                  "image/svg+xml,image/*;q=0.8,*/*;q=0.5";
    static const char safari[] =
        "image/webp,image/avif,image/jxl,image/heic,image/heic-sequence,"
        "video/*;q=0.8,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5";
    static const char old_safari[] =
        "image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5";
    static const accept_case_t cases[] = {
        {chrome, DI_FORMAT_JPEG, J | P | W | A},
        {chrome, DI_FORMAT_PNG, J | P | W | A},
        {chrome, DI_FORMAT_AVIF, J | P | W | A},
        {firefox, DI_FORMAT_JPEG, J | P | W | A},
        {firefox, DI_FORMAT_PNG, J | P | W | A},
        {firefox, DI_FORMAT_GIF, J | P | W | A},
        {safari, DI_FORMAT_JPEG, J | P | W | A | X},
        {safari, DI_FORMAT_HEIC, J | P | W | A | X},
        {old_safari, DI_FORMAT_JPEG, J | P},
        {"*/*", DI_FORMAT_JPEG, J | P}, /* curl */
        {"*/*", DI_FORMAT_WEBP, J | P},
        {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,"
         "image/webp,image/apng,*/*;q=0.8,"
         "application/signed-exchange;v=b3;q=0.7",
         DI_FORMAT_JPEG, J | P | W | A}, /* Chrome, opened by itself */
    };

    CHECK(cases);
}

static void jpeg_and_png_are_taken_unless_refused(void **state)
{
    static const accept_case_t cases[] = {
        {NULL, DI_FORMAT_JPEG, J | P},
        {"", DI_FORMAT_JPEG, J | P},
        {"text/html", DI_FORMAT_JPEG, J | P},
        {"image/png", DI_FORMAT_PNG, J | P},
        {"image/jpeg;q=0", DI_FORMAT_JPEG, P},
        {"image/*;q=0", DI_FORMAT_JPEG, 0},
        {"*/*;q=0", DI_FORMAT_JPEG, 0},
        {"*/*;q=0, image/webp", DI_FORMAT_JPEG, W},
        {"image/*;q=0.000, image/jpeg;q=0.001", DI_FORMAT_JPEG, J},
        {"*/*;q=0, image/*;q=0.1", DI_FORMAT_JPEG, J | P},
    };

    CHECK(cases);
}

static void the_most_specific_range_decides(void **state)
{
    static const accept_case_t cases[] = {
        {"image/webp;q=0.5", DI_FORMAT_JPEG, J | P | W},
        {"image/webp;q=0.5,image/jpeg;q=0.6", DI_FORMAT_JPEG, J | P},
        {"image/webp;q=0.5,image/jpeg;q=0.6", DI_FORMAT_PNG, J | P | W},
        {"image/webp;q=0.5,image/jpeg;q=0.5", DI_FORMAT_JPEG, J | P | W},
        {"image/webp;q=0.5,image/*", DI_FORMAT_JPEG, J | P},
        {"image/webp;q=0.5,image/jpeg;q=0.4,image/*", DI_FORMAT_JPEG,
         J | P | W},
        {"image/webp;q=0.5,image/*;q=0.4,*/*", DI_FORMAT_JPEG, J | P | W},
        {"*/*,image/*;q=0.4,image/webp;q=0.5", DI_FORMAT_JPEG, J | P | W},
        {"image/webp;q=0,image/*", DI_FORMAT_JPEG, J | P},
        {"image/webp;q=0,image/webp;q=1", DI_FORMAT_JPEG, J | P | W},
        {"image/webp;q=0.5,image/heif", DI_FORMAT_HEIC, J | P},
        {"image/jxl", DI_FORMAT_JPEG, J | P | X},
        {"image/avif", DI_FORMAT_JPEG, J | P | A},
        {"image/avif;q=0.5,image/jpeg;q=0.6", DI_FORMAT_JPEG, J | P},
        {"image/avif;q=0,image/*", DI_FORMAT_JPEG, J | P},
        {"image/avif-sequence", DI_FORMAT_JPEG, J | P},
        {"image/webp", DI_FORMAT_UNKNOWN, J | P | W},
    };

    CHECK(cases);
}

static void the_grammar_is_that_of_rfc_9110(void **state)
{
    static const accept_case_t fine[] = {
        {"IMAGE/WebP;Q=1", DI_FORMAT_JPEG, J | P | W},
        {" \timage/webp \t; \tq=0.5\t , ,,image/jxl", DI_FORMAT_JPEG,
         J | P | W | X},
        {"image/webp;q=1.", DI_FORMAT_JPEG, J | P | W},
        {"image/webp;q=1.000", DI_FORMAT_JPEG, J | P | W},
        {"image/webp;q=0.001", DI_FORMAT_JPEG, J | P | W},
        {"image/webp;;q=0.5;", DI_FORMAT_JPEG, J | P | W},
        {"image/webp;q=1;ext=\"a,b;\\\"c\"", DI_FORMAT_JPEG, J | P | W},
        {"a/b;c=\"image/jxl,\", image/webp", DI_FORMAT_JPEG, J | P | W},
        {"a/b;c=\", image/jxl, \\\", image/jxl,\"", DI_FORMAT_JPEG, J | P},
        {"image/webp;level=1", DI_FORMAT_JPEG, J | P}, /* not ours */
        {"image/jpeg;level=1;q=0", DI_FORMAT_JPEG, J | P},
    };

    CHECK(fine);
}

/* Among them "q=0,5": a part that refuses WebP, then one that is "5". */
static void a_malformed_part_is_skipped_alone(void **state)
{
    static const char *const parts[] = {
        "image/webp;q=",
        "image/webp;q=2",
        "image/webp;q=1.001",
        "image/webp;q=0.1234",
        "image/webp;q=.5",
        "image/webp;q=-1",
        "image/webp;q=0,5",
        "image/webp;q=0x",
        "image/webp x",
        "image /webp",
        "image/ webp",
        "image/webp/x",
        "image/",
        "/webp",
        "image",
        "image/webp;=1",
        "image/webp;a=",
        "image/webp;a=\"b\"c",
        "\"image/webp\"",
        "image/webp;q=0.5 q",
        "image/webp\x01",
        "image/w\xc3\xa9",
        ";q=1",
        "=",
    };
    size_t i;

    for (i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        const char *header = apr_pstrcat(*state, parts[i], ",image/jxl", NULL);
        unsigned set = di_accept_formats(header, DI_FORMAT_JPEG);
        if (set != (J | P | X)) {
            fail_msg("\"%s\": %x", header, set);
        }
    }
    /* an open quote reaches to the end */
    assert_int_equal(
        di_accept_formats("image/webp,a/b;c=\"x,image/jxl", DI_FORMAT_JPEG),
        J | P | W);
}

/* Only what ends within the bound is read, and a part that is cut off there is
   not taken for a shorter one. */
static void long_headers_are_bounded(void **state)
{
    char header[DI_ACCEPT_MAX_BYTES + 64];
    size_t at = DI_ACCEPT_MAX_BYTES - strlen(",image/webp");

    memset(header, 'a', sizeof(header));
    strcpy(header + at, ",image/webp");
    assert_int_equal(di_accept_formats(header, DI_FORMAT_JPEG), J | P | W);
    strcpy(header + at, ",image/webp,image/jxl");
    assert_int_equal(di_accept_formats(header, DI_FORMAT_JPEG), J | P);
    strcpy(header + at, ",image/webp;q=0");
    assert_int_equal(di_accept_formats(header, DI_FORMAT_JPEG), J | P);
}

static void usual_clients_differ_in_what_they_take(void **state)
{
    static const unsigned sets[DI_ACCEPT_USUAL] = {
        DI_FORMAT_SET(JPEG) | DI_FORMAT_SET(PNG),
        DI_FORMAT_SET(JPEG) | DI_FORMAT_SET(PNG) | DI_FORMAT_SET(WEBP),
        DI_FORMAT_SET(JPEG) | DI_FORMAT_SET(PNG) | DI_FORMAT_SET(WEBP) |
            DI_FORMAT_SET(AVIF),
        DI_FORMATS_OUT};
    static const di_format_e originals[] = {DI_FORMAT_JPEG, DI_FORMAT_PNG,
                                            DI_FORMAT_GIF, DI_FORMAT_WEBP,
                                            DI_FORMAT_UNKNOWN};
    size_t o;
    int i;

    for (i = 0; i < DI_ACCEPT_USUAL; i++) {
        for (o = 0; o < sizeof(originals) / sizeof(*originals); o++) {
            assert_int_equal(
                di_accept_formats(di_accept_usual(i), originals[o]), sets[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(browsers_get_what_they_name),
        UNIT(jpeg_and_png_are_taken_unless_refused),
        UNIT(the_most_specific_range_decides),
        UNIT(the_grammar_is_that_of_rfc_9110),
        UNIT(a_malformed_part_is_skipped_alone),
        UNIT(long_headers_are_bounded),
        UNIT(usual_clients_differ_in_what_they_take),
    };

    return UNIT_RUN(tests);
}
