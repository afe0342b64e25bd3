/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a browser says about its own connection, before anything was measured:
 * the client hints Downlink, RTT and ECT, and Save-Data.  Pure.
 *
 *     Downlink: 1.35     Mbit/s, steps of 0.05 (older Chromium: 0.025)
 *     RTT: 150           ms, steps of 50 (older: 25)
 *     ECT: 3g            slow-2g, 2g, 3g or 4g
 *     Save-Data: on      the visitor wants few bytes
 *
 * A prior is never a measurement: it is used alone, where nothing was
 * measured, and never folded into what was.
 *
 * Source: Chromium, net/nqe and services/network (caps and steps); W3C
 * Network Information API and Save Data API, drafts.
 */
#ifndef SP_PRIOR_H
#define SP_PRIOR_H

#include <apr.h>
#include <apr_time.h>

#include "speed/estimate.h"

/* As they came; NULL where a header is missing. */
typedef struct {
    const char *downlink, *rtt, *ect;
    int is_private; /* 1: the client's address is private, see
                       sp_clientkey_is_private */
} sp_hints_t;

/**
 * What the hints say.
 *
 *     Downlink below 9.5 Mbit/s      that rate, s = 1
 *     Downlink from 9.5 on           at least 2 Mbit/s: 10 is the cap, and
 *                                    unknown is sent as the fastest value
 *     Downlink 1.3 to 1.55 from a    the same: it is what Chromium says of
 *       private address              every line there
 *     ECT 2g or slow-2g              at most 150 kbit/s, whatever else
 *
 * @return 1 and *out, with out->at = now; 0 when they say nothing
 */
int sp_prior_make(sp_state_t *out, const sp_hints_t *hints, apr_time_t now);

/* 1 when a Save-Data header says "on". */
int sp_prior_saves_data(const char *value);

#endif
