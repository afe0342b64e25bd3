/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bands: named ranges of client rate, gap-free by construction.
 *
 *     kbit/s  0            192              2000
 *             |--- low ----|---- medium ----|---- broad ...
 *
 * A band is a name and its lower border; it ends where the next one begins.
 * A list that an operator writes must open with a band that begins at 0, so
 * after every single directive the list covers all rates, and the check can
 * name file and line.  Further bands may come in any order.
 *
 * A list with count 0 is "not set": it takes the enclosing scope's list, and
 * in the end the default above.
 */
#ifndef DS_BAND_H
#define DS_BAND_H

#include <apr_pools.h>

/* Most bands in one list. */
#define DS_BANDS_MAX 16

/* The geometric middle of the default "medium", kbit/s: what a client of
   unknown rate is taken for when no band's name says better. */
#define DS_BAND_UNKNOWN_KBPS 620

typedef struct {
    const char *name;      /* as ds_arg_is_name */
    apr_int64_t from_kbps; /* lower border, kbit/s, included */
} ds_band_t;

typedef struct {
    int count;                    /* 0: not set */
    ds_band_t band[DS_BANDS_MAX]; /* by rising lower border */
} ds_bands_t;

/* low from 0, medium from 192, broad from 2000.  Source: the three classes of
   the patent; the border 192 is ours, the middle of what it leaves open. */
extern const ds_bands_t ds_bands_default;

/**
 * Add one band, keeping the list sorted.
 * @param name  copied into p
 * @param from  lower border as an operator writes it: 0, 192, 2M
 * @param p     lives as long as the list; holds the error sentence, too
 * @return NULL, or a sentence: bad name or rate, name or border there
 *         already, first band not from 0, list full; the list is then as
 *         before
 */
const char *ds_bands_add(ds_bands_t *bands, const char *name, const char *from,
                         apr_pool_t *p);

/* out = add when it names any band, else base: a scope that names a band
   replaces the list of the enclosing scope.  out may be either of them. */
void ds_bands_merge(ds_bands_t *out, const ds_bands_t *base,
                    const ds_bands_t *add);

/* The list itself, or the default when it is not set. */
const ds_bands_t *ds_bands_or_default(const ds_bands_t *bands);

/* Index of the band that holds a rate; always valid for a list that is set.
   A rate below 0 counts as 0. */
int ds_bands_pick(const ds_bands_t *bands, apr_int64_t rate_kbps);

/* Index of the band of that name, or -1. */
int ds_bands_find(const ds_bands_t *bands, const char *name);

/**
 * Index of the band for clients of unknown rate: the one named; when the list
 * has no such name (or name is NULL) "medium"; when there is none either the
 * one that holds DS_BAND_UNKNOWN_KBPS.
 */
int ds_bands_unknown(const ds_bands_t *bands, const char *name);

/**
 * Index of the band for what is known of a client.
 * @param unknown      name of the band for unknown clients, or NULL; see
 *                     ds_bands_unknown
 * @param rate_kbps    0: nothing is known
 * @param lower_bound  1: the client is at least that fast, which is no reason
 *                     to think of it as slower than an unknown one
 */
int ds_bands_of(const ds_bands_t *bands, const char *unknown,
                apr_int64_t rate_kbps, int lower_bound);

#endif
