/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tariff's text, and its bill.
 *
 * Each item of a bill is a line of the table below: the keys that price it,
 * and how many of what is counted make one unit.
 */
#include "image/tariff.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define MILLION APR_UINT64_C(1000000)

/* A month of 30 days. */
#define MONTH_S APR_UINT64_C(2592000)

/* Most that a key may say: 12 digits before the point. */
#define LARGEST_E6 (APR_UINT64_C(1000000000000) * MILLION - 1)

typedef struct {
    const char *item, *unit;
    const char *price;    /* key */
    const char *included; /* key; NULL: none */
    /* One unit's number of what is counted, as a fraction of two numbers so
       that all is whole: quantity x of / per is in millionths. */
    apr_uint64_t of, per;
} charge_t;

static const charge_t charges[DI_CHARGE_END] = {
    [DI_CHARGE_FLAT] = {"flat", "month", "flat", NULL, 1, 1},
    [DI_CHARGE_REQUESTS] = {"requests", "1000 requests", "per_1000_requests",
                            "included_requests", 1000, 1},
    /* 1024 bytes x 1 s, of 1e9 bytes x 2,592,000 s: 1024 x 1e6 / 2.592e15 */
    [DI_CHARGE_STORED] = {"storage", "GB month", "per_gb_month",
                          "included_gb_month", 1024, MONTH_S *MILLION / 1000},
    [DI_CHARGE_CPU] = {"render CPU", "hour", "per_cpu_hour",
                       "included_cpu_hours", 1, 3600},
    [DI_CHARGE_SENT] = {"sent", "GB", "per_gb_sent", "included_gb_sent", 1,
                        1000},
    [DI_CHARGE_RENDERS] = {"renders", "1000 renders", "per_1000_renders",
                           "included_renders", 1000, 1},
    [DI_CHARGE_SAVED] = {"saved", "GB", "per_gb_saved", NULL, 1, 1000}};

/* ---- numbers ---- */

static apr_uint64_t sum(apr_uint64_t a, apr_uint64_t b)
{
    return b > APR_UINT64_MAX - a ? APR_UINT64_MAX : a + b;
}

/* (a x b + add) / c, of 128 bits; too large a quotient is the largest number.
   Long multiplication by halves, long division by bits. */
static apr_uint64_t scale(apr_uint64_t a, apr_uint64_t b, apr_uint64_t plus,
                          apr_uint64_t c)
{
    apr_uint64_t low = (a & 0xffffffff) * (b & 0xffffffff);
    apr_uint64_t mid1 = (a >> 32) * (b & 0xffffffff) + (low >> 32);
    apr_uint64_t mid2 = (a & 0xffffffff) * (b >> 32) + (mid1 & 0xffffffff);
    apr_uint64_t high = (a >> 32) * (b >> 32) + (mid1 >> 32) + (mid2 >> 32);
    apr_uint64_t quotient = 0;
    int i;

    low = (mid2 << 32 | (low & 0xffffffff)) + plus;
    high += low < plus;
    if (high >= c) {
        return APR_UINT64_MAX;
    }
    for (i = 0; i < 64; i++) {
        int carry = high >> 63 != 0;

        high = high << 1 | low >> 63;
        low <<= 1;
        quotient <<= 1;
        if (carry || high >= c) {
            high -= c;
            quotient |= 1;
        }
    }
    return quotient;
}

/* ---- the text ---- */

/* Digits, and up to six after a point. */
static int parse_decimal(apr_uint64_t *out_e6, const char *text)
{
    apr_size_t whole = strspn(text, "0123456789"), after = 0, i;
    const char *point = text + whole;
    apr_uint64_t value = 0;

    if (*point == '.') {
        after = strspn(point + 1, "0123456789");
        if (!after || after > 6 || point[1 + after]) {
            return 0;
        }
    }
    else if (*point) {
        return 0;
    }
    if (!whole || whole > 12) {
        return 0;
    }
    for (i = 0; i < whole; i++) {
        value = value * 10 + (apr_uint64_t)(text[i] - '0');
    }
    for (i = 0; i < 6; i++) {
        value =
            value * 10 + (i < after ? (apr_uint64_t)(point[1 + i] - '0') : 0);
    }
    *out_e6 = value;
    return 1;
}

