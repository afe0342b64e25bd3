/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows are without padding, so that loops may take a whole row, or the whole
 * picture, as one run of samples.
 */
#include "render/raster.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static unsigned channels_of(di_samples_e samples)
{
    return samples == DI_CMYK ? 4 : (unsigned)samples;
}

static apr_size_t pixels_of(const di_raster_t *raster)
{
    return (apr_size_t)raster->width_px * raster->height_px;
}

int di_raster_make(di_raster_t *out, apr_uint32_t width_px,
                   apr_uint32_t height_px, di_samples_e samples)
{
    unsigned channels = channels_of(samples);
    apr_uint64_t row_bytes = (apr_uint64_t)width_px * channels;

    memset(out, 0, sizeof(*out));
    if (!width_px || !height_px || row_bytes > SIZE_MAX / 2 / height_px) {
        return 0;
    }
    out->pixels = malloc((apr_size_t)row_bytes * height_px);
    if (!out->pixels) {
        return 0;
    }
    out->width_px = width_px;
    out->height_px = height_px;
    out->samples = samples;
    out->channels = channels;
    out->row_bytes = (apr_size_t)row_bytes;
    return 1;
}

void di_raster_free(di_raster_t *raster)
{
    free(raster->pixels);
    memset(raster, 0, sizeof(*raster));
}

void di_raster_replace(di_raster_t *to, di_raster_t *from)
{
    free(to->pixels);
    *to = *from;
    memset(from, 0, sizeof(*from));
}

int di_raster_has_alpha(const di_raster_t *raster)
{
    return raster->samples == DI_GREY_ALPHA || raster->samples == DI_RGBA;
}

int di_raster_is_opaque(const di_raster_t *raster)
{
    apr_uint32_t y;

    if (!di_raster_has_alpha(raster)) {
        return 1;
    }
    for (y = 0; y < raster->height_px; y++) {
        const unsigned char *alpha =
            di_raster_row(raster, y) + raster->channels - 1;
        unsigned all = 0xff;
        apr_uint32_t x;

        for (x = 0; x < raster->width_px; x++) {
            all &= alpha[(apr_size_t)x * raster->channels];
        }
        if (all != 0xff) {
            return 0;
        }
    }
    return 1;
}

/* The number of samples is a constant in each case, so that each becomes a
   move of one width. */
static inline void copy_pixel(unsigned char *to, const unsigned char *from,
                              unsigned channels)
{
    switch (channels) {
    case 1:
        to[0] = from[0];
        break;
    case 2:
        memcpy(to, from, 2);
        break;
    case 3:
        memcpy(to, from, 3);
        break;
    default:
        memcpy(to, from, 4);
    }
}

static void mirror_row(unsigned char *row, apr_uint32_t width_px,
                       unsigned channels)
{
    unsigned char *left = row;
    unsigned char *right = row + (apr_size_t)width_px * channels;

    while ((right -= channels) > left) {
        unsigned char kept[4];

        copy_pixel(kept, left, channels);
        copy_pixel(left, right, channels);
        copy_pixel(right, kept, channels);
        left += channels;
    }
}

static void mirror(di_raster_t *raster)
{
    apr_uint32_t y;

    for (y = 0; y < raster->height_px; y++) {
        mirror_row(di_raster_row(raster, y), raster->width_px,
                   raster->channels);
    }
}

static void swap_rows(unsigned char *a, unsigned char *b, apr_size_t len)
{
    unsigned char kept[1024];

    while (len) {
        apr_size_t part = len < sizeof(kept) ? len : sizeof(kept);

        memcpy(kept, a, part);
        memcpy(a, b, part);
        memcpy(b, kept, part);
        a += part;
        b += part;
        len -= part;
    }
}

static void upside_down(di_raster_t *raster)
{
    apr_uint32_t y;

    for (y = 0; y < raster->height_px / 2; y++) {
        swap_rows(di_raster_row(raster, y),
                  di_raster_row(raster, raster->height_px - 1 - y),
                  raster->row_bytes);
    }
}

/* Side of the squares in which a picture is transposed: 32 rows of 32 pixels
   of both pictures, 8 KB, stay in the first cache. */
#define SQUARE_PX 32

static inline apr_uint32_t least(apr_uint32_t a, apr_uint32_t b)
{
    return a < b ? a : b;
}

static inline void transpose_square(const di_raster_t *to,
                                    const di_raster_t *from, apr_uint32_t x0,
                                    apr_uint32_t y0, unsigned channels)
{
    apr_uint32_t x1 = x0 + least(SQUARE_PX, from->width_px - x0);
    apr_uint32_t y1 = y0 + least(SQUARE_PX, from->height_px - y0);
    apr_uint32_t x, y;

    for (x = x0; x < x1; x++) {
        unsigned char *out = di_raster_row(to, x) + (apr_size_t)y0 * channels;
        const unsigned char *in =
            di_raster_row(from, y0) + (apr_size_t)x * channels;

        for (y = y0; y < y1; y++) {
            copy_pixel(out, in, channels);
            out += channels;
            in += from->row_bytes;
        }
    }
}

