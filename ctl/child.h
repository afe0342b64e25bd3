/* SPDX-License-Identifier: Apache-2.0 */
/* A command that is run and waited for, without a shell. */
#ifndef CTL_CHILD_H
#define CTL_CHILD_H

#include <apr_pools.h>

typedef struct {
    const char *const *argv; /* found in $PATH */
    const char *input;       /* its stdin; NULL: empty */
    apr_size_t input_bytes;
    int timeout_s;
    /* In the child, before the command; its sentence goes to output when it
       is not NULL, and nothing is run. */
    const char *(*prepare)(void *baton);
    void *baton;
} ctl_child_t;

typedef struct {
    int exit;           /* code; 128 + number of a signal; -1: it did not run */
    const char *output; /* stdout and stderr, no line end at its end */
} ctl_ended_t;

/* Words of a command, between blanks. @return NULL-ended, with room for more
   words */
const char **ctl_child_words(int *count, const char *command, int more,
                             apr_pool_t *p);

void ctl_child_run(ctl_ended_t *ended, const ctl_child_t *child, apr_pool_t *p);

#endif
