/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A variant: one original x one tier, before it is known what bytes that
 * makes.  Its key text is all that the rendition depends on; the caller, the
 * host and the time of day are not in it (invariant 1).
 *
 *     di1 renderer=1/GraphicsMagick-1.3.40 fit=900 quality=50 progressive=1
 *     colors=256 pixels=50000000 bytes=20971520 size=2184321
 *     mtime=1763800000123456 file=/srv/www/photos/a.jpg          (one line)
 *
 * The format of the original is not in it: its content decides that, and
 * name, size and modification time stand for its content.  So a hit never
 * opens the original.
 */
#ifndef DI_VARIANT_H
#define DI_VARIANT_H

#include <apr_file_info.h>

#include "image/tier.h"
#include "store/store.h"

typedef struct {
    const char *file; /* absolute path */
    apr_uint64_t bytes;
    apr_time_t modified_at; /* us */
} di_original_t;

typedef struct {
    apr_uint64_t max_pixels; /* width x height of an original */
    apr_uint64_t max_bytes;  /* of an original's file */
} di_limits_t;

/**
 * @param out       its text lives in p
 * @param renderer  name and version of the library behind the renderer
 * @return APR_SUCCESS or APR_ENAMETOOLONG
 */
apr_status_t di_variant_key(di_key_t *out, const di_original_t *original,
                            const di_tier_t *tier, const di_limits_t *limits,
                            const char *renderer, apr_pool_t *p);

/**
 * The strong entity tag of a rendition: quoted, from p.  The key decides the
 * bytes, so its hash identifies them (RFC 9110 8.8.3).
 */
const char *di_variant_etag(const di_key_t *key, apr_pool_t *p);

#endif
