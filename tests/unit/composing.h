/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of di_compose have in common: a job, originals that a
 * rendition is surely smaller than, and what a rendition shows.
 */
#ifndef COMPOSING_H
#define COMPOSING_H

#include "unit.h"

#include <stdlib.h>

#include <apr_strings.h>

#include "pictures.h"
#include "render/codecs.h"
#include "render/compose.h"
#include "render/exif.h"
#include "render/raster.h"

/* Of a filler that makes an original large, so that there is a gain. */
#define FAT_BYTES 60000

#define MEMORY_BYTES ((apr_uint64_t)64 << 20)

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const di_job_t plain = {
    .format = DI_FORMAT_JPEG,
    .formats = DI_FORMAT_SET(JPEG),
    .recipe = {.quality = 60, .progressive = 1, .background = 0xFFFFFF},
    .limits = {.max_bytes = 50000000,
               .max_pixels = 50000000,
               .max_side_px = DI_SIDE_MAX_PX,
               .max_frames = 1000,
               .max_scans = 100,
               .max_profile_bytes = 4 << 20},
    .time_limit_ms = 10000};

static inline int compose_start(void **state)
{
    return apr_initialize() == APR_SUCCESS &&
                   di_compose_start(DI_FORMATS_IN, MEMORY_BYTES)
               ? 0
               : -1;
}

static inline int compose_stop(void **state)
{
    di_compose_stop();
    apr_terminate();
    return 0;
}

/* Render and take the output into the pool. */
static inline picture_t render(di_result_t *result, const di_job_t *job,
                               const picture_t *picture, apr_pool_t *p)
{
    picture_t out = {NULL, 0};
    unsigned char *bytes;

    di_compose(result, &bytes, job, picture->bytes, picture->len);
    if (result->status == DI_RENDER_OK) {
        assert_non_null(bytes);
        out.len = (apr_size_t)result->bytes;
        out.bytes = apr_pmemdup(p, bytes, out.len);
    }
    else {
        assert_null(bytes);
        assert_int_equal(result->bytes, 0);
    }
    free(bytes);
    return out;
}

static inline picture_t render_ok(di_result_t *result, const di_job_t *job,
                                  const picture_t *picture, apr_pool_t *p)
{
    picture_t out = render(result, job, picture, p);

    assert_int_equal(result->status, DI_RENDER_OK);
    assert_true(DI_FORMAT_IN(job->formats, result->format));
    assert_true(result->bytes < picture->len);
    return out;
}

static inline di_render_status_e
status_of(const di_job_t *job, const picture_t *picture, apr_pool_t *p)
{
    di_result_t result;

    (void)render(&result, job, picture, p);
    return (di_render_status_e)result.status;
}

static inline unsigned char *put_be32(unsigned char *b, apr_size_t value)
{
    b[0] = (unsigned char)(value >> 24);
    b[1] = (unsigned char)(value >> 16);
    b[2] = (unsigned char)(value >> 8);
    b[3] = (unsigned char)value;
    return b + 4;
}

/* A PNG's chunk; its checksum is right. */
static inline picture_t png_chunk(const char *type, const void *data,
                                  apr_size_t len, apr_pool_t *p)
{
    picture_t chunk = {apr_palloc(p, len + 12), len + 12};
    apr_uint32_t crc = 0xFFFFFFFFu;
    apr_size_t i;
    int bit;

    memcpy(put_be32(chunk.bytes, len), type, 4);
    memcpy(chunk.bytes + 8, data, len);
    for (i = 4; i < len + 8; i++) {
        crc ^= chunk.bytes[i];
        for (bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
        }
    }
    put_be32(chunk.bytes + 8 + len, ~crc);
    return chunk;
}

/* Behind IHDR. */
static inline picture_t with_chunk(const picture_t *png, const char *type,
                                   const void *data, apr_size_t len,
                                   apr_pool_t *p)
{
    picture_t chunk = png_chunk(type, data, len, p);

    return picture_insert(png, 33, chunk.bytes, chunk.len, p);
}

/* Behind SOI. */
static inline picture_t with_segment(const picture_t *jpeg, int marker,
                                     const void *data, apr_size_t len,
                                     apr_pool_t *p)
{
    unsigned char *segment = apr_palloc(p, len + 4);

    segment[0] = 0xFF;
    segment[1] = (unsigned char)marker;
    segment[2] = (unsigned char)((len + 2) >> 8);
    segment[3] = (unsigned char)(len + 2);
    memcpy(segment + 4, data, len);
    return picture_insert(jpeg, 2, segment, len + 4, p);
}

/* The same picture in a file with FAT_BYTES more: JPEG and PNG get a comment,
   the others bytes behind their end, where the decoders bear that. */
