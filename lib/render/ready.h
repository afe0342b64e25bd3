/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a process of the pool tells the manager how its start went: a few words
 * through a pipe, before it has seen anything from outside.
 */
#ifndef DI_READY_H
#define DI_READY_H

#include <string.h>
#include <unistd.h>

/* The word of a process that came up; any other text is the reason why it
   did not. */
#define DI_READY "ready"

/* The exit code of a process that did not come up. */
#define DI_READY_NOT 11

/**
 * @param failed  what went wrong; NULL: nothing
 */
static inline void di_ready_tell(int ready, const char *failed)
{
    const char *text = failed ? failed : DI_READY;

    (void)!write(ready, text, strlen(text));
    close(ready);
}

#endif
