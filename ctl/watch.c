/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One watch for each folder; inotify has none for a tree.  A folder that
 * appears is watched first and looked through then, so a file is seen by one
 * of both.  When the kernel's queue ran over, everything is looked through.
 */
#include "watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_time.h>

#define EVENTS                                                                 \
    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_ONLYDIR |   \
     IN_DONT_FOLLOW)
#define DEPTH_MAX 64
/* Quiet for so long, but not more than this since the first news. */
#define QUIET_MS 300
#define TOGETHER APR_TIME_C(1000000)
/* How soon a signal to stop is seen. */
#define LOOK_MS 200

static void add_one(ctl_watch_t *watch, const char *folder)
{
    char at[8192];
    int wd;
    char *old;

    if (apr_snprintf(at, sizeof at, "%s/%s", watch->root, folder) >=
        (int)sizeof at - 1) {
        return;
    }
    wd = inotify_add_watch(watch->fd, at, EVENTS);
    if (wd < 0) {
        if (errno == ENOSPC && !watch->full) {
            watch->full = 1;
            ctl_fail(0,
                     "%s: not watched, nor what comes after it: too many "
                     "folders (sysctl fs.inotify.max_user_watches)",
                     at);
        }
        return;
    }
    old = apr_hash_get(watch->folders, &wd, sizeof wd);
    if (old != NULL) {
        apr_hash_set(watch->folders, &wd, sizeof wd, NULL);
        free(old - sizeof wd);
    }
    /* The number stands before the path: the hash wants a key that stays. */
    old = malloc(sizeof wd + strlen(folder) + 1);
    if (old != NULL) {
        memcpy(old, &wd, sizeof wd);
        memcpy(old + sizeof wd, folder, strlen(folder) + 1);
        apr_hash_set(watch->folders, old, sizeof wd, old + sizeof wd);
    }
}

/* A folder and those below it. */
static void add_tree(ctl_watch_t *watch, const char *folder, int depth,
                     apr_pool_t *p)
{
    DIR *dir;
    struct dirent *entry;
    struct stat st;

    add_one(watch, folder);
    dir = opendir(apr_pstrcat(p, watch->root, "/", folder, NULL));
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.' && depth < DEPTH_MAX &&
            fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISDIR(st.st_mode)) {
            add_tree(watch,
                     folder[0] != '\0'
                         ? apr_pstrcat(p, folder, "/", entry->d_name, NULL)
                         : apr_pstrdup(p, entry->d_name),
                     depth + 1, p);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

int ctl_watch_open(ctl_watch_t *watch, const char *root, apr_pool_t *p)
{
    apr_pool_t *ptemp;

    memset(watch, 0, sizeof *watch);
    watch->root = root;
    watch->p = p;
    watch->folders = apr_hash_make(p);
    watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch->fd < 0) {
        return ctl_fail(CTL_USAGE, "--watch: %s", strerror(errno));
    }
    apr_pool_create(&ptemp, p);
    add_tree(watch, "", 0, ptemp);
    apr_pool_destroy(ptemp);
    return apr_hash_count(watch->folders) > 0
               ? CTL_OK
               : ctl_fail(CTL_USAGE, "--watch %s: cannot be watched", root);
}

static void drop(ctl_watch_t *watch, int wd)
{
    char *folder = apr_hash_get(watch->folders, &wd, sizeof wd);

    if (folder != NULL) {
        apr_hash_set(watch->folders, &wd, sizeof wd, NULL);
        free(folder - sizeof wd);
    }
}

/* A folder went elsewhere, and with it the paths of all below. */
static void drop_tree(ctl_watch_t *watch, const char *path, apr_pool_t *p)
{
    size_t length = strlen(path);
    apr_array_header_t *gone = apr_array_make(p, 8, sizeof(int));

    for (apr_hash_index_t *at = apr_hash_first(p, watch->folders); at != NULL;
         at = apr_hash_next(at)) {
        const void *key;
        void *value;
        const char *folder;

        apr_hash_this(at, &key, NULL, &value);
        folder = value;
        if (strncmp(folder, path, length) == 0 &&
            (folder[length] == '\0' || folder[length] == '/')) {
            memcpy(apr_array_push(gone), key, sizeof(int));
        }
    }
    for (int i = 0; i < gone->nelts; i++) {
        int wd = APR_ARRAY_IDX(gone, i, int);

        inotify_rm_watch(watch->fd, wd);
        drop(watch, wd);
    }
}

