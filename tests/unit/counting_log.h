/* SPDX-License-Identifier: Apache-2.0 */
/* A log that counts its lines and keeps the last one; for any thread. */
#ifndef COUNTING_LOG_H
#define COUNTING_LOG_H

#include <pthread.h>

#include <apr_strings.h>

#include "base/log.h"

typedef struct {
    ds_log_t log;
    pthread_mutex_t mutex;
    int lines;
    char last[1000];
} counting_log_t;

static inline void counting_log_print(void *baton, ds_log_level_e level,
                                      apr_status_t rv, const char *text)
{
    counting_log_t *counting = baton;

    pthread_mutex_lock(&counting->mutex);
    counting->lines++;
    apr_cpystrn(counting->last, text, sizeof(counting->last));
    pthread_mutex_unlock(&counting->mutex);
}

/* @param upto  less urgent lines are not counted */
static inline void counting_log_init(counting_log_t *counting,
                                     ds_log_level_e upto)
{
    memset(counting, 0, sizeof(*counting));
    pthread_mutex_init(&counting->mutex, NULL);
    counting->log.baton = counting;
    counting->log.upto = upto;
    counting->log.print = counting_log_print;
}

#endif
