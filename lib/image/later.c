/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list is a ring of wishes, each with a pool of its own that holds the
 * copies.  The mutex guards the ring; a render happens without it.
 *
 *     first             first + count
 *       | wish | wish | wish | free | free |
 *
 * Keys to be forgotten are in a ring of the same kind, in the order of their
 * times.
 *
 * The wish that is worked on has left the ring, and its hash stays in
 * `current`, so that it is not added once more meanwhile.
 */
#include "image/later.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include <apr_strings.h>

#include "base/pool.h"

/* Copies of all that a wish points to. */
typedef struct {
    apr_pool_t *p;
    di_wish_t wish;
    di_original_t original;
    di_limits_t limits;
    di_recipe_t recipe;
    di_key_t key;
} kept_t;

/* A key whose entry expires. */
typedef struct {
    apr_pool_t *p;
    di_key_t key;
    apr_time_t at; /* by the world's steady clock */
} passing_t;

struct di_later_t {
    di_world_t world;
    apr_uint32_t wait_ms; /* of a render, waiting for a renderer included */
    apr_pool_t *pool;     /* of the pools; under the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t news;
    int started; /* 1: thread is to be joined; -1: it could not be had */
    int stop;
    pthread_t thread;
    unsigned char current[DI_KEY_HASH_BYTES];
    int working; /* 1: current is being made */
    int places, first, count;
    kept_t **ring;
    int first_passing, passing_count;
    passing_t **passing;
};

/* A signal handler that ends the process (prefork's) would wait for the mutex
   that the thread under it holds: none runs meanwhile. */
static void enter(di_later_t *later, sigset_t *before)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, before);
    pthread_mutex_lock(&later->mutex);
}

static void leave(di_later_t *later, const sigset_t *before)
{
    pthread_mutex_unlock(&later->mutex);
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* ---- the list; under the mutex ---- */

static int is_known(const di_later_t *later, const di_key_t *key)
{
    int i;

    if (later->working &&
        !memcmp(later->current, key->hash, sizeof(later->current))) {
        return 1;
    }
    for (i = 0; i < later->count; i++) {
        const kept_t *kept = later->ring[(later->first + i) % later->places];

        if (!memcmp(kept->key.hash, key->hash, sizeof(key->hash))) {
            return 1;
        }
    }
    return 0;
}

static kept_t *copy_of(apr_pool_t *p, const di_later_t *later,
                       const di_wish_t *wish)
{
    kept_t *kept = apr_palloc(p, sizeof(*kept));

    kept->p = p;
    kept->original = *wish->original;
    kept->original.file = apr_pstrdup(p, wish->original->file);
    kept->limits = *wish->limits;
    kept->recipe = *wish->recipe;
    kept->key = *wish->key;
    kept->key.text = apr_pstrmemdup(p, wish->key->text, wish->key->text_len);
    kept->wish = *wish;
    kept->wish.original = &kept->original;
    kept->wish.limits = &kept->limits;
    kept->wish.recipe = &kept->recipe;
    kept->wish.key = &kept->key;
    if (wish->urgency < DI_URGENCY_STALE) {
        kept->wish.urgency = DI_URGENCY_STALE;
    }
    kept->wish.mode = DI_MODE_HYBRID;
    kept->wish.wait_ms = later->wait_ms;
    kept->wish.slow = 0;
    kept->wish.others = NULL;
    return kept;
}

static kept_t *take_first(di_later_t *later)
{
    kept_t *kept = later->ring[later->first];

    later->first = (later->first + 1) % later->places;
    later->count--;
    memcpy(later->current, kept->key.hash, sizeof(later->current));
    later->working = 1;
    return kept;
}

static passing_t *take_passing(di_later_t *later)
{
    passing_t *passing = later->passing[later->first_passing];

    later->first_passing = (later->first_passing + 1) % later->places;
    later->passing_count--;
    return passing;
}

/* How long until an entry is to be forgotten; at most 0: now.  A long time when
   there is none. */
static apr_interval_time_t time_left(const di_later_t *later)
{
    return later->passing_count ? later->passing[later->first_passing]->at -
                                      later->world.steady()
                                : apr_time_from_sec(3600);
}

/* ---- the thread ---- */

static void wait_for_news(di_later_t *later)
{
    apr_interval_time_t span = time_left(later);
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)apr_time_sec(span) + 1;
    pthread_cond_timedwait(&later->news, &later->mutex, &until);
}

