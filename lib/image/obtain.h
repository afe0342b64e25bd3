/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a rendition is obtained: store, else lease, else wait; render; keep.
 *
 *   store ---hit---------------------------------------------> rendition
 *     |miss                                                  | or verdict
 *     +--the client is slow and the render dear (hybrid):    |
 *     |  a smaller stored rendition, else a cheap one at once;
 *     |  the full one is made behind the answer (later.h)     |
 *     +--static: the nearest stored rendition, for a slow client a cheap one,
 *     |  else none; all of the original's are made behind    |
 *   flight --another thread leads--> take what it brings ----+
 *     |we lead                                               |
 *   lease ---held by another---> ask the store again,   -----+
 *     |ours                      until the time is up        |
 *   render --fine--> keep in the store ----------------------+
 *     |              (single: for a moment, for those who wait)
 *     |                                                      |
 *     +--the original's fault--> keep a verdict -------------+
 *     +--no renderer, queue full, too slow
 *          |
 *   nearest stored rendition of another tier; for a slow client a cheap one;
 *   else none (the caller sends the original)
 *
 * Everything with an effect comes in as a function, so the story is tested
 * without a server, a disk or a clock.
 */
#ifndef DI_OBTAIN_H
#define DI_OBTAIN_H

#include "base/log.h"
#include "image/mode.h"
#include "image/reason.h"
#include "image/variant.h"
#include "store/flight.h"
#include "store/lease.h"

/* Another tier's place beside a client's own. */
typedef enum { DI_NO_OTHER = 0, DI_OTHER_SMALLER, DI_OTHER_LARGER } di_other_e;

typedef struct di_wish_t di_wish_t;

typedef struct {
    /* Set *key to that of the i-th best other tier, from 0: smaller ones come
       first.  DI_NO_OTHER when there are no more. */
    di_other_e (*tier)(void *baton, di_key_t *key, int i);
    /* The cheap recipe and its key; 0 when the client cannot have it. */
    int (*quick)(void *baton, di_recipe_t *recipe, di_key_t *key);
    /* Make *wish one for the i-th of all renditions of the original that
       requests of this scope lead to, from 0; 0 when there are no more.  What
       else it says stays as it is.  NULL: nobody wishes them all. */
    int (*variant)(void *baton, di_wish_t *wish, int i);
} di_others_t;

struct di_wish_t {
    const di_original_t *original;
    const di_limits_t *limits;
    const di_recipe_t *recipe;
    unsigned formats;      /* set that the rendition may have */
    unsigned inputs;       /* set that the original may have */
    const di_key_t *key;   /* of original x recipe x formats */
    apr_uint32_t wait_ms;  /* bound on waiting for the rendition */
    apr_uint32_t urgency;  /* di_urgency_e */
    apr_uint32_t priority; /* of the tier, 0..9 */
    apr_uint64_t client;   /* see di_job_t */
    di_mode_e mode;
    /* A slow client: never the original because a cache was cold. */
    int slow;
    apr_uint32_t cold_wait_ms; /* slow: a render expected to take longer comes
                                  behind the answer; 0: none does */
    /* What stands in for the tier when it is not to be had (at once); asked
       for only then. */
    const di_others_t *others; /* NULL: nothing does */
    void *others_baton;
};

/* What obtaining needs of the world; one per process. */
typedef struct {
    const di_store_t *store;
    di_leases_t *leases;   /* NULL: every caller renders for itself */
    di_flights_t *flights; /* NULL: threads meet at the lease only */
    void *renderer;
    void (*render)(void *renderer, di_result_t *result, apr_file_t **out,
                   const di_job_t *job, apr_file_t *original, apr_pool_t *p);
    /* Expected wait for a free renderer, ms.  NULL: none. */
    apr_uint32_t (*backlog_ms)(void *renderer);
    /* Have a wish fulfilled behind the answer; never waits.  NULL: that is
       not to be had, and no answer is given that relies on it. */
    int (*later)(void *later_baton, const di_wish_t *wish);
    /* Ask the store for a key when its entry has expired at that time, so
       that this does not lie there for long.  NULL: nobody does. */
    void (*forget)(void *later_baton, const di_key_t *key, apr_time_t at);
    void *later_baton;
    /* Told of every job that was given to the renderers, whoever wished it and
       however it ended.  NULL: nobody wants to know. */
    void (*rendered)(void *rendered_baton, const di_wish_t *wish,
                     const di_result_t *result);
    void *rendered_baton;
    apr_time_t (*now)(void);
    apr_time_t (*steady)(void); /* never goes back: for waits */
    void (*pause)(apr_interval_time_t pause_for);
    const ds_log_t *log;
} di_world_t;

typedef struct {
    di_reason_e reason;
    int have;             /* 1: entry is a rendition to send */
    di_entry_t entry;     /* valid if have; lives in p */
    const char *cache;    /* "memory", "disk", "memcached"; "joined": another
                             thread's render or find; "miss", "none" */
    di_key_t key;         /* of the entry, valid if have */
    int passing;          /* 1: the next request may get another answer,
                             so nobody should keep this one */
    int kept;             /* 1: a level kept what was just rendered */
    apr_uint32_t took_ms; /* waiting and rendering; 0 for a hit */
} di_obtained_t;

/**
 * Obtain the rendition of a wish.  Returns within twice wish->wait_ms (waiting
 * for another's render, then an own one) and the store's own bounds; for a
 * slow client a cheap one's waits, each at most as long, may come before, and
 * 2 s after.
 * @param out  set in any case; without out->have the caller sends the
 *             original and gives out->reason
 * @param p    the rendition's file or memory lives here
 */
void di_obtain(di_obtained_t *out, const di_world_t *world,
               const di_wish_t *wish, apr_pool_t *p);

#endif
