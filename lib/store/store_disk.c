/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk level.  tree.h draws the files, booking.c the accounts' part.
 *
 * A put holds its customer's account, makes room, books the entry, writes the
 * body behind a gap, then the head into the gap, and renames: readers see the
 * old file, none, or the whole new one.  There is no fsync: what a power cut
 * leaves is recognised by its checksums, and a cache can be filled again.
 *
 * A get opens the file and reads its head; it takes no hold, but for deleting
 * what is damaged or expired.  The body's checksum is verified once per process
 * and file: a fixed table remembers a fingerprint of (device, inode, size,
 * change time), and no file can be altered without a new change time.  The
 * kernel's clock for those moves in steps, so a file that changed in the last
 * two seconds is not remembered yet.
 *
 * Bounds: 32 KB for the table; 25 KB of stack per verification or put.
 */
#include "store/store_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_file_info.h>
#include <apr_portable.h>
#include <apr_strings.h>

#include "store/booking.h"
#include "store/pace.h"
#include "store/reclaim.h"
#include "store/record.h"
#include "store/sweeper.h"
#include "store/tree.h"

#define VERIFIED_SLOTS 4096
#define SETTLE_FOR apr_time_from_sec(2)
#define CHUNK_BYTES 16384

/* One entry may take this share of the quota. */
#define ENTRIES_PER_QUOTA 4

/* How long a put waits for others of its customer, as a visitor waits for the
   put; and for a count, its own or another's, of an account that is not
   known. */
#define HOLD_WAIT_FOR apr_time_from_msec(500)
#define KNOW_WAIT_FOR apr_time_from_msec(200)

/* And for a reclaim of its own: for the look at what there is, and for
   deletions beyond its need. */
#define ROOM_WAIT_FOR apr_time_from_msec(500)

/* And a get that has found something to delete. */
#define DROP_WAIT_FOR apr_time_from_msec(5)

/* From a damaged entry to the next count of its account, so that a thousand of
   them lead to one (ours). */
#define COUNT_WITHIN apr_time_from_sec(10)

#define DAMAGED_A_MINUTE 10
#define TROUBLE_A_MINUTE 1

/* How long a process lets no more entries go to a disk that was as full
   afterwards (ours). */
#define VAIN_FOR apr_time_from_sec(60)

typedef struct {
    di_level_t level;
    di_disk_conf_t conf;
    di_sweeper_t *sweeper;
    di_pace_t damaged; /* pace of lines about damaged entries */
    di_pace_t trouble; /* and about a disk that does not work */
    di_pace_t foreign; /* and about folders that others keep books of */
    _Atomic apr_time_t vain_at; /* entries went, and the disk stayed full */
    _Atomic apr_uint64_t verified[VERIFIED_SLOTS]; /* fingerprints; 0: free */
} disk_t;

/* An entry's file while it is being looked at. */
typedef struct {
    const char *path;
    apr_file_t *file;
    struct stat st;
    apr_uint32_t body_crc;
} found_t;

