/* SPDX-License-Identifier: Apache-2.0 */
/* The one cache key that everybody uses. */
#include "image/variant.h"

#include <apr_strings.h>

apr_status_t di_variant_key(di_key_t *out, const di_original_t *original,
                            const di_tier_t *tier, const di_limits_t *limits,
                            const char *renderer, apr_pool_t *p)
{
    const char *text = apr_psprintf(
        p,
        "di1 renderer=%d/%s fit=%d quality=%d progressive=%d colors=%d "
        "pixels=%" APR_UINT64_T_FMT " bytes=%" APR_UINT64_T_FMT
        " size=%" APR_UINT64_T_FMT " mtime=%" APR_TIME_T_FMT " file=%s",
        DI_RENDERER_VERSION, renderer, tier->fit_px, tier->quality,
        tier->progressive, tier->colors, limits->max_pixels, limits->max_bytes,
        original->bytes, original->modified_at, original->file);

    return di_key_make(out, text);
}

const char *di_variant_etag(const di_key_t *key, apr_pool_t *p)
{
    return apr_pstrcat(p, "\"di-", key->hex, "\"", NULL);
}
