/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first line as what an operator asks for, the rest as a Cookie header:
 * a header with the named cookie twice, once as asked and once otherwise, is
 * never consent; an own one always is.  And as an ETag, and as a list of them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_pools.h>
#include <apr_strings.h>

#include "speed/consent.h"
#include "speed/pagemark.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *asked, const char *header, apr_pool_t *p)
{
    static const sp_consent_t fixed = {"ok", "yes"};
    char mark[SP_PAGEMARK_ROOM];
    sp_consent_t consent;

    if (sp_consent_found(&fixed, apr_pstrcat(p, "ok=no; ", header, NULL)) ||
        !sp_consent_found(&fixed, "a=b; ok=yes")) {
        abort();
    }
    sp_pagemark_make(mark, asked);
    if (strlen(sp_pagemark_take(header, mark, p)) > strlen(header) ||
        strlen(sp_pagemark_put(header, mark, p)) >
            strlen(header) + 2 + strlen(mark) ||
        (strlen(header) < 900 && header[0] == '"' &&
         header[strlen(header) - 1] == '"' && header[1] &&
         sp_pagemark_take(sp_pagemark_put(header, mark, p), mark, p) ==
             header)) {
        abort();
    }
    if (sp_consent_parse(&consent, asked, p)) {
        return;
    }
    (void)sp_consent_found(&consent, header);
    /* "*" stands for itself as well, so the text asked for is an answer. */
    if (consent.pattern && !sp_consent_found(&consent, asked)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int started;
    apr_pool_t *p;
    char *text, *rest;

    if (!started) {
        apr_initialize();
        started = 1;
    }
    if (apr_pool_create(&p, NULL)) {
        return 0;
    }
    text = apr_pstrmemdup(p, (const char *)data, size);
    rest = strchr(text, '\n');
    if (rest) {
        *rest++ = '\0';
    }
    check(text, rest ? rest : "", p);
    apr_pool_destroy(p);
    return 0;
}