/* NULL when there is no such customer. */
static const char *entry_path(const disk_t *disk, const di_key_t *key,
                              apr_pool_t *p)
{
    di_account_t *account = di_account_at(disk->conf.accounts, key->customer);
    char name[DI_TREE_NAME_ROOM];

    if (!account) {
        return NULL;
    }
    di_tree_name(name, key->hash);
    return apr_pstrcat(p, disk->conf.root, "/", account->name, "/", name, NULL);
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
   When the customer's account is busy it stays: the next get finds it again,
   and the put that follows a miss replaces it. */
static void drop(disk_t *disk, const found_t *found, const di_key_t *key,
                 apr_time_t now)
{
    struct stat st;
    di_hold_t hold;

    if (di_hold_take(&hold, disk->conf.accounts, key->customer, disk->conf.root,
                     0, DROP_WAIT_FOR, now) != APR_SUCCESS) {
        return;
    }
    if (!di_tree_look(&st, hold.folder, key->hash) ||
        (st.st_ino == found->st.st_ino && st.st_dev == found->st.st_dev)) {
        di_hold_remove(&hold, key->hash, now);
    }
    di_hold_release(&hold);
}

/* What somebody altered was booked with the size that it had, and is hardly the
   only one. */
static void count_soon(di_account_t *account, apr_time_t now)
{
    apr_int64_t due_at = atomic_load(&account->walk_at);

    if (due_at > now + COUNT_WITHIN) {
        atomic_compare_exchange_strong(&account->walk_at, &due_at,
                                       now + COUNT_WITHIN);
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
    drop(disk, found, key, now);
    if (state == DI_RECORD_DAMAGED || state == DI_RECORD_OTHER_KEY) {
        count_soon(di_account_at(disk->conf.accounts, key->customer), now);
        log_damaged(disk, found->path, di_record_state_text(state), now);
    }
    return APR_NOTFOUND;
}

static apr_status_t disk_get(di_level_t *level, di_entry_t *out,
                             const di_key_t *key, apr_time_t now, apr_pool_t *p)
{
    disk_t *disk = level->self;
    found_t found = {.path = entry_path(disk, key, p)};
    apr_status_t rv =
        found.path ? open_entry(disk, &found, now, p) : APR_NOTFOUND;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = check_entry(disk, out, &found, key, now);
    out->level = level->name;
    if (rv != APR_SUCCESS) {
        apr_file_close(found.file);
        return rv;
    }
    di_usage_note(disk->conf.usage, key->hash, now);
    return APR_SUCCESS;
}

/* ---- put ---- */

static apr_status_t last_error(void)
{
    return APR_FROM_OS_ERROR(errno);
}

static apr_status_t write_at(int fd, const char *data, apr_size_t bytes,
                             apr_off_t offset)
{
    ssize_t done;

    while (bytes > 0) {
        done = pwrite(fd, data, bytes, offset);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return done < 0 ? last_error() : APR_ENOSPC;
        }
        data += done;
        offset += done;
        bytes -= (apr_size_t)done;
    }
    return APR_SUCCESS;
}

static apr_status_t write_body(int fd, apr_off_t at, apr_uint32_t *crc,
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
            rv = write_at(fd, chunk, bytes, at + (apr_off_t)from);
        }
    }
    return rv;
}

static apr_status_t write_record(int fd, const di_key_t *key,
                                 const di_record_t *record,
                                 const di_body_t *body)
{
    char head[DI_RECORD_FIXED_BYTES + DI_KEY_TEXT_MAX];
    apr_size_t head_bytes = di_record_head_bytes(key);
    apr_uint32_t crc;
    apr_status_t rv = write_body(fd, (apr_off_t)head_bytes, &crc, body);

    if (rv == APR_SUCCESS) {
        di_record_format(head, record, crc, key);
        rv = write_at(fd, head, head_bytes, 0);
    }
    return rv;
}

/* @return open, or -1.  What is there already is nobody's: we hold the
   account. */
static int open_temporary(int folder)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(folder, DI_TREE_TEMPORARY, flags, 0600);

    if (fd < 0 && errno == EEXIST) {
        unlinkat(folder, DI_TREE_TEMPORARY, 0);
        fd = openat(folder, DI_TREE_TEMPORARY, flags, 0600);
    }
    return fd;
}

static apr_status_t rename_temporary(int folder, const di_key_t *key)
{
    char name[DI_TREE_NAME_ROOM], sub[DI_TREE_FOLDER_ROOM];

    di_tree_name(name, key->hash);
    if (!renameat(folder, DI_TREE_TEMPORARY, folder, name)) {
        return APR_SUCCESS;
    }
    di_tree_folder(sub, key->hash[0]);
    if (errno != ENOENT || mkdirat(folder, sub, 0700) ||
        renameat(folder, DI_TREE_TEMPORARY, folder, name)) {
        return last_error();
    }
    return APR_SUCCESS;
}

