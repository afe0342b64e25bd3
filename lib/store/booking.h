/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Booking: how a customer's files and account are changed together.
 *
 *     di_hold_take        lock; put right what a dead process left
 *       di_hold_begin     booked: the old file, and room for the new one
 *       (write "tmp", rename it)
 *       di_hold_end       booked: what there is now
 *       di_hold_remove    the same for a deletion
 *     di_hold_release
 *
 * Any thread and process may take a hold; one at a time has a customer's.
 */
#ifndef DI_BOOKING_H
#define DI_BOOKING_H

#include "store/account.h"
#include "store/account_in.h"

/* Longest pause between two tries to take a hold, us. */
#define DI_HOLD_PAUSE_LONGEST 2000

typedef struct {
    di_account_t *account;
    di_account_state_t state; /* the account's, while it is held */
    int folder;               /* the customer's, open */
    int lock;
    int foreign; /* 1: other books had been kept of this folder */
} di_hold_t;

/**
 * Take hold of a customer's folder and account.
 * @param root      folder of all customers
 * @param makes     1: make the folder, and root, when they are not there
 * @param wait_for  how long to wait for another holder; a little is added by
 *                  the last pause
 * @return APR_SUCCESS; APR_EBUSY when it took too long; APR_ENOENT without a
 *         folder; APR_EINVAL when there is no such customer; else why the
 *         folder cannot be used
 */
apr_status_t di_hold_take(di_hold_t *out, di_accounts_t *accounts, int customer,
                          const char *root, int makes,
                          apr_interval_time_t wait_for, apr_time_t now);

void di_hold_release(di_hold_t *hold);

/**
 * Be the only one who sweeps a customer: the hold can be taken meanwhile.
 * @return what di_hold_swept gives back in the end; -1 with *rv set as by
 *         di_hold_take
 */
int di_hold_sweeping(apr_status_t *rv, di_accounts_t *accounts, int customer,
                     const char *root);

void di_hold_swept(int sweeping);

/* 1 when so much more stays within the quota. */
int di_hold_fits(const di_hold_t *hold, apr_uint64_t bytes, apr_uint64_t files);

/**
 * Book room for a new file, beside that which has its name now.  The caller
 * has made sure that it fits.
 */
void di_hold_begin(di_hold_t *hold, const unsigned char *hash,
                   apr_uint64_t bytes, apr_time_t now);

/* Book what that name has come to; a temporary file is deleted. */
void di_hold_end(di_hold_t *hold, apr_time_t now);

/* Delete an entry, and book it.  @return why it is still there */
apr_status_t di_hold_remove(di_hold_t *hold, const unsigned char *hash,
                            apr_time_t now);

/* Everything was counted under this very hold. */
void di_hold_set(di_hold_t *hold, apr_uint64_t bytes, apr_uint64_t files,
                 apr_time_t now);

/**
 * Recount one more folder of the tree (booking.c tells how); after the last
 * one the account has the sums, and is known.
 * @return APR_SUCCESS: it is; APR_INCOMPLETE: there are more; else why the
 *         folder cannot be read
 */
apr_status_t di_hold_count(di_hold_t *hold, apr_time_t now);

/**
 * Recount for a while, if the account is not known.
 * @return APR_SUCCESS: it is known; APR_INCOMPLETE; else as di_hold_count
 */
apr_status_t di_hold_know(di_hold_t *hold, apr_interval_time_t at_most,
                          apr_time_t now);

#endif
