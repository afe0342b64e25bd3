/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anonymous shared memory, made once by the parent in a pool that graceful
 * restarts leave alone.  A module built anew with another list of counters
 * gets new memory at the next restart; the old one is small and stays.
 */
#include "directives/tally_start.h"

#include "apr_shm.h"

ds_tally_t *ds_tally_parent_make(apr_status_t *rv, const char *kept_name,
                                 const ds_counter_t *list, int count,
                                 server_rec *s)
{
    apr_pool_t *process = s->process->pool;
    ds_tally_t *tally;
    void *kept = NULL;
    apr_shm_t *shm;

    *rv = APR_SUCCESS;
    (void)apr_pool_userdata_get(&kept, kept_name, process);
    if (ds_tally_fits(kept, list, count)) {
        return kept;
    }
    *rv = apr_shm_create(&shm, ds_tally_bytes(count), NULL, process);
    if (*rv != APR_SUCCESS) {
        return NULL;
    }
    tally = ds_tally_init(apr_shm_baseaddr_get(shm), list, count);
    (void)apr_pool_userdata_set(tally, kept_name, NULL, process);
    return tally;
}
