/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "render/exif.h"

/* A TIFF directory as cameras write it: little-endian, orientation 6, 300
   dpi, 2000x1000 stored as SHORT. */
static const unsigned char camera[] =
    {
        'I',  'I',  '*', 0, 8, 0, 0,    0,                   /* header */
        5,    0,                                             /* IFD0 at 8 */
        0x12, 1,    3,   0, 1, 0, 0,    0, 6,    0, 0,    0, /* orientation */
        0x1A, 1,    5,   0, 1, 0, 0,    0, 74,   0, 0,    0, 0x1B, 1,
        5,    0,    1,   0, 0, 0, 74,   0, 0,    0, 0x28, 1, 3,    0,
        1,    0,    0,   0, 2, 0, 0,    0, /* inch */
        0x69, 0x87, 4,   0, 1, 0, 0,    0, 82,   0, 0,    0, 0,    0,
        0,    0,                           /* no IFD1 */
        0x2C, 1,    0,   0, 1, 0, 0,    0, /* 300/1 at 74 */
        2,    0,                           /* Exif at 82 */
        0x02, 0xA0, 3,   0, 1, 0, 0,    0, 0xD0, 7, 0,    0, 0x03, 0xA0,
        3,    0,    1,   0, 0, 0, 0xE8, 3, 0,    0, 0,    0, 0,    0,
};

static void a_cameras_exif_is_read(void **state)
{
    di_exif_t exif;

    di_exif_read(&exif, camera, sizeof(camera));
    assert_int_equal(exif.orientation, 6);
    assert_int_equal(exif.x_num, 300);
    assert_int_equal(exif.x_den, 1);
    assert_int_equal(exif.unit, 2);
    assert_int_equal(exif.width_px, 2000);
    assert_int_equal(exif.height_px, 1000);
}

static void a_cameras_print_resolution_does_not_change_the_layout(void **state)
{
    apr_uint32_t width = 2000, height = 1000;
    di_exif_t exif;

    di_exif_read(&exif, camera, sizeof(camera));
    di_exif_shown(&width, &height, &exif);
    assert_int_equal(width, 2000);
    assert_int_equal(height, 1000);
}

static void no_cut_or_flipped_byte_makes_an_illegal_orientation(void **state)
{
    unsigned char copy[sizeof(camera)];
    di_exif_t exif;
    size_t i;
    int bit;

    for (i = 0; i <= sizeof(camera); i++) {
        unsigned char *cut = test_malloc(i + 1);

        memcpy(cut, camera, i);
        di_exif_read(&exif, cut, i);
        assert_in_range(exif.orientation, 1, 8);
        test_free(cut);
    }
    for (i = 0; i < sizeof(camera) * 8; i++) {
        memcpy(copy, camera, sizeof(copy));
        bit = (int)(i % 8);
        copy[i / 8] = (unsigned char)(copy[i / 8] ^ 1 << bit);
        di_exif_read(&exif, copy, sizeof(copy));
        assert_in_range(exif.orientation, 1, 8);
    }
}

typedef struct {
    unsigned width, height, shown_width, shown_height;
} block_case_t;

static const block_case_t blocks[] = {
    {400, 300, 800, 600},   {1632, 1224, 3264, 2448}, {1224, 918, 3264, 2448},
    {408, 306, 3264, 2448}, {407, 305, 3264, 2448},   {3014, 1696, 6028, 3391},
    {1, 1, 65500, 65500},   {65500, 65500, 1, 1},     {7, 8188, 50, 65500},
};

static di_exif_text_t text_of(const char *text)
{
    di_exif_text_t out = {text, strlen(text)};

    return out;
}

static void assert_text(const di_exif_text_t *text, const char *expected,
                        size_t len)
{
    assert_int_equal(text->len, len);
    assert_memory_equal(text->text, expected, len);
}

