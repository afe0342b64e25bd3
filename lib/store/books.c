/* SPDX-License-Identifier: Apache-2.0 */
/* The parts one after the other, each from a page's begin. */
#include "store/books.h"

#include <string.h>

#define PAGE_BYTES 4096

static apr_size_t pages(apr_size_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static apr_size_t turns_bytes(void)
{
    return sizeof(_Atomic apr_int64_t) * DI_TURN_END;
}

static apr_size_t breakers_bytes(void)
{
    return sizeof(di_breaker_t) * DI_BOOKS_BREAKERS;
}

apr_size_t di_books_bytes(apr_size_t ledger_bytes)
{
    return pages(di_accounts_bytes()) + pages(di_usage_bytes()) +
           pages(di_purges_bytes()) + pages(ledger_bytes) +
           pages(turns_bytes()) + pages(breakers_bytes());
}

/* The next part; *at moves on. */
static void *take(char **at, apr_size_t bytes)
{
    void *part = *at;

    *at += pages(bytes);
    return part;
}

void di_books_init(di_books_t *out, void *mem, apr_size_t ledger_bytes,
                   const char *boot)
{
    char *at = mem;

    out->accounts = di_accounts_init(take(&at, di_accounts_bytes()), boot);
    out->usage = di_usage_init(take(&at, di_usage_bytes()));
    out->purges = di_purges_init(take(&at, di_purges_bytes()));
    out->ledger = take(&at, ledger_bytes);
    out->turn = memset(take(&at, turns_bytes()), 0, turns_bytes());
    out->breaker = memset(take(&at, breakers_bytes()), 0, breakers_bytes());
}
