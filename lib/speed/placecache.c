/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table without chains: a key has one slot, the last file that was put there
 * has it.  One slot is one cache line:
 *
 *     sequence | device inode size mtime ctime | start+flags+why | end
 *
 * each a 64-bit word.  A slot is a sequence lock (Boehm, "Can Seqlocks Get
 * Along With Programming Language Memory Models?", 2012): odd while it is
 * being written.  A reader that finds it odd, or changed since, has a miss; a
 * writer that finds it odd leaves it alone.  So nobody waits.
 */
#include "speed/placecache.h"

#include <stdatomic.h>

enum { DEVICE, INODE, SIZE, MTIME, CTIME, START, END, WORDS };

/* Word START: the place above, then the base's flag, why, and that of the
   charset. */
#define PLACE_SHIFT 8
#define BASE_SHIFT 7
#define WHY_SHIFT 1
#define WHY_MASK 0x3f

typedef struct {
    _Atomic apr_uint64_t sequence;
    _Atomic apr_uint64_t word[WORDS];
} slot_t;

struct sp_placecache_t {
    slot_t slots[SP_PLACECACHE_SLOTS];
};

sp_placecache_t *sp_placecache_create(apr_pool_t *p)
{
    return apr_pcalloc(p, sizeof(sp_placecache_t));
}

int sp_placecache_is_settled(const sp_placecache_key_t *key, apr_time_t now)
{
    return key->mtime < now - SP_PLACECACHE_SETTLED_US &&
           key->ctime < now - SP_PLACECACHE_SETTLED_US;
}

/* Mixed so that neighbouring inodes spread (splitmix64's finalizer). */
static slot_t *slot_of(sp_placecache_t *cache, const sp_placecache_key_t *key)
{
    apr_uint64_t x = key->inode * 2 + (key->charset_declared ? 1 : 0);

    x ^= key->device << 32;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return &cache->slots[(x ^ x >> 31) % SP_PLACECACHE_SLOTS];
}

static void to_words(apr_uint64_t *word, const sp_placecache_key_t *key,
                     const sp_htmlscan_places_t *places)
{
    word[DEVICE] = key->device;
    word[INODE] = key->inode;
    word[SIZE] = key->size;
    word[MTIME] = (apr_uint64_t)key->mtime;
    word[CTIME] = (apr_uint64_t)key->ctime;
    word[START] = places->start << PLACE_SHIFT |
                  (apr_uint64_t)(places->base_leads_away ? 1 : 0)
                      << BASE_SHIFT |
                  (apr_uint64_t)places->why << WHY_SHIFT |
                  (key->charset_declared ? 1 : 0);
    word[END] = places->end;
}

/* Are these the words of that file? */
static int is_of(const apr_uint64_t *word, const sp_placecache_key_t *key)
{
    return word[DEVICE] == key->device && word[INODE] == key->inode &&
           word[SIZE] == key->size && word[MTIME] == (apr_uint64_t)key->mtime &&
           word[CTIME] == (apr_uint64_t)key->ctime &&
           (word[START] & 1) == (key->charset_declared ? 1 : 0) &&
           (word[START] >> WHY_SHIFT & WHY_MASK) != SP_HTMLSCAN_GOING;
}

int sp_placecache_get(sp_htmlscan_places_t *out, sp_placecache_t *cache,
                      const sp_placecache_key_t *key)
{
    slot_t *slot = slot_of(cache, key);
    apr_uint64_t word[WORDS], before, after;
    int i;

    before = atomic_load_explicit(&slot->sequence, memory_order_acquire);
    for (i = 0; i < WORDS; i++) {
        word[i] = atomic_load_explicit(&slot->word[i], memory_order_relaxed);
    }
    atomic_thread_fence(memory_order_acquire);
    after = atomic_load_explicit(&slot->sequence, memory_order_relaxed);
    if (before != after || before % 2 || !is_of(word, key)) {
        return 0;
    }
    out->start = word[START] >> PLACE_SHIFT;
    out->end = word[END];
    out->base_leads_away = (int)(word[START] >> BASE_SHIFT & 1);
    out->why = (sp_htmlscan_why_e)(word[START] >> WHY_SHIFT & WHY_MASK);
    return 1;
}

void sp_placecache_put(sp_placecache_t *cache, const sp_placecache_key_t *key,
                       const sp_htmlscan_places_t *places)
{
    slot_t *slot = slot_of(cache, key);
    apr_uint64_t word[WORDS], sequence;
    int i;

    sequence = atomic_load_explicit(&slot->sequence, memory_order_relaxed);
    if (places->why == SP_HTMLSCAN_GOING || sequence % 2 ||
        !atomic_compare_exchange_strong_explicit(
            &slot->sequence, &sequence, sequence + 1, memory_order_acquire,
            memory_order_relaxed)) {
        return;
    }
    atomic_thread_fence(memory_order_release);
    to_words(word, key, places);
    for (i = 0; i < WORDS; i++) {
        atomic_store_explicit(&slot->word[i], word[i], memory_order_relaxed);
    }
    atomic_store_explicit(&slot->sequence, sequence + 2, memory_order_release);
}
