/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread at most.  It is started and joined under the mutex, for which
 * nobody waits: who finds it taken knows that somebody else is starting one.
 *
 * A customer's hold is taken for one folder of the tree, or for BATCH
 * deletions, at a time.  What was read without it is looked at again under it:
 * an entry that was replaced or asked for meanwhile stays.
 */
#include "store/sweeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "store/booking.h"
#include "store/reclaim.h"
#include "store/record.h"
#include "store/tree.h"

#define PATH_ROOM 4096
#define BATCH 64
#define HOLD_WAIT_FOR apr_time_from_sec(2)

#define LONG_HOLD_FOR 500

/* After work that could not be done. */
#define AGAIN_FOR apr_time_from_sec(60)

struct di_sweeper_t {
    di_sweeper_conf_t conf;
    atomic_int running; /* 1: the thread still sweeps */
    atomic_int stop;
    pthread_mutex_t mutex; /* guards the two members below */
    int started;           /* 1: thread is to be joined */
    pthread_t thread;
};

/* One customer's turn. */
typedef struct {
    di_sweeper_t *sweeper;
    int customer;
    di_account_t *account;
    int folder; /* the customer's, open */
    apr_time_t now;
    apr_time_t taken_at; /* of the last hold; by the clock */
    apr_uint64_t expired, reclaimed;
} turn_t;

static int is_stopped(const turn_t *turn)
{
    return atomic_load(&turn->sweeper->stop);
}

static apr_status_t take(di_hold_t *out, turn_t *turn)
{
    const di_sweeper_conf_t *conf = &turn->sweeper->conf;

    turn->taken_at = apr_time_now();
    return di_hold_take(out, conf->accounts, turn->customer, conf->root, 1,
                        HOLD_WAIT_FOR, turn->now);
}

/* After a long hold those who wait for the next one, in pauses of their own,
   get their chance.  A clock that jumps costs a pause, or saves one. */
static void release(di_hold_t *hold, const turn_t *turn)
{
    di_hold_release(hold);
    if (apr_time_now() - turn->taken_at > LONG_HOLD_FOR) {
        apr_sleep(DI_HOLD_PAUSE_LONGEST);
    }
}

/* ---- what is due ---- */

static int is_due(const _Atomic apr_int64_t *at, apr_time_t now)
{
    apr_time_t due_at = atomic_load(at);

    /* Further ahead than it is ever set: the clock went back. */
    return now >= due_at || due_at > now + DI_ACCOUNT_WALK_EVERY;
}

static int is_near_full(const di_account_t *account)
{
    di_account_state_t state;
    di_terms_t terms;

    di_account_load(&state, account);
    di_account_terms(&terms, account);
    return state.known && terms.policy != DI_POLICY_PERMANENT &&
           (atomic_load(&account->overdue_at) ||
            state.bytes > di_account_share(terms.quota_bytes, terms.near_pct) ||
            state.files > di_account_share(terms.quota_files, terms.near_pct));
}

static int needs_reclaim(const di_account_t *account, apr_time_t now)
{
    return is_due(&account->ahead_at, now) && is_near_full(account);
}

static int needs_count(const di_account_t *account, apr_time_t now)
{
    return is_due(&account->walk_at, now);
}

/* ---- the comparison ---- */

/* Entries of one folder that are past their time. */
typedef struct {
    const turn_t *turn;
    int count;
    struct {
        unsigned char hash[DI_KEY_HASH_BYTES];
        ino_t ino;
    } entry[BATCH];
} expired_t;

static int is_expired(const turn_t *turn, const unsigned char *hash)
{
    di_record_t record;

    return di_tree_head(&record, turn->folder, hash) &&
           di_record_is_expired(&record, turn->now);
}

