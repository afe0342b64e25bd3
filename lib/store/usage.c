/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table: 65536 sets of four places, a cache line each.
 *
 *     head   magic | unused                                     64 bytes
 *     set    place 0 | place 1 | place 2 | place 3              64 bytes
 *     place  tag, 64 bits of the hash | used_at, ms << 22 | requests
 *
 * An entry's set is told by other bits of its hash than its tag.  A place is
 * free while its tag is 0; when a set is full, the entry in it that is longest
 * unused gives up its place.
 *
 * Nothing is locked: two processes that note at the same instant may count
 * once, and two that take the same place leave one of the two there, perhaps
 * with the other's numbers.  Both were asked for just now, so the order of a
 * reclaim does not suffer.
 *
 * Bounds: 4 MB; a note reads one line and writes two words of it.
 */
#include "store/usage.h"

#include <stdatomic.h>
#include <string.h>

#define MAGIC APR_UINT64_C(0x3165676173756964) /* "diusage1" */

#define SETS 65536
#define WAYS 4
#define REQUESTS_BITS 22
#define REQUESTS_MAX ((APR_UINT64_C(1) << REQUESTS_BITS) - 1)

/* A use further ahead was noted before the clock was set back. */
#define AHEAD_MS (86400 * APR_UINT64_C(1000))

typedef struct {
    _Atomic apr_uint64_t tag; /* 0: free */
    _Atomic apr_uint64_t use;
} place_t;

struct di_usage_t {
    apr_uint64_t magic;
    apr_uint64_t unused[7];
    place_t place[SETS][WAYS];
};

_Static_assert(sizeof(((di_usage_t *)0)->place[0]) == 64, "a set is a line");

static apr_uint64_t number_at(const unsigned char *at, int bytes)
{
    apr_uint64_t number = 0;
    int i;

    for (i = 0; i < bytes; i++) {
        number = number << 8 | at[i];
    }
    return number;
}

static apr_uint64_t tag_of(const unsigned char *hash)
{
    apr_uint64_t tag = number_at(hash, 8);

    return tag ? tag : 1;
}

static apr_uint64_t set_of(const unsigned char *hash)
{
    return number_at(hash + 8, 2);
}

static apr_uint64_t load(const _Atomic apr_uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static void store(_Atomic apr_uint64_t *word, apr_uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_relaxed);
}

static apr_uint64_t to_ms(apr_time_t now)
{
    return now > 0 ? (apr_uint64_t)now / 1000 : 0;
}

apr_size_t di_usage_bytes(void)
{
    return sizeof(di_usage_t);
}

di_usage_t *di_usage_init(void *mem)
{
    di_usage_t *usage = mem;

    if (usage->magic != MAGIC) {
        memset(usage, 0, sizeof(*usage));
        usage->magic = MAGIC;
    }
    return usage;
}

/* The place of that entry, NULL when it has none. */
static const place_t *find(const di_usage_t *usage, const unsigned char *hash)
{
    const place_t *place = usage->place[set_of(hash)];
    apr_uint64_t tag = tag_of(hash);
    int i;

    for (i = 0; i < WAYS; i++) {
        if (load(&place[i].tag) == tag) {
            return &place[i];
        }
    }
    return NULL;
}

/* When a place was used, for the choice of the one that goes; 0: free. */
static apr_uint64_t used_ms(const place_t *place, apr_uint64_t now_ms)
{
    apr_uint64_t ms = load(&place->use) >> REQUESTS_BITS;

    return load(&place->tag) == 0 || ms > now_ms + AHEAD_MS ? 0 : ms;
}

static place_t *longest_unused(place_t *place, apr_uint64_t now_ms)
{
    int i, oldest = 0;

    for (i = 1; i < WAYS; i++) {
        if (used_ms(&place[i], now_ms) < used_ms(&place[oldest], now_ms)) {
            oldest = i;
        }
    }
    return &place[oldest];
}

static void note(di_usage_t *usage, const unsigned char *hash, apr_time_t now,
                 int is_new)
{
    place_t *place = (place_t *)find(usage, hash);
    apr_uint64_t now_ms = to_ms(now), requests = 0;

    if (!place) {
        place = longest_unused(usage->place[set_of(hash)], now_ms);
        store(&place->tag, tag_of(hash));
    }
    else {
        requests = load(&place->use) & REQUESTS_MAX;
    }
    requests = is_new ? 0 : requests + (requests < REQUESTS_MAX);
    store(&place->use, now_ms << REQUESTS_BITS | requests);
}

void di_usage_note(di_usage_t *usage, const unsigned char *hash, apr_time_t now)
{
    if (usage) {
        note(usage, hash, now, 0);
    }
}

void di_usage_reset(di_usage_t *usage, const unsigned char *hash,
                    apr_time_t now)
{
    if (usage) {
        note(usage, hash, now, 1);
    }
}

di_use_t di_usage_get(const di_usage_t *usage, const unsigned char *hash)
{
    const place_t *place = usage ? find(usage, hash) : NULL;
    di_use_t out = {0};
    apr_uint64_t use;

    if (place) {
        use = load(&place->use);
        out.requests = (apr_uint32_t)(use & REQUESTS_MAX);
        out.used_at = (apr_time_t)(use >> REQUESTS_BITS) * 1000;
    }
    return out;
}
