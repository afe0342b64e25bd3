/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of flights: a few chains under one mutex.
 *
 * A flight is in its chain until it lands.  It belongs to its leader until
 * then, and afterwards to the followers that were waiting: the last of them to
 * have its copy frees it.
 *
 * A file is handed over as a descriptor, and each follower opens that anew
 * through /proc: a duplicate would share its position with the others, and
 * httpd reads files by position wherever it does not use sendfile.
 */
#include "store/flight.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <apr_portable.h>
#include <apr_strings.h>

#define CHAINS 64

/* How a flight is. */
enum { FLYING, LANDED_EMPTY, LANDED_FULL };

struct di_flight_t {
    di_flights_t *flights;
    di_flight_t *next;   /* in the chain */
    const di_key_t *key; /* the leader's; while FLYING */
    pthread_cond_t news;
    int state;
    int waiting;        /* followers without their copy */
    di_landed_t landed; /* body.file is not used */
    int fd;             /* of the body; -1: none */
    apr_int32_t flags;  /* of the leader's file */
    char *data;         /* the body in memory; NULL: none */
};

struct di_flights_t {
    pthread_mutex_t mutex;
    pthread_condattr_t clock;
    di_flight_t *chain[CHAINS];
};

/* ---- the table; under the mutex ---- */

static di_flight_t **chain_of(di_flights_t *flights, const di_key_t *key)
{
    return &flights->chain[key->hash[0] % CHAINS];
}

static int is_same(const di_key_t *a, const di_key_t *b)
{
    return !memcmp(a->hash, b->hash, sizeof(a->hash)) &&
           a->text_len == b->text_len && !memcmp(a->text, b->text, a->text_len);
}

static di_flight_t *flight_of(di_flights_t *flights, const di_key_t *key)
{
    di_flight_t *flight = *chain_of(flights, key);

    while (flight && !is_same(flight->key, key)) {
        flight = flight->next;
    }
    return flight;
}

static di_flight_t *start(di_flights_t *flights, const di_key_t *key)
{
    di_flight_t **chain = chain_of(flights, key);
    di_flight_t *flight = calloc(1, sizeof(*flight));

    if (flight) {
        flight->flights = flights;
        flight->key = key;
        flight->fd = -1;
        flight->next = *chain;
        pthread_cond_init(&flight->news, &flights->clock);
        *chain = flight;
    }
    return flight;
}

static void unchain(di_flight_t *flight)
{
    di_flight_t **at = chain_of(flight->flights, flight->key);

    while (*at != flight) {
        at = &(*at)->next;
    }
    *at = flight->next;
}

static void drop(di_flight_t *flight)
{
    if (flight->fd >= 0) {
        close(flight->fd);
    }
    free(flight->data);
    pthread_cond_destroy(&flight->news);
    free(flight);
}

/* ---- a follower ---- */

static struct timespec deadline_after(apr_interval_time_t span)
{
    struct timespec at;
    apr_int64_t ns;

    clock_gettime(CLOCK_MONOTONIC, &at);
    ns = at.tv_nsec + span % APR_USEC_PER_SEC * 1000;
    at.tv_sec += (time_t)(span / APR_USEC_PER_SEC + ns / 1000000000);
    at.tv_nsec = (long)(ns % 1000000000);
    return at;
}

/* Read the body through the flight's descriptor, whose position stays. */
static int read_copy(di_body_t *body, const di_flight_t *flight, apr_pool_t *p)
{
    di_body_t from = flight->landed.body;
    apr_os_file_t fd = flight->fd;

    /* Without a cleanup: the descriptor stays the flight's. */
    return apr_os_file_put(&from.file, &fd, APR_FOPEN_READ, p) == APR_SUCCESS &&
           di_body_read(&body->data, &from, p) == APR_SUCCESS;
}

static int open_copy(di_body_t *body, const di_flight_t *flight, apr_pool_t *p)
{
    const char *path = apr_psprintf(p, "/proc/self/fd/%d", flight->fd);
    apr_int32_t flags = APR_FOPEN_READ | APR_FOPEN_BINARY |
                        (flight->flags & APR_FOPEN_SENDFILE_ENABLED);

    return apr_file_open(&body->file, path, flags, 0, p) == APR_SUCCESS;
}

/* Outside the mutex: what has landed does not change any more. */
static int take_copy(di_landed_t *out, const di_flight_t *flight, apr_pool_t *p)
{
    *out = flight->landed;
    if (!out->have) {
        return 1;
    }
    if (flight->data) {
        out->body.data =
            apr_pmemdup(p, flight->data, (apr_size_t)out->body.bytes);
        return 1;
    }
    if (open_copy(&out->body, flight, p)) {
        return 1;
    }
    out->body.file = NULL;
    out->body.offset = 0;
    return read_copy(&out->body, flight, p);
}

