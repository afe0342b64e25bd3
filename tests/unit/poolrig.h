/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real render pool for tests: this process stands for httpd's parent,
 * children that it forks for httpd's children.  It adopts every orphan, so
 * that at the end of each test it can wait until no process of the pool is
 * left.
 */
#ifndef POOLRIG_H
#define POOLRIG_H

#include "unit.h"

#include <sys/types.h>

#include <apr_file_io.h>

#include "pictures.h"
#include "render/workers.h"

#define RIG_NOBODY 65534
#define RIG_WAIT_STEPS 4000 /* of 5 ms */

/* cmocka's skip() prints "not ok # SKIP", which prove counts as a failure. */
#define NOT_TRIED                                                              \
    do {                                                                       \
        print_message("# not tried here: %s\n", __func__);                     \
        return;                                                                \
    } while (0)

typedef struct {
    apr_pool_t *p;
    apr_pool_t *pconf; /* one for all tests, as in httpd */
    di_workers_t *workers;
    di_workers_conf_t conf;
} rig_t;

/* Once, before any test. */
void rig_init(void);

/* Settings that a test may change before it starts the pool. */
rig_t rig_make(apr_pool_t *p, int renderers);
void rig_start(rig_t *rig);

/* Clear pconf, and wait until every process of the pool has ended. */
void rig_end(rig_t *rig);
void rig_wait_for_all(void);

/* What di_workers_parent_start is given; see rig_server_stops. */
int rig_stopping(void);
void rig_server_stops(int stops);

/* ---- processes ---- */

void rig_pause_ms(long span_ms);

/* 0: there is none. */
pid_t rig_manager(void);
pid_t rig_dispatcher(void);

/* Wait until dispatcher and all renderers run; out gets the latter. */
void rig_find_renderers(pid_t *out, int count);

void rig_wait_for_end(pid_t pid);

/* As httpd's parent does now and then: start a manager that died again. */
void rig_maintain(void);

/* A number from /proc/PID/status, or -1. */
long rig_status_field(pid_t pid, const char *name);

/* Whether a process holds what one of our descriptors leads to. */
int rig_holds(pid_t pid, int ours);

/* ---- jobs ---- */

/* A JPEG may be rendered, without any limit that matters. */
extern const di_job_t rig_job;

/* Bytes as an open file whose name is gone; its offset is 3. */
apr_file_t *rig_file(const void *bytes, apr_size_t len, apr_pool_t *p);
apr_file_t *rig_line(const char *line, apr_pool_t *p);

di_render_status_e rig_render(di_result_t *result, picture_t *out, rig_t *rig,
                              const di_job_t *job, apr_file_t *original);

/* The same for a line of fake_compose.c; the status alone. */
di_render_status_e rig_obey(rig_t *rig, const char *line);

/**
 * Render in a child of httpd: www-data, say.  Its exit code is the status of
 * the first job that did not end as wanted, else DI_RENDER_OK.
 * @param number  set to the number in the last rendition of fake_compose.c, in
 *                shared memory; NULL: not wanted
 */
pid_t rig_fork_caller(rig_t *rig, const di_job_t *job, apr_file_t *original,
                      int jobs, volatile int *number);

/* Its exit code; -1: it was killed. */
int rig_outcome(pid_t caller);

/* Wait until so many jobs are in the queue, or in renderers. */
void rig_wait_for_waiting(const rig_t *rig, unsigned count);
void rig_wait_for_running(const rig_t *rig, unsigned count);

/* Wait until so many renderers are alive. */
void rig_wait_for_alive(const rig_t *rig, unsigned count);

di_workers_stats_t rig_stats(const rig_t *rig);

#endif
