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
    const figure_t figures[CELL_FIGURES] = {
        {"requests", cell->requests},
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
