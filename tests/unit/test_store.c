/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every level promises, as one list of cases that runs over disk,
 * memcached and memory; then what the list of levels adds to that.
 */
#include "unit.h"

#include <pthread.h>

#include "counting_log.h"
#include "folder.h"
#include "level_memory.h"
#include "memcached_server.h"
#include "store/store_disk.h"
#include "store/store_memcached.h"
#include "store/store_memory.h"

#define NOW apr_time_now()

static di_key_t key_of(const char *text)
{
    di_key_t key;

    assert_int_equal(di_key_make(&key, text), APR_SUCCESS);
    return key;
}

static char *noise(apr_size_t bytes, apr_pool_t *p)
{
    char *data = apr_palloc(p, bytes + 1);
    apr_uint32_t x = 12345;
    apr_size_t i;

    for (i = 0; i < bytes; i++) {
        x = x * 1664525 + 1013904223;
        data[i] = (char)(x >> 24);
    }
    return data;
}

static di_body_t body_of(const char *data, apr_size_t bytes)
{
    return (di_body_t){.data = data, .bytes = bytes};
}

/* The same bytes in a file, behind 7 others. */
static di_body_t body_in_file(const char *data, apr_size_t bytes, apr_pool_t *p)
{
    di_body_t body = {.offset = 7, .bytes = bytes};
    char *path = apr_pstrcat(p, folder_make(p), "/body", NULL);

    assert_int_equal(
        apr_file_open(&body.file, path,
                      APR_FOPEN_CREATE | APR_FOPEN_READ | APR_FOPEN_WRITE,
                      APR_FPROT_OS_DEFAULT, p),
        APR_SUCCESS);
    apr_file_write_full(body.file, "1234567", 7, NULL);
    apr_file_write_full(body.file, data, bytes, NULL);
    return body;
}

static const di_record_t picture = {
    .format = 1,
    .width_px = 1632,
    .height_px = 1224,
    .render_us = 39123,
    .made_at = 1700000000123456,
    .source_bytes = 2184321,
};

/* By their bytes in a record: the structs have padding. */
static void assert_same_record(const di_record_t *a, const di_record_t *b)
{
    char one[DI_RECORD_FIXED_BYTES], two[DI_RECORD_FIXED_BYTES];
    di_key_t none = {.text = ""};

    di_record_format(one, a, 0, &none);
    di_record_format(two, b, 0, &none);
    assert_memory_equal(one, two, sizeof(one));
}

static void assert_holds(di_level_t *level, const di_key_t *key,
                         const di_record_t *record, const char *data,
                         apr_size_t bytes, apr_pool_t *p)
{
    di_record_t expected = *record;
    di_entry_t entry;
    const char *read;

    expected.body_bytes = bytes;
    assert_int_equal(level->get(level, &entry, key, NOW, p), APR_SUCCESS);
    assert_same_record(&entry.record, &expected);
    assert_string_equal(entry.level, level->name);
    assert_int_equal(entry.body.bytes, bytes);
    assert_int_equal(di_body_read(&read, &entry.body, p), APR_SUCCESS);
    if (bytes) {
        assert_memory_equal(read, data, bytes);
    }
}

static void assert_absent(di_level_t *level, const di_key_t *key,
                          apr_time_t now, apr_pool_t *p)
{
    di_entry_t entry;

    assert_int_equal(level->get(level, &entry, key, now, p), APR_NOTFOUND);
}

/* ---- cases for every level ---- */

static void bodies_of_all_sizes_come_back(di_level_t *level, apr_pool_t *p)
{
    static const apr_size_t sizes[] = {0,     1,     72,     4096,    16383,
                                       16384, 16385, 100000, 1048576, 2097152};
    char *data = noise(2097152, p);
    size_t i;

    for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        di_key_t key =
            key_of(apr_psprintf(p, "size=%" APR_SIZE_T_FMT "", sizes[i]));
        di_body_t body = body_of(data, sizes[i]);

        assert_int_equal(level->put(level, &key, &picture, &body, NOW, p),
                         APR_SUCCESS);
        assert_holds(level, &key, &picture, data, sizes[i], p);
        assert_holds(level, &key, &picture, data, sizes[i], p);
    }
}

