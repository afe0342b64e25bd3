/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accept-CH on HTML pages over TLS: browsers that have them then send the
 * hints of speed/prior.h with their next requests.
 */
#ifndef SP_HINTS_OUT_H
#define SP_HINTS_OUT_H

#include "httpd.h"

/* Call once from the module's hooks. */
void sp_hints_register(void);

/* Put the filter into a main request's chain, from insert_filter; it is for
   the caller to know that SpeedProbeHints is On. */
void sp_hints_insert(request_rec *r);

#endif
