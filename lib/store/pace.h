/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often a message may be logged: at most so many a minute and process,
 * so that a full disk or a wiped cache cannot fill the error log.
 *
 * Any thread may ask; nothing is locked.  A struct of zeros is ready to use.
 */
#ifndef DI_PACE_H
#define DI_PACE_H

#include <stdatomic.h>
#include <stdint.h>

#include <apr_time.h>

typedef struct {
    _Atomic int64_t minute_at; /* when the present minute began, us */
    _Atomic uint32_t asked;    /* messages of this minute */
    _Atomic uint32_t dropped;  /* messages not logged since the last one */
} di_pace_t;

/**
 * May one more message be logged now?
 * @param dropped   set on 1: how many were held back since the last yes
 * @param a_minute  how many a minute, at least 1
 * @param now       any clock; one that jumps starts a new minute
 * @return 1 or 0
 */
int di_pace_allows(di_pace_t *pace, uint32_t *dropped, uint32_t a_minute,
                   apr_time_t now);

#endif
