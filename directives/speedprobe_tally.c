/* SPDX-License-Identifier: Apache-2.0 */
/* mod_speedprobe's counters. */
#include "directives/speedprobe_tally.h"

#include "directives/speedprobe_conf.h"
#include "directives/tally_start.h"

ds_tally_t *sp_tally;

void sp_tally_parent_start(server_rec *s)
{
    apr_status_t rv;

    sp_tally = ds_tally_parent_make(&rv, "mod_speedprobe-tally", sp_counters,
                                    SP_COUNT_END, s);
    if (!sp_tally) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                     "SP0701: no shared memory for counters; nothing is "
                     "counted");
    }
}
