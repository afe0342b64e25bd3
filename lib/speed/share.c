/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The notes, and the thread that works on them.
 *
 * A note belongs to one client: wanted, or changed with the state to be
 * published, or neither but not yet long enough ago to be done again.  Later
 * states of a client replace the one in its note, so the last one is published
 * however fast they come.
 *
 * To publish is to fetch, to merge and to store what is new: a machine that
 * has just met a client must not overwrite what another one knows of it.  Two
 * machines that do so at once may lose one's news, until its next sample.
 *
 * A process that ends drops its notes: its thread is waited for as long as one
 * operation on the cache may take.
 */
#include "speed/share.h"

#include <string.h>

#include "base/quiet.h"
#include "speed/client.h"
#include "speed/sharedrow.h"

/* Places for notes; a client's note lies in one of a set of them. */
#define SETS 64
#define WAYS 8

typedef struct {
    sp_clientkey_t client;
    int used;    /* 1: the rest means something */
    int wanted;  /* 1: to be fetched */
    int changed; /* 1: state is to be published */
    sp_state_t state;
    apr_time_t wanted_at;    /* fetched last; 0: never */
    apr_time_t published_at; /* stored last; 0: never */
} note_t;

struct sp_share_t {
    sp_share_cache_t cache;
    sp_table_t *clients;
    const ds_seal_key_t *key;
    const ds_log_t *log;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t news;
    int started; /* 1: thread is to be joined; -1: it could not be had */
    int stop;
    pthread_t thread;
    int turn; /* place of the note worked on last */
    note_t note[SETS][WAYS];
};

/* ---- the mutex ---- */

/* ---- notes; under the mutex ---- */

/* A clock that was set back must not put anything off for longer than usual. */
static int has_passed(apr_time_t since, apr_interval_time_t span,
                      apr_time_t now)
{
    return since == 0 || now >= since + span || now < since;
}

/* May another client have this place, and since when could it? */
static apr_time_t idle_since(const note_t *note)
{
    if (note->used && (note->wanted || note->changed)) {
        return APR_INT64_MAX;
    }
    return note->wanted_at > note->published_at ? note->wanted_at
                                                : note->published_at;
}

/* The client's note; NULL: no room. */
static note_t *note_of(sp_share_t *share, const sp_clientkey_t *client)
{
    note_t *set = share->note[client->bytes[0] % SETS], *room = &set[0];
    int i;

    for (i = 0; i < WAYS; i++) {
        if (set[i].used &&
            !memcmp(&set[i].client, client, sizeof(set[i].client))) {
            return &set[i];
        }
        room = idle_since(&set[i]) < idle_since(room) ? &set[i] : room;
    }
    if (idle_since(room) == APR_INT64_MAX) {
        return NULL;
    }
    memset(room, 0, sizeof(*room));
    room->client = *client;
    room->used = 1;
    return room;
}

static int is_due(const note_t *note, apr_time_t now)
{
    return note->used &&
           (note->wanted ||
            (note->changed &&
             has_passed(note->published_at, SP_SHARE_PUBLISH_FOR, now)));
}

/*
 * The next one after the last: however fast notes become due, each has its
 * turn after SETS * WAYS others at most.
 * @param waits  set to 1 when a note becomes due later
 */
static note_t *next_due(sp_share_t *share, int *waits, apr_time_t now)
{
    int i;

    *waits = 0;
    for (i = 1; i <= SETS * WAYS; i++) {
        int at = (share->turn + i) % (SETS * WAYS);
        note_t *note = &share->note[at / WAYS][at % WAYS];
        if (is_due(note, now)) {
            share->turn = at;
            return note;
        }
        *waits |= note->used && note->changed;
    }
    return NULL;
}

/* ---- the work; without the mutex ---- */

typedef struct {
    const sp_state_t *theirs;
    apr_time_t now;
} merge_t;

static void merge_row(void *row, void *baton)
{
    sp_client_t *client = row;
    const merge_t *merge = baton;

    client->state =
        sp_sharedrow_merge(&client->state, merge->theirs, merge->now);
}

/* @return 1 when other machines know something */
static int fetch(sp_state_t *theirs, sp_share_t *share,
                 const sp_clientkey_t *client, apr_time_t now)
{
    unsigned char bytes[SP_SHAREDROW_BYTES + 1];
    apr_size_t len = sizeof(bytes);
    merge_t merge = {theirs, now};

    memset(theirs, 0, sizeof(*theirs));
    if (share->cache.get(share->cache.self, bytes, &len, client, now)) {
        return 0;
    }
    if (len > sizeof(bytes) ||
        !sp_sharedrow_parse(theirs, bytes, len, share->key, client, now)) {
        ds_log(share->log, DS_LOG_DEBUG, "SP0512", APR_SUCCESS,
               "what memcached holds of a client is not used: old, of another "
               "key, or forged");
        return 0;
    }
    (void)sp_table_with(share->clients, client->bytes, 1, merge_row, &merge,
                        now);
    return 1;
}

