/* SPDX-License-Identifier: Apache-2.0 */
/* The pictures that are to be prerendered: found on disk, in a list, by a
   crawl (crawl.h). */
#ifndef CTL_PICTURES_H
#define CTL_PICTURES_H

#include "ctl.h"

/* Longest URL that is taken, bytes. */
#define CTL_URL_BYTES 4096

/* Longest stamp. */
#define CTL_STAMP_BYTES 200

typedef struct {
    const char *url;   /* as the server is asked for it */
    const char *stamp; /* "size-mtime_us" of the file, or its validator in
                          HTTP; "-": not known */
} ctl_picture_t;

typedef struct {
    apr_pool_t *p;
    apr_array_header_t *list; /* of ctl_picture_t */
    int max;
    int full;         /* 1: there were more than max */
    const char *root; /* document root; NULL: none */
    const char *base; /* URL of root, with a '/' at its end */
    int unreadable;   /* folders and files that could not be looked at */
} ctl_pictures_t;

/* By its name: .jpg and the like. */
int ctl_pictures_is_name(const char *name);

/* Add one. @return 0 when there is no more room */
int ctl_pictures_add(ctl_pictures_t *pictures, const char *url,
                     const char *stamp);

/* Add a file below the root. @param path  from the root, without '/' first */
int ctl_pictures_add_file(ctl_pictures_t *pictures, const char *path);

/* Add all below a folder of the root, "" for all. */
void ctl_pictures_walk(ctl_pictures_t *pictures, const char *folder);

/* Add the lines of a file ("-": stdin): URLs, or paths from '/'. */
int ctl_pictures_read(ctl_pictures_t *pictures, const char *file);

#endif
