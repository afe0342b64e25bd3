/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys, bodies, and the list of levels.  What a level is made of is its own
 * file's business; nothing here knows a disk or a network.
 */
#include "store/store.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <apr_portable.h>
#include <apr_strings.h>

#include "base/digest.h"

apr_status_t di_key_make(di_key_t *out, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[DS_DIGEST_BYTES];
    apr_size_t len = strlen(text), i;
    apr_status_t rv;

    if (len > DI_KEY_TEXT_MAX) {
        return APR_ENAMETOOLONG;
    }
    rv = ds_digest_sha256(digest, text, len);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    out->text = text;
    out->text_len = len;
    out->customer = 0;
    out->priority = DI_PRIORITY_USUAL;
    memcpy(out->hash, digest, DI_KEY_HASH_BYTES);
    for (i = 0; i < DI_KEY_HASH_BYTES; i++) {
        out->hex[2 * i] = digits[digest[i] >> 4];
        out->hex[2 * i + 1] = digits[digest[i] & 15];
    }
    out->hex[2 * DI_KEY_HASH_BYTES] = '\0';
    return APR_SUCCESS;
}

static apr_status_t read_at(char *to, apr_file_t *file, apr_off_t offset,
                            apr_size_t bytes)
{
    apr_os_file_t fd;
    ssize_t got;

    apr_os_file_get(&fd, file);
    while (bytes > 0) {
        got = pread(fd, to, bytes, offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? APR_FROM_OS_ERROR(errno) : APR_EOF;
        }
        to += got;
        offset += got;
        bytes -= (apr_size_t)got;
    }
    return APR_SUCCESS;
}

apr_status_t di_body_copy(char *to, const di_body_t *body, apr_uint64_t from,
                          apr_size_t bytes)
{
    if (from > body->bytes || bytes > body->bytes - from) {
        return APR_EOF;
    }
    if (bytes == 0) {
        return APR_SUCCESS;
    }
    if (!body->data) {
        return read_at(to, body->file, body->offset + (apr_off_t)from, bytes);
    }
    memcpy(to, body->data + from, bytes);
    return APR_SUCCESS;
}

apr_status_t di_body_read(const char **out, const di_body_t *body,
                          apr_pool_t *p)
{
    char *data = apr_palloc(p, body->bytes + 1);
    apr_status_t rv = di_body_copy(data, body, 0, body->bytes);

    if (rv == APR_SUCCESS) {
        data[body->bytes] = '\0';
        *out = data;
    }
    return rv;
}

/* What has an end would have to be booked and deleted again where things last:
   it stays in the level that forgets by itself. */
static int may_have(const di_level_t *level, const di_record_t *record)
{
    return !level->lasting || record->expires_at == 0;
}

/* Offer what a later level had to one that had nothing. */
static void promote(di_level_t *level, const di_key_t *key,
                    const di_entry_t *entry, apr_time_t now, apr_pool_t *p)
{
    apr_pool_t *ptemp;

    if (apr_pool_create(&ptemp, p) == APR_SUCCESS) {
        (void)(level->offer ? level->offer : level->put)(
            level, key, &entry->record, &entry->body, now, ptemp);
        apr_pool_destroy(ptemp);
    }
}

static void touch_later(const di_store_t *store, int from, const di_key_t *key,
                        apr_time_t now)
{
    int i;

    for (i = from; i < store->count; i++) {
        if (store->level[i]->touch) {
            store->level[i]->touch(store->level[i], key, now);
        }
    }
}

apr_status_t di_store_get(const di_store_t *store, di_entry_t *out,
                          const di_key_t *key, apr_time_t now, apr_pool_t *p)
{
    apr_status_t rv[DI_STORE_LEVELS_MAX];
    int i, earlier;

    for (i = 0; i < store->count; i++) {
        di_level_t *level = store->level[i];

        rv[i] = level->get(level, out, key, now, p);
        if (rv[i] == APR_SUCCESS) {
            out->level = level->name;
            break;
        }
    }
    if (i == store->count) {
        return APR_NOTFOUND;
    }
    touch_later(store, i + 1, key, now);
    /* A level that is out of order would only cost the caller's time. */
    for (earlier = 0; earlier < i; earlier++) {
        if (rv[earlier] == APR_NOTFOUND &&
            may_have(store->level[earlier], &out->record)) {
            promote(store->level[earlier], key, out, now, p);
        }
    }
    return APR_SUCCESS;
}

apr_status_t di_store_put(const di_store_t *store, di_keep_e keep,
                          const di_key_t *key, const di_record_t *record,
                          const di_body_t *body, apr_time_t now,
                          apr_pool_t *ptemp)
{
    apr_status_t first = APR_SUCCESS, rv;
    int kept = 0, enough = 0, i;

    for (i = 0; i < store->count && !enough; i++) {
        di_level_t *level = store->level[i];

        if (keep == DI_KEEP_PASSING && level->lasting) {
            continue;
        }
        rv = level->put(level, key, record, body, now, ptemp);
        kept += rv == APR_SUCCESS;
        enough = rv == APR_SUCCESS && store->keep_first && !level->alone;
        first = first == APR_SUCCESS ? rv : first;
    }
    if (kept) {
        return APR_SUCCESS;
    }
    return first != APR_SUCCESS ? first : APR_ENOSPC;
}
