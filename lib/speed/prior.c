/* SPDX-License-Identifier: Apache-2.0 */
/* Strict parsers of four short headers, and one rule for each. */
#include "speed/prior.h"

#include <math.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/arg.h"
#include "base/units.h"

/* A hint is right within a factor of two, two times of three. */
#define SPREAD_HINT 1.0

/* Chromium's highest value is 10 Mbit/s, less 10 % of noise at most. */
#define CAPPED_KBPS 9500
#define CAPPED_MEANS_KBPS 2000

/* What Chromium says of every line of a private address. */
#define CONSTANT_FROM_KBPS 1300
#define CONSTANT_TO_KBPS 1550
#define CONSTANT_RTT_MS 100

#define ECT_2G_KBPS 150

/* "1.35" Mbit/s -> 1350 kbit/s: digits, with a point at most three more. */
static int parse_downlink(apr_int64_t *kbps, const char *text)
{
    apr_size_t whole = text ? strspn(text, "0123456789") : 0, part = 0;
    apr_int64_t value = 0, thousandths = 0;

    if (whole == 0 || whole > 5 || !ds_arg_decimal(&value, text, whole)) {
        return 0;
    }
    if (text[whole] == '.') {
        part = strspn(text + whole + 1, "0123456789");
        if (part == 0 || part > 3 ||
            !ds_arg_decimal(&thousandths, text + whole + 1, part)) {
            return 0;
        }
        thousandths *= part == 1 ? 100 : (part == 2 ? 10 : 1);
        part++;
    }
    *kbps = value * 1000 + thousandths;
    return text[whole + part] == '\0' && *kbps > 0;
}

/* 0 when it says nothing. */
static apr_uint32_t parse_rtt(const char *text)
{
    apr_int64_t value;

    return text && ds_arg_decimal(&value, text, strlen(text)) &&
                   value <= DS_RTT_MAX_MS
               ? (apr_uint32_t)value
               : 0;
}

static int is_2g(const char *ect)
{
    return ect && (!strcmp(ect, "2g") || !strcmp(ect, "slow-2g"));
}

/* The constant of private addresses, and not a measurement. */
static int is_constant(const sp_hints_t *hints, apr_int64_t kbps)
{
    return hints->is_private && kbps >= CONSTANT_FROM_KBPS &&
           kbps <= CONSTANT_TO_KBPS;
}

int sp_prior_make(sp_state_t *out, const sp_hints_t *hints, apr_time_t now)
{
    apr_int64_t kbps = 0;
    int known = parse_downlink(&kbps, hints->downlink);
    int constant = known && is_constant(hints, kbps);

    memset(out, 0, sizeof(*out));
    out->rtt_ms = parse_rtt(hints->rtt);
    if (hints->is_private && out->rtt_ms == CONSTANT_RTT_MS) {
        out->rtt_ms = 0;
    }
    if (known && (constant || kbps >= CAPPED_KBPS)) {
        kbps = CAPPED_MEANS_KBPS;
        out->lower_bound = 1;
    }
    if (is_2g(hints->ect) && (!known || kbps > ECT_2G_KBPS)) {
        kbps = ECT_2G_KBPS;
        out->lower_bound = 0;
        known = 1;
    }
    if (!known) {
        memset(out, 0, sizeof(*out));
        return 0;
    }
    out->x = log2((double)kbps);
    out->s = SPREAD_HINT;
    out->at = now;
    sp_estimate_follow(out);
    return 1;
}

int sp_prior_saves_data(const char *value)
{
    if (!value || apr_tolower(value[0]) != 'o' ||
        apr_tolower(value[1]) != 'n') {
        return 0;
    }
    value += 2;
    value += strspn(value, " \t");
    return *value == '\0' || *value == ';';
}
