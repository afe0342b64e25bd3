/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jobs that wait for a renderer, and which one is next.  Pure: fixed
 * memory, time as an argument.
 *
 * Order: by urgency, but every age_ms that a job has waited since its client's
 * last one was taken lifts it by one urgency, up to the first; then clients in
 * turn (by jobs taken, then by jobs running, so that one page of a hundred
 * images does not delay another's first one); then the tier's priority, which
 * each age_ms lifts by one; then who came first.  So no job waits for ever.
 *
 * When there is no place, the new job pushes out the last in order if it comes
 * before that one, else it is refused; here the jobs of one client count one
 * behind another, so that whoever has most of them waiting gives way.
 */
#ifndef DI_QUEUE_H
#define DI_QUEUE_H

#include <apr.h>

#include "render/render.h"

typedef struct di_queue_t di_queue_t;

typedef struct {
    void *job;  /* the caller's; returned as given */
    apr_uint32_t urgency; /* di_urgency_e */
    apr_uint32_t priority;
    apr_uint64_t client; /* 0: each such job is a client of its own */
    apr_uint64_t deadline_us;
    apr_uint64_t arrived_us;
} di_waiting_t;

/* Most jobs that may wait. */
#define DI_QUEUE_PLACES_MAX 1024

/**
 * @param places  most jobs that wait, 1..DI_QUEUE_PLACES_MAX
 * @param age_ms  see above
 * @return NULL when memory is short; di_queue_free frees it
 */
di_queue_t *di_queue_make(unsigned places, apr_uint32_t age_ms);
void di_queue_free(di_queue_t *queue);

/**
 * @param out  set when a job has to be told that there is no place for it:
 *             the new one or one pushed out
 * @return 1 when *out was set
 */
int di_queue_add(di_queue_t *queue, di_waiting_t *out,
                 const di_waiting_t *waiting, apr_uint64_t now_us);

/* Take the next job; its client has one more running. 0: nothing waits. */
int di_queue_take(di_queue_t *queue, di_waiting_t *out, apr_uint64_t now_us);

/* The same among those for which somebody waits: by the urgency that they
   came with, whatever it has been lifted to. */
int di_queue_take_awaited(di_queue_t *queue, di_waiting_t *out,
                          apr_uint64_t now_us);

/* A job that was taken has ended. */
void di_queue_done(di_queue_t *queue, apr_uint64_t client);

/* Take any job whose deadline has passed.  0: there is none. */
int di_queue_expire(di_queue_t *queue, di_waiting_t *out, apr_uint64_t now_us);

/* Remove a job (its caller has hung up).  1 when it was there. */
int di_queue_remove(di_queue_t *queue, const void *job);

unsigned di_queue_count(const di_queue_t *queue);

#endif