static int is_same(const sp_state_t *a, const sp_state_t *b)
{
    return a->at == b->at && a->x == b->x && a->s == b->s &&
           a->rtt_ms == b->rtt_ms && a->lower_bound == b->lower_bound;
}

static void work_on(sp_share_t *share, const note_t *note, apr_time_t now)
{
    unsigned char bytes[SP_SHAREDROW_BYTES];
    sp_state_t theirs, both;
    int known = fetch(&theirs, share, &note->client, now);

    if (!note->changed) {
        return;
    }
    both = sp_sharedrow_merge(&note->state, &theirs, now);
    if ((known && is_same(&both, &theirs)) ||
        sp_sharedrow_format(bytes, &both, share->key, &note->client)) {
        return;
    }
    (void)share->cache.put(share->cache.self, &note->client, bytes,
                           sizeof(bytes), now);
}

/* ---- the thread ---- */

static void work_on_note(sp_share_t *share, note_t *note, apr_time_t now)
{
    note_t copy = *note;

    note->wanted = 0;
    note->wanted_at = now;
    copy.changed = copy.changed &&
                   has_passed(note->published_at, SP_SHARE_PUBLISH_FOR, now);
    if (copy.changed) {
        note->changed = 0;
        note->published_at = now;
    }
    pthread_mutex_unlock(&share->mutex);
    work_on(share, &copy, now);
    pthread_mutex_lock(&share->mutex);
}

/* Wait for news; not for longer than a second when something becomes due. */
static void rest(sp_share_t *share, int waits, apr_time_t now)
{
    struct timespec until = {.tv_sec = (time_t)apr_time_sec(now) + 1};

    if (waits) {
        pthread_cond_timedwait(&share->news, &share->mutex, &until);
    }
    else {
        pthread_cond_wait(&share->news, &share->mutex);
    }
}

static void *run(void *baton)
{
    sp_share_t *share = baton;

    pthread_mutex_lock(&share->mutex);
    while (!share->stop) {
        apr_time_t now = apr_time_now();
        int waits;
        note_t *note = next_due(share, &waits, now);

        if (note) {
            work_on_note(share, note, now);
        }
        else {
            rest(share, waits, now);
        }
    }
    pthread_mutex_unlock(&share->mutex);
    return NULL;
}

/* Started by the first note, with all signals blocked, which it inherits. */
static void wake(sp_share_t *share)
{
    int error;

    if (share->started == 0 && !share->stop) {
        error = pthread_create(&share->thread, NULL, run, share);
        share->started = error ? -1 : 1;
        if (error) {
            ds_log(share->log, DS_LOG_WARNING, "SP0511",
                   APR_FROM_OS_ERROR(error),
                   "no thread for sharing clients with other machines: this "
                   "process does not");
        }
    }
    pthread_cond_signal(&share->news);
}

/* ---- notes from outside ---- */

void sp_share_want(sp_share_t *share, const sp_clientkey_t *client)
{
    apr_time_t now = apr_time_now();
    sigset_t before;
    note_t *note;

    if (!share) {
        return;
    }
    ds_quiet_enter(&share->mutex, &before);
    note = note_of(share, client);
    if (note && !note->wanted &&
        has_passed(note->wanted_at, SP_SHARE_WANT_FOR, now)) {
        note->wanted = 1;
        wake(share);
    }
    ds_quiet_leave(&share->mutex, &before);
}

void sp_share_publish(sp_share_t *share, const sp_clientkey_t *client,
                      const sp_state_t *state)
{
    sigset_t before;
    note_t *note;

    if (!share || state->at == 0) {
        return;
    }
    ds_quiet_enter(&share->mutex, &before);
    note = note_of(share, client);
    if (note) {
        note->state = *state;
        note->changed = 1;
        wake(share);
    }
    ds_quiet_leave(&share->mutex, &before);
}

/* ---- making ---- */

static apr_status_t share_end(void *baton)
{
    sp_share_t *share = baton;
    sigset_t before;
    int started;

    ds_quiet_enter(&share->mutex, &before);
    share->stop = 1;
    started = share->started;
    pthread_cond_signal(&share->news);
    ds_quiet_leave(&share->mutex, &before);
    if (started == 1) {
        pthread_join(share->thread, NULL);
    }
    pthread_cond_destroy(&share->news);
    pthread_mutex_destroy(&share->mutex);
    return APR_SUCCESS;
}

sp_share_t *sp_share_make(const sp_share_cache_t *cache, sp_table_t *clients,
                          const ds_seal_key_t *key, const ds_log_t *log,
                          apr_pool_t *p)
{
    sp_share_t *share = apr_pcalloc(p, sizeof(*share));

    share->cache = *cache;
    share->clients = clients;
    share->key = key;
    share->log = log;
    pthread_mutex_init(&share->mutex, NULL);
    pthread_cond_init(&share->news, NULL);
    apr_pool_pre_cleanup_register(p, share, share_end);
    return share;
}
