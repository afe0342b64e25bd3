/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens in the render pool, counted in one page of shared memory that
 * httpd's parent maps for its whole life: written by the dispatcher and the
 * manager, read by httpd's children, out of reach for renderers.  No lock:
 * each number stands for itself.
 */
#ifndef DI_POOLCOUNT_H
#define DI_POOLCOUNT_H

#include <stdatomic.h>

#include <apr.h>

typedef enum {
    /* Now; written by the dispatcher that accepts. */
    DI_POOL_WAITING,
    DI_POOL_RUNNING,
    DI_POOL_ALIVE,   /* renderers that are free or at a job */
    DI_POOL_HOPE_US, /* on the monotonic clock: until then it is worth while to
                        wait for one although none is alive */
    /* Since the parent was started. */
    DI_POOL_TAKEN,      /* jobs out of the queue, for a renderer */
    DI_POOL_REFUSED,    /* no place in the queue, or no renderer */
    DI_POOL_PUSHED_OUT, /* by a job that goes first */
    DI_POOL_EXPIRED,    /* too little time was left for it */
    DI_POOL_HUNG_UP,    /* its caller went away before */
    DI_POOL_DIED,       /* renderers, of their work */
    DI_POOL_TIMED_OUT,  /* renderers, ended by their timer */
    DI_POOL_RECYCLED,   /* renderers */
    DI_POOL_DISPATCHERS_DIED,
    DI_POOL_WAIT_US, /* sum over the jobs taken */
    DI_POOL_BUSY_US, /* sum over renderers and jobs that have ended */
    DI_POOL_END
} di_pool_count_e;

typedef struct {
    _Atomic apr_uint64_t count[DI_POOL_END];
} di_poolcount_t;

static inline void di_poolcount_add(di_poolcount_t *counts,
                                    di_pool_count_e which, apr_uint64_t number)
{
    (void)atomic_fetch_add_explicit(&counts->count[which], number,
                                    memory_order_relaxed);
}

static inline void di_poolcount_set(di_poolcount_t *counts,
                                    di_pool_count_e which, apr_uint64_t number)
{
    atomic_store_explicit(&counts->count[which], number, memory_order_relaxed);
}

static inline apr_uint64_t di_poolcount_get(di_poolcount_t *counts,
                                            di_pool_count_e which)
{
    return atomic_load_explicit(&counts->count[which], memory_order_relaxed);
}

/* After the last renderer is gone.  One that dies young is started again after
   a second (render/restart.h), and then has to start its libraries. */
#define DI_POOL_HOPE_MS 3000

/* After a start, which may be that of a whole machine (ours). */
#define DI_POOL_START_MS 10000

static inline void di_poolcount_hope(di_poolcount_t *counts,
                                     apr_uint64_t now_us, apr_uint32_t span_ms)
{
    di_poolcount_set(counts, DI_POOL_HOPE_US,
                     now_us + (apr_uint64_t)span_ms * 1000);
}

/* So many renderers are alive. */
static inline void di_poolcount_alive(di_poolcount_t *counts,
                                      apr_uint64_t count, apr_uint64_t now_us)
{
    if (count || di_poolcount_get(counts, DI_POOL_ALIVE)) {
        di_poolcount_hope(counts, now_us, DI_POOL_HOPE_MS);
    }
    di_poolcount_set(counts, DI_POOL_ALIVE, count);
}

/* No renderer is alive, nor has been for a while: nobody should wait. */
static inline int di_poolcount_is_hopeless(di_poolcount_t *counts,
                                           apr_uint64_t now_us)
{
    return !di_poolcount_get(counts, DI_POOL_ALIVE) &&
           di_poolcount_get(counts, DI_POOL_HOPE_US) < now_us;
}

#endif
