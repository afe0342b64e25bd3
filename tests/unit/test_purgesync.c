/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <apr_strings.h>

#include "counting_log.h"
#include "store/purgesync.h"

#define NOW apr_time_from_sec(1700000000)

/* A memcached with one item, and somebody who may get in between. */
typedef struct {
    char data[DI_PURGES_EXPORT_MAX];
    apr_size_t bytes;
    apr_uint64_t cas; /* 0: there is none */
    apr_status_t broken;
    int gets, puts;
    void (*between)(void *baton); /* get and put, once */
    void *baton;
} cache_t;

static apr_status_t cache_get(void *self, const char *name, const char **data,
                              apr_size_t *bytes, apr_uint64_t *cas,
                              apr_pool_t *p)
{
    cache_t *cache = self;
    void (*between)(void *) = cache->between;

    assert_string_equal(name, "di:purges");
    cache->gets++;
    if (cache->broken) {
        return cache->broken;
    }
    *data = apr_pmemdup(p, cache->data, cache->bytes);
    *bytes = cache->bytes;
    *cas = cache->cas;
    cache->between = NULL;
    if (between) {
        between(cache->baton);
    }
    return *cas ? APR_SUCCESS : APR_NOTFOUND;
}

static apr_status_t cache_put(void *self, const char *name, const char *data,
                              apr_size_t bytes, apr_uint64_t cas,
                              apr_pool_t *ptemp)
{
    cache_t *cache = self;

    cache->puts++;
    if (cache->broken) {
        return cache->broken;
    }
    if (cas != cache->cas) {
        return APR_EBUSY;
    }
    assert_true(bytes <= sizeof(cache->data));
    memcpy(cache->data, data, bytes);
    cache->bytes = bytes;
    cache->cas = cache->cas + 1 + (apr_uint64_t)cache->puts;
    return APR_SUCCESS;
}

static cache_t *make_cache(apr_pool_t *p)
{
    return apr_pcalloc(p, sizeof(cache_t));
}

/* ---- machines ---- */

typedef struct {
    di_purges_t *purges;
    di_purgesync_t *sync;
    apr_pool_t *p;
} machine_t;

static machine_t make_machine(cache_t *cache, const ds_log_t *log,
                              apr_pool_t *p)
{
    di_shared_item_t item = {cache, cache_get, cache_put};
    machine_t machine = {
        .purges = di_purges_init(apr_pcalloc(p, di_purges_bytes())), .p = p};

    machine.sync = di_purgesync_make(machine.purges, &item, log, p);
    return machine;
}

static void turn(machine_t *machine)
{
    di_purgesync_run(machine->sync, NOW, machine->p);
}

static apr_uint64_t purge(machine_t *machine, const char *path)
{
    apr_uint64_t stamp = 0;

    assert_int_equal(di_purges_add(&stamp, machine->purges, "s", path, NOW),
                     APR_SUCCESS);
    return stamp;
}

static apr_uint64_t stamp_of(const machine_t *machine, const char *path)
{
    return di_purges_stamp(machine->purges, "s", path);
}

static void turn_of(void *machine)
{
    turn(machine);
}

/* ---- through memcached ---- */

static void a_purge_reaches_the_others_in_one_turn_each(void **state)
{
    cache_t *cache = make_cache(*state);
    counting_log_t log;
    machine_t a, b;
    apr_uint64_t stamp;

    counting_log_init(&log, DS_LOG_INFO);
    a = make_machine(cache, NULL, *state);
    b = make_machine(cache, &log.log, *state);
    turn(&a);
    turn(&b);
    assert_int_equal(cache->puts, 0);
    stamp = purge(&a, "/x/");
    turn(&a);
    turn(&b);
    assert_int_equal(cache->puts, 1);
    assert_int_equal(stamp_of(&b, "/x/y.jpg"), stamp);
    assert_int_equal(log.lines, 1);
    assert_non_null(strstr(log.last, "DI0430: 1 purges came from memcached"));
    stamp = purge(&b, "/x/y.jpg");
    turn(&b);
    turn(&a);
    assert_int_equal(stamp_of(&a, "/x/y.jpg"), stamp);
}

