/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A variant: one original x one recipe x the formats that its client takes,
 * before it is known what bytes that makes.  Its key text is all that the
 * rendition depends on; the caller, the host and the time of day are not in
 * it (invariant 1).
 *
 *     di2 renderer=2/LIBRARIES formats=jpeg+png+webp scale=0% fit=900px
 *     width=0px height=0px quality=50 ssim=9300e-4 bytes=0B chroma=auto
 *     progressive=1 colors=0 layout=keep background=#ffffff copyright=1 quick=0
 *     max=20971520B,50000000px,20000px,200frames,100scans,4194304B
 *     size=2184321B mtime=1763800000123456us file=/srv/www/photos/a.jpg
 *                                                                 (one line)
 *
 * The limits are in it because they decide whether there is a rendition, and
 * a verdict is kept as well.  The format of the original is not in it: its
 * content decides that, and name, size and modification time stand for its
 * content.  So a hit never opens the original.
 *
 * After a purge its stamp stands before the size, "purged=1763800000123456 ":
 * what was made before is not asked for any more, on any level or machine.
 */
#ifndef DI_VARIANT_H
#define DI_VARIANT_H

#include <apr_file_info.h>

#include "render/render.h"
#include "store/store.h"

typedef struct {
    const char *file; /* absolute path */
    apr_uint64_t bytes;
    apr_time_t modified_at; /* us */
    apr_uint64_t purged;    /* newest stamp that covers it (store/purges.h); 0:
                               none */
} di_original_t;

/**
 * @param out       its text lives in p
 * @param formats   set that the rendition may have, of DI_FORMATS_OUT
 * @param renderer  names and versions of the libraries behind the renderer
 * @return APR_SUCCESS or APR_ENAMETOOLONG
 */
apr_status_t di_variant_key(di_key_t *out, const di_original_t *original,
                            const di_recipe_t *recipe, unsigned formats,
                            const di_limits_t *limits, const char *renderer,
                            apr_pool_t *p);

/**
 * The strong entity tag of a rendition: quoted, from p.  The key decides the
 * bytes, so its hash identifies them (RFC 9110 8.8.3).
 */
const char *di_variant_etag(const di_key_t *key, apr_pool_t *p);

#endif