static void note_expired(void *baton, const unsigned char *hash,
                         const struct stat *st)
{
    expired_t *expired = baton;

    /* More than these wait for the next hour. */
    if (expired->count < BATCH &&
        (st->st_mode & 07777) == DI_TREE_MODE_EXPIRES &&
        is_expired(expired->turn, hash)) {
        memcpy(expired->entry[expired->count].hash, hash, DI_KEY_HASH_BYTES);
        expired->entry[expired->count++].ino = st->st_ino;
    }
}

static void remove_expired(turn_t *turn, di_hold_t *hold,
                           const expired_t *expired)
{
    struct stat st;
    int i;

    for (i = 0; i < expired->count; i++) {
        if (di_tree_look(&st, hold->folder, expired->entry[i].hash) &&
            st.st_ino == expired->entry[i].ino &&
            di_hold_remove(hold, expired->entry[i].hash, turn->now) ==
                APR_SUCCESS) {
            turn->expired++;
        }
    }
}

/* One folder: its heads are read before the hold is taken. */
static apr_status_t count_folder(turn_t *turn, di_account_state_t *before,
                                 int folder)
{
    expired_t expired = {.turn = turn};
    di_hold_t hold;
    apr_status_t rv;

    /* Puts wait for an account that is not known. */
    if (before->known) {
        di_tree_each(turn->folder, folder, note_expired, &expired);
    }
    rv = take(&hold, turn);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    remove_expired(turn, &hold, &expired);
    *before = hold.state;
    rv = di_hold_count(&hold, turn->now);
    release(&hold, turn);
    return rv;
}

static void report_count(const turn_t *turn, const di_account_state_t *before,
                         apr_status_t rv)
{
    di_account_state_t after;
    int differs;

    di_account_load(&after, turn->account);
    differs = before->bytes != after.bytes || before->files != after.files;
    ds_log(turn->sweeper->conf.log,
           rv != APR_SUCCESS          ? DS_LOG_WARNING
           : before->known && differs ? DS_LOG_NOTICE
           : turn->expired || differs ? DS_LOG_INFO
                                      : DS_LOG_DEBUG,
           "DI0410", rv,
           "store of %s counted: %" APR_UINT64_T_FMT " bytes in "
           "%" APR_UINT64_T_FMT " files (booked were %" APR_UINT64_T_FMT
           " in %" APR_UINT64_T_FMT "), %" APR_UINT64_T_FMT " expired",
           turn->account->name, after.bytes, after.files, before->bytes,
           before->files, turn->expired);
}

static void count(turn_t *turn)
{
    apr_status_t rv = APR_INCOMPLETE;
    di_account_state_t before;

    di_account_load(&before, turn->account);
    while (rv == APR_INCOMPLETE && !is_stopped(turn)) {
        rv = count_folder(turn, &before, (int)before.walked);
        if (rv == APR_INCOMPLETE) {
            di_account_load(&before, turn->account);
        }
    }
    if (rv == APR_INCOMPLETE) {
        return;
    }
    if (rv != APR_SUCCESS) {
        atomic_store(&turn->account->walk_at, turn->now + AGAIN_FOR);
    }
    report_count(turn, &before, rv);
}

/* ---- reclaim ahead ---- */

/* More than this is no room that a put would not have to make again. */
#define KEEP_MOST_PCT 95

/* What a reclaim leaves. */
static void keep(apr_uint64_t *bytes, apr_uint64_t *files,
                 const di_account_t *account)
{
    di_terms_t terms;
    int pct;

    di_account_terms(&terms, account);
    pct = terms.keep_pct < KEEP_MOST_PCT ? terms.keep_pct : KEEP_MOST_PCT;
    *bytes = di_account_share(terms.quota_bytes, pct);
    *files = di_account_share(terms.quota_files, pct);
}

/* As it was when the plan was made? */
static int is_unchanged(const turn_t *turn, const di_hold_t *hold,
                        const di_reclaim_entry_t *entry)
{
    struct stat st;

    return di_tree_look(&st, hold->folder, entry->hash) &&
           di_tree_changed_at(&st) == entry->made_at &&
           di_usage_get(turn->sweeper->conf.usage, entry->hash).used_at <=
               entry->used_at;
}

