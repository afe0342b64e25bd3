/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memcached level with servers that misbehave.  What is asserted is what
 * comes back and what reaches a server, never how long it took; an alarm ends
 * a test that does not return at all.
 */
#include "unit.h"

#include <sys/stat.h>

#include "counting_log.h"
#include "fake_server.h"
#include "folder.h"
#include "memcached_server.h"
#include "store/breaker.h"
#include "store/lease.h"
#include "store/record.h"
#include "store/store_disk.h"
#include "store/store_memcached.h"

#define NOW apr_time_now()
#define LONG_REST_MS 3600000
#define ZEROS_12 "\0\0\0\0\0\0\0\0\0\0\0\0"

typedef struct {
    counting_log_t counting;
    di_level_t *level;
    di_lease_shared_t *shared;
    di_shared_item_t *item;
    di_key_t key;
    di_record_t record;
    di_body_t body;
} cache_t;

/* @param breakers  NULL: its own, and requests probe */
static cache_t *cache_make(const char *const *servers, apr_uint32_t timeout_ms,
                           apr_uint32_t rest_ms, di_breaker_t *breakers,
                           apr_pool_t *p)
{
    cache_t *cache = apr_pcalloc(p, sizeof(*cache));
    di_memcached_conf_t conf = {.servers = servers,
                                .timeout_ms = timeout_ms,
                                .max_item_bytes = 1000000,
                                .rest_ms = rest_ms,
                                .breakers = breakers,
                                .probed = breakers != NULL,
                                .log = &cache->counting.log};

    counting_log_init(&cache->counting, DS_LOG_NOTICE);
    assert_int_equal(di_memcached_make(&cache->level, &cache->shared, &conf, p),
                     APR_SUCCESS);
    cache->item = di_memcached_item(cache->level);
    di_key_make(&cache->key, "one picture");
    cache->record.format = 1;
    cache->record.made_at = NOW;
    cache->body.data = "body";
    cache->body.bytes = 4;
    return cache;
}

static cache_t *cache_with(const char *const *servers, apr_uint32_t rest_ms,
                           di_breaker_t *breakers, apr_pool_t *p)
{
    return cache_make(servers, 50, rest_ms, breakers, p);
}

/* For servers that are well, on a machine that may be busy. */
static cache_t *patient_cache_of(const char *const *servers, apr_pool_t *p)
{
    return cache_make(servers, 5000, 200, NULL, p);
}

static cache_t *patient_cache_at(const char *word, apr_pool_t *p)
{
    const char *servers[] = {word, NULL};

    return patient_cache_of(servers, p);
}

static cache_t *cache_of(const char *const *servers, apr_uint32_t rest_ms,
                         apr_pool_t *p)
{
    return cache_with(servers, rest_ms, NULL, p);
}

static cache_t *cache_at(const char *word, apr_uint32_t rest_ms, apr_pool_t *p)
{
    const char *servers[] = {word, NULL};

    return cache_of(servers, rest_ms, p);
}

static apr_status_t put(cache_t *cache, apr_pool_t *p)
{
    return cache->level->put(cache->level, &cache->key, &cache->record,
                             &cache->body, NOW, p);
}

/* A value that comes back is the one that was put, or the test fails. */
static apr_status_t get(cache_t *cache, apr_pool_t *p)
{
    di_entry_t entry;
    apr_status_t rv =
        cache->level->get(cache->level, &entry, &cache->key, NOW, p);

    if (rv == APR_SUCCESS) {
        assert_int_equal(entry.body.bytes, cache->body.bytes);
        assert_memory_equal(entry.body.data, cache->body.data,
                            cache->body.bytes);
    }
    return rv;
}

static apr_status_t take(cache_t *cache)
{
    return cache->shared->take(cache->shared->self, &cache->key, 60);
}

static void release(cache_t *cache)
{
    cache->shared->release(cache->shared->self, &cache->key);
}

/* All four operations. */
static void operate(cache_t *cache, apr_pool_t *p)
{
    (void)get(cache, p);
    (void)put(cache, p);
    (void)take(cache);
    release(cache);
}

/* Try until memcached is used again; the alarm ends a vain wait. */
static void wait_until_used(cache_t *cache, apr_pool_t *p)
{
    while (put(cache, p) != APR_SUCCESS || get(cache, p) != APR_SUCCESS) {
        apr_sleep(20000);
    }
}

/* ---- names ---- */

static const struct {
    const char *word;
    int legal;
} words[] = {
    {"127.0.0.1:11211", 1},
    {"cache-1.example.net:1", 1},
    {"localhost:65535", 1},
    {"[::1]:11211", 1},
    {"[fe80::1:2]:11211", 1},
    {"/run/memcached.sock", 1},
    {NULL, 0},
    {"", 0},
    {"127.0.0.1", 0},
    {"127.0.0.1:", 0},
    {":11211", 0},
    {"127.0.0.1:0", 0},
    {"127.0.0.1:65536", 0},
    {"127.0.0.1:-1", 0},
    {"127.0.0.1:11211 ", 0},
    {"127.0.0.1:1x", 0},
    {"a b:11211", 0},
    {"a/b:11211", 0},
    {"::1:11211", 0},
    {"[]:11211", 0},
    {"[::1:11211", 0},
    {"[127.0.0.1]:11211", 0},
    {"[::1]11211", 0},
    {"run/memcached.sock", 0},
    {"/a/path/that/is/longer/than/the/name/of/a/socket/may/be/on/this/system/"
     "which/is/one/hundred/and/seven/bytes/long",
     0},
};

static void servers_are_named_by_host_and_port_or_path(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(words) / sizeof(*words); i++) {
        const char *error = di_memcached_server_check(words[i].word, *state);

        if ((error == NULL) != words[i].legal) {
            fail_msg("\"%s\": %s", words[i].word, error ? error : "legal");
        }
    }
    assert_string_equal(di_memcached_server_check("x", *state),
                        "\"x\" is not a memcached server: host:port, "
                        "[v6 address]:port or /path/of/socket");
}

