/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manager: a process that keeps a dispatcher and N renderers alive.
 */
#ifndef DI_MANAGER_H
#define DI_MANAGER_H

#include <sys/types.h>

#include "base/log.h"
#include "render/poolcount.h"
#include "render/sandbox.h"

#define DI_MANAGER_RENDERERS_MAX 64

/* Callers at once that need not find a dispatcher which is that quick; whether
   there is a place for them it says itself. */
#define DI_MANAGER_BURST 64

typedef struct {
    int renderers;             /* 1..DI_MANAGER_RENDERERS_MAX */
    int listener;              /* descriptor, not blocking */
    pid_t parent;              /* the manager ends when this process does */
    apr_uint32_t delay_ms;     /* wait before anything else (back-off) */
    di_sandbox_t sandbox;      /* of the renderers; its user is the
                                  dispatcher's too */
    int queue;                 /* jobs that may wait */
    apr_uint32_t age_ms;       /* see render/queue.h */
    unsigned formats;          /* set: what may be decoded */
    apr_uint32_t recycle_jobs; /* see render/renderer.h */
    apr_uint64_t recycle_bytes;
    di_poolcount_t *counts;
    apr_uint32_t time_limit_ms; /* of any job */
    ds_log_level_e log_upto;    /* written to standard error */
} di_manager_conf_t;

/**
 * Turn a process that was just forked from httpd's parent into the manager.
 * Returns only into _exit().  On SIGTERM, SIGINT or SIGHUP the dispatcher is
 * told to stop when the jobs that wait are done, and the manager ends at once;
 * what is not gone when the time limit of a job is over is killed.
 */
void di_manager_run(const di_manager_conf_t *conf) __attribute__((noreturn));

#endif
