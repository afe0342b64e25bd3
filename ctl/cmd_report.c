/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: the ledger of customers, and with --tariff their bills.  A bill is
 * of the time between two reports when an earlier one (--json) is given by
 * --since, else of all that was counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "admin.h"
#include "ctl.h"
#include "image/tariff.h"
#include "jsonread.h"
#include "show.h"

#define EARLIER_BYTES (32 * 1024 * 1024)
#define TARIFF_BYTES 65536

typedef struct {
    const ctl_t *ctl;
    const ctl_json_t *now;     /* the report */
    const ctl_json_t *earlier; /* NULL: none */
    const di_tariff_t *tariff; /* NULL: no bill */
} report_t;

typedef struct {
    const char *name; /* in JSON */
    const char *text;
} result_t;

static const result_t results[] = {{"hit", "from store"},
                                   {"rendered", "rendered"},
                                   {"stand_in", "stand-in"},
                                   {"original", "original"}};
#define RESULTS (int)(sizeof results / sizeof results[0])

static apr_uint64_t amount(const ctl_json_t *json, const char *name)
{
    apr_int64_t n = ctl_json_number(json, name);

    return n > 0 ? (apr_uint64_t)n : 0;
}

static void used_of(di_used_t *out, const ctl_json_t *customer)
{
    const ctl_json_t *tiers = ctl_json_get(customer, "tiers");

    memset(out, 0, sizeof *out);
    out->renders = amount(customer, "renders");
    out->render_us = amount(customer, "render_us");
    out->byte_seconds = amount(customer, "byte_seconds");
    for (int i = 0; i < ctl_json_count(tiers); i++) {
        for (int k = 0; k < RESULTS; k++) {
            const ctl_json_t *cell =
                ctl_json_get(ctl_json_at(tiers, i), results[k].name);

            out->requests += amount(cell, "requests");
            out->bytes += amount(cell, "bytes");
            out->saved_bytes += amount(cell, "saved_bytes");
        }
    }
}

static const ctl_json_t *find(const ctl_json_t *report, const char *name,
                              apr_pool_t *p)
{
    const ctl_json_t *all = ctl_json_get(report, "customers");

    for (int i = 0; i < ctl_json_count(all); i++) {
        const ctl_json_t *one = ctl_json_at(all, i);

        if (strcmp(ctl_json_text(one, "customer", "", p), name) == 0) {
            return one;
        }
    }
    return NULL;
}

/* What is charged for, and when that time began. */
static apr_uint64_t period_of(di_used_t *used, const report_t *report,
                              const ctl_json_t *customer)
{
    apr_pool_t *p = report->ctl->p;
    const ctl_json_t *before =
        find(report->earlier, ctl_json_text(customer, "customer", "", p), p);
    di_used_t to;

    used_of(used, customer);
    if (before != NULL) {
        di_used_t from;

        used_of(&from, before);
        to = *used;
        di_used_between(used, &from, &to);
        return amount(before, "now");
    }
    return amount(customer, "since");
}

static apr_uint64_t make_bill(di_bill_t *bill, const report_t *report,
                              const ctl_json_t *customer)
{
    di_used_t used;
    apr_uint64_t from = period_of(&used, report, customer);
    apr_uint64_t to = amount(customer, "now");

    di_tariff_bill(bill, report->tariff, &used,
                   di_tariff_months_e6(to > from ? to - from : 0));
    return from;
}

static const char *count(apr_uint64_t n, apr_pool_t *p)
{
    return apr_psprintf(p, "%" APR_UINT64_T_FMT, n);
}

static const char *of_quota(const ctl_json_t *customer, apr_pool_t *p)
{
    apr_int64_t quota = ctl_json_number(customer, "quota_bytes");
    apr_int64_t stored = ctl_json_number(customer, "stored_bytes");

    return apr_psprintf(
        p, "%s in %s files%s", ctl_show_bytes(stored, p),
        ctl_json_text(customer, "stored_files", "0", p),
        quota > 0
            ? apr_psprintf(p, " of %s (%.0f %%)", ctl_show_bytes(quota, p),
                           100.0 * (double)stored / (double)quota)
            : "");
}

