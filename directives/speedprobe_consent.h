/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May this visitor be measured and remembered?  Whatever reads or sets a
 * cookie, puts a script into a page or keeps a row about a client asks
 * sp_consent_given first.
 *
 * Where the operator asks for consent, pages with and without scripts are two
 * answers of one URL: they carry Vary, and ETags of their own, so that no
 * cache is told of one that the other is still good.
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
 * The answer under way is a page with scripts, and has a weak ETag or none.
 * Where consent is asked for, give it an ETag that the page without scripts
 * does not match, however weakly; without ETag it loses its date.
 */
void sp_consent_mark_page(request_rec *r);

/* From fixups: for a visitor who agrees, such ETags count as those of the page
   itself, so that whoever made it can say "not modified". */
void sp_consent_unmark_pages(request_rec *r);

#endif
