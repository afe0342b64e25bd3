/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "render/container.h"

#include <stdlib.h>

/* An EXIF block of even and of odd length. */
#define EXIF "MM\0*\0\0\0\x08\0\0"
#define EXIF_ODD EXIF "\0"

#define PNG_HEAD                                                               \
    "\x89PNG\r\n\x1a\n"                                                        \
    "\0\0\0\x0DIHDR\0\0\0\x03\0\0\0\x02\x08\0\0\0\0HEAD"                       \
    "\0\0\0\x03PLTEabcPLTE"
#define PNG_TAIL                                                               \
    "\0\0\0\x02IDATxxDATA"                                                     \
    "\0\0\0\0IEND\xAE\x42\x60\x82"
#define VP8_CHUNK "VP8 \x0A\0\0\0abc\x9d\x01\x2a\x03\0\x02\0"
#define VP8L_CHUNK(bits) "VP8L\x0A\0\0\0\x2F\x02\x40\0" bits "abcde"
#define VP8X_REST "\0\0\0\x02\0\0\x01\0\0"

typedef struct {
    const char *label;
    di_format_e format;
    int alpha;
    const char *exif;
    size_t exif_len;
    const char *before;
    size_t before_len;
    const char *after; /* NULL: the format or file takes none */
    size_t after_len;
} case_t;

#define BYTES(text) text, sizeof(text) - 1
#define NOTHING NULL, 0

static const case_t cases[] = {
    {"JPEG", DI_FORMAT_JPEG, 0, BYTES(EXIF), BYTES("\xFF\xD8\xFF\xE0rest"),
     BYTES("\xFF\xD8\xFF\xE1\0\x12"
           "Exif\0\0" EXIF "\xFF\xE0rest")},
    {"no JPEG", DI_FORMAT_JPEG, 0, BYTES(EXIF), BYTES("\xFF\xD9\xFF"), NOTHING},
    {"half a JPEG marker", DI_FORMAT_JPEG, 0, BYTES(EXIF), BYTES("\xFF"),
     NOTHING},
    {"PNG", DI_FORMAT_PNG, 0, BYTES(EXIF), BYTES(PNG_HEAD PNG_TAIL),
     BYTES(PNG_HEAD "\0\0\0\x0A"
                    "eXIf" EXIF "\xBE\xA0\xF2\xAF" PNG_TAIL)},
    {"PNG, odd", DI_FORMAT_PNG, 0, BYTES(EXIF_ODD), BYTES(PNG_HEAD PNG_TAIL),
     BYTES(PNG_HEAD "\0\0\0\x0B"
                    "eXIf" EXIF_ODD "\x94\xD5\xF1\x06" PNG_TAIL)},
    {"PNG without data", DI_FORMAT_PNG, 0, BYTES(EXIF), BYTES(PNG_HEAD),
     NOTHING},
    {"PNG with a chunk beyond its end", DI_FORMAT_PNG, 0, BYTES(EXIF),
     BYTES("\x89PNG\r\n\x1a\n\xFF\xFF\xFF\xFFIHDR0123456789IDAT"), NOTHING},
    {"no PNG", DI_FORMAT_PNG, 0, BYTES(EXIF), BYTES("\x89PNX\r\n\x1a\n"),
     NOTHING},
    {"WebP, VP8", DI_FORMAT_WEBP, 0, BYTES(EXIF),
     BYTES("RIFF\x16\0\0\0WEBP" VP8_CHUNK),
     BYTES("RIFF\x3A\0\0\0WEBPVP8X\x0A\0\0\0\x08" VP8X_REST VP8_CHUNK
           "EXIF\x0A\0\0\0" EXIF)},
    {"WebP, odd", DI_FORMAT_WEBP, 0, BYTES(EXIF_ODD),
     BYTES("RIFF\x16\0\0\0WEBP" VP8_CHUNK),
     BYTES("RIFF\x3C\0\0\0WEBPVP8X\x0A\0\0\0\x08" VP8X_REST VP8_CHUNK
           "EXIF\x0B\0\0\0" EXIF_ODD "\0")},
    {"WebP, VP8L", DI_FORMAT_WEBP, 0, BYTES(EXIF),
     BYTES("RIFF\x16\0\0\0WEBP" VP8L_CHUNK("\0")),
     BYTES("RIFF\x3A\0\0\0WEBPVP8X\x0A\0\0\0\x08" VP8X_REST VP8L_CHUNK(
         "\0") "EXIF\x0A\0\0\0" EXIF)},
    {"WebP, VP8L that says it has alpha", DI_FORMAT_WEBP, 0, BYTES(EXIF),
     BYTES("RIFF\x16\0\0\0WEBP" VP8L_CHUNK("\x10")),
     BYTES("RIFF\x3A\0\0\0WEBPVP8X\x0A\0\0\0\x18" VP8X_REST VP8L_CHUNK(
         "\x10") "EXIF\x0A\0\0\0" EXIF)},
    {"WebP, VP8 with alpha", DI_FORMAT_WEBP, 1, BYTES(EXIF),
     BYTES("RIFF\x16\0\0\0WEBP" VP8_CHUNK),
     BYTES("RIFF\x3A\0\0\0WEBPVP8X\x0A\0\0\0\x18" VP8X_REST VP8_CHUNK
           "EXIF\x0A\0\0\0" EXIF)},
    {"WebP, VP8X", DI_FORMAT_WEBP, 1, BYTES(EXIF),
     BYTES("RIFF\x28\0\0\0WEBPVP8X\x0A\0\0\0\x10" VP8X_REST VP8_CHUNK),
     BYTES("RIFF\x3A\0\0\0WEBPVP8X\x0A\0\0\0\x18" VP8X_REST VP8_CHUNK
           "EXIF\x0A\0\0\0" EXIF)},
    {"no WebP", DI_FORMAT_WEBP, 0, BYTES(EXIF),
     BYTES("RIFF\x16\0\0\0WAVE" VP8_CHUNK), NOTHING},
    {"WebP without a picture", DI_FORMAT_WEBP, 0, BYTES(EXIF),
     BYTES("RIFF\x04\0\0\0WEBP"), NOTHING},
    {"JXL", DI_FORMAT_JXL, 0, BYTES(EXIF),
     BYTES("\xFF\x0A"
           "code"),
     BYTES("\0\0\0\x0CJXL \r\n\x87\n"
           "\0\0\0\x14"
           "ftypjxl \0\0\0\0jxl "
           "\0\0\0\x16"
           "Exif\0\0\0\0" EXIF "\0\0\0\x0E"
           "jxlc\xFF\x0A"
           "code")},
    {"JXL in boxes already", DI_FORMAT_JXL, 0, BYTES(EXIF),
     BYTES("\0\0\0\x0CJXL \r\n\x87\n"), NOTHING},
    {"AVIF without anything", DI_FORMAT_AVIF, 0, BYTES(EXIF),
     BYTES("\0\0\0\x10"
           "ftypavif\0\0\0\0"),
     NOTHING},
    {"nothing", DI_FORMAT_AVIF, 0, BYTES(EXIF), BYTES(""), NOTHING},
    {"GIF", DI_FORMAT_GIF, 0, BYTES(EXIF), BYTES("GIF89a"), NOTHING},
    {"nothing", DI_FORMAT_JPEG, 0, BYTES(EXIF), BYTES(""), NOTHING},
    {"nothing", DI_FORMAT_PNG, 0, BYTES(EXIF), BYTES(""), NOTHING},
    {"nothing", DI_FORMAT_WEBP, 0, BYTES(EXIF), BYTES(""), NOTHING},
    {"nothing", DI_FORMAT_JXL, 0, BYTES(EXIF), BYTES(""), NOTHING},
};

