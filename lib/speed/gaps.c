/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of time between parts; a clock that jumps back counts as none. */
#include "speed/gaps.h"

void sp_gaps_came(sp_gaps_t *gaps, apr_time_t now)
{
    if (gaps->begun_at && now - gaps->went_at > SP_GAPS_LEAST) {
        gaps->idle += now - gaps->went_at;
    }
}

void sp_gaps_went(sp_gaps_t *gaps, apr_time_t now)
{
    if (!gaps->begun_at) {
        gaps->begun_at = now;
    }
    if (now > gaps->went_at) {
        gaps->went_at = now;
    }
}

int sp_gaps_paused(const sp_gaps_t *gaps)
{
    return gaps->idle > 0 &&
           gaps->idle * 100 >=
               SP_GAPS_PAUSED_PCT * (gaps->went_at - gaps->begun_at);
}