static void turns_without_news_write_and_say_nothing(void **state)
{
    cache_t *cache = make_cache(*state);
    counting_log_t log;
    machine_t a, b;
    int i;

    counting_log_init(&log, DS_LOG_INFO);
    a = make_machine(cache, &log.log, *state);
    b = make_machine(cache, NULL, *state);
    purge(&a, "/");
    for (i = 0; i < 20; i++) {
        turn(&a);
        turn(&b);
    }
    assert_int_equal(cache->puts, 1);
    assert_int_equal(cache->gets, 40);
    assert_int_equal(log.lines, 0);
}

/* Both have read the same item when both write. */
static void of_two_that_write_at_once_neither_is_lost(void **state)
{
    cache_t *cache = make_cache(*state);
    machine_t a = make_machine(cache, NULL, *state);
    machine_t b = make_machine(cache, NULL, *state);
    int round;

    for (round = 0; round < 2; round++) {
        apr_uint64_t of_a = purge(&a, "/a"), of_b = purge(&b, "/b");
        cache->between = turn_of;
        cache->baton = &b;
        turn(&a);
        turn(&b);
        assert_int_equal(stamp_of(&a, "/a"), of_a);
        assert_int_equal(stamp_of(&a, "/b"), of_b);
        assert_int_equal(stamp_of(&b, "/a"), of_a);
        assert_int_equal(stamp_of(&b, "/b"), of_b);
    }
}

static void purge_more(void *machine)
{
    purge(machine, "/later");
}

static void what_is_purged_during_a_turn_goes_with_the_next(void **state)
{
    cache_t *cache = make_cache(*state);
    machine_t a = make_machine(cache, NULL, *state);
    machine_t b = make_machine(cache, NULL, *state);

    purge(&b, "/b");
    turn(&b);
    cache->between = purge_more;
    cache->baton = &a;
    turn(&a);
    turn(&a);
    turn(&b);
    assert_int_equal(stamp_of(&b, "/later"), stamp_of(&a, "/later"));
    assert_true(stamp_of(&b, "/later") > 0);
}

static void a_memcached_that_forgot_is_told_again(void **state)
{
    cache_t *cache = make_cache(*state);
    machine_t a = make_machine(cache, NULL, *state), b;
    apr_uint64_t stamp = purge(&a, "/x");

    turn(&a);
    turn(&a);
    cache->cas = 0;
    turn(&a);
    assert_int_equal(cache->puts, 2);
    b = make_machine(cache, NULL, *state);
    turn(&b);
    assert_int_equal(stamp_of(&b, "/x"), stamp);
}

static void garbage_is_replaced_by_who_has_a_map_and_said_once(void **state)
{
    cache_t *cache = make_cache(*state);
    counting_log_t log;
    machine_t a, b;
    apr_uint64_t stamp;
    int i;

    counting_log_init(&log, DS_LOG_WARNING);
    a = make_machine(cache, &log.log, *state);
    b = make_machine(cache, NULL, *state);
    memset(cache->data, 'x', 100);
    cache->bytes = 100;
    for (i = 0; i < 5; i++) {
        cache->cas++;
        turn(&a);
    }
    assert_int_equal(log.lines, 1);
    assert_non_null(strstr(log.last, "DI0434"));
    assert_int_equal(cache->puts, 0);
    stamp = purge(&a, "/x");
    turn(&a);
    turn(&b);
    assert_int_equal(stamp_of(&b, "/x"), stamp);
}

static void
a_memcached_out_of_order_is_said_once_and_caught_up_with(void **state)
{
    cache_t *cache = make_cache(*state);
    counting_log_t log;
    machine_t a, b;
    apr_uint64_t stamp;
    int i;

    counting_log_init(&log, DS_LOG_INFO);
    a = make_machine(cache, &log.log, *state);
    b = make_machine(cache, NULL, *state);
    cache->broken = APR_TIMEUP;
    stamp = purge(&a, "/x");
    for (i = 0; i < 5; i++) {
        turn(&a);
    }
    assert_int_equal(log.lines, 1);
    assert_non_null(strstr(log.last, "DI0432"));
    assert_int_equal(cache->gets, 5);
    cache->broken = APR_SUCCESS;
    turn(&a);
    turn(&b);
    assert_int_equal(stamp_of(&b, "/x"), stamp);
    assert_int_equal(log.lines, 2);
    assert_non_null(strstr(log.last, "DI0433"));
}

