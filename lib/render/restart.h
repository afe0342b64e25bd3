/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a process that died is started again.  Pure.
 */
#ifndef DI_RESTART_H
#define DI_RESTART_H

#include <apr.h>

/* A start that fails this often in a row is tried slowly from then on. */
#define DI_RESTART_FAILURES_MAX 5

/* One process that is kept alive.  Begins as all zero. */
typedef struct {
    int failures; /* starts in a row that came to nothing */
} di_restart_t;

/* How a process ended. */
typedef enum {
    DI_RESTART_UNREADY = 0, /* before it had come up */
    DI_RESTART_DIED,        /* of its work */
    DI_RESTART_ENDED        /* as it should: it had come up, and was done */
} di_restart_e;

/**
 * Note an end.
 * @param lived_ms  since it was started
 * @return ms to wait before the next start: 0 after DI_RESTART_ENDED or a
 *         life of 1 s or more, 1000 after a shorter one, 30000 once the start
 * itself failed DI_RESTART_FAILURES_MAX times in a row
 */
apr_uint32_t di_restart_delay_ms(di_restart_t *restart, di_restart_e how,
                                 apr_uint64_t lived_ms);

#endif
