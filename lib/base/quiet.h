/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mutexes and threads beside signal handlers that end the process.
 *
 * Prefork's children run the clean-ups of their pools in a handler.  One that
 * came while the thread under it holds a mutex would wait for it for ever, and
 * one that came in a thread of ours would wait there for that very thread.  So
 * no handler runs while such a mutex is held, and none in such a thread.
 */
#ifndef DS_QUIET_H
#define DS_QUIET_H

#include <pthread.h>
#include <signal.h>

/* @param before  out: to be handed to ds_quiet_leave */
void ds_quiet_enter(pthread_mutex_t *mutex, sigset_t *before);

void ds_quiet_leave(pthread_mutex_t *mutex, const sigset_t *before);

/* Start a thread in which no signal handler runs.  @return 0 or an errno */
int ds_quiet_thread(pthread_t *out, void *(*run)(void *), void *baton);

#endif
