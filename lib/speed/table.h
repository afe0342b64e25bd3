/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded table of rows of one size in memory that processes share: row by
 * key, the row not used for longest makes room for a new one.
 *
 *     head | bucket 0: row row row row row row row row | bucket 1: ...
 *
 * A key chooses a bucket; a bucket has SP_TABLE_WAYS rows and one lock.  No
 * list runs through the table, so what a killed process leaves half done can
 * spoil one row, never the table; and a lock it leaves is taken over after
 * SP_TABLE_STALE_FOR.  Each row carries a checksum: one that was left half
 * done, or damaged in a file, counts as missing.
 *
 * The memory may be a mapped file: then the rows outlive httpd.
 */
#ifndef SP_TABLE_H
#define SP_TABLE_H

#include <apr.h>
#include <apr_time.h>

/* Rows of one bucket: what a new key can push out is the one used longest ago
   of these. */
#define SP_TABLE_WAYS 8

/* A lock held for longer was left by a process that died. */
#define SP_TABLE_STALE_FOR apr_time_from_msec(200)

/* Bytes of a key: a keyed hash, see speed/clientkey.h. */
#define SP_TABLE_KEY_BYTES 16

/* Most rows of a table, and bytes of the caller's part of one. */
#define SP_TABLE_ROWS_MAX (1u << 24)
#define SP_TABLE_ROW_BYTES_MAX 65536

typedef struct sp_table_t sp_table_t;

/**
 * Bytes of memory for a table: a multiple of 64.
 * @param rows       rounded up to a multiple of SP_TABLE_WAYS
 * @param row_bytes  of the caller's part of a row, rounded up to one of 8
 * @return 0 when one of them is 0 or above its limit
 */
apr_size_t sp_table_bytes(apr_uint32_t rows, apr_size_t row_bytes);

/**
 * Take memory into use.  Rows that a table of the same shape and tag left in
 * it are kept, also while other processes use it; anything else in it is
 * cleared, which nobody may be using then: ask sp_table_is_kept before.  Memory
 * that begins with 64 bytes of zero is taken for new, all zero.
 * @param mem    aligned to 64 bytes; lives as long as the table
 * @param bytes  at least sp_table_bytes of the two numbers
 * @param tag    says what the rows mean and whose keys made their names;
 *               another tag empties the table
 * @param rv_kept  set to 1 when rows were kept; may be NULL
 * @return NULL when the memory is too small or not aligned
 */
sp_table_t *sp_table_init(void *mem, apr_size_t bytes, apr_uint32_t rows,
                          apr_size_t row_bytes, apr_uint64_t tag, int *rv_kept);

/* Would sp_table_init keep the rows?  1 or 0; changes nothing. */
int sp_table_is_kept(const void *mem, apr_size_t bytes, apr_uint32_t rows,
                     apr_size_t row_bytes, apr_uint64_t tag);

/* A lock that is held is waited for so long; a hand's turn of its holder
   takes less than a microsecond, but it may have lost its processor. */
#define SP_TABLE_WAIT_FOR apr_time_from_msec(1)

/* What sp_table_with answers when it had no chance. */
#define SP_TABLE_BUSY (-1)

/**
 * Work on the row of a key under its lock.  The callback must be short: no
 * system call, no lock.
 * @param table  NULL: nothing is called
 * @param make   1: make the row (all zero) when there is none
 * @param row_fn row: the caller's bytes of it, aligned to 8
 * @param now    says when the row was used last
 * @return 1 when row_fn was called; 0 when there is no such row, or no table;
 *         SP_TABLE_BUSY when the lock could not be had within
 *         SP_TABLE_WAIT_FOR, and nothing is known of the row
 */
int sp_table_with(sp_table_t *table,
                  const unsigned char key[SP_TABLE_KEY_BYTES], int make,
                  void (*row_fn)(void *row, void *baton), void *baton,
                  apr_time_t now);

/* Rows in use, about, and rows that were pushed out by others so far; 0 for
   NULL. */
apr_uint64_t sp_table_used(const sp_table_t *table);
apr_uint64_t sp_table_evicted(const sp_table_t *table);

#endif