static inline void transpose_all(const di_raster_t *to, const di_raster_t *from,
                                 unsigned channels)
{
    apr_uint32_t x, y;

    for (y = 0; y < from->height_px; y += SQUARE_PX) {
        for (x = 0; x < from->width_px; x += SQUARE_PX) {
            transpose_square(to, from, x, y, channels);
        }
    }
}

static int transpose(di_raster_t *raster)
{
    di_raster_t out;

    if (!di_raster_make(&out, raster->height_px, raster->width_px,
                        raster->samples)) {
        return 0;
    }
    switch (raster->channels) {
    case 1:
        transpose_all(&out, raster, 1);
        break;
    case 2:
        transpose_all(&out, raster, 2);
        break;
    case 3:
        transpose_all(&out, raster, 3);
        break;
    default:
        transpose_all(&out, raster, 4);
    }
    di_raster_replace(raster, &out);
    return 1;
}

/*
 * Where the visual top and left of a picture are, by orientation (Exif 2.32,
 * 4.6.4, tag 0x0112), and what brings them to row 0 and column 0; the
 * transposition is the first step:
 *
 *     1 top left        5 left top        transpose
 *     2 top right       6 right top       transpose, mirror
 *     3 bottom right    7 right bottom    transpose, mirror, upside down
 *     4 bottom left     8 left bottom     transpose, upside down
 */
int di_raster_turn(di_raster_t *raster, unsigned orientation)
{
    if (orientation >= 5 && orientation <= 8 && !transpose(raster)) {
        return 0;
    }
    if (orientation == 2 || orientation == 3 || orientation == 6 ||
        orientation == 7) {
        mirror(raster);
    }
    if (orientation == 3 || orientation == 4 || orientation == 7 ||
        orientation == 8) {
        upside_down(raster);
    }
    return 1;
}

static inline unsigned char over(unsigned color, unsigned behind,
                                 unsigned alpha)
{
    return (unsigned char)((color * alpha + behind * (255 - alpha) + 127) /
                           255);
}

static void flatten_grey(const di_raster_t *to, const di_raster_t *from,
                         const unsigned char *behind)
{
    apr_size_t i, n = pixels_of(from);
    const unsigned char *in = from->pixels;
    unsigned char *out = to->pixels;

    for (i = 0; i < n; i++) {
        out[i] = over(in[2 * i], behind[0], in[2 * i + 1]);
    }
}

static void flatten_to_rgb(const di_raster_t *to, const di_raster_t *from,
                           const unsigned char *behind)
{
    unsigned step = from->channels == 4 ? 1 : 0;
    apr_size_t i, n = pixels_of(from);
    const unsigned char *in = from->pixels;
    unsigned char *out = to->pixels;

    for (i = 0; i < n; i++) {
        unsigned alpha = in[from->channels - 1];

        out[0] = over(in[0], behind[0], alpha);
        out[1] = over(in[step], behind[1], alpha);
        out[2] = over(in[2 * step], behind[2], alpha);
        in += from->channels;
        out += 3;
    }
}

int di_raster_flatten(di_raster_t *raster, apr_uint32_t background)
{
    unsigned char behind[3] = {(unsigned char)(background >> 16),
                               (unsigned char)(background >> 8),
                               (unsigned char)background};
    int stays_grey = raster->samples == DI_GREY_ALPHA &&
                     behind[0] == behind[1] && behind[1] == behind[2];
    di_raster_t out;

    if (!di_raster_has_alpha(raster)) {
        return 1;
    }
    if (!di_raster_make(&out, raster->width_px, raster->height_px,
                        stays_grey ? DI_GREY : DI_RGB)) {
        return 0;
    }
    if (stays_grey) {
        flatten_grey(&out, raster, behind);
    }
    else {
        flatten_to_rgb(&out, raster, behind);
    }
    di_raster_replace(raster, &out);
    return 1;
}

static int is_grey(const di_raster_t *raster)
{
    apr_uint32_t y;

    for (y = 0; y < raster->height_px; y++) {
        const unsigned char *in = di_raster_row(raster, y);
        unsigned differ = 0;
        apr_uint32_t x;

        for (x = 0; x < raster->width_px; x++) {
            differ |= (in[0] ^ in[1]) | (in[1] ^ in[2]);
            in += raster->channels;
        }
        if (differ) {
            return 0;
        }
    }
    return 1;
}

static void keep_samples(const di_raster_t *to, const di_raster_t *from)
{
    int drops_color = to->channels <= 2 && from->channels >= 3;
    apr_size_t i, n = pixels_of(from);
    const unsigned char *in = from->pixels;
    unsigned char *out = to->pixels;
    unsigned last = from->channels - 1;

    for (i = 0; i < n; i++) {
        out[0] = in[0];
        if (!drops_color && to->channels == 3) {
            out[1] = in[1];
            out[2] = in[2];
        }
        if (to->channels == 2) {
            out[1] = in[last];
        }
        in += from->channels;
        out += to->channels;
    }
}

