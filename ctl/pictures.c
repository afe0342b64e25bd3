/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk goes through folders in the order of names, so that a resumed one
 * meets them in the same order.  Folders behind symbolic links are left out: a
 * link to a folder above would have no end.  Names that begin with a dot are
 * nobody's business.
 */
#include "pictures.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <apr_strings.h>

#include "admin.h"

#define DEPTH_MAX 64

int ctl_pictures_is_name(const char *name)
{
    static const char *const suffixes[] = {
        "jpg",  "jpeg", "jpe",  "jfif", "png", "gif", "webp",
        "avif", "heic", "heif", "jxl",  "bmp", "tif", "tiff"};
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot != NULL && i < sizeof suffixes / sizeof suffixes[0];
         i++) {
        if (strcasecmp(dot + 1, suffixes[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

int ctl_pictures_add(ctl_pictures_t *pictures, const char *url,
                     const char *stamp)
{
    ctl_picture_t *one;

    if (pictures->list->nelts >= pictures->max) {
        pictures->full = 1;
        return 0;
    }
    one = &APR_ARRAY_PUSH(pictures->list, ctl_picture_t);
    one->url = url;
    one->stamp = stamp;
    return 1;
}

static const char *stamp_of(const struct stat *st, apr_pool_t *p)
{
    apr_int64_t changed_us =
        (apr_int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000;

    return apr_psprintf(p, "%" APR_INT64_T_FMT "-%" APR_INT64_T_FMT,
                        (apr_int64_t)st->st_size, changed_us);
}

int ctl_pictures_add_file(ctl_pictures_t *pictures, const char *path)
{
    apr_pool_t *p = pictures->p;
    const char *url =
        apr_pstrcat(p, pictures->base, ctl_encode(path, "/", p), NULL);
    struct stat st;

    if (strlen(url) > CTL_URL_BYTES ||
        stat(apr_pstrcat(p, pictures->root, "/", path, NULL), &st) != 0) {
        pictures->unreadable++;
        return 1;
    }
    return !S_ISREG(st.st_mode) ||
           ctl_pictures_add(pictures, url, stamp_of(&st, p));
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int is_folder(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void walk(ctl_pictures_t *pictures, const char *folder, int depth)
{
    apr_pool_t *p = pictures->p;
    const char *at = apr_pstrcat(p, pictures->root, "/", folder, NULL);
    struct dirent **names = NULL;
    int count = scandir(at, &names, is_visible, alphasort);

    if (count < 0 || depth > DEPTH_MAX) {
        ctl_fail(0, "%s: %s", at, count < 0 ? strerror(errno) : "too deep");
        pictures->unreadable++;
    }
    for (int i = 0; i < count; i++) {
        const char *path =
            folder[0] != '\0'
                ? apr_pstrcat(p, folder, "/", names[i]->d_name, NULL)
                : apr_pstrdup(p, names[i]->d_name);

        if (pictures->full || depth > DEPTH_MAX) {
            /* the rest is freed only */
        }
        else if (is_folder(apr_pstrcat(p, pictures->root, "/", path, NULL))) {
            walk(pictures, path, depth + 1);
        }
        else if (ctl_pictures_is_name(path)) {
            ctl_pictures_add_file(pictures, path);
        }
        free(names[i]);
    }
    free(names);
}

void ctl_pictures_walk(ctl_pictures_t *pictures, const char *folder)
{
    walk(pictures, folder, 0);
}

/* A path is one from the document root; with --root it may be stamped. */
static const char *stamp_of_path(const ctl_pictures_t *pictures,
                                 const char *path)
{
    struct stat st;

    if (pictures->root == NULL || path[0] != '/' ||
        stat(apr_pstrcat(pictures->p, pictures->root, path, NULL), &st) != 0) {
        return "-";
    }
    return stamp_of(&st, pictures->p);
}

int ctl_pictures_read(ctl_pictures_t *pictures, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    char line[CTL_URL_BYTES + 2];
    int code = CTL_OK;

    if (file == NULL) {
        return ctl_fail(CTL_USAGE, "%s: %s", path, strerror(errno));
    }
    for (int number = 1; code == CTL_OK && fgets(line, sizeof line, file);
         number++) {
        size_t length = strcspn(line, "\r\n");

        if (line[length] == '\0' && !feof(file)) {
            code = ctl_fail(CTL_USAGE, "%s:%d: longer than %d bytes", path,
                            number, CTL_URL_BYTES);
        }
        line[length] = '\0';
        if (code != CTL_OK || line[0] == '\0' || line[0] == '#') {
            continue;
        }
        if (line[0] != '/' && strncmp(line, "http://", 7) != 0 &&
            strncmp(line, "https://", 8) != 0) {
            code = ctl_fail(CTL_USAGE,
                            "%s:%d: neither a URL nor a path from '/': %s",
                            path, number, line);
        }
        else if (!ctl_pictures_add(pictures, apr_pstrdup(pictures->p, line),
                                   stamp_of_path(pictures, line))) {
            break;
        }
    }
    if (file != stdin) {
        fclose(file);
    }
    return code;
}
