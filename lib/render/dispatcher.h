/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dispatcher: the process that accepts callers, lets their jobs wait in
 * order (render/queue.h), and hands each to a renderer that is free, together
 * with the caller's connection.
 */
#ifndef DI_DISPATCHER_H
#define DI_DISPATCHER_H

#include <apr.h>

#include "render/poolcount.h"
#include "render/sandbox.h"

typedef struct {
    int listener; /* not blocking */
    int control;  /* socket: the manager sends those of new renderers, each
                     with a number; is told di_let_go_t; its end is ours */
    int ready;    /* is told how the start went, and closed */
    di_sandbox_t sandbox;
    int places;                 /* jobs that may wait */
    apr_uint32_t age_ms;        /* see render/queue.h */
    apr_uint32_t time_limit_ms; /* of any job */
    di_poolcount_t *counts;
} di_dispatcher_conf_t;

/* What the manager is told of a renderer that the dispatcher has let go: it
   should end by itself, but may be stuck, or no longer do as it was made. */
typedef struct {
    apr_uint32_t number; /* that came with its socket */
    apr_uint32_t late;   /* 1: it has had a job for too long */
} di_let_go_t;

/* Descriptors that a dispatcher with so many places may need, for
   di_sandbox_t. */
int di_dispatcher_files(int places);

/**
 * Be the dispatcher.  When the manager closes the control socket, or on
 * SIGTERM, SIGINT, SIGHUP: accept no more, have the jobs that wait rendered,
 * end.
 * @return the process's exit code
 */
int di_dispatcher_run(const di_dispatcher_conf_t *conf);

#endif
