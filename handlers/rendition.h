/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rendition as the answer to a request: representation headers, conditions,
 * one brigade.
 */
#ifndef DI_RENDITION_H
#define DI_RENDITION_H

#include "httpd.h"

#include "store/store.h"

/**
 * Answer a GET or HEAD with a rendition.
 * @param entry  a rendition (no verdict); its body lives in r->pool
 * @param etag   its strong entity tag, quoted
 * @return what a handler returns
 *
 * A rendition carries no Last-Modified: its time would be the original's, and
 * an If-Range or If-Modified-Since by date could then mix two tiers.
 */
int di_rendition_send(request_rec *r, const di_entry_t *entry,
                      const char *etag);

#endif
