/* SPDX-License-Identifier: Apache-2.0 */
/* Counters as a table for people and as lines for programs. */
#include "handlers/status.h"

#include "httpd.h"

#include "apr_optional_hooks.h"
#include "http_protocol.h"
#include "mod_status.h"

#include "directives/speedprobe_conf.h"
#include "directives/speedprobe_start.h"
#include "directives/speedprobe_tally.h"

static void print_line(request_rec *r, const ds_counter_t *counter,
                       apr_uint64_t value)
{
    ap_rprintf(r, "SpeedProbe_%s: %" APR_UINT64_T_FMT "\n", counter->name,
               value);
}

static void print_row(request_rec *r, const ds_counter_t *counter,
                      apr_uint64_t value)
{
    ap_rprintf(r,
               "<tr><td>%s</td><td align=\"right\">%" APR_UINT64_T_FMT
               "</td><td>%s</td><td>%s</td></tr>\n",
               counter->name, value, counter->unit, counter->help);
}

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
    int lines = flags & AP_STATUS_SHORT, i;

    set_gauges();
    if (!lines) {
        ap_rputs("<hr />\n<h2>mod_speedprobe</h2>\n<table border=\"0\">\n", r);
    }
    for (i = 1; i < SP_COUNT_END; i++) {
        (lines ? print_line : print_row)(r, &sp_counters[i],
                                         ds_tally_get(sp_tally, i));
    }
    if (!lines) {
        ap_rputs("</table>\n", r);
    }
    return OK;
}

void sp_status_register(void)
{
    APR_OPTIONAL_HOOK(ap, status_hook, print_status, NULL, NULL,
                      APR_HOOK_MIDDLE);
}
