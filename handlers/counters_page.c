/* SPDX-License-Identifier: Apache-2.0 */
/* Counters as a table for people and as lines for programs. */
#include "handlers/counters_page.h"

#include <string.h>

#include "apr_strings.h"
#include "http_protocol.h"
#include "mod_status.h"

static const char *plain_name(const char *name, apr_pool_t *p)
{
    char *plain = apr_pstrdup(p, name), *at;

    for (at = plain; (at = strchr(at, '-')); at++) {
        *at = '_';
    }
    return plain;
}

static void print_row(request_rec *r, const ds_counter_t *counter,
                      apr_uint64_t value)
{
    ap_rprintf(r,
               "<tr><td>%s</td><td align=\"right\">%" APR_UINT64_T_FMT
               "</td><td>%s</td><td>%s</td></tr>\n",
               plain_name(counter->name, r->pool), value, counter->unit,
               counter->help);
}

void ds_counters_page(request_rec *r, int flags, const char *prefix,
                      const char *title, const ds_tally_t *tally,
                      const ds_counter_t *list, int count)
{
    int lines = flags & AP_STATUS_SHORT, i;

    if (!lines) {
        ap_rprintf(r, "<hr />\n<h2>%s</h2>\n<table border=\"0\">\n", title);
    }
    for (i = 1; i < count; i++) {
        if (!list[i].name) {
            continue;
        }
        if (lines) {
            ap_rprintf(r, "%s_%s: %" APR_UINT64_T_FMT "\n", prefix,
                       plain_name(list[i].name, r->pool),
                       ds_tally_get(tally, i));
        }
        else {
            print_row(r, &list[i], ds_tally_get(tally, i));
        }
    }
    if (!lines) {
        ap_rputs("</table>\n", r);
    }
}
