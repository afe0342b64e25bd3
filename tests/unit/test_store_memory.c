/* SPDX-License-Identifier: Apache-2.0 */
/* What the memory level adds to the promises of every level (test_store.c). */
#include "unit.h"

#include <apr_strings.h>
#include <apr_time.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

#include "store/store_memory.h"

#define NOW apr_time_now()
#define ITEM 10000

static const di_record_t picture = {.format = 1, .made_at = 1700000000123456};

static di_key_t key_of(const char *text)
{
    di_key_t key;

    assert_int_equal(di_key_make(&key, text), APR_SUCCESS);
    return key;
}

static di_level_t *level_of(apr_size_t max_bytes, apr_size_t max_item_bytes,
                            apr_pool_t *p)
{
    di_memory_conf_t conf = {max_bytes, max_item_bytes};
    di_level_t *level;

    assert_int_equal(di_memory_make(&level, &conf, p), APR_SUCCESS);
    return level;
}

/* A body of ITEM bytes, all of them the same letter. */
static apr_status_t put(di_level_t *level, const char *name, char letter,
                        apr_pool_t *p)
{
    char data[ITEM];
    di_body_t body = {.data = data, .bytes = ITEM};
    di_key_t key = key_of(name);

    memset(data, letter, ITEM);
    return level->put(level, &key, &picture, &body, NOW, p);
}

static int has(di_level_t *level, const char *name, apr_pool_t *p)
{
    di_key_t key = key_of(name);
    di_entry_t entry;

    return level->get(level, &entry, &key, NOW, p) == APR_SUCCESS;
}

/* In a pool of its own, so that nothing stays lent. */
static int has_now(di_level_t *level, const char *name)
{
    apr_pool_t *p;
    int found;

    apr_pool_create(&p, NULL);
    found = has(level, name, p);
    apr_pool_destroy(p);
    return found;
}

static const char *name_of(int i, apr_pool_t *p)
{
    return apr_psprintf(p, "item %d", i);
}

static void bounds_of_nothing_are_refused(void **state)
{
    di_memory_conf_t none = {0, 10}, no_item = {10, 0};
    di_level_t *level;

    assert_int_equal(di_memory_make(&level, &none, *state), APR_EINVAL);
    assert_int_equal(di_memory_make(&level, &no_item, *state), APR_EINVAL);
}

static void larger_bodies_are_not_taken(void **state)
{
    di_level_t *level = level_of(1 << 20, ITEM - 1, *state);

    assert_int_equal(put(level, "large", 'a', *state), APR_ENOSPC);
    assert_false(has_now(level, "large"));
}

/* Of 1000 items there is room for less than 20, always the latest ones. */
static void the_bound_is_kept_and_the_latest_stay(void **state)
{
    di_level_t *level = level_of(20 * ITEM, 10 * ITEM, *state);
    int i, found = 0;

    for (i = 0; i < 1000; i++) {
        assert_int_equal(put(level, name_of(i, *state), 'a', *state), 0);
        assert_true(has_now(level, name_of(i, *state)));
    }
    for (i = 0; i < 1000; i++) {
        found += has_now(level, name_of(i, *state));
    }
    assert_true(found >= 17 && found < 20);
}

static void what_is_used_stays_while_others_come_and_go(void **state)
{
    di_level_t *level = level_of(20 * ITEM, 10 * ITEM, *state);
    int i;

    put(level, "used", 'u', *state);
    for (i = 0; i < 300; i++) {
        put(level, name_of(i, *state), 'a', *state);
        assert_true(has_now(level, "used"));
    }
}

static void lent_bodies_survive_eviction_and_their_level(void **state)
{
    di_key_t key = key_of("lent");
    apr_pool_t *plevel, *preader;
    di_level_t *level;
    di_entry_t entry;
    int i;

    apr_pool_create(&plevel, *state);
    apr_pool_create(&preader, *state);
    level = level_of(20 * ITEM, 10 * ITEM, plevel);
    put(level, "lent", 'l', *state);
    assert_int_equal(level->get(level, &entry, &key, NOW, preader), 0);
    put(level, "lent", 'm', *state); /* replaced, while it is lent */
    for (i = 0; i < 100; i++) {
        put(level, name_of(i, *state), 'a', *state);
    }
    apr_pool_destroy(plevel);
    for (i = 0; i < ITEM; i++) {
        assert_int_equal(entry.body.data[i], 'l');
    }
    apr_pool_destroy(preader);
}

/* Nothing more is taken when all that there is room for is lent. */
static void what_is_lent_counts_until_it_is_given_back(void **state)
{
    di_level_t *level = level_of(5 * ITEM, 5 * ITEM, *state);
    apr_pool_t *preaders;
    int i, kept = 0;

    apr_pool_create(&preaders, *state);
    for (i = 0; i < 100; i++) {
        if (put(level, "one", 'a', *state) == APR_SUCCESS) {
            kept++;
            assert_true(has(level, "one", preaders));
        }
    }
    assert_int_equal(kept, 4);
    assert_int_equal(put(level, "other", 'b', *state), APR_ENOSPC);
    apr_pool_destroy(preaders);
    assert_int_equal(put(level, "other", 'b', *state), APR_SUCCESS);
}