static void forget(di_later_t *later, const passing_t *passing)
{
    di_entry_t entry;

    (void)di_store_get(later->world.store, &entry, &passing->key,
                       later->world.now(), passing->p);
}

static void fulfil(di_later_t *later, kept_t *kept)
{
    di_obtained_t out;

    di_obtain(&out, &later->world, &kept->wish, kept->p);
}

static void *run(void *baton)
{
    di_later_t *later = baton;

    pthread_mutex_lock(&later->mutex);
    while (!later->stop) {
        kept_t *kept;

        if (time_left(later) <= 0) {
            passing_t *passing = take_passing(later);

            pthread_mutex_unlock(&later->mutex);
            forget(later, passing);
            pthread_mutex_lock(&later->mutex);
            apr_pool_destroy(passing->p);
            continue;
        }
        if (!later->count) {
            wait_for_news(later);
            continue;
        }
        kept = take_first(later);
        pthread_mutex_unlock(&later->mutex);
        fulfil(later, kept);
        pthread_mutex_lock(&later->mutex);
        later->working = 0;
        apr_pool_destroy(kept->p);
    }
    pthread_mutex_unlock(&later->mutex);
    return NULL;
}

/* With all signals blocked, which the thread inherits. */
static int is_running(di_later_t *later)
{
    if (!later->started) {
        later->started =
            pthread_create(&later->thread, NULL, run, later) ? -1 : 1;
    }
    return later->started > 0;
}

static apr_status_t end(void *baton)
{
    di_later_t *later = baton;
    sigset_t before;

    enter(later, &before);
    later->stop = 1;
    pthread_cond_signal(&later->news);
    leave(later, &before);
    if (later->started > 0) {
        pthread_join(later->thread, NULL);
    }
    pthread_cond_destroy(&later->news);
    pthread_mutex_destroy(&later->mutex);
    return APR_SUCCESS;
}

/* ---- from outside ---- */

apr_status_t di_later_make(di_later_t **out, const di_world_t *world,
                           int places, apr_uint32_t wait_ms, apr_pool_t *pchild)
{
    apr_size_t size = sizeof(void *) * (apr_size_t)places;
    pthread_condattr_t clock;
    di_later_t *later;
    apr_pool_t *pool;
    apr_status_t rv = ds_pool_make_own(&pool, pchild);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    later = apr_pcalloc(pchild, sizeof(*later));
    later->ring = apr_pcalloc(pchild, size);
    later->passing = apr_pcalloc(pchild, size);
    later->world = *world;
    later->world.later = NULL;
    later->pool = pool;
    later->places = places;
    later->wait_ms = wait_ms;
    pthread_mutex_init(&later->mutex, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&later->news, &clock);
    pthread_condattr_destroy(&clock);
    apr_pool_pre_cleanup_register(pchild, later, end);
    *out = later;
    return APR_SUCCESS;
}

int di_later_add(di_later_t *later, const di_wish_t *wish)
{
    apr_pool_t *p;
    sigset_t before;
    int added = 0;

    enter(later, &before);
    if (is_known(later, wish->key)) {
        added = 2;
    }
    else if (!later->stop && later->count < later->places &&
             is_running(later) &&
             ds_pool_make_own(&p, later->pool) == APR_SUCCESS) {
        later->ring[(later->first + later->count++) % later->places] =
            copy_of(p, later, wish);
        pthread_cond_signal(&later->news);
        added = 1;
    }
    leave(later, &before);
    return added;
}

void di_later_forget(di_later_t *later, const di_key_t *key, apr_time_t at)
{
    passing_t *passing;
    apr_pool_t *p;
    sigset_t before;

    enter(later, &before);
    if (!later->stop && later->passing_count < later->places &&
        is_running(later) && ds_pool_make_own(&p, later->pool) == APR_SUCCESS) {
        passing = apr_palloc(p, sizeof(*passing));
        passing->p = p;
        passing->at = later->world.steady() + at - later->world.now();
        passing->key = *key;
        passing->key.text = apr_pstrmemdup(p, key->text, key->text_len);
        later->passing[(later->first_passing + later->passing_count++) %
                       later->places] = passing;
        pthread_cond_signal(&later->news);
    }
    leave(later, &before);
}