static void print_cells(const ctl_json_t *customer, apr_pool_t *p)
{
    const ctl_json_t *tiers = ctl_json_get(customer, "tiers");
    ctl_table_t table;
    int rows = 0;

    ctl_table_init(&table, "TIER|RESULT|>REQUESTS|>SENT|>SAVED", p);
    for (int i = 0; i < ctl_json_count(tiers); i++) {
        const ctl_json_t *tier = ctl_json_at(tiers, i);

        for (int k = 0; k < RESULTS; k++) {
            const ctl_json_t *cell = ctl_json_get(tier, results[k].name);

            if (amount(cell, "requests") > 0) {
                ctl_table_row(
                    &table, ctl_json_text(tier, "tier", "?", p),
                    results[k].text, count(amount(cell, "requests"), p),
                    ctl_show_bytes(ctl_json_number(cell, "bytes"), p),
                    ctl_show_bytes(ctl_json_number(cell, "saved_bytes"), p));
                rows++;
            }
        }
    }
    if (rows > 0) {
        putchar('\n');
        ctl_table_print(&table, 2);
    }
}

static void print_bill(const report_t *report, const ctl_json_t *customer)
{
    apr_pool_t *p = report->ctl->p;
    di_bill_t bill;
    ctl_table_t table;
    apr_uint64_t from = make_bill(&bill, report, customer);

    ctl_table_init(&table, "ITEM|>QUANTITY|>INCLUDED|UNIT|>PRICE|>AMOUNT", p);
    for (int i = 0; i < bill.lines; i++) {
        const di_bill_line_t *one = &bill.line[i];

        ctl_table_row(&table, one->item, di_tariff_decimal(one->quantity_e6, p),
                      di_tariff_decimal(one->included_e6, p), one->unit,
                      di_tariff_decimal(one->price_e6, p),
                      di_tariff_amount(one->amount_e6, p));
    }
    ctl_table_row(&table, "total", "", "", report->tariff->currency, "",
                  di_tariff_amount(bill.total_e6, p));
    printf("\n  bill from %s to %s\n", ctl_show_moment((apr_int64_t)from, p),
           ctl_show_moment(ctl_json_number(customer, "now"), p));
    ctl_table_print(&table, 2);
}

static void print_text(const report_t *report, const ctl_json_t *customer)
{
    apr_pool_t *p = report->ctl->p;
    di_used_t used;
    apr_uint64_t from = period_of(&used, report, customer);

    printf("%s, %s to %s\n",
           ctl_show_plain(ctl_json_text(customer, "customer", "?", p), p),
           ctl_show_moment((apr_int64_t)from, p),
           ctl_show_moment(ctl_json_number(customer, "now"), p));
    printf("  stored     %s\n", of_quota(customer, p));
    printf("  requests   %" APR_UINT64_T_FMT ", %s sent, %s saved\n",
           used.requests, ctl_show_bytes((apr_int64_t)used.bytes, p),
           ctl_show_bytes((apr_int64_t)used.saved_bytes, p));
    printf("  renders    %" APR_UINT64_T_FMT ", %.1f s of CPU\n", used.renders,
           (double)used.render_us / 1e6);
    printf("  reclaimed  %" APR_UINT64_T_FMT ", refused %" APR_UINT64_T_FMT
           "\n",
           amount(customer, "reclaimed"), amount(customer, "refused"));
    if (report->earlier == NULL) {
        print_cells(customer, p);
    }
    if (report->tariff != NULL) {
        print_bill(report, customer);
    }
}

/* A field of CSV (RFC 4180) that no spreadsheet takes for a formula. */
static const char *field(const char *text, apr_pool_t *p)
{
    char *out;
    char *at;

    if (strpbrk(text, ",\"\r\n") == NULL && strchr("=+-@", text[0]) == NULL) {
        return text;
    }
    out = apr_palloc(p, 2 * strlen(text) + 4);
    at = out;
    *at++ = '"';
    if (text[0] != '\0' && strchr("=+-@", text[0]) != NULL) {
        *at++ = '\'';
    }
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            *at++ = '"';
        }
        *at++ = *text;
    }
    *at++ = '"';
    *at = '\0';
    return out;
}

