/* SPDX-License-Identifier: Apache-2.0 */
/* The books as one piece of memory. */
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "store/books.h"

#define NOW (1700000000 * APR_INT64_C(1000000))
#define LEDGER_BYTES 1000

static const di_terms_t terms = {.quota_bytes = 1000000,
                                 .quota_files = 100,
                                 .policy = DI_POLICY_IDLE,
                                 .near_pct = 90,
                                 .keep_pct = 80};

static void parts_lie_one_behind_the_other(void **state)
{
    apr_size_t bytes = di_books_bytes(LEDGER_BYTES), i;
    char *mem = apr_pcalloc(*state, bytes + 64);
    char *from = mem + 64 - (uintptr_t)mem % 64;
    di_books_t books;
    char *part[7];

    di_books_init(&books, from, LEDGER_BYTES, "boot");
    part[0] = (char *)books.accounts;
    part[1] = (char *)books.usage;
    part[2] = (char *)books.purges;
    part[3] = (char *)books.ledger;
    part[4] = (char *)books.turn;
    part[5] = (char *)books.breaker;
    part[6] = from + bytes;
    assert_ptr_equal(part[0], from + DI_BOOKS_DIRECTORY_BYTES);
    for (i = 0; i < 6; i++) {
        static const apr_size_t least[] = {0,
                                           0,
                                           0,
                                           LEDGER_BYTES,
                                           DI_TURN_END * sizeof(apr_int64_t),
                                           DI_BREAKERS * sizeof(di_breaker_t)};

        assert_int_equal((uintptr_t)part[i] % 64, 0);
        assert_true(part[i + 1] >= part[i] + least[i]);
    }
    assert_true(part[1] >= part[0] + di_accounts_bytes());
    assert_true(part[2] >= part[1] + di_usage_bytes());
    assert_true(part[3] >= part[2] + di_purges_bytes());
}

static void a_start_keeps_what_lasts_and_clears_what_is_of_one_run(void **state)
{
    char *mem = apr_pcalloc(*state, di_books_bytes(LEDGER_BYTES));
    const unsigned char hash[DI_KEY_HASH_BYTES] = {1};
    di_books_t books;
    apr_uint64_t stamp;

    di_books_init(&books, mem, LEDGER_BYTES, "boot");
    di_accounts_open(books.accounts, "a.example", &terms);
    di_usage_note(books.usage, hash, NOW);
    di_purges_add(&stamp, books.purges, "a.example", "/", NOW);
    memset(books.ledger, 7, LEDGER_BYTES);
    atomic_store(&books.turn[DI_TURN_SWEEP], 5);
    atomic_store(&books.breaker[DI_BREAKERS - 1].open_until, 5);

    di_books_init(&books, mem, LEDGER_BYTES, "boot");
    assert_int_equal(di_accounts_find(books.accounts, "a.example"), 0);
    assert_int_equal(di_usage_get(books.usage, hash).requests, 1);
    assert_true(di_purges_stamp(books.purges, "a.example", "/x") == stamp);
    assert_int_equal(((char *)books.ledger)[LEDGER_BYTES - 1], 7);
    assert_int_equal(atomic_load(&books.turn[DI_TURN_SWEEP]), 0);
    assert_int_equal(atomic_load(&books.breaker[DI_BREAKERS - 1].open_until),
                     0);
}

/* What a newer version with a larger ledger finds, and one that meets anything
   else. */
static void other_books_lend_the_parts_that_are_alike(void **state)
{
    apr_size_t before = di_books_bytes(LEDGER_BYTES),
               after = di_books_bytes(2 * LEDGER_BYTES), cut;
    char *old = apr_pcalloc(*state, before);
    char *mem = apr_pcalloc(*state, after);
    di_books_t books;
    apr_uint64_t stamp;

    di_books_init(&books, old, LEDGER_BYTES, "boot");
    di_accounts_open(books.accounts, "a.example", &terms);
    di_purges_add(&stamp, books.purges, "a.example", "/", NOW);
    memset(books.ledger, 7, LEDGER_BYTES);

    assert_int_equal(di_books_carry(mem, 2 * LEDGER_BYTES, old, before), 3);
    di_books_init(&books, mem, 2 * LEDGER_BYTES, "boot");
    assert_int_equal(di_accounts_find(books.accounts, "a.example"), 0);
    assert_true(di_purges_stamp(books.purges, "a.example", "/x") == stamp);
    assert_int_equal(((char *)books.ledger)[0], 0);

    /* Cut anywhere: what is there in whole, and no byte beyond. */
    for (cut = 0; cut < before; cut += cut < 400 ? 1 : before / 50) {
        char *exact = malloc(cut ? cut : 1);
        int carried;

        memcpy(exact, old, cut);
        memset(mem, 0, after);
        carried = di_books_carry(mem, LEDGER_BYTES, exact, cut);
        assert_in_range(carried, 0, 3);
        free(exact);
    }
    memset(old, 0xff, DI_BOOKS_DIRECTORY_BYTES);
    assert_int_equal(di_books_carry(mem, LEDGER_BYTES, old, before), 0);
    memcpy(old, "dibooks", 8);
    assert_int_equal(di_books_carry(mem, LEDGER_BYTES, old, before), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(parts_lie_one_behind_the_other),
        UNIT(a_start_keeps_what_lasts_and_clears_what_is_of_one_run),
        UNIT(other_books_lend_the_parts_that_are_alike),
    };

    alarm(300);
    return UNIT_RUN(tests);
}
