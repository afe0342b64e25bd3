/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Booking.
 *
 * The lock is one on an open file description (F_OFD_SETLK), so that it holds
 * between threads too and ends with its process.  It is asked for again and
 * again with short pauses: a wait in the kernel could not be bounded.
 *
 *     root/NAME/lock    byte 0: the hold; byte 1: who sweeps
 *                       16 bytes: the id of the books that are kept of this
 *                       folder
 *
 * A file that is new, another one than before, or has another id means that
 * somebody else, or nobody, has booked what happened here: the account is not
 * known then.
 *
 * An intent is booked with the room for what may come of it.  Its end looks at
 * the one file it was about, so it does not matter who ends it, or how often it
 * was begun:
 *
 *     bytes = rest + own -> rest + what the file has now
 *
 * The recount goes through the 256 folders of the tree, under the lock for one
 * of them at a time.  The sums of the folders that it has been through are part
 * of the account's state, and whatever happens to an entry there meanwhile is
 * booked in these sums as well; so after the last folder they are what the disk
 * has, whoever counted which folder, and however long it took.
 */
#include "store/booking.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/steady.h"
#include "store/tree.h"

#define PATH_ROOM 4096

/* First pause between two tries for the lock. */
#define PAUSE_FIRST 50

/* Lock files that are deleted under our hands, one after the other. */
#define TRIES 5

#define HOLD_BYTE 0
#define SWEEP_BYTE 1

static apr_status_t last_error(void)
{
    return APR_FROM_OS_ERROR(errno);
}

static apr_uint64_t less(apr_uint64_t from, apr_uint64_t what)
{
    return from > what ? from - what : 0;
}

/* 1 when a locked file is still the one that others will find. */
static int is_there(int fd)
{
    struct stat st;

    return !fstat(fd, &st) && st.st_nlink > 0;
}

/* When somebody has deleted the folder the next one may hold the account by a
   lock in a new folder, and what we did in the old one is not to be booked. */
static void show(di_hold_t *hold, apr_time_t now)
{
    if (is_there(hold->lock)) {
        di_account_store(hold->account, &hold->state, now);
    }
}

/* ---- the lock ---- */