/* The form that the handler gives with format=csv (docs/admin.md): one figure a
   line, so that those of a customer and those of its tiers are in one table. */
static void print_csv_figures(const ctl_json_t *of, const char *head,
                              const char *const *names)
{
    for (; *names != NULL; names++) {
        printf("%s,%s,%" APR_UINT64_T_FMT "\n", head, *names,
               amount(of, *names));
    }
}

static void print_csv_ledger(const ctl_json_t *customer, apr_pool_t *p)
{
    static const char *const account[] = {
        "since",       "now",         "stored_bytes", "stored_files",
        "quota_bytes", "quota_files", "byte_seconds", "renders",
        "render_us",   "reclaimed",   "refused",      NULL};
    static const char *const cell[] = {"requests", "bytes", "saved_bytes",
                                       NULL};
    const char *name = field(ctl_json_text(customer, "customer", "", p), p);
    const ctl_json_t *tiers = ctl_json_get(customer, "tiers");

    print_csv_figures(customer, apr_psprintf(p, "%s,,", name), account);
    for (int i = 0; i < ctl_json_count(tiers); i++) {
        const ctl_json_t *tier = ctl_json_at(tiers, i);
        const char *word = field(ctl_json_text(tier, "tier", "", p), p);

        for (int k = 0; k < RESULTS; k++) {
            print_csv_figures(
                ctl_json_get(tier, results[k].name),
                apr_psprintf(p, "%s,%s,%s", name, word, results[k].name), cell);
        }
    }
}

static void print_csv_bill(const report_t *report, const ctl_json_t *customer)
{
    apr_pool_t *p = report->ctl->p;
    const char *name = field(ctl_json_text(customer, "customer", "", p), p);
    di_bill_t bill;
    apr_uint64_t from = make_bill(&bill, report, customer);

    for (int i = 0; i < bill.lines; i++) {
        const di_bill_line_t *one = &bill.line[i];

        printf("%s,%" APR_UINT64_T_FMT ",%s,%s,%s,%s,%s,%s,%s,%s\n", name, from,
               ctl_json_text(customer, "now", "0", p), one->item,
               field(one->unit, p), di_tariff_decimal(one->quantity_e6, p),
               di_tariff_decimal(one->included_e6, p),
               di_tariff_decimal(one->price_e6, p),
               di_tariff_decimal(one->amount_e6, p), report->tariff->currency);
    }
    printf("%s,%" APR_UINT64_T_FMT ",%s,total,,,,,%s,%s\n", name, from,
           ctl_json_text(customer, "now", "0", p),
           di_tariff_decimal(bill.total_e6, p), report->tariff->currency);
}

static void print_json_bill(const report_t *report, const ctl_json_t *customer,
                            int first)
{
    apr_pool_t *p = report->ctl->p;
    di_bill_t bill;
    apr_uint64_t from = make_bill(&bill, report, customer);

    printf("%s\n    {\"customer\": %s, \"from\": %" APR_UINT64_T_FMT
           ", \"to\": %s, \"currency\": \"%s\", \"lines\": [",
           first ? "" : ",",
           ctl_json_quote(ctl_json_text(customer, "customer", "", p), p), from,
           ctl_json_text(customer, "now", "0", p), report->tariff->currency);
    for (int i = 0; i < bill.lines; i++) {
        const di_bill_line_t *one = &bill.line[i];

        printf("%s\n      {\"item\": \"%s\", \"unit\": \"%s\", \"quantity\": "
               "%s, \"included\": %s, \"price\": %s, \"amount\": %s}",
               i > 0 ? "," : "", one->item, one->unit,
               di_tariff_decimal(one->quantity_e6, p),
               di_tariff_decimal(one->included_e6, p),
               di_tariff_decimal(one->price_e6, p),
               di_tariff_decimal(one->amount_e6, p));
    }
    printf("], \"total\": %s}", di_tariff_decimal(bill.total_e6, p));
}

static void print_json(const report_t *report)
{
    const ctl_json_t *all = ctl_json_get(report->now, "customers");

    if (report->tariff == NULL) {
        printf("%s\n", ctl_json_print(report->now, report->ctl->p));
        return;
    }
    printf("{\"bills\": [");
    for (int i = 0; i < ctl_json_count(all); i++) {
        print_json_bill(report, ctl_json_at(all, i), i == 0);
    }
    printf("]}\n");
}

