/* SPDX-License-Identifier: Apache-2.0 */
/* A mark stands before the closing quote of an ETag, which holds no quote
   itself (RFC 9110, 8.8.3). */
#include "speed/pagemark.h"

#include <string.h>

#include <apr_strings.h>

/* Longest If-None-Match that is looked at, bytes. */
#define ETAGS_MAX 1024

void sp_pagemark_make(char out[SP_PAGEMARK_ROOM], const char *how)
{
    apr_uint32_t hash = 2166136261u; /* FNV-1a */

    for (; *how; how++) {
        hash = (hash ^ (unsigned char)*how) * 16777619u;
    }
    apr_snprintf(out, SP_PAGEMARK_ROOM, "-sp%06x", (hash ^ hash >> 8) >> 8);
}

const char *sp_pagemark_put(const char *etag, const char *mark, apr_pool_t *p)
{
    const char *opaque = !strncmp(etag, "W/", 2) ? etag + 2 : etag;
    apr_size_t len = strlen(opaque), mark_len = strlen(mark);

    if (len < 2 || opaque[0] != '"' || opaque[len - 1] != '"') {
        return etag;
    }
    if (len > mark_len + 1 &&
        !memcmp(opaque + len - 1 - mark_len, mark, mark_len)) {
        return opaque == etag ? apr_pstrcat(p, "W/", etag, NULL) : etag;
    }
    return apr_psprintf(p, "W/%.*s%s\"", (int)len - 1, opaque, mark);
}

const char *sp_pagemark_take(const char *etags, const char *mark, apr_pool_t *p)
{
    apr_size_t len = strlen(etags), mark_len = strlen(mark);
    const char *wanted = apr_pstrcat(p, mark, "\"", NULL), *next;
    char *text, *to;

    if (len > ETAGS_MAX || !strstr(etags, wanted)) {
        return etags;
    }
    text = to = apr_palloc(p, len + 1);
    while ((next = strstr(etags, wanted)) != NULL) {
        memcpy(to, etags, (apr_size_t)(next - etags));
        to += next - etags;
        etags = next + mark_len; /* the quote stays */
    }
    memcpy(to, etags, strlen(etags) + 1);
    return text;
}
