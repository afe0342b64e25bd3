/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May this visitor be measured and remembered?  Whatever reads or sets a
 * cookie, puts a script into a page or keeps a row about a client asks
 * sp_consent_given first.
 *
 * Where the operator asks for consent, pages with and without scripts are two
 * answers of one URL: they carry Vary, and a browser that has one of them is
 * not told that the other is still good.
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

/**
 * From fixups: a page with scripts that a browser has kept is not confirmed
 * to a visitor who does not agree (any more).
 */
void sp_consent_forget_page(request_rec *r);

#endif