static const char *bad_currency(di_tariff_t *out, const char *value,
                                apr_pool_t *p)
{
    apr_size_t len = strlen(value), i;

    for (i = 0; i < len && apr_isalpha(value[i]); i++) {
    }
    if (!len || i < len || len >= DI_TARIFF_CURRENCY_ROOM) {
        return apr_psprintf(p, "currency: \"%s\" is not 1 to %d letters", value,
                            DI_TARIFF_CURRENCY_ROOM - 1);
    }
    memcpy(out->currency, value, len + 1);
    return NULL;
}

/* Every key, for the sentence about one that is none. */
static const char *legal_keys(apr_pool_t *p)
{
    const char *keys = "currency";
    int i;

    for (i = 0; i < DI_CHARGE_END; i++) {
        keys = apr_pstrcat(
            p, keys, ", ", charges[i].price, charges[i].included ? ", " : "",
            charges[i].included ? charges[i].included : "", NULL);
    }
    return keys;
}

/* Where a key's number goes; NULL for a key that is none. */
static apr_uint64_t *number_of(di_tariff_t *out, apr_uint64_t *unit,
                               unsigned *bit, const char *key)
{
    int i;

    for (i = 0; i < DI_CHARGE_END; i++) {
        int included = charges[i].included && !strcmp(charges[i].included, key);

        if (included || !strcmp(charges[i].price, key)) {
            /* Requests and renders are priced by the thousand, but included
               one by one. */
            *unit = included && charges[i].of == 1000 ? 1000 : 1;
            *bit = 1u << (2 * i + included);
            return included ? &out->included_e6[i] : &out->price_e6[i];
        }
    }
    return NULL;
}

static const char *bad_key(di_tariff_t *out, unsigned *seen, char *key,
                           apr_pool_t *p)
{
    char *value = strchr(key, '=');
    unsigned bit = 1u << (2 * DI_CHARGE_END);
    apr_uint64_t *number = NULL, unit = 1;

    if (!value) {
        return apr_psprintf(p, "\"%s\" is not KEY=VALUE", key);
    }
    *value++ = '\0';
    if (strcmp(key, "currency")) {
        number = number_of(out, &unit, &bit, key);
        if (!number) {
            return apr_psprintf(p, "\"%s\" is no key of a tariff: legal are %s",
                                key, legal_keys(p));
        }
    }
    if (*seen & bit) {
        return apr_psprintf(p, "%s is there twice", key);
    }
    *seen |= bit;
    if (!number) {
        return bad_currency(out, value, p);
    }
    if (!parse_decimal(number, value)) {
        return apr_psprintf(p,
                            "%s: \"%s\" is not a number from 0 to "
                            "999999999999.999999, such as 10 or 0.05",
                            key, value);
    }
    *number /= unit;
    return NULL;
}

/* The comments of a text become blanks. */
static char *without_comments(const char *text, apr_pool_t *p)
{
    char *copy = apr_pstrdup(p, text), *c = copy;

    while ((c = strchr(c, '#')) != NULL) {
        while (*c && *c != '\n') {
            *c++ = ' ';
        }
    }
    return copy;
}

const char *di_tariff_parse(di_tariff_t *out, const char *text, apr_pool_t *p)
{
    const char *wrong = NULL;
    unsigned seen = 0;
    char *rest, *key;

    memset(out, 0, sizeof(*out));
    key = apr_strtok(without_comments(text, p), " \t\r\n", &rest);
    if (!key) {
        return apr_psprintf(p, "a tariff without a key: legal are %s",
                            legal_keys(p));
    }
    for (; key && !wrong; key = apr_strtok(NULL, " \t\r\n", &rest)) {
        wrong = bad_key(out, &seen, key, p);
    }
    return wrong;
}

/* ---- what was used ---- */

