/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Did whoever makes a page pause in the middle of it?  Then its time is not
 * the line's.  Pure; told when parts of the answer come and when they have
 * gone on.
 *
 *     came  went      came went             came went
 *      |=====|  gap    |====|      gap       |====|
 *
 * What lies before the first part (a slow start) is not in the browser's time
 * of the page either.  A part that goes slowly is the line's doing.
 */
#ifndef SP_GAPS_H
#define SP_GAPS_H

#include <apr_time.h>

/* Shorter gaps are work, not a pause. */
#define SP_GAPS_LEAST apr_time_from_msec(20)

/* A page paused when gaps make up this part of its time, per cent. */
#define SP_GAPS_PAUSED_PCT 10

typedef struct {
    apr_time_t begun_at;      /* the first part had gone; 0: none has */
    apr_time_t went_at;       /* the last part had gone */
    apr_interval_time_t idle; /* sum of the gaps */
} sp_gaps_t;                  /* all zero: before the first part */

/* A part is there and goes on now. */
void sp_gaps_came(sp_gaps_t *gaps, apr_time_t now);

/* It has gone on. */
void sp_gaps_went(sp_gaps_t *gaps, apr_time_t now);

/* 1 when the page paused, as far as it has gone. */
int sp_gaps_paused(const sp_gaps_t *gaps);

#endif
