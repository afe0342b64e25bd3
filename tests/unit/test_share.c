/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sharing, over a cache that is a variable, and over a memcached that may
 * hang.  Nothing is asserted about time; an alarm ends a test that waits for
 * what never comes.
 */
#include "unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <apr_strings.h>

#include "counting_log.h"
#include "directives/share_memcached.h"
#include "fake_server.h"
#include "memcached_server.h"
#include "speed/client.h"
#include "speed/share.h"
#include "speed/sharedrow.h"

static const sp_clientkey_t visitor = {"a visitor's key."};

/* ---- a cache that is a variable ---- */

typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t change;
    unsigned char bytes[SP_SHAREDROW_BYTES];
    apr_size_t len; /* 0: nothing */
    int gets, puts;
    int hangs; /* 1: gets wait until this is 0 */
} variable_t;

static apr_status_t variable_get(void *self, unsigned char *out,
                                 apr_size_t *len, const sp_clientkey_t *client,
                                 apr_time_t now)
{
    variable_t *v = self;
    apr_status_t rv = APR_NOTFOUND;

    pthread_mutex_lock(&v->mutex);
    v->gets++;
    pthread_cond_broadcast(&v->change);
    while (v->hangs) {
        pthread_cond_wait(&v->change, &v->mutex);
    }
    if (v->len && v->len <= *len) {
        memcpy(out, v->bytes, v->len);
        *len = v->len;
        rv = APR_SUCCESS;
    }
    pthread_mutex_unlock(&v->mutex);
    return rv;
}

static apr_status_t variable_put(void *self, const sp_clientkey_t *client,
                                 const unsigned char *bytes, apr_size_t len,
                                 apr_time_t now)
{
    variable_t *v = self;

    pthread_mutex_lock(&v->mutex);
    v->puts++;
    memcpy(v->bytes, bytes, len);
    v->len = len;
    pthread_cond_broadcast(&v->change);
    pthread_mutex_unlock(&v->mutex);
    return APR_SUCCESS;
}

static int gets_of(variable_t *v)
{
    int gets;

    pthread_mutex_lock(&v->mutex);
    gets = v->gets;
    pthread_mutex_unlock(&v->mutex);
    return gets;
}

static void wait_for(variable_t *v, const int *what, int count)
{
    pthread_mutex_lock(&v->mutex);
    while (*what < count) {
        pthread_cond_wait(&v->change, &v->mutex);
    }
    pthread_mutex_unlock(&v->mutex);
}

static void let_go(variable_t *v)
{
    pthread_mutex_lock(&v->mutex);
    v->hangs = 0;
    pthread_cond_broadcast(&v->change);
    pthread_mutex_unlock(&v->mutex);
}

/* ---- a machine ---- */

typedef struct {
    ds_seal_key_t key;
    sp_table_t *clients;
    sp_share_t *share;
    counting_log_t counting;
} machine_t;

static sp_table_t *table_of(apr_pool_t *p)
{
    apr_size_t bytes = sp_table_bytes(64, sizeof(sp_client_t));
    char *mem = apr_pcalloc(p, bytes + 64);

    mem += 64 - (apr_uintptr_t)mem % 64;
    return sp_table_init(mem, bytes, 64, sizeof(sp_client_t), 1, NULL);
}

static machine_t *machine_over(const sp_share_cache_t *cache,
                               unsigned char secret, apr_pool_t *p)
{
    machine_t *m = apr_pcalloc(p, sizeof(*m));

    alarm(60);
    m->key.len = 32;
    m->key.secret[0] = secret;
    counting_log_init(&m->counting, DS_LOG_DEBUG);
    m->clients = table_of(p);
    m->share = sp_share_make(cache, m->clients, &m->key, &m->counting.log, p);
    return m;
}

static machine_t *machine_at(variable_t *v, unsigned char secret, apr_pool_t *p)
{
    const sp_share_cache_t cache = {v, variable_get, variable_put};

    return machine_over(&cache, secret, p);
}

