/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folding samples into what is known of a client: a Kalman filter with one
 * variable, in log space, with clipping and a change point.  Pure functions
 * on a small struct; the cookie keeps that struct between requests.
 */
#include "speed/estimate.h"

#include <math.h>

#include <apr_strings.h>

#include "base/units.h"
#include "speed/transfer.h"

/* Nothing is known better than this, octaves: +-7 %. */
#define SPREAD_MIN 0.1

/* A bound with nothing else known says little about the rate itself. */
#define SPREAD_BOUND_ALONE 1.0

/* A bound above what is known pulls like a sample of this spread. */
#define SPREAD_BOUND 0.3

/* What is adopted at a change point is one sample old. */
#define SPREAD_CHANGED 0.4

/* Ageing: variance per day.  An exact value is worth a factor 1.4 after a
   day and 2.5 after a week. */
#define AGEING_PER_DAY 0.25

/* Samples further off than this many standard deviations are cut. */
#define CLIP_DEVIATIONS 2

/* Choices follow a rate this many standard deviations below the capacity:
   too small a picture costs less than one that does not come.  Source: video
   players choose at 0.8 of their estimate or the least of two. */
#define CAUTION 0.5

/* They move only when that has moved by so much, octaves: 20 %. */
#define HELD 0.263

#define DAY_US (86400.0 * APR_USEC_PER_SEC)

static double aged(double s, apr_time_t since, apr_time_t now)
{
    double days = now > since ? (double)(now - since) / DAY_US : 0;

    return sqrt(s * s + AGEING_PER_DAY * days);
}

