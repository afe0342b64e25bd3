/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of one process that want the same key. */
#include "unit.h"

#include <apr_strings.h>
#include <apr_time.h>
#include <pthread.h>
#include <stdatomic.h>

#include "folder.h"
#include "store/flight.h"

#define CROWD 50
#define LONG apr_time_from_sec(60)

static di_key_t key_of(const char *text)
{
    di_key_t key;

    assert_int_equal(di_key_make(&key, text), APR_SUCCESS);
    return key;
}

static di_flights_t *flights_make(apr_pool_t *p)
{
    di_flights_t *flights;

    assert_int_equal(di_flights_make(&flights, p), APR_SUCCESS);
    return flights;
}

/* A body of so many bytes in a file, behind 7 others. */
static di_body_t body_in_file(apr_size_t bytes, apr_pool_t *p)
{
    di_body_t body = {.offset = 7, .bytes = bytes};
    char *path = apr_pstrcat(p, folder_make(p), "/body", NULL);
    char *data = apr_palloc(p, bytes);
    apr_size_t i;

    for (i = 0; i < bytes; i++) {
        data[i] = (char)(i * 31 >> 3);
    }
    assert_int_equal(
        apr_file_open(&body.file, path,
                      APR_FOPEN_CREATE | APR_FOPEN_READ | APR_FOPEN_WRITE,
                      APR_FPROT_OS_DEFAULT, p),
        APR_SUCCESS);
    apr_file_write_full(body.file, "1234567", 7, NULL);
    apr_file_write_full(body.file, data, bytes, NULL);
    return body;
}

/* Read as httpd does without sendfile: by the file's position, in pieces. */
static int is_body_by_position(const di_body_t *body)
{
    apr_off_t offset = body->offset;
    apr_uint64_t at = 0;
    char piece[512];

    if (apr_file_seek(body->file, APR_SET, &offset)) {
        return 0;
    }
    while (at < body->bytes) {
        apr_size_t len = sizeof(piece), i;

        if (apr_file_read(body->file, piece, &len)) {
            return 0;
        }
        for (i = 0; i < len; i++, at++) {
            if (piece[i] != (char)(at * 31 >> 3)) {
                return 0;
            }
        }
    }
    return 1;
}

/* ---- a crowd ---- */

typedef struct {
    di_flights_t *flights;
    const di_key_t *key;
    const di_landed_t *bring; /* what a leader lands */
    atomic_int *leaders, *landed, *late, *wrong;
    atomic_int *joining;
    int deserters; /* so many leaders bring nothing */
    apr_interval_time_t wait_for;
} crowd_t;

static void lead(const crowd_t *crowd, di_flight_t *flight)
{
    int number = atomic_fetch_add(crowd->leaders, 1);

    /* Until all the others are about to wait. */
    while (number == 0 && atomic_load(crowd->joining) < CROWD) {
        apr_sleep(1000);
    }
    if (number == 0) {
        apr_sleep(50000);
    }
    di_flight_land(flight, number < crowd->deserters ? NULL : crowd->bring);
    /* What it brought outlives the leader's own handle. */
    if (!crowd->deserters && crowd->bring->body.file) {
        apr_file_close(crowd->bring->body.file);
    }
}

static void *join(void *baton)
{
    const crowd_t *crowd = baton;
    di_landed_t landed;
    di_flight_t *flight;
    apr_pool_t *p;

    apr_pool_create(&p, NULL);
    atomic_fetch_add(crowd->joining, 1);
    switch (di_flight_join(&flight, &landed, crowd->flights, crowd->key,
                           crowd->wait_for, p)) {
    case DI_FLIGHT_LEAD:
        lead(crowd, flight);
        break;
    case DI_FLIGHT_LATE:
        atomic_fetch_add(crowd->late, 1);
        break;
    default:
        atomic_fetch_add(crowd->landed, 1);
        if (landed.word[0] != 17 || landed.have != crowd->bring->have ||
            (landed.body.file && !is_body_by_position(&landed.body)) ||
            (landed.body.data && memcmp(landed.body.data, "lent", 4))) {
            atomic_fetch_add(crowd->wrong, 1);
        }
    }
    apr_pool_destroy(p);
    return NULL;
}

typedef struct {
    atomic_int leaders, landed, late, wrong, joining;
} counts_t;

