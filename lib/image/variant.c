/* SPDX-License-Identifier: Apache-2.0 */
/* The one cache key that everybody uses. */
#include "image/variant.h"

#include <apr_strings.h>

/* "jpeg+png", "none" for an empty set; always in this order. */
static const char *formats_text(unsigned formats, apr_pool_t *p)
{
    static const struct {
        unsigned set;
        const char *word;
    } words[] = {{DI_FORMAT_SET(JPEG), "jpeg"},
                 {DI_FORMAT_SET(PNG), "png"},
                 {DI_FORMAT_SET(WEBP), "webp"},
                 {DI_FORMAT_SET(AVIF), "avif"},
                 {DI_FORMAT_SET(JXL), "jxl"}};
    const char *text = "";
    apr_size_t i;

    for (i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (formats & words[i].set) {
            text = apr_pstrcat(p, text, *text ? "+" : "", words[i].word, NULL);
        }
    }
    return *text ? text : "none";
}

static const char *chroma_text(apr_uint32_t chroma)
{
    static const char *const words[] = {[DI_CHROMA_AUTO] = "auto",
                                        [DI_CHROMA_420] = "420",
                                        [DI_CHROMA_422] = "422",
                                        [DI_CHROMA_444] = "444"};

    return chroma < sizeof(words) / sizeof(*words) ? words[chroma] : "?";
}

static const char *recipe_text(const di_recipe_t *recipe, apr_pool_t *p)
{
    return apr_psprintf(
        p,
        "scale=%ue-3 fit=%upx width=%upx height=%upx quality=%u ssim=%ue-4 "
        "bytes=%uB chroma=%s progressive=%u colors=%u layout=%s "
        "background=#%06x copyright=%u quick=%u",
        recipe->scale_permille, recipe->fit_px, recipe->max_width_px,
        recipe->max_height_px, recipe->quality, recipe->ssim_e4,
        recipe->most_bytes, chroma_text(recipe->chroma), recipe->progressive,
        recipe->colors, recipe->page_layout ? "page" : "keep",
        recipe->background, recipe->keep_copyright, recipe->quick);
}

static const char *limits_text(const di_limits_t *limits, apr_pool_t *p)
{
    return apr_psprintf(p,
                        "max=%" APR_UINT64_T_FMT "B,%" APR_UINT64_T_FMT
                        "px,%upx,%uframes,%uscans,%uB",
                        limits->max_bytes, limits->max_pixels,
                        limits->max_side_px, limits->max_frames,
                        limits->max_scans, limits->max_profile_bytes);
}

/* Only where there was a purge: other keys stay as they were. */
static const char *purged_text(apr_uint64_t purged, apr_pool_t *p)
{
    return purged ? apr_psprintf(p, "purged=%" APR_UINT64_T_FMT " ", purged)
                  : "";
}

apr_status_t di_variant_key(di_key_t *out, const di_original_t *original,
                            const di_recipe_t *recipe, unsigned formats,
                            const di_limits_t *limits, const char *renderer,
                            apr_pool_t *p)
{
    const char *text = apr_psprintf(
        p,
        "di2 renderer=%d/%s formats=%s %s %s %ssize=%" APR_UINT64_T_FMT
        "B mtime=%" APR_TIME_T_FMT "us file=%s",
        DI_RENDERER_VERSION, renderer, formats_text(formats, p),
        recipe_text(recipe, p), limits_text(limits, p),
        purged_text(original->purged, p), original->bytes,
        original->modified_at, original->file);

    return di_key_make(out, text);
}

const char *di_variant_etag(const di_key_t *key, apr_pool_t *p)
{
    return apr_pstrcat(p, "\"di-", key->hex, "\"", NULL);
}
