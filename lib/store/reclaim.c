/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan sorts by last use; the sweep collects what to plan with.
 *
 * The sweep works with names relative to open folders, follows no symbolic
 * link and touches only names that this level writes (store_disk.c draws the
 * tree), so a wrong root costs nothing.  32 bytes of memory an entry, from
 * malloc, because a sweep is not tied to any request's pool.
 *
 * One sweeps at a time by a lock on root/sweep.lock that belongs to the open
 * file (F_OFD_SETLK): it holds between threads as well, and ends with its
 * process.
 */
#include "store/reclaim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store_disk.h"

#define LOCK_NAME "sweep.lock"
#define FIRST_ROOM 1024
#define DAY_FOR apr_time_from_sec(86400)

typedef struct {
    int root; /* open folder */
    apr_time_t now;
    const atomic_int *stop;
    di_reclaim_entry_t *list;
    apr_size_t count;
    apr_size_t room;
    di_reclaim_report_t *out;
} sweep_t;

typedef void (*visit_t)(sweep_t *sweep, int folder, const char *name);

static int by_use(const void *a, const void *b)
{
    const di_reclaim_entry_t *one = a, *two = b;

    return (one->used_at > two->used_at) - (one->used_at < two->used_at);
}

apr_size_t di_reclaim_plan(di_reclaim_entry_t *list, apr_size_t count,
                           apr_uint64_t total_bytes, apr_uint64_t quota_bytes,
                           apr_time_t now)
{
    apr_uint64_t keep = quota_bytes / 100 * DI_RECLAIM_KEEP_PCT;
    apr_size_t victims, i;

    if (total_bytes <= keep) {
        return 0;
    }
    for (i = 0; i < count; i++) {
        if (list[i].used_at > now + DAY_FOR) {
            list[i].used_at = 0;
        }
    }
    qsort(list, count, sizeof(*list), by_use);
    for (victims = 0; victims < count && total_bytes > keep; victims++) {
        total_bytes -= list[victims].bytes < total_bytes ? list[victims].bytes
                                                         : total_bytes;
    }
    return victims;
}

/* Two lower-case hex digits -> 0..255, else -1. */
static int hex_byte(const char *text)
{
    static const char digits[] = "0123456789abcdef";
    const char *high = text[0] ? strchr(digits, text[0]) : NULL;
    const char *low = high && text[1] ? strchr(digits, text[1]) : NULL;

    return low ? (int)(high - digits) << 4 | (int)(low - digits) : -1;
}

static int is_folder_name(const char *name)
{
    return hex_byte(name) >= 0 && name[2] == '\0';
}

/* "<hash>.di" -> hash; 0 for any other name. */
static int entry_hash(unsigned char *hash, const char *name)
{
    int i, byte;

    for (i = 0; i < DI_KEY_HASH_BYTES; i++, name += 2) {
        byte = hex_byte(name);
        if (byte < 0) {
            return 0;
        }
        hash[i] = (unsigned char)byte;
    }
    return !strcmp(name, DI_DISK_ENTRY_SUFFIX);
}

/* The inverse of the walk: "ab/cd/<hash>.di". */
static void entry_path(char *out, const unsigned char *hash)
{
    static const char digits[] = "0123456789abcdef";
    int i;

    for (i = -2; i < DI_KEY_HASH_BYTES; i++) {
        unsigned char byte = hash[i < 0 ? i + 2 : i];

        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 15];
        if (i < 0) {
            *out++ = '/';
        }
    }
    memcpy(out, DI_DISK_ENTRY_SUFFIX, sizeof(DI_DISK_ENTRY_SUFFIX));
}

static apr_time_t to_time(const struct timespec *at)
{
    return apr_time_from_sec(at->tv_sec) + at->tv_nsec / 1000;
}

static apr_uint64_t bytes_on_disk(const struct stat *st)
{
    apr_uint64_t blocks = (apr_uint64_t)st->st_blocks * 512;
    apr_uint64_t size = (apr_uint64_t)st->st_size;

    /* Blocks may not be known yet for a file just written. */
    return blocks > size ? blocks : size;
}

/* Where to write the next entry; NULL when there is no room for more. */
static di_reclaim_entry_t *next_entry(sweep_t *sweep)
{
    apr_size_t room = sweep->room ? 2 * sweep->room : FIRST_ROOM;
    di_reclaim_entry_t *list;

    if (sweep->count == sweep->room && sweep->room < DI_RECLAIM_LIST_MAX) {
        list = realloc(sweep->list, room * sizeof(*list));
        if (list) {
            sweep->list = list;
            sweep->room = room;
        }
    }
    return sweep->count < sweep->room ? &sweep->list[sweep->count++] : NULL;
}

