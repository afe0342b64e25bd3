/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree: what the files of one customer are called, and a walk over them.
 *
 *     root/                              mode 0700, as are all folders
 *         shop.example/                  a customer's folder, by its name
 *             ab/abcd...32 digits....di  one record, by its key's hash
 *             tmp                        the record that is being written
 *             lock                       see booking.c
 */
#ifndef DI_TREE_H
#define DI_TREE_H

#include <stdatomic.h>
#include <sys/stat.h>

#include <apr_errno.h>
#include <apr_time.h>

#include "store/record.h"
#include "store/store.h"

#define DI_TREE_TEMPORARY "tmp"
#define DI_TREE_LOCK "lock"
#define DI_TREE_SUFFIX ".di"

/* Folders in a customer's folder: 00 to ff, by the hash's first byte. */
#define DI_TREE_FOLDERS 256
#define DI_TREE_FOLDER_ROOM sizeof("ab")

/* Of a file whose entry expires; others may be written to by their owner.  So
   who looks for expired ones need not read the heads of all. */
#define DI_TREE_MODE_EXPIRES 0400

/* Room for an entry's name below the customer's folder. */
#define DI_TREE_NAME_ROOM                                                      \
    (sizeof("ab/") + 2 * DI_KEY_HASH_BYTES + sizeof(DI_TREE_SUFFIX))

/* "ab" */
void di_tree_folder(char *out, int folder);

/* "ab/<hash>.di" */
void di_tree_name(char *out, const unsigned char *hash);

/* A file's size in whole blocks, as accounts have it. */
apr_uint64_t di_tree_bytes(const struct stat *st);

apr_time_t di_tree_changed_at(const struct stat *st);

/**
 * Look at an entry's file.
 * @param at  the customer's folder, open
 * @return 1 when there is one, 0 when not or when it is no plain file
 */
int di_tree_look(struct stat *out, int at, const unsigned char *hash);

/**
 * Read the head of an entry's file, of whatever key.
 * @param at  the customer's folder, open
 * @return 1; 0 when it cannot be read, or is none that this version wrote
 */
int di_tree_head(di_record_t *out, int at, const unsigned char *hash);

/* An entry that was found: its hash and its file, which st describes. */
typedef void (*di_tree_visit_t)(void *baton, const unsigned char *hash,
                                const struct stat *st);

/**
 * Visit the entries in one of the folders.  Follows no symbolic link; passes
 * over what has any other name or is no plain file.
 * @param at      the customer's folder, open
 * @param folder  0..255
 * @return APR_SUCCESS, also when there is no such folder; else why it cannot
 *         be read, maybe after some visits
 */
apr_status_t di_tree_each(int at, int folder, di_tree_visit_t visit,
                          void *baton);

#endif
