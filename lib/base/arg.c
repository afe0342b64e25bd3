/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setting text <-> number.  Each kind is a table of suffixes with factors,
 * largest factor first; the empty suffix stands for the kind's plain unit.
 */
#include "base/arg.h"

#include <string.h>

#include <apr_cstr.h>
#include <apr_lib.h>
#include <apr_strings.h>

typedef struct {
    const char *suffix; /* compared without case */
    apr_int64_t factor; /* to the kind's unit */
} arg_unit_t;

typedef struct {
    const char *form; /* for the error sentence */
    const arg_unit_t *units;
} arg_kind_t;

static const arg_unit_t count_units[] = {{"", 1}, {NULL, 0}};
static const arg_unit_t size_units[] = {
    {"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}, {"", 1}, {NULL, 0}};
static const arg_unit_t rate_units[] = {
    {"G", 1000000}, {"M", 1000}, {"", 1}, {"k", 1}, {NULL, 0}};
static const arg_unit_t time_units[] = {
    {"d", 86400000}, {"h", 3600000}, {"min", 60000}, {"s", 1000},
    {"", 1000},      {"ms", 1},      {NULL, 0}};
static const arg_unit_t percent_units[] = {{"", 1}, {"%", 1}, {NULL, 0}};

static const arg_kind_t kinds[] = {
    [DS_ARG_COUNT] = {"a whole number", count_units},
    [DS_ARG_SIZE] = {"a size in bytes, or with K, M or G", size_units},
    [DS_ARG_RATE] = {"a rate in kbit/s, or with M or G", rate_units},
    [DS_ARG_TIME] = {"a time in s, or with ms, min, h or d", time_units},
    [DS_ARG_PERCENT] = {"a percentage", percent_units},
};

int ds_arg_decimal(apr_int64_t *out, const char *text, apr_size_t len)
{
    apr_int64_t value = 0;
    apr_size_t i;

    if (len == 0 || len > 18) {
        return 0;
    }
    for (i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return 0;
        }
        value = value * 10 + (text[i] - '0');
    }
    *out = value;
    return 1;
}

/* The factor of a suffix, or 0 when the kind has no such unit. */
static apr_int64_t unit_factor(const arg_unit_t *unit, const char *suffix)
{
    for (; unit->suffix; unit++) {
        if (!apr_cstr_casecmp(unit->suffix, suffix)) {
            return unit->factor;
        }
    }
    return 0;
}

const char *ds_arg_parse(apr_int64_t *out, ds_arg_kind_e kind, const char *text,
                         apr_int64_t min, apr_int64_t max, apr_pool_t *p)
{
    apr_int64_t value = 0, factor = 0;
    apr_size_t digits;

    text = text ? text : "";
    digits = strspn(text, "0123456789");
    if (ds_arg_decimal(&value, text, digits)) {
        factor = unit_factor(kinds[kind].units, text + digits);
    }
    if (factor == 0 || value > APR_INT64_MAX / factor || value * factor < min ||
        value * factor > max) {
        return apr_psprintf(p, "\"%s\" is not %s from %s to %s", text,
                            kinds[kind].form, ds_arg_format(kind, min, p),
                            ds_arg_format(kind, max, p));
    }
    *out = value * factor;
    return NULL;
}

const char *ds_arg_format(ds_arg_kind_e kind, apr_int64_t value, apr_pool_t *p)
{
    const arg_unit_t *unit = kinds[kind].units;

    if (value == 0) {
        return "0";
    }
    while (unit[1].suffix && value % unit->factor != 0) {
        unit++;
    }
    return apr_psprintf(p, "%" APR_INT64_T_FMT "%s", value / unit->factor,
                        unit->suffix);
}

int ds_arg_is_name(const char *text)
{
    apr_size_t len = text ? strlen(text) : 0;

    return len > 0 && len <= 32 && text[0] >= 'a' && text[0] <= 'z' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_") == len;
}