int di_raster_simplify(di_raster_t *raster)
{
    int alpha = di_raster_has_alpha(raster) && !di_raster_is_opaque(raster);
    int grey = raster->samples <= DI_GREY_ALPHA ||
               (raster->samples != DI_CMYK && is_grey(raster));
    di_samples_e samples = (grey ? DI_GREY : DI_RGB) + (alpha ? 1 : 0);
    di_raster_t out;

    if (raster->samples == DI_CMYK || samples == raster->samples) {
        return 1;
    }
    if (!di_raster_make(&out, raster->width_px, raster->height_px, samples)) {
        return 0;
    }
    keep_samples(&out, raster);
    di_raster_replace(raster, &out);
    return 1;
}

/*
 * Shrinking goes by strips of `factor` rows: each sample of the strip is
 * added to its column's sum, a loop over plain arrays that compilers
 * vectorise, then `factor` columns make a pixel.  With alpha a column's sums
 * are of colour x alpha and of alpha.  Largest sum of a block: 64 * 64 * 255 *
 * 255 < 2^28.
 */
static void add_row(apr_uint32_t *restrict sums,
                    const unsigned char *restrict row, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; i++) {
        sums[i] += row[i];
    }
}

static void add_row_grey_alpha(apr_uint32_t *restrict sums,
                               const unsigned char *restrict row,
                               apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; i += 2) {
        sums[i] += (apr_uint32_t)row[i] * row[i + 1];
        sums[i + 1] += row[i + 1];
    }
}

static void add_row_rgba(apr_uint32_t *restrict sums,
                         const unsigned char *restrict row, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; i += 4) {
        apr_uint32_t alpha = row[i + 3];

        sums[i] += row[i] * alpha;
        sums[i + 1] += row[i + 1] * alpha;
        sums[i + 2] += row[i + 2] * alpha;
        sums[i + 3] += alpha;
    }
}

static void add_strip(apr_uint32_t *sums, const di_raster_t *from,
                      apr_uint32_t y, apr_uint32_t rows)
{
    apr_uint32_t i;

    memset(sums, 0, from->row_bytes * sizeof(*sums));
    for (i = 0; i < rows; i++) {
        const unsigned char *row = di_raster_row(from, y + i);

        if (from->samples == DI_RGBA) {
            add_row_rgba(sums, row, from->row_bytes);
        }
        else if (from->samples == DI_GREY_ALPHA) {
            add_row_grey_alpha(sums, row, from->row_bytes);
        }
        else {
            add_row(sums, row, from->row_bytes);
        }
    }
}

/* Where a block is wholly transparent any colour is right: black. */
static void block_to_pixel(unsigned char *out, const apr_uint32_t *block,
                           unsigned channels, int has_alpha, apr_uint32_t count)
{
    unsigned colors = has_alpha ? channels - 1 : channels;
    apr_uint32_t weight = has_alpha ? block[channels - 1] : count;
    unsigned c;

    for (c = 0; c < colors; c++) {
        out[c] = weight ? (unsigned char)((block[c] + weight / 2) / weight) : 0;
    }
    if (has_alpha) {
        out[colors] = (unsigned char)((weight + count / 2) / count);
    }
}

static void strip_to_row(unsigned char *out, const apr_uint32_t *sums,
                         const di_raster_t *from, unsigned factor,
                         apr_uint32_t rows)
{
    int has_alpha = di_raster_has_alpha(from);
    apr_uint32_t x, i;
    unsigned c;

    for (x = 0; x < from->width_px; x += factor) {
        apr_uint32_t columns = least(factor, from->width_px - x);
        apr_uint32_t block[4] = {0, 0, 0, 0};

        for (i = 0; i < columns; i++) {
            for (c = 0; c < from->channels; c++) {
                block[c] += *sums++;
            }
        }
        block_to_pixel(out, block, from->channels, has_alpha, columns * rows);
        out += from->channels;
    }
}

int di_raster_shrink(di_raster_t *raster, unsigned factor)
{
    di_raster_t out = {0};
    apr_uint32_t *sums = NULL;
    apr_uint32_t y, out_y = 0;
    int ok = 0;

    if (raster->row_bytes > SIZE_MAX / sizeof(*sums)) {
        return 0;
    }
    sums = malloc(raster->row_bytes * sizeof(*sums));
    if (!sums || !di_raster_make(&out, (raster->width_px - 1) / factor + 1,
                                 (raster->height_px - 1) / factor + 1,
                                 raster->samples)) {
        goto done;
    }
    for (y = 0; y < raster->height_px; y += factor) {
        apr_uint32_t rows = least(factor, raster->height_px - y);

        add_strip(sums, raster, y, rows);
        strip_to_row(di_raster_row(&out, out_y++), sums, raster, factor, rows);
    }
    di_raster_replace(raster, &out);
    ok = 1;
done:
    free(sums);
    return ok;
}
