/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formats by signature and by media type: a table each.  Two formats need
 * more than bytes at fixed places: HEIF files, of which the list of brands
 * tells AVIF from HEIC, and BMP, whose "BM" many a text begins with.
 */
#include "image/sniff.h"

#include <string.h>

#include <apr_cstr.h>
#include <apr_strings.h>

typedef struct {
    di_format_e format;
    const char *magic;
    apr_size_t magic_len;
    const char *later; /* second signature, at later_at; or NULL */
    apr_size_t later_at, later_len;
} sniff_format_t;

static const sniff_format_t formats[] = {
    {DI_FORMAT_JPEG, "\xff\xd8\xff", 3, NULL, 0, 0},
    {DI_FORMAT_PNG, "\x89PNG\r\n\x1a\n", 8, NULL, 0, 0},
    {DI_FORMAT_GIF, "GIF8", 4, "a", 5, 1},
    {DI_FORMAT_WEBP, "RIFF", 4, "WEBP", 8, 4},
    {DI_FORMAT_TIFF, "II*\0", 4, NULL, 0, 0},
    {DI_FORMAT_TIFF, "MM\0*", 4, NULL, 0, 0},
    {DI_FORMAT_JXL, "\xff\x0a", 2, NULL, 0, 0},
    {DI_FORMAT_JXL, "\0\0\0\x0cJXL \r\n\x87\n", 12, NULL, 0, 0},
};

#define FORMATS (sizeof(formats) / sizeof(*formats))

/* The first type of a format is the one that it is sent with. */
static const struct {
    di_format_e format;
    const char *type;
} types[] = {
    {DI_FORMAT_JPEG, "image/jpeg"}, {DI_FORMAT_PNG, "image/png"},
    {DI_FORMAT_PNG, "image/apng"},  {DI_FORMAT_GIF, "image/gif"},
    {DI_FORMAT_WEBP, "image/webp"}, {DI_FORMAT_TIFF, "image/tiff"},
    {DI_FORMAT_BMP, "image/bmp"},   {DI_FORMAT_BMP, "image/x-ms-bmp"},
    {DI_FORMAT_AVIF, "image/avif"}, {DI_FORMAT_HEIC, "image/heic"},
    {DI_FORMAT_HEIC, "image/heif"}, {DI_FORMAT_JXL, "image/jxl"},
};

#define TYPES (sizeof(types) / sizeof(*types))

/* Brands of four bytes each that tell a HEIF file's coding. */
static const struct {
    di_format_e format;
    const char *brands;
} brands[] = {
    {DI_FORMAT_AVIF, "avifavis"},
    {DI_FORMAT_HEIC, "heicheixheimheishevchevxhevmhevs"},
};

#define BRANDS (sizeof(brands) / sizeof(*brands))

/* Where the length of a BMP's second header lies; the lengths there are. */
#define BMP_LENGTH_AT 14
static const unsigned char bmp_lengths[] = {12, 40, 52, 56, 64, 108, 124};

static int has(const unsigned char *head, apr_size_t len, apr_size_t at,
               const char *magic, apr_size_t magic_len)
{
    return len >= at + magic_len && !memcmp(head + at, magic, magic_len);
}

static int is_bmp(const unsigned char *head, apr_size_t len)
{
    return has(head, len, 0, "BM", 2) &&
           has(head, len, BMP_LENGTH_AT + 1, "\0\0\0", 3) &&
           memchr(bmp_lengths, head[BMP_LENGTH_AT], sizeof(bmp_lengths));
}

static di_format_e format_of_brand(const unsigned char *brand)
{
    apr_size_t i, at;

    for (i = 0; i < BRANDS; i++) {
        for (at = 0; brands[i].brands[at]; at += 4) {
            if (!memcmp(brand, brands[i].brands + at, 4)) {
                return brands[i].format;
            }
        }
    }
    return DI_FORMAT_UNKNOWN;
}

/* Length of the box, "ftyp", major brand, its version, compatible brands: the
   first that tells decides. */
static di_format_e by_brands(const unsigned char *head, apr_size_t len)
{
    apr_size_t at, end;

    if (!has(head, len, 4, "ftyp", 4)) {
        return DI_FORMAT_UNKNOWN;
    }
    end = (apr_size_t)head[2] << 8 | head[3];
    if (head[0] || head[1] || end > len) {
        end = len;
    }
    for (at = 8; at + 4 <= end; at += at == 8 ? 8 : 4) {
        di_format_e format = format_of_brand(head + at);

        if (format != DI_FORMAT_UNKNOWN) {
            return format;
        }
    }
    return DI_FORMAT_UNKNOWN;
}

di_format_e di_sniff(const void *head, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < FORMATS; i++) {
        const sniff_format_t *f = &formats[i];

        if (has(head, len, 0, f->magic, f->magic_len) &&
            (!f->later ||
             has(head, len, f->later_at, f->later, f->later_len))) {
            return f->format;
        }
    }
    return is_bmp(head, len) ? DI_FORMAT_BMP : by_brands(head, len);
}

const char *di_format_type(di_format_e format)
{
    apr_size_t i;

    for (i = 0; i < TYPES; i++) {
        if (types[i].format == format) {
            return types[i].type;
        }
    }
    return NULL;
}

di_format_e di_format_of_type(const char *type)
{
    apr_size_t i, len = type ? strcspn(type, "; \t") : 0;

    for (i = 0; i < TYPES; i++) {
        if (len == strlen(types[i].type) &&
            !apr_cstr_casecmpn(type, types[i].type, len)) {
            return types[i].format;
        }
    }
    return DI_FORMAT_UNKNOWN;
}

int di_format_is_candidate(const char *type)
{
    return di_format_of_type(type) != DI_FORMAT_UNKNOWN;
}
