/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts: what each customer has stored on disk, and may store, in memory
 * that all processes share and that outlives them (base/memory.h).
 *
 * The bound is hard: bytes and files are booked before a file is written, by
 * whoever holds the customer's lock, and a booking is never above the quota.
 * The lock is an open-file-description lock on one file in the customer's
 * folder, which the kernel drops when its holder dies.  Before a file is
 * written, replaced or deleted, the holder notes which one (the intent); who
 * takes the lock next and finds an intent looks at that one file and puts the
 * books right.  So a process killed at any instruction costs nothing.
 *
 *     intent{hash}, bytes booked -> file written, renamed -> intent {}
 *
 * A file counts with its size rounded up to whole 4096-byte blocks; folders and
 * the file of the lock do not count.
 *
 * booking.h is how the disk level changes an account.
 *
 * Hits do not come here: usage.h.
 */
#ifndef DI_ACCOUNT_H
#define DI_ACCOUNT_H

#include <apr_errno.h>
#include <apr_time.h>

#include "store/store.h"

/* Most customers that one httpd can have had since its books were begun; the
   place of a customer never changes, and is never another's. */
#define DI_CUSTOMERS_MAX 4096

/* Room for a customer's name, with its final NUL.  Legal: 1 to 63 of a-z, 0-9,
   '.', '-' and '_', the first one a letter or digit.  It is the name of the
   customer's folder too. */
#define DI_CUSTOMER_NAME_ROOM 64

/* Block that sizes are rounded up to, bytes. */
#define DI_ACCOUNT_BLOCK_BYTES 4096

/* Which entries go first when a customer's quota is full. */
typedef enum {
    DI_POLICY_IDLE,     /* longest idle and fewest requests (the patent's):
                           classes of idle time, each twice as long as the one
                           before; the longest class first, in it the fewest
                           requests, then the longest idle */
    DI_POLICY_LRU,      /* longest idle */
    DI_POLICY_LFU,      /* fewest requests, then longest idle */
    DI_POLICY_AGE,      /* made first */
    DI_POLICY_PRIORITY, /* lowest priority (record), then longest idle */
    DI_POLICY_PERMANENT /* none: when it is full nothing more is kept */
} di_policy_e;

/* What a customer is granted; set at each start. */
typedef struct {
    apr_uint64_t quota_bytes; /* at least 1 */
    apr_uint64_t quota_files; /* at least 1 */
    di_policy_e policy;
    int near_pct; /* from here on the sweeper reclaims ahead, 50..100 */
    int keep_pct; /* down to here a reclaim goes, 10..near_pct */
} di_terms_t;

/* A moment's look at one account. */
typedef struct {
    char name[DI_CUSTOMER_NAME_ROOM];
    di_terms_t terms;
    apr_uint64_t bytes, files; /* stored now */
    apr_uint64_t reclaimed;    /* entries deleted for the quota, ever */
    apr_uint64_t refused;      /* entries that found no room, ever */
    apr_uint64_t byte_seconds; /* bytes stored x time, up to now, in units of
                                  1024 bytes x 1 s; never goes back */
    int known; /* 0: not compared with the disk yet, nothing is kept */
} di_account_look_t;

typedef struct di_accounts_t di_accounts_t;

/* Bytes of memory for them; the shape never depends on the configuration. */
apr_size_t di_accounts_bytes(void);

/**
 * Take memory into use.  What accounts of this version left in it stays;
 * anything else is cleared.
 * @param boot  names this boot of the machine (base/units.h has none: glue
 *              reads it): after another boot no account is known any more,
 *              because memory and disk may have lost different writes
 */
di_accounts_t *di_accounts_init(void *mem, const char *boot);

/* 1 when that is a legal name. */
int di_customer_name_is_legal(const char *name);

/**
 * In httpd's parent: find or open a customer's account, and set its terms.
 * @return its place, 0..DI_CUSTOMERS_MAX-1; -1 when there is no more room or
 *         the name is not legal
 */
int di_accounts_open(di_accounts_t *accounts, const char *name,
                     const di_terms_t *terms);

/**
 * In httpd's parent, after all customers of a configuration were opened: those
 * that were not are gone.  Their accounts stay, for what they still have stored
 * and for what they are billed; but nobody sweeps one whose folder was deleted,
 * and folders of the others are told (DI0412).
 */
void di_accounts_opened(di_accounts_t *accounts);

/* The place of a customer, -1 when there is none.  Any process. */
int di_accounts_find(const di_accounts_t *accounts, const char *name);

/* How many places are in use: customers are 0..count-1. */
int di_accounts_count(const di_accounts_t *accounts);

/* @return 1; 0 when the place is not in use */
int di_accounts_look(di_account_look_t *out, di_accounts_t *accounts,
                     int customer, apr_time_t now);

#endif
