/* SPDX-License-Identifier: Apache-2.0 */
/* A walk over the directives of one Cache-Control value; quoted arguments may
   hold commas. */
#include "image/cachecontrol.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_cstr.h>
#include <apr_strings.h>

#include "base/arg.h"

/* Set word..end to the next directive; 0 at the end of the list. */
static int next_directive(const char **word, apr_size_t *len, const char **rest)
{
    const char *at = *rest;
    int quoted = 0;

    while (*at == ',' || apr_isspace(*at)) {
        at++;
    }
    *word = at;
    while (*at && (quoted || *at != ',')) {
        if (quoted && *at == '\\' && at[1]) {
            at++;
        }
        else if (*at == '"') {
            quoted = !quoted;
        }
        at++;
    }
    *rest = at;
    while (at > *word && apr_isspace(at[-1])) {
        at--;
    }
    *len = (apr_size_t)(at - *word);
    return *len > 0;
}

/* Is the directive's name, before any "=", this one? */
static int is_named(const char *word, apr_size_t len, const char *name)
{
    apr_size_t name_len = strlen(name);

    return len >= name_len && !apr_cstr_casecmpn(word, name, name_len) &&
           (len == name_len || word[name_len] == '=' ||
            apr_isspace(word[name_len]));
}

static int is_for_shared_caches(const char *word, apr_size_t len)
{
    return is_named(word, len, "public") || is_named(word, len, "s-maxage") ||
           is_named(word, len, "proxy-revalidate") ||
           is_named(word, len, "must-understand") ||
           is_named(word, len, "private");
}

const char *di_cachecontrol_private(const char *site, apr_uint32_t max_age_s,
                                    int passing, apr_pool_t *p)
{
    const char *out = "private", *word, *rest = site ? site : "";
    int lifetime = 0;
    apr_size_t len;

    while (next_directive(&word, &len, &rest)) {
        int is_lifetime =
            is_named(word, len, "max-age") || is_named(word, len, "immutable");
        if (is_for_shared_caches(word, len) || (is_lifetime && passing)) {
            continue;
        }
        lifetime |= is_lifetime || is_named(word, len, "no-store") ||
                    is_named(word, len, "no-cache");
        out = apr_pstrcat(p, out, ", ", apr_pstrmemdup(p, word, len), NULL);
    }
    if (passing) {
        return apr_pstrcat(p, out, ", max-age=0, must-revalidate", NULL);
    }
    return lifetime ? out : apr_psprintf(p, "%s, max-age=%u", out, max_age_s);
}

int di_cachecontrol_forbids_transform(const char *value)
{
    const char *word, *rest = value ? value : "";
    apr_size_t len;

    while (next_directive(&word, &len, &rest)) {
        if (is_named(word, len, "no-transform")) {
            return 1;
        }
    }
    return 0;
}

/* The number of a directive "name=NUMBER"; -1 when it has none. */
static apr_int64_t number_of(const char *word, apr_size_t len)
{
    const char *at = memchr(word, '=', len);
    apr_size_t digits = 0, left = at ? len - (apr_size_t)(at + 1 - word) : 0;
    apr_int64_t number;

    for (at = left ? at + 1 : word; left && (*at == '"' || apr_isspace(*at));
         left--) {
        at++;
    }
    while (digits < left && apr_isdigit(at[digits])) {
        digits++;
    }
    return digits && ds_arg_decimal(&number, at, digits) ? number : -1;
}

const char *di_cachecontrol_limit_age(const char *asked, apr_int64_t age_s,
                                      apr_pool_t *p)
{
    const char *word, *rest = asked ? asked : "", *out = "";
    int strict = 0, loose = 0;
    apr_size_t len;

    while (next_directive(&word, &len, &rest)) {
        int is_age = is_named(word, len, "max-age");
        apr_int64_t own_s = is_age ? number_of(word, len) : -1;
        if (is_named(word, len, "no-cache") ||
            is_named(word, len, "no-store")) {
            return NULL;
        }
        if (is_named(word, len, "max-stale") ||
            (is_age && (own_s < 0 || own_s > age_s))) {
            loose = 1;
            continue;
        }
        strict |= is_age;
        out = apr_pstrcat(p, out, *out ? ", " : "",
                          apr_pstrmemdup(p, word, len), NULL);
    }
    if (strict) {
        return loose ? out : NULL;
    }
    return apr_psprintf(p, "%s%smax-age=%" APR_INT64_T_FMT, out,
                        *out ? ", " : "", age_s);
}