static void a_level_needs_servers_it_can_name(void **state)
{
    const char *many[DI_MEMCACHED_SERVERS_MAX + 2] = {NULL};
    const char *bad[] = {"127.0.0.1:1", "nonsense", NULL};
    const char *none[] = {NULL};
    const char *const *lists[] = {many, bad, none, NULL};
    di_lease_shared_t *shared;
    di_level_t *level;
    size_t i;

    for (i = 0; i <= DI_MEMCACHED_SERVERS_MAX; i++) {
        many[i] = "127.0.0.1:1";
    }
    for (i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        di_memcached_conf_t conf = {
            .servers = lists[i], .timeout_ms = 50, .max_item_bytes = 1000};
        assert_int_equal(di_memcached_make(&level, &shared, &conf, *state),
                         APR_EINVAL);
    }
}

static void a_socket_serves_as_well_as_a_port(void **state)
{
    char *folder = folder_make(*state);
    memcached_server_t *server;
    cache_t *cache;

    /* memcached gives up root before it makes its socket. */
    assert_int_equal(chmod(folder, 0777), 0);
    server =
        memcached_server_at(apr_pstrcat(*state, folder, "/m", NULL), *state);
    cache = cache_at(server->word, 0, *state);
    wait_until_used(cache, *state);
}

/* ---- servers that are away ---- */

static void an_absent_server_is_out_of_order_and_told_once(void **state)
{
    char port[8];
    cache_t *cache;
    int i;

    free_port(port, sizeof(port));
    cache = cache_at(apr_pstrcat(*state, "127.0.0.1:", port, NULL),
                     LONG_REST_MS, *state);
    for (i = 0; i < 50; i++) {
        apr_status_t rv = get(cache, *state);

        assert_true(rv != APR_SUCCESS && rv != APR_NOTFOUND);
        assert_int_not_equal(put(cache, *state), APR_SUCCESS);
        rv = take(cache);
        assert_true(rv != APR_SUCCESS && rv != APR_EBUSY);
        release(cache);
    }
    assert_int_equal(cache->counting.lines, 1);
    assert_non_null(strstr(cache->counting.last, "DI0403: "));
}

typedef struct {
    const char *name;
    int hangs_up;
    int most; /* connections that may be tried */
} away_t;

static void a_failing_server_is_left_alone(void **state)
{
    static const away_t cases[] = {
        {"hung", 0, 1},
        {"hangs up", 1, DI_BREAKER_ERRORS},
    };
    size_t i;
    int round, accepted, reads;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        fake_server_t *fake =
            fake_server_make(NULL, 0, cases[i].hangs_up, *state);
        cache_t *cache = cache_at(fake->word, LONG_REST_MS, *state);

        for (round = 0; round < 5; round++) {
            operate(cache, *state);
        }
        accepted = atomic_load(&fake->accepted);
        reads = atomic_load(&fake->reads);
        if (accepted < 1 || accepted > cases[i].most) {
            fail_msg("%s: %d connections", cases[i].name, accepted);
        }
        for (round = 0; round < 1000; round++) {
            operate(cache, *state);
        }
        apr_sleep(100000);
        assert_int_equal(atomic_load(&fake->accepted), accepted);
        assert_int_equal(atomic_load(&fake->reads), reads);
        assert_int_equal(cache->counting.lines, 1);
    }
}

/* Each probe is one operation on one connection of its own. */
static void after_its_rest_a_server_gets_one_probe(void **state)
{
    fake_server_t *fake = fake_server_make(NULL, 0, 0, *state);
    cache_t *cache = cache_at(fake->word, 400, *state);
    apr_time_t began;
    int before;

    operate(cache, *state);
    before = atomic_load(&fake->accepted);
    began = NOW;
    while (atomic_load(&fake->accepted) == before) {
        operate(cache, *state);
        apr_sleep(1000);
    }
    for (; NOW < began + apr_time_from_msec(2000); apr_sleep(1000)) {
        operate(cache, *state);
    }
    /* At most one in 400 ms; a slow machine may manage fewer. */
    assert_in_range(atomic_load(&fake->accepted) - before, 1,
                    1 + (NOW - began) / apr_time_from_msec(400));
    assert_int_equal(cache->counting.lines, 1);
}

/* ---- breakers of several processes ---- */

/* A hit of 40 bytes that comes a byte in 40 ms takes 2.7 s: longer than any
   limit, though no wait for a byte is. */
static const char forty_bytes[] =
    "\x81\x0c\0\0\4\0\0\0\0\0\0\x2c" ZEROS_12 "\0\0\0\0"
    "0123456789012345678901234567890123456789";

typedef struct {
    const char *name;
    const char *answer;
    size_t bytes;
    int late_ms;
    int byte_ms;
} slow_t;

static const slow_t slow[] = {
    {"hung", NULL, 0, 0, 0},
    {"late", forty_bytes, sizeof(forty_bytes) - 1, 2000, 0},
    {"trickling", forty_bytes, sizeof(forty_bytes) - 1, 0, 40},
};

/* Whatever follows in this process and in others reaches it no more. */
static void a_slow_server_is_felt_once_by_all_processes(void **state)
{
    size_t i;
    int round;

    for (i = 0; i < sizeof(slow) / sizeof(*slow); i++) {
        di_breaker_t breakers[DI_BREAKERS] = {{0}};
        fake_server_t *fake =
            fake_server_make(slow[i].answer, slow[i].bytes, 0, *state);
        const char *servers[] = {fake->word, NULL};
        cache_t *one = cache_with(servers, 0, breakers, *state);
        cache_t *other = cache_with(servers, 0, breakers, *state);

        fake->late_ms = slow[i].late_ms;
        fake->byte_ms = slow[i].byte_ms;
        assert_int_not_equal(get(one, *state), APR_SUCCESS);
        for (round = 0; round < 1000; round++) {
            operate(one, *state);
            operate(other, *state);
        }
        if (atomic_load(&fake->accepted) != 1) {
            fail_msg("%s: %d connections", slow[i].name,
                     atomic_load(&fake->accepted));
        }
        assert_int_equal(di_breaker_of(breakers, servers[0])->openings, 1);
    }
}

/* A queue of connections that is full: nobody accepts, and nobody refuses. */
static const char *make_black_hole(apr_pool_t *p)
{
    struct sockaddr_in at = loopback("0");
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peer, i;

    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(fd, 0), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    for (i = 0; i < 4; i++) {
        peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(peer, (struct sockaddr *)&at, len);
    }
    return apr_psprintf(p, "127.0.0.1:%d", ntohs(at.sin_port));
}