static void print_report(const report_t *report, const char *format)
{
    const ctl_json_t *all = ctl_json_get(report->now, "customers");
    int csv = strcmp(format, "csv") == 0;

    if (strcmp(format, "json") == 0) {
        print_json(report);
        return;
    }
    if (csv) {
        puts(report->tariff != NULL
                 ? "customer,from,to,item,unit,quantity,included,price,amount,"
                   "currency"
                 : "customer,tier,result,figure,value");
    }
    for (int i = 0; i < ctl_json_count(all); i++) {
        const ctl_json_t *customer = ctl_json_at(all, i);

        if (csv && report->tariff != NULL) {
            print_csv_bill(report, customer);
        }
        else if (csv) {
            print_csv_ledger(customer, report->ctl->p);
        }
        else {
            fputs(i > 0 ? "\n" : "", stdout);
            print_text(report, customer);
        }
    }
}

/* A tariff is a file's name, or the tariff itself, which has a '='. */
static int read_tariff(di_tariff_t *out, const char *spec, apr_pool_t *p)
{
    apr_size_t bytes;
    const char *text = spec;
    const char *error;

    if (access(spec, R_OK) == 0 || strchr(spec, '=') == NULL) {
        text = ctl_read(&bytes, spec, TARIFF_BYTES, p);
    }
    if (text == NULL) {
        return CTL_USAGE;
    }
    error = di_tariff_parse(out, text, p);
    return error == NULL ? CTL_OK : ctl_fail(CTL_USAGE, "--tariff: %s", error);
}

static int read_earlier(report_t *report, const char *path)
{
    apr_pool_t *p = report->ctl->p;
    apr_size_t bytes;
    const char *error = "no customers in it";
    const char *text = ctl_read(&bytes, path, EARLIER_BYTES, p);

    if (text == NULL) {
        return CTL_USAGE;
    }
    report->earlier = ctl_json_parse(&error, text, bytes, p);
    return ctl_json_get(report->earlier, "customers") != NULL
               ? CTL_OK
               : ctl_fail(CTL_USAGE, "--since %s: %s", path, error);
}

int ctl_report(ctl_t *ctl, int argc, const char *const *argv)
{
    const char *format = NULL, *spec = NULL, *since = NULL;
    const ctl_option_t options[] = {
        {"customer", CTL_TEXT, &ctl->customer, 0, 0},
        {"format", CTL_TEXT, &format, 0, 0},
        {"tariff", CTL_TEXT, &spec, 0, 0},
        {"since", CTL_TEXT, &since, 0, 0},
        {NULL, CTL_FLAG, NULL, 0, 0},
    };
    report_t report = {.ctl = ctl};
    apr_array_header_t *rest;
    di_tariff_t tariff;
    ctl_reply_t reply;
    int code = ctl_options(&rest, ctl, options, argc, argv);

    if (format == NULL) {
        format = ctl->json ? "json" : "text";
    }
    if (code == CTL_OK &&
        (rest->nelts > 0 || (strcmp(format, "text") && strcmp(format, "csv") &&
                             strcmp(format, "json")))) {
        code = ctl_fail(CTL_USAGE, "report [--customer NAME] [--format "
                                   "text|json|csv] [--tariff SPEC|FILE] "
                                   "[--since FILE]");
    }
    if (code == CTL_OK && spec != NULL) {
        code = read_tariff(&tariff, spec, ctl->p);
        report.tariff = &tariff;
    }
    if (code == CTL_OK && since != NULL) {
        code = read_earlier(&report, since);
    }
    if (code != CTL_OK || (code = ctl_settings(ctl)) != CTL_OK) {
        return code;
    }
    code = ctl_admin_ask(
        &reply, ctl,
        ctl->customer != NULL
            ? apr_pstrcat(ctl->p, "/report?",
                          ctl_admin_pair("customer", ctl->customer, ctl->p),
                          NULL)
            : "/report",
        NULL);
    if (code == CTL_OK) {
        report.now = reply.json;
        print_report(&report, format);
    }
    return code;
}
