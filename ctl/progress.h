/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a prerender is: on a terminal one line that is drawn again, else a
 * line every few seconds.  On stderr.
 */
#ifndef CTL_PROGRESS_H
#define CTL_PROGRESS_H

#include <apr.h>
#include <apr_time.h>

/* The rate is of this many last seconds, so that it follows what goes on. */
#define CTL_PROGRESS_SECONDS 20

typedef struct {
    int total;
    int done; /* with those that failed */
    int failed;
    apr_uint64_t made; /* renditions */
    const char *note;  /* "waiting: ..."; NULL: none */
} ctl_progress_look_t;

typedef struct {
    int on; /* 0: --quiet */
    int terminal;
    int shown; /* 1: a line stands on the terminal */
    apr_time_t said_at;
    apr_time_t sampled_at;
    int samples;
    struct {
        apr_time_t at;
        int done;
    } sample[CTL_PROGRESS_SECONDS + 1]; /* oldest first */
} ctl_progress_t;

void ctl_progress_init(ctl_progress_t *progress, int on);

/* Show it when it is time to. */
void ctl_progress_show(ctl_progress_t *progress,
                       const ctl_progress_look_t *look, apr_time_t now);

/* Take the line away, for another one to be written. */
void ctl_progress_clear(ctl_progress_t *progress);

/**
 * The line for a terminal; pure.  What does not fit goes, least needed first.
 * @param rate   pictures a second; 0: not known
 * @param width  columns; the line is shorter than that
 */
void ctl_progress_line(char *out, apr_size_t room, int width,
                       const ctl_progress_look_t *look, double rate);

#endif
