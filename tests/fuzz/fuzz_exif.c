/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EXIF of an original: what is read from it, written for a rendition and read
 * again is the same.  The input is TIFF data.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "render/exif.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int true_for_all_input)
{
    if (!true_for_all_input) {
        abort();
    }
}

static void within(const di_exif_text_t *text, const uint8_t *data, size_t size)
{
    const uint8_t *at = (const uint8_t *)text->text;

    require(text->len == 0 || (at >= data && text->len <= size &&
                               (size_t)(at - data) <= size - text->len));
}

/* Texts are cleaned once; what is clean stays as it is. */
static void same_text(const di_exif_text_t *a, const di_exif_text_t *b)
{
    require(a->len == b->len);
    require(a->len == 0 || !memcmp(a->text, b->text, a->len));
}

static void read_back(di_exif_t *out, unsigned char block[DI_EXIF_MAX],
                      const di_exif_t *exif)
{
    di_exif_wish_t wish = {400, 300, 800, 600, exif->artist, exif->copyright};
    apr_size_t len = di_exif_write(block, &wish);
    apr_uint32_t width = 400, height = 300;

    require(len && len <= DI_EXIF_MAX);
    di_exif_read(out, block, len);
    di_exif_shown(&width, &height, out);
    require(out->orientation == 1 && width == 800 && height == 600);
    require(out->artist.len <= exif->artist.len &&
            out->artist.len <= DI_EXIF_TEXT_MAX);
    require(out->copyright.len <= exif->copyright.len &&
            out->copyright.len <= DI_EXIF_TEXT_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char first_block[DI_EXIF_MAX], second_block[DI_EXIF_MAX];
    di_exif_t exif, first, second;
    apr_uint32_t width = 400, height = 300;

    di_exif_read(&exif, data, size);
    require(exif.orientation >= 1 && exif.orientation <= 8);
    within(&exif.artist, data, size);
    within(&exif.copyright, data, size);
    di_exif_shown(&width, &height, &exif);
    read_back(&first, first_block, &exif);
    read_back(&second, second_block, &first);
    same_text(&first.artist, &second.artist);
    same_text(&first.copyright, &second.copyright);
    return 0;
}
