/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory level.
 *
 * The bytes are cut into shards, by the key's hash; each has a mutex, a hash
 * table and a ring of entries for CLOCK: a hit sets the entry's bit, and the
 * hand, looking for room, takes bits away and drops whoever has none.
 *
 *     table: chains --> entry { key, record, body }
 *     ring:  newest <-> ... <-> oldest <-> (newest)       hand -> oldest
 *
 * The mutex is held for a look-up, a comparison of key texts, and a counter;
 * bodies are read before it is taken.  Prefork ends the level in a signal
 * handler: none runs while a shard is being changed (base/quiet.h).  An entry
 * is counted by the table and by each reader.  Whoever lets go of it last frees
 * it, without the mutex, and only then its bytes are free: so what is lent
 * stays within the bound, and a shard all of whose bytes are lent takes nothing
 * more for the time.
 *
 * State and entries are malloc'ed and count each other, as a reader's pool may
 * outlive the level's.
 */
#include "store/store_memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/quiet.h"
#include "store/record.h"

/* So many shards at most, each with room for so many of the largest items:
   fewer would let a few large ones drive out all others. */
#define SHARDS_MAX 16
#define LARGEST_ITEMS 4

/* A chain for so many bytes of a shard: renditions have some 10 to 100 KB, so
   chains are short. */
#define BYTES_A_CHAIN 8192

typedef struct entry_t entry_t;
typedef struct shard_t shard_t;
typedef struct memory_t memory_t;

struct entry_t {
    entry_t *next;          /* in its chain */
    entry_t *newer, *older; /* in the ring */
    shard_t *shard;
    atomic_int holders; /* the table, and readers */
    int used;           /* CLOCK's bit; under the mutex */
    apr_size_t bytes;   /* of all of this */
    di_record_t record;
    unsigned char hash[DI_KEY_HASH_BYTES];
    apr_size_t text_len;
    char *text;
    char body[]; /* then the text */
};

struct shard_t {
    memory_t *memory;
    pthread_mutex_t mutex;
    atomic_size_t bytes; /* of entries in the table, or lent */
    apr_size_t max_bytes;
    entry_t *hand; /* NULL: no entry */
    int count;     /* in the ring */
    apr_size_t chains;
    entry_t **chain;
};

struct memory_t {
    di_level_t level;
    atomic_int holders; /* the level's pool, and entries */
    apr_size_t max_item_bytes;
    int shards;
    shard_t shard[SHARDS_MAX];
};

/* ---- lives ---- */

static void memory_let_go(memory_t *memory)
{
    int i;

    if (atomic_fetch_sub(&memory->holders, 1) > 1) {
        return;
    }
    for (i = 0; i < memory->shards; i++) {
        pthread_mutex_destroy(&memory->shard[i].mutex);
        free(memory->shard[i].chain);
    }
    free(memory);
}

static void entry_let_go(entry_t *entry)
{
    memory_t *memory = entry->shard->memory;

    if (atomic_fetch_sub(&entry->holders, 1) > 1) {
        return;
    }
    atomic_fetch_sub(&entry->shard->bytes, entry->bytes);
    free(entry);
    memory_let_go(memory);
}

static apr_status_t end_loan(void *entry)
{
    entry_let_go(entry);
    return APR_SUCCESS;
}

/* ---- table and ring; under the mutex ---- */

static shard_t *shard_of(memory_t *memory, const di_key_t *key)
{
    return &memory->shard[key->hash[0] % memory->shards];
}

static entry_t **chain_of(shard_t *shard, const unsigned char *hash)
{
    apr_uint32_t number;

    memcpy(&number, hash + 4, sizeof(number));
    return &shard->chain[number % shard->chains];
}

/* The entry of that hash, whatever its text. */
static entry_t *find(shard_t *shard, const di_key_t *key)
{
    entry_t *entry = *chain_of(shard, key->hash);

    while (entry && memcmp(entry->hash, key->hash, sizeof(entry->hash))) {
        entry = entry->next;
    }
    return entry;
}

static void take_out(shard_t *shard, entry_t *entry)
{
    entry_t **at = chain_of(shard, entry->hash);

    while (*at != entry) {
        at = &(*at)->next;
    }
    *at = entry->next;
    entry->newer->older = entry->older;
    entry->older->newer = entry->newer;
    if (shard->hand == entry) {
        shard->hand = entry->newer == entry ? NULL : entry->newer;
    }
    shard->count--;
    entry_let_go(entry);
}

/* Behind the hand: it comes by there last. */
static void put_in(shard_t *shard, entry_t *entry)
{
    entry_t **chain = chain_of(shard, entry->hash);
    entry_t *hand = shard->hand ? shard->hand : entry;

    entry->next = *chain;
    *chain = entry;
    entry->newer = hand;
    entry->older = hand == entry ? entry : hand->older;
    entry->older->newer = entry;
    hand->older = entry;
    shard->hand = hand;
    shard->count++;
}

/* Drop entries until there is room.  One that is lent frees nothing now, so it
   stays; two rounds have taken every bit away.  0 when there is no room. */
static int make_room(shard_t *shard, apr_size_t bytes)
{
    int steps = 2 * shard->count + 1;

    while (shard->hand && steps-- > 0 &&
           atomic_load(&shard->bytes) + bytes > shard->max_bytes) {
        entry_t *entry = shard->hand;

        shard->hand = entry->newer;
        if (entry->used || atomic_load(&entry->holders) > 1) {
            entry->used = 0;
            continue;
        }
        take_out(shard, entry);
    }
    return atomic_load(&shard->bytes) + bytes <= shard->max_bytes;
}

/* ---- get ---- */

