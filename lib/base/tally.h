/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters that carry their own documentation, in memory that processes
 * share.
 *
 * A module lists its counters once, by an X-macro (lib/speed/counters.h shows
 * it), and gets an enum and an array of ds_counter_t of it.  Place 0 belongs
 * to nobody: counting it does nothing, so that a table of counters may have
 * gaps.
 *
 *     | shape | value 0 | value 1 | ... |      8 bytes each
 *
 * Adding is one atomic addition; there is no lock.  Everything bears NULL.
 */
#ifndef DS_TALLY_H
#define DS_TALLY_H

#include <apr.h>

typedef enum {
    DS_TALLY_COUNTER, /* only grows while httpd runs */
    DS_TALLY_GAUGE    /* a level of this moment, set by ds_tally_set */
} ds_tally_kind_e;

typedef struct {
    const char *name; /* a-z, 0-9 and _; NULL: nobody's place */
    ds_tally_kind_e kind;
    const char *unit; /* what one of it is, plural */
    const char *help; /* one line */
} ds_counter_t;

typedef struct ds_tally_t ds_tally_t;

/* Bytes of memory for a list of so many places, place 0 included. */
apr_size_t ds_tally_bytes(int count);

/**
 * Take memory into use.  What a tally of the same list left in it is kept,
 * anything else is cleared.
 * @param mem  ds_tally_bytes(count) bytes, aligned to 8
 */
ds_tally_t *ds_tally_init(void *mem, const ds_counter_t *list, int count);

/* Is this the tally of such a list?  0 for NULL. */
int ds_tally_fits(const ds_tally_t *tally, const ds_counter_t *list, int count);

/* Count n more.  @param at  a place of the list */
void ds_tally_add(ds_tally_t *tally, int at, apr_uint64_t n);

/* Set a gauge. */
void ds_tally_set(ds_tally_t *tally, int at, apr_uint64_t value);

/* 0 for NULL and for places that the list does not have. */
apr_uint64_t ds_tally_get(const ds_tally_t *tally, int at);

#endif
