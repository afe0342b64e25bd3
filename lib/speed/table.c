/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table.  Its memory, in 64-byte lines:
 *
 *     head    magic, shape, tag, count of rows pushed out
 *     bucket  lock | 8 slots of 32 bytes | 8 row bodies
 *     bucket  ...
 *
 *     slot    key 16 | used_at 8 (0: free) | check 8
 *
 * The slots lie together, so a search touches five lines.  check is a checksum
 * over key and body; it is wrong from the first change that a callback makes
 * until the callback's end, so nobody has to clean up after a process that was
 * killed there.
 *
 * A lock is the instant at which it was taken, on the system's clock that
 * never goes back (the one clock in this file: what callers know as "now" may
 * be a request's start).  An instant that lies SP_TABLE_STALE_FOR back, or
 * ahead, is no lock.  The holder gives back what it took and nothing else: if
 * it was only stopped, not dead, its lock is another's by then, and the row
 * that both worked on ends with a wrong check.
 *
 * Nothing here follows a number that another process could have written after
 * the shape was checked, except the shape itself.
 */
#include "speed/table.h"

#include <sched.h>
#include <string.h>
#include <time.h>

#define MAGIC APR_UINT64_C(0x31656c6261747073) /* "sptable1" */

#define LINE 64

/* Looks at a lock before the processor is left to whoever holds it: some
   10 us. */
#define LOOKS 300

/* A row used further ahead than this was used before the clock was set back. */
#define SKEW_FOR apr_time_from_sec(60)

struct sp_table_t {
    apr_uint64_t magic;
    apr_uint64_t buckets;
    apr_uint64_t row_bytes; /* of a body */
    apr_uint64_t bucket_bytes;
    apr_uint64_t tag;
    apr_uint64_t used;    /* atomic; about: a killed process may miss one */
    apr_uint64_t evicted; /* atomic */
};

typedef struct {
    unsigned char key[SP_TABLE_KEY_BYTES];
    apr_time_t used_at; /* 0: free */
    apr_uint64_t check;
} slot_t;

typedef struct {
    apr_uint64_t lock; /* atomic; when it was taken, us; 0: free */
    apr_uint64_t unused[LINE / 8 - 1];
    slot_t slot[SP_TABLE_WAYS];
} bucket_t;

_Static_assert(sizeof(struct sp_table_t) <= LINE, "the head fits a line");
_Static_assert(sizeof(bucket_t) % LINE == 0, "a bucket begins a line");

/* ---- shape ---- */

static apr_size_t round_up(apr_size_t n, apr_size_t to)
{
    return (n + to - 1) / to * to;
}

/* What a head must say to be ours. */
static struct sp_table_t head_of(apr_uint32_t rows, apr_size_t row_bytes,
                                 apr_uint64_t tag)
{
    struct sp_table_t head = {.magic = MAGIC, .tag = tag};

    head.buckets = ((apr_uint64_t)rows + SP_TABLE_WAYS - 1) / SP_TABLE_WAYS;
    head.row_bytes = round_up(row_bytes, 8);
    head.bucket_bytes =
        round_up(sizeof(bucket_t) + SP_TABLE_WAYS * head.row_bytes, LINE);
    return head;
}

apr_size_t sp_table_bytes(apr_uint32_t rows, apr_size_t row_bytes)
{
    struct sp_table_t head;

    if (rows == 0 || rows > SP_TABLE_ROWS_MAX || row_bytes == 0 ||
        row_bytes > SP_TABLE_ROW_BYTES_MAX) {
        return 0;
    }
    head = head_of(rows, row_bytes, 0);
    return LINE + head.buckets * head.bucket_bytes;
}

static int is_usable(const void *mem, apr_size_t bytes, apr_uint32_t rows,
                     apr_size_t row_bytes)
{
    apr_size_t want = sp_table_bytes(rows, row_bytes);

    return mem && want > 0 && bytes >= want && (apr_uintptr_t)mem % LINE == 0;
}

int sp_table_is_kept(const void *mem, apr_size_t bytes, apr_uint32_t rows,
                     apr_size_t row_bytes, apr_uint64_t tag)
{
    const struct sp_table_t *head = mem;
    struct sp_table_t want = head_of(rows, row_bytes, tag);

    return is_usable(mem, bytes, rows, row_bytes) &&
           head->magic == want.magic && head->buckets == want.buckets &&
           head->row_bytes == want.row_bytes &&
           head->bucket_bytes == want.bucket_bytes && head->tag == want.tag;
}

sp_table_t *sp_table_init(void *mem, apr_size_t bytes, apr_uint32_t rows,
                          apr_size_t row_bytes, apr_uint64_t tag, int *rv_kept)
{
    static const char nothing[LINE];
    int kept = sp_table_is_kept(mem, bytes, rows, row_bytes, tag);

    if (rv_kept) {
        *rv_kept = kept;
    }
    if (!is_usable(mem, bytes, rows, row_bytes)) {
        return NULL;
    }
    if (!kept) {
        /* Memory that is new stays untouched, and so takes no room yet. */
        if (memcmp(mem, nothing, LINE)) {
            memset(mem, 0, sp_table_bytes(rows, row_bytes));
        }
        *(struct sp_table_t *)mem = head_of(rows, row_bytes, tag);
    }
    return mem;
}

/* ---- places ---- */

static bucket_t *bucket_at(const sp_table_t *table, apr_uint64_t index)
{
    return (bucket_t *)((char *)table + LINE + index * table->bucket_bytes);
}

/* The key is a hash already. */
static bucket_t *bucket_of(const sp_table_t *table, const unsigned char *key)
{
    apr_uint64_t word;

    memcpy(&word, key, sizeof(word));
    return bucket_at(table, word % table->buckets);
}

static void *body_of(const sp_table_t *table, bucket_t *bucket,
                     const slot_t *slot)
{
    return (char *)(bucket + 1) +
           (apr_size_t)(slot - bucket->slot) * table->row_bytes;
}

static apr_uint64_t mixed(apr_uint64_t sum, const void *data, apr_size_t bytes)
{
    const unsigned char *at = data;

    for (; bytes >= 8; bytes -= 8, at += 8) {
        apr_uint64_t word;
        memcpy(&word, at, sizeof(word));
        sum = (sum ^ word) * APR_UINT64_C(0x9e3779b97f4a7c15);
        sum ^= sum >> 32;
    }
    return sum;
}

static apr_uint64_t check_of(const sp_table_t *table, const slot_t *slot,
                             const void *body)
{
    apr_uint64_t sum = mixed(1, slot->key, SP_TABLE_KEY_BYTES);

    return mixed(sum, body, table->row_bytes);
}

/* ---- locks ---- */

static apr_uint64_t steady_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (apr_uint64_t)now.tv_sec * 1000000 +
           (apr_uint64_t)now.tv_nsec / 1000 + 1;
}