static void a_body_may_be_given_in_a_file(di_level_t *level, apr_pool_t *p)
{
    char *data = noise(50000, p);
    di_body_t body = body_in_file(data, 50000, p);
    di_key_t key = key_of("from file");

    assert_int_equal(level->put(level, &key, &picture, &body, NOW, p),
                     APR_SUCCESS);
    assert_holds(level, &key, &picture, data, 50000, p);
}

static void a_body_that_ends_early_is_not_kept(di_level_t *level, apr_pool_t *p)
{
    di_body_t body = body_in_file(noise(50000, p), 50000, p);
    di_key_t key = key_of("short");

    body.bytes++;
    assert_int_equal(level->put(level, &key, &picture, &body, NOW, p), APR_EOF);
    assert_absent(level, &key, NOW, p);
}

static void the_longest_key_text_fits(di_level_t *level, apr_pool_t *p)
{
    char *text = apr_pcalloc(p, DI_KEY_TEXT_MAX + 1);
    di_body_t body = body_of("body", 4);
    di_key_t key;

    memset(text, 'k', DI_KEY_TEXT_MAX);
    key = key_of(text);
    assert_int_equal(level->put(level, &key, &picture, &body, NOW, p),
                     APR_SUCCESS);
    assert_holds(level, &key, &picture, "body", 4, p);
}

static void a_verdict_has_no_body(di_level_t *level, apr_pool_t *p)
{
    di_record_t verdict = {.verdict = 9,
                           .made_at = NOW,
                           .expires_at = NOW + apr_time_from_sec(600),
                           .source_bytes = 17};
    di_body_t body = body_of("not kept", 8);
    di_key_t key = key_of("verdict");

    assert_int_equal(level->put(level, &key, &verdict, NULL, NOW, p),
                     APR_SUCCESS);
    assert_holds(level, &key, &verdict, "", 0, p);
    assert_int_equal(level->put(level, &key, &verdict, &body, NOW, p),
                     APR_SUCCESS);
    assert_holds(level, &key, &verdict, "", 0, p);
}

static void what_was_never_put_is_not_found(di_level_t *level, apr_pool_t *p)
{
    di_key_t key = key_of("never put");

    assert_absent(level, &key, NOW, p);
}

static void another_key_of_the_same_hash_is_a_miss(di_level_t *level,
                                                   apr_pool_t *p)
{
    static const char *const others[] = {"otherwise", "shorter",
                                         "a good deal longer"};
    di_body_t body = body_of("secret", 6);
    size_t i;

    for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
        di_key_t key = key_of("collision"), other = key_of(others[i]);

        memcpy(other.hash, key.hash, sizeof(other.hash));
        memcpy(other.hex, key.hex, sizeof(other.hex));
        assert_int_equal(level->put(level, &other, &picture, &body, NOW, p),
                         APR_SUCCESS);
        assert_absent(level, &key, NOW, p);
        assert_int_equal(level->put(level, &key, &picture, &body, NOW, p),
                         APR_SUCCESS);
        assert_holds(level, &key, &picture, "secret", 6, p);
    }
}

static void a_later_put_wins(di_level_t *level, apr_pool_t *p)
{
    di_body_t first = body_of("first", 5), second = body_of("2nd", 3);
    di_key_t key = key_of("overwritten");
    di_record_t other = picture;

    other.width_px = 816;
    level->put(level, &key, &picture, &first, NOW, p);
    assert_int_equal(level->put(level, &key, &other, &second, NOW, p),
                     APR_SUCCESS);
    assert_holds(level, &key, &other, "2nd", 3, p);
}

typedef struct {
    apr_interval_time_t made_s;    /* relative to now */
    apr_interval_time_t expires_s; /* likewise; 0: never */
    apr_interval_time_t asked_s;   /* when it is asked for */
    int found;
} expiry_case_t;