static void a_black_hole_is_felt_once(void **state)
{
    di_breaker_t breakers[DI_BREAKERS] = {{0}};
    const char *servers[] = {make_black_hole(*state), NULL};
    cache_t *cache = cache_with(servers, 0, breakers, *state);
    int round;

    assert_int_equal(get(cache, *state), APR_TIMEUP);
    for (round = 0; round < 1000; round++) {
        operate(cache, *state);
    }
    assert_int_equal(di_breaker_of(breakers, servers[0])->openings, 1);
    assert_int_equal(cache->counting.lines, 1);
}

typedef struct {
    cache_t *cache;
    atomic_int *felt; /* how often a time-out was met */
} crowd_t;

static void *meet(void *baton)
{
    crowd_t *crowd = baton;
    apr_pool_t *p;
    int round;

    apr_pool_create(&p, NULL);
    for (round = 0; round < 50; round++) {
        di_entry_t entry;
        di_level_t *level = crowd->cache->level;
        apr_status_t rv = level->get(level, &entry, &crowd->cache->key, NOW, p);

        if (rv == APR_TIMEUP || rv == APR_ECONNABORTED) {
            atomic_fetch_add(crowd->felt, 1);
        }
    }
    apr_pool_destroy(p);
    return NULL;
}

/* Each of those that are there when it begins to hang meets it, once. */
static void threads_at_once_meet_a_hung_server_once_each(void **state)
{
    enum { CROWD = 16 };
    di_breaker_t breakers[DI_BREAKERS] = {{0}};
    fake_server_t *fake = fake_server_make(NULL, 0, 0, *state);
    const char *servers[] = {fake->word, NULL};
    cache_t *cache = cache_with(servers, 0, breakers, *state);
    atomic_int felt = 0;
    crowd_t crowd = {cache, &felt};
    pthread_t thread[CROWD];
    int i;

    for (i = 0; i < CROWD; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, meet, &crowd), 0);
    }
    for (i = 0; i < CROWD; i++) {
        pthread_join(thread[i], NULL);
    }
    assert_in_range(atomic_load(&felt), 1, CROWD);
    assert_int_equal(di_breaker_of(breakers, servers[0])->openings, 1);
    assert_int_equal(cache->counting.lines, 1);
}

static void only_a_probe_brings_a_probed_server_back(void **state)
{
    di_breaker_t breakers[DI_BREAKERS] = {{0}};
    memcached_server_t *server = memcached_server_make(*state);
    const char *servers[] = {server->word, NULL};
    cache_t *one = cache_with(servers, 1, breakers, *state);
    cache_t *other = cache_with(servers, 1, breakers, *state);
    int i;

    wait_until_used(one, *state);
    assert_int_equal(get(other, *state), APR_SUCCESS);
    kill(server->pid, SIGSTOP);
    while (!di_breaker_is_open(di_breaker_of(breakers, servers[0]))) {
        (void)get(one, *state);
    }
    for (i = 0; i < 3; i++) {
        di_memcached_probe(other->level);
        assert_true(di_breaker_is_open(di_breaker_of(breakers, servers[0])));
    }
    kill(server->pid, SIGCONT);
    apr_sleep(10000);
    assert_int_not_equal(get(one, *state), APR_SUCCESS);
    while (di_breaker_is_open(di_breaker_of(breakers, servers[0]))) {
        di_memcached_probe(other->level);
    }
    assert_non_null(strstr(other->counting.last, "DI0404: "));
    wait_until_used(one, *state);
    assert_int_equal(get(other, *state), APR_SUCCESS);
}

/* As children of two configurations have, during a graceful restart. */
static void lists_of_another_order_share_each_servers_breaker(void **state)
{
    di_breaker_t breakers[DI_BREAKERS] = {{0}};
    memcached_server_t *well = memcached_server_make(*state);
    const char *hung = make_black_hole(*state);
    const char *before[] = {well->word, hung, NULL};
    const char *after[] = {hung, well->word, NULL};
    cache_t *old = cache_make(before, 1000, 0, breakers, *state);
    cache_t *new = cache_make(after, 1000, 0, breakers, *state);
    int i;

    for (i = 0; !di_breaker_is_open(di_breaker_of(breakers, hung)); i++) {
        assert_in_range(i, 0, 1000); /* keys of either server */
        di_key_make(&old->key, apr_psprintf(*state, "picture %d", i));
        (void)get(old, *state);
    }
    assert_false(di_breaker_is_open(di_breaker_of(breakers, well->word)));
    for (i = 0; i < 100; i++) {
        di_key_make(&new->key, apr_psprintf(*state, "picture %d", i));
        assert_int_not_equal(get(new, *state), APR_TIMEUP);
    }
    assert_int_equal(new->counting.lines, 0);
}

/* A probe is believed by what it looks up, not by any answer. */
static void a_lying_server_does_not_come_back(void **state)
{
    static const char lie[] = "\x81\x0c\0\0\0\0\0\x84\0\0\0\0" ZEROS_12;
    di_breaker_t breakers[DI_BREAKERS] = {{0}};
    fake_server_t *fake = fake_server_make(lie, sizeof(lie) - 1, 0, *state);
    const char *servers[] = {fake->word, NULL};
    cache_t *cache = cache_with(servers, 0, breakers, *state);
    int i;

    for (i = 0; i < DI_BREAKER_ERRORS; i++) {
        assert_int_equal(get(cache, *state), APR_EGENERAL);
    }
    for (i = 0; i < 5; i++) {
        assert_true(di_breaker_is_open(di_breaker_of(breakers, servers[0])));
        di_memcached_probe(cache->level);
    }
    assert_int_equal(cache->counting.lines, 1);
}

/* ---- servers that go and come ---- */

static void
a_stopped_server_costs_no_wrong_value_and_is_used_again(void **state)
{
    memcached_server_t *server = memcached_server_make(*state);
    cache_t *cache = cache_at(server->word, 200, *state);
    int i;

    wait_until_used(cache, *state);
    kill(server->pid, SIGSTOP);
    for (i = 0; i < 200; i++) {
        (void)get(cache, *state);
        (void)put(cache, *state);
    }
    assert_int_not_equal(get(cache, *state), APR_SUCCESS);
    assert_true(take(cache) != APR_EBUSY);
    kill(server->pid, SIGCONT);
    wait_until_used(cache, *state);
    assert_non_null(strstr(cache->counting.last, "DI0404: "));
}

