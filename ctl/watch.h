/* SPDX-License-Identifier: Apache-2.0 */
/* New and changed files below a folder, by inotify. */
#ifndef CTL_WATCH_H
#define CTL_WATCH_H

#include <apr_hash.h>

#include "ctl.h"
#include "pictures.h"

/* Most paths that wait to be told; more are found by a walk. */
#define CTL_WATCH_WAITING 10000

typedef struct {
    int fd;
    const char *root;
    apr_hash_t *folders; /* watch number -> path from the root (malloc) */
    apr_pool_t *p;
    int lost; /* 1: something may have been missed */
    int full; /* 1: there are more folders than the kernel lets us watch */
} ctl_watch_t;

/* Watch all folders below root.  Before the walk that finds what is there, so
   that nothing falls between. */
int ctl_watch_open(ctl_watch_t *watch, const char *root, apr_pool_t *p);

/**
 * Wait for news, then until it has been quiet for a moment.
 * @param pictures  added to: files that were closed after writing or moved
 *                  here; all of them after something was lost
 * @return 0 when it shall end
 */
int ctl_watch_wait(ctl_watch_t *watch, ctl_pictures_t *pictures,
                   const volatile int *stop);

void ctl_watch_close(ctl_watch_t *watch);

#endif
