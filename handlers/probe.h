/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probe: noise to be fetched by the script and measured, in steps.  The
 * server decides whether, and how much; speed/probe.h draws the exchange.
 */
#ifndef SP_PROBE_HANDLER_H
#define SP_PROBE_HANDLER_H

#include "httpd.h"

#include "speed/estimate.h"
#include "speed/probe.h"

/* Name of the handler, in r->handler. */
#define SP_PROBE_HANDLER "speedprobe-probe"

/* Call once from the module's hooks. */
void sp_probe_register(apr_pool_t *pconf);

/**
 * Answer one request: 200 with noise and a token, or 204 when no step is
 * wanted, allowed or left; 405 to anything but GET.
 * @param known  of the client
 * @return OK, or the HTTP status
 */
int sp_probe_answer(request_rec *r, const sp_estimate_t *known);

/* What seals tokens for this request's client. */
sp_sealer_t sp_probe_sealer(request_rec *r);

/**
 * The sample of a report, whose step is charged to the client's budget now.
 * @param beacon     with a token
 * @param cookie_at  of the last sample in the client's cookie: a step that was
 *                   sent before counts no more
 * @return 1 and *out; 0 when it counts for nothing
 */
int sp_probe_report(sp_sample_t *out, const sp_beacon_t *beacon,
                    apr_time_t cookie_at, request_rec *r);

#endif