static di_blob_t blob_of(const char *bytes, size_t len)
{
    di_blob_t out = {malloc(len + 1), len};

    assert_non_null(out.bytes);
    memcpy(out.bytes, bytes, len);
    return out;
}

static void a_block_stands_where_its_format_wants_it(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const case_t *c = &cases[i];
        const char *expected = c->after ? c->after : c->before;
        size_t expected_len = c->after ? c->after_len : c->before_len;
        di_blob_t file = blob_of(c->before, c->before_len);
        di_render_status_e status =
            di_container_add_exif(&file, c->format, 3, 2, c->alpha,
                                  (const unsigned char *)c->exif, c->exif_len);

        if (status != (c->after ? DI_RENDER_OK : DI_RENDER_NO_FORMAT) ||
            file.len != expected_len ||
            memcmp(file.bytes, expected, expected_len)) {
            fail_msg("%s: status %d, %d bytes", c->label, (int)status,
                     (int)file.len);
        }
        free(file.bytes);
    }
}

static void a_webp_canvas_has_24_bits_a_side(void **state)
{
    di_blob_t file = blob_of(BYTES("RIFF\x16\0\0\0WEBP" VP8_CHUNK));

    assert_int_equal(di_container_add_exif(&file, DI_FORMAT_WEBP, 16383,
                                           0x10203, 0,
                                           (const unsigned char *)EXIF, 10),
                     DI_RENDER_OK);
    assert_memory_equal(file.bytes + 24, "\xFE\x3F\0\x02\x02\x01", 6);
    free(file.bytes);
}

static void a_jpeg_takes_what_one_segment_holds(void **state)
{
    di_blob_t file = blob_of(BYTES("\xFF\xD8\xFF\xE0rest"));
    unsigned char *block = calloc(1, 65528);

    assert_non_null(block);
    assert_int_equal(
        di_container_add_exif(&file, DI_FORMAT_JPEG, 3, 2, 0, block, 65528),
        DI_RENDER_NO_FORMAT);
    assert_int_equal(file.len, 8);
    assert_int_equal(
        di_container_add_exif(&file, DI_FORMAT_JPEG, 3, 2, 0, block, 65527),
        DI_RENDER_OK);
    assert_memory_equal(file.bytes,
                        "\xFF\xD8\xFF\xE1\xFF\xFF"
                        "Exif\0\0",
                        12);
    assert_memory_equal(file.bytes + 12 + 65527, "\xFF\xE0rest", 6);
    free(block);
    free(file.bytes);
}

static void a_jpeg_carries_its_layout_size(void **state)
{
    assert_true(di_container_carries_size(DI_FORMAT_JPEG));
    assert_false(di_container_carries_size(DI_FORMAT_GIF));
    assert_false(di_container_carries_size(DI_FORMAT_UNKNOWN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_block_stands_where_its_format_wants_it),
        UNIT(a_webp_canvas_has_24_bits_a_side),
        UNIT(a_jpeg_takes_what_one_segment_holds),
        UNIT(a_jpeg_carries_its_layout_size),
    };

    return UNIT_RUN(tests);
}