static variable_t *variable_make(apr_pool_t *p)
{
    variable_t *v = apr_pcalloc(p, sizeof(*v));

    pthread_mutex_init(&v->mutex, NULL);
    pthread_cond_init(&v->change, NULL);
    return v;
}

static sp_state_t state_of(double x, double s)
{
    sp_state_t state = {.x = x, .s = s, .at = apr_time_now()};

    return state;
}

static void look(void *row, void *baton)
{
    *(sp_state_t *)baton = ((sp_client_t *)row)->state;
}

/* What a machine's table knows; 0: nothing. */
static double known_to(machine_t *m)
{
    sp_state_t state = {0};

    sp_table_with(m->clients, visitor.bytes, 0, look, &state, 1);
    return state.x;
}

/* Until the machine knows something. */
static double learns(machine_t *m)
{
    while (known_to(m) == 0) {
        apr_sleep(2000);
    }
    return known_to(m);
}

static void what_one_machine_publishes_another_learns(void **state)
{
    variable_t *v = variable_make(*state);
    machine_t *a = machine_at(v, 1, *state), *b = machine_at(v, 1, *state);
    sp_state_t known = state_of(11, 0.12);

    sp_share_publish(a->share, &visitor, &known);
    wait_for(v, &v->puts, 1);
    sp_share_want(b->share, &visitor);
    assert_true(learns(b) == 11);
    assert_true(known_to(a) == 0); /* it published what it was given */
}

static void no_share_takes_notes_and_does_nothing(void **state)
{
    sp_state_t known = state_of(11, 0.12);

    sp_share_want(NULL, &visitor);
    sp_share_publish(NULL, &visitor, &known);
}

static void a_poor_state_does_not_overwrite_a_good_one(void **state)
{
    variable_t *v = variable_make(*state);
    machine_t *a = machine_at(v, 1, *state), *b = machine_at(v, 1, *state);
    sp_state_t good = state_of(11, 0.12), poor = state_of(7, 1);
    sp_state_t shared;

    poor.lower_bound = 1;
    sp_share_publish(a->share, &visitor, &good);
    wait_for(v, &v->puts, 1);
    sp_share_publish(b->share, &visitor, &poor);
    assert_true(learns(b) == 11);
    assert_int_equal(sp_sharedrow_parse(&shared, v->bytes, v->len, &a->key,
                                        &visitor, apr_time_now()),
                     1);
    assert_true(shared.x == 11);
}

static void the_last_of_many_states_is_published(void **state)
{
    variable_t *v = variable_make(*state);
    machine_t *a = machine_at(v, 1, *state);
    sp_state_t shared = {0};
    int i;

    v->hangs = 1; /* the first one is under way */
    for (i = 1; i <= 100; i++) {
        sp_state_t known = state_of(5 + i * 0.01, 0.12);
        sp_share_publish(a->share, &visitor, &known);
        if (i == 1) {
            wait_for(v, &v->gets, 1);
        }
    }
    let_go(v);
    wait_for(v, &v->puts, 2);
    sp_sharedrow_parse(&shared, v->bytes, v->len, &a->key, &visitor,
                       apr_time_now());
    assert_true(shared.x > 5.99);
    assert_int_equal(v->puts, 2); /* 100 samples, two writes */
}

static void a_client_is_fetched_once_in_a_while(void **state)
{
    variable_t *v = variable_make(*state);
    machine_t *a = machine_at(v, 1, *state);
    const sp_clientkey_t last = {"the last one ..."};
    int i;

    for (i = 0; i < 50; i++) {
        sp_share_want(a->share, &visitor);
        wait_for(v, &v->gets, 1);
    }
    sp_share_want(a->share, &last);
    wait_for(v, &v->gets, 2);
    assert_int_equal(gets_of(v), 2);
}

static void what_is_not_signed_with_our_key_is_ignored(void **state)
{
    variable_t *v = variable_make(*state);
    machine_t *stranger = machine_at(v, 9, *state);
    machine_t *a = machine_at(v, 1, *state);
    sp_state_t known = state_of(20, 0.12);
    sp_state_t mine = state_of(10, 0.12);

    sp_share_publish(stranger->share, &visitor, &known);
    wait_for(v, &v->puts, 1);
    sp_share_publish(a->share, &visitor, &mine); /* goes over it */
    wait_for(v, &v->puts, 2);
    assert_true(known_to(a) == 0);
    assert_true(a->counting.lines == 1);
    assert_non_null(strstr(a->counting.last, "SP0512"));
}

