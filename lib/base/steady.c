/* SPDX-License-Identifier: Apache-2.0 */
#include "base/steady.h"

#include <time.h>

apr_time_t ds_steady_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000 + 1;
}
