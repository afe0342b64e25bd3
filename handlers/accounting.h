/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each image request is booked as, in its customer's ledger
 * (docs/ledger.md).
 *
 *     image_handler --note--> request ... answer is out --> log_transaction
 *                                                             -> ledger
 */
#ifndef DI_ACCOUNTING_H
#define DI_ACCOUNTING_H

#include "httpd.h"

#include "directives/dynimage_start.h"

/* Book what was noted once an answer is out; once, from register_hooks.
   @param parts  of this process, static */
void di_accounting_register(const di_parts_t *parts);

/**
 * Note what an image request gets.  The last note of a request and its
 * internal redirects counts.
 * @param customer  its place in the accounts
 * @param tier      of the client, not of what stands in for it
 * @param original_bytes  size of the original
 */
void di_accounting_note(request_rec *r, int customer, const char *tier,
                        const di_obtained_t *obtained,
                        apr_uint64_t original_bytes);

#endif
