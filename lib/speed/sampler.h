/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at connections while they deliver: one thread of each child process
 * reads TCP_INFO of every connection that is watched, finely where a rate is
 * wanted, coarsely where only the end of the delivery is.
 *
 *     request thread                       sampler thread
 *       sp_sampler_watch(...)  ---------->   every 10 ms or more:
 *                                              read, on_look(baton, ...)
 *       sp_sampler_forget(...) ---------->   never looks again
 *
 * The thread is started by the first watch and sleeps while there is none.
 * Bounds: SP_SAMPLER_MAX connections; a further one is not watched, which
 * costs its samples, no more.
 */
#ifndef SP_SAMPLER_H
#define SP_SAMPLER_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_time.h>

#include "speed/tcpinfo.h"

/* Connections watched at once by one process. */
#define SP_SAMPLER_MAX 4096

/* The thread looks no more often than this. */
#define SP_SAMPLER_PERIOD_FOR apr_time_from_msec(10)

typedef struct sp_sampler_t sp_sampler_t;

/**
 * One look, in the sampler's thread.  Must be quick, must not call the
 * sampler.
 * @param rv           of the read; on an error tcp is all zero
 * @param before, now  clock before and after the read
 * @return when to look next, from now; 0: no more
 */
typedef apr_interval_time_t (*sp_look_fn)(void *baton, apr_status_t rv,
                                          const sp_tcp_t *tcp,
                                          apr_time_t before, apr_time_t now);

/* A connection's place with the sampler; the caller's memory, zeroed. */
typedef struct {
    int fd;
    apr_uint32_t place; /* 0: not watched */
    apr_time_t due_at;
    sp_look_fn on_look;
    void *baton;
} sp_watch_t;

/**
 * Make a sampler in this process.
 * @param clock  apr_time_now, or a test's
 * @param read   sp_tcp_read, or a test's
 * @param hold_signals  1: signals are blocked while a request thread holds
 *        the mutex, as their handlers end the process from within it
 * @param p      lives as long as the process; its cleanup ends the thread
 */
apr_status_t sp_sampler_make(sp_sampler_t **out, apr_time_t (*clock)(void),
                             apr_status_t (*read)(sp_tcp_t *, int),
                             int hold_signals, apr_pool_t *p);

/**
 * Watch, or look sooner at what is watched already.
 * @param watch  fd, on_look and baton are set; stays valid until forgotten
 * @param after  time to the first look
 * @return 1, or 0 when there is no place, no thread, or sampler is NULL
 */
int sp_sampler_watch(sp_sampler_t *sampler, sp_watch_t *watch,
                     apr_interval_time_t after);

/* When this returns, no look at it is under way and none will come.  Bears
   what is not watched, and a NULL sampler. */
void sp_sampler_forget(sp_sampler_t *sampler, sp_watch_t *watch);

#endif
