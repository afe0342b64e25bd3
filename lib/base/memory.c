/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mapping and its file.
 *
 * The lock is one of fcntl(2)'s that belong to a process: no process that the
 * owner forks has it, also not one that knows nothing of it and lives on when
 * the owner is dead, as a daemon for CGI may.  The price is that it ends with
 * the owner's first close() of any descriptor of the file.  So there is one, by
 * which the file is locked and mapped, and it stays open.
 */
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file may be replaced between its opening and its lock, once a restart. */
#define TRIES 5

#define PATH_ROOM 4096

static const ds_memory_t none = {.lock_fd = -1};

static apr_status_t last_error(void)
{
    return APR_FROM_OS_ERROR(errno);
}

static apr_status_t close_with(int fd, apr_status_t rv)
{
    close(fd);
    return rv;
}

/* ---- files ---- */

static apr_status_t take_lock(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (!fcntl(fd, F_SETLK, &lock)) {
        return APR_SUCCESS;
    }
    return errno == EAGAIN || errno == EACCES ? APR_EBUSY : last_error();
}

/* A plain file of ours that nobody else may read or write. */
static apr_status_t check_file(struct stat *info, int fd)
{
    if (fstat(fd, info)) {
        return last_error();
    }
    if (!S_ISREG(info->st_mode) || info->st_uid != geteuid() ||
        info->st_nlink > 1) {
        return APR_FROM_OS_ERROR(EPERM);
    }
    return info->st_mode & 077 && fchmod(fd, 0600) ? last_error() : APR_SUCCESS;
}

static int is_at(const char *path, const struct stat *info)
{
    struct stat now;

    return !lstat(path, &now) && now.st_dev == info->st_dev &&
           now.st_ino == info->st_ino;
}

static apr_status_t open_locked(int *fd, struct stat *info, const char *path,
                                int flags)
{
    apr_status_t rv;

    *fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
    if (*fd < 0) {
        return last_error();
    }
    rv = check_file(info, *fd);
    if (rv == APR_SUCCESS) {
        rv = take_lock(*fd);
    }
    if (rv == APR_SUCCESS && !is_at(path, info)) {
        rv = APR_EAGAIN;
    }
    return rv ? close_with(*fd, rv) : APR_SUCCESS;
}

static apr_status_t map(ds_memory_t *out, int fd)
{
    int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
    void *at = mmap(NULL, out->bytes, PROT_READ | PROT_WRITE, flags, fd, 0);

    if (at == MAP_FAILED) {
        return last_error();
    }
    out->at = at;
    return APR_SUCCESS;
}

/* A write to a block that the disk has no room for would end the process, so
   all are reserved. */
static apr_status_t reserve(int fd, apr_size_t bytes)
{
    int error = posix_fallocate(fd, 0, (off_t)bytes);

    return error ? APR_FROM_OS_ERROR(error) : APR_SUCCESS;
}

/* A new file, not yet under its name. */
static apr_status_t make_file(ds_memory_t *out, const char *temporary)
{
    struct stat info;
    apr_status_t rv;

    unlink(temporary); /* of a start that was cut short */
    rv = open_locked(&out->lock_fd, &info, temporary, O_EXCL);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    out->dev = info.st_dev;
    out->ino = info.st_ino;
    out->is_new = 1;
    rv = reserve(out->lock_fd, out->bytes);
    if (rv == APR_SUCCESS) {
        rv = map(out, out->lock_fd);
    }
    if (rv != APR_SUCCESS) {
        unlink(temporary);
        return close_with(out->lock_fd, rv);
    }
    return APR_SUCCESS;
}

/* Put a new file in the place of the one at path. */
static apr_status_t replace_file(ds_memory_t *out, const char *path)
{
    char temporary[PATH_ROOM];
    int used = snprintf(temporary, sizeof(temporary), "%s.new", path);
    apr_status_t rv;

    if (used < 0 || used >= PATH_ROOM) {
        return APR_ENAMETOOLONG;
    }
    rv = make_file(out, temporary);
    if (rv == APR_SUCCESS && rename(temporary, path)) {
        rv = last_error();
        unlink(temporary);
        ds_memory_drop(out);
    }
    return rv;
}

/* The file at path if it has the size, else a new one in its place. */
static apr_status_t take_file(ds_memory_t *out, const char *path)
{
    struct stat info;
    int fd;
    apr_status_t rv = open_locked(&fd, &info, path, 0);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if ((apr_uint64_t)info.st_size != out->bytes) {
        return close_with(fd, replace_file(out, path));
    }
    out->dev = info.st_dev;
    out->ino = info.st_ino;
    /* Also one that was cut short, or has holes. */
    rv = reserve(fd, out->bytes);
    if (rv == APR_SUCCESS) {
        rv = map(out, fd);
    }
    if (rv != APR_SUCCESS) {
        return close_with(fd, rv);
    }
    out->lock_fd = fd;
    return APR_SUCCESS;
}

/* ---- memory ---- */

apr_status_t ds_memory_make(ds_memory_t *out, const char *path,
                            apr_size_t bytes)
{
    apr_status_t rv = APR_EAGAIN;
    int i;

    for (i = 0; path && i < TRIES && APR_STATUS_IS_EAGAIN(rv); i++) {
        *out = none;
        out->bytes = bytes;
        rv = take_file(out, path);
    }
    if (!path) {
        *out = none;
        out->bytes = bytes;
        out->is_new = 1;
        rv = map(out, -1);
    }
    if (rv != APR_SUCCESS) {
        *out = none;
    }
    return rv;
}

/* The lock of before is given up when the new file is there, so nobody can come
   between. */
apr_status_t ds_memory_renew(ds_memory_t *memory, const char *path,
                             apr_size_t bytes)
{
    ds_memory_t made = none;
    apr_status_t rv;

    made.bytes = bytes;
    made.is_new = 1;
    rv = path ? replace_file(&made, path) : map(&made, -1);
    if (rv == APR_SUCCESS) {
        ds_memory_replace(memory, &made);
    }
    return rv;
}

static void unmap(ds_memory_t *memory)
{
    if (memory->at) {
        munmap(memory->at, memory->bytes);
    }
    *memory = none;
}

void ds_memory_replace(ds_memory_t *memory, const ds_memory_t *made)
{
    if (memory->lock_fd >= 0 && made->lock_fd >= 0 &&
        memory->dev == made->dev && memory->ino == made->ino) {
        unmap(memory); /* to close it would end the lock of both */
    }
    ds_memory_drop(memory);
    *memory = *made;
}

void ds_memory_child(ds_memory_t *memory)
{
    if (memory->lock_fd >= 0) {
        close(memory->lock_fd);
        memory->lock_fd = -1;
    }
}

void ds_memory_drop(ds_memory_t *memory)
{
    ds_memory_child(memory);
    unmap(memory);
}
