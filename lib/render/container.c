/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An EXIF block within an encoded file:
 *
 *   JPEG  FFD8 | FFE1, length, "Exif" 00 00, block | the rest
 *   PNG   ... | length, "eXIf", block, CRC | the first IDAT ...
 *   WebP  "RIFF" size "WEBP" | VP8X, if there is none | the chunks as they
 *         were | "EXIF" length, block, 00 if it is odd
 *   JXL   signature box | ftyp box | Exif box: offset 0, block | jxlc box:
 *         the bare codestream
 *   AVIF  container_avif.c
 *
 * A block comes early where the format allows it, so that a page is laid out
 * before all of the picture is there.
 *
 * Source: EXIF 2.32, 4.7.2; PNG extensions 1.5.0, 3.7; RFC 9649, 2.7; ISO/IEC
 * 18181-2, 9.
 */
#include "render/container.h"

#include <stdlib.h>
#include <string.h>

#include "render/container_avif.h"

/* JPEG: what a segment's 16-bit length leaves behind itself and "Exif". */
#define JPEG_EXIF_MAX (65535 - 2 - 6)

static unsigned char *put32_be(unsigned char *b, apr_size_t value)
{
    b[0] = (unsigned char)(value >> 24);
    b[1] = (unsigned char)(value >> 16);
    b[2] = (unsigned char)(value >> 8);
    b[3] = (unsigned char)value;
    return b + 4;
}

static unsigned char *put24_le(unsigned char *b, apr_size_t value)
{
    b[0] = (unsigned char)value;
    b[1] = (unsigned char)(value >> 8);
    b[2] = (unsigned char)(value >> 16);
    return b + 3;
}

static unsigned char *put32_le(unsigned char *b, apr_size_t value)
{
    b = put24_le(b, value);
    b[0] = (unsigned char)(value >> 24);
    return b + 1;
}

static unsigned char *put_bytes(unsigned char *b, const void *bytes,
                                apr_size_t len)
{
    memcpy(b, bytes, len);
    return b + len;
}

static apr_size_t get32_be(const unsigned char *b)
{
    return (apr_size_t)b[0] << 24 | (apr_size_t)b[1] << 16 |
           (apr_size_t)b[2] << 8 | b[3];
}

/* Open a gap within a file and one at its end; what is in them is not set.
   Returns 0 when memory is short, with the file as it was. */
static int open_gaps(di_blob_t *file, apr_size_t at, apr_size_t gap_bytes,
                     apr_size_t end_bytes)
{
    unsigned char *bytes =
        realloc(file->bytes, file->len + gap_bytes + end_bytes);

    if (!bytes) {
        return 0;
    }
    memmove(bytes + at + gap_bytes, bytes + at, file->len - at);
    file->bytes = bytes;
    file->len += gap_bytes + end_bytes;
    return 1;
}

static di_render_status_e add_to_jpeg(di_blob_t *file,
                                      const unsigned char *exif, apr_size_t len)
{
    unsigned char *b;

    if (len > JPEG_EXIF_MAX || file->len < 2 ||
        memcmp(file->bytes, "\xFF\xD8", 2)) {
        return DI_RENDER_NO_FORMAT;
    }
    if (!open_gaps(file, 2, 10 + len, 0)) {
        return DI_RENDER_NO_MEMORY;
    }
    b = put32_be(file->bytes + 2, 0xFFE10000u | (8 + len));
    put_bytes(put_bytes(b, "Exif\0", 6), exif, len);
    return DI_RENDER_OK;
}

/* Bit by bit: a block is short, and zlib has its own file. */
static apr_uint32_t png_crc(const unsigned char *bytes, apr_size_t len)
{
    apr_uint32_t crc = 0xFFFFFFFFu;
    apr_size_t i;
    int bit;

    for (i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
        }
    }
    return ~crc;
}

/* Where the first IDAT begins; 0: there is none. */
static apr_size_t png_data_at(const di_blob_t *file)
{
    apr_size_t at = 8;

    if (file->len < 8 || memcmp(file->bytes, "\x89PNG\r\n\x1a\n", 8)) {
        return 0;
    }
    while (file->len - at >= 12) {
        apr_size_t chunk = get32_be(file->bytes + at);

        if (!memcmp(file->bytes + at + 4, "IDAT", 4)) {
            return at;
        }
        if (chunk > file->len - at - 12) {
            break;
        }
        at += 12 + chunk;
    }
    return 0;
}

