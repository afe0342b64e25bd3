/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report: what customers have stored and what their requests were, as JSON
 * (docs/admin.md), or as CSV of one figure a line:
 *
 *     customer,tier,result,figure,value
 *     a.example,,,stored_bytes,1048576
 *     a.example,low,hit,requests,12
 */
#include "handlers/admin.h"

#include <string.h>

#include "apr_strings.h"

#include "image/ledger.h"
#include "store/account.h"

typedef struct {
    const char *name;
    apr_uint64_t value;
} figure_t;

enum { FIGURES = 11, CELL_FIGURES = 3 };

static const char *const results[DI_RESULT_END] = {
    [DI_RESULT_HIT] = "hit",
    [DI_RESULT_RENDERED] = "rendered",
    [DI_RESULT_STAND_IN] = "stand_in",
    [DI_RESULT_ORIGINAL] = "original"};

/* What is told of a customer as a whole. */
static void figures_of(figure_t out[FIGURES], const di_account_look_t *account,
                       const di_ledger_look_t *ledger, apr_time_t now)
{
    const figure_t figures[FIGURES] = {
        {"since", (apr_uint64_t)apr_time_sec(ledger->since)},
        {"now", (apr_uint64_t)apr_time_sec(now)},
        {"stored_bytes", account->bytes},
        {"stored_files", account->files},
        {"quota_bytes", account->terms.quota_bytes},
        {"quota_files", account->terms.quota_files},
        {"byte_seconds", account->byte_seconds},
        {"renders", ledger->renders},
        {"render_us", ledger->render_us},
        {"reclaimed", account->reclaimed},
        {"refused", account->refused}};

    memcpy(out, figures, sizeof(figures));
}

static void figures_of_cell(figure_t out[CELL_FIGURES],
                            const di_ledger_cell_t *cell)
{
    const figure_t figures[CELL_FIGURES] = {{"requests", cell->requests},
                                            {"bytes", cell->bytes},
                                            {"saved_bytes", cell->saved_bytes}};

    memcpy(out, figures, sizeof(figures));
}

/* ---- JSON ---- */

static void put_numbers(ds_json_t *parent, const figure_t *figures, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        ds_json_number(parent, figures[i].name,
                       figures[i].value > APR_INT64_MAX
                           ? APR_INT64_MAX
                           : (apr_int64_t)figures[i].value);
    }
}

static void put_tier(ds_json_t *tiers, const di_ledger_tier_t *tier)
{
    ds_json_t *object = ds_json_object_in(tiers, NULL);
    figure_t figures[CELL_FIGURES];
    int i;

    ds_json_text(object, "tier", tier->tier);
    for (i = 0; i < DI_RESULT_END; i++) {
        figures_of_cell(figures, &tier->cell[i]);
        put_numbers(ds_json_object_in(object, results[i]), figures,
                    CELL_FIGURES);
    }
}

static void put_customer(ds_json_t *customers, const di_account_look_t *account,
                         const di_ledger_look_t *ledger, apr_time_t now)
{
    ds_json_t *object = ds_json_object_in(customers, NULL), *tiers;
    figure_t figures[FIGURES];
    int i;

    ds_json_text(object, "customer", account->name);
    figures_of(figures, account, ledger, now);
    put_numbers(object, figures, FIGURES);
    tiers = ds_json_array_in(object, "tiers");
    for (i = 0; i < ledger->tiers; i++) {
        put_tier(tiers, &ledger->tier[i]);
    }
}

/* ---- CSV ---- */

/* @param prefix  customer, tier and result, each with its comma */
static void add_lines(apr_array_header_t *lines, const char *prefix,
                      const figure_t *figures, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        APR_ARRAY_PUSH(lines, const char *) =
            apr_psprintf(lines->pool, "%s%s,%" APR_UINT64_T_FMT "\n", prefix,
                         figures[i].name, figures[i].value);
    }
}

static void add_tier(apr_array_header_t *lines, const char *customer,
                     const di_ledger_tier_t *tier)
{
    figure_t figures[CELL_FIGURES];
    int i;

    for (i = 0; i < DI_RESULT_END; i++) {
        figures_of_cell(figures, &tier->cell[i]);
        add_lines(lines,
                  apr_pstrcat(lines->pool, customer, ",", tier->tier, ",",
                              results[i], ",", NULL),
                  figures, CELL_FIGURES);
    }
}

