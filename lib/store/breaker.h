/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A circuit breaker for one server: when it fails it is left alone until a
 * probe was answered.
 *
 *             1 time-out, or 4 errors within 30 s
 *     closed ------------------------------------> open
 *        ^                                           | somebody probes it, or
 *        |                                           | rest_for has passed: one
 *        |            the probe was answered         v caller may try
 *        +---------------------------------------- probe
 *                                                    | not answered, or never
 *                                                    | reported: open again
 *
 * One time-out is enough, as each that more would take is felt by a visitor;
 * an error costs nothing, and a server that is started anew makes a few.
 * libmemcached has nothing that serves: it never gives up on a server that
 * accepts connections and does not answer (seen with 1.1.4).
 *
 * All threads of a process share one struct, and so may processes; nothing is
 * locked and no call enters the kernel.  A struct of zeros is a closed breaker.
 *
 * Processes find a server's breaker in a table by the server's name, because
 * children of two configurations have different lists.
 */
#ifndef DI_BREAKER_H
#define DI_BREAKER_H

#include <stdatomic.h>
#include <stdint.h>

#include <apr_time.h>

/* Breakers of a table.  At least twice the servers of a configuration, and two
   more configurations' while children of those before end. */
#define DI_BREAKERS 256

#define DI_BREAKER_ERRORS 4
#define DI_BREAKER_WINDOW_FOR apr_time_from_sec(30)
#define DI_BREAKER_REST_FOR apr_time_from_sec(5)

typedef struct {
    _Atomic int64_t open_until; /* us; 0 = closed */
    _Atomic uint64_t failures;  /* breaker.c draws it */
    _Atomic uint64_t openings;  /* how often it was opened; never goes back */
    _Atomic uint64_t owner; /* in a table: hash of a server's name; 0: free */
} di_breaker_t;

typedef enum {
    DI_BREAKER_TIMEOUT, /* no answer in time */
    DI_BREAKER_ERROR    /* refused, reset, or an answer that makes no
                           sense, soon */
} di_breaker_failure_e;

/**
 * The breaker of a server, which is its own as long as a table is not asked for
 * more than DI_BREAKERS of them between two starts.
 * @param table  DI_BREAKERS of them, zeros at first
 */
di_breaker_t *di_breaker_of(di_breaker_t *table, const char *server);

/* At a start: close all; places of servers of long ago become free.  Other
   processes may be at work with them. */
void di_breakers_clear(di_breaker_t *table);

/* Is the server left alone? */
int di_breaker_is_open(const di_breaker_t *breaker);

/**
 * May the server be asked now?  Of many callers that ask when the rest is
 * over one is told yes.
 * @param now  of a clock that never goes back, us, above 0
 * @return 1 or 0; after a 1 the caller reports succeeded or failed
 */
int di_breaker_allows(di_breaker_t *breaker, apr_time_t now,
                      apr_interval_time_t rest_for);

/**
 * The server answered.
 * @return 1 when this closed the breaker
 */
int di_breaker_succeeded(di_breaker_t *breaker);

/**
 * The server failed.
 * @return 1 when this opened the breaker; 0 when it stays as it was, also for
 *         a probe that failed
 */
int di_breaker_failed(di_breaker_t *breaker, di_breaker_failure_e how,
                      apr_time_t now, apr_interval_time_t rest_for);

#endif
