/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Usage: when each stored entry was asked for last, and how often, for the
 * order in which a full quota is reclaimed; in memory that all processes
 * share, written by hits with two atomic stores and no lock.
 *
 * The table is bounded and may forget: an entry that lost its place to others
 * counts as never asked for since then, and its file's time stands for its last
 * use.
 */
#ifndef DI_USAGE_H
#define DI_USAGE_H

#include <apr_time.h>

#include "store/store.h"

typedef struct di_usage_t di_usage_t;

typedef struct {
    apr_uint32_t requests; /* hits since it was put; stays at its maximum */
    apr_time_t used_at;    /* of the last hit or put; 0: not known */
} di_use_t;

/* Bytes of memory; the same for every configuration. */
apr_size_t di_usage_bytes(void);

/* Take memory into use; keeps what this version left in it. */
di_usage_t *di_usage_init(void *mem);

/* An entry was asked for and found, on whichever level.  NULL is fine. */
void di_usage_note(di_usage_t *usage, const unsigned char *hash,
                   apr_time_t now);

/* An entry is new, or gone: its requests begin at 0. */
void di_usage_reset(di_usage_t *usage, const unsigned char *hash,
                    apr_time_t now);

/* What is known; zeros when nothing is. */
di_use_t di_usage_get(const di_usage_t *usage, const unsigned char *hash);

#endif