static di_render_status_e add_to_png(di_blob_t *file, const unsigned char *exif,
                                     apr_size_t len)
{
    apr_size_t at = png_data_at(file);
    unsigned char *type;

    if (at == 0) {
        return DI_RENDER_NO_FORMAT;
    }
    if (!open_gaps(file, at, 12 + len, 0)) {
        return DI_RENDER_NO_MEMORY;
    }
    type = put32_be(file->bytes + at, len);
    put_bytes(put_bytes(type, "eXIf", 4), exif, len);
    put32_be(type + 4 + len, png_crc(type, 4 + len));
    return DI_RENDER_OK;
}

enum { WEBP_HAS_EXIF = 0x08, WEBP_HAS_ALPHA = 0x10 };

/* RIFF header, a chunk's header and the first bytes of that chunk. */
#define WEBP_LEAST 30

static int is_webp(const di_blob_t *file)
{
    return file->len >= WEBP_LEAST && file->len % 2 == 0 &&
           !memcmp(file->bytes, "RIFF", 4) &&
           !memcmp(file->bytes + 8, "WEBPVP8", 7);
}

static di_render_status_e add_to_webp(di_blob_t *file, apr_uint32_t width_px,
                                      apr_uint32_t height_px, int alpha,
                                      const unsigned char *exif, apr_size_t len)
{
    apr_size_t header = 18, odd = len % 2;
    unsigned char *b;

    if (!is_webp(file)) {
        return DI_RENDER_NO_FORMAT;
    }
    if (file->bytes[15] == 'X') {
        header = 0;
    }
    /* VP8L says itself whether it has alpha: one bit behind both sides. */
    alpha = alpha || (file->bytes[15] == 'L' && file->bytes[24] & 0x10);
    if (!open_gaps(file, 12, header, 8 + len + odd)) {
        return DI_RENDER_NO_MEMORY;
    }
    put32_le(file->bytes + 4, file->len - 8);
    b = file->bytes + 12;
    if (header) {
        b = put32_le(put_bytes(b, "VP8X", 4), 10);
        b = put32_le(b, alpha ? WEBP_HAS_ALPHA : 0);
        put24_le(put24_le(b, width_px - 1), height_px - 1);
    }
    file->bytes[20] |= WEBP_HAS_EXIF;
    b = file->bytes + file->len - (8 + len + odd);
    b = put_bytes(put32_le(put_bytes(b, "EXIF", 4), len), exif, len);
    memset(b, 0, odd);
    return DI_RENDER_OK;
}

static di_render_status_e add_to_jxl(di_blob_t *file, const unsigned char *exif,
                                     apr_size_t len)
{
    static const unsigned char head[] = "\0\0\0\x0CJXL \r\n\x87\n"
                                        "\0\0\0\x14"
                                        "ftypjxl \0\0\0\0jxl ";
    const apr_size_t head_len = sizeof(head) - 1;
    apr_size_t codestream_len = file->len;
    unsigned char *b;

    if (file->len < 2 || memcmp(file->bytes, "\xFF\x0A", 2)) {
        return DI_RENDER_NO_FORMAT;
    }
    if (!open_gaps(file, 0, head_len + 12 + len + 8, 0)) {
        return DI_RENDER_NO_MEMORY;
    }
    b = put_bytes(file->bytes, head, head_len);
    b = put_bytes(put32_be(b, 12 + len), "Exif\0\0\0", 8);
    b = put_bytes(b, exif, len);
    put_bytes(put32_be(b, 8 + codestream_len), "jxlc", 4);
    return DI_RENDER_OK;
}

di_render_status_e di_container_add_exif(di_blob_t *file, di_format_e format,
                                         apr_uint32_t width_px,
                                         apr_uint32_t height_px, int alpha,
                                         const unsigned char *exif,
                                         apr_size_t len)
{
    switch (format) {
    case DI_FORMAT_JPEG:
        return add_to_jpeg(file, exif, len);
    case DI_FORMAT_PNG:
        return add_to_png(file, exif, len);
    case DI_FORMAT_WEBP:
        return add_to_webp(file, width_px, height_px, alpha, exif, len);
    case DI_FORMAT_AVIF:
        return di_container_avif(file, exif, len);
    case DI_FORMAT_JXL:
        return add_to_jxl(file, exif, len);
    default:
        return DI_RENDER_NO_FORMAT;
    }
}

int di_container_carries_size(di_format_e format)
{
    static const unsigned carrying = DI_FORMAT_SET(JPEG);

    return DI_FORMAT_IN(carrying, format);
}
