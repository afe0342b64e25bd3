/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anonymous shared memory, made once by the parent in a pool that graceful
 * restarts leave alone.  A module built anew with another list of counters
 * gets new memory at the next restart; the old one is small and stays.
 */
#include "directives/speedprobe_tally.h"

#include "apr_shm.h"

#include "directives/speedprobe_conf.h"

static const char kept_name[] = "mod_speedprobe-tally";

ds_tally_t *sp_tally;

void sp_tally_parent_start(server_rec *s)
{
    apr_pool_t *process = s->process->pool;
    void *kept = NULL;
    apr_shm_t *shm;
    apr_status_t rv;

    sp_tally = NULL;
    (void)apr_pool_userdata_get(&kept, kept_name, process);
    if (ds_tally_fits(kept, sp_counters, SP_COUNT_END)) {
        sp_tally = kept;
        return;
    }
    rv = apr_shm_create(&shm, ds_tally_bytes(SP_COUNT_END), NULL, process);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                     "SP0701: no shared memory for counters; nothing is "
                     "counted");
        return;
    }
    sp_tally =
        ds_tally_init(apr_shm_baseaddr_get(shm), sp_counters, SP_COUNT_END);
    (void)apr_pool_userdata_set(sp_tally, kept_name, NULL, process);
}
