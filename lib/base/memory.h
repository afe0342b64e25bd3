/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that processes share by inheritance: a mapping that a parent makes
 * and its children find at the same place.  It may lie in a file, and then
 * outlives them all.
 *
 *     parent                        child
 *       ds_memory_make    --fork-->   ds_memory_child
 *       [ ds_memory_renew, then the next children ]
 *       ds_memory_drop
 *
 * A file belongs to one parent at a time: a lock on it is held by the parent
 * alone and by nobody that it forks, so it ends with it, however it ends.  The
 * parent opens the file nowhere else, for the lock would end with the close.
 * Its blocks are reserved, and a file in use is never cut: new contents come in
 * a new file under the old name, and children of before go on with the old one.
 */
#ifndef DS_MEMORY_H
#define DS_MEMORY_H

#include <apr_errno.h>

typedef struct {
    void *at; /* aligned to pages; NULL: none */
    apr_size_t bytes;
    int is_new;  /* 1: all zero */
    int lock_fd; /* the file; -1: memory without a file, or a child */
    dev_t dev;   /* of the file, to know it again */
    ino_t ino;
} ds_memory_t;

/**
 * Map a file, which is made when it is not there, or memory without one.
 * @param path   NULL: no file.  The file is ours alone (mode 0600); one of
 *               another user is refused.  One of another size is replaced
 * @param bytes  above 0
 * @return APR_SUCCESS; APR_EBUSY when another process holds the file; else why
 *         not; out->at is NULL then.  One's own file is no conflict: see
 *         ds_memory_replace
 */
apr_status_t ds_memory_make(ds_memory_t *out, const char *path,
                            apr_size_t bytes);

/**
 * New memory in place of this, all zero, in a new file of the same name.
 * @param path   the one that it was made with
 * @param bytes  may be another number than before
 * @return as ds_memory_make; *memory is as it was when that fails
 */
apr_status_t ds_memory_renew(ds_memory_t *memory, const char *path,
                             apr_size_t bytes);

/**
 * Drop *memory, which may be none, for another that was made.
 * @param made  becomes *memory.  It may even be the same file, by another path
 */
void ds_memory_replace(ds_memory_t *memory, const ds_memory_t *made);

/* In a child that was forked: leave the file to the parent. */
void ds_memory_child(ds_memory_t *memory);

/* Give it back; a file stays where it is. */
void ds_memory_drop(ds_memory_t *memory);

#endif
