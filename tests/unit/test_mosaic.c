/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdlib.h>

#include "render/mosaic.h"
#include "render/ssim.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* Grey, of a value that tells where each pixel is. */
static di_raster_t positions(unsigned width_px, unsigned height_px)
{
    di_raster_t made;
    unsigned x, y;

    assert_true(di_raster_make(&made, width_px, height_px, DI_RGB));
    for (y = 0; y < height_px; y++) {
        for (x = 0; x < width_px; x++) {
            unsigned char *pixel = di_raster_row(&made, y) + 3 * x;

            pixel[0] = (unsigned char)x;
            pixel[1] = (unsigned char)y;
            pixel[2] = (unsigned char)((x >> 8) << 4 | y >> 8);
        }
    }
    return made;
}

static void find(unsigned *x, unsigned *y, const unsigned char *pixel)
{
    *x = (unsigned)(pixel[2] >> 4) << 8 | pixel[0];
    *y = (unsigned)(pixel[2] & 15) << 8 | pixel[1];
}

static void check_tile(const di_raster_t *mosaic, unsigned at)
{
    unsigned x, y, x0, y0, i, j;

    find(&x0, &y0, di_raster_row(mosaic, at));
    assert_int_equal(x0 % 16, 0);
    assert_int_equal(y0 % 16, 0);
    for (j = 0; j < DI_MOSAIC_TILE_PX; j++) {
        for (i = 0; i < DI_MOSAIC_TILE_PX; i++) {
            find(&x, &y, di_raster_row(mosaic, at + j) + 3 * i);
            assert_int_equal(x, x0 + i);
            assert_int_equal(y, y0 + j);
        }
    }
}

static const unsigned sizes[][2] = {
    {3264, 2448}, {816, 612},  {2448, 192}, {380, 1053},
    {192, 4000},  {4000, 200}, {633, 633},  {200, 2001},
};

static void tiles_are_whole_and_on_the_grid_of_blocks(void **state)
{
    unsigned i, y;

    for (i = 0; i < COUNT(sizes); i++) {
        di_raster_t picture = positions(sizes[i][0], sizes[i][1]);
        di_raster_t mosaic;

        assert_true(di_mosaic_pays(&picture));
        assert_true(di_mosaic_make(&mosaic, &picture));
        assert_int_equal(mosaic.width_px, DI_MOSAIC_TILE_PX);
        assert_int_equal(mosaic.height_px % DI_MOSAIC_TILE_PX, 0);
        assert_in_range(mosaic.height_px * DI_MOSAIC_TILE_PX, 30000,
                        sizes[i][0] * sizes[i][1] / 3.5);
        for (y = 0; y < mosaic.height_px; y += DI_MOSAIC_TILE_PX) {
            check_tile(&mosaic, y);
        }
        di_raster_free(&mosaic);
        di_raster_free(&picture);
    }
}

static void it_does_not_pay_for_small_or_narrow_pictures(void **state)
{
    static const unsigned no[][2] = {{600, 600}, {8000, 190}, {191, 9000}};
    unsigned i;

    for (i = 0; i < COUNT(no); i++) {
        di_raster_t picture = positions(no[i][0], no[i][1]);

        assert_false(di_mosaic_pays(&picture));
        di_raster_free(&picture);
    }
}

static void seams_do_not_count(void **state)
{
    di_raster_t a, b;
    unsigned y;

    assert_true(
        di_raster_make(&a, DI_MOSAIC_TILE_PX, 2 * DI_MOSAIC_TILE_PX, DI_GREY));
    assert_true(
        di_raster_make(&b, DI_MOSAIC_TILE_PX, 2 * DI_MOSAIC_TILE_PX, DI_GREY));
    for (y = 0; y < a.height_px; y++) {
        int second = y >= DI_MOSAIC_TILE_PX;

        memset(di_raster_row(&a, y), second ? 200 : 50, a.row_bytes);
        memset(di_raster_row(&b, y), 50, b.row_bytes);
    }
    /* One tile is equal; of the other nothing but the mean is off. */
    assert_in_range(di_mosaic_ssim_e4(&a, &b), 7300, 7400);
    assert_int_equal(di_mosaic_ssim_e4(&a, &a), 10000);
    b.height_px = DI_MOSAIC_TILE_PX;
    assert_int_equal(di_mosaic_ssim_e4(&a, &b), 0);
    di_raster_free(&a);
    di_raster_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(tiles_are_whole_and_on_the_grid_of_blocks),
        UNIT(it_does_not_pay_for_small_or_narrow_pictures),
        UNIT(seams_do_not_count),
    };

    return UNIT_RUN(tests);
}
