/* SPDX-License-Identifier: Apache-2.0 */
/* EXIF in an AVIF file: a part of container.c. */
#ifndef DI_CONTAINER_AVIF_H
#define DI_CONTAINER_AVIF_H

#include "render/codec.h"

/* As di_container_add_exif. */
di_render_status_e di_container_avif(di_blob_t *file, const unsigned char *exif,
                                     apr_size_t len);

#endif
