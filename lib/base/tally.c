/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An array of 64-bit numbers with a head that names the list it belongs to.
 *
 * Relaxed atomics of the compiler: a counter orders nothing, and APR's 64-bit
 * ones may fall back on a lock that holds within one process only.
 */
#include "base/tally.h"

#include <string.h>

struct ds_tally_t {
    apr_uint64_t shape; /* of the list; the number of places in the low half */
    apr_uint64_t value[];
};

/* FNV-1a over all names, 32 bit, above the number of places.  Source: Fowler,
   Noll, Vo. */
static apr_uint64_t shape_of(const ds_counter_t *list, int count)
{
    apr_uint32_t hash = 2166136261u;
    int i;

    for (i = 0; i < count; i++) {
        const char *c = list[i].name ? list[i].name : "";
        do {
            hash = (hash ^ (unsigned char)*c) * 16777619u;
        } while (*c++);
    }
    return (apr_uint64_t)hash << 32 | (apr_uint32_t)count;
}

static int has(const ds_tally_t *tally, int at)
{
    return tally && at > 0 && (apr_uint32_t)at < (apr_uint32_t)tally->shape;
}

apr_size_t ds_tally_bytes(int count)
{
    return sizeof(ds_tally_t) + (apr_size_t)count * sizeof(apr_uint64_t);
}

int ds_tally_fits(const ds_tally_t *tally, const ds_counter_t *list, int count)
{
    return tally && tally->shape == shape_of(list, count);
}

ds_tally_t *ds_tally_init(void *mem, const ds_counter_t *list, int count)
{
    ds_tally_t *tally = mem;

    if (!ds_tally_fits(tally, list, count)) {
        memset(mem, 0, ds_tally_bytes(count));
        tally->shape = shape_of(list, count);
    }
    return tally;
}

void ds_tally_add(ds_tally_t *tally, int at, apr_uint64_t n)
{
    if (has(tally, at)) {
        (void)__atomic_fetch_add(&tally->value[at], n, __ATOMIC_RELAXED);
    }
}

void ds_tally_set(ds_tally_t *tally, int at, apr_uint64_t value)
{
    if (has(tally, at)) {
        __atomic_store_n(&tally->value[at], value, __ATOMIC_RELAXED);
    }
}

apr_uint64_t ds_tally_get(const ds_tally_t *tally, int at)
{
    return has(tally, at) ? __atomic_load_n(&tally->value[at], __ATOMIC_RELAXED)
                          : 0;
}
