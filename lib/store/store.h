/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: where renditions live, as an ordered list of levels.
 *
 * A key is a text that says everything that a rendition depends on (original,
 * tier recipe, format, renderer version; see image/variant.h) and a hash of
 * it that serves as name.  Every level keeps the text inside its record and
 * compares it on each get, so a hash collision or a cache that returns
 * somebody else's value is a miss and never a wrong picture.
 *
 * An entry is a small head (di_record_t) and a body of bytes.  A record
 * without a body is a verdict: "for this key there is no rendition, and this
 * is why" (a broken original, a rendition that would not be smaller).
 *
 * A level is a struct of functions; store_disk.c, store_memcached.c and
 * store_memory.c make one each, tests bring another.  The two functions of a
 * level that the request path calls are safe from several threads and several
 * processes.
 */
#ifndef DI_STORE_H
#define DI_STORE_H

#include <apr_errno.h>
#include <apr_file_io.h>
#include <apr_pools.h>
#include <apr_time.h>

/* Bytes of the hash of a key (of its hex form: twice that). */
#define DI_KEY_HASH_BYTES 16

/* Longest key text, bytes; a longer one is refused by di_key_make. */
#define DI_KEY_TEXT_MAX 8192

/* Most levels in one list. */
#define DI_STORE_LEVELS_MAX 4

/* Priority of entries for which nobody says another one. */
#define DI_PRIORITY_USUAL 5

typedef struct {
    const char *text;    /* the whole truth, printable, no NUL inside */
    apr_size_t text_len; /* bytes, without the final NUL */
    unsigned char hash[DI_KEY_HASH_BYTES];
    char hex[2 * DI_KEY_HASH_BYTES + 1]; /* hash as lower-case hex */
    /* Not part of the truth: the same key under two customers is the same
       rendition. */
    int customer;          /* whose entry it is (store/account.h) */
    apr_uint32_t priority; /* 0..9, 9 is kept longest; of what is put */
} di_key_t;

/**
 * Make a key of its text: the first 16 bytes of the text's SHA-256.
 * @param out   its customer is the first one, its priority 5
 * @param text  not copied: must live as long as the key
 * @return APR_SUCCESS, APR_ENAMETOOLONG past DI_KEY_TEXT_MAX, or the status
 *         of ds_digest_sha256
 */
apr_status_t di_key_make(di_key_t *out, const char *text);

/* The head of an entry.  store/record.c draws how it looks in bytes. */
typedef struct {
    apr_uint32_t verdict;  /* 0: a rendition with a body; else a
                              di_reason_e that says why there is none */
    apr_uint32_t format;   /* di_format_e of the body */
    apr_uint32_t width_px; /* of the body's pixels */
    apr_uint32_t height_px;
    apr_uint32_t render_us; /* CPU time that the render took, us */
    apr_uint32_t priority;  /* 0..9, of the key that put it */
    apr_time_t made_at;
    apr_time_t expires_at;     /* 0: never */
    apr_uint64_t source_bytes; /* size of the original, bytes */
    apr_uint64_t body_bytes;   /* 0 for a verdict */
} di_record_t;

/* Bytes of an entry: in memory, or in an open file. */
typedef struct {
    const char *data; /* NULL: the body is in file */
    apr_file_t *file; /* NULL: the body is at data */
    apr_off_t offset; /* where the body begins in file */
    apr_uint64_t bytes;
} di_body_t;

typedef struct {
    di_record_t record;
    di_body_t body;    /* lives in the pool given to get */
    const char *level; /* the level's name; static text */
} di_entry_t;

typedef struct di_level_t di_level_t;
struct di_level_t {
    const char *name; /* "memory", "disk", "memcached": static text */
    void *self;       /* the level's own state */
    int alone;        /* 1: what is put here nobody but this process sees */
    int lasting;      /* 1: what is put here stays until it is reclaimed; 0: a
                         cache that forgets by itself */

    /**
     * Find an entry.
     * @param out  filled on success; file and memory belong to p
     * @return APR_SUCCESS; APR_NOTFOUND (also for an entry that was expired,
     *         damaged or of another version: such an entry is deleted, and a
     *         damaged one logged once); another status when the level
     *         is out of order, which callers treat as a miss
     */
    apr_status_t (*get)(di_level_t *level, di_entry_t *out, const di_key_t *key,
                        apr_time_t now, apr_pool_t *p);

    /**
     * Keep an entry.  Whoever gets the key meanwhile sees the old entry, none,
     * or the whole new one, never a part.
     * @param record  its body_bytes is not looked at: the body says that
     * @param body    read from its start; NULL or 0 bytes for a verdict.  The
     *                position of body->file stays as it was
     * @param ptemp   scratch; nothing of it is kept
     * @return APR_SUCCESS; APR_ENOSPC when it does not fit this level (too
     *         large, full); APR_EOF when body->file is shorter than the body;
     *         another status when the level is out of order
     */
    apr_status_t (*put)(di_level_t *level, const di_key_t *key,
                        const di_record_t *record, const di_body_t *body,
                        apr_time_t now, apr_pool_t *ptemp);

    /* As put, for what another level has already: only if that takes no wait
       for others and nothing has to go for it.  NULL: put. */
    apr_status_t (*offer)(di_level_t *level, const di_key_t *key,
                          const di_record_t *record, const di_body_t *body,
                          apr_time_t now, apr_pool_t *ptemp);

    /* An entry of that key was found on an earlier level, so this one was not
       asked: it may count that as a use.  NULL: it need not know. */
    void (*touch)(di_level_t *level, const di_key_t *key, apr_time_t now);
};

/* The levels in the order in which they are asked. */
typedef struct {
    int count;
    di_level_t *level[DI_STORE_LEVELS_MAX];
    int keep_first; /* 1: an entry is put into the first level that takes it,
                       so that small ones go here and large ones there, and
                       into those before that are this process's alone; 0:
                       into every level */
} di_store_t;

/* Which levels an entry may be put into. */
typedef enum {
    DI_KEEP_ALL = 0,
    DI_KEEP_PASSING /* only those that are not lasting */
} di_keep_e;

/**
 * Ask the levels in order.  An entry found in a later level is offered to the
 * earlier ones that said APR_NOTFOUND, so that the next get is answered by
 * the first; whether that worked does not change the answer.  One that expires
 * is put only into those that are not lasting.
 * @param out  as for a level; out->level tells which one answered
 * @return APR_SUCCESS or APR_NOTFOUND
 */
apr_status_t di_store_get(const di_store_t *store, di_entry_t *out,
                          const di_key_t *key, apr_time_t now, apr_pool_t *p);

/**
 * Put into the levels, as store->keep_first and keep say.
 * @return APR_SUCCESS when at least one level kept it, else the first error;
 *         APR_ENOSPC when there is no level
 */
apr_status_t di_store_put(const di_store_t *store, di_keep_e keep,
                          const di_key_t *key, const di_record_t *record,
                          const di_body_t *body, apr_time_t now,
                          apr_pool_t *ptemp);

/**
 * Copy a whole body into memory of p.
 * @return APR_SUCCESS; APR_EOF when the file is shorter than the body;
 *         another status when it cannot be read
 */
apr_status_t di_body_read(const char **out, const di_body_t *body,
                          apr_pool_t *p);

/**
 * Copy a part of a body, wherever it lies; leaves file positions alone.
 * @param to     room for bytes
 * @param from   first byte wanted, counted from the body's start
 * @return as di_body_read; from + bytes past the body's end is APR_EOF
 */
apr_status_t di_body_copy(char *to, const di_body_t *body, apr_uint64_t from,
                          apr_size_t bytes);

#endif