static int open_folder(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* @return open, or -1 */
static int customers_folder(const char *root, const char *name, int makes)
{
    char path[PATH_ROOM];
    int length = snprintf(path, sizeof(path), "%s/%s", root, name), fd;

    if (length < 0 || length >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = open_folder(path);
    if (fd < 0 && errno == ENOENT && makes) {
        if (mkdir(path, 0700) && errno == ENOENT && !mkdir(root, 0700)) {
            mkdir(path, 0700);
        }
        fd = open_folder(path);
    }
    return fd;
}

static apr_status_t try_lock(int fd, int byte)
{
    struct flock one = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

    if (!fcntl(fd, F_OFD_SETLK, &one)) {
        return APR_SUCCESS;
    }
    return errno == EAGAIN || errno == EACCES ? APR_EBUSY : last_error();
}

/* A process forked meanwhile may hold a copy of fd for as long as it lives, and
   closing ours would leave the lock with it. */
static void unlock_and_close(int fd, int byte)
{
    struct flock one = {
        .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

    (void)fcntl(fd, F_OFD_SETLK, &one);
    close(fd);
}

static apr_status_t wait_lock(int fd, apr_interval_time_t wait_for)
{
    apr_time_t until = ds_steady_now() + wait_for;
    apr_interval_time_t pause = PAUSE_FIRST;
    apr_status_t rv = try_lock(fd, HOLD_BYTE);

    /* A pause is longer than it should be, on a busy machine many times. */
    while (rv == APR_EBUSY && ds_steady_now() < until) {
        apr_sleep(pause);
        pause = pause * 2 < DI_HOLD_PAUSE_LONGEST ? pause * 2
                                                  : DI_HOLD_PAUSE_LONGEST;
        rv = try_lock(fd, HOLD_BYTE);
    }
    return rv;
}

static int open_lock(int folder)
{
    return openat(folder, DI_TREE_LOCK,
                  O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* Open and lock, or neither. */
static apr_status_t lock_folder(di_hold_t *hold, const char *root, int makes,
                                apr_interval_time_t wait_for)
{
    apr_status_t rv;
    int tries;

    for (tries = 0; tries < TRIES; tries++) {
        hold->folder = customers_folder(root, hold->account->name, makes);
        if (hold->folder < 0) {
            return last_error();
        }
        hold->lock = open_lock(hold->folder);
        rv = hold->lock < 0 ? last_error() : wait_lock(hold->lock, wait_for);
        if (rv == APR_SUCCESS && is_there(hold->lock)) {
            return APR_SUCCESS;
        }
        di_hold_release(hold);
        /* Without a lock file the folder itself may be gone. */
        if (rv != APR_SUCCESS && rv != APR_ENOENT) {
            return rv;
        }
    }
    return APR_EBUSY;
}

/* ---- the hold ---- */

static apr_status_t check_id(di_hold_t *hold, const di_accounts_t *accounts,
                             apr_time_t now)
{
    unsigned char id[DI_ACCOUNT_ID_BYTES];
    ssize_t have = pread(hold->lock, id, sizeof(id), 0);
    int is_ours = have == sizeof(id) && !memcmp(id, accounts->id, sizeof(id));
    struct stat st;

    if (fstat(hold->lock, &st)) {
        return last_error();
    }
    if (is_ours && hold->state.lock_dev == st.st_dev &&
        hold->state.lock_ino == st.st_ino) {
        return APR_SUCCESS;
    }
    hold->foreign = have == sizeof(id) && !is_ours;
    hold->state.lock_dev = st.st_dev;
    hold->state.lock_ino = st.st_ino;
    hold->state.known = 0;
    hold->state.walked = 0;
    hold->state.intent = 0;
    show(hold, now);
    atomic_store(&hold->account->walk_at, 0);
    /* Last, so that whoever is killed before it has done nothing. */
    have = pwrite(hold->lock, accounts->id, sizeof(id), 0);
    if (have < 0) {
        return last_error();
    }
    return have == sizeof(id) ? APR_SUCCESS : APR_ENOSPC;
}

apr_status_t di_hold_take(di_hold_t *out, di_accounts_t *accounts, int customer,
                          const char *root, int makes,
                          apr_interval_time_t wait_for, apr_time_t now)
{
    apr_status_t rv;

    memset(out, 0, sizeof(*out));
    out->folder = out->lock = -1;
    out->account = di_account_at(accounts, customer);
    if (!out->account) {
        return APR_EINVAL;
    }
    rv = lock_folder(out, root, makes, wait_for);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    di_account_load(&out->state, out->account);
    rv = check_id(out, accounts, now);
    if (rv != APR_SUCCESS) {
        di_hold_release(out);
        return rv;
    }
    if (out->state.intent) {
        di_hold_end(out, now);
    }
    return APR_SUCCESS;
}

void di_hold_release(di_hold_t *hold)
{
    if (hold->lock >= 0) {
        unlock_and_close(hold->lock, HOLD_BYTE);
    }
    if (hold->folder >= 0) {
        close(hold->folder);
    }
    hold->lock = hold->folder = -1;
}

int di_hold_sweeping(apr_status_t *rv, di_accounts_t *accounts, int customer,
                     const char *root)
{
    di_account_t *account = di_account_at(accounts, customer);
    int folder, fd;

    *rv = APR_EINVAL;
    if (!account) {
        return -1;
    }
    folder = customers_folder(root, account->name, 1);
    fd = folder < 0 ? -1 : open_lock(folder);
    *rv = fd < 0 ? last_error() : try_lock(fd, SWEEP_BYTE);
    if (folder >= 0) {
        close(folder);
    }
    if (*rv != APR_SUCCESS && fd >= 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

void di_hold_swept(int sweeping)
{
    unlock_and_close(sweeping, SWEEP_BYTE);
}

int di_hold_fits(const di_hold_t *hold, apr_uint64_t bytes, apr_uint64_t files)
{
    di_terms_t terms;

    di_account_terms(&terms, hold->account);
    return bytes <= less(terms.quota_bytes, hold->state.bytes) &&
           files <= less(terms.quota_files, hold->state.files);
}

/* ---- intents ---- */

static void intend(di_hold_t *hold, const unsigned char *hash,
                   apr_uint64_t more_bytes, apr_uint64_t more_files,
                   apr_time_t now)
{
    di_account_state_t *state = &hold->state;
    struct stat st;
    int is_file = di_tree_look(&st, hold->folder, hash);

    memcpy(state->hash, hash, sizeof(state->hash));
    state->seen_files = (apr_uint64_t)is_file;
    state->seen_bytes = is_file ? di_tree_bytes(&st) : 0;
    state->own_bytes = state->seen_bytes + more_bytes;
    state->own_files = state->seen_files + more_files;
    state->bytes += more_bytes;
    state->files += more_files;
    state->intent = 1;
    show(hold, now);
}

/* The name that the intent was about has come to that. */
static void settle(di_hold_t *hold, apr_uint64_t bytes, apr_uint64_t files,
                   apr_time_t now)
{
    di_account_state_t *state = &hold->state;
    unsigned char hash[DI_KEY_HASH_BYTES];

    memcpy(hash, state->hash, sizeof(hash));
    state->bytes = less(state->bytes, state->own_bytes) + bytes;
    state->files = less(state->files, state->own_files) + files;
    if (hash[0] < state->walked) {
        state->walked_bytes =
            less(state->walked_bytes, state->seen_bytes) + bytes;
        state->walked_files =
            less(state->walked_files, state->seen_files) + files;
    }
    state->intent = 0;
    show(hold, now);
}

void di_hold_begin(di_hold_t *hold, const unsigned char *hash,
                   apr_uint64_t bytes, apr_time_t now)
{
    intend(hold, hash, bytes, 1, now);
}

void di_hold_end(di_hold_t *hold, apr_time_t now)
{
    unsigned char hash[DI_KEY_HASH_BYTES];
    struct stat st;
    int is_file;

    /* Before the look: it may be what is left of the intent. */
    unlinkat(hold->folder, DI_TREE_TEMPORARY, 0);
    memcpy(hash, hold->state.hash, sizeof(hash));
    is_file = di_tree_look(&st, hold->folder, hash);
    settle(hold, is_file ? di_tree_bytes(&st) : 0, (apr_uint64_t)is_file, now);
}

apr_status_t di_hold_remove(di_hold_t *hold, const unsigned char *hash,
                            apr_time_t now)
{
    char name[DI_TREE_NAME_ROOM];
    apr_status_t rv;

    di_tree_name(name, hash);
    intend(hold, hash, 0, 0, now);
    if (!unlinkat(hold->folder, name, 0) || errno == ENOENT) {
        settle(hold, 0, 0, now);
        return APR_SUCCESS;
    }
    rv = last_error();
    settle(hold, hold->state.seen_bytes, hold->state.seen_files, now);
    return rv;
}

void di_hold_set(di_hold_t *hold, apr_uint64_t bytes, apr_uint64_t files,
                 apr_time_t now)
{
    hold->state.bytes = bytes;
    hold->state.files = files;
    hold->state.known = 1;
    show(hold, now);
}

/* ---- the recount ---- */

typedef struct {
    apr_uint64_t bytes, files;
} sum_t;

static void add_file(void *baton, const unsigned char *hash,
                     const struct stat *st)
{
    sum_t *sum = baton;

    sum->bytes += di_tree_bytes(st);
    sum->files++;
}

apr_status_t di_hold_count(di_hold_t *hold, apr_time_t now)
{
    di_account_state_t *state = &hold->state;
    sum_t sum = {0};
    apr_status_t rv;

    if (state->walked == 0) {
        /* Of a process that died when other books were kept here. */
        unlinkat(hold->folder, DI_TREE_TEMPORARY, 0);
        state->walked_bytes = state->walked_files = 0;
    }
    rv = di_tree_each(hold->folder, (int)state->walked, add_file, &sum);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    state->walked_bytes += sum.bytes;
    state->walked_files += sum.files;
    if (++state->walked == DI_TREE_FOLDERS) {
        state->walked = 0;
        di_hold_set(hold, state->walked_bytes, state->walked_files, now);
        atomic_store(&hold->account->walk_at, now + DI_ACCOUNT_WALK_EVERY);
        return APR_SUCCESS;
    }
    show(hold, now);
    return APR_INCOMPLETE;
}

apr_status_t di_hold_know(di_hold_t *hold, apr_interval_time_t at_most,
                          apr_time_t now)
{
    apr_time_t until = ds_steady_now() + at_most;
    apr_status_t rv = hold->state.known ? APR_SUCCESS : APR_INCOMPLETE;

    while (rv == APR_INCOMPLETE && ds_steady_now() < until) {
        rv = di_hold_count(hold, now);
    }
    return rv;
}
