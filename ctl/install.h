/* SPDX-License-Identifier: Apache-2.0 */
/* A file that is replaced as a whole, with a way back. */
#ifndef CTL_INSTALL_H
#define CTL_INSTALL_H

#include "ctl.h"

typedef struct {
    const char *dir;
    const char *name;
    const char *path;     /* dir/name */
    const char *previous; /* dir/name.previous: what it was before */
    const char *before;   /* kept until it is known that it goes well */
    const char *swap;     /* the same of a file that is not checked yet */
    int lock_fd;
    apr_pool_t *p;
} ctl_install_t;

/**
 * Take the folder for this process, waiting for another one, and put right
 * what one that was killed left.
 * @return CTL_OK, CTL_USAGE or CTL_FAILED after a sentence
 */
int ctl_install_open(ctl_install_t *install, const char *dir, const char *name,
                     int wait_s, apr_pool_t *p);

/* Put it there. @param checked  0: it will be undone when this is killed */
int ctl_install_put(ctl_install_t *install, const char *text, apr_size_t bytes,
                    int checked);

/* It is good: what was there is the previous one now. */
void ctl_install_keep(ctl_install_t *install);

/* It is not: what was there is there again. */
void ctl_install_undo(ctl_install_t *install);

void ctl_install_close(ctl_install_t *install);

#endif
