/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The third level: a few records in memory, made from store/record.h alone.
 * It shows that the interface suffices, and can be told to fail.
 */
#ifndef LEVEL_MEMORY_H
#define LEVEL_MEMORY_H

#include <pthread.h>
#include <stdlib.h>

#include "store/record.h"

#define MEMORY_SLOTS 8

typedef struct {
    di_level_t level;
    pthread_mutex_t mutex;
    apr_status_t get_rv; /* not APR_SUCCESS: what each get says */
    apr_status_t put_rv;
    int gets; /* calls seen */
    int puts;
    char hex[MEMORY_SLOTS][2 * DI_KEY_HASH_BYTES + 1];
    char *record[MEMORY_SLOTS];
    apr_size_t bytes[MEMORY_SLOTS];
} memory_level_t;

static inline int memory_slot(memory_level_t *memory, const di_key_t *key)
{
    int i;

    for (i = 0; i < MEMORY_SLOTS; i++) {
        if (!memory->record[i] || !strcmp(memory->hex[i], key->hex)) {
            return i;
        }
    }
    return 0;
}

static inline void memory_drop(memory_level_t *memory, int slot)
{
    free(memory->record[slot]);
    memory->record[slot] = NULL;
    memory->hex[slot][0] = '\0';
}

static inline apr_status_t memory_look(memory_level_t *memory, di_entry_t *out,
                                       const di_key_t *key, apr_time_t now,
                                       apr_pool_t *p)
{
    int slot = memory_slot(memory, key);
    apr_size_t bytes = memory->bytes[slot];
    apr_uint32_t crc;
    char *copy;

    if (!memory->record[slot]) {
        return APR_NOTFOUND;
    }
    copy = apr_pmemdup(p, memory->record[slot], bytes);
    if (di_record_parse(&out->record, &crc, copy, bytes, bytes, key) ||
        di_record_is_expired(&out->record, now)) {
        memory_drop(memory, slot);
        return APR_NOTFOUND;
    }
    out->body.data = copy + di_record_head_bytes(key);
    out->body.file = NULL;
    out->body.offset = 0;
    out->body.bytes = out->record.body_bytes;
    out->level = memory->level.name;
    return APR_SUCCESS;
}

static inline apr_status_t memory_get(di_level_t *level, di_entry_t *out,
                                      const di_key_t *key, apr_time_t now,
                                      apr_pool_t *p)
{
    memory_level_t *memory = level->self;
    apr_status_t rv = memory->get_rv;

    pthread_mutex_lock(&memory->mutex);
    memory->gets++;
    if (rv == APR_SUCCESS) {
        rv = memory_look(memory, out, key, now, p);
    }
    pthread_mutex_unlock(&memory->mutex);
    return rv;
}

static inline apr_status_t memory_put(di_level_t *level, const di_key_t *key,
                                      const di_record_t *record,
                                      const di_body_t *body, apr_time_t now,
                                      apr_pool_t *ptemp)
{
    memory_level_t *memory = level->self;
    di_record_t kept = *record;
    apr_size_t head = di_record_head_bytes(key);
    const char *data = "";
    apr_status_t rv = memory->put_rv;
    int slot;
    char *made;

    kept.body_bytes = body && !record->verdict ? body->bytes : 0;
    if (rv == APR_SUCCESS && kept.body_bytes) {
        rv = di_body_read(&data, body, ptemp);
    }
    pthread_mutex_lock(&memory->mutex);
    memory->puts++;
    if (rv == APR_SUCCESS) {
        made = malloc(head + kept.body_bytes);
        di_record_format(made, &kept, di_record_crc(0, data, kept.body_bytes),
                         key);
        memcpy(made + head, data, kept.body_bytes);
        slot = memory_slot(memory, key);
        memory_drop(memory, slot);
        apr_cpystrn(memory->hex[slot], key->hex, sizeof(memory->hex[slot]));
        memory->record[slot] = made;
        memory->bytes[slot] = head + kept.body_bytes;
    }
    pthread_mutex_unlock(&memory->mutex);
    return rv;
}

static inline apr_status_t memory_end(void *baton)
{
    int slot;

    for (slot = 0; slot < MEMORY_SLOTS; slot++) {
        memory_drop(baton, slot);
    }
    return APR_SUCCESS;
}

static inline memory_level_t *memory_level_make(const char *name, apr_pool_t *p)
{
    memory_level_t *memory = apr_pcalloc(p, sizeof(*memory));

    pthread_mutex_init(&memory->mutex, NULL);
    memory->level.name = name;
    memory->level.self = memory;
    memory->level.get = memory_get;
    memory->level.put = memory_put;
    apr_pool_cleanup_register(p, memory, memory_end, apr_pool_cleanup_null);
    return memory;
}

#endif
