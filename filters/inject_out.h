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

/* Why an answer is left alone; sp_inject_reason_name has the words. */
typedef enum {
    SP_INJECT_ELIGIBLE,
    SP_INJECT_METHOD,       /* neither GET nor HEAD */
    SP_INJECT_STATUS,       /* not 200 */
    SP_INJECT_RANGE,        /* a part was asked for */
    SP_INJECT_TYPE,         /* not text/html */
    SP_INJECT_CHARSET,      /* bytes of markup may be something else */
    SP_INJECT_ENCODED,      /* compressed by somebody before us */
    SP_INJECT_ATTACHMENT,   /* to be saved, not shown */
    SP_INJECT_NO_TRANSFORM, /* Cache-Control forbids changes */
    SP_INJECT_NOT_SHOWN,    /* fetched by a script, or not as a page */
    SP_INJECT_POLICY,       /* the Content-Security-Policy forbids */
    SP_INJECT_PROXY         /* a forward proxy's traffic */
} sp_inject_reason_e;

const char *sp_inject_reason_name(sp_inject_reason_e reason);

/* Call once from the module's hooks. */
void sp_inject_register(void);

/* Put the filter into a main request's chain, from insert_filter. */
void sp_inject_insert(request_rec *r);

#endif