static void
notes_are_bounded_and_nobody_waits_for_a_cache_that_hangs(void **state)
{
    variable_t *v = variable_make(*state);
    machine_t *a = machine_at(v, 1, *state);
    sp_state_t known = state_of(11, 0.12);
    apr_uint32_t i;

    v->hangs = 1;
    for (i = 0; i < 100000; i++) {
        sp_clientkey_t key = {{0}};
        apr_uint32_t spread = i * 2654435761u;
        memcpy(key.bytes, &spread, sizeof(spread));
        memcpy(key.bytes + 4, &i, sizeof(i));
        sp_share_want(a->share, &key);
        sp_share_publish(a->share, &key, &known);
    }
    wait_for(v, &v->gets, 1);
    assert_int_equal(gets_of(v), 1); /* all returned meanwhile */
    let_go(v);
    wait_for(v, &v->puts, 100); /* and it works again */
    pthread_mutex_lock(&v->mutex);
    assert_true(v->puts <= 513); /* the notes, and the one under way */
    pthread_mutex_unlock(&v->mutex);
}

/* A cache at which new clients come as fast as they are fetched, for a time. */
typedef struct {
    sp_share_t *share;
    pthread_mutex_t mutex;
    pthread_cond_t change;
    unsigned char sets[2]; /* first bytes of the keys that come */
    unsigned char last;    /* of one client more */
    int gets;
    int turn; /* which get was that one's; 0: none yet */
} crowd_t;

#define CROWD_ENOUGH 5000

static sp_clientkey_t crowd_member(unsigned char set, int n)
{
    sp_clientkey_t key = {{set, 1}};

    memcpy(key.bytes + 4, &n, sizeof(n));
    return key;
}

static apr_status_t crowd_get(void *self, unsigned char *out, apr_size_t *len,
                              const sp_clientkey_t *client, apr_time_t now)
{
    crowd_t *crowd = self;
    int i;

    pthread_mutex_lock(&crowd->mutex);
    crowd->gets++;
    if (client->bytes[0] == crowd->last) {
        crowd->turn = crowd->gets;
    }
    if (!crowd->turn && crowd->gets < CROWD_ENOUGH) {
        for (i = 0; i < 2; i++) {
            sp_clientkey_t next = crowd_member(crowd->sets[i], crowd->gets);
            sp_share_want(crowd->share, &next);
        }
    }
    pthread_cond_broadcast(&crowd->change);
    pthread_mutex_unlock(&crowd->mutex);
    return APR_NOTFOUND;
}

static void every_client_has_its_turn_while_others_come(void **state)
{
    static const struct {
        unsigned char sets[2], last;
    } cases[] = {{{0, 1}, 63}, {{62, 63}, 0}, {{20, 40}, 30}};
    apr_size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        crowd_t *crowd = apr_pcalloc(*state, sizeof(*crowd));
        const sp_share_cache_t cache = {crowd, crowd_get, NULL};
        sp_clientkey_t last = crowd_member(cases[i].last, 0);
        sp_clientkey_t first = crowd_member(cases[i].sets[0], -1);

        pthread_mutex_init(&crowd->mutex, NULL);
        pthread_cond_init(&crowd->change, NULL);
        memcpy(crowd->sets, cases[i].sets, 2);
        crowd->last = cases[i].last;
        crowd->share = machine_over(&cache, 1, *state)->share;
        pthread_mutex_lock(&crowd->mutex); /* the first get waits here */
        sp_share_want(crowd->share, &first);
        sp_share_want(crowd->share, &last);
        while (!crowd->turn) {
            pthread_cond_wait(&crowd->change, &crowd->mutex);
        }
        pthread_mutex_unlock(&crowd->mutex);
        assert_true(crowd->turn < CROWD_ENOUGH);
    }
}

