/* SPDX-License-Identifier: Apache-2.0 */
/* mod_dynimage's counters. */
#include "directives/dynimage_tally.h"

#include "directives/dynimage_conf.h"
#include "directives/tally_start.h"

ds_tally_t *di_tally;

void di_tally_parent_start(server_rec *s)
{
    apr_status_t rv;

    di_tally = ds_tally_parent_make(&rv, "mod_dynimage-tally", di_counters,
                                    DI_COUNT_END, s);
    if (!di_tally) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                     "DI0609: no shared memory for counters; nothing is "
                     "counted");
    }
}
