/* SPDX-License-Identifier: Apache-2.0 */
/* What an HTML page links to; the only file that includes libxml2. */
#ifndef CTL_LINKS_H
#define CTL_LINKS_H

#include <apr_pools.h>
#include <apr_tables.h>

/* Most links that are taken of one page. */
#define CTL_LINKS_MAX 10000

typedef struct {
    apr_array_header_t *pictures; /* const char *, absolute URLs */
    apr_array_header_t *pages;    /* of <a href>; may be pictures, too */
    int nofollow;                 /* 1: <meta name="robots"> says so */
} ctl_links_t;

/**
 * @param html  anything; broken pages are read as well as can be
 * @param url   where it came from; <base> is obeyed
 * @return 0 when it is not to be read at all
 */
int ctl_links_find(ctl_links_t *links, const char *html, apr_size_t bytes,
                   const char *url, apr_pool_t *p);

/* "HTTP://A.example:80/x#y" as "http://a.example/x"; NULL: no such URL. */
const char *ctl_links_normal(const char *url, apr_pool_t *p);

/* Scheme, host and port of a normal URL. */
const char *ctl_links_origin(const char *url, apr_pool_t *p);

#endif