static void run_crowd(counts_t *counts, const di_landed_t *bring, int deserters,
                      apr_interval_time_t wait_for, apr_pool_t *p)
{
    di_key_t key = key_of("wanted");
    crowd_t crowd = {.flights = flights_make(p),
                     .key = &key,
                     .bring = bring,
                     .leaders = &counts->leaders,
                     .landed = &counts->landed,
                     .late = &counts->late,
                     .wrong = &counts->wrong,
                     .joining = &counts->joining,
                     .deserters = deserters,
                     .wait_for = wait_for};
    pthread_t thread[CROWD];
    int i;

    memset(counts, 0, sizeof(*counts));
    for (i = 0; i < CROWD; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, join, &crowd), 0);
    }
    for (i = 0; i < CROWD; i++) {
        pthread_join(thread[i], NULL);
    }
    assert_int_equal(counts->leaders + counts->landed + counts->late, CROWD);
    assert_int_equal(counts->wrong, 0);
}

static void of_50_threads_one_leads_and_all_get_what_it_brings(void **state)
{
    di_landed_t landed[] = {
        {.have = 1, .word = {17}}, /* in a file */
        {.have = 1, .word = {17}, .body = {.data = "lent", .bytes = 4}},
        {.have = 0, .word = {17}}, /* a verdict */
    };
    counts_t counts;
    size_t i;

    landed[0].body = body_in_file(100000, *state);
    for (i = 0; i < sizeof(landed) / sizeof(*landed); i++) {
        run_crowd(&counts, &landed[i], 0, LONG, *state);
        assert_int_equal(counts.leaders, 1);
        assert_int_equal(counts.late, 0);
    }
}

/* One after the other leads, until one of them brings something. */
static void a_leader_without_a_result_lets_a_follower_lead(void **state)
{
    di_landed_t landed = {.word = {17}};
    counts_t counts;

    run_crowd(&counts, &landed, 3, LONG, *state);
    assert_true(counts.leaders >= 4);
    assert_int_equal(counts.late, 0);
}

static void a_flight_is_over_when_it_has_landed(void **state)
{
    di_flights_t *flights = flights_make(*state);
    di_key_t key = key_of("wanted");
    di_flight_t *flight;
    di_landed_t landed;

    assert_int_equal(
        di_flight_join(&flight, &landed, flights, &key, LONG, *state),
        DI_FLIGHT_LEAD);
    assert_non_null(flight);
    di_flight_land(flight, NULL);
    /* Landed: the next one leads anew. */
    assert_int_equal(
        di_flight_join(&flight, &landed, flights, &key, LONG, *state),
        DI_FLIGHT_LEAD);
    di_flight_land(flight, NULL);
}

static void waiting_for_a_leader_is_bounded(void **state)
{
    di_flights_t *flights = flights_make(*state);
    di_key_t key = key_of("wanted"), other = key_of("other");
    di_flight_t *flight, *second;
    di_landed_t landed;
    apr_time_t start;

    assert_int_equal(
        di_flight_join(&flight, &landed, flights, &key, LONG, *state),
        DI_FLIGHT_LEAD);
    start = apr_time_now();
    assert_int_equal(
        di_flight_join(&second, &landed, flights, &key, 30000, *state),
        DI_FLIGHT_LATE);
    assert_true(apr_time_now() - start >= 20000);
    assert_null(second);
    assert_int_equal(di_flight_join(&second, &landed, flights, &key, 0, *state),
                     DI_FLIGHT_LATE);
    /* Another key is nobody's business. */
    assert_int_equal(
        di_flight_join(&second, &landed, flights, &other, 0, *state),
        DI_FLIGHT_LEAD);
    di_flight_land(second, NULL);
    di_flight_land(flight, NULL);
}

static void keys_of_one_hash_fly_apart(void **state)
{
    di_flights_t *flights = flights_make(*state);
    di_key_t key = key_of("one"), other = key_of("two");
    di_flight_t *flight, *second;
    di_landed_t landed;

    memcpy(other.hash, key.hash, sizeof(other.hash));
    assert_int_equal(di_flight_join(&flight, &landed, flights, &key, 0, *state),
                     DI_FLIGHT_LEAD);
    assert_int_equal(
        di_flight_join(&second, &landed, flights, &other, 0, *state),
        DI_FLIGHT_LEAD);
    di_flight_land(flight, NULL);
    di_flight_land(second, NULL);
}

static void without_flights_everybody_leads(void **state)
{
    di_key_t key = key_of("wanted");
    di_flight_t *flight;
    di_landed_t landed;

    assert_int_equal(di_flight_join(&flight, &landed, NULL, &key, LONG, *state),
                     DI_FLIGHT_LEAD);
    assert_null(flight);
    di_flight_land(flight, &landed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(of_50_threads_one_leads_and_all_get_what_it_brings),
        UNIT(a_leader_without_a_result_lets_a_follower_lead),
        UNIT(a_flight_is_over_when_it_has_landed),
        UNIT(waiting_for_a_leader_is_bounded),
        UNIT(keys_of_one_hash_fly_apart),
        UNIT(without_flights_everybody_leads),
    };

    return UNIT_RUN(tests);
}