static const expiry_case_t expiries[] = {
    {0, 0, 0, 1},
    {-400 * 86400, 0, 0, 1}, /* old, but for ever */
    {3650 * 86400, 0, 0, 1}, /* from the future, but for ever */
    {0, 100, 50, 1},
    {0, 100, 99, 1},
    {0, 100, 100, 0},
    {0, 100, 101, 0},
    {0, 100, 3650 * 86400, 0}, /* clock set ahead */
    {0, 100, -30, 1},          /* another machine's clock is ahead */
    {0, 100, -120, 0},         /* clock set back */
    {2 * 86400, 2 * 86400 + 100, 0, 0},
};

static void expiring_entries_live_for_their_span(di_level_t *level,
                                                 apr_pool_t *p)
{
    apr_time_t now = NOW;
    size_t i;

    for (i = 0; i < sizeof(expiries) / sizeof(*expiries); i++) {
        const expiry_case_t *c = &expiries[i];
        di_record_t record = {.verdict = 3};
        di_key_t key = key_of(apr_psprintf(p, "expiry %" APR_SIZE_T_FMT "", i));
        apr_time_t at = now + apr_time_from_sec(c->asked_s);
        di_entry_t entry;

        record.made_at = now + apr_time_from_sec(c->made_s);
        if (c->expires_s) {
            record.expires_at = now + apr_time_from_sec(c->expires_s);
        }
        assert_int_equal(level->put(level, &key, &record, NULL, now, p), 0);
        if (level->get(level, &entry, &key, at, p) !=
            (c->found ? APR_SUCCESS : APR_NOTFOUND)) {
            fail_msg("expiry case %zu", i);
        }
        /* What was refused once is gone, and does not come back. */
        if (!c->found) {
            assert_absent(level, &key, now + apr_time_from_sec(50), p);
        }
    }
}

#define RACERS 4
#define ROUNDS 150

typedef struct {
    di_level_t *level;
    int number;
    int torn;
    int failed;
} racer_t;

/* A body of one letter, whose count is the letter's number times 5000. */
static int is_torn(const di_entry_t *entry, apr_pool_t *p)
{
    const char *data;
    apr_uint64_t i;

    if (di_body_read(&data, &entry->body, p) != APR_SUCCESS ||
        entry->body.bytes != (apr_uint64_t)(data[0] - '0') * 5000 ||
        entry->record.width_px != (apr_uint32_t)(data[0] - '0')) {
        return 1;
    }
    for (i = 0; i < entry->body.bytes && data[i] == data[0]; i++) {
    }
    return i != entry->body.bytes;
}

static void *race(void *baton)
{
    racer_t *racer = baton;
    di_record_t record = picture;
    char data[RACERS * 5000];
    di_key_t key;
    int round;

    di_key_make(&key, "raced for");
    record.width_px = (apr_uint32_t)racer->number;
    memset(data, '0' + racer->number, sizeof(data));
    for (round = 0; round < ROUNDS; round++) {
        di_body_t body = body_of(data, 5000 * (apr_size_t)racer->number);
        di_entry_t entry;
        apr_status_t rv;
        apr_pool_t *p;

        apr_pool_create(&p, NULL);
        do { /* on a busy machine others may be faster for long */
            rv = racer->level->put(racer->level, &key, &record, &body, NOW, p);
        } while (APR_STATUS_IS_EBUSY(rv));
        racer->failed += rv != APR_SUCCESS;
        if (racer->level->get(racer->level, &entry, &key, NOW, p) ==
            APR_SUCCESS) {
            racer->torn += is_torn(&entry, p);
        }
        else {
            racer->failed++;
        }
        apr_pool_destroy(p);
    }
    return NULL;
}

static void racing_puts_and_gets_are_never_torn(di_level_t *level,
                                                apr_pool_t *p)
{
    pthread_t thread[RACERS];
    racer_t racer[RACERS];
    int i;

    for (i = 0; i < RACERS; i++) {
        racer[i] = (racer_t){.level = level, .number = i + 1};
        assert_int_equal(pthread_create(&thread[i], NULL, race, &racer[i]), 0);
    }
    for (i = 0; i < RACERS; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(racer[i].torn, 0);
        assert_int_equal(racer[i].failed, 0);
    }
}

