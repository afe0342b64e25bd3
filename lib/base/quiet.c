/* SPDX-License-Identifier: Apache-2.0 */
/* All signals are blocked; a thread inherits that. */
#include "base/quiet.h"

void ds_quiet_enter(pthread_mutex_t *mutex, sigset_t *before)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, before);
    pthread_mutex_lock(mutex);
}

void ds_quiet_leave(pthread_mutex_t *mutex, const sigset_t *before)
{
    pthread_mutex_unlock(mutex);
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

int ds_quiet_thread(pthread_t *out, void *(*run)(void *), void *baton)
{
    sigset_t all, before;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(out, NULL, run, baton);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}
