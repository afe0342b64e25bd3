/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cutting; books.h draws it.  Each part begins at a line of the cache, so
 * that two parts never share one.
 */
#include "store/books.h"

#define LINE 64

static apr_size_t in_lines(apr_size_t bytes)
{
    return (bytes + LINE - 1) / LINE * LINE;
}

static apr_size_t turns_bytes(void)
{
    return in_lines(DI_TURN_END * sizeof(_Atomic apr_int64_t));
}

static apr_size_t breakers_bytes(void)
{
    return in_lines(DI_BREAKERS * sizeof(di_breaker_t));
}

apr_size_t di_books_bytes(apr_size_t ledger_bytes)
{
    return in_lines(di_accounts_bytes()) + in_lines(di_usage_bytes()) +
           in_lines(di_purges_bytes()) + in_lines(ledger_bytes) +
           turns_bytes() + breakers_bytes();
}

/* @return the next part, which is so long */
static void *cut(char **from, apr_size_t bytes)
{
    void *part = *from;

    *from += in_lines(bytes);
    return part;
}

/* Children of the configuration before may be at work with these. */
static void clear_run(di_books_t *books)
{
    int i;

    for (i = 0; i < DI_TURN_END; i++) {
        atomic_store(&books->turn[i], 0);
    }
    di_breakers_clear(books->breaker);
}

void di_books_init(di_books_t *out, void *mem, apr_size_t ledger_bytes,
                   const char *boot)
{
    char *at = mem;

    out->accounts = di_accounts_init(cut(&at, di_accounts_bytes()), boot);
    out->usage = di_usage_init(cut(&at, di_usage_bytes()));
    out->purges = di_purges_init(cut(&at, di_purges_bytes()));
    out->ledger = cut(&at, ledger_bytes);
    out->turn = cut(&at, turns_bytes());
    out->breaker = cut(&at, breakers_bytes());
    clear_run(out);
}