static apr_status_t write_entry(int folder, const di_key_t *key,
                                const di_record_t *record,
                                const di_body_t *body)
{
    int fd = open_temporary(folder);
    apr_status_t rv;

    if (fd < 0) {
        return last_error();
    }
    rv = write_record(fd, key, record, body);
    if (rv == APR_SUCCESS && record->expires_at &&
        fchmod(fd, DI_TREE_MODE_EXPIRES)) {
        rv = last_error();
    }
    if (close(fd) && rv == APR_SUCCESS) {
        rv = last_error();
    }
    return rv == APR_SUCCESS ? rename_temporary(folder, key) : rv;
}

static void log_foreign(disk_t *disk, const di_hold_t *hold, apr_time_t now)
{
    uint32_t dropped;

    if (hold->foreign &&
        di_pace_allows(&disk->foreign, &dropped, TROUBLE_A_MINUTE, now)) {
        ds_log(disk->conf.log, DS_LOG_NOTICE, "DI0413", APR_SUCCESS,
               "store on disk: other books were kept of folder %s/%s, it is "
               "counted again (%u such messages held back)",
               disk->conf.root, hold->account->name, dropped);
    }
}

/* @return APR_SUCCESS; APR_EBUSY or APR_ENOSPC, which are no trouble; else
           what is */
static apr_status_t make_room(disk_t *disk, di_hold_t *hold, apr_uint64_t bytes,
                              apr_time_t now)
{
    apr_uint64_t removed;
    apr_status_t rv = di_hold_know(hold, KNOW_WAIT_FOR, now);

    if (rv == APR_INCOMPLETE) {
        return APR_EBUSY;
    }
    if (rv == APR_SUCCESS && !di_hold_fits(hold, bytes, 1)) {
        rv = di_reclaim_room(&removed, hold, disk->conf.usage, bytes,
                             ROOM_WAIT_FOR, now);
    }
    if (rv == APR_ENOSPC) {
        atomic_fetch_add(&hold->account->refused, 1);
    }
    return rv;
}

/* What the disk says; @return what a caller of put is told. */
static apr_status_t disk_failed(disk_t *disk, apr_status_t rv, apr_time_t now)
{
    /* A body that is shorter than it claims is its maker's fault. */
    if (APR_STATUS_IS_EOF(rv)) {
        return rv;
    }
    trouble(disk, rv, "write to", disk->conf.root, now);
    return rv == EDQUOT ? APR_ENOSPC : rv;
}

/* What put and offer are given. */
typedef struct {
    const di_key_t *key;
    di_record_t record;
    const di_body_t *body;
    apr_uint64_t bytes; /* of the file, in whole blocks */
} parcel_t;

static parcel_t parcel_of(const di_key_t *key, const di_record_t *record,
                          const di_body_t *body)
{
    static const di_body_t none = {.data = ""};
    parcel_t parcel = {.key = key, .record = *record};

    parcel.body = body && !record->verdict ? body : &none;
    parcel.record.body_bytes = parcel.body->bytes;
    parcel.bytes =
        di_account_rounded(di_record_head_bytes(key) + parcel.body->bytes);
    return parcel;
}

static apr_status_t write_booked(di_hold_t *hold, const parcel_t *parcel,
                                 apr_time_t now)
{
    apr_status_t rv;

    di_hold_begin(hold, parcel->key->hash, parcel->bytes, now);
    rv = write_entry(hold->folder, parcel->key, &parcel->record, parcel->body);
    di_hold_end(hold, now);
    return rv;
}

/* The disk is full, though the quota is not: others fill it, or the quota is
   larger than the disk.  Then the customer's new entries take the place of its
   old ones; but where somebody else eats what becomes free, a store that gave
   way each time would soon be empty. */