static void on_folder(ctl_watch_t *watch, ctl_pictures_t *pictures,
                      const struct inotify_event *event, const char *path)
{
    if (event->mask & IN_MOVED_FROM) {
        drop_tree(watch, path, pictures->p);
    }
    else {
        add_tree(watch, path, 0, pictures->p);
        ctl_pictures_walk(pictures, path);
    }
}

static void on_event(ctl_watch_t *watch, ctl_pictures_t *pictures,
                     apr_hash_t *met, const struct inotify_event *event)
{
    const char *folder =
        apr_hash_get(watch->folders, &event->wd, sizeof event->wd);
    const char *path;

    if (event->mask & IN_Q_OVERFLOW) {
        watch->lost = 1;
    }
    if (event->mask & IN_IGNORED) {
        drop(watch, event->wd);
        return;
    }
    if (folder == NULL || event->len == 0 || event->name[0] == '.') {
        return;
    }
    path = folder[0] != '\0'
               ? apr_pstrcat(pictures->p, folder, "/", event->name, NULL)
               : apr_pstrdup(pictures->p, event->name);
    if (event->mask & IN_ISDIR) {
        on_folder(watch, pictures, event, path);
    }
    else if (event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO) &&
             ctl_pictures_is_name(path) &&
             apr_hash_get(met, path, APR_HASH_KEY_STRING) == NULL) {
        apr_hash_set(met, path, APR_HASH_KEY_STRING, path);
    }
}

static void read_events(ctl_watch_t *watch, ctl_pictures_t *pictures,
                        apr_hash_t *met)
{
    char buffer[65536]
        __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t got = read(watch->fd, buffer, sizeof buffer);

    for (ssize_t at = 0; at < got;) {
        const void *here = buffer + at;
        const struct inotify_event *event = here;

        on_event(watch, pictures, met, event);
        at += (ssize_t)(sizeof *event + event->len);
    }
    if (apr_hash_count(met) + (unsigned)pictures->list->nelts >
        CTL_WATCH_WAITING) {
        watch->lost = 1;
        apr_hash_clear(met);
    }
}

static void take(ctl_watch_t *watch, ctl_pictures_t *pictures, apr_hash_t *met)
{
    if (watch->lost) {
        watch->lost = 0;
        ctl_pictures_walk(pictures, "");
        return;
    }
    for (apr_hash_index_t *at = apr_hash_first(pictures->p, met); at != NULL;
         at = apr_hash_next(at)) {
        ctl_pictures_add_file(pictures, apr_hash_this_key(at));
    }
}

int ctl_watch_wait(ctl_watch_t *watch, ctl_pictures_t *pictures,
                   const volatile int *stop)
{
    apr_hash_t *met = apr_hash_make(pictures->p);
    struct pollfd news = {.fd = watch->fd, .events = POLLIN};
    apr_time_t first = 0;

    while (!*stop) {
        int ready = poll(&news, 1, first != 0 ? QUIET_MS : LOOK_MS);

        if (ready > 0) {
            read_events(watch, pictures, met);
        }
        if (first == 0 && (apr_hash_count(met) > 0 || watch->lost ||
                           pictures->list->nelts > 0)) {
            first = apr_time_now();
        }
        if (first != 0 && (ready == 0 || apr_time_now() - first > TOGETHER)) {
            take(watch, pictures, met);
            return 1;
        }
    }
    return 0;
}

void ctl_watch_close(ctl_watch_t *watch)
{
    apr_hash_index_t *at;

    for (at = apr_hash_first(watch->p, watch->folders); at != NULL;
         at = apr_hash_next(at)) {
        free((char *)apr_hash_this_val(at) - sizeof(int));
    }
    apr_hash_clear(watch->folders);
    close(watch->fd);
}