static inline picture_t fat(const picture_t *picture, apr_pool_t *p)
{
    unsigned char *filler = apr_pcalloc(p, FAT_BYTES);

    switch (picture->bytes[0]) {
    case 0xFF:
        return with_segment(picture, 0xFE, filler, FAT_BYTES, p);
    case 0x89:
        memset(filler, 'x', FAT_BYTES);
        filler[7] = 0;
        return with_chunk(picture, "tEXt", filler, FAT_BYTES, p);
    case 'R': {
        picture_t out;
        unsigned i;

        memcpy(filler, "FILL", 4);
        for (i = 0; i < 4; i++) {
            filler[4 + i] = (unsigned char)((FAT_BYTES - 8) >> 8 * i);
        }
        out = picture_insert(picture, picture->len, filler, FAT_BYTES, p);
        for (i = 0; i < 4; i++) {
            out.bytes[4 + i] = (unsigned char)((out.len - 8) >> 8 * i);
        }
        return out;
    }
    default:
        return picture_insert(picture, picture->len, filler, FAT_BYTES, p);
    }
}

static inline picture_t fat_picture(const char *coder, unsigned width_px,
                                    unsigned height_px, unsigned flags,
                                    apr_pool_t *p)
{
    picture_t made = picture_make(coder, width_px, height_px, flags, p);

    return fat(&made, p);
}

/* An original of a raster, which is freed. */
static inline picture_t encoded(di_raster_t *raster, di_format_e format,
                                const di_encode_t *how, apr_pool_t *p)
{
    di_blob_t file = {NULL, 0};
    picture_t out;

    assert_int_equal(
        di_codec_of((apr_uint32_t)format)->encode(&file, raster, how),
        DI_RENDER_OK);
    out.bytes = apr_pmemdup(p, file.bytes, file.len);
    out.len = file.len;
    free(file.bytes);
    di_raster_free(raster);
    return out;
}

static inline di_exif_t exif_of(const picture_t *picture, di_format_e format)
{
    di_header_t header;
    di_exif_t exif;

    assert_int_equal(
        di_header_read(&header, format, picture->bytes, picture->len),
        DI_RENDER_OK);
    di_exif_read(&exif, picture->bytes + header.exif.at, header.exif.len);
    return exif;
}

/* A rendition as RGBA, four bytes a pixel; by another library's hands where
   that knows the format. */
static inline unsigned char *shown(const picture_t *out,
                                   const di_result_t *result, apr_pool_t *p)
{
    unsigned width_px, height_px;
    unsigned char *rgba =
        picture_pixels(&width_px, &height_px, di_codec_of(result->format)->name,
                       out->bytes, out->len, p);

    assert_non_null(rgba);
    assert_int_equal(width_px, result->width_px);
    assert_int_equal(height_px, result->height_px);
    return rgba;
}

static inline int count_of(const picture_t *picture, const char *text)
{
    size_t len = strlen(text), i;
    int count = 0;

    for (i = 0; i + len <= picture->len; i++) {
        count += !memcmp(picture->bytes + i, text, len);
    }
    return count;
}

/*
 * An EXIF block: orientation 0 is none; a shown width of 0 says no density.
 *
 *   "MM" 002A 8 | count | orientation | XResolution YResolution
 *   ResolutionUnit Exif IFD | 0 | two rationals | count 2, sizes, 0
 */
static inline apr_size_t exif_block(unsigned char block[128],
                                    unsigned orientation, unsigned width_px,
                                    unsigned height_px, unsigned shown_width_px,
                                    unsigned shown_height_px)
{
    unsigned turned = orientation != 0, dense = shown_width_px ? 4 : 0;
    unsigned values = 8 + 2 + 12 * (turned + dense) + 4;
    unsigned words[][3] = {
        {0x011A0005, 1, values},
        {0x011B0005, 1, values + 8},
        {0x01280003, 1, 2u << 16},
        {0x87690004, 1, values + 16},
    };
    unsigned char *b = block;
    unsigned i;

    memset(block, 0, 128);
    memcpy(b, "MM\0*\0\0\0\10", 8);
    b[9] = (unsigned char)(turned + dense);
    b += 10;
    if (turned) {
        b = put_be32(put_be32(put_be32(b, 0x01120003), 1), orientation << 16);
    }
    for (i = 0; i < dense; i++) {
        b = put_be32(put_be32(put_be32(b, words[i][0]), words[i][1]),
                     words[i][2]);
    }
    b += 4;
    if (dense) {
        b = put_be32(put_be32(b, 72 * width_px), shown_width_px);
        b = put_be32(put_be32(b, 72 * height_px), shown_height_px);
        b[1] = 2;
        b = put_be32(put_be32(put_be32(b + 2, 0xA0020004), 1), shown_width_px);
        b = put_be32(put_be32(put_be32(b, 0xA0030004), 1), shown_height_px);
        b += 4;
    }
    return (apr_size_t)(b - block);
}

/* JPEG or PNG. */
static inline picture_t with_exif(const picture_t *picture,
                                  const unsigned char *block, apr_size_t len,
                                  apr_pool_t *p)
{
    unsigned char *named = apr_palloc(p, len + 6);

    if (picture->bytes[0] == 0x89) {
        return with_chunk(picture, "eXIf", block, len, p);
    }
    memcpy(named, "Exif\0", 6);
    memcpy(named + 6, block, len);
    return with_segment(picture, 0xE1, named, len + 6, p);
}

#endif