static void win_again(void *baton)
{
    cache_t *cache = baton;

    cache->cas++;
    cache->between = win_again;
}

static void who_always_comes_second_gives_up_until_the_next_turn(void **state)
{
    cache_t *cache = make_cache(*state);
    machine_t a = make_machine(cache, NULL, *state);

    purge(&a, "/x");
    cache->between = win_again;
    cache->baton = cache;
    turn(&a);
    assert_in_range(cache->puts, 2, 10);
    cache->between = NULL;
    turn(&a);
    assert_int_equal(cache->data[0], 'D');
}

/* ---- by pulling ---- */

static const char *served;
static apr_size_t served_bytes;
static int served_status;
static ds_fetch_t asked;

static apr_status_t fake_fetch(ds_fetched_t *out, const char **error,
                               const ds_fetch_t *fetch, apr_pool_t *p)
{
    asked = *fetch;
    *error = "nobody is at home";
    *out = (ds_fetched_t){
        .status = served_status, .body = served, .bytes = served_bytes};
    return served_status ? APR_SUCCESS : APR_TIMEUP;
}

static void a_map_is_pulled_and_trouble_is_said_once(void **state)
{
    static const char *const urls[] = {"http://a.example/purges"};
    di_purgepull_conf_t conf = {urls, 1, "token", fake_fetch};
    machine_t far = make_machine(make_cache(*state), NULL, *state);
    machine_t near = make_machine(make_cache(*state), NULL, *state);
    counting_log_t log;
    di_purgepull_t *pull;
    apr_uint64_t stamp = purge(&far, "/x/");
    int i;

    static const struct {
        int status;
        const char *says;
    } troubles[] = {{0, "nobody is at home"},
                    {403, "token is refused"},
                    {500, "no success"},
                    {200, "no purge map"}};

    counting_log_init(&log, DS_LOG_INFO);
    pull = di_purgepull_make(near.purges, &conf, &log.log, *state);
    for (i = 0; i < 4; i++) {
        log.lines = 0;
        served = "nonsense";
        served_bytes = 8;
        served_status = troubles[i].status;
        di_purgepull_run(pull, NOW, *state);
        di_purgepull_run(pull, NOW, *state);
        assert_int_equal(log.lines, 1);
        assert_non_null(strstr(log.last, "DI0435"));
        assert_non_null(strstr(log.last, troubles[i].says));
        assert_int_equal(stamp_of(&near, "/x/y"), i ? stamp : 0);
        di_purges_export(&served, &served_bytes, far.purges, *state);
        served_status = 200;
        di_purgepull_run(pull, NOW, *state);
        di_purgepull_run(pull, NOW, *state);
        assert_non_null(strstr(log.last, "DI0436"));
        assert_int_equal(log.lines, i ? 2 : 3);
    }
    assert_string_equal(asked.url, urls[0]);
    assert_string_equal(asked.token, "token");
    assert_true(asked.timeout_ms > 0 && asked.max_bytes > 0);
    assert_int_equal(stamp_of(&near, "/x/y"), stamp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_purge_reaches_the_others_in_one_turn_each),
        UNIT(turns_without_news_write_and_say_nothing),
        UNIT(of_two_that_write_at_once_neither_is_lost),
        UNIT(what_is_purged_during_a_turn_goes_with_the_next),
        UNIT(a_memcached_that_forgot_is_told_again),
        UNIT(garbage_is_replaced_by_who_has_a_map_and_said_once),
        UNIT(a_memcached_out_of_order_is_said_once_and_caught_up_with),
        UNIT(who_always_comes_second_gives_up_until_the_next_turn),
        UNIT(a_map_is_pulled_and_trouble_is_said_once)};

    return UNIT_RUN(tests);
}
