/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flights: threads of one process that want the same rendition at the same
 * time go together.  The first one leads (it asks for the lease, waits for
 * other processes, renders); the others are woken when it has landed, and take
 * a copy of what it brought, whether or not a store kept it.
 *
 *     join ---nobody flies---> LEAD ----> land(result or nothing)
 *      |                                      |
 *      +--somebody does--> wait --result------+--> LANDED
 *                            |  --nothing--> join anew
 *                            +--time is up-----> LATE
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
    di_body_t body; /* each follower gets a handle with a position of its own,
                       or a copy in memory */
    int have;       /* 1: body is valid */
    int word[4];    /* the caller's own: reason and so on */
} di_landed_t;

typedef enum {
    DI_FLIGHT_LEAD,   /* *out is set: land it, whatever happens */
    DI_FLIGHT_LANDED, /* *landed is set, its body lives in p */
    DI_FLIGHT_LATE    /* the time is up */
} di_flight_e;

/**
 * @param pchild  must outlive every flight
 * @return APR_SUCCESS or APR_ENOMEM
 */
apr_status_t di_flights_make(di_flights_t **out, apr_pool_t *pchild);

/**
 * Join the flight of a key, or lead it.
 * @param out       for the leader; NULL (still to lead) when memory is short
 * @param flights   NULL: everybody leads (and *out is NULL)
 * @param key       must stay as it is until the leader has landed
 * @param wait_for  at most, for leaders in all; 0: lead, or be late at once
 */
di_flight_e di_flight_join(di_flight_t **out, di_landed_t *landed,
                           di_flights_t *flights, const di_key_t *key,
                           apr_interval_time_t wait_for, apr_pool_t *p);

/* For the leader: does somebody wait for its landing?  NULL flight: 0. */
int di_flight_is_joined(const di_flight_t *flight);

/**
 * The leader is done: wake the others.  NULL flight is fine.
 * @param landed  copied as far as somebody waits for it.  NULL: it brings
 *                nothing, and each follower joins anew, one of them leading
 */
void di_flight_land(di_flight_t *flight, const di_landed_t *landed);

#endif