static void a_restarted_server_is_used_again(void **state)
{
    memcached_server_t *server = memcached_server_make(*state);
    cache_t *cache = cache_at(server->word, 200, *state);
    int i;

    wait_until_used(cache, *state);
    memcached_server_kill(server);
    for (i = 0; i < 200; i++) {
        apr_status_t rv = get(cache, *state);

        assert_true(rv != APR_SUCCESS && rv != APR_NOTFOUND);
    }
    memcached_server_start(server);
    wait_until_used(cache, *state);
}

/* Between two uses, so that only dead connections tell of it. */
static void a_quick_restart_costs_one_miss(void **state)
{
    memcached_server_t *server = memcached_server_make(*state);
    cache_t *cache = cache_at(server->word, LONG_REST_MS, *state);

    wait_until_used(cache, *state);
    memcached_server_kill(server);
    memcached_server_start(server);
    (void)get(cache, *state);
    assert_int_equal(get(cache, *state), APR_NOTFOUND);
    assert_int_equal(put(cache, *state), APR_SUCCESS);
    assert_int_equal(get(cache, *state), APR_SUCCESS);
    assert_int_equal(cache->counting.lines, 0);
}

#define WORKERS 8

typedef struct {
    cache_t *cache;
    int wrong;
    atomic_int *stop;
} worker_t;

static void *work(void *baton)
{
    worker_t *worker = baton;
    di_level_t *level = worker->cache->level;
    apr_uint32_t turn = 0;

    while (!atomic_load(worker->stop)) {
        char data[2000], text[30];
        di_body_t body = {.data = data, .bytes = sizeof(data)};
        di_entry_t entry;
        di_key_t key;
        apr_pool_t *p;

        apr_pool_create(&p, NULL);
        turn = (turn + 1) % 20;
        apr_snprintf(text, sizeof(text), "picture %u", turn);
        memset(data, 'a' + (int)turn, sizeof(data));
        di_key_make(&key, text);
        (void)level->put(level, &key, &worker->cache->record, &body, NOW, p);
        if (level->get(level, &entry, &key, NOW, p) == APR_SUCCESS) {
            worker->wrong += entry.body.bytes != sizeof(data) ||
                             memcmp(entry.body.data, data, sizeof(data)) != 0;
        }
        if (worker->cache->shared->take(worker->cache->shared->self, &key,
                                        60) == APR_SUCCESS) {
            worker->cache->shared->release(worker->cache->shared->self, &key);
        }
        apr_pool_destroy(p);
    }
    return NULL;
}

static void threads_get_no_wrong_value_from_a_faltering_server(void **state)
{
    memcached_server_t *server = memcached_server_make(*state);
    cache_t *cache = cache_at(server->word, 20, *state);
    atomic_int stop = 0;
    pthread_t thread[WORKERS];
    worker_t worker[WORKERS];
    int i;

    for (i = 0; i < WORKERS; i++) {
        worker[i] = (worker_t){.cache = cache, .stop = &stop};
        assert_int_equal(pthread_create(&thread[i], NULL, work, &worker[i]), 0);
    }
    for (i = 0; i < 5; i++) {
        apr_sleep(30000);
        kill(server->pid, SIGSTOP);
        apr_sleep(80000);
        kill(server->pid, SIGCONT);
    }
    memcached_server_kill(server);
    apr_sleep(30000);
    memcached_server_start(server);
    apr_sleep(60000);
    atomic_store(&stop, 1);
    for (i = 0; i < WORKERS; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(worker[i].wrong, 0);
    }
    wait_until_used(cache, *state);
}

static void the_other_servers_serve_on(void **state)
{
    memcached_server_t *one = memcached_server_make(*state);
    memcached_server_t *two = memcached_server_make(*state);
    memcached_server_t *gone = memcached_server_make(*state);
    const char *servers[] = {one->word, gone->word, two->word, NULL};
    cache_t *cache = cache_of(servers, LONG_REST_MS, *state);
    char was[60];
    int i, round, fine = 0;

    memcached_server_kill(gone);
    for (round = 0; round < 3; round++) {
        for (i = 0; i < 60; i++) {
            int ok;

            di_key_make(&cache->key, apr_psprintf(*state, "picture %d", i));
            ok = put(cache, *state) == APR_SUCCESS &&
                 get(cache, *state) == APR_SUCCESS;
            /* A key stays with its server, whoever is away. */
            if (round && ok != was[i]) {
                fail_msg("key %d: %d after %d; %s", i, ok, was[i],
                         cache->counting.last);
            }
            was[i] = (char)ok;
            fine += ok;
        }
    }
    assert_in_range(fine, 3 * 20, 3 * 59);
    assert_int_equal(cache->counting.lines, 1);
    assert_non_null(strstr(cache->counting.last, gone->word));
}

#define KEYS 200

/* Which of so many pictures are found by a level of these servers. */
static int find_all(char *found, const char *const *servers, apr_pool_t *p)
{
    cache_t *cache = patient_cache_of(servers, p);
    int i, count = 0;

    for (i = 0; i < KEYS; i++) {
        di_key_make(&cache->key, apr_psprintf(p, "picture %d", i));
        found[i] = get(cache, p) == APR_SUCCESS;
        count += found[i];
    }
    return count;
}

static void a_server_less_moves_its_own_share_only(void **state)
{
    const char *servers[5] = {NULL}, *left[4] = {NULL};
    char found[KEYS], of_one[KEYS];
    cache_t *cache;
    int i, gone, count, share = 0;

    for (i = 0; i < 4; i++) {
        servers[i] = memcached_server_make(*state)->word;
    }
    cache = patient_cache_of(servers, *state);
    for (i = 0; i < KEYS; i++) {
        di_key_make(&cache->key, apr_psprintf(*state, "picture %d", i));
        assert_int_equal(put(cache, *state), APR_SUCCESS);
    }
    for (gone = 0; gone < 4; gone++) {
        const char *one[] = {servers[gone], NULL};

        for (i = 0, count = 0; i < 4; i++) {
            if (i != gone) {
                left[count++] = servers[i];
            }
        }
        share += find_all(of_one, one, *state);
        count = find_all(found, left, *state);
        for (i = 0; i < KEYS; i++) {
            assert_int_equal(found[i], !of_one[i]);
        }
        /* None has all, none has nothing. */
        assert_in_range(count, KEYS / 2, KEYS - 1);
    }
    assert_int_equal(share, KEYS);
}

