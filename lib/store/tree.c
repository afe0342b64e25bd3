/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and walk.  All names are relative to an open folder, so a customer's
 * folder that is moved away under our hands is not mixed with its successor.
 */
#include "store/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "store/account_in.h"

static const char digits[] = "0123456789abcdef";

static char *put_byte(char *out, unsigned char byte)
{
    *out++ = digits[byte >> 4];
    *out++ = digits[byte & 15];
    return out;
}

void di_tree_folder(char *out, int folder)
{
    *put_byte(out, (unsigned char)folder) = '\0';
}

void di_tree_name(char *out, const unsigned char *hash)
{
    int i;

    out = put_byte(out, hash[0]);
    *out++ = '/';
    for (i = 0; i < DI_KEY_HASH_BYTES; i++) {
        out = put_byte(out, hash[i]);
    }
    memcpy(out, DI_TREE_SUFFIX, sizeof(DI_TREE_SUFFIX));
}

/* Two lower-case hex digits -> 0..255, else -1. */
static int hex_byte(const char *text)
{
    const char *high = text[0] ? strchr(digits, text[0]) : NULL;
    const char *low = high && text[1] ? strchr(digits, text[1]) : NULL;

    return low ? (int)(high - digits) << 4 | (int)(low - digits) : -1;
}

/* "<hash>.di" -> hash; 0 for any other name. */
static int take_hash(unsigned char *hash, const char *name)
{
    int i, byte;

    for (i = 0; i < DI_KEY_HASH_BYTES; i++, name += 2) {
        byte = hex_byte(name);
        if (byte < 0) {
            return 0;
        }
        hash[i] = (unsigned char)byte;
    }
    return !strcmp(name, DI_TREE_SUFFIX);
}

apr_uint64_t di_tree_bytes(const struct stat *st)
{
    return di_account_rounded((apr_uint64_t)st->st_size);
}

apr_time_t di_tree_changed_at(const struct stat *st)
{
    return apr_time_from_sec(st->st_mtim.tv_sec) + st->st_mtim.tv_nsec / 1000;
}

int di_tree_look(struct stat *out, int at, const unsigned char *hash)
{
    char name[DI_TREE_NAME_ROOM];

    di_tree_name(name, hash);
    return !fstatat(at, name, out, AT_SYMLINK_NOFOLLOW) &&
           S_ISREG(out->st_mode);
}

int di_tree_head(di_record_t *out, int at, const unsigned char *hash)
{
    char head[DI_RECORD_FIXED_BYTES + DI_KEY_TEXT_MAX];
    char name[DI_TREE_NAME_ROOM];
    ssize_t have;
    int fd;

    di_tree_name(name, hash);
    fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    have = read(fd, head, sizeof(head));
    close(fd);
    return have > 0 &&
           di_record_peek(out, head, (apr_size_t)have) == DI_RECORD_FINE;
}

static apr_status_t visit_all(DIR *open_folder, int folder,
                              di_tree_visit_t visit, void *baton)
{
    unsigned char hash[DI_KEY_HASH_BYTES];
    struct dirent *entry;
    struct stat st;

    for (errno = 0; (entry = readdir(open_folder)); errno = 0) {
        if (take_hash(hash, entry->d_name) && hash[0] == folder &&
            !fstatat(dirfd(open_folder), entry->d_name, &st,
                     AT_SYMLINK_NOFOLLOW) &&
            S_ISREG(st.st_mode)) {
            visit(baton, hash, &st);
        }
    }
    return errno ? APR_FROM_OS_ERROR(errno) : APR_SUCCESS;
}

apr_status_t di_tree_each(int at, int folder, di_tree_visit_t visit,
                          void *baton)
{
    char name[DI_TREE_FOLDER_ROOM];
    apr_status_t rv;
    DIR *open_folder;
    int fd;

    di_tree_folder(name, folder);
    fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        /* What is no folder, or only leads to one, has no entries. */
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
                   ? APR_SUCCESS
                   : APR_FROM_OS_ERROR(errno);
    }
    open_folder = fdopendir(fd);
    if (!open_folder) {
        rv = APR_FROM_OS_ERROR(errno);
        close(fd);
        return rv;
    }
    rv = visit_all(open_folder, folder, visit, baton);
    closedir(open_folder);
    return rv;
}
