/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of di_accounts_t: what account.c, booking.c and sweeper.c share.
 *
 * What changes together is one state, kept twice: whoever holds the customer's
 * lock fills the copy that nobody reads and then shows it by one store.  So a
 * process killed at any instruction leaves a whole state, and a look never
 * sees half of one.
 *
 *     shown = 6 --> copy[0]  bytes, files, ..., intent
 *                   copy[1]  the state before, or the next one in the making
 */
#ifndef DI_ACCOUNT_IN_H
#define DI_ACCOUNT_IN_H

#include <stdatomic.h>

#include "store/account.h"

#define DI_ACCOUNT_ID_BYTES 16

/* From one comparison of an account with its folder to the next. */
#define DI_ACCOUNT_WALK_EVERY apr_time_from_sec(3600)

/* Room for what names a boot, with its final NUL. */
#define DI_ACCOUNT_BOOT_ROOM 64

typedef struct {
    apr_uint64_t bytes, files; /* booked: never below what the disk has */
    apr_uint64_t kib_seconds;  /* up to settled_at */
    apr_uint64_t kib_us;       /* and less than one of them */
    apr_uint64_t settled_at;   /* apr_time_t; 0: never */
    apr_uint64_t known;        /* 1: bytes and files were compared */
    /* The folder's lock file, to know the folder again: another file system
       may lie in its place for a while, with the same books' id in it. */
    apr_uint64_t lock_dev, lock_ino;
    /* The recount: folders of the tree that it has been through, 0: none, and
       what is in these.  Changes there are booked here too. */
    apr_uint64_t walked, walked_bytes, walked_files;
    /* The file that is being changed, and what of it is in the books beside
       the rest. */
    apr_uint64_t intent; /* 1: there is one */
    apr_uint64_t hash[2];
    apr_uint64_t own_bytes, own_files;   /* of bytes and files */
    apr_uint64_t seen_bytes, seen_files; /* of it before, as a walk saw it */
} di_account_state_t;

#define DI_ACCOUNT_WORDS (sizeof(di_account_state_t) / sizeof(apr_uint64_t))

typedef struct {
    char name[DI_CUSTOMER_NAME_ROOM]; /* never changes */
    _Atomic apr_uint64_t quota_bytes, quota_files;
    _Atomic int policy, near_pct, keep_pct;
    _Atomic apr_uint64_t reclaimed, refused;
    /* 0, or since when: a put had no time to reclaim all that it had to, so the
       sweeper does, whatever near_pct says. */
    _Atomic apr_int64_t overdue_at;
    _Atomic apr_uint64_t named;   /* the last configuration that names it */
    _Atomic apr_uint64_t told;    /* byte_seconds that were told last */
    _Atomic apr_int64_t walk_at;  /* when the next recount is due */
    _Atomic apr_int64_t ahead_at; /* not before: reclaim ahead */
    _Atomic apr_uint64_t shown;   /* the state is copy[shown % 2] */
    _Atomic apr_uint64_t copy[2][DI_ACCOUNT_WORDS];
} di_account_t;

struct di_accounts_t {
    apr_uint64_t magic;
    apr_uint64_t bytes;                    /* of all this */
    unsigned char id[DI_ACCOUNT_ID_BYTES]; /* random: of these books */
    char boot[DI_ACCOUNT_BOOT_ROOM];
    _Atomic int strangers_told;          /* 1: since the last start */
    _Atomic apr_uint64_t configurations; /* that were opened as a whole */
    _Atomic int count;
    di_account_t account[DI_CUSTOMERS_MAX];
};

/* 1 when the configuration that is in force names this customer. */
int di_account_is_named(const di_accounts_t *accounts,
                        const di_account_t *account);

/* NULL when the place is not in use. */
di_account_t *di_account_at(di_accounts_t *accounts, int customer);

/* Any process, at any time. */
void di_account_load(di_account_state_t *out, const di_account_t *account);

/* Under the customer's lock only: show a new state, as of now.  Brings the
   integral of bytes over time forward by what was stored until now. */
void di_account_store(di_account_t *account, di_account_state_t *state,
                      apr_time_t now);

void di_account_terms(di_terms_t *out, const di_account_t *account);

/* Bytes in whole blocks. */
apr_uint64_t di_account_rounded(apr_uint64_t bytes);

/* So many percent of that, without overflow. */
apr_uint64_t di_account_share(apr_uint64_t whole, int pct);

#endif
