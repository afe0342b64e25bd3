/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probe: noise that is fetched only to be measured, in steps that grow.
 *
 *     browser                            server
 *     GET probe?v=1&rt=20          ->    wanted? left? first step
 *                                  <-    16 kB, token
 *     GET probe?v=1&nb=..&nt=TOKEN ->    the next step, from what that one told
 *                                  <-    256 kB, token; or 204: enough
 *     POST beacon v=1&nb=..&nt=TOKEN     the report
 *
 * A step is the smallest that takes C x max(0.3 s, 6 round trips) at the rate
 * C known so far: long enough to show the line and not TCP's start.  Source:
 * measured; 0.3 s are seven windows of 40 ms, of which a full line needs five.
 *
 * The token says what was sent and when, signed: so a report counts only for
 * bytes that we sent, once per minute, and tells no rate that is below what
 * the server saw itself.  Pure.
 */
#ifndef SP_PROBE_H
#define SP_PROBE_H

#include <apr_time.h>

#include "base/band.h"
#include "speed/budget.h"
#include "speed/estimate.h"
#include "speed/sample.h"
#include "speed/sealed.h"

/* Header of a step that carries its token; and of the question for it, which
   says that a script of this site asks: other sites' tags cannot send it, and
   their scripts would have to ask first (CORS), which is not allowed. */
#define SP_PROBE_HEADER "SpeedProbe"

/* A report comes within this time after its step was sent, or not at all. */
#define SP_PROBE_TOKEN_AGE apr_time_from_sec(300)

/* Standard deviation of a point, octaves.  Source: measured. */
#define SP_PROBE_SPREAD 0.15

typedef struct {
    apr_uint32_t bytes; /* of the step, its body */
    apr_time_t sent_at; /* before its first byte, to the ms */
} sp_probe_token_t;

/**
 * Would a probe change anything?  Not when the rate is known, and not when
 * every rate that it may still be belongs to the same band.
 */
int sp_probe_wanted(const sp_estimate_t *known, const ds_bands_t *bands);

/**
 * Size of the next step.
 * @param rate_kbps  the best that is known; 0: nothing
 * @param rtt_ms     0: not known
 * @param before     bytes of the step before; 0: this is the first
 * @param left       of the budget
 * @return bytes; 0: no step that would tell more fits
 */
apr_uint32_t sp_probe_step(double rate_kbps, apr_uint32_t rtt_ms,
                           apr_uint32_t before, sp_cost_t left);

/* The token as text; sealer->purpose is not looked at. */
apr_status_t sp_probe_token_format(char out[SP_SEALED_ROOM],
                                   const sp_probe_token_t *token,
                                   sp_sealer_t sealer);

/* 1 when it is one of ours, and not too old. */
int sp_probe_token_parse(sp_probe_token_t *out, const char *text,
                         apr_size_t len, sp_sealer_t sealer, apr_time_t now);

/* What a step has cost until now. */
apr_uint32_t sp_probe_ms(const sp_probe_token_t *token, apr_time_t now);

/**
 * What a report says.
 * @param beacon  with probe numbers
 * @param token   the beacon's, parsed
 * @return 1 and *out; 0 when it says nothing, or what cannot be
 */
int sp_probe_sample(sp_sample_t *out, const sp_beacon_t *beacon,
                    const sp_probe_token_t *token, apr_time_t now);

#endif
