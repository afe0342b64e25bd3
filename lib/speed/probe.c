/* SPDX-License-Identifier: Apache-2.0 */
/* The ladder, its tokens, and what a step tells. */
#include "speed/probe.h"

#include <math.h>

#include "base/units.h"

#define PURPOSE "probe-token"

/* Sizes of steps: each four times the one before. */
static const apr_uint32_t steps[] = {16384, 65536, 262144, 1048576};
#define STEPS (sizeof(steps) / sizeof(*steps))

/* What a budget cuts shorter shows nothing. */
#define STEP_LEAST 8192

/* A step has to be so much longer than the last to tell more. */
#define STEP_GROWS 2

#define STEP_MS 300.0
#define STEP_ROUND_TRIPS 6

/* From here on a rate counts as known: a standard deviation of 0.5 octaves,
   put as the chance to lie within a factor of 1.5. */
#define SURE_PCT 76

/* A rate that is not sure lies within two octaves of what is known. */
#define UNSURE_FACTOR 4

/* A point is at least so long: known to 5 % by a clock of this step. */
#define POINT_MS 60
#define POINT_TICKS 20

/* A queue on the way that was idle lets some bytes through at once; see
   sample.c. */
#define BURST_BYTES 4096

enum { AT_BYTES, AT_SENT_MS, NUMBERS };

/* ---- when, and how much ---- */

int sp_probe_wanted(const sp_estimate_t *known, const ds_bands_t *bands)
{
    apr_int64_t rate = known->capacity_kbps;

    if (rate == 0) {
        return bands->count > 1;
    }
    if (known->lower_bound) {
        return ds_bands_pick(bands, rate) < bands->count - 1;
    }
    return known->confidence_pct < SURE_PCT &&
           ds_bands_pick(bands, rate / UNSURE_FACTOR) !=
               ds_bands_pick(bands, rate * UNSURE_FACTOR);
}

/* The smallest step of at least so many bytes, else the largest. */
static apr_uint32_t at_least(double bytes)
{
    apr_size_t i = 0;

    while (i < STEPS - 1 && steps[i] < bytes) {
        i++;
    }
    return steps[i];
}

/* What the budget allows: bytes, and at a known rate (kbit/s are bits per ms)
   time as well. */
static double at_most(double rate_kbps, sp_cost_t left)
{
    double bytes =
        left.bytes < SP_BUDGET_BYTES_MAX ? left.bytes : SP_BUDGET_BYTES_MAX;

    if (left.ms == 0) {
        return 0;
    }
    return rate_kbps > 0 ? fmin(bytes, rate_kbps * left.ms / 8) : bytes;
}

apr_uint32_t sp_probe_step(double rate_kbps, apr_uint32_t rtt_ms,
                           apr_uint32_t before, sp_cost_t left)
{
    double ms = fmax(STEP_MS, (double)STEP_ROUND_TRIPS * rtt_ms);
    double least = (double)STEP_GROWS * before;
    double step = fmin(at_least(fmax(rate_kbps * ms / 8, least)),
                       at_most(rate_kbps, left));

    return step < STEP_LEAST || step < least ? 0 : (apr_uint32_t)step;
}

/* ---- tokens ---- */

apr_status_t sp_probe_token_format(char out[SP_SEALED_ROOM],
                                   const sp_probe_token_t *token,
                                   sp_sealer_t sealer)
{
    apr_int64_t numbers[NUMBERS] = {
        [AT_BYTES] = token->bytes, [AT_SENT_MS] = token->sent_at / 1000};

    sealer.purpose = PURPOSE;
    return sp_sealed_write(out, &sealer, numbers, NUMBERS);
}

int sp_probe_token_parse(sp_probe_token_t *out, const char *text,
                         apr_size_t len, sp_sealer_t sealer, apr_time_t now)
{
    apr_int64_t numbers[NUMBERS];
    apr_time_t sent_at;

    sealer.purpose = PURPOSE;
    if (!sp_sealed_read(numbers, NUMBERS, &sealer, text, len) ||
        numbers[AT_BYTES] > SP_BUDGET_BYTES_MAX ||
        numbers[AT_SENT_MS] > APR_INT64_MAX / 1000) {
        return 0;
    }
    sent_at = numbers[AT_SENT_MS] * 1000;
    if (sent_at > now || now - sent_at > SP_PROBE_TOKEN_AGE) {
        return 0;
    }
    out->bytes = (apr_uint32_t)numbers[AT_BYTES];
    out->sent_at = sent_at;
    return 1;
}

apr_uint32_t sp_probe_ms(const sp_probe_token_t *token, apr_time_t now)
{
    apr_time_t ms = apr_time_as_msec(now - token->sent_at);

    return ms < 1
               ? 1
               : (ms > SP_BUDGET_MS_MAX ? SP_BUDGET_MS_MAX : (apr_uint32_t)ms);
}

/* ---- what a step tells ---- */

static int is_possible(const sp_beacon_t *b, const sp_probe_token_t *token)
{
    return b->probe_bytes > 0 && b->probe_bytes <= token->bytes &&
           b->probe_ms > 0 && b->rtt_ms > 0;
}

/* The whole step, but for a burst at its start, has come in the time that the
   server saw go by, so the rate is not below that; a bound of ours, not of the
   client's. */
static double least_rate(const sp_probe_token_t *token, apr_time_t now)
{
    return ((double)token->bytes - BURST_BYTES) * 8 /
           (double)(apr_time_as_msec(now - token->sent_at) + 1);
}

int sp_probe_sample(sp_sample_t *out, const sp_beacon_t *b,
                    const sp_probe_token_t *token, apr_time_t now)
{
    apr_int64_t bytes = b->probe_bytes, ms = b->probe_ms;
    apr_int64_t tick_ms = b->tick_ms > 1 ? b->tick_ms : 1;

    if (!is_possible(b, token)) {
        return 0;
    }
    out->rtt_ms = (apr_uint32_t)b->rtt_ms;
    out->spread = SP_PROBE_SPREAD;
    out->lower_bound =
        b->probe_full != 1 || ms < POINT_MS || ms < POINT_TICKS * tick_ms;
    if (out->lower_bound) {
        bytes -= BURST_BYTES;
        ms += tick_ms;
    }
    out->rate_kbps =
        fmax((double)bytes * 8 / (double)ms, least_rate(token, now));
    return out->rate_kbps >= 1 && out->rate_kbps <= DS_RATE_MAX_KBPS;
}
