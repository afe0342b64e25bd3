/* SPDX-License-Identifier: Apache-2.0 */
/* What all codecs share. */
#include "render/codec.h"

#include <stdlib.h>
#include <string.h>

void di_decoded_free(di_decoded_t *decoded)
{
    di_raster_free(&decoded->picture);
    free(decoded->icc.bytes);
    memset(decoded, 0, sizeof(*decoded));
}
