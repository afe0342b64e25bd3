/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May this visitor be measured and remembered?  Whatever reads or sets a
 * cookie, puts a script into a page or keeps a row about a client asks
 * sp_consent_given first.
 *
 * Where the operator asks for consent, pages with and without scripts are two
 * answers of one URL: they carry Vary (and ETags of their own in any case,
 * filters/pagetag.h).
 */
#ifndef SP_CONSENT_REQUEST_H
#define SP_CONSENT_REQUEST_H

#include "httpd.h"

/* 1 when nobody is asked, or the visitor has agreed and does not object. */
int sp_consent_given(const request_rec *r);

/* Request headers that the answer to that follows (SP_ASKED_*). */
unsigned sp_consent_asked(const request_rec *r);

/* The answer under way depends on consent: say so in Vary. */
void sp_consent_vary(request_rec *r);

#endif
