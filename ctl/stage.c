/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     $TMPDIR/dynimagectl-XXXXXX/new      the file
 *                               /new.d/   copy of its folder (confcheck.c)
 *
 * The folder is locked while its run lives; the kernel drops the lock of one
 * that was killed, and then the next run takes the folder away.
 */
#include "stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_env.h>
#include <apr_strings.h>

#define PREFIX "dynimagectl-"
#define RANDOM "XXXXXX" /* as mkdtemp(3) wants it */

/* Another run may take a folder away before it is locked. */
#define TRIES 3

static int drop_one(const char *path, const struct stat *st, int kind,
                    struct FTW *where)
{
    return remove(path);
}

static apr_status_t drop_folder(void *path)
{
    nftw(path, drop_one, 16, FTW_DEPTH | FTW_PHYS);
    return APR_SUCCESS;
}

/* @return its descriptor, which holds the lock; -1: somebody else does, or it
   is no folder of ours */
static int lock_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd >= 0 && (fstat(fd, &st) != 0 || st.st_uid != geteuid() ||
                    flock(fd, LOCK_EX | LOCK_NB) != 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static void drop_left(const char *base, apr_pool_t *p)
{
    DIR *dir = opendir(base);
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char *path = apr_pstrcat(p, base, "/", entry->d_name, NULL);
        int fd = strlen(entry->d_name) == strlen(PREFIX RANDOM) &&
                         strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0
                     ? lock_folder(path)
                     : -1;

        if (fd >= 0) {
            drop_folder(path);
            close(fd);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

/* @return its path, locked to the end of this run; NULL with errno */
static char *make_folder(const char *base, apr_pool_t *p)
{
    struct stat st;

    for (int i = 0; i < TRIES; i++) {
        char *path = apr_pstrcat(p, base, "/" PREFIX RANDOM, NULL);

        if (mkdtemp(path) == NULL) {
            return NULL;
        }
        if (lock_folder(path) >= 0 && stat(path, &st) == 0) {
            apr_pool_cleanup_register(p, path, drop_folder,
                                      apr_pool_cleanup_null);
            return path;
        }
    }
    return NULL;
}

const char *ctl_stage(const char *text, apr_size_t bytes, apr_pool_t *p)
{
    char *base = NULL;
    char *path;
    ssize_t sent = -1;
    int fd;

    if (apr_env_get(&base, "TMPDIR", p) != APR_SUCCESS || base[0] == '\0') {
        base = apr_pstrdup(p, "/tmp");
    }
    drop_left(base, p);
    path = make_folder(base, p);
    if (path == NULL) {
        ctl_fail(0, "%s: %s", base, strerror(errno));
        return NULL;
    }
    path = apr_pstrcat(p, path, "/new", NULL);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        sent = write(fd, text, bytes);
    }
    if (fd < 0 || close(fd) != 0 || sent != (ssize_t)bytes) {
        ctl_fail(0, "%s: cannot be written", path);
        return NULL;
    }
    return path;
}
