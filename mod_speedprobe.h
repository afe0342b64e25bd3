/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast is this client?  The one header of mod_speedprobe that other
 * modules may use.
 *
 *     APR_OPTIONAL_FN_TYPE(speedprobe_estimate) *estimate =
 *         APR_RETRIEVE_OPTIONAL_FN(speedprobe_estimate);
 *     sp_estimate_t e;
 *     if (estimate && estimate(&e, r)) ... e.capacity_kbps ...
 *
 * Retrieve the function in an optional_fn_retrieve or post_config hook; it is
 * NULL when mod_speedprobe is not loaded.
 */
#ifndef MOD_SPEEDPROBE_H
#define MOD_SPEEDPROBE_H

#include "httpd.h"
#include "apr_optional.h"

#include "speed/estimate.h"

/**
 * What is known of the client of a request.  Costs no I/O; the answer is
 * computed once per request and kept with it.
 * @param out  set in any case; out->capacity_kbps is 0 when nothing is known,
 *             and out->save_data and out->asked are set even then
 * @param r    from post_read_request on; main request, sub-request or
 *             internal redirect
 * @return 1 when out->capacity_kbps is known, else 0 (also when SpeedProbe is
 *         Off for r)
 */
APR_DECLARE_OPTIONAL_FN(int, speedprobe_estimate,
                        (sp_estimate_t * out, request_rec *r));

/**
 * How long will an answer take to reach that client?  Counts the round trips
 * of slow start, so it is right for small pictures on distant lines too.
 * @param estimate  as speedprobe_estimate gave it
 * @param bytes     of the answer
 * @return ms from the arrival of the request on; 0 for an unknown client.  For
 *         a lower bound it is the longest time to be expected
 */
APR_DECLARE_OPTIONAL_FN(apr_uint32_t, speedprobe_transfer_ms,
                        (const sp_estimate_t *estimate, apr_uint64_t bytes));

#endif