static apr_status_t give_way(disk_t *disk, di_hold_t *hold, apr_uint64_t bytes,
                             apr_time_t now)
{
    apr_time_t since = atomic_load(&disk->vain_at);
    apr_uint64_t removed;
    apr_status_t rv;

    if (since && now < since + VAIN_FOR && now > since - VAIN_FOR) {
        return APR_ENOSPC;
    }
    rv = di_reclaim_shrink(&removed, hold, disk->conf.usage, bytes,
                           ROOM_WAIT_FOR, now);
    if (rv == APR_SUCCESS) {
        ds_log(disk->conf.log, DS_LOG_NOTICE, "DI0414", APR_SUCCESS,
               "store on disk: the disk of %s is full, the quota of customer "
               "%s is not: %" APR_UINT64_T_FMT " of its entries deleted",
               disk->conf.root, hold->account->name, removed);
    }
    return rv;
}

static int means_full(apr_status_t rv)
{
    return APR_STATUS_IS_ENOSPC(rv) || rv == EDQUOT;
}

static apr_status_t put_held(disk_t *disk, di_hold_t *hold,
                             const parcel_t *parcel, apr_time_t now)
{
    apr_status_t rv = make_room(disk, hold, parcel->bytes, now);

    if (rv == APR_EBUSY || rv == APR_ENOSPC) {
        return rv;
    }
    if (rv == APR_SUCCESS) {
        rv = write_booked(hold, parcel, now);
    }
    if (means_full(rv) &&
        give_way(disk, hold, parcel->bytes, now) == APR_SUCCESS) {
        rv = write_booked(hold, parcel, now);
        atomic_store(&disk->vain_at, means_full(rv) ? now : 0);
    }
    if (rv != APR_SUCCESS) {
        return disk_failed(disk, rv, now);
    }
    di_usage_reset(disk->conf.usage, parcel->key->hash, now);
    return APR_SUCCESS;
}

static int is_full(const di_account_t *account, apr_uint64_t bytes)
{
    di_account_state_t state;
    di_terms_t terms;

    di_account_load(&state, account);
    di_account_terms(&terms, account);
    return state.known && (state.bytes + bytes > terms.quota_bytes ||
                           state.files >= terms.quota_files);
}

/* 1 when an account is full and nothing of it ever goes: one need not wait for
   the hold to be told so. */
static int is_in_vain(const di_account_t *account, apr_uint64_t bytes)
{
    return atomic_load(&account->policy) == DI_POLICY_PERMANENT &&
           is_full(account, bytes);
}

static apr_interval_time_t patience(const di_account_t *account)
{
    di_account_state_t state;

    di_account_load(&state, account);
    return state.known ? HOLD_WAIT_FOR : KNOW_WAIT_FOR;
}

static int is_too_large(const di_account_t *account, apr_uint64_t bytes)
{
    return bytes > atomic_load(&account->quota_bytes) / ENTRIES_PER_QUOTA;
}

static apr_status_t take_hold(disk_t *disk, di_hold_t *out, int customer,
                              apr_interval_time_t wait_for, apr_time_t now)
{
    apr_status_t rv = di_hold_take(out, disk->conf.accounts, customer,
                                   disk->conf.root, 1, wait_for, now);

    if (rv == APR_SUCCESS) {
        log_foreign(disk, out, now);
        return rv;
    }
    return rv == APR_EBUSY ? rv : disk_failed(disk, rv, now);
}

static apr_status_t disk_put(di_level_t *level, const di_key_t *key,
                             const di_record_t *record, const di_body_t *body,
                             apr_time_t now, apr_pool_t *ptemp)
{
    disk_t *disk = level->self;
    di_account_t *account = di_account_at(disk->conf.accounts, key->customer);
    parcel_t parcel = parcel_of(key, record, body);
    di_hold_t hold;
    apr_status_t rv;

    if (!account) {
        return APR_ENOSPC;
    }
    if (is_too_large(account, parcel.bytes) ||
        is_in_vain(account, parcel.bytes)) {
        atomic_fetch_add(&account->refused, 1);
        return APR_ENOSPC;
    }
    rv = take_hold(disk, &hold, key->customer, patience(account), now);
    if (rv == APR_SUCCESS) {
        rv = put_held(disk, &hold, &parcel, now);
        di_hold_release(&hold);
    }
    return rv;
}

