/* SPDX-License-Identifier: Apache-2.0 */
/* Formats by signature and by media type: one table for both. */
#include "image/sniff.h"

#include <string.h>

#include <apr_cstr.h>
#include <apr_strings.h>

typedef struct {
    di_format_e format;
    const char *type;
    const char *magic;
    apr_size_t magic_len;
    const char *later; /* second signature, at later_at; or NULL */
    apr_size_t later_at, later_len;
} sniff_format_t;

static const sniff_format_t formats[] = {
    {DI_FORMAT_JPEG, "image/jpeg", "\xff\xd8\xff", 3, NULL, 0, 0},
    {DI_FORMAT_PNG, "image/png", "\x89PNG\r\n\x1a\n", 8, NULL, 0, 0},
    {DI_FORMAT_GIF, "image/gif", "GIF8", 4, "a", 5, 1},
    {DI_FORMAT_WEBP, "image/webp", "RIFF", 4, "WEBP", 8, 4},
};

#define FORMATS (sizeof(formats) / sizeof(*formats))

static int has(const unsigned char *head, apr_size_t len, apr_size_t at,
               const char *magic, apr_size_t magic_len)
{
    return len >= at + magic_len && !memcmp(head + at, magic, magic_len);
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
    return DI_FORMAT_UNKNOWN;
}

const char *di_format_type(di_format_e format)
{
    apr_size_t i;

    for (i = 0; i < FORMATS; i++) {
        if (formats[i].format == format) {
            return formats[i].type;
        }
    }
    return NULL;
}

di_format_e di_format_of_type(const char *type)
{
    apr_size_t i, len = type ? strcspn(type, "; \t") : 0;

    for (i = 0; i < FORMATS; i++) {
        if (len == strlen(formats[i].type) &&
            !apr_cstr_casecmpn(type, formats[i].type, len)) {
            return formats[i].format;
        }
    }
    return DI_FORMAT_UNKNOWN;
}

int di_format_is_candidate(const char *type)
{
    return di_format_of_type(type) != DI_FORMAT_UNKNOWN;
}