static apr_uint32_t least_known(apr_uint32_t a, apr_uint32_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* The sample replaces all that was known of the rate. */
static void adopt(sp_state_t *state, double x, double s, int lower_bound)
{
    state->x = x;
    state->s = fmax(s, SPREAD_MIN);
    state->lower_bound = lower_bound;
    state->clipped = 0;
}

/* Precision-weighted mean of what is known and a sample. */
static void blend(sp_state_t *state, double x, double s)
{
    double known = state->s * state->s, seen = s * s;

    state->x += (x - state->x) * known / (known + seen);
    state->s = fmax(sqrt(known * seen / (known + seen)), SPREAD_MIN);
    state->clipped = 0;
}

static void fold_point(sp_state_t *state, double x, double s)
{
    double limit = CLIP_DEVIATIONS * sqrt(state->s * state->s + s * s);
    int side = x > state->x ? 1 : -1;
    double known;

    if (fabs(x - state->x) <= limit) {
        blend(state, x, s);
    }
    else if (state->clipped == side) {
        adopt(state, x, SPREAD_CHANGED, 0);
    }
    else {
        /* A sample that contradicts makes nobody surer. */
        known = state->s;
        blend(state, state->x + side * limit, s);
        state->s = known;
        state->clipped = side;
    }
}

/* The second bound in a row that lies far above a point ends the point. */
static void fold_bound(sp_state_t *state, double x)
{
    double limit = CLIP_DEVIATIONS *
                   sqrt(state->s * state->s + SPREAD_BOUND * SPREAD_BOUND);

    if (x <= state->x) {
        return;
    }
    if (state->lower_bound || (state->clipped > 0 && x - state->x > limit)) {
        adopt(state, x, SPREAD_BOUND_ALONE, 1);
    }
    else {
        fold_point(state, x, SPREAD_BOUND);
    }
}

static void follow(sp_state_t *state, int first)
{
    double wanted =
        state->lower_bound ? state->x : state->x - CAUTION * state->s;

    if (first || fabs(wanted - state->held) >= HELD) {
        state->held = wanted;
    }
}

void sp_estimate_follow(sp_state_t *state)
{
    follow(state, 1);
}

sp_state_t sp_estimate_known(double rate_kbps, double s, int lower_bound,
                             apr_time_t at)
{
    sp_state_t state = {.x = log2(rate_kbps),
                        .s = fmax(s, SPREAD_MIN),
                        .at = at,
                        .lower_bound = lower_bound};

    follow(&state, 1);
    return state;
}

sp_state_t sp_estimate_fold(const sp_state_t *prior, const sp_sample_t *sample,
                            apr_time_t now)
{
    sp_state_t state = *prior;
    double x = log2(sample->rate_kbps);

    state.s = aged(prior->s, prior->at, now);
    state.rtt_ms = least_known(prior->rtt_ms, sample->rtt_ms);
    if (prior->at == 0) {
        adopt(&state, x,
              sample->lower_bound ? SPREAD_BOUND_ALONE : sample->spread,
              sample->lower_bound);
        state.rtt_ms = sample->rtt_ms;
    }
    else if (sample->lower_bound) {
        fold_bound(&state, x);
    }
    else if (prior->lower_bound) {
        adopt(&state, x, sample->spread, 0);
    }
    else {
        fold_point(&state, x, sample->spread);
    }
    follow(&state, prior->at == 0);
    state.at = now > prior->at ? now : prior->at;
    return state;
}

/* Chance that the truth lies within a factor of 1.5: that a normal variable
   stays within log2(1.5) of its mean. */
static apr_uint32_t confidence_pct(double s)
{
    return (apr_uint32_t)(100 * erf(log2(1.5) / (s * sqrt(2))) + 0.5);
}

static apr_uint32_t kbps_of(double x)
{
    return (apr_uint32_t)(fmin(fmax(exp2(x), 1), DS_RATE_MAX_KBPS) + 0.5);
}

void sp_estimate_make(sp_estimate_t *out, const sp_state_t *state,
                      sp_source_e source, apr_time_t now)
{
    const sp_estimate_t unknown = {0};

    *out = unknown;
    if (source == SP_SOURCE_NONE || state->at == 0) {
        return;
    }
    out->capacity_kbps = kbps_of(state->x);
    out->choice_kbps = kbps_of(state->held);
    out->rtt_ms = state->rtt_ms;
    out->confidence_pct = confidence_pct(aged(state->s, state->at, now));
    out->lower_bound = state->lower_bound;
    out->source = source;
    out->age_s =
        now > state->at ? (apr_uint32_t)apr_time_sec(now - state->at) : 0;
}

int sp_estimate_is_unsure(const sp_state_t *state, double enough_kbps,
                          apr_time_t now)
{
    if (state->at != 0 && state->lower_bound) {
        return enough_kbps <= 0 || state->x < log2(enough_kbps);
    }
    return state->at == 0 ||
           aged(state->s, state->at, now) > SP_ESTIMATE_UNSURE;
}

int sp_estimate_is_due(const sp_state_t *state, double enough_kbps,
                       apr_interval_time_t remeasure_for, apr_time_t now)
{
    return sp_estimate_is_unsure(state, enough_kbps, now) ||
           now - state->at >= remeasure_for;
}

apr_uint32_t sp_estimate_transfer_ms(const sp_estimate_t *estimate,
                                     apr_uint64_t bytes)
{
    if (estimate->capacity_kbps == 0 || bytes == 0) {
        return 0;
    }
    return (apr_uint32_t)fmin(
        ceil(sp_transfer_ms((double)bytes, estimate->capacity_kbps,
                            estimate->rtt_ms, SP_TRANSFER_WINDOW_BYTES)),
        APR_UINT32_MAX);
}

void sp_estimate_assume(sp_estimate_t *out, apr_uint32_t capacity_kbps,
                        apr_uint32_t rtt_ms)
{
    const sp_estimate_t fixed = {.capacity_kbps = capacity_kbps,
                                 .choice_kbps = capacity_kbps,
                                 .rtt_ms = rtt_ms,
                                 .confidence_pct = 100,
                                 .source = SP_SOURCE_ASSUME};

    *out = fixed;
}

const char *sp_estimate_vary(unsigned asked, apr_pool_t *p)
{
    static const struct {
        unsigned asked;
        const char *names;
    } headers[] = {{SP_ASKED_COOKIE, "Cookie"},
                   {SP_ASKED_SAVE_DATA, "Save-Data"},
                   {SP_ASKED_HINTS, "Downlink, RTT, ECT"},
                   {SP_ASKED_GPC, "Sec-GPC"},
                   {SP_ASKED_DNT, "DNT"}};
    const char *vary = NULL;
    apr_size_t i;

    for (i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
        if (asked & headers[i].asked) {
            vary = vary ? apr_pstrcat(p, vary, ", ", headers[i].names, NULL)
                        : headers[i].names;
        }
    }
    return vary;
}

const char *sp_source_name(sp_source_e source)
{
    static const char *const names[] = {
        [SP_SOURCE_NONE] = "none",     [SP_SOURCE_ASSUME] = "assume",
        [SP_SOURCE_COOKIE] = "cookie", [SP_SOURCE_PASSIVE] = "passive",
        [SP_SOURCE_TABLE] = "table",   [SP_SOURCE_NETWORK] = "network",
        [SP_SOURCE_HINT] = "hint"};

    return names[source];
}
