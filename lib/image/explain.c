/* SPDX-License-Identifier: Apache-2.0 */
/* Formatting of the headers.  All words are tokens by construction: tier
   names by ds_arg_is_name, the others from closed lists. */
#include "image/explain.h"

#include <string.h>

#include <apr_strings.h>

const char *di_explain_header(const di_explanation_t *e, apr_pool_t *p)
{
    return apr_psprintf(p,
                        "tier=%s, kbps=%u, src=%s, cache=%s, "
                        "in=%" APR_UINT64_T_FMT ", out=%" APR_UINT64_T_FMT
                        ", eta=%u, ms=%u, reason=%s%s",
                        e->tier, e->kbps, e->source, e->cache, e->in_bytes,
                        e->out_bytes, e->eta_ms, e->took_ms,
                        di_reason_word(e->reason),
                        e->saving ? ", save-data=?1" : "");
}

const char *di_explain_cache_status(const di_explanation_t *e, apr_pool_t *p)
{
    const char *word = di_reason_word(e->reason);

    if (!strcmp(e->cache, "none")) {
        return apr_pstrcat(p, "dynimage; fwd=bypass; detail=", word, NULL);
    }
    if (!strcmp(e->cache, "miss")) {
        return apr_pstrcat(p, "dynimage; fwd=uri-miss",
                           e->kept ? "; stored" : "", "; detail=", word, NULL);
    }
    if (!strcmp(e->cache, "joined")) {
        return apr_pstrcat(
            p, "dynimage; fwd=uri-miss; collapsed; detail=", word, NULL);
    }
    return apr_pstrcat(p, "dynimage; hit; detail=", e->cache, NULL);
}

const char *di_explain_timing(const di_explanation_t *e, apr_pool_t *p)
{
    return apr_psprintf(p, "dynimage;dur=%u;desc=\"%s %s %s\"", e->took_ms,
                        e->tier, di_reason_word(e->reason), e->cache);
}
