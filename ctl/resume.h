/* SPDX-License-Identifier: Apache-2.0 */
/* What a prerender has done, so that the next one goes on from there. */
#ifndef CTL_RESUME_H
#define CTL_RESUME_H

#include <apr_hash.h>

#include "ctl.h"
#include "pictures.h"

typedef struct {
    int fd; /* -1: nothing is kept */
    const char *path;
    apr_hash_t *done; /* URL -> stamp */
    apr_pool_t *p;
    int broken; /* 1: could not be written, said once */
} ctl_resume_t;

/* @param path  NULL: keep nothing. @return CTL_OK or CTL_USAGE */
int ctl_resume_open(ctl_resume_t *resume, const char *path, apr_pool_t *p);

/* Was it done, and is it the same file as then? */
int ctl_resume_has(const ctl_resume_t *resume, const ctl_picture_t *picture);

void ctl_resume_done(ctl_resume_t *resume, const ctl_picture_t *picture);

void ctl_resume_close(ctl_resume_t *resume);

#endif