typedef void (*level_case_t)(di_level_t *level, apr_pool_t *p);

static const level_case_t level_cases[] = {
    bodies_of_all_sizes_come_back,
    a_body_may_be_given_in_a_file,
    a_body_that_ends_early_is_not_kept,
    the_longest_key_text_fits,
    a_verdict_has_no_body,
    what_was_never_put_is_not_found,
    another_key_of_the_same_hash_is_a_miss,
    a_later_put_wins,
    expiring_entries_live_for_their_span,
    racing_puts_and_gets_are_never_torn,
};

static void run_level_cases(di_level_t *level, apr_pool_t *p)
{
    size_t i;

    for (i = 0; i < sizeof(level_cases) / sizeof(*level_cases); i++) {
        level_cases[i](level, p);
    }
}

static void disk_keeps_what_a_level_promises(void **state)
{
    di_disk_conf_t conf = {.root = folder_make(*state)};
    di_level_t *level;

    assert_int_equal(di_disk_make(&level, &conf, *state), APR_SUCCESS);
    run_level_cases(level, *state);
}

static void memcached_keeps_what_a_level_promises(void **state)
{
    memcached_server_t *server = memcached_server_make(*state);
    const char *servers[] = {server->word, NULL};
    /* Not the production limit: this machine may be busy with other tests. */
    di_memcached_conf_t conf = {
        .servers = servers, .timeout_ms = 5000, .max_item_bytes = 4 << 20};
    di_lease_shared_t *shared;
    di_level_t *level;

    assert_int_equal(di_memcached_make(&level, &shared, &conf, *state),
                     APR_SUCCESS);
    run_level_cases(level, *state);
}

static void memory_keeps_what_a_level_promises(void **state)
{
    di_memory_conf_t conf = {.max_bytes = 64 << 20, .max_item_bytes = 4 << 20};
    di_level_t *level;

    assert_int_equal(di_memory_make(&level, &conf, *state), APR_SUCCESS);
    run_level_cases(level, *state);
}

static void the_tests_own_level_keeps_it_too(void **state)
{
    run_level_cases(&memory_level_make("memory", *state)->level, *state);
}

/* ---- the list of levels ---- */

typedef struct {
    memory_level_t *level[3];
    di_store_t store;
} three_t;

static void three_make(three_t *out, apr_pool_t *p)
{
    static const char *const names[] = {"first", "second", "third"};
    int i;

    out->store.keep_first = 0;
    out->store.count = 3;
    for (i = 0; i < 3; i++) {
        out->level[i] = memory_level_make(names[i], p);
        out->store.level[i] = &out->level[i]->level;
    }
}

static void a_hit_of_a_later_level_fills_the_earlier(void **state)
{
    di_body_t body = body_of("body", 4);
    di_key_t key = key_of("promoted");
    di_entry_t entry;
    three_t three;

    three_make(&three, *state);
    memory_put(&three.level[2]->level, &key, &picture, &body, NOW, *state);
    assert_int_equal(di_store_get(&three.store, &entry, &key, NOW, *state),
                     APR_SUCCESS);
    assert_string_equal(entry.level, "third");
    assert_holds(&three.level[0]->level, &key, &picture, "body", 4, *state);
    assert_holds(&three.level[1]->level, &key, &picture, "body", 4, *state);
    assert_int_equal(di_store_get(&three.store, &entry, &key, NOW, *state),
                     APR_SUCCESS);
    assert_string_equal(entry.level, "first");
}