/* ---- with another level ---- */

/* Where a picture of so many bytes is found: the level's name, or "". */
static const char *found_at(const di_store_t *store, cache_t *cache,
                            const char *text, apr_pool_t *p)
{
    di_entry_t entry;

    di_key_make(&cache->key, text);
    return di_store_get(store, &entry, &cache->key, NOW, p) == APR_SUCCESS
               ? entry.level
               : "";
}

static void small_ones_go_to_memcached_and_large_ones_to_disk(void **state)
{
    memcached_server_t *server = memcached_server_make(*state);
    cache_t *cache = patient_cache_at(server->word, *state);
    di_disk_conf_t conf = {.root = folder_make(*state)};
    di_store_t store = {.count = 2, .keep_first = 1};
    di_store_t disk = {.count = 1};

    assert_int_equal(di_disk_make(&store.level[1], &conf, *state), APR_SUCCESS);
    store.level[0] = cache->level;
    disk.level[0] = store.level[1];

    di_key_make(&cache->key, "small");
    assert_int_equal(di_store_put(&store, DI_KEEP_ALL, &cache->key,
                                  &cache->record, &cache->body, NOW, *state),
                     APR_SUCCESS);
    assert_string_equal(found_at(&store, cache, "small", *state), "memcached");
    assert_string_equal(found_at(&disk, cache, "small", *state), "");

    cache->body.data = apr_pcalloc(*state, 1000001);
    cache->body.bytes = 1000001;
    di_key_make(&cache->key, "large");
    assert_int_equal(di_store_put(&store, DI_KEEP_ALL, &cache->key,
                                  &cache->record, &cache->body, NOW, *state),
                     APR_SUCCESS);
    assert_string_equal(found_at(&store, cache, "large", *state), "disk");
    assert_string_equal(found_at(&store, cache, "large", *state), "disk");
}

/* memcached forgot, or was away when it was put: a hit on disk brings it. */
static void a_hit_on_disk_goes_to_memcached(void **state)
{
    memcached_server_t *server = memcached_server_make(*state);
    cache_t *cache = patient_cache_at(server->word, *state);
    di_disk_conf_t conf = {.root = folder_make(*state)};
    di_store_t store = {.count = 2, .keep_first = 1};

    assert_int_equal(di_disk_make(&store.level[1], &conf, *state), APR_SUCCESS);
    store.level[0] = cache->level;
    memcached_server_kill(server);
    di_key_make(&cache->key, "small");
    assert_int_equal(di_store_put(&store, DI_KEEP_ALL, &cache->key,
                                  &cache->record, &cache->body, NOW, *state),
                     APR_SUCCESS);
    assert_string_equal(found_at(&store, cache, "small", *state), "disk");
    memcached_server_start(server);
    di_key_make(&cache->key, "another");
    wait_until_used(cache, *state);
    assert_string_equal(found_at(&store, cache, "small", *state), "disk");
    assert_string_equal(found_at(&store, cache, "small", *state), "memcached");
}

/* ---- servers that talk nonsense ---- */

typedef struct {
    const char *answer;
    size_t bytes;
    int hangs_up;
} nonsense_t;

#define SAYS(text)                                                             \
    {                                                                          \
        text, sizeof(text) - 1, 0                                              \
    }
#define SAYS_AND_HANGS_UP(text)                                                \
    {                                                                          \
        text, sizeof(text) - 1, 1                                              \
    }

static const nonsense_t nonsense[] = {
    SAYS("\r\n"),
    SAYS("GARBAGE\r\n"),
    SAYS("garbage without an end"),
    SAYS_AND_HANGS_UP("garbage without an end"),
    SAYS_AND_HANGS_UP("HTTP/1.1 400 Bad Request\r\n\r\n"),
    SAYS("ERROR\r\n"),
    SAYS("SERVER_ERROR out of order\r\n"),
    SAYS("CLIENT_ERROR bad line\r\n"),
    SAYS("END\r\nEND\r\nEND\r\n"),
    SAYS("STORED\r\nSTORED\r\nSTORED\r\n"),
    SAYS("VALUE di:x 0 5\r\nhello\r\nEND\r\n"),
    SAYS("VALUE di:x 0 0\r\n\r\nEND\r\n"),
    SAYS("VALUE di:x 0 5\r\nhello, world\r\nEND\r\n"),
    SAYS_AND_HANGS_UP("VALUE di:x 0 5\r\nhel"),
    SAYS("VALUE di:x 0 9999999999\r\nmuch\r\nEND\r\n"),
    SAYS("12345678901234567890123\r\n"),
    SAYS("\n\n\n\n\n\n\n\n"),
    SAYS("\x81"),
    SAYS_AND_HANGS_UP("\x81\x0c\0\0\4\0\0\0\0\0\0"),
    /* A hit of 5 bytes; of 4 GB; of fewer bytes than its own flags. */
    SAYS("\x81\x0c\0\0\4\0\0\0\0\0\0\x09" ZEROS_12 "\0\0\0\0hello"),
    SAYS("\x81\x0c\0\0\4\0\0\0\xff\xff\xff\xff" ZEROS_12 "\0\0\0\0"),
    SAYS("\x81\x0c\0\0\4\0\0\0\0\0\0\0" ZEROS_12 "\0\0\0\0"),
    /* Cut in the middle of a value. */
    SAYS("\x81\x0c\0\0\4\0\0\0\0\0\x10\0" ZEROS_12 "\0\0\0\0hello"),
    SAYS_AND_HANGS_UP("\x81\x0c\0\0\4\0\0\0\0\0\x10\0" ZEROS_12
                      "\0\0\0\0hello"),
    /* A status and a command that do not exist. */
    SAYS("\x81\x0c\0\0\0\0\x77\x77\0\0\0\0" ZEROS_12),
    SAYS("\x81\x7f\0\0\0\0\0\0\0\0\0\0" ZEROS_12),
    /* The answer to a set, whatever was asked. */
    SAYS("\x81\x01\0\0\0\0\0\0\0\0\0\0" ZEROS_12),
};

