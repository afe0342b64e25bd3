/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flights: threads of one process that want the same rendition at the same time
 * go together.  The first one leads (it asks for the lease, waits for other
 * processes, renders); the others are woken when it has landed, and take a copy
 * of what it brought, whether or not a store kept it.
 *
 * A process-local table under one mutex that is never held across a render or
 * any other wait.  Followers' number is bounded by the process's threads.
 */
#ifndef DI_FLIGHT_H
#define DI_FLIGHT_H

#include "store/store.h"

typedef struct di_flights_t di_flights_t; /* per process; made after fork */
typedef struct di_flight_t di_flight_t;

/* What a leader brings; the meaning of the numbers is the caller's. */
typedef struct {
    di_record_t record;
    di_body_t body; /* a file of it is duplicated for each follower */
    int have;       /* 1: record and body are valid */
    int word[4];    /* the caller's own: reason and so on */
} di_landed_t;

typedef enum {
    DI_FLIGHT_LEAD,   /* *out is set: land it, whatever happens */
    DI_FLIGHT_LANDED, /* *landed is set, its body lives in p */
    DI_FLIGHT_LATE    /* the time is up, or the table is full */
} di_flight_e;

apr_status_t di_flights_make(di_flights_t **out, apr_pool_t *pchild);

/**
 * Join the flight of a key, or lead it.  Waits for a leader at most wait_for.
 * @param flights  NULL: everybody leads (and *out is NULL)
 */
di_flight_e di_flight_join(di_flight_t **out, di_landed_t *landed,
                           di_flights_t *flights, const di_key_t *key,
                           apr_interval_time_t wait_for, apr_pool_t *p);

/* The leader is done: wake the others.  NULL flight is fine.  @param landed
   NULL: it brings nothing, and each follower joins anew, one of them leading. */
void di_flight_land(di_flight_t *flight, const di_landed_t *landed);

#endif
