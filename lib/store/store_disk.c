/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk level.
 *
 *     root/                              mode 0700, as are all folders
 *         ab/cd/abcd...32 digits....di   one record, named by its key's hash
 *         ab/cd/tmp-XXXXXX               a record that is being written
 *         sweep.lock                     see reclaim.c
 *
 * A put writes the body behind a gap, then the head into the gap, and
 * renames: readers see the old file, none, or the whole new one.  There is no
 * fsync: what a power cut leaves is recognised by its checksums, and a cache
 * can be filled again.
 *
 * A get opens the file and reads its head.  The body's checksum is verified
 * once per process and file: a fixed table remembers a fingerprint of (device,
 * inode, size, change time), and no file can be altered without a new change
 * time.  The kernel's clock for those moves in steps, so a file that changed
 * in the last two seconds is not remembered yet.
 *
 * Bounds: 32 KB for the table; 16 KB of stack per verification or put.
 */
#include "store/store_disk.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_file_info.h>
#include <apr_portable.h>
#include <apr_strings.h>

#include "store/pace.h"
#include "store/record.h"
#include "store/sweeper.h"

#define VERIFIED_SLOTS 4096
#define SETTLE_FOR apr_time_from_sec(2)
#define CHUNK_BYTES 16384

/* One entry may take this share of the quota. */
#define ENTRIES_PER_QUOTA 4

#define DAMAGED_A_MINUTE 10
#define TROUBLE_A_MINUTE 1

#define FOLDER_RIGHTS (APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_UEXECUTE)

typedef struct {
    di_level_t level;
    di_disk_conf_t conf;
    di_sweeper_t *sweeper;
    di_pace_t damaged; /* pace of lines about damaged entries */
    di_pace_t trouble; /* and about a disk that does not work */
    _Atomic apr_uint64_t verified[VERIFIED_SLOTS]; /* fingerprints; 0: free */
} disk_t;

/* An entry's file while it is being looked at. */
typedef struct {
    const char *path;
    apr_file_t *file;
    struct stat st;
    apr_uint32_t body_crc;
} found_t;

static const char *folder_path(const disk_t *disk, const di_key_t *key,
                               apr_pool_t *p)
{
    return apr_psprintf(p, "%s/%.2s/%.2s", disk->conf.root, key->hex,
                        key->hex + 2);
}

static const char *entry_path(const disk_t *disk, const di_key_t *key,
                              apr_pool_t *p)
{
    return apr_pstrcat(p, folder_path(disk, key, p), "/", key->hex,
                       DI_DISK_ENTRY_SUFFIX, NULL);
}

/* The disk itself does not work.  @return rv, for the caller to return */
static apr_status_t trouble(disk_t *disk, apr_status_t rv, const char *doing,
                            const char *path, apr_time_t now)
{
    uint32_t dropped;

    if (di_pace_allows(&disk->trouble, &dropped, TROUBLE_A_MINUTE, now)) {
        ds_log(disk->conf.log, DS_LOG_WARNING, "DI0402", rv,
               "store on disk: cannot %s %s (%u such messages held back)",
               doing, path, dropped);
    }
    return rv;
}

static void log_damaged(disk_t *disk, const char *path, const char *what,
                        apr_time_t now)
{
    uint32_t dropped;

    if (di_pace_allows(&disk->damaged, &dropped, DAMAGED_A_MINUTE, now)) {
        ds_log(disk->conf.log, DS_LOG_WARNING, "DI0401", APR_SUCCESS,
               "store on disk: entry %s is %s, deleted (%u such messages held "
               "back)",
               path, what, dropped);
    }
}

/* ---- get ---- */

/* Delete the file that was looked at, unless a new one has taken its name.
   One that takes it between the two calls is lost, which costs a render. */
static void drop(const found_t *found)
{
    struct stat st;

    if (!lstat(found->path, &st) && st.st_ino == found->st.st_ino &&
        st.st_dev == found->st.st_dev) {
        unlink(found->path);
    }
}

