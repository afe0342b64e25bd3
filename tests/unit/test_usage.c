/* SPDX-License-Identifier: Apache-2.0 */
/* The table of uses: what it knows, and what it forgets when it is crowded. */
#include "unit.h"

#include <pthread.h>
#include <unistd.h>

#include "store/usage.h"

#define NOW (1700000000 * APR_INT64_C(1000000))
#define SECOND APR_INT64_C(1000000)

typedef struct {
    unsigned char hash[DI_KEY_HASH_BYTES];
} name_t;

static di_usage_t *usage_make(apr_pool_t *p)
{
    return di_usage_init(apr_pcalloc(p, di_usage_bytes()));
}

/* Spread as hashes are. */
static name_t name_of(apr_uint64_t number)
{
    name_t out;
    int i;

    for (i = 0; i < DI_KEY_HASH_BYTES; i++) {
        number = number * 6364136223846793005u + 1442695040888963407u;
        out.hash[i] = (unsigned char)(number >> 56);
    }
    return out;
}

/* In one and the same set of four places. */
static name_t crowded_name(int number)
{
    name_t out = {{(unsigned char)(number + 1)}};

    return out;
}

static void assert_use(const di_usage_t *usage, name_t name,
                       apr_uint32_t requests, apr_time_t used_at)
{
    di_use_t use = di_usage_get(usage, name.hash);

    assert_int_equal(use.requests, requests);
    assert_true(use.used_at == used_at);
}

static void notes_count_and_the_last_one_stays(void **state)
{
    di_usage_t *usage = usage_make(*state);
    name_t name = name_of(1);

    assert_use(usage, name, 0, 0);
    di_usage_note(usage, name.hash, NOW);
    assert_use(usage, name, 1, NOW);
    di_usage_note(usage, name.hash, NOW + SECOND);
    di_usage_note(usage, name.hash, NOW + 2 * SECOND);
    assert_use(usage, name, 3, NOW + 2 * SECOND);
    assert_use(usage, name_of(2), 0, 0);
    di_usage_reset(usage, name.hash, NOW + 3 * SECOND);
    assert_use(usage, name, 0, NOW + 3 * SECOND);
}

static void a_hash_of_zeros_is_a_name_as_any(void **state)
{
    di_usage_t *usage = usage_make(*state);
    name_t zeros = {{0}};

    assert_use(usage, zeros, 0, 0);
    di_usage_note(usage, zeros.hash, NOW);
    assert_use(usage, zeros, 1, NOW);
}

static void nothing_is_kept_without_a_table(void **state)
{
    name_t name = name_of(1);

    di_usage_note(NULL, name.hash, NOW);
    di_usage_reset(NULL, name.hash, NOW);
    assert_use(NULL, name, 0, 0);
}

/* 20,000 names on 262,144 places: chance gives no set more than four. */
static void a_table_that_is_not_crowded_is_exact(void **state)
{
    di_usage_t *usage = usage_make(*state);
    apr_uint32_t i, round;

    for (round = 1; round <= 3; round++) {
        for (i = 0; i < 20000; i++) {
            di_usage_note(usage, name_of(i).hash, NOW + i * SECOND);
        }
    }
    for (i = 0; i < 20000; i++) {
        assert_use(usage, name_of(i), 3, NOW + i * SECOND);
    }
}

static void in_a_crowd_the_longest_unused_is_forgotten(void **state)
{
    di_usage_t *usage = usage_make(*state);
    int i;

    for (i = 0; i < 4; i++) {
        di_usage_note(usage, crowded_name(i).hash, NOW + i * SECOND);
    }
    di_usage_note(usage, crowded_name(0).hash, NOW + 10 * SECOND);
    di_usage_note(usage, crowded_name(4).hash, NOW + 11 * SECOND);
    assert_use(usage, crowded_name(0), 2, NOW + 10 * SECOND);
    assert_use(usage, crowded_name(1), 0, 0);
    assert_use(usage, crowded_name(2), 1, NOW + 2 * SECOND);
    assert_use(usage, crowded_name(4), 1, NOW + 11 * SECOND);
    di_usage_note(usage, crowded_name(1).hash, NOW + 12 * SECOND);
    assert_use(usage, crowded_name(1), 1, NOW + 12 * SECOND);
    assert_use(usage, crowded_name(2), 0, 0);
}

/* Noted while the clock was wrong: the first to be forgotten. */
static void a_use_in_the_far_future_is_forgotten_first(void **state)
{
    di_usage_t *usage = usage_make(*state);
    int i;

    for (i = 0; i < 4; i++) {
        di_usage_note(usage, crowded_name(i).hash,
                      i == 2 ? NOW + 2 * 86400 * SECOND : NOW);
    }
    di_usage_note(usage, crowded_name(4).hash, NOW);
    assert_use(usage, crowded_name(2), 0, 0);
    assert_use(usage, crowded_name(0), 1, NOW);
}

static void many_requests_stay_at_the_greatest_number(void **state)
{
    di_usage_t *usage = usage_make(*state);
    name_t name = name_of(1);
    apr_uint32_t i, most = (1 << 22) - 1;

    for (i = 0; i < most + 10; i++) {
        di_usage_note(usage, name.hash, NOW);
    }
    assert_use(usage, name, most, NOW);
}

static void what_was_known_outlives_a_start(void **state)
{
    void *mem = apr_pcalloc(*state, di_usage_bytes());
    name_t name = name_of(1);

    di_usage_note(di_usage_init(mem), name.hash, NOW);
    assert_use(di_usage_init(mem), name, 1, NOW);
    memset(mem, 0x55, di_usage_bytes());
    assert_use(di_usage_init(mem), name, 0, 0);
}

static void *note_many(void *usage)
{
    int i;

    for (i = 0; i < 100000; i++) {
        di_usage_note(usage, crowded_name(i % 6).hash, NOW + i);
        di_usage_get(usage, crowded_name(i % 6).hash);
    }
    return NULL;
}

/* For the sanitizers; and no name ends with a use that nobody noted. */
static void threads_may_note_at_the_same_time(void **state)
{
    di_usage_t *usage = usage_make(*state);
    pthread_t threads[4];
    int i;

    for (i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, note_many, usage),
                         0);
    }
    for (i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    for (i = 0; i < 6; i++) {
        di_use_t use = di_usage_get(usage, crowded_name(i).hash);

        assert_true(use.requests <= 400000);
        assert_true(!use.used_at ||
                    (use.used_at >= NOW && use.used_at < NOW + 100000));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(notes_count_and_the_last_one_stays),
        UNIT(a_hash_of_zeros_is_a_name_as_any),
        UNIT(nothing_is_kept_without_a_table),
        UNIT(a_table_that_is_not_crowded_is_exact),
        UNIT(in_a_crowd_the_longest_unused_is_forgotten),
        UNIT(a_use_in_the_far_future_is_forgotten_first),
        UNIT(many_requests_stay_at_the_greatest_number),
        UNIT(what_was_known_outlives_a_start),
        UNIT(threads_may_note_at_the_same_time),
    };

    alarm(300);
    return UNIT_RUN(tests);
}
