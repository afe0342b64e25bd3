/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In a mount namespace of its own a child sees the new file where the old one
 * is; all other processes, the live httpd among them, go on seeing the old
 * one.  A file that is not there yet has nothing to be mounted on: then a copy
 * of its folder with the file in it is mounted over the folder.
 */
#include "confcheck.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

/* Of a folder that is copied: files, and bytes of each. */
#define COPY_FILES 10000
#define COPY_BYTES (1024 * 1024)
#define COPY_DEPTH 8

/* Of the list of "httpd -t -D DUMP_INCLUDES" (2.4, mod_so's server/config.c);
   a wrapper that does not pass the words on prints none, and is believed. */
#define INCLUDES_HEAD "Included configuration files:"

typedef struct {
    const char *from; /* staged file, or copy of the folder */
    const char *over; /* installed file, or its folder */
} mount_t;

/* Without root a namespace of users comes along, in which mounting is ours. */
static const char *enter(void *baton)
{
    const mount_t *what = baton;

    if (unshare(CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER)) != 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount(what->from, what->over, NULL, MS_BIND, NULL) != 0) {
        return strerror(errno);
    }
    return NULL;
}

static int copy_file(int from, int to, const char *name)
{
    char block[65536];
    int in = openat(from, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t got = 0;
    size_t all = 0;

    while (in >= 0 && out >= 0 && all < COPY_BYTES &&
           (got = read(in, block, sizeof block)) > 0) {
        all += (size_t)got;
        if (write(out, block, (size_t)got) != got) {
            got = -1;
            break;
        }
    }
    if (in >= 0) {
        close(in);
    }
    if (out >= 0) {
        close(out);
    }
    return in >= 0 && out >= 0 && got == 0;
}

static int copy_link(int from, int to, const char *name)
{
    char target[4096];
    ssize_t length = readlinkat(from, name, target, sizeof target - 1);

    if (length < 0) {
        return 0;
    }
    target[length] = '\0';
    return symlinkat(target, to, name) == 0;
}

static int copy_folder(int from, int to, int depth, int *left);

static int copy_entry(int from, int to, const char *name, int depth, int *left)
{
    struct stat st;
    int in, out, good;

    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || --*left < 0) {
        return 0;
    }
    if (S_ISREG(st.st_mode)) {
        return copy_file(from, to, name);
    }
    if (S_ISLNK(st.st_mode)) {
        return copy_link(from, to, name);
    }
    if (!S_ISDIR(st.st_mode)) {
        return 1; /* a socket is no part of a configuration */
    }
    mkdirat(to, name, 0700);
    in = openat(from, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    out = openat(to, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    good = in >= 0 && out >= 0 && depth < COPY_DEPTH &&
           copy_folder(in, out, depth + 1, left);
    if (in >= 0) {
        close(in);
    }
    if (out >= 0) {
        close(out);
    }
    return good;
}

static int copy_folder(int from, int to, int depth, int *left)
{
    int again = dup(from);
    DIR *dir = again >= 0 ? fdopendir(again) : NULL;
    struct dirent *entry;
    int good = dir != NULL;

    while (good && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 &&
            strcmp(entry->d_name, "..") != 0) {
            good = copy_entry(from, to, entry->d_name, depth, left);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    else if (again >= 0) {
        close(again);
    }
    return good;
}

static int drop_one(const char *path, const struct stat *st, int kind,
                    struct FTW *where)
{
    return remove(path);
}

static apr_status_t drop_copy(void *path)
{
    nftw(path, drop_one, 16, FTW_DEPTH | FTW_PHYS);
    return APR_SUCCESS;
}

/* @return the copy, gone with p; NULL: it cannot be made */
static const char *copy_with(const char *dir, const char *name,
                             const char *staged, apr_pool_t *p)
{
    char *copy = apr_pstrcat(p, staged, ".d", NULL);
    int left = COPY_FILES;
    int from, to, good = 0;

    if (mkdir(copy, 0755) != 0) {
        return NULL;
    }
    apr_pool_cleanup_register(p, copy, drop_copy, apr_pool_cleanup_null);
    from = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    to = open(copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (from >= 0 && to >= 0) {
        good = copy_folder(from, to, 0, &left) &&
               link(staged, apr_pstrcat(p, copy, "/", name, NULL)) == 0;
    }
    if (from >= 0) {
        close(from);
    }
    if (to >= 0) {
        close(to);
    }
    return good ? copy : NULL;
}

static void run_apart(ctl_ended_t *ended, const char *const *argv,
                      const char *dir, const char *name, const char *staged,
                      apr_pool_t *p)
{
    const char *path = apr_pstrcat(p, dir, "/", name, NULL);
    apr_pool_t *ptemp;
    mount_t what = {.from = staged, .over = path};
    ctl_child_t child = {.argv = argv,
                         .timeout_s = CTL_CONFCHECK_S,
                         .prepare = enter,
                         .baton = &what};

    apr_pool_create(&ptemp, p);
    if (access(path, F_OK) != 0) {
        what.from = copy_with(dir, name, staged, ptemp);
        what.over = dir;
    }
    if (what.from != NULL) {
        ctl_child_run(ended, &child, p);
    }
    else {
        ended->exit = -1;
        ended->output = apr_psprintf(p, "%s cannot be copied", dir);
    }
    apr_pool_destroy(ptemp);
}

int ctl_confcheck_apart(const char *dir, const char *name, const char *staged,
                        apr_pool_t *p)
{
    static const char *const nothing[] = {"true", NULL};
    ctl_ended_t ended;

    run_apart(&ended, nothing, dir, name, staged, p);
    return ended.exit == 0;
}

static const char *const *command(const char *httpd, int dump, apr_pool_t *p)
{
    int count;
    const char **argv = ctl_child_words(&count, httpd, 3, p);

    argv[count++] = "-t";
    if (dump) {
        argv[count++] = "-D";
        argv[count] = "DUMP_INCLUDES";
    }
    return argv;
}

/* Is a file in httpd's list of those that it reads, "    (LINE) PATH"?  A
   folder has many names; that of the file is looked at first. */
static int is_listed(const char *list, const char *dir, const char *name,
                     apr_pool_t *p)
{
    char *state, *slash, *path;
    struct stat here, there;

    for (char *line = apr_strtok(apr_pstrdup(p, list), "\r\n", &state);
         line != NULL; line = apr_strtok(NULL, "\r\n", &state)) {
        path = strchr(line, '/');
        slash = path != NULL ? strrchr(path, '/') : NULL;
        if (slash == NULL || strcmp(slash + 1, name) != 0) {
            continue;
        }
        slash[slash == path] = '\0';
        if (stat(path, &here) == 0 && stat(dir, &there) == 0 &&
            here.st_dev == there.st_dev && here.st_ino == there.st_ino) {
            return 1;
        }
    }
    return 0;
}

static void note_unread(ctl_ended_t *ended, const ctl_ended_t *list,
                        const char *dir, const char *name, apr_pool_t *p)
{
    if (list->exit == 0 && strstr(list->output, INCLUDES_HEAD) != NULL &&
        !is_listed(list->output, dir, name, p)) {
        ended->exit = 1;
        ended->output =
            apr_psprintf(p,
                         "httpd does not read %s/%s: its configuration wants\n"
                         "    IncludeOptional %s/*.conf",
                         dir, name, dir);
    }
}

void ctl_confcheck(ctl_ended_t *ended, const char *httpd, const char *dir,
                   const char *name, const char *staged, apr_pool_t *p)
{
    ctl_ended_t list;

    run_apart(ended, command(httpd, 0, p), dir, name, staged, p);
    if (ended->exit == 0) {
        run_apart(&list, command(httpd, 1, p), dir, name, staged, p);
        note_unread(ended, &list, dir, name, p);
    }
}

void ctl_confcheck_live(ctl_ended_t *ended, const char *httpd, const char *dir,
                        const char *name, apr_pool_t *p)
{
    ctl_child_t child = {.argv = command(httpd, 0, p),
                         .timeout_s = CTL_CONFCHECK_S};
    ctl_child_t dump = {.argv = command(httpd, 1, p),
                        .timeout_s = CTL_CONFCHECK_S};
    ctl_ended_t list;

    ctl_child_run(ended, &child, p);
    if (ended->exit == 0) {
        ctl_child_run(&list, &dump, p);
        note_unread(ended, &list, dir, name, p);
    }
}
