/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PNG file is an 8 byte signature and chunks:
 *
 *   length (4, big-endian) | type (4) | data (length) | CRC (4)
 *
 * Colour chunks are copied from the original as they are, checksum included,
 * because a decoder's idea of them (a float gamma, a guessed default) need
 * not be what the file said.  Times, texts and previews stay behind, so the
 * output depends on nothing but pixels and colour.
 */
#include "render/pngcolor.h"

#include <string.h>

#define SIGNATURE_BYTES 8
#define CHUNK_FRAME_BYTES 12

static const char data_types[][5] = {"PLTE", "tRNS", "IDAT", "IEND"};
static const char color_types[][5] = {"iCCP", "cICP", "sRGB",
                                      "gAMA", "cHRM", "eXIf"};

typedef struct {
    const unsigned char *bytes;
    apr_size_t len;
    apr_size_t at;
} chunks_t;

/* The next whole chunk and its size; NULL at the end or at damage. */
static const unsigned char *next_chunk(chunks_t *c, apr_size_t *size)
{
    const unsigned char *b = c->bytes + c->at;
    apr_size_t left = c->len - c->at, data;

    if (left < CHUNK_FRAME_BYTES) {
        return NULL;
    }
    data = (apr_size_t)b[0] << 24 | (apr_size_t)b[1] << 16 |
           (apr_size_t)b[2] << 8 | b[3];
    if (data > left - CHUNK_FRAME_BYTES) {
        return NULL;
    }
    *size = data + CHUNK_FRAME_BYTES;
    c->at += *size;
    return b;
}

static int is(const unsigned char *chunk, const char *type)
{
    return !memcmp(chunk + 4, type, 4);
}

static int is_one_of(const unsigned char *chunk, const char (*types)[5],
                     apr_size_t count)
{
    apr_size_t i;

    for (i = 0; i < count; i++) {
        if (is(chunk, types[i])) {
            return 1;
        }
    }
    return 0;
}

#define IS_ONE_OF(chunk, types)                                                \
    is_one_of(chunk, types, sizeof(types) / sizeof(*(types)))

static chunks_t open_chunks(const unsigned char *bytes, apr_size_t len)
{
    chunks_t c = {bytes, len, len < SIGNATURE_BYTES ? len : SIGNATURE_BYTES};

    return c;
}

static apr_size_t append(unsigned char *out, apr_size_t used,
                         const unsigned char *bytes, apr_size_t count)
{
    memcpy(out + used, bytes, count);
    return used + count;
}

/* The colour chunks in front of the picture data. */
static apr_size_t append_colors(unsigned char *out, apr_size_t used,
                                const unsigned char *png, apr_size_t len)
{
    chunks_t c = open_chunks(png, len);
    const unsigned char *chunk;
    apr_size_t size;

    while ((chunk = next_chunk(&c, &size)) && !is(chunk, "IDAT")) {
        if (IS_ONE_OF(chunk, color_types)) {
            used = append(out, used, chunk, size);
        }
    }
    return used;
}

apr_size_t di_pngcolor_merge(unsigned char *out, const unsigned char *encoded,
                             apr_size_t encoded_len,
                             const unsigned char *original,
                             apr_size_t original_len)
{
    chunks_t c = open_chunks(encoded, encoded_len);
    apr_size_t used = 0, size;
    const unsigned char *chunk = next_chunk(&c, &size);

    if (!chunk || !is(chunk, "IHDR")) {
        return 0;
    }
    used = append(out, used, encoded, SIGNATURE_BYTES);
    used = append(out, used, chunk, size);
    used = append_colors(out, used, original, original_len);
    while ((chunk = next_chunk(&c, &size))) {
        if (IS_ONE_OF(chunk, data_types)) {
            used = append(out, used, chunk, size);
        }
        if (is(chunk, "IEND")) {
            return used;
        }
    }
    return 0;
}

int di_pngcolor_has_profile(const unsigned char *png, apr_size_t len)
{
    chunks_t c = open_chunks(png, len);
    const unsigned char *chunk;
    apr_size_t size;

    while ((chunk = next_chunk(&c, &size)) && !is(chunk, "IDAT")) {
        if (is(chunk, "iCCP")) {
            return 1;
        }
    }
    return 0;
}
