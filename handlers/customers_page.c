/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the accounts keeps the largest, in order. */
#include "handlers/customers_page.h"

#include <string.h>

#include "apr_strings.h"
#include "http_protocol.h"
#include "mod_status.h"

#include "image/tariff.h"

typedef struct {
    int customer;
    di_account_look_t account;
} row_t;

/* Put a row where it belongs; the last one may fall out. */
static void insert(row_t *rows, int *count, const row_t *row)
{
    int at = *count;

    while (at > 0 && rows[at - 1].account.bytes < row->account.bytes) {
        at--;
    }
    if (at == DI_CUSTOMERS_SHOWN) {
        return;
    }
    *count += *count < DI_CUSTOMERS_SHOWN;
    memmove(&rows[at + 1], &rows[at],
            (apr_size_t)(*count - at - 1) * sizeof(*rows));
    rows[at] = *row;
}

static void print_row(request_rec *r, const row_t *row,
                      const di_ledger_t *ledger)
{
    di_ledger_look_t look;
    di_used_t used;

    di_ledger_look(&look, ledger, row->customer);
    di_used_of(&used, &look, row->account.byte_seconds);
    ap_rprintf(r,
               "<tr><td>%s</td>"
               "<td align=\"right\">%" APR_UINT64_T_FMT "</td>"
               "<td align=\"right\">%" APR_UINT64_T_FMT "</td>"
               "<td align=\"right\">%" APR_UINT64_T_FMT "</td>"
               "<td align=\"right\">%" APR_UINT64_T_FMT "</td>"
               "<td align=\"right\">%" APR_UINT64_T_FMT "</td>"
               "<td align=\"right\">%" APR_UINT64_T_FMT "</td>"
               "<td align=\"right\">%" APR_UINT64_T_FMT "</td></tr>\n",
               ap_escape_html(r->pool, row->account.name), row->account.bytes,
               row->account.terms.quota_bytes, row->account.files,
               used.requests, used.saved_bytes, used.renders,
               used.render_us / 1000);
}

void di_customers_page(request_rec *r, int flags, const di_parts_t *parts)
{
    di_accounts_t *accounts = parts->books.accounts;
    int customers = accounts ? di_accounts_count(accounts) : 0, count = 0, i;
    row_t *rows = apr_palloc(r->pool, DI_CUSTOMERS_SHOWN * sizeof(*rows)), row;

    if (flags & AP_STATUS_SHORT || !customers) {
        return;
    }
    for (i = 0; i < customers; i++) {
        row.customer = i;
        if (di_accounts_look(&row.account, accounts, i, apr_time_now())) {
            insert(rows, &count, &row);
        }
    }
    ap_rprintf(r,
               "<h3>%d of %d customers</h3>\n<table border=\"0\">\n"
               "<tr><th>customer</th><th>bytes</th><th>quota</th>"
               "<th>files</th><th>requests</th><th>bytes saved</th>"
               "<th>renders</th><th>CPU ms</th></tr>\n",
               count, customers);
    for (i = 0; i < count; i++) {
        print_row(r, &rows[i], parts->ledger);
    }
    ap_rputs("</table>\n", r);
}
