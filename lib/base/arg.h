/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setting text <-> number, with unit and range.
 *
 * All parsers are strict: the whole text must be the number (and its unit),
 * decimal, without sign, spaces or exponent; nothing overflows.  Errors are
 * sentences for the operator that name the legal values.
 */
#ifndef DS_ARG_H
#define DS_ARG_H

#include <apr_pools.h>

typedef enum {
    DS_ARG_COUNT,  /* 12 */
    DS_ARG_SIZE,   /* bytes: 512, 64K, 20M, 1G (1024s) */
    DS_ARG_RATE,   /* kbit/s: 192, 192k, 2M (1000s) */
    DS_ARG_TIME,   /* ms: 250ms, 10s (or 10), 5min, 1h, 7d */
    DS_ARG_PERCENT /* 0..100: 85 or 85% */
} ds_arg_kind_e;

/**
 * Parse one number with its unit.
 * @param out   the value in the kind's unit (see ds_arg_kind_e)
 * @param kind  what the text must be
 * @param text  the operator's word; may be NULL
 * @param min   least legal value, in the kind's unit
 * @param max   greatest legal value
 * @return NULL when fine, else an error sentence (from p) that names the
 *         legal form and range
 */
const char *ds_arg_parse(apr_int64_t *out, ds_arg_kind_e kind, const char *text,
                         apr_int64_t min, apr_int64_t max, apr_pool_t *p);

/**
 * Write a number so that ds_arg_parse reads the same value again, in the
 * largest unit that is exact.
 * @return text from p
 */
const char *ds_arg_format(ds_arg_kind_e kind, apr_int64_t value, apr_pool_t *p);

/**
 * Parse an unsigned decimal of 1 to 18 digits that fills the whole of
 * text[0..len).
 * @return 1 when fine; 0 leaves *out alone
 */
int ds_arg_decimal(apr_int64_t *out, const char *text, apr_size_t len);

/**
 * 1 when text is a name fit for a header token, a file name and a log line:
 * a lower-case letter, then up to 31 of a-z 0-9 - _
 */
int ds_arg_is_name(const char *text);

#endif