static void *note_for_ever(void *baton)
{
    machine_t *m = baton;
    int i;

    for (i = 0; i < 20000; i++) {
        sp_clientkey_t key = {{(unsigned char)i, (unsigned char)(i >> 8)}};
        sp_state_t known = state_of(11, 0.12);
        sp_share_want(m->share, &key);
        sp_share_publish(m->share, &key, &known);
    }
    return NULL;
}

static void any_thread_may_take_notes(void **state)
{
    variable_t *v = variable_make(*state);
    machine_t *a = machine_at(v, 1, *state);
    pthread_t thread[3];
    int i;

    for (i = 0; i < 3; i++) {
        pthread_create(&thread[i], NULL, note_for_ever, a);
    }
    for (i = 0; i < 3; i++) {
        pthread_join(thread[i], NULL);
    }
    wait_for(v, &v->puts, 1);
}

static void it_ends_with_notes_still_open(void **state)
{
    apr_pool_t *p;
    variable_t *v = variable_make(*state);
    int i;

    for (i = 0; i < 50; i++) {
        machine_t *a;

        apr_pool_create(&p, *state);
        a = machine_at(v, 1, p);
        if (i % 2) { /* else it never had a thread */
            note_for_ever(a);
        }
        apr_pool_destroy(p);
    }
}

/* ---- over memcached ---- */

static machine_t *machine_on(const char *server, apr_pool_t *p)
{
    const char *servers[] = {server, NULL};
    static ds_log_t quiet;
    sp_share_cache_t cache;

    assert_int_equal(sp_share_memcached_make(&cache, servers, 50, &quiet, p),
                     APR_SUCCESS);
    return machine_over(&cache, 1, p);
}

static void two_machines_share_through_memcached(void **state)
{
    memcached_server_t *server = memcached_server_make(*state);
    machine_t *a = machine_on(server->word, *state);
    sp_state_t known = state_of(11, 0.12);
    machine_t *b;

    sp_share_publish(a->share, &visitor, &known);
    do { /* a new machine each time: one asks once a minute */
        b = machine_on(server->word, *state);
        sp_share_want(b->share, &visitor);
        apr_sleep(20000);
    } while (known_to(b) == 0);
    assert_true(known_to(b) == 11);
}

/* Takes notes and ends while its memcached is not well. */
static void live_with(const char *word, apr_pool_t *parent)
{
    apr_pool_t *p;
    machine_t *a;

    apr_pool_create(&p, parent);
    a = machine_on(word, p);
    note_for_ever(a);
    apr_sleep(100000); /* its thread is in the middle of something */
    assert_true(known_to(a) == 0);
    apr_pool_destroy(p);
}

static void a_memcached_that_is_stopped_gone_or_lies_is_survived(void **state)
{
    memcached_server_t *server = memcached_server_make(*state);
    fake_server_t *silent = fake_server_make(NULL, 0, 0, *state);
    fake_server_t *liar = fake_server_make("VALUE x 0 9999\r\n", 16, 0, *state);
    fake_server_t *hangs_up = fake_server_make("x", 1, 1, *state);

    live_with(silent->word, *state);
    live_with(liar->word, *state);
    live_with(hangs_up->word, *state);
    kill(server->pid, SIGSTOP);
    live_with(server->word, *state);
    memcached_server_kill(server);
    live_with(server->word, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(what_one_machine_publishes_another_learns),
        UNIT(no_share_takes_notes_and_does_nothing),
        UNIT(a_poor_state_does_not_overwrite_a_good_one),
        UNIT(the_last_of_many_states_is_published),
        UNIT(a_client_is_fetched_once_in_a_while),
        UNIT(what_is_not_signed_with_our_key_is_ignored),
        UNIT(notes_are_bounded_and_nobody_waits_for_a_cache_that_hangs),
        UNIT(every_client_has_its_turn_while_others_come),
        UNIT(any_thread_may_take_notes),
        UNIT(it_ends_with_notes_still_open),
        UNIT(two_machines_share_through_memcached),
        UNIT(a_memcached_that_is_stopped_gone_or_lies_is_survived),
    };

    return UNIT_RUN(tests);
}
