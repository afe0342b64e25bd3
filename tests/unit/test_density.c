/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "render/density.h"

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
    di_density_shown(&width, &height, &exif);
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

static void a_written_block_reads_back_as_the_shown_size(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(blocks) / sizeof(*blocks); i++) {
        const block_case_t *c = &blocks[i];
        unsigned char block[DI_DENSITY_BYTES];
        apr_uint32_t width = c->width, height = c->height;
        di_exif_t exif;

        di_density_block(block, c->width, c->height, c->shown_width,
                         c->shown_height);
        assert_memory_equal(block,
                            "\xFF\xE1\0\x74"
                            "Exif\0",
                            10);
        di_exif_read(&exif, block + 10, sizeof(block) - 10);
        assert_int_equal(exif.orientation, 1);
        assert_int_equal(exif.x_num, 72 * c->width);
        assert_int_equal(exif.y_num, 72 * c->height);
        di_density_shown(&width, &height, &exif);
        assert_int_equal(width, c->shown_width);
        assert_int_equal(height, c->shown_height);
    }
}

static void a_density_that_does_not_match_on_both_axes_is_ignored(void **state)
{
    unsigned char block[DI_DENSITY_BYTES];
    apr_uint32_t width = 400, height = 301;
    di_exif_t exif;

    di_density_block(block, 400, 300, 800, 600);
    di_exif_read(&exif, block + 10, sizeof(block) - 10);
    di_density_shown(&width, &height, &exif);
    assert_int_equal(width, 400);
    assert_int_equal(height, 301);
    exif.unit = 3;
    height = 300;
    di_density_shown(&width, &height, &exif);
    assert_int_equal(width, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_cameras_exif_is_read),
        UNIT(a_cameras_print_resolution_does_not_change_the_layout),
        UNIT(no_cut_or_flipped_byte_makes_an_illegal_orientation),
        UNIT(a_written_block_reads_back_as_the_shown_size),
        UNIT(a_density_that_does_not_match_on_both_axes_is_ignored),
    };

    return UNIT_RUN(tests);
}