static void a_written_block_reads_back_as_the_shown_size(void **state)
{
    static const di_exif_text_t none = {NULL, 0};
    size_t i, texts;

    for (i = 0; i < 2 * sizeof(blocks) / sizeof(*blocks); i++) {
        const block_case_t *c = &blocks[i / 2];
        unsigned char block[DI_EXIF_MAX];
        apr_uint32_t width = c->width, height = c->height;
        di_exif_wish_t wish = {c->width,        c->height, c->shown_width,
                               c->shown_height, none,      none};
        di_exif_t exif;
        apr_size_t len;

        texts = i % 2;
        if (texts) {
            wish.artist = text_of("An odd name!");
            wish.copyright = text_of("(c) somebody");
        }
        len = di_exif_write(block, &wish);
        assert_int_equal(len, 108 + (texts ? 2 * (12 + 14) : 0));
        di_exif_read(&exif, block, len);
        assert_int_equal(exif.orientation, 1);
        assert_int_equal(exif.x_num, 72 * c->width);
        assert_int_equal(exif.y_num, 72 * c->height);
        di_exif_shown(&width, &height, &exif);
        assert_int_equal(width, c->shown_width);
        assert_int_equal(height, c->shown_height);
        assert_text(&exif.artist, "An odd name!", texts ? 12 : 0);
        assert_text(&exif.copyright, "(c) somebody", texts ? 12 : 0);
    }
}

static void the_directories_are_in_order_of_tags(void **state)
{
    di_exif_wish_t wish = {400, 300, 800, 600, text_of("a"), text_of("c")};
    unsigned char block[DI_EXIF_MAX];
    unsigned i, tag, last = 0;

    assert_true(di_exif_write(block, &wish));
    assert_memory_equal(block, "MM\0*\0\0\0\x08\0\x06", 10);
    for (i = 0; i < 6; i++) {
        tag = block[10 + 12 * i] * 256u + block[11 + 12 * i];
        assert_true(tag > last);
        last = tag;
    }
    assert_memory_equal(block + 10 + 72, "\0\0\0\0", 4);
}

static void texts_alone_make_a_block_without_a_density(void **state)
{
    di_exif_wish_t wish = {400, 300, 400, 300, text_of("J"), text_of("2026 J")};
    unsigned char block[DI_EXIF_MAX];
    apr_size_t len = di_exif_write(block, &wish);
    di_exif_t exif;

    assert_int_equal(len, 8 + 2 + 2 * 12 + 4 + 8);
    di_exif_read(&exif, block, len);
    assert_text(&exif.artist, "J", 1);
    assert_text(&exif.copyright, "2026 J", 6);
    assert_int_equal(exif.x_num, 0);
    assert_int_equal(exif.unit, 0);
    assert_int_equal(exif.width_px, 0);
}

static void there_is_no_block_when_there_is_nothing_to_say(void **state)
{
    di_exif_wish_t wish = {400, 300, 400, 300, text_of(""), text_of(" \n ")};
    unsigned char block[DI_EXIF_MAX];

    assert_int_equal(di_exif_write(block, &wish), 0);
    wish.shown_width_px = 0;
    assert_int_equal(di_exif_write(block, &wish), 0);
}

typedef struct {
    const char *given;
    size_t given_len;
    const char *kept;
    size_t kept_len;
} text_case_t;

#define TEXT(given, kept)                                                      \
    {                                                                          \
        given, sizeof(given) - 1, kept, sizeof(kept) - 1                       \
    }

static const text_case_t texts_kept[] = {
    TEXT("abc", "abc"),
    TEXT("abcd", "abcd"),
    TEXT("name  \0\0", "name"),
    TEXT("photographer\0editor\0", "photographer\0editor"),
    TEXT(" \0editor", " \0editor"),
    TEXT("two\r\nlines\x7F", "two  lines"),
    TEXT("J\xC3\xBCrgen", "J\xC3\xBCrgen"),
    TEXT("\0\0\0\0\0\0", ""),
};