static void note_entry(sweep_t *sweep, const struct stat *st,
                       const unsigned char *hash)
{
    apr_time_t read_at = to_time(&st->st_atim), made_at = to_time(&st->st_mtim);
    di_reclaim_entry_t *entry = next_entry(sweep);

    sweep->out->entries++;
    sweep->out->bytes += bytes_on_disk(st);
    if (entry) {
        entry->bytes = bytes_on_disk(st);
        entry->used_at = read_at > made_at ? read_at : made_at;
        memcpy(entry->hash, hash, DI_KEY_HASH_BYTES);
    }
}

static void drop_temporary(sweep_t *sweep, int folder, const char *name,
                           const struct stat *st)
{
    apr_time_t age = sweep->now - to_time(&st->st_mtim);

    /* One from the future is as dead: its clock was wrong. */
    if (llabs(age) > DI_RECLAIM_TEMPORARY_FOR && !unlinkat(folder, name, 0)) {
        sweep->out->temporaries++;
    }
}

static void visit_file(sweep_t *sweep, int folder, const char *name)
{
    unsigned char hash[DI_KEY_HASH_BYTES];
    int is_entry = entry_hash(hash, name);
    struct stat st;

    if (!is_entry && strncmp(name, DI_DISK_TEMPORARY_PREFIX,
                             sizeof(DI_DISK_TEMPORARY_PREFIX) - 1) != 0) {
        return;
    }
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) ||
        !S_ISREG(st.st_mode)) {
        return;
    }
    if (is_entry) {
        note_entry(sweep, &st, hash);
    }
    else {
        drop_temporary(sweep, folder, name, &st);
    }
}

/* @param fd  open folder, closed here */
static void each_name(sweep_t *sweep, int fd, visit_t visit)
{
    struct dirent *entry;
    DIR *folder = fdopendir(fd);

    if (!folder) {
        close(fd);
        return;
    }
    while (!atomic_load(sweep->stop) && (entry = readdir(folder))) {
        visit(sweep, fd, entry->d_name);
    }
    closedir(folder);
}

static int open_folder(int at, const char *name)
{
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void visit_inner(sweep_t *sweep, int folder, const char *name)
{
    int fd = is_folder_name(name) ? open_folder(folder, name) : -1;

    if (fd >= 0) {
        each_name(sweep, fd, visit_file);
    }
}

static void visit_outer(sweep_t *sweep, int folder, const char *name)
{
    int fd = is_folder_name(name) ? open_folder(folder, name) : -1;

    if (fd >= 0) {
        each_name(sweep, fd, visit_inner);
    }
}

static void delete_first(sweep_t *sweep, apr_size_t victims)
{
    char path[sizeof("ab/cd/") + 2 * DI_KEY_HASH_BYTES +
              sizeof(DI_DISK_ENTRY_SUFFIX)];
    apr_size_t i;

    for (i = 0; i < victims && !atomic_load(sweep->stop); i++) {
        entry_path(path, sweep->list[i].hash);
        if (!unlinkat(sweep->root, path, 0)) {
            sweep->out->removed++;
            sweep->out->removed_bytes += sweep->list[i].bytes;
        }
    }
}

/* @return open and locked, or -1 with *rv set */
static int lock_root(apr_status_t *rv, int root)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = openat(root, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
                    0600);

    if (fd < 0) {
        *rv = APR_FROM_OS_ERROR(errno);
    }
    else if (fcntl(fd, F_OFD_SETLK, &whole)) {
        *rv = errno == EAGAIN || errno == EACCES ? APR_EBUSY
                                                 : APR_FROM_OS_ERROR(errno);
        close(fd);
        fd = -1;
    }
    return fd;
}

static apr_status_t sweep_locked(sweep_t *sweep, apr_uint64_t quota_bytes)
{
    /* The walk closes what it is given; the root is needed afterwards. */
    int fd = open_folder(sweep->root, ".");

    if (fd < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    each_name(sweep, fd, visit_outer);
    if (!atomic_load(sweep->stop)) {
        delete_first(sweep, di_reclaim_plan(sweep->list, sweep->count,
                                            sweep->out->bytes, quota_bytes,
                                            sweep->now));
    }
    free(sweep->list);
    return atomic_load(sweep->stop) ? APR_EINTR : APR_SUCCESS;
}

apr_status_t di_reclaim_sweep(di_reclaim_report_t *out, const char *root,
                              apr_uint64_t quota_bytes, apr_time_t now,
                              const atomic_int *stop)
{
    sweep_t sweep = {.now = now, .stop = stop, .out = out};
    apr_status_t rv = APR_SUCCESS;
    int lock;

    memset(out, 0, sizeof(*out));
    sweep.root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (sweep.root < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    lock = lock_root(&rv, sweep.root);
    if (lock >= 0) {
        rv = sweep_locked(&sweep, quota_bytes);
        close(lock);
    }
    close(sweep.root);
    return rv;
}