static int is_above_keep(const di_hold_t *hold)
{
    apr_uint64_t bytes, files;

    keep(&bytes, &files, hold->account);
    return hold->state.bytes > bytes || hold->state.files > files;
}

static apr_status_t remove_batch(turn_t *turn, const di_reclaim_entry_t *list,
                                 apr_size_t entries)
{
    di_hold_t hold;
    apr_status_t rv = take(&hold, turn);
    apr_size_t i;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (i = 0; i < entries && rv == APR_SUCCESS && is_above_keep(&hold); i++) {
        if (is_unchanged(turn, &hold, &list[i])) {
            rv = di_hold_remove(&hold, list[i].hash, turn->now);
            if (rv == APR_SUCCESS) {
                turn->reclaimed++;
                atomic_fetch_add(&turn->account->reclaimed, 1);
            }
        }
    }
    release(&hold, turn);
    return rv;
}

static apr_status_t run_plan(turn_t *turn, di_reclaim_scan_t *scan)
{
    di_reclaim_goal_t goal = {.bytes = scan->bytes, .files = scan->files};
    apr_status_t rv = APR_SUCCESS;
    apr_size_t victims, from;

    keep(&goal.keep_bytes, &goal.keep_files, turn->account);
    victims = di_reclaim_plan(scan->list, scan->count, &goal, scan->policy,
                              turn->now);
    for (from = 0; from < victims && rv == APR_SUCCESS; from += BATCH) {
        if (is_stopped(turn)) {
            return APR_EINTR;
        }
        rv = remove_batch(turn, scan->list + from,
                          victims - from < BATCH ? victims - from : BATCH);
    }
    return rv;
}

static void reclaim(turn_t *turn)
{
    di_reclaim_scan_t scan = {.usage = turn->sweeper->conf.usage,
                              .stop = &turn->sweeper->stop,
                              .folder = turn->folder};
    di_terms_t terms;
    apr_status_t rv;

    di_account_terms(&terms, turn->account);
    scan.policy = terms.policy;
    rv = di_reclaim_scan(&scan);
    if (rv == APR_SUCCESS) {
        rv = run_plan(turn, &scan);
    }
    free(scan.list);
    if (rv == APR_EINTR) {
        return;
    }
    atomic_store(&turn->account->overdue_at, 0);
    if (rv != APR_SUCCESS || turn->reclaimed == 0) {
        atomic_store(&turn->account->ahead_at, turn->now + AGAIN_FOR);
    }
    ds_log(turn->sweeper->conf.log,
           rv == APR_SUCCESS ? DS_LOG_INFO : DS_LOG_WARNING, "DI0411", rv,
           "store of %s near full: %" APR_UINT64_T_FMT " of %" APR_UINT64_T_FMT
           " entries removed",
           turn->account->name, turn->reclaimed, scan.files);
}

/* ---- one customer after the other ---- */

static void work(turn_t *turn)
{
    if (needs_count(turn->account, turn->now)) {
        count(turn);
    }
    if (needs_reclaim(turn->account, turn->now) && !is_stopped(turn)) {
        reclaim(turn);
    }
}

static void postpone(const turn_t *turn)
{
    atomic_store(&turn->account->walk_at, turn->now + AGAIN_FOR);
    atomic_store(&turn->account->ahead_at, turn->now + AGAIN_FOR);
}

static const char *folder_path(char *out, apr_size_t room,
                               const di_sweeper_t *sweeper, const char *name)
{
    apr_snprintf(out, room, "%s/%s", sweeper->conf.root, name);
    return out;
}

/* A customer that is configured no more, and whose folder somebody deleted. */
static int is_gone(const turn_t *turn)
{
    char path[PATH_ROOM];
    struct stat st;

    return !di_account_is_named(turn->sweeper->conf.accounts, turn->account) &&
           lstat(folder_path(path, sizeof(path), turn->sweeper,
                             turn->account->name),
                 &st) &&
           errno == ENOENT;
}