static void a_level_out_of_order_is_passed_over(void **state)
{
    di_body_t body = body_of("body", 4);
    di_key_t key = key_of("passed over");
    di_entry_t entry;
    three_t three;

    three_make(&three, *state);
    three.level[0]->get_rv = APR_TIMEUP;
    memory_put(&three.level[1]->level, &key, &picture, &body, NOW, *state);
    assert_int_equal(di_store_get(&three.store, &entry, &key, NOW, *state),
                     APR_SUCCESS);
    assert_string_equal(entry.level, "second");
    /* It is not bothered with a put either, and the third was not asked. */
    assert_int_equal(three.level[0]->puts, 0);
    assert_int_equal(three.level[2]->gets, 0);
}

static int offers;

static apr_status_t refuse_offer(di_level_t *level, const di_key_t *key,
                                 const di_record_t *record,
                                 const di_body_t *body, apr_time_t now,
                                 apr_pool_t *ptemp)
{
    offers++;
    return APR_EBUSY;
}

static void a_hit_of_a_later_level_is_offered_where_that_is_asked(void **state)
{
    di_body_t body = body_of("body", 4);
    di_key_t key = key_of("offered");
    di_entry_t entry;
    three_t three;

    three_make(&three, *state);
    three.level[0]->level.offer = refuse_offer;
    memory_put(&three.level[1]->level, &key, &picture, &body, NOW, *state);
    offers = 0;
    assert_int_equal(di_store_get(&three.store, &entry, &key, NOW, *state),
                     APR_SUCCESS);
    assert_int_equal(offers, 1);
    assert_int_equal(three.level[0]->puts, 0);
    assert_int_equal(di_store_put(&three.store, DI_KEEP_ALL, &key, &picture,
                                  &body, NOW, *state),
                     APR_SUCCESS);
    assert_int_equal(offers, 1);
    assert_int_equal(three.level[0]->puts, 1);
}

static void nothing_anywhere_is_not_found(void **state)
{
    di_key_t key = key_of("nowhere");
    di_store_t empty = {.count = 0};
    di_entry_t entry;
    three_t three;

    three_make(&three, *state);
    three.level[1]->get_rv = APR_EGENERAL;
    assert_int_equal(di_store_get(&three.store, &entry, &key, NOW, *state),
                     APR_NOTFOUND);
    assert_int_equal(di_store_get(&empty, &entry, &key, NOW, *state),
                     APR_NOTFOUND);
}

static void a_put_goes_to_all_levels(void **state)
{
    di_body_t body = body_of("body", 4);
    di_key_t key = key_of("put");
    di_store_t empty = {.count = 0};
    three_t three;

    three_make(&three, *state);
    three.level[1]->put_rv = APR_ENOSPC;
    assert_int_equal(di_store_put(&three.store, DI_KEEP_ALL, &key, &picture,
                                  &body, NOW, *state),
                     APR_SUCCESS);
    assert_holds(&three.level[0]->level, &key, &picture, "body", 4, *state);
    assert_holds(&three.level[2]->level, &key, &picture, "body", 4, *state);

    three.level[0]->put_rv = APR_TIMEUP;
    three.level[2]->put_rv = APR_EGENERAL;
    assert_int_equal(di_store_put(&three.store, DI_KEEP_ALL, &key, &picture,
                                  &body, NOW, *state),
                     APR_TIMEUP);
    assert_int_equal(
        di_store_put(&empty, DI_KEEP_ALL, &key, &picture, &body, NOW, *state),
        APR_ENOSPC);
}

static void keys_are_named_by_the_hash_of_their_text(void **state)
{
    char *text = apr_pcalloc(*state, DI_KEY_TEXT_MAX + 2);
    di_key_t key = key_of("abc");

    assert_string_equal(key.hex, "ba7816bf8f01cfea414140de5dae2223");
    assert_int_equal(key.hash[0], 0xba);
    assert_int_equal(key.text_len, 3);
    memset(text, 'k', DI_KEY_TEXT_MAX + 1);
    assert_int_equal(di_key_make(&key, text), APR_ENAMETOOLONG);
}

