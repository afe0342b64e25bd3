/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One renderer: a process that takes one job at a time from the dispatcher.
 */
#ifndef DI_RENDERER_H
#define DI_RENDERER_H

#include <sys/types.h>

#include "render/sandbox.h"

/* What a renderer says to the dispatcher, one byte a message: that it is free
   for a job, and that it is free but would rather be replaced.  The latter is
   let go by closing its socket. */
#define DI_RENDERER_FREE 'f'
#define DI_RENDERER_WORN 'w'

/* Exit codes of a renderer that ended as it should. */
enum { DI_RENDERER_LET_GO = 0, DI_RENDERER_RECYCLED = 10 };

typedef struct {
    int dispatcher; /* socket: jobs come from there; its end is ours */
    int ready;      /* descriptor: is told how the start went,
                       before any picture is seen, and closed */
    di_sandbox_t sandbox;
    unsigned formats;           /* set: what may be decoded */
    apr_uint32_t time_limit_ms; /* of any job */
    apr_uint32_t recycle_jobs;  /* worn after so many; 0: never */
    apr_uint64_t recycle_bytes; /* worn when it holds so much more memory
                                   than at its start; 0: never */
} di_renderer_conf_t;

/**
 * Be a renderer until the dispatcher closes the socket, which takes effect
 * between two jobs.  A job that exceeds its time ends the process by SIGALRM.
 * @return the process's exit code
 */
int di_renderer_run(const di_renderer_conf_t *conf);

#endif
