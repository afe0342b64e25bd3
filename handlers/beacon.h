/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The beacon: one URL to which pages report their timings, answered with the
 * speed cookie.
 */
#ifndef SP_BEACON_H
#define SP_BEACON_H

#include "httpd.h"

#include "speed/estimate.h"

/* Name of the handler, in r->handler. */
#define SP_BEACON_HANDLER "speedprobe-beacon"

/* A longer body is refused outright, bytes. */
#define SP_BEACON_BODY_MAX 8192

/**
 * Answer one beacon.
 *
 * Whatever is wrong with a report (numbers, origin, signature of the cookie
 * it comes with), the answer is 204 without a cookie: a forger learns
 * nothing, and a page never sees an error.  Only what no page of ours can
 * send is refused: another method (405) and a body over 8 KB (413).
 *
 * @param prior      what is known of the client so far; prior->at 0: nothing
 * @param cookie_at  of its cookie's last sample; 0: it has none
 * @return OK, or the HTTP status of a refusal
 */
int sp_beacon_answer(request_rec *r, const sp_state_t *prior,
                     apr_time_t cookie_at);

#endif
