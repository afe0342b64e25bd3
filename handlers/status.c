/* SPDX-License-Identifier: Apache-2.0 */
/* mod_speedprobe's counters on the status page. */
#include "handlers/status.h"

#include "httpd.h"

#include "apr_optional_hooks.h"
#include "mod_status.h"

#include "directives/speedprobe_start.h"
#include "directives/speedprobe_tally.h"
#include "handlers/counters_page.h"

/* Levels are looked at when they are shown. */
static void set_gauges(void)
{
    ds_tally_set(sp_tally, SP_COUNT_TABLE_CLIENTS,
                 sp_table_used(sp_parts.clients));
    ds_tally_set(sp_tally, SP_COUNT_TABLE_NETWORKS,
                 sp_table_used(sp_parts.networks));
    ds_tally_set(sp_tally, SP_COUNT_TABLE_EVICTED,
                 sp_table_evicted(sp_parts.clients));
}

static int print_status(request_rec *r, int flags)
{
    set_gauges();
    ds_counters_page(r, flags, "SpeedProbe", "mod_speedprobe", sp_tally,
                     sp_counters, SP_COUNT_END);
    return OK;
}

void sp_status_register(void)
{
    APR_OPTIONAL_HOOK(ap, status_hook, print_status, NULL, NULL,
                      APR_HOOK_MIDDLE);
}