/* Names of customers and tiers hold no commas or quotes. */
static void add_customer(apr_array_header_t *lines,
                         const di_account_look_t *account,
                         const di_ledger_look_t *ledger, apr_time_t now)
{
    const char *customer = apr_pstrdup(lines->pool, account->name);
    figure_t figures[FIGURES];
    int i;

    figures_of(figures, account, ledger, now);
    add_lines(lines, apr_pstrcat(lines->pool, customer, ",,,", NULL), figures,
              FIGURES);
    for (i = 0; i < ledger->tiers; i++) {
        add_tier(lines, customer, &ledger->tier[i]);
    }
}

/* ---- the answer ---- */

typedef struct {
    ds_json_t *customers;      /* JSON; NULL: CSV */
    apr_array_header_t *lines; /* CSV: const char * */
    const di_parts_t *parts;
    apr_time_t now;
} report_t;

static void add(report_t *report, int customer)
{
    di_account_look_t account;
    di_ledger_look_t ledger;

    if (!di_accounts_look(&account, report->parts->books.accounts, customer,
                          report->now)) {
        return;
    }
    di_ledger_look(&ledger, report->parts->ledger, customer);
    if (report->customers) {
        put_customer(report->customers, &account, &ledger, report->now);
    }
    else {
        add_customer(report->lines, &account, &ledger, report->now);
    }
}

/* A credential of one site sees that site's customer alone.
   @param customer  set to the place of the one that is asked for; -1: all
   @return 1; 0: there is none, or it is not to be seen */
static int pick(int *customer, const di_admin_t *admin)
{
    const di_accounts_t *accounts = admin->parts->books.accounts;
    const char *name = di_admin_field(admin, "customer", 0);
    int own = di_server_conf_of(admin->r->server)->site.account;

    if (!name) {
        *customer = admin->everywhere ? -1 : own;
        return admin->everywhere || own >= 0;
    }
    *customer = accounts ? di_accounts_find(accounts, name) : -1;
    return *customer >= 0 && (admin->everywhere || *customer == own);
}

static int refuse(di_admin_t *admin)
{
    return admin->everywhere
               ? di_admin_refuse(admin, HTTP_NOT_FOUND,
                                 "there is no such customer")
               : di_admin_refuse(admin, HTTP_FORBIDDEN,
                                 "this credential sees this site's customer "
                                 "only");
}

static int send_csv(di_admin_t *admin, const apr_array_header_t *lines)
{
    const char *text = apr_array_pstrcat(admin->r->pool, lines, 0);

    return di_admin_send_as(admin, "text/csv; charset=utf-8", text,
                            strlen(text));
}

static void add_all(report_t *report, int customer)
{
    const di_accounts_t *accounts = report->parts->books.accounts;
    int i, count = accounts ? di_accounts_count(accounts) : 0;

    for (i = 0; i < count; i++) {
        if (customer < 0 || i == customer) {
            add(report, i);
        }
    }
}

int di_admin_report(di_admin_t *admin)
{
    const char *format = di_admin_field(admin, "format", 0);
    apr_pool_t *p = admin->r->pool;
    report_t report = {.parts = admin->parts, .now = apr_time_now()};
    ds_json_t *root = ds_json_object(p);
    int customer;

    if (!pick(&customer, admin)) {
        return refuse(admin);
    }
    if (format && strcmp(format, "json") && strcmp(format, "csv")) {
        return di_admin_refuse(admin, HTTP_BAD_REQUEST,
                               "format is json or csv");
    }
    if (format && !strcmp(format, "csv")) {
        report.lines = apr_array_make(p, 256, sizeof(const char *));
        APR_ARRAY_PUSH(report.lines, const char *) =
            "customer,tier,result,figure,value\n";
        add_all(&report, customer);
        return send_csv(admin, report.lines);
    }
    report.customers = ds_json_array_in(root, "customers");
    add_all(&report, customer);
    return di_admin_send(admin, root);
}