static void nonsense_is_never_taken_for_a_picture(void **state)
{
    size_t i;
    int round;

    for (i = 0; i < sizeof(nonsense) / sizeof(*nonsense); i++) {
        fake_server_t *fake =
            fake_server_make(nonsense[i].answer, nonsense[i].bytes,
                             nonsense[i].hangs_up, *state);
        cache_t *cache = cache_at(fake->word, 50, *state);

        for (round = 0; round < 6; round++) {
            if (get(cache, *state) == APR_SUCCESS) {
                fail_msg("answer %zu was believed", i);
            }
            operate(cache, *state);
        }
        if (cache->counting.lines == 0) {
            fail_msg("answer %zu kept the server in use", i);
        }
    }
}

/* memcached's binary answer to a get.  Source: memcached's protocol_binary.h */
static size_t make_hit(char *out, const char *value, size_t bytes)
{
    static const char head[] =
        "\x81\x0c\0\0\4\0\0\0\0\0\0" ZEROS_12 "\0\0\0\0\0";

    memcpy(out, head, sizeof(head) - 1);
    out[11] = (char)(bytes + 4);
    memcpy(out + 28, value, bytes);
    return 28 + bytes;
}

static void
a_server_that_answers_with_anothers_entry_is_not_believed(void **state)
{
    char answer[200], record[150];
    cache_t *cache = cache_at("127.0.0.1:1", 0, *state);
    fake_server_t *fake;
    di_key_t other;
    size_t head;
    int i, reads;

    di_key_make(&other, "another picture");
    head = di_record_head_bytes(&other);
    cache->record.body_bytes = 4;
    di_record_format(record, &cache->record, di_record_crc(0, "body", 4),
                     &other);
    memcpy(record + head, "body", 4);
    fake =
        fake_server_make(answer, make_hit(answer, record, head + 4), 0, *state);

    cache = cache_at(fake->word, LONG_REST_MS, *state);
    /* The answer itself is sound. */
    cache->key = other;
    assert_int_equal(get(cache, *state), APR_SUCCESS);
    di_key_make(&cache->key, "one picture");
    for (i = 0; i < 10; i++) {
        assert_int_not_equal(get(cache, *state), APR_SUCCESS);
    }
    /* And soon it is not asked any more. */
    reads = atomic_load(&fake->reads);
    for (i = 0; i < 100; i++) {
        assert_int_not_equal(get(cache, *state), APR_SUCCESS);
    }
    assert_int_equal(atomic_load(&fake->reads), reads);
}

/* ---- values that are not as they were ---- */

/* Store bytes under the key's name, past the level. */
static void plant(const memcached_server_t *server, const di_key_t *key,
                  const char *data, size_t bytes, apr_pool_t *p)
{
    char *line = apr_psprintf(p, "set di:%s 0 0 %" APR_SIZE_T_FMT "\r\n",
                              key->hex, bytes);
    size_t used = strlen(line);
    char *request = apr_palloc(p, used + bytes + 2);

    memcpy(request, line, used);
    memcpy(request + used, data, bytes);
    memcpy(request + used + bytes, "\r\n", 2);
    assert_string_equal(
        memcached_server_ask(server, request, used + bytes + 2, p),
        "STORED\r\n");
}

static char *look_up(const memcached_server_t *server, const char *name,
                     apr_pool_t *p)
{
    char *request = apr_pstrcat(p, "get ", name, "\r\n", NULL);

    return memcached_server_ask(server, request, strlen(request), p);
}

static void a_damaged_value_is_a_miss_and_deleted(void **state)
{
    memcached_server_t *server = memcached_server_make(*state);
    cache_t *cache = cache_at(server->word, 0, *state);
    size_t head = di_record_head_bytes(&cache->key), bytes = head + 4, at;
    char *good = apr_palloc(*state, bytes), *bad;
    const char *name = apr_pstrcat(*state, "di:", cache->key.hex, NULL);
    /* The version, the body's first and last byte, and a length. */
    const size_t places[] = {4, head, bytes - 1, 60};

    cache->record.body_bytes = 4;
    di_record_format(good, &cache->record, di_record_crc(0, "body", 4),
                     &cache->key);
    memcpy(good + head, "body", 4);
    plant(server, &cache->key, good, bytes, *state);
    assert_int_equal(get(cache, *state), APR_SUCCESS);
    for (at = 0; at < sizeof(places) / sizeof(*places); at++) {
        bad = apr_pmemdup(*state, good, bytes);
        bad[places[at]] = (char)(bad[places[at]] ^ 1);
        plant(server, &cache->key, bad, bytes, *state);
        assert_int_equal(get(cache, *state), APR_NOTFOUND);
        assert_string_equal(look_up(server, name, *state), "END\r\n");
        /* Another version is no damage. */
        assert_int_equal(cache->counting.lines, at);
    }
    assert_non_null(strstr(cache->counting.last, "DI0405: "));
}

static void what_is_too_large_is_refused_and_harms_nobody(void **state)
{
    memcached_server_t *server = memcached_server_make(*state);
    const char *servers[] = {server->word, NULL};
    di_memcached_conf_t conf = {
        .servers = servers, .timeout_ms = 5000, .max_item_bytes = 20 << 20};
    cache_t *cache = cache_at(server->word, LONG_REST_MS, *state);
    char *large = apr_pcalloc(*state, 9 << 20);
    const char *name = apr_pstrcat(*state, "di:", cache->key.hex, NULL);
    int i;

    /* Above our own limit, head included: not even offered. */
    cache->body.data = large;
    cache->body.bytes = 1000000 - di_record_head_bytes(&cache->key) + 1;
    assert_int_equal(put(cache, *state), APR_ENOSPC);
    assert_string_equal(look_up(server, name, *state), "END\r\n");
    cache->body.bytes--;
    assert_int_equal(put(cache, *state), APR_SUCCESS);
    assert_int_equal(get(cache, *state), APR_SUCCESS);

    /* Above the server's own limit of 8 MB; no fault of the server. */
    assert_int_equal(
        di_memcached_make(&cache->level, &cache->shared, &conf, *state),
        APR_SUCCESS);
    for (i = 0; i < 6; i++) {
        cache->body.bytes = 9 << 20;
        assert_int_equal(put(cache, *state), APR_ENOSPC);
    }
    cache->body.bytes = 4;
    assert_int_equal(put(cache, *state), APR_SUCCESS);
    assert_int_equal(get(cache, *state), APR_SUCCESS);
}

