/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The output filter that puts the measuring scripts into HTML pages.
 *
 * It adds its own nodes and changes nothing else, streams, and steps aside
 * from everything that is not plainly a page that may carry scripts.
 */
#ifndef SP_INJECT_OUT_H
#define SP_INJECT_OUT_H

#include "httpd.h"

#define SP_INJECT_FILTER "SPEEDPROBE_INJECT"

/* Call once from the module's hooks. */
void sp_inject_register(void);

/* Put the filter into a main request's chain, from insert_filter. */
void sp_inject_insert(request_rec *r);

#endif