static int is_stale(apr_uint64_t taken, apr_uint64_t now)
{
    apr_uint64_t apart = now > taken ? now - taken : taken - now;

    return apart > (apr_uint64_t)SP_TABLE_STALE_FOR;
}

static void rest_a_moment(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* A few looks.  @return what the lock was set to, to be given to unlock; 0:
   not had */
static apr_uint64_t try_lock(bucket_t *bucket, apr_uint64_t now)
{
    int i;

    for (i = 0; i < LOOKS; i++) {
        apr_uint64_t taken = __atomic_load_n(&bucket->lock, __ATOMIC_RELAXED);
        if ((taken == 0 || is_stale(taken, now)) &&
            __atomic_compare_exchange_n(&bucket->lock, &taken, now, 0,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
            return now;
        }
        rest_a_moment();
    }
    return 0;
}

/* A free lock is had at the first look. @return as try_lock */
static apr_uint64_t lock(bucket_t *bucket)
{
    apr_uint64_t begun = steady_now(), now = begun;
    apr_uint64_t taken = try_lock(bucket, now);

    while (!taken && now - begun < (apr_uint64_t)SP_TABLE_WAIT_FOR) {
        sched_yield();
        now = steady_now();
        taken = try_lock(bucket, now);
    }
    return taken;
}

static int is_held(bucket_t *bucket, apr_uint64_t taken)
{
    return __atomic_load_n(&bucket->lock, __ATOMIC_RELAXED) == taken;
}

static void unlock(bucket_t *bucket, apr_uint64_t taken)
{
    __atomic_compare_exchange_n(&bucket->lock, &taken, 0, 0, __ATOMIC_RELEASE,
                                __ATOMIC_RELAXED);
}

/* ---- rows ---- */

static slot_t *find(bucket_t *bucket, const unsigned char *key)
{
    int i;

    for (i = 0; i < SP_TABLE_WAYS; i++) {
        slot_t *slot = &bucket->slot[i];
        if (slot->used_at != 0 && !memcmp(slot->key, key, sizeof(slot->key))) {
            return slot;
        }
    }
    return NULL;
}

/* Instants that make no sense are the oldest, free ones older still. */
static apr_time_t rank_of(const slot_t *slot, apr_time_t now)
{
    if (slot->used_at == 0) {
        return -1;
    }
    return slot->used_at < 0 || slot->used_at > now + SKEW_FOR ? 0
                                                               : slot->used_at;
}

/* The place for a new key. */
static slot_t *make_room(sp_table_t *table, bucket_t *bucket, apr_time_t now)
{
    slot_t *oldest = &bucket->slot[0];
    int i;

    for (i = 1; i < SP_TABLE_WAYS; i++) {
        if (rank_of(&bucket->slot[i], now) < rank_of(oldest, now)) {
            oldest = &bucket->slot[i];
        }
    }
    if (oldest->used_at != 0) {
        __atomic_fetch_add(&table->evicted, 1, __ATOMIC_RELAXED);
    }
    return oldest;
}

static int is_whole(const sp_table_t *table, bucket_t *bucket,
                    const slot_t *slot)
{
    return slot->check == check_of(table, slot, body_of(table, bucket, slot));
}

static void set_free(sp_table_t *table, slot_t *slot)
{
    slot->used_at = 0;
    __atomic_fetch_sub(&table->used, 1, __ATOMIC_RELAXED);
}

/* The slot of the key, its body fit for the callback; NULL: there is none. */
static slot_t *obtain(sp_table_t *table, bucket_t *bucket,
                      const unsigned char *key, int make, apr_time_t now)
{
    slot_t *slot = find(bucket, key);

    if (slot && is_whole(table, bucket, slot)) {
        return slot;
    }
    if (!make) {
        if (slot) {
            set_free(table, slot);
        }
        return NULL;
    }
    slot = slot ? slot : make_room(table, bucket, now);
    memcpy(slot->key, key, sizeof(slot->key));
    memset(body_of(table, bucket, slot), 0, table->row_bytes);
    return slot;
}

/* Make the row whole again. */
static void finish(sp_table_t *table, bucket_t *bucket, slot_t *slot,
                   apr_time_t now)
{
    if (slot->used_at == 0) {
        __atomic_fetch_add(&table->used, 1, __ATOMIC_RELAXED);
    }
    slot->used_at = now > 0 ? now : 1;
    slot->check = check_of(table, slot, body_of(table, bucket, slot));
}

int sp_table_with(sp_table_t *table,
                  const unsigned char key[SP_TABLE_KEY_BYTES], int make,
                  void (*row_fn)(void *row, void *baton), void *baton,
                  apr_time_t now)
{
    bucket_t *bucket = table ? bucket_of(table, key) : NULL;
    apr_uint64_t taken = bucket ? lock(bucket) : 0;
    slot_t *slot;

    if (!taken) {
        return bucket ? SP_TABLE_BUSY : 0;
    }
    slot = obtain(table, bucket, key, make, now);
    if (slot) {
        row_fn(body_of(table, bucket, slot), baton);
        if (is_held(bucket, taken)) {
            finish(table, bucket, slot, now);
        }
    }
    unlock(bucket, taken);
    return slot != NULL;
}

/* ---- counts ---- */

apr_uint64_t sp_table_used(const sp_table_t *table)
{
    apr_int64_t used =
        table ? (apr_int64_t)__atomic_load_n(&table->used, __ATOMIC_RELAXED)
              : 0;
    apr_int64_t rows =
        table ? (apr_int64_t)(table->buckets * SP_TABLE_WAYS) : 0;

    return (apr_uint64_t)(used < 0 ? 0 : used > rows ? rows : used);
}

apr_uint64_t sp_table_evicted(const sp_table_t *table)
{
    return table ? __atomic_load_n(&table->evicted, __ATOMIC_RELAXED) : 0;
}