void di_used_of(di_used_t *out, const di_ledger_look_t *look,
                apr_uint64_t byte_seconds)
{
    int i, j;

    memset(out, 0, sizeof(*out));
    for (i = 0; i < look->tiers; i++) {
        for (j = 0; j < DI_RESULT_END; j++) {
            const di_ledger_cell_t *cell = &look->tier[i].cell[j];

            out->requests = sum(out->requests, cell->requests);
            out->bytes = sum(out->bytes, cell->bytes);
            out->saved_bytes = sum(out->saved_bytes, cell->saved_bytes);
        }
    }
    out->renders = look->renders;
    out->render_us = look->render_us;
    out->byte_seconds = byte_seconds;
}

static apr_uint64_t more(apr_uint64_t from, apr_uint64_t to)
{
    return to >= from ? to - from : to;
}

void di_used_between(di_used_t *out, const di_used_t *from, const di_used_t *to)
{
    di_used_t used = {more(from->requests, to->requests),
                      more(from->bytes, to->bytes),
                      more(from->saved_bytes, to->saved_bytes),
                      more(from->renders, to->renders),
                      more(from->render_us, to->render_us),
                      more(from->byte_seconds, to->byte_seconds)};

    *out = used;
}

/* ---- the bill ---- */

apr_uint64_t di_tariff_months_e6(apr_uint64_t seconds)
{
    return scale(seconds, MILLION, MONTH_S / 2, MONTH_S);
}

static apr_uint64_t quantity_e6(di_charge_e charge, const di_used_t *used,
                                apr_uint64_t months_e6)
{
    apr_uint64_t counted[DI_CHARGE_END];

    counted[DI_CHARGE_FLAT] = months_e6;
    counted[DI_CHARGE_REQUESTS] = used->requests;
    counted[DI_CHARGE_STORED] = used->byte_seconds;
    counted[DI_CHARGE_CPU] = used->render_us;
    counted[DI_CHARGE_SENT] = used->bytes;
    counted[DI_CHARGE_RENDERS] = used->renders;
    counted[DI_CHARGE_SAVED] = used->saved_bytes;
    return scale(counted[charge], charges[charge].of, 0, charges[charge].per);
}

static void fill_line(di_bill_line_t *out, const di_tariff_t *tariff,
                      di_charge_e charge, const di_used_t *used,
                      apr_uint64_t months_e6)
{
    apr_uint64_t free_e6 =
        scale(tariff->included_e6[charge], months_e6, 0, MILLION);

    out->charge = charge;
    out->item = charges[charge].item;
    out->unit = charges[charge].unit;
    out->quantity_e6 = quantity_e6(charge, used, months_e6);
    out->included_e6 = free_e6 < out->quantity_e6 ? free_e6 : out->quantity_e6;
    out->price_e6 = tariff->price_e6[charge];
    out->amount_e6 = scale(out->quantity_e6 - out->included_e6, out->price_e6,
                           MILLION / 2, MILLION);
}

void di_tariff_bill(di_bill_t *out, const di_tariff_t *tariff,
                    const di_used_t *used, apr_uint64_t months_e6)
{
    int i;

    memset(out, 0, sizeof(*out));
    for (i = 0; i < DI_CHARGE_END; i++) {
        if (tariff->price_e6[i]) {
            di_bill_line_t *line = &out->line[out->lines++];

            fill_line(line, tariff, (di_charge_e)i, used, months_e6);
            out->total_e6 = sum(out->total_e6, line->amount_e6);
        }
    }
}

const char *di_tariff_decimal(apr_uint64_t value_e6, apr_pool_t *p)
{
    char *text =
        apr_psprintf(p, "%" APR_UINT64_T_FMT ".%06u", value_e6 / MILLION,
                     (unsigned)(value_e6 % MILLION));
    apr_size_t len = strlen(text);
    int spare;

    for (spare = 4; spare > 0 && text[len - 1] == '0'; spare--) {
        text[--len] = '\0';
    }
    return text;
}

const char *di_tariff_amount(apr_uint64_t value_e6, apr_pool_t *p)
{
    apr_uint64_t cents = value_e6 / 10000 + (value_e6 % 10000 >= 5000);

    return apr_psprintf(p, "%" APR_UINT64_T_FMT ".%02u", cents / 100,
                        (unsigned)(cents % 100));
}