static void texts_are_kept_without_what_is_no_text(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(texts_kept) / sizeof(*texts_kept); i++) {
        const text_case_t *c = &texts_kept[i];
        di_exif_wish_t wish = {4, 3, 8, 6, {c->given, c->given_len}, {NULL, 0}};
        unsigned char block[DI_EXIF_MAX];
        di_exif_t exif;

        wish.copyright = wish.artist;
        di_exif_read(&exif, block, di_exif_write(block, &wish));
        assert_text(&exif.artist, c->kept, c->kept_len);
        assert_text(&exif.copyright, c->kept, c->kept_len);
    }
}

static void a_long_text_is_cut_between_characters(void **state)
{
    char text[DI_EXIF_TEXT_MAX + 10];
    unsigned char block[DI_EXIF_MAX];
    di_exif_t exif;
    size_t at;

    /* A character of four bytes at each place around the limit. */
    for (at = DI_EXIF_TEXT_MAX - 4; at <= DI_EXIF_TEXT_MAX; at++) {
        di_exif_wish_t wish = {4, 3, 4, 3, {text, sizeof(text)}, {NULL, 0}};
        size_t kept = at + 4 <= DI_EXIF_TEXT_MAX ? at + 4 : at;

        memset(text, 'x', sizeof(text));
        memcpy(text + at, "\xF0\x9F\x93\xB7", 4);
        wish.copyright = wish.artist;
        di_exif_read(&exif, block, di_exif_write(block, &wish));
        assert_text(&exif.artist, text, kept);
        assert_text(&exif.copyright, text, kept);
    }
    memset(text, 0xBC, sizeof(text));
    {
        di_exif_wish_t wish = {4, 3, 4, 3, {text, sizeof(text)}, {NULL, 0}};

        di_exif_read(&exif, block, di_exif_write(block, &wish));
        assert_text(&exif.artist, text, DI_EXIF_TEXT_MAX - 3);
    }
}

static void a_text_that_ends_beyond_the_data_is_absent(void **state)
{
    di_exif_wish_t wish = {4, 3, 4, 3, text_of("somebody"), {NULL, 0}};
    unsigned char block[DI_EXIF_MAX];
    apr_size_t len = di_exif_write(block, &wish);
    di_exif_t exif;

    di_exif_read(&exif, block, len);
    assert_int_equal(exif.artist.len, 8);
    di_exif_read(&exif, block, len - 2);
    assert_int_equal(exif.artist.len, 0);
    memset(block + 14, 0xFF, 4); /* the count */
    di_exif_read(&exif, block, len);
    assert_int_equal(exif.artist.len, 0);
}

static void a_density_that_does_not_match_on_both_axes_is_ignored(void **state)
{
    di_exif_wish_t wish = {400, 300, 800, 600, {NULL, 0}, {NULL, 0}};
    unsigned char block[DI_EXIF_MAX];
    apr_uint32_t width = 400, height = 301;
    di_exif_t exif;

    di_exif_read(&exif, block, di_exif_write(block, &wish));
    di_exif_shown(&width, &height, &exif);
    assert_int_equal(width, 400);
    assert_int_equal(height, 301);
    exif.unit = 3;
    height = 300;
    di_exif_shown(&width, &height, &exif);
    assert_int_equal(width, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_cameras_exif_is_read),
        UNIT(a_cameras_print_resolution_does_not_change_the_layout),
        UNIT(no_cut_or_flipped_byte_makes_an_illegal_orientation),
        UNIT(a_written_block_reads_back_as_the_shown_size),
        UNIT(the_directories_are_in_order_of_tags),
        UNIT(texts_alone_make_a_block_without_a_density),
        UNIT(there_is_no_block_when_there_is_nothing_to_say),
        UNIT(texts_are_kept_without_what_is_no_text),
        UNIT(a_long_text_is_cut_between_characters),
        UNIT(a_text_that_ends_beyond_the_data_is_absent),
        UNIT(a_density_that_does_not_match_on_both_axes_is_ignored),
    };

    return UNIT_RUN(tests);
}