static apr_status_t open_entry(disk_t *disk, found_t *out, apr_time_t now,
                               apr_pool_t *p)
{
    apr_os_file_t fd;
    apr_status_t rv;

    /* Not blocking: a pipe in an entry's place would wait for a writer. */
    rv = apr_file_open(
        &out->file, out->path,
        APR_FOPEN_READ | APR_FOPEN_BINARY | APR_FOPEN_NONBLOCK |
            (disk->conf.no_sendfile ? 0 : APR_FOPEN_SENDFILE_ENABLED),
        APR_FPROT_OS_DEFAULT, p);
    if (APR_STATUS_IS_ENOENT(rv)) {
        return APR_NOTFOUND;
    }
    if (rv != APR_SUCCESS) {
        return trouble(disk, rv, "open", out->path, now);
    }
    apr_os_file_get(&fd, out->file);
    if (fstat(fd, &out->st)) {
        rv = trouble(disk, APR_FROM_OS_ERROR(errno), "look at", out->path, now);
        apr_file_close(out->file);
    }
    return rv;
}

/* The head of the wanted key has a known length, so one read is enough. */
static apr_status_t read_head(di_record_t *out, di_record_state_e *state,
                              found_t *found, const di_key_t *key)
{
    char head[DI_RECORD_FIXED_BYTES + DI_KEY_TEXT_MAX];
    apr_os_file_t fd;
    ssize_t have;

    apr_os_file_get(&fd, found->file);
    do {
        have = pread(fd, head, di_record_head_bytes(key), 0);
    } while (have < 0 && errno == EINTR);
    if (have < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    *state = di_record_parse(out, &found->body_crc, head, (apr_size_t)have,
                             (apr_uint64_t)found->st.st_size, key);
    return APR_SUCCESS;
}

/* splitmix64's finisher. Source: Steele, Lea, Flood, "Fast splittable
   pseudorandom number generators", 2014 */
static apr_uint64_t mix(apr_uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Never 0. */
static apr_uint64_t fingerprint(const struct stat *st)
{
    apr_uint64_t x = mix((apr_uint64_t)st->st_ino);

    x = mix(x ^ (apr_uint64_t)st->st_dev);
    x = mix(x ^ (apr_uint64_t)st->st_size);
    x = mix(x ^ (apr_uint64_t)st->st_ctim.tv_sec);
    return mix(x ^ (apr_uint64_t)st->st_ctim.tv_nsec) | 1;
}

static apr_status_t body_crc(apr_uint32_t *out, const di_body_t *body)
{
    char chunk[CHUNK_BYTES];
    apr_uint64_t from;
    apr_size_t bytes;
    apr_status_t rv;

    *out = 0;
    for (from = 0; from < body->bytes; from += bytes) {
        bytes = body->bytes - from < sizeof(chunk)
                    ? (apr_size_t)(body->bytes - from)
                    : sizeof(chunk);
        rv = di_body_copy(chunk, body, from, bytes);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        *out = di_record_crc(*out, chunk, bytes);
    }
    return APR_SUCCESS;
}

/* @return APR_SUCCESS; APR_EOF when the body is not what the head says */
static apr_status_t verify_body(disk_t *disk, const di_body_t *body,
                                const found_t *found, apr_time_t now)
{
    apr_uint64_t print = fingerprint(&found->st);
    apr_time_t changed_at = apr_time_from_sec(found->st.st_ctim.tv_sec);
    _Atomic apr_uint64_t *slot;
    apr_uint32_t crc;
    apr_status_t rv;

    slot = &disk->verified[(print >> 1) % VERIFIED_SLOTS];
    if (body->bytes == 0 ||
        atomic_load_explicit(slot, memory_order_relaxed) == print) {
        return APR_SUCCESS;
    }
    rv = body_crc(&crc, body);
    if (rv == APR_SUCCESS && crc != found->body_crc) {
        rv = APR_EOF;
    }
    if (rv == APR_SUCCESS && changed_at + SETTLE_FOR < now) {
        atomic_store_explicit(slot, print, memory_order_relaxed);
    }
    return rv;
}

/* @return APR_SUCCESS with *state set; else the disk does not work */
static apr_status_t inspect(disk_t *disk, di_entry_t *out,
                            di_record_state_e *state, found_t *found,
                            const di_key_t *key, apr_time_t now)
{
    apr_status_t rv;

    *state = DI_RECORD_DAMAGED;
    if (!S_ISREG(found->st.st_mode)) {
        return APR_SUCCESS;
    }
    rv = read_head(&out->record, state, found, key);
    if (rv != APR_SUCCESS || *state != DI_RECORD_FINE) {
        return rv;
    }
    out->body.data = NULL;
    out->body.file = found->file;
    out->body.offset = (apr_off_t)di_record_head_bytes(key);
    out->body.bytes = out->record.body_bytes;
    rv = verify_body(disk, &out->body, found, now);
    if (APR_STATUS_IS_EOF(rv)) {
        *state = DI_RECORD_DAMAGED;
        rv = APR_SUCCESS;
    }
    return rv;
}

/* @return APR_SUCCESS; APR_NOTFOUND when the entry was no good */
static apr_status_t check_entry(disk_t *disk, di_entry_t *out, found_t *found,
                                const di_key_t *key, apr_time_t now)
{
    di_record_state_e state;
    apr_status_t rv = inspect(disk, out, &state, found, key, now);

    if (rv != APR_SUCCESS) {
        return trouble(disk, rv, "read", found->path, now);
    }
    if (state == DI_RECORD_FINE && !di_record_is_expired(&out->record, now)) {
        return APR_SUCCESS;
    }
    drop(found);
    if (state == DI_RECORD_DAMAGED || state == DI_RECORD_OTHER_KEY) {
        log_damaged(disk, found->path, di_record_state_text(state), now);
    }
    return APR_NOTFOUND;
}

static apr_status_t disk_get(di_level_t *level, di_entry_t *out,
                             const di_key_t *key, apr_time_t now, apr_pool_t *p)
{
    disk_t *disk = level->self;
    found_t found = {.path = entry_path(disk, key, p)};
    apr_status_t rv = open_entry(disk, &found, now, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = check_entry(disk, out, &found, key, now);
    out->level = level->name;
    if (rv != APR_SUCCESS) {
        apr_file_close(found.file);
    }
    return rv;
}

/* ---- put ---- */

/* Open a new temporary file in the entry's folder, made if need be. */
static apr_status_t make_temporary(apr_file_t **out, const char *folder,
                                   apr_pool_t *ptemp)
{
    const char *name = "/" DI_DISK_TEMPORARY_PREFIX "XXXXXX";
    const apr_int32_t flags = APR_FOPEN_CREATE | APR_FOPEN_EXCL |
                              APR_FOPEN_READ | APR_FOPEN_WRITE |
                              APR_FOPEN_BINARY;
    apr_status_t rv;

    rv = apr_file_mktemp(out, apr_pstrcat(ptemp, folder, name, NULL), flags,
                         ptemp);
    if (APR_STATUS_IS_ENOENT(rv)) {
        rv = apr_dir_make_recursive(folder, FOLDER_RIGHTS, ptemp);
        if (rv == APR_SUCCESS) {
            rv = apr_file_mktemp(out, apr_pstrcat(ptemp, folder, name, NULL),
                                 flags, ptemp);
        }
    }
    return rv;
}

static apr_status_t write_body(apr_file_t *file, apr_uint32_t *crc,
                               const di_body_t *body)
{
    char chunk[CHUNK_BYTES];
    apr_uint64_t from;
    apr_size_t bytes;
    apr_status_t rv = APR_SUCCESS;

    *crc = 0;
    for (from = 0; from < body->bytes && rv == APR_SUCCESS; from += bytes) {
        bytes = body->bytes - from < sizeof(chunk)
                    ? (apr_size_t)(body->bytes - from)
                    : sizeof(chunk);
        rv = di_body_copy(chunk, body, from, bytes);
        if (rv == APR_SUCCESS) {
            *crc = di_record_crc(*crc, chunk, bytes);
            rv = apr_file_write_full(file, chunk, bytes, NULL);
        }
    }
    return rv;
}

static apr_status_t seek_to(apr_file_t *file, apr_off_t offset)
{
    return apr_file_seek(file, APR_SET, &offset);
}

static apr_status_t write_record(apr_file_t *file, const di_key_t *key,
                                 const di_record_t *record,
                                 const di_body_t *body)
{
    char head[DI_RECORD_FIXED_BYTES + DI_KEY_TEXT_MAX];
    apr_size_t head_bytes = di_record_head_bytes(key);
    apr_uint32_t crc;
    apr_status_t rv = seek_to(file, (apr_off_t)head_bytes);

    if (rv == APR_SUCCESS) {
        rv = write_body(file, &crc, body);
    }
    if (rv == APR_SUCCESS) {
        rv = seek_to(file, 0);
    }
    if (rv == APR_SUCCESS) {
        di_record_format(head, record, crc, key);
        rv = apr_file_write_full(file, head, head_bytes, NULL);
    }
    return rv;
}

static apr_status_t write_entry(disk_t *disk, const di_key_t *key,
                                const di_record_t *record,
                                const di_body_t *body, apr_pool_t *ptemp)
{
    const char *temporary = NULL;
    apr_file_t *file;
    apr_status_t rv, closed;

    rv = make_temporary(&file, folder_path(disk, key, ptemp), ptemp);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_file_name_get(&temporary, file);
    rv = write_record(file, key, record, body);
    closed = apr_file_close(file);
    rv = rv == APR_SUCCESS ? closed : rv;
    if (rv == APR_SUCCESS) {
        rv = apr_file_rename(temporary, entry_path(disk, key, ptemp), ptemp);
    }
    if (rv != APR_SUCCESS) {
        apr_file_remove(temporary, ptemp);
    }
    return rv;
}

static apr_status_t disk_put(di_level_t *level, const di_key_t *key,
                             const di_record_t *record, const di_body_t *body,
                             apr_time_t now, apr_pool_t *ptemp)
{
    static const di_body_t none = {.data = ""};
    disk_t *disk = level->self;
    di_record_t kept = *record;
    apr_status_t rv;

    body = body && !record->verdict ? body : &none;
    kept.body_bytes = body->bytes;
    if (body->bytes >
        (apr_uint64_t)disk->conf.quota_bytes / ENTRIES_PER_QUOTA) {
        return APR_ENOSPC;
    }
    rv = write_entry(disk, key, &kept, body, ptemp);
    /* A body that is shorter than it claims is its maker's fault. */
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EOF(rv)) {
        trouble(disk, rv, "write to", disk->conf.root, now);
        return rv == EDQUOT ? APR_ENOSPC : rv;
    }
    if (rv == APR_SUCCESS) {
        di_sweeper_note(disk->sweeper, di_record_head_bytes(key) + body->bytes);
    }
    return rv;
}

apr_status_t di_disk_make(di_level_t **out, const di_disk_conf_t *conf,
                          apr_pool_t *p)
{
    disk_t *disk;

    if (!conf->root || !conf->root[0] || conf->quota_bytes < 1) {
        return APR_EINVAL;
    }
    disk = apr_pcalloc(p, sizeof(*disk));
    disk->conf = *conf;
    disk->level.name = "disk";
    disk->level.lasting = 1;
    disk->level.self = disk;
    disk->level.get = disk_get;
    disk->level.put = disk_put;
    disk->sweeper = di_sweeper_make(conf->root, (apr_uint64_t)conf->quota_bytes,
                                    conf->log, p);
    *out = &disk->level;
    return APR_SUCCESS;
}
