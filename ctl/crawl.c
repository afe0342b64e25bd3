/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breadth first, one request at a time, on one scheme, host and port.  A page
 * or picture is met once; what robots.txt forbids is not asked for.  The token
 * of the administration handler does not go to pages.
 */
#include "crawl.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_time.h>

#include "base/fetch.h"
#include "links.h"
#include "robots.h"

#define PAGE_BYTES (8 * 1024 * 1024)
#define ROBOTS_BYTES (512 * 1024)
#define PAGE_TIMEOUT_MS 30000

typedef struct {
    const char *url;
    int depth;
} page_t;

typedef struct {
    ctl_pictures_t *pictures;
    const ctl_t *ctl;
    const ctl_crawl_t *crawl;
    const char *origin;
    ctl_robots_t robots;
    apr_hash_t *seen;          /* of pages and of pictures */
    apr_array_header_t *queue; /* of page_t */
    int failed;
    apr_pool_t *p;
} crawling_t;

static apr_status_t get(ds_fetched_t *got, const char **error,
                        const crawling_t *crawling, const char *url,
                        apr_size_t max_bytes, apr_pool_t *p)
{
    ds_fetch_t fetch = {.url = url,
                        .accept = "text/html, application/xhtml+xml",
                        .resolve = crawling->ctl->resolve,
                        .ca_file = crawling->ctl->ca_file,
                        .insecure = crawling->ctl->insecure,
                        .timeout_ms = PAGE_TIMEOUT_MS,
                        .max_bytes = max_bytes,
                        .redirects = 5};

    return ds_fetch(got, error, &fetch, p);
}

/* A site without the file allows all; one that cannot say, nothing (RFC 9309
   2.3.1.4). */
static int read_robots(crawling_t *crawling)
{
    const char *url =
        apr_pstrcat(crawling->p, crawling->origin, "/robots.txt", NULL);
    const char *error = NULL;
    ds_fetched_t got;
    apr_status_t rv;

    ctl_robots_parse(&crawling->robots, NULL, crawling->p);
    if (crawling->crawl->ignore_robots) {
        return CTL_OK;
    }
    rv = get(&got, &error, crawling, url, ROBOTS_BYTES, crawling->p);
    if (rv != APR_SUCCESS) {
        return ctl_fail(CTL_NO_HTTP, "%s: %s", url, error);
    }
    if (got.status >= 500) {
        return ctl_fail(CTL_NO_HTTP,
                        "%s: answered %d, so nothing is crawled (or "
                        "--ignore-robots)",
                        url, got.status);
    }
    if (got.status >= 200 && got.status < 300) {
        ctl_robots_parse(&crawling->robots, got.body, crawling->p);
    }
    return CTL_OK;
}

/* Ours, and met for the first time. */
static int is_new(crawling_t *crawling, const char *url)
{
    size_t length = strlen(crawling->origin);

    if (strlen(url) > CTL_URL_BYTES ||
        strncmp(url, crawling->origin, length) != 0 || url[length] != '/' ||
        apr_hash_get(crawling->seen, url, APR_HASH_KEY_STRING) != NULL ||
        !ctl_robots_allow(&crawling->robots, url + length)) {
        return 0;
    }
    url = apr_pstrdup(crawling->p, url);
    apr_hash_set(crawling->seen, url, APR_HASH_KEY_STRING, url);
    return 1;
}

static int names_picture(const char *url, apr_pool_t *p)
{
    return ctl_pictures_is_name(apr_pstrmemdup(p, url, strcspn(url, "?")));
}

static void take_picture(crawling_t *crawling, const char *url)
{
    if (is_new(crawling, url)) {
        ctl_pictures_add(crawling->pictures, apr_pstrdup(crawling->p, url),
                         "-");
    }
}