static apr_status_t memory_get(di_level_t *level, di_entry_t *out,
                               const di_key_t *key, apr_time_t now,
                               apr_pool_t *p)
{
    shard_t *shard = shard_of(level->self, key);
    sigset_t before;
    entry_t *entry;

    ds_quiet_enter(&shard->mutex, &before);
    entry = find(shard, key);
    if (entry && di_record_is_expired(&entry->record, now)) {
        take_out(shard, entry);
        entry = NULL;
    }
    if (entry && (entry->text_len != key->text_len ||
                  memcmp(entry->text, key->text, key->text_len))) {
        entry = NULL;
    }
    if (entry) {
        entry->used = 1;
        atomic_fetch_add(&entry->holders, 1);
    }
    ds_quiet_leave(&shard->mutex, &before);
    if (!entry) {
        return APR_NOTFOUND;
    }
    apr_pool_cleanup_register(p, entry, end_loan, apr_pool_cleanup_null);
    out->record = entry->record;
    out->body =
        (di_body_t){.data = entry->body, .bytes = entry->record.body_bytes};
    out->level = level->name;
    return APR_SUCCESS;
}

/* ---- put ---- */

/* An entry that nobody else has yet. */
static apr_status_t make_entry(entry_t **out, const di_key_t *key,
                               const di_record_t *record, const di_body_t *body)
{
    apr_size_t body_bytes =
        body && !record->verdict ? (apr_size_t)body->bytes : 0;
    apr_size_t bytes = sizeof(entry_t) + body_bytes + key->text_len;
    entry_t *entry = malloc(bytes);
    apr_status_t rv = APR_SUCCESS;

    if (!entry) {
        return APR_ENOMEM;
    }
    memset(entry, 0, sizeof(*entry));
    entry->bytes = bytes;
    entry->record = *record;
    entry->record.body_bytes = body_bytes;
    entry->text = entry->body + body_bytes;
    entry->text_len = key->text_len;
    memcpy(entry->hash, key->hash, sizeof(entry->hash));
    memcpy(entry->text, key->text, key->text_len);
    if (body_bytes) {
        rv = di_body_copy(entry->body, body, 0, body_bytes);
    }
    if (rv != APR_SUCCESS) {
        free(entry);
        return rv;
    }
    atomic_init(&entry->holders, 1);
    *out = entry;
    return APR_SUCCESS;
}

/* From here on its bytes count. */
static void adopt(shard_t *shard, entry_t *entry)
{
    entry->shard = shard;
    atomic_fetch_add(&shard->bytes, entry->bytes);
    atomic_fetch_add(&shard->memory->holders, 1);
    put_in(shard, entry);
}

static apr_status_t memory_put(di_level_t *level, const di_key_t *key,
                               const di_record_t *record, const di_body_t *body,
                               apr_time_t now, apr_pool_t *ptemp)
{
    memory_t *memory = level->self;
    shard_t *shard = shard_of(memory, key);
    entry_t *entry, *old;
    sigset_t before;
    apr_status_t rv;

    if (body && !record->verdict && body->bytes > memory->max_item_bytes) {
        return APR_ENOSPC;
    }
    rv = make_entry(&entry, key, record, body);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    ds_quiet_enter(&shard->mutex, &before);
    old = find(shard, key);
    if (old) {
        take_out(shard, old);
    }
    if (make_room(shard, entry->bytes)) {
        adopt(shard, entry);
        entry = NULL;
    }
    ds_quiet_leave(&shard->mutex, &before);
    free(entry);
    return entry ? APR_ENOSPC : APR_SUCCESS;
}

/* ---- the level ---- */

static apr_status_t memory_end(void *baton)
{
    memory_t *memory = baton;
    int i;

    for (i = 0; i < memory->shards; i++) {
        while (memory->shard[i].hand) {
            take_out(&memory->shard[i], memory->shard[i].hand);
        }
    }
    memory_let_go(memory);
    return APR_SUCCESS;
}

static int shard_init(shard_t *shard, memory_t *memory, apr_size_t max_bytes)
{
    shard->memory = memory;
    shard->max_bytes = max_bytes;
    shard->chains = max_bytes / BYTES_A_CHAIN + 1;
    shard->chain = calloc(shard->chains, sizeof(*shard->chain));
    return shard->chain && !pthread_mutex_init(&shard->mutex, NULL);
}

apr_status_t di_memory_make(di_level_t **out, const di_memory_conf_t *conf,
                            apr_pool_t *p)
{
    apr_size_t shards, i;
    memory_t *memory;

    if (!conf->max_bytes || !conf->max_item_bytes) {
        return APR_EINVAL;
    }
    memory = calloc(1, sizeof(*memory));
    if (!memory) {
        return APR_ENOMEM;
    }
    shards = conf->max_bytes / LARGEST_ITEMS / conf->max_item_bytes;
    shards = shards < 1 ? 1 : shards > SHARDS_MAX ? SHARDS_MAX : shards;
    atomic_init(&memory->holders, 1);
    memory->max_item_bytes = conf->max_item_bytes;
    for (i = 0; i < shards; i++, memory->shards++) {
        if (!shard_init(&memory->shard[i], memory, conf->max_bytes / shards)) {
            free(memory->shard[i].chain);
            memory_let_go(memory);
            return APR_ENOMEM;
        }
    }
    memory->level.name = "memory";
    memory->level.self = memory;
    memory->level.alone = 1;
    memory->level.get = memory_get;
    memory->level.put = memory_put;
    apr_pool_cleanup_register(p, memory, memory_end, apr_pool_cleanup_null);
    *out = &memory->level;
    return APR_SUCCESS;
}
