/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request's stamp; and a limit for mod_cache that costs no scan of its disk:
 *
 *     stamp of the URL -> request says "Cache-Control: max-age=SECONDS SINCE"
 *     -> an older copy is stale -> mod_cache asks the origin, with
 * If-None-Match
 *     -> changed: fetched anew; unchanged: 304, and the copy is fresh again
 *
 * The hook runs before mod_cache, whether that works as a quick handler or as a
 * late one (CacheQuickHandler), for every URL of a site that has a stamp, with
 * DynImage On or Off: the original may be in another scope, and the purge said
 * "this URL".
 */
#include "handlers/purged.h"

#include "http_protocol.h"

#include "apr_lib.h"
#include "apr_strings.h"
#include "apr_uri.h"

#include "image/cachecontrol.h"

static const di_parts_t *shared;

const char *di_purged_site(const server_rec *s, apr_pool_t *p)
{
    char *name = apr_pstrdup(p, s->server_hostname ? s->server_hostname : "");

    ap_str_tolower(name);
    return name;
}

const char *di_purged_path(const char *url, apr_pool_t *p)
{
    apr_uri_t uri = {.path = NULL};
    char *path;

    if (*url == '/') {
        path = apr_pstrmemdup(p, url, strcspn(url, "?#"));
    }
    else {
        path = apr_uri_parse(p, url, &uri) == APR_SUCCESS ? uri.path : NULL;
    }
    if (!path || *path != '/') {
        return NULL;
    }
    /* What cannot be decoded stays as it is, for the purge as for the request:
       httpd refuses such a request anyway. */
    (void)ap_unescape_url_keep2f(path, 1);
    (void)ap_normalize_path(path, AP_NORMALIZE_NOT_ABOVE_ROOT |
                                      AP_NORMALIZE_MERGE_SLASHES);
    return path;
}

/* The path that the visitor asked for, before any internal redirect. */
static const char *visitors_path(const request_rec *r)
{
    const request_rec *first = r;

    while (first->prev) {
        first = first->prev;
    }
    return first->unparsed_uri ? di_purged_path(first->unparsed_uri, r->pool)
                               : NULL;
}

apr_uint64_t di_purged(request_rec *r)
{
    const di_purges_t *purges = shared ? shared->books.purges : NULL;
    const char *site, *asked;
    apr_uint64_t stamp, other;

    if (!di_purges_version(purges)) {
        return 0;
    }
    site = di_purged_site(r->server, r->pool);
    asked = visitors_path(r);
    stamp = di_purges_stamp(purges, site, asked ? asked : "");
    if (!r->uri || (asked && !strcmp(asked, r->uri))) {
        return stamp;
    }
    other = di_purges_stamp(purges, site, r->uri);
    return other > stamp ? other : stamp;
}

/* Nothing that the client demands gets weaker. */
static int limit_age(request_rec *r, int lookup)
{
    apr_uint64_t stamp = di_purged(r);
    const char *before = apr_table_get(r->headers_in, "Cache-Control");
    const char *after;
    apr_int64_t since_s;

    if (!stamp || (!before && apr_table_get(r->headers_in, "Pragma"))) {
        return DECLINED;
    }
    /* mod_cache counts the age of its copy from the same instant. */
    since_s = apr_time_sec(r->request_time - (apr_time_t)stamp);
    after =
        di_cachecontrol_limit_age(before, since_s > 0 ? since_s : 0, r->pool);
    if (after) {
        apr_table_setn(r->headers_in, "Cache-Control", after);
    }
    return DECLINED;
}

void di_purged_register(const di_parts_t *parts)
{
    static const char *const caches[] = {"mod_cache.c", NULL};

    shared = parts;
    ap_hook_quick_handler(limit_age, NULL, caches, APR_HOOK_REALLY_FIRST);
}
