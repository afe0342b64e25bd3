/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a page: every link that comes out is an absolute http URL in
 * its one form, without a fragment or a byte that a request line may not have.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#include "links.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int fine)
{
    if (!fine) {
        abort();
    }
}

static void check_list(const apr_array_header_t *list, apr_pool_t *p)
{
    check(list->nelts <= CTL_LINKS_MAX);
    for (int i = 0; i < list->nelts; i++) {
        const char *url = APR_ARRAY_IDX(list, i, const char *);
        const char *again = ctl_links_normal(url, p);

        check(strncmp(url, "http://", 7) == 0 ||
              strncmp(url, "https://", 8) == 0);
        check(strchr(url, '#') == NULL);
        for (const char *c = url; *c != '\0'; c++) {
            check(*c > ' ' && *c < 0x7f);
        }
        check(again != NULL && strcmp(again, url) == 0);
        check(strncmp(url, ctl_links_origin(url, p),
                      strlen(ctl_links_origin(url, p))) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ctl_links_t links;
    apr_pool_t *p;

    if (apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&p, NULL) != APR_SUCCESS) {
        return 0;
    }
    if (ctl_links_find(&links, (const char *)data, size,
                       "http://a.example/d/index.html", p)) {
        check_list(links.pictures, p);
        check_list(links.pages, p);
    }
    apr_pool_destroy(p);
    apr_terminate();
    return 0;
}
