/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All beside each other in one folder, so that each step is one rename:
 *
 *     a.conf             the file
 *     a.conf.previous    the one before it
 *     .a.conf.new-PID    being written
 *     .a.conf.before     link to the old one, until httpd has taken the new
 *     .a.conf.swap       the same, of one that is to be checked in place
 *
 * None but the first matches "*.conf" (httpd's wildcards leave names out that
 * begin with a dot).  Killed at any moment, the file is the old or the new
 * one, whole; who takes the lock next finds .before (the new one was checked:
 * it stays) or .swap (it was not: it goes).
 */
#include "install.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_time.h>

#define LOOK_EVERY APR_TIME_C(100000)

static void sync_folder(const ctl_install_t *install)
{
    int fd = open(install->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

static int take_lock(ctl_install_t *install, int wait_s)
{
    const char *path =
        apr_pstrcat(install->p, install->dir, "/.dynimage-push.lock", NULL);
    apr_time_t end = apr_time_now() + apr_time_from_sec(wait_s);

    install->lock_fd =
        open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (install->lock_fd < 0) {
        return ctl_fail(CTL_USAGE, "%s: %s", path, strerror(errno));
    }
    while (flock(install->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (apr_time_now() > end) {
            close(install->lock_fd);
            install->lock_fd = -1;
            return ctl_fail(CTL_FAILED, "%s: another push is under way",
                            install->dir);
        }
        apr_sleep(LOOK_EVERY);
    }
    return CTL_OK;
}

static const char *beside(const ctl_install_t *install, const char *suffix)
{
    return apr_pstrcat(install->p, install->dir, "/.", install->name, suffix,
                       NULL);
}

int ctl_install_open(ctl_install_t *install, const char *dir, const char *name,
                     int wait_s, apr_pool_t *p)
{
    struct stat st;
    int code;

    memset(install, 0, sizeof *install);
    install->p = p;
    install->dir = dir;
    install->name = name;
    install->path = apr_pstrcat(p, dir, "/", name, NULL);
    install->previous = apr_pstrcat(p, install->path, ".previous", NULL);
    install->before = beside(install, ".before");
    install->swap = beside(install, ".swap");
    code = take_lock(install, wait_s);
    if (code != CTL_OK) {
        return code;
    }
    rename(install->swap, install->path);
    rename(install->before, install->previous);
    if (lstat(install->path, &st) == 0 && !S_ISREG(st.st_mode)) {
        ctl_install_close(install);
        return ctl_fail(CTL_USAGE, "%s: is not a file", install->path);
    }
    return CTL_OK;
}

static int write_all(int fd, const char *text, apr_size_t bytes)
{
    while (bytes > 0) {
        ssize_t sent = write(fd, text, bytes);

        if (sent <= 0) {
            return 0;
        }
        text += sent;
        bytes -= (apr_size_t)sent;
    }
    return fsync(fd) == 0;
}

/* Owner and mode of the one that it replaces. */
static int write_new(const ctl_install_t *install, const char *path,
                     const char *text, apr_size_t bytes)
{
    struct stat st = {.st_mode = 0644};
    int is_there = stat(install->path, &st) == 0;
    int fd, good;

    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return 0;
    }
    good = (!is_there || geteuid() != 0 ||
            fchown(fd, st.st_uid, st.st_gid) == 0) &&
           fchmod(fd, st.st_mode & 0777) == 0 && write_all(fd, text, bytes);
    return close(fd) == 0 && good;
}

/* A file that was not there is an empty one, which does no harm. */
static int keep_old(const ctl_install_t *install, const char *as)
{
    int fd;

    unlink(as);
    if (link(install->path, as) == 0) {
        return 1;
    }
    if (errno != ENOENT || as != install->swap) {
        return errno == ENOENT;
    }
    fd = open(as, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    return fd >= 0 && close(fd) == 0;
}

int ctl_install_put(ctl_install_t *install, const char *text, apr_size_t bytes,
                    int checked)
{
    const char *path =
        beside(install, apr_psprintf(install->p, ".new-%d", (int)getpid()));
    int code = CTL_OK;

    if (!write_new(install, path, text, bytes) ||
        !keep_old(install, checked ? install->before : install->swap) ||
        rename(path, install->path) != 0) {
        code = ctl_fail(CTL_FAILED, "%s: %s", install->path, strerror(errno));
        unlink(path);
    }
    sync_folder(install);
    return code;
}

void ctl_install_keep(ctl_install_t *install)
{
    if (rename(install->before, install->previous) != 0 &&
        rename(install->swap, install->previous) != 0) {
        unlink(install->previous); /* there was none */
    }
    sync_folder(install);
}

void ctl_install_undo(ctl_install_t *install)
{
    struct stat st;

    if (rename(install->before, install->path) != 0) {
        if (stat(install->swap, &st) == 0 && st.st_size > 0) {
            rename(install->swap, install->path);
        }
        else {
            unlink(install->swap);
            unlink(install->path);
        }
    }
    sync_folder(install);
}

void ctl_install_close(ctl_install_t *install)
{
    if (install->lock_fd >= 0) {
        close(install->lock_fd);
    }
    install->lock_fd = -1;
}
