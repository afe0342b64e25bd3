/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file bucket is a descriptor, an offset and a length.  It is read with
 * pread, which moves no file position that others rely on; a file that was
 * opened buffered is left to APR.  Files may shrink or grow at any time:
 * what is not there any more is for whoever sends the bucket to meet.
 */
#include "filters/pagefile.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_portable.h"

static int descriptor(const apr_bucket *b)
{
    const apr_bucket_file *file = b->data;
    apr_os_file_t fd;

    return apr_os_file_get(&fd, file->fd) == APR_SUCCESS ? fd : -1;
}

static int has_flag(const apr_bucket *b, apr_int32_t flag)
{
    const apr_bucket_file *file = b->data;

    return (apr_file_flags_get(file->fd) & flag) != 0;
}

int sp_pagefile_is_sendable(const apr_bucket *b)
{
    return APR_BUCKET_IS_FILE(b) && has_flag(b, APR_FOPEN_SENDFILE_ENABLED);
}

static apr_time_t microseconds(const struct timespec *t)
{
    return (apr_time_t)t->tv_sec * APR_USEC_PER_SEC + t->tv_nsec / 1000;
}

int sp_pagefile_is_whole(sp_placecache_key_t *key, apr_bucket *b,
                         const apr_bucket *sentinel)
{
    const apr_bucket *next = APR_BUCKET_NEXT(b);
    struct stat st;

    if (!APR_BUCKET_IS_FILE(b) || b->start != 0 || next == sentinel ||
        !APR_BUCKET_IS_EOS(next) || fstat(descriptor(b), &st) ||
        !S_ISREG(st.st_mode) || (apr_uint64_t)st.st_size != b->length) {
        return 0;
    }
    key->device = st.st_dev;
    key->inode = st.st_ino;
    key->size = (apr_uint64_t)st.st_size;
    key->mtime = microseconds(&st.st_mtim);
    key->ctime = microseconds(&st.st_ctim);
    return 1;
}

int sp_pagefile_peek(char *to, const apr_bucket *b)
{
    apr_size_t have = 0;
    int fd = has_flag(b, APR_FOPEN_BUFFERED) ? -1 : descriptor(b);

    while (have < b->length) {
        ssize_t got = pread(fd, to + have, b->length - have,
                            (off_t)b->start + (off_t)have);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return 0;
        }
        have += (apr_size_t)got;
    }
    return 1;
}

apr_bucket *sp_pagefile_copy(apr_bucket *b, const char *data)
{
    char *bytes = apr_bucket_alloc(b->length, b->list);
    apr_bucket *copy;

    if (data) {
        memcpy(bytes, data, b->length);
    }
    else if (!sp_pagefile_peek(bytes, b)) {
        apr_bucket_free(bytes);
        return b;
    }
    copy = apr_bucket_heap_create(bytes, b->length, apr_bucket_free, b->list);
    APR_BUCKET_INSERT_BEFORE(b, copy);
    apr_bucket_delete(b);
    return copy;
}