static void parts_of_a_body_are_read_within_its_bounds(void **state)
{
    di_body_t bodies[] = {body_of("0123456789", 10),
                          body_in_file("0123456789", 10, *state)};
    char part[11] = "";
    int i;

    for (i = 0; i < 2; i++) {
        assert_int_equal(di_body_copy(part, &bodies[i], 3, 4), APR_SUCCESS);
        assert_memory_equal(part, "3456", 4);
        assert_int_equal(di_body_copy(part, &bodies[i], 10, 0), APR_SUCCESS);
        assert_int_equal(di_body_copy(part, &bodies[i], 7, 4), APR_EOF);
        assert_int_equal(di_body_copy(part, &bodies[i], 11, 0), APR_EOF);
        assert_int_equal(di_body_copy(part, &bodies[i], UINT64_MAX, 2),
                         APR_EOF);
    }
}

/* Small ones go here and large ones there, and a copy to the process itself. */
static void the_first_level_that_others_see_is_enough(void **state)
{
    di_body_t body = body_of("body", 4);
    di_key_t key = key_of("kept once");
    three_t three;

    three_make(&three, *state);
    three.store.keep_first = 1;
    three.level[0]->level.alone = 1;
    assert_int_equal(di_store_put(&three.store, DI_KEEP_ALL, &key, &picture,
                                  &body, NOW, *state),
                     APR_SUCCESS);
    assert_int_equal(three.level[0]->puts, 1);
    assert_int_equal(three.level[1]->puts, 1);
    assert_int_equal(three.level[2]->puts, 0);
    three.level[1]->put_rv = APR_ENOSPC;
    assert_int_equal(di_store_put(&three.store, DI_KEEP_ALL, &key, &picture,
                                  &body, NOW, *state),
                     APR_SUCCESS);
    assert_int_equal(three.level[2]->puts, 1);
}

static void what_passes_is_not_put_where_things_last(void **state)
{
    di_body_t body = body_of("body", 4);
    di_key_t key = key_of("passing");
    three_t three;

    three_make(&three, *state);
    three.level[1]->level.lasting = 1;
    assert_int_equal(di_store_put(&three.store, DI_KEEP_PASSING, &key, &picture,
                                  &body, NOW, *state),
                     APR_SUCCESS);
    assert_int_equal(three.level[0]->puts, 1);
    assert_int_equal(three.level[1]->puts, 0);
    assert_int_equal(three.level[2]->puts, 1);
}

/* A hit of what passes copies it to other caches, never to where it would have
   to be deleted; so does a hit of what has an end for another reason. */
static void a_hit_of_what_passes_is_not_put_where_things_last(void **state)
{
    di_body_t body = body_of("body", 4);
    di_key_t key = key_of("passing");
    di_record_t passing = picture;
    di_entry_t entry;
    three_t three;

    three_make(&three, *state);
    three.level[1]->level.lasting = 1;
    passing.expires_at = NOW + apr_time_from_sec(60);
    three.level[2]->level.put(&three.level[2]->level, &key, &passing, &body,
                              NOW, *state);
    assert_int_equal(di_store_get(&three.store, &entry, &key, NOW, *state),
                     APR_SUCCESS);
    assert_int_equal(three.level[0]->puts, 1);
    assert_int_equal(three.level[1]->puts, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(disk_keeps_what_a_level_promises),
        UNIT(memcached_keeps_what_a_level_promises),
        UNIT(memory_keeps_what_a_level_promises),
        UNIT(the_tests_own_level_keeps_it_too),
        UNIT(a_hit_of_a_later_level_fills_the_earlier),
        UNIT(a_level_out_of_order_is_passed_over),
        UNIT(a_hit_of_a_later_level_is_offered_where_that_is_asked),
        UNIT(nothing_anywhere_is_not_found),
        UNIT(a_put_goes_to_all_levels),
        UNIT(keys_are_named_by_the_hash_of_their_text),
        UNIT(parts_of_a_body_are_read_within_its_bounds),
        UNIT(the_first_level_that_others_see_is_enough),
        UNIT(what_passes_is_not_put_where_things_last),
        UNIT(a_hit_of_what_passes_is_not_put_where_things_last),
    };

    alarm(300);
    return UNIT_RUN(tests);
}