static apr_status_t offer_held(disk_t *disk, di_hold_t *hold,
                               const parcel_t *parcel, apr_time_t now)
{
    apr_status_t rv;

    if (!hold->state.known) {
        return APR_EBUSY;
    }
    if (!di_hold_fits(hold, parcel->bytes, 1)) {
        return APR_ENOSPC;
    }
    rv = write_booked(hold, parcel, now);
    if (rv != APR_SUCCESS) {
        return disk_failed(disk, rv, now);
    }
    di_usage_reset(disk->conf.usage, parcel->key->hash, now);
    return APR_SUCCESS;
}

/* A visitor waits for what comes from a later level: neither for another
   holder, nor for a count or a reclaim.  The next hit offers it again. */
static apr_status_t disk_offer(di_level_t *level, const di_key_t *key,
                               const di_record_t *record, const di_body_t *body,
                               apr_time_t now, apr_pool_t *ptemp)
{
    disk_t *disk = level->self;
    di_account_t *account = di_account_at(disk->conf.accounts, key->customer);
    parcel_t parcel = parcel_of(key, record, body);
    di_hold_t hold;
    apr_status_t rv;

    if (!account || is_too_large(account, parcel.bytes) ||
        is_full(account, parcel.bytes)) {
        return APR_ENOSPC;
    }
    rv = take_hold(disk, &hold, key->customer, 0, now);
    if (rv == APR_SUCCESS) {
        rv = offer_held(disk, &hold, &parcel, now);
        di_hold_release(&hold);
    }
    return rv;
}

/* ---- the level ---- */

static void disk_touch(di_level_t *level, const di_key_t *key, apr_time_t now)
{
    disk_t *disk = level->self;

    di_usage_note(disk->conf.usage, key->hash, now);
}

/* A customer of a level that was given no accounts.  Half of what a number
   can say, so that sums do not overflow. */
static di_accounts_t *accounts_of_one(apr_pool_t *p)
{
    const di_terms_t terms = {.quota_bytes = APR_UINT64_MAX / 2,
                              .quota_files = APR_UINT64_MAX / 2,
                              .policy = DI_POLICY_LRU,
                              .near_pct = 95,
                              .keep_pct = 90};
    di_accounts_t *accounts =
        di_accounts_init(apr_pcalloc(p, di_accounts_bytes()), "");

    di_accounts_open(accounts, "all", &terms);
    return accounts;
}

apr_status_t di_disk_make(di_level_t **out, const di_disk_conf_t *conf,
                          apr_pool_t *p)
{
    di_sweeper_conf_t sweeper = {.root = conf->root,
                                 .accounts = conf->accounts,
                                 .usage = conf->usage,
                                 .log = conf->log};
    disk_t *disk;

    if (!conf->root || !conf->root[0]) {
        return APR_EINVAL;
    }
    disk = apr_pcalloc(p, sizeof(*disk));
    disk->conf = *conf;
    if (!conf->accounts) {
        disk->conf.accounts = sweeper.accounts = accounts_of_one(p);
    }
    disk->level.name = "disk";
    disk->level.lasting = 1;
    disk->level.self = disk;
    disk->level.get = disk_get;
    disk->level.put = disk_put;
    disk->level.offer = disk_offer;
    disk->level.touch = disk_touch;
    disk->sweeper = di_sweeper_make(&sweeper, p);
    *out = &disk->level;
    return APR_SUCCESS;
}

int di_disk_sweep(di_level_t *level, apr_time_t now)
{
    return di_sweeper_wake(((disk_t *)level->self)->sweeper, now);
}

void di_disk_sweep_now(di_level_t *level, apr_time_t now)
{
    di_sweeper_run(((disk_t *)level->self)->sweeper, now);
}
