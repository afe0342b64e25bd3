/* SPDX-License-Identifier: Apache-2.0 */
/* The pictures of a site, found by reading its pages. */
#ifndef CTL_CRAWL_H
#define CTL_CRAWL_H

#include "ctl.h"
#include "pictures.h"

typedef struct {
    const char *start; /* URL of the first page */
    int depth;         /* links away from it; 0: only that page */
    int max_pages;
    int ignore_robots;
    int pause_ms; /* between requests */
} ctl_crawl_t;

/* What it found, while it goes on. */
typedef void ctl_crawl_told_t(void *baton, int pages, int pictures);

/**
 * Add the pictures of the site to the list.
 * @param told  called after each page
 * @param stop  becomes 1 when it shall end
 */
int ctl_crawl(ctl_pictures_t *pictures, const ctl_t *ctl,
              const ctl_crawl_t *crawl, ctl_crawl_told_t *told, void *baton,
              const volatile int *stop);

#endif
