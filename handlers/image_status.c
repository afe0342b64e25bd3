/* SPDX-License-Identifier: Apache-2.0 */
/* mod_dynimage's counters and customers on the status page. */
#include "handlers/image_status.h"

#include "httpd.h"

#include "apr_optional_hooks.h"
#include "mod_status.h"

#include "directives/dynimage_tally.h"
#include "handlers/counters_page.h"
#include "handlers/customers_page.h"

static const di_parts_t *shown; /* of this process */

/* The pool keeps its own figures; they are looked at when they are shown. */
static void set_gauges(void)
{
    di_workers_stats_t stats;

    di_workers_child_stats(&stats, shown->workers);
    ds_tally_set(di_tally, DI_COUNT_POOL_WAITING, stats.waiting);
    ds_tally_set(di_tally, DI_COUNT_POOL_RUNNING, stats.running);
    ds_tally_set(di_tally, DI_COUNT_POOL_ALIVE, stats.alive);
    ds_tally_set(di_tally, DI_COUNT_POOL_TAKEN, stats.taken);
    ds_tally_set(di_tally, DI_COUNT_POOL_REFUSED, stats.refused);
    ds_tally_set(di_tally, DI_COUNT_POOL_PUSHED_OUT, stats.pushed_out);
    ds_tally_set(di_tally, DI_COUNT_POOL_EXPIRED, stats.expired);
    ds_tally_set(di_tally, DI_COUNT_POOL_HUNG_UP, stats.hung_up);
    ds_tally_set(di_tally, DI_COUNT_POOL_DIED, stats.died);
    ds_tally_set(di_tally, DI_COUNT_POOL_TIMED_OUT, stats.timed_out);
    ds_tally_set(di_tally, DI_COUNT_POOL_RECYCLED, stats.recycled);
    ds_tally_set(di_tally, DI_COUNT_POOL_DISPATCHERS, stats.dispatchers_died);
    ds_tally_set(di_tally, DI_COUNT_POOL_WAITED, stats.wait_us / 1000);
    ds_tally_set(di_tally, DI_COUNT_POOL_BUSY, stats.busy_us / 1000);
}

static int print_status(request_rec *r, int flags)
{
    set_gauges();
    ds_counters_page(r, flags, "DynImage", "mod_dynimage", di_tally,
                     di_counters, DI_COUNT_END);
    di_customers_page(r, flags, shown);
    return OK;
}

void di_status_register(const di_parts_t *parts)
{
    shown = parts;
    APR_OPTIONAL_HOOK(ap, status_hook, print_status, NULL, NULL,
                      APR_HOOK_MIDDLE);
}