/* memcached's own answer to "mg NAME t" is "HD t<seconds left>". */
static long seconds_left(const memcached_server_t *server, const char *name,
                         apr_pool_t *p)
{
    char *request = apr_pstrcat(p, "mg ", name, " t\r\n", NULL);
    char *answer = memcached_server_ask(server, request, strlen(request), p);

    assert_memory_equal(answer, "HD t", 4);
    return strtol(answer + 4, NULL, 10);
}

static void entries_expire_in_memcached_too(void **state)
{
    static const struct {
        apr_uint32_t ttl_s;
        int expires_s; /* of the record; 0: never */
        long least;
        long most;
    } cases[] = {
        {0, 0, -1, -1},
        {1000, 0, 900, 1000},
        {90 * 86400, 0, 90 * 86400 - 100, 90 * 86400 + 2},
        {0, 600, 500, 602},
        {100, 600, 50, 100},
        {1000, 600, 500, 602},
    };
    memcached_server_t *server = memcached_server_make(*state);
    const char *servers[] = {server->word, NULL};
    cache_t *cache = cache_at(server->word, 0, *state);
    const char *name = apr_pstrcat(*state, "di:", cache->key.hex, NULL);
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        di_memcached_conf_t conf = {.servers = servers,
                                    .timeout_ms = 5000,
                                    .max_item_bytes = 1000000,
                                    .ttl_s = cases[i].ttl_s};
        long left;

        assert_int_equal(
            di_memcached_make(&cache->level, &cache->shared, &conf, *state),
            APR_SUCCESS);
        cache->record.expires_at =
            cases[i].expires_s ? NOW + apr_time_from_sec(cases[i].expires_s)
                               : 0;
        assert_int_equal(put(cache, *state), APR_SUCCESS);
        left = seconds_left(server, name, *state);
        if (left < cases[i].least || left > cases[i].most) {
            fail_msg("case %zu: %ld s", i, left);
        }
    }
}

/* ---- leases over machines ---- */

static void one_machine_holds_a_lease_until_it_gives_it_back(void **state)
{
    memcached_server_t *server = memcached_server_make(*state);
    cache_t *here = cache_at(server->word, 0, *state);
    cache_t *there = cache_at(server->word, 0, *state);

    assert_int_equal(take(here), APR_SUCCESS);
    assert_int_equal(take(there), APR_EBUSY);
    release(there);
    assert_int_equal(take(there), APR_EBUSY);
    release(here);
    assert_int_equal(take(there), APR_SUCCESS);
    /* What expired here and was taken there is not ours to give back. */
    release(here);
    assert_int_equal(take(here), APR_EBUSY);
}

static void a_lease_expires_with_its_machine(void **state)
{
    memcached_server_t *server = memcached_server_make(*state);
    cache_t *cache = cache_at(server->word, 0, *state);
    const char *name = apr_pstrcat(*state, "di:l:", cache->key.hex, NULL);

    assert_int_equal(take(cache), APR_SUCCESS);
    assert_in_range(seconds_left(server, name, *state), 1, 60);
}

/* The local part keeps living processes of one machine apart. */
static void a_lease_of_a_dead_process_is_taken_over_by_its_machine(void **state)
{
    memcached_server_t *server = memcached_server_make(*state);
    cache_t *cache = cache_at(server->word, 0, *state);
    cache_t *stranger = cache_at(server->word, 0, *state);
    const char *name = apr_pstrcat(*state, "di:l:", cache->key.hex, NULL);
    const char *servers[] = {server->word, NULL};
    char token[DI_MEMCACHED_TOKEN_ROOM];
    di_memcached_conf_t conf = {.servers = servers,
                                .timeout_ms = 5000,
                                .max_item_bytes = 1000000,
                                .token = token};
    di_lease_shared_t *dead, *alive;

    assert_int_equal(di_memcached_token(token), APR_SUCCESS);
    di_memcached_make(&cache->level, &dead, &conf, *state);
    di_memcached_make(&cache->level, &alive, &conf, *state);
    assert_int_equal(dead->take(dead->self, &cache->key, 2), APR_SUCCESS);
    assert_int_equal(take(stranger), APR_EBUSY);
    assert_int_equal(alive->take(alive->self, &cache->key, 60), APR_SUCCESS);
    assert_in_range(seconds_left(server, name, *state), 3, 60);
    assert_int_equal(take(stranger), APR_EBUSY);
    alive->release(alive->self, &cache->key);
    assert_int_equal(take(stranger), APR_SUCCESS);
}

static void without_memcached_a_lease_is_this_machines(void **state)
{
    fake_server_t *fake = fake_server_make(NULL, 0, 0, *state);
    cache_t *cache = cache_at(fake->word, LONG_REST_MS, *state);
    di_leases_t *leases;
    di_lease_t *lease;
    int i;

    di_leases_make(&leases,
                   apr_pstrcat(*state, folder_make(*state), "/l", NULL), 60,
                   cache->shared, NULL, *state);
    for (i = 0; i < 20; i++) {
        assert_int_equal(di_lease_take(&lease, leases, &cache->key, *state),
                         APR_SUCCESS);
        assert_int_equal(di_lease_take(&lease, leases, &cache->key, *state),
                         APR_EBUSY);
        di_lease_release(lease);
    }
    assert_in_range(atomic_load(&fake->accepted), 1, 1);
}

/* ---- items ---- */

static apr_status_t item_get(cache_t *cache, const char **data,
                             apr_uint64_t *cas, apr_pool_t *p)
{
    apr_size_t bytes;
    apr_status_t rv =
        cache->item->get(cache->item->self, "di:item", data, &bytes, cas, p);

    *data = rv == APR_SUCCESS ? apr_pstrmemdup(p, *data, bytes) : NULL;
    return rv;
}

static apr_status_t item_put(cache_t *cache, const char *data, apr_uint64_t cas,
                             apr_pool_t *p)
{
    return cache->item->put(cache->item->self, "di:item", data, strlen(data),
                            cas, p);
}

