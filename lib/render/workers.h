/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The render pool: processes that were forked before any request came, hold
 * no right but to read one descriptor and to write one memory file, and are
 * replaced when they die, or are worn.
 *
 *   httpd parent --fork--> manager --fork--> dispatcher, renderer x N
 *   httpd child  --connect, job + original-->  dispatcher
 *                  dispatcher --the same + the connection-->  renderer
 *   httpd child  <--result + sealed memfd--  renderer
 *
 * One job per connection; jobs wait in the dispatcher (render/queue.h).  Names
 * tell who calls: _parent_ in httpd's parent (root), _child_ in httpd's
 * children, from any thread.
 */
#ifndef DI_WORKERS_H
#define DI_WORKERS_H

#include <apr_errno.h>
#include <apr_file_io.h>
#include <apr_pools.h>

#include "base/log.h"
#include "render/render.h"

typedef struct {
    int renderers;              /* processes, 1..64 */
    int queue;                  /* jobs that may wait, 1..1024 */
    apr_uint32_t age_ms;        /* wait that lifts a job by one urgency */
    unsigned formats;           /* set: what may be decoded, of
                                   DI_FORMATS_IN */
    apr_uint32_t recycle_jobs;  /* a renderer is replaced after so many;
                                   0: never */
    apr_uint64_t recycle_bytes; /* ... when it holds so much more memory
                                   than at its start; 0: never */
    apr_uint64_t memory_bytes;  /* that one renderer may allocate */
    const char *user;           /* name or #uid that all these run as when
                                   the parent is root; else ignored */
    apr_uint32_t time_limit_ms; /* hard limit for any job; the kernel's timer
                                   ends a renderer that exceeds it */
    const ds_log_t *log;        /* used in the parent; the manager writes
                                   lines to standard error, up to its
                                   level; lives as long as pconf */
} di_workers_conf_t;

typedef struct di_workers_t di_workers_t;

/**
 * Open the listener, and map a page of counters.  Both outlive configuration
 * pools, so that a graceful restart drops no waiting job: call once per life of
 * the parent, and keep the result where it survives the module's being loaded
 * anew (process pool's user data).  Only processes forked later, which inherit
 * the descriptors, can reach the listener; /proc must be mounted for them.
 * @param pprocess  s->process->pool
 */
apr_status_t di_workers_parent_make(di_workers_t **out, apr_pool_t *pprocess);

/**
 * Fork the manager and its processes with these settings, and keep them
 * running: a manager that dies is started again, with back-off; when it cannot
 * be forked then, di_workers_parent_maintain tries again.  They end
 * when pconf is cleared: accept no more, finish all jobs that they have, exit.
 * @param stopping  called in the parent; non-zero when the server is going
 *                  down, so that a dead manager is not replaced
 * @return APR_EINVAL for settings out of range, a user that is root or, when
 *         the parent is root, none; APR_ENOENT for an unknown user; else
 *         what the system said.  Whatever fails, callers are told
 *         DI_RENDER_NO_POOL
 */
apr_status_t di_workers_parent_start(di_workers_t *workers,
                                     const di_workers_conf_t *conf,
                                     int (*stopping)(void), apr_pool_t *pconf);

/**
 * To be called now and then: start a manager that could not be forked when the
 * one before had died.
 * @param workers  NULL: nothing happens
 */
void di_workers_parent_maintain(di_workers_t *workers);

/**
 * Render one original; waits for a free renderer and for the render.  When
 * none has been alive for some seconds it does not wait, nor does who waits
 * then: DI_RENDER_NO_POOL.
 * @param result    result->status says how it ended, always set
 * @param out       on DI_RENDER_OK the rendition: a sealed memory file of
 *                  result->bytes bytes, open for reading at its start, with
 *                  an offset that nobody shares; closed with p.  Else NULL
 * @param job       time_limit_ms bounds the whole call, waiting included
 * @param original  open for reading; its offset is left as it was
 * DI_RENDER_DIED and DI_RENDER_TIMEOUT say that a renderer was at this very
 * picture, the latter for most of the job's time: a job that is lost before one
 * has begun it is sent again, one whose time ends too early for that is
 * DI_RENDER_NOT_BEGUN, and one that the dispatcher can no longer have begun
 * in time DI_RENDER_BUSY.
 */
void di_workers_child_render(di_workers_t *workers, di_result_t *result,
                             apr_file_t **out, const di_job_t *job,
                             apr_file_t *original, apr_pool_t *p);

/* What the pool does and did; counts since the parent was started. */
typedef struct {
    apr_uint64_t waiting;    /* now */
    apr_uint64_t running;    /* now */
    apr_uint64_t alive;      /* renderers, now: free or at a job */
    apr_uint64_t taken;      /* jobs out of the queue, for a renderer */
    apr_uint64_t refused;    /* no place in the queue, or no renderer */
    apr_uint64_t pushed_out; /* of the queue, by a job that goes first */
    apr_uint64_t expired;    /* in the queue */
    apr_uint64_t hung_up;    /* callers, while their job was in the queue */
    apr_uint64_t died;       /* renderers, of their work */
    apr_uint64_t timed_out;  /* renderers, ended by their timer */
    apr_uint64_t recycled;   /* renderers, worn and replaced */
    apr_uint64_t dispatchers_died;
    apr_uint64_t wait_us;   /* sum over the jobs taken */
    apr_uint64_t busy_us;   /* sum over renderers and jobs that have ended */
    apr_uint64_t renderers; /* there should be */
} di_workers_stats_t;

/**
 * Read the counters; each is right for itself.  All 0 when workers is NULL.
 */
void di_workers_child_stats(di_workers_stats_t *out,
                            const di_workers_t *workers);

#endif
