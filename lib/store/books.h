/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The books: one piece of memory that all processes of an httpd share, and that
 * outlives them in a file (base/memory.h), cut into the parts that are kept in
 * it.  Each part says itself what it can use of what it finds.
 *
 *     | directory | accounts | usage | purges | ledger | turns | breakers |
 *
 * The directory says where the four parts lie that last, so that another
 * version of the module, in which one part has another size, finds the others.
 * Turns and breakers are of this run of httpd: cleared at each start.
 */
#ifndef DI_BOOKS_H
#define DI_BOOKS_H

#include <stdatomic.h>

#include "store/account.h"
#include "store/breaker.h"
#include "store/purges.h"
#include "store/usage.h"

/* Parts that last, and room for the directory of them. */
#define DI_BOOKS_PARTS 4
#define DI_BOOKS_DIRECTORY_BYTES 256

/* Turns of duties (base/caretaker.h). */
typedef enum {
    DI_TURN_PROBE,  /* breakers that are open */
    DI_TURN_PURGES, /* purges of other machines, through memcached */
    DI_TURN_PULL,   /* and by HTTP */
    DI_TURN_SWEEP,  /* accounts that are near full or unknown */
    DI_TURN_END
} di_turn_e;

typedef struct {
    di_accounts_t *accounts;
    di_usage_t *usage;
    di_purges_t *purges;
    void *ledger; /* image/ledger.h; the store does not look into it */
    _Atomic apr_int64_t *turn; /* DI_TURN_END of them */
    di_breaker_t *breaker;     /* a table: DI_BREAKERS of them */
} di_books_t;

/* @param ledger_bytes  of the ledger */
apr_size_t di_books_bytes(apr_size_t ledger_bytes);

/**
 * In httpd's parent: take memory into use.
 * @param mem   aligned to pages
 * @param boot  see di_accounts_init
 */
void di_books_init(di_books_t *out, void *mem, apr_size_t ledger_bytes,
                   const char *boot);

/**
 * Take over from books of another size, before di_books_init: the parts that
 * have the same name and size there.  (What a part holds it judges itself.)
 * @param mem  di_books_bytes(ledger_bytes), all zero
 * @param old  a copy of those books, or any bytes
 * @return how many parts, of DI_BOOKS_PARTS
 */
int di_books_carry(void *mem, apr_size_t ledger_bytes, const void *old,
                   apr_size_t old_bytes);

#endif
