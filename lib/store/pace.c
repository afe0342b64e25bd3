/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pace of messages.  Two threads that meet at the turn of a minute may log
 * one message too many; nothing worse can happen, so nothing is locked.
 */
#include "store/pace.h"

#include <stdlib.h>

int di_pace_allows(di_pace_t *pace, uint32_t *dropped, uint32_t a_minute,
                   apr_time_t now)
{
    int64_t began = atomic_load(&pace->minute_at);

    /* Threads come with slightly different clocks: only a whole minute apart
       in either direction counts. */
    if ((began == 0 || llabs(now - began) >= APR_USEC_PER_SEC * 60) &&
        atomic_compare_exchange_strong(&pace->minute_at, &began, now)) {
        atomic_store(&pace->asked, 0);
    }
    if (atomic_fetch_add(&pace->asked, 1) >= a_minute) {
        atomic_fetch_add(&pace->dropped, 1);
        return 0;
    }
    *dropped = atomic_exchange(&pace->dropped, 0);
    return 1;
}