static void an_item_is_changed_upon_what_was_read_only(void **state)
{
    memcached_server_t *server = memcached_server_make(*state);
    cache_t *here = patient_cache_at(server->word, *state);
    cache_t *there = patient_cache_at(server->word, *state);
    apr_uint64_t cas, old;
    const char *data;

    assert_int_equal(item_get(here, &data, &cas, *state), APR_NOTFOUND);
    assert_int_equal(item_put(here, "one", 0, *state), APR_SUCCESS);
    assert_int_equal(item_put(there, "two", 0, *state), APR_EBUSY);
    assert_int_equal(item_get(there, &data, &old, *state), APR_SUCCESS);
    assert_string_equal(data, "one");
    assert_true(old > 0);
    assert_int_equal(item_put(there, "one two", old, *state), APR_SUCCESS);
    assert_int_equal(item_put(here, "one three", old, *state), APR_EBUSY);
    assert_int_equal(item_get(here, &data, &cas, *state), APR_SUCCESS);
    assert_string_equal(data, "one two");
    /* Who read it before it was lost is told, too. */
    assert_int_equal(
        memcached_server_ask(server, "flush_all\r\n", 11, *state)[0], 'O');
    assert_int_equal(item_put(here, "one two three", cas, *state), APR_EBUSY);
    assert_int_equal(item_put(here, "", 0, *state), APR_SUCCESS);
    assert_int_equal(item_get(here, &data, &cas, *state), APR_SUCCESS);
    assert_string_equal(data, "");
}

#define ADDERS 4
#define ADDS 50

static void *add_often(void *baton)
{
    cache_t *cache = baton;
    int i;

    for (i = 0; i < ADDS; i++) {
        apr_uint64_t cas = 0;
        const char *data;
        apr_status_t rv;
        apr_pool_t *p;

        apr_pool_create(&p, NULL);
        do {
            rv = item_get(cache, &data, &cas, p);
            rv = item_put(cache,
                          apr_itoa(p, 1 + (rv == APR_SUCCESS ? atoi(data) : 0)),
                          rv == APR_SUCCESS ? cas : 0, p);
        } while (rv != APR_SUCCESS);
        apr_pool_destroy(p);
    }
    return NULL;
}

static void machines_lose_none_of_each_others_changes(void **state)
{
    memcached_server_t *server = memcached_server_make(*state);
    pthread_t thread[ADDERS];
    cache_t *cache = NULL;
    apr_uint64_t cas;
    const char *data;
    int i;

    for (i = 0; i < ADDERS; i++) {
        cache = patient_cache_at(server->word, *state);
        assert_int_equal(pthread_create(&thread[i], NULL, add_often, cache), 0);
    }
    for (i = 0; i < ADDERS; i++) {
        pthread_join(thread[i], NULL);
    }
    assert_int_equal(item_get(cache, &data, &cas, *state), APR_SUCCESS);
    assert_int_equal(atoi(data), ADDERS * ADDS);
}

static void items_have_names_that_memcached_takes(void **state)
{
    static const char *const bad[] = {
        "",
        "a b",
        "a\n",
        "a\x7f",
        "\xc3\xa4",
        "12345678901234567890123456789012345678901234567890123456789012345"};
    memcached_server_t *server = memcached_server_make(*state);
    cache_t *cache = patient_cache_at(server->word, *state);
    di_shared_item_t *item = cache->item;
    apr_size_t i, bytes;
    apr_uint64_t cas;
    const char *data;

    for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(
            item->get(item->self, bad[i], &data, &bytes, &cas, *state),
            APR_EINVAL);
        assert_int_equal(item->put(item->self, bad[i], "", 0, 0, *state),
                         APR_EINVAL);
    }
}

static void an_item_that_is_too_large_is_refused(void **state)
{
    memcached_server_t *server = memcached_server_make(*state);
    cache_t *cache = patient_cache_at(server->word, *state);
    di_shared_item_t *item = cache->item;

    assert_int_equal(item->put(item->self, "di:item",
                               apr_pcalloc(*state, 9 << 20), 9 << 20, 0,
                               *state),
                     APR_ENOSPC);
    assert_int_equal(item_put(cache, "small", 0, *state), APR_SUCCESS);
    assert_int_equal(cache->counting.lines, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(servers_are_named_by_host_and_port_or_path),
        UNIT(a_level_needs_servers_it_can_name),
        UNIT(a_socket_serves_as_well_as_a_port),
        UNIT(an_absent_server_is_out_of_order_and_told_once),
        UNIT(a_failing_server_is_left_alone),
        UNIT(after_its_rest_a_server_gets_one_probe),
        UNIT(a_slow_server_is_felt_once_by_all_processes),
        UNIT(a_black_hole_is_felt_once),
        UNIT(threads_at_once_meet_a_hung_server_once_each),
        UNIT(only_a_probe_brings_a_probed_server_back),
        UNIT(lists_of_another_order_share_each_servers_breaker),
        UNIT(a_lying_server_does_not_come_back),
        UNIT(a_stopped_server_costs_no_wrong_value_and_is_used_again),
        UNIT(a_restarted_server_is_used_again),
        UNIT(a_quick_restart_costs_one_miss),
        UNIT(threads_get_no_wrong_value_from_a_faltering_server),
        UNIT(the_other_servers_serve_on),
        UNIT(a_server_less_moves_its_own_share_only),
        UNIT(small_ones_go_to_memcached_and_large_ones_to_disk),
        UNIT(a_hit_on_disk_goes_to_memcached),
        UNIT(nonsense_is_never_taken_for_a_picture),
        UNIT(a_server_that_answers_with_anothers_entry_is_not_believed),
        UNIT(a_damaged_value_is_a_miss_and_deleted),
        UNIT(what_is_too_large_is_refused_and_harms_nobody),
        UNIT(entries_expire_in_memcached_too),
        UNIT(one_machine_holds_a_lease_until_it_gives_it_back),
        UNIT(a_lease_expires_with_its_machine),
        UNIT(a_lease_of_a_dead_process_is_taken_over_by_its_machine),
        UNIT(without_memcached_a_lease_is_this_machines),
        UNIT(an_item_is_changed_upon_what_was_read_only),
        UNIT(machines_lose_none_of_each_others_changes),
        UNIT(items_have_names_that_memcached_takes),
        UNIT(an_item_that_is_too_large_is_refused),
    };

    alarm(300);
    return UNIT_RUN(tests);
}