static void take_page(crawling_t *crawling, const char *url, int depth)
{
    page_t *page;

    if (depth > crawling->crawl->depth ||
        crawling->queue->nelts >= crawling->crawl->max_pages ||
        !is_new(crawling, url)) {
        return;
    }
    page = &APR_ARRAY_PUSH(crawling->queue, page_t);
    page->url = apr_pstrdup(crawling->p, url);
    page->depth = depth;
}

static void take_links(crawling_t *crawling, const ctl_links_t *links,
                       int depth, apr_pool_t *ptemp)
{
    for (int i = 0; i < links->pictures->nelts; i++) {
        take_picture(crawling, APR_ARRAY_IDX(links->pictures, i, char *));
    }
    for (int i = 0; i < links->pages->nelts; i++) {
        const char *url = APR_ARRAY_IDX(links->pages, i, char *);

        if (names_picture(url, ptemp)) {
            take_picture(crawling, url);
        }
        else if (!links->nofollow) {
            take_page(crawling, url, depth + 1);
        }
    }
}

static void read_page(crawling_t *crawling, const page_t *page,
                      apr_pool_t *ptemp)
{
    const char *error = NULL;
    ds_fetched_t got;
    ctl_links_t links;

    if (get(&got, &error, crawling, page->url, PAGE_BYTES, ptemp) !=
        APR_SUCCESS) {
        ctl_fail(0, "%s: %s", page->url, error);
        crawling->failed++;
    }
    else if (got.status != 200) {
        ctl_fail(0, "%s: answered %d", page->url, got.status);
        crawling->failed++;
    }
    else if ((strcmp(got.type, "text/html") == 0 ||
              strcmp(got.type, "application/xhtml+xml") == 0) &&
             ctl_links_find(&links, got.body, got.bytes, got.url, ptemp)) {
        take_links(crawling, &links, page->depth, ptemp);
    }
}

static void wait_politely(const crawling_t *crawling)
{
    int ms = crawling->crawl->pause_ms;

    if (crawling->robots.delay_ms > ms) {
        ms = crawling->robots.delay_ms;
    }
    if (ms > 0) {
        apr_sleep(ms * APR_TIME_C(1000));
    }
}

static int begin(crawling_t *crawling, const char *start)
{
    const char *url = ctl_links_normal(start, crawling->p);
    int code;

    if (url == NULL) {
        return ctl_fail(CTL_USAGE, "--crawl: no http URL: %s", start);
    }
    crawling->origin = ctl_links_origin(url, crawling->p);
    code = read_robots(crawling);
    if (code == CTL_OK) {
        take_page(crawling, url, 0);
        if (crawling->queue->nelts == 0) {
            return ctl_fail(CTL_USAGE,
                            "%s: robots.txt forbids it (--ignore-robots if "
                            "the site is yours)",
                            url);
        }
    }
    return code;
}

int ctl_crawl(ctl_pictures_t *pictures, const ctl_t *ctl,
              const ctl_crawl_t *crawl, ctl_crawl_told_t *told, void *baton,
              const volatile int *stop)
{
    apr_pool_t *p = ctl->p;
    crawling_t crawling = {.pictures = pictures,
                           .ctl = ctl,
                           .crawl = crawl,
                           .seen = apr_hash_make(p),
                           .queue = apr_array_make(p, 64, sizeof(page_t)),
                           .p = p};
    apr_pool_t *ptemp;
    int code = begin(&crawling, crawl->start);

    apr_pool_create(&ptemp, p);
    for (int i = 0; code == CTL_OK && i < crawling.queue->nelts && !*stop &&
                    !pictures->full;
         i++) {
        page_t page = APR_ARRAY_IDX(crawling.queue, i, page_t);

        if (i > 0) {
            wait_politely(&crawling);
        }
        read_page(&crawling, &page, ptemp);
        told(baton, i + 1, pictures->list->nelts);
        apr_pool_clear(ptemp);
    }
    apr_pool_destroy(ptemp);
    if (code == CTL_OK && crawling.failed > 0) {
        pictures->unreadable += crawling.failed;
    }
    return code;
}
