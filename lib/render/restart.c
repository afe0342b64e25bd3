/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Back-off.  A renderer that a picture kills comes back within a second, for
 * pictures that kill must not stop all others; one that cannot start at all
 * (no memory, a library that misses a file) would otherwise be forked
 * thousands of times a second, and will not get better by being hurried.
 */
#include "render/restart.h"

#define SHORT_LIFE_MS 1000
#define QUICK_DELAY_MS 1000
#define SLOW_DELAY_MS 30000

apr_uint32_t di_restart_delay_ms(di_restart_t *restart, di_restart_e how,
                                 apr_uint64_t lived_ms)
{
    if (how != DI_RESTART_UNREADY || lived_ms >= SHORT_LIFE_MS) {
        restart->failures = 0;
        return how == DI_RESTART_ENDED || lived_ms >= SHORT_LIFE_MS
                   ? 0
                   : QUICK_DELAY_MS;
    }
    if (restart->failures < DI_RESTART_FAILURES_MAX) {
        restart->failures++;
    }
    return restart->failures < DI_RESTART_FAILURES_MAX ? QUICK_DELAY_MS
                                                       : SLOW_DELAY_MS;
}
