/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The external script, for pages whose policy allows no inline one, and for
 * the probe, which is too long for a page: one text for all pages of a site.
 */
#ifndef SP_SCRIPT_H
#define SP_SCRIPT_H

#include "httpd.h"

/* Name of the handler, in r->handler. */
#define SP_SCRIPT_HANDLER "speedprobe-script"

/* How long caches may keep it without asking, s. */
#define SP_SCRIPT_AGE_S 86400

/**
 * Answer one request for it: 200 or 304; 405 to anything but GET and HEAD.
 * @return OK, or the HTTP status
 */
int sp_script_answer(request_rec *r);

#endif
