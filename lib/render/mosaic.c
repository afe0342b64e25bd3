/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tiles lie in a grid of about the picture's shape.  They begin at multiples
 * of 16 px, in the picture and in the mosaic, because that is the grid of
 * JPEG's blocks: in a picture that has been a JPEG of this size, the blocks of
 * a tile are cut as they were then, and cost as little once more.
 *
 *     picture   . 1 . . 2 . . 3 .        mosaic   1
 *               . . . . . . . . .                 2
 *               . 4 . . 5 . . 6 .                 3 ...
 */
#include "render/mosaic.h"

#include <string.h>

#include "render/ssim.h"

#define GRID_PX 16

/* Formats that predict from block to block pay for the seams, so the larger
   the tiles the better, and the more the better.  How far the loss of a mosaic
   is from that of the picture at one quality, as a standard deviation over 8
   photographs in 2 sizes, JPEG and WebP, of the same pixels: tiles of 32, 64,
   96 and 128 px 20, 12, 8 and 7 %, bands of 16 rows 24 %. */
#define TILE_PX DI_MOSAIC_TILE_PX

#define FROM_PX ((apr_uint64_t)400000)

/* Of the picture's pixels so many are in the mosaic, inside these bounds. */
#define SHARE 12
#define TILES_LEAST 11
#define TILES_MOST 40

static apr_uint64_t pixels_of(const di_raster_t *picture)
{
    return (apr_uint64_t)picture->width_px * picture->height_px;
}

int di_mosaic_pays(const di_raster_t *picture)
{
    return pixels_of(picture) >= FROM_PX && picture->width_px >= 2 * TILE_PX &&
           picture->height_px >= 2 * TILE_PX;
}

static apr_uint32_t tiles_for(const di_raster_t *picture)
{
    apr_uint64_t tiles = pixels_of(picture) / (SHARE * TILE_PX * TILE_PX);

    return tiles < TILES_LEAST  ? TILES_LEAST
           : tiles > TILES_MOST ? TILES_MOST
                                : (apr_uint32_t)tiles;
}

static apr_uint32_t least(apr_uint32_t a, apr_uint32_t b)
{
    return a < b ? a : b;
}

/* A grid of about so many tiles, shaped as the picture is. */
static void lay_grid(apr_uint32_t *columns, apr_uint32_t *rows,
                     const di_raster_t *picture)
{
    apr_uint32_t tiles = tiles_for(picture);
    apr_uint32_t most = least(tiles, picture->width_px / TILE_PX);
    apr_uint32_t n = 1;

    while (n < most && (apr_uint64_t)(n + 1) * (n + 1) * picture->height_px <=
                           (apr_uint64_t)tiles * picture->width_px) {
        n++;
    }
    *columns = n;
    *rows = least(tiles / n, picture->height_px / TILE_PX);
}

/* Where tile i of so many begins: in the middle of its part of the side. */
static apr_uint32_t tile_at(apr_uint32_t i, apr_uint32_t count,
                            apr_uint32_t side_px)
{
    apr_uint64_t middle = (apr_uint64_t)side_px * (2 * i + 1) / (2 * count);

    return (apr_uint32_t)(middle - TILE_PX / 2) / GRID_PX * GRID_PX;
}

static void copy_tile(unsigned char *to, const di_raster_t *picture,
                      apr_uint32_t x, apr_uint32_t y)
{
    apr_size_t row_bytes = (apr_size_t)TILE_PX * picture->channels;
    apr_uint32_t row;

    for (row = 0; row < TILE_PX; row++) {
        memcpy(to,
               di_raster_row(picture, y + row) +
                   (apr_size_t)x * picture->channels,
               row_bytes);
        to += row_bytes;
    }
}

int di_mosaic_make(di_raster_t *out, const di_raster_t *picture)
{
    apr_uint32_t columns, rows, i, j, y = 0;

    lay_grid(&columns, &rows, picture);
    if (!di_raster_make(out, TILE_PX, columns * rows * TILE_PX,
                        picture->samples)) {
        return 0;
    }
    for (j = 0; j < rows; j++) {
        for (i = 0; i < columns; i++, y += TILE_PX) {
            copy_tile(di_raster_row(out, y), picture,
                      tile_at(i, columns, picture->width_px),
                      tile_at(j, rows, picture->height_px));
        }
    }
    return 1;
}

static di_raster_t tile_of(const di_raster_t *mosaic, apr_uint32_t y)
{
    di_raster_t tile = *mosaic;

    tile.height_px = TILE_PX;
    tile.pixels = di_raster_row(mosaic, y);
    return tile;
}

unsigned di_mosaic_ssim_e4(const di_raster_t *a, const di_raster_t *b)
{
    apr_uint32_t y, tiles = a->height_px / TILE_PX;
    unsigned sum = 0;

    if (a->width_px != b->width_px || a->height_px != b->height_px) {
        return 0;
    }
    for (y = 0; y < a->height_px; y += TILE_PX) {
        di_raster_t tile_a = tile_of(a, y), tile_b = tile_of(b, y);

        unsigned tile_e4 = di_ssim_e4(&tile_a, &tile_b);

        if (tile_e4 == DI_SSIM_NO_MEMORY) {
            return tile_e4;
        }
        sum += tile_e4;
    }
    return sum / tiles;
}
