/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monotonic clock, which all processes of a machine share; deadlines that
 * cross a socket are given on it.
 */
#ifndef DI_CLOCK_H
#define DI_CLOCK_H

#include <time.h>

#include <apr.h>

static inline apr_uint64_t di_clock_us(clockid_t clock)
{
    struct timespec now;

    if (clock_gettime(clock, &now)) {
        return 0;
    }
    return (apr_uint64_t)now.tv_sec * 1000000 +
           (apr_uint64_t)now.tv_nsec / 1000;
}

#endif
