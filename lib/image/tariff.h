/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tariffs: what a customer pays, from what the ledger and the accounts say.
 *
 * A tariff is a text of keys, in any order, between blanks or lines; '#' begins
 * a comment that goes to the end of its line:
 *
 *     currency=EUR flat=10.00 included_requests=100000 per_1000_requests=0.05
 *     included_gb_month=5 per_gb_month=0.02 per_cpu_hour=0.08 per_gb_sent=0
 *
 * Each key may be there once; one that is not there is 0.  So the three ways
 * of charging of the patent are `flat` alone, `per_1000_requests`, and
 * `per_gb_month` against `per_cpu_hour`; and every mix of them is one, too.
 *
 *     bill = flat x months
 *          + (requests - included_requests x months) x per_1000_requests
 *          + (GB months - included_gb_month x months) x per_gb_month + ...
 *
 * What is included is used up by its own item alone and never makes an amount
 * negative.  A GB is 1,000,000,000 bytes and a month 30 days (2,592,000 s).
 * `flat` and what is included count for each month of the time the bill is
 * for; whoever bills calendar months gives months_e6 = 1,000,000.
 *
 * All arithmetic is of whole numbers: money in millionths of the currency,
 * quantities in millionths of their unit.  A quantity is cut off to a whole
 * millionth; each line's amount is rounded to the nearest millionth, halves
 * up; the total is the exact sum of the lines.  Only what is shown is rounded
 * to hundredths (di_tariff_amount), so a total may differ from the sum of the
 * lines shown by half a hundredth each.  What does not fit is the largest
 * number there is, never a smaller one.
 *
 * A bill is of the difference of two moments.  Nothing here keeps the former
 * one: who asks keeps an earlier report (dynimagectl report --since FILE).
 * Pure: no clock, no files.
 */
#ifndef DI_TARIFF_H
#define DI_TARIFF_H

#include <apr.h>
#include <apr_pools.h>

#include "image/ledger.h"

/* Room for the currency's name with its NUL: 1 to 8 letters. */
#define DI_TARIFF_CURRENCY_ROOM 9

/* What is charged. */
typedef enum {
    DI_CHARGE_FLAT,     /* months */
    DI_CHARGE_REQUESTS, /* 1000 requests, of all tiers and results */
    DI_CHARGE_STORED,   /* GB x month */
    DI_CHARGE_CPU,      /* hours of CPU time of renders */
    DI_CHARGE_SENT,     /* GB of bodies */
    DI_CHARGE_RENDERS,  /* 1000 renders */
    DI_CHARGE_SAVED,    /* GB that clients did not have to load */
    DI_CHARGE_END
} di_charge_e;

typedef struct {
    char currency[DI_TARIFF_CURRENCY_ROOM];  /* "": none was named */
    apr_uint64_t price_e6[DI_CHARGE_END];    /* per unit, millionths */
    apr_uint64_t included_e6[DI_CHARGE_END]; /* units a month, millionths */
} di_tariff_t;

/* What is charged for: sums of one moment, or a difference of two. */
typedef struct {
    apr_uint64_t requests;
    apr_uint64_t bytes;
    apr_uint64_t saved_bytes;
    apr_uint64_t renders;
    apr_uint64_t render_us;
    apr_uint64_t byte_seconds; /* of di_account_look_t: 1024 bytes x 1 s */
} di_used_t;

typedef struct {
    di_charge_e charge;
    const char *item;         /* "requests", static text */
    const char *unit;         /* "1000 requests", static text */
    apr_uint64_t quantity_e6; /* used */
    apr_uint64_t included_e6; /* of it, without charge */
    apr_uint64_t price_e6;
    apr_uint64_t amount_e6;
} di_bill_line_t;

typedef struct {
    int lines; /* one for each item that has a price, in di_charge_e's order */
    di_bill_line_t line[DI_CHARGE_END];
    apr_uint64_t total_e6;
} di_bill_t;

/**
 * Parse a tariff.
 * @return NULL, else a sentence (from p) that names the key and what is legal
 */
const char *di_tariff_parse(di_tariff_t *out, const char *text, apr_pool_t *p);

/* Sum a look up.  @param byte_seconds  of the account */
void di_used_of(di_used_t *out, const di_ledger_look_t *look,
                apr_uint64_t byte_seconds);

/* What was used between two moments; a figure that is smaller at the later one
   (books that began anew) counts from 0. */
void di_used_between(di_used_t *out, const di_used_t *from,
                     const di_used_t *to);

/* Months of 30 days in a span of seconds, in millionths; halves up. */
apr_uint64_t di_tariff_months_e6(apr_uint64_t seconds);

/**
 * Make the bill.
 * @param months_e6  the time that `flat` and what is included count for
 */
void di_tariff_bill(di_bill_t *out, const di_tariff_t *tariff,
                    const di_used_t *used, apr_uint64_t months_e6);

/* Millionths as a decimal, "12.34" or "0.000001": at least two places, no more
   than needed.  @return text from p */
const char *di_tariff_decimal(apr_uint64_t value_e6, apr_pool_t *p);

/* An amount as it is shown on a bill: two places, halves up. */
const char *di_tariff_amount(apr_uint64_t value_e6, apr_pool_t *p);

#endif