/* Wait for the landing.  The mutex is given up for the wait and the copy.
   @return 1 with a copy; 0: nothing was brought; -1: the time is up */
static int follow(di_landed_t *landed, di_flight_t *flight,
                  const struct timespec *until, apr_pool_t *p)
{
    pthread_mutex_t *mutex = &flight->flights->mutex;
    int got = -1, rv = 0;

    flight->waiting++;
    while (flight->state == FLYING && rv != ETIMEDOUT) {
        rv = pthread_cond_timedwait(&flight->news, mutex, until);
    }
    if (flight->state != FLYING) {
        got = 0;
    }
    if (flight->state == LANDED_FULL) {
        pthread_mutex_unlock(mutex);
        got = take_copy(landed, flight, p);
        pthread_mutex_lock(mutex);
    }
    if (--flight->waiting == 0 && flight->state != FLYING) {
        drop(flight);
    }
    return got;
}

di_flight_e di_flight_join(di_flight_t **out, di_landed_t *landed,
                           di_flights_t *flights, const di_key_t *key,
                           apr_interval_time_t wait_for, apr_pool_t *p)
{
    di_flight_e joined = DI_FLIGHT_LEAD;
    struct timespec until;
    di_flight_t *flight;
    int got = 0;

    *out = NULL;
    if (!flights) {
        return DI_FLIGHT_LEAD;
    }
    until = deadline_after(wait_for > 0 ? wait_for : 0);
    pthread_mutex_lock(&flights->mutex);
    while (got == 0 && (flight = flight_of(flights, key)) != NULL) {
        got = wait_for > 0 ? follow(landed, flight, &until, p) : -1;
    }
    if (got == 0) {
        *out = start(flights, key);
    }
    else {
        joined = got > 0 ? DI_FLIGHT_LANDED : DI_FLIGHT_LATE;
    }
    pthread_mutex_unlock(&flights->mutex);
    return joined;
}

/* ---- the leader ---- */

int di_flight_is_joined(const di_flight_t *flight)
{
    int joined;

    if (!flight) {
        return 0;
    }
    pthread_mutex_lock(&flight->flights->mutex);
    joined = flight->waiting > 0;
    pthread_mutex_unlock(&flight->flights->mutex);
    return joined;
}

/* Take over the body for those who wait; 0 when that cannot be done. */
static int load(di_flight_t *flight, const di_landed_t *landed)
{
    const di_body_t *body = &landed->body;
    apr_os_file_t fd;

    flight->landed = *landed;
    flight->landed.body.file = NULL;
    flight->landed.body.data = NULL;
    if (!landed->have) {
        return 1;
    }
    if (body->data) {
        flight->data = malloc((size_t)body->bytes + 1);
        if (flight->data) {
            memcpy(flight->data, body->data, (size_t)body->bytes);
        }
        return flight->data != NULL;
    }
    apr_os_file_get(&fd, body->file);
    flight->flags = apr_file_flags_get(body->file);
    flight->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return flight->fd >= 0;
}

/* The copy is made with the mutex given up: the flight is out of its chain, so
   nobody joins it any more, and who waits goes on waiting. */
void di_flight_land(di_flight_t *flight, const di_landed_t *landed)
{
    pthread_mutex_t *mutex;
    int full = 0;

    if (!flight) {
        return;
    }
    mutex = &flight->flights->mutex;
    pthread_mutex_lock(mutex);
    unchain(flight);
    flight->waiting++; /* itself: nobody else is the last one */
    if (landed && flight->waiting > 1) {
        pthread_mutex_unlock(mutex);
        full = load(flight, landed);
        pthread_mutex_lock(mutex);
    }
    flight->state = full ? LANDED_FULL : LANDED_EMPTY;
    if (--flight->waiting == 0) {
        drop(flight);
    }
    else {
        pthread_cond_broadcast(&flight->news);
    }
    pthread_mutex_unlock(mutex);
}

/* ---- its life ---- */

/* Without the mutex: a signal handler that ends the process (prefork's) may
   run this above the thread that holds it. */
static apr_status_t end(void *baton)
{
    di_flights_t *flights = baton;

    pthread_condattr_destroy(&flights->clock);
    pthread_mutex_destroy(&flights->mutex);
    return APR_SUCCESS;
}

apr_status_t di_flights_make(di_flights_t **out, apr_pool_t *pchild)
{
    di_flights_t *flights = apr_pcalloc(pchild, sizeof(*flights));

    if (pthread_mutex_init(&flights->mutex, NULL)) {
        return APR_ENOMEM;
    }
    pthread_condattr_init(&flights->clock);
    pthread_condattr_setclock(&flights->clock, CLOCK_MONOTONIC);
    apr_pool_cleanup_register(pchild, flights, end, apr_pool_cleanup_null);
    *out = flights;
    return APR_SUCCESS;
}
