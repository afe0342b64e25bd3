/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an Accept header, for each format of an original: case does not
 * matter, saying it twice does not matter, nothing takes away what a part
 * ahead of it asked for in full, and only formats of renditions come out.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/accept.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define AHEAD "image/jxl , "

static void check(int fine)
{
    if (!fine) {
        abort();
    }
}

/* first and data in a block of their own, so that a read past the end
   is seen. */
static unsigned formats_of(const char *first, const char *data, size_t size,
                           int upper, di_format_e original)
{
    size_t at = strlen(first), i;
    char *text = malloc(at + size + 1);
    unsigned set;

    check(text != NULL);
    memcpy(text, first, at);
    memcpy(text + at, data, size);
    text[at + size] = '\0';
    for (i = 0; upper && i < at + size; i++) {
        text[i] = (char)toupper((unsigned char)text[i]);
    }
    set = di_accept_formats(text, original);
    free(text);
    return set;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    char *copy = malloc(size + 2);
    int original;

    check(copy != NULL);
    size = size ? strnlen(text, size) : 0;
    memcpy(copy, text, size);
    memcpy(copy + size, ",", 2);
    for (original = 0; original < DI_FORMAT_END; original++) {
        di_format_e f = (di_format_e)original;
        unsigned set = formats_of("", text, size, 0, f);
        check((set & ~DI_FORMATS_OUT) == 0);
        check(formats_of("", text, size, 1, f) == set);
        check(formats_of(AHEAD, text, size, 0, f) & DI_FORMAT_SET(JXL));
        if (!strchr(copy, '"') && 2 * size < DI_ACCEPT_MAX_BYTES) {
            check(formats_of(copy, text, size, 0, f) == set);
        }
    }
    free(copy);
    return 0;
}
