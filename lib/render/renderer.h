/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One renderer: a process that takes one job at a time from the listener.
 */
#ifndef DI_RENDERER_H
#define DI_RENDERER_H

#include <sys/types.h>

#include "render/sandbox.h"

/* What is written to conf->ready by a renderer that came up; any other text
   is the reason why it did not. */
#define DI_RENDERER_READY "ready"

typedef struct {
    int listener;  /* descriptor, not blocking */
    int ready;     /* descriptor: is told how the start went,
                      before any picture is seen, and closed */
    pid_t manager; /* the renderer ends with this process */
    di_sandbox_t sandbox;
    apr_uint32_t time_limit_ms; /* of any job */
} di_renderer_conf_t;

/**
 * Be a renderer until asked to stop (SIGTERM, SIGINT, SIGHUP), which takes
 * effect between two jobs.  A job that exceeds its time ends the process by
 * SIGALRM.
 * @return the process's exit code: 0 when it was asked to stop
 */
int di_renderer_run(const di_renderer_conf_t *conf);

#endif