static void an_expired_entry_is_never_served(void **state)
{
    di_level_t *level = level_of(1 << 20, ITEM, *state);
    di_record_t record = picture;
    di_body_t body = {.data = "x", .bytes = 1};
    di_key_t key = key_of("passing");
    apr_time_t now = NOW;
    di_entry_t entry;

    record.made_at = now;
    record.expires_at = now + apr_time_from_sec(2);
    assert_int_equal(level->put(level, &key, &record, &body, now, *state), 0);
    assert_int_equal(
        level->get(level, &entry, &key, record.expires_at - 1, *state), 0);
    assert_int_equal(level->get(level, &entry, &key, record.expires_at, *state),
                     APR_NOTFOUND);
    assert_int_equal(level->get(level, &entry, &key, now, *state),
                     APR_NOTFOUND);
}

/* ---- threads ---- */

#define THREADS 4
#define ROUNDS 3000
#define NAMES 40

typedef struct {
    di_level_t *level;
    unsigned seed;
    int hits, wrong;
} player_t;

/* Each name's body is one letter of its own: whatever is got is whole, and of
   that name. */
static void play_once(player_t *player, apr_pool_t *p)
{
    unsigned i = (player->seed = player->seed * 1664525 + 1013904223) >> 16;
    const char *name = name_of((int)(i % NAMES), p);
    char letter = (char)('A' + i % NAMES);
    di_entry_t entry;
    di_key_t key;
    int at;

    di_key_make(&key, name);
    if (i & 0x4000) {
        char data[ITEM];
        di_body_t body = {.data = data, .bytes = ITEM};

        memset(data, letter, ITEM);
        player->level->put(player->level, &key, &picture, &body, NOW, p);
    }
    if (player->level->get(player->level, &entry, &key, NOW, p)) {
        return;
    }
    player->hits++;
    for (at = 0; at < ITEM && entry.body.data[at] == letter; at++) {
    }
    player->wrong += at != ITEM;
}

static void *play(void *baton)
{
    player_t *player = baton;
    int round;

    for (round = 0; round < ROUNDS; round++) {
        apr_pool_t *p;

        apr_pool_create(&p, NULL);
        play_once(player, p);
        apr_pool_destroy(p);
    }
    return NULL;
}

static void threads_get_whole_bodies_of_what_they_ask_for(void **state)
{
    di_level_t *level = level_of(20 * ITEM, 5 * ITEM, *state);
    pthread_t thread[THREADS];
    player_t player[THREADS];
    unsigned i;

    for (i = 0; i < THREADS; i++) {
        player[i] = (player_t){.level = level, .seed = i + 1};
        assert_int_equal(pthread_create(&thread[i], NULL, play, &player[i]), 0);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        assert_true(player[i].hits > 0);
        assert_int_equal(player[i].wrong, 0);
    }
}

static di_level_t *interrupted;
static di_key_t absent;
static volatile sig_atomic_t interruptions;

/* It would wait for ever if it came while the thread under it has the shard. */
static void look_from_a_handler(int signal)
{
    di_entry_t entry;

    if (interrupted->get(interrupted, &entry, &absent, NOW, NULL) ==
        APR_NOTFOUND) {
        interruptions++;
    }
}

static void no_signal_handler_runs_while_a_shard_is_changed(void **state)
{
    static const struct itimerval often = {{0, 50}, {0, 50}}, never;
    struct sigaction action = {.sa_handler = look_from_a_handler,
                               .sa_flags = SA_RESTART};
    apr_pool_t *p;
    int i = 0;

    absent = key_of("never put");
    interrupted = level_of(4 * ITEM, ITEM, *state); /* one shard */
    assert_int_equal(apr_pool_create(&p, *state), APR_SUCCESS);
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    while (interruptions < 2000) {
        put(interrupted, "a", (char)('a' + i++ % 26), p);
        assert_true(has(interrupted, "a", p));
        apr_pool_clear(p);
    }
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    signal(SIGALRM, SIG_DFL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(bounds_of_nothing_are_refused),
        UNIT(larger_bodies_are_not_taken),
        UNIT(the_bound_is_kept_and_the_latest_stay),
        UNIT(what_is_used_stays_while_others_come_and_go),
        UNIT(lent_bodies_survive_eviction_and_their_level),
        UNIT(what_is_lent_counts_until_it_is_given_back),
        UNIT(an_expired_entry_is_never_served),
        UNIT(threads_get_whole_bodies_of_what_they_ask_for),
        UNIT(no_signal_handler_runs_while_a_shard_is_changed),
    };

    return UNIT_RUN(tests);
}