static int has_books(const turn_t *turn)
{
    di_account_state_t state;

    di_account_load(&state, turn->account);
    return state.bytes || state.files || state.intent;
}

/* A folder was made to book under its lock that nothing is there. */
static void drop_folder(turn_t *turn)
{
    char path[PATH_ROOM];
    di_hold_t hold;

    if (take(&hold, turn) == APR_SUCCESS) {
        if (hold.state.known && !hold.state.files) {
            unlinkat(hold.folder, DI_TREE_LOCK, 0);
            rmdir(folder_path(path, sizeof(path), turn->sweeper,
                              turn->account->name));
        }
        di_hold_release(&hold);
    }
}

static void sweep_customer(turn_t *turn)
{
    const di_sweeper_conf_t *conf = &turn->sweeper->conf;
    apr_status_t rv;
    di_hold_t hold;
    int sweeping =
        di_hold_sweeping(&rv, conf->accounts, turn->customer, conf->root);

    if (sweeping < 0) {
        if (rv != APR_EBUSY) {
            postpone(turn);
        }
        return;
    }
    /* For its folder, and what a dead process left is put right. */
    rv = take(&hold, turn);
    if (rv == APR_SUCCESS) {
        turn->folder = dup(hold.folder);
        di_hold_release(&hold);
        work(turn);
        close(turn->folder);
    }
    else {
        postpone(turn);
    }
    di_hold_swept(sweeping);
}

static void take_turn(turn_t *turn)
{
    int gone = is_gone(turn);

    if (gone && !has_books(turn)) {
        atomic_store(&turn->account->walk_at,
                     turn->now + DI_ACCOUNT_WALK_EVERY);
        return;
    }
    sweep_customer(turn);
    if (gone) {
        drop_folder(turn);
    }
}

static int needs_work(const di_account_t *account, apr_time_t now)
{
    return needs_count(account, now) || needs_reclaim(account, now);
}

static void tell_strangers(di_sweeper_t *sweeper);

void di_sweeper_run(di_sweeper_t *sweeper, apr_time_t now)
{
    di_accounts_t *accounts = sweeper->conf.accounts;
    int customer;

    for (customer = 0;
         customer < di_accounts_count(accounts) && !atomic_load(&sweeper->stop);
         customer++) {
        turn_t turn = {.sweeper = sweeper,
                       .customer = customer,
                       .account = di_account_at(accounts, customer),
                       .now = now};

        if (needs_work(turn.account, now)) {
            take_turn(&turn);
        }
    }
    if (!atomic_exchange(&accounts->strangers_told, 1)) {
        tell_strangers(sweeper);
    }
}

/* ---- folders of nobody ---- */

typedef struct {
    int folders;
    apr_uint64_t bytes;
    char name[DI_CUSTOMER_NAME_ROOM]; /* one of them */
} strangers_t;

static void add_stranger(strangers_t *out, const char *path,
                         const atomic_int *stop)
{
    char *const paths[] = {(char *)path, NULL};
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    FTSENT *entry;

    while (tree && !atomic_load(stop) && (entry = fts_read(tree))) {
        if (entry->fts_info == FTS_F) {
            out->bytes += di_tree_bytes(entry->fts_statp);
        }
    }
    if (tree) {
        fts_close(tree);
    }
}

/* What is empty is no matter. */
static int is_strange(di_accounts_t *accounts, const char *name)
{
    di_account_t *account =
        di_account_at(accounts, di_accounts_find(accounts, name));
    di_account_state_t state;

    if (!account) {
        return 1;
    }
    di_account_load(&state, account);
    return !di_account_is_named(accounts, account) && state.files > 0;
}

static void look_at_name(strangers_t *out, const di_sweeper_t *sweeper,
                         const struct dirent *entry)
{
    char path[PATH_ROOM];

    if ((entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN) ||
        !di_customer_name_is_legal(entry->d_name) ||
        !is_strange(sweeper->conf.accounts, entry->d_name)) {
        return;
    }
    out->folders++;
    apr_cpystrn(out->name, entry->d_name, sizeof(out->name));
    add_stranger(out, folder_path(path, sizeof(path), sweeper, entry->d_name),
                 &sweeper->stop);
}

static void tell_strangers(di_sweeper_t *sweeper)
{
    DIR *root = opendir(sweeper->conf.root);
    strangers_t strangers = {0};
    struct dirent *entry;

    while (root && !atomic_load(&sweeper->stop) && (entry = readdir(root))) {
        look_at_name(&strangers, sweeper, entry);
    }
    if (root) {
        closedir(root);
    }
    if (atomic_load(&sweeper->stop)) {
        atomic_store(&sweeper->conf.accounts->strangers_told, 0);
        return;
    }
    if (strangers.folders) {
        ds_log(sweeper->conf.log, DS_LOG_NOTICE, "DI0412", APR_SUCCESS,
               "store %s: %d folders belong to no customer (%s, for one), "
               "%" APR_UINT64_T_FMT " bytes; they are left alone",
               sweeper->conf.root, strangers.folders, strangers.name,
               strangers.bytes);
    }
}

/* ---- the thread ---- */

static void *sweep_thread(void *baton)
{
    di_sweeper_t *sweeper = baton;

    di_sweeper_run(sweeper, apr_time_now());
    atomic_store(&sweeper->running, 0);
    return NULL;
}

/* A signal handler of httpd's must not run in the sweeper's thread: prefork's
   would end the process from here, and wait here for this thread. */
static int start_thread(di_sweeper_t *sweeper)
{
    sigset_t all, before;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&sweeper->thread, NULL, sweep_thread, sweeper);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return !failed;
}

static void start(di_sweeper_t *sweeper)
{
    if (atomic_load(&sweeper->running) || atomic_load(&sweeper->stop)) {
        return;
    }
    if (sweeper->started) {
        pthread_join(sweeper->thread, NULL);
    }
    atomic_store(&sweeper->running, 1);
    sweeper->started = start_thread(sweeper);
    if (!sweeper->started) {
        atomic_store(&sweeper->running, 0);
    }
}

static int has_work(const di_sweeper_t *sweeper, apr_time_t now)
{
    di_accounts_t *accounts = sweeper->conf.accounts;
    int count = di_accounts_count(accounts), i;

    for (i = 0; i < count; i++) {
        if (needs_work(di_account_at(accounts, i), now)) {
            return 1;
        }
    }
    return !atomic_load(&accounts->strangers_told);
}

int di_sweeper_wake(di_sweeper_t *sweeper, apr_time_t now)
{
    if (atomic_load(&sweeper->running)) {
        return 1;
    }
    if (has_work(sweeper, now) && !pthread_mutex_trylock(&sweeper->mutex)) {
        start(sweeper);
        pthread_mutex_unlock(&sweeper->mutex);
    }
    return 0;
}

static apr_status_t sweeper_end(void *baton)
{
    di_sweeper_t *sweeper = baton;

    atomic_store(&sweeper->stop, 1);
    pthread_mutex_lock(&sweeper->mutex);
    if (sweeper->started) {
        pthread_join(sweeper->thread, NULL);
        sweeper->started = 0;
    }
    pthread_mutex_unlock(&sweeper->mutex);
    pthread_mutex_destroy(&sweeper->mutex);
    return APR_SUCCESS;
}

di_sweeper_t *di_sweeper_make(const di_sweeper_conf_t *conf, apr_pool_t *p)
{
    di_sweeper_t *sweeper = apr_pcalloc(p, sizeof(*sweeper));

    sweeper->conf = *conf;
    pthread_mutex_init(&sweeper->mutex, NULL);
    apr_pool_pre_cleanup_register(p, sweeper, sweeper_end);
    return sweeper;
}
