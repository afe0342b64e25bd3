/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts in memory: names, terms, looks, and what outlives what. */
#include "unit.h"

#include <pthread.h>
#include <unistd.h>

#include <apr_strings.h>

#include "store/account.h"
#include "store/account_in.h"

#define NOW (1700000000 * APR_INT64_C(1000000))
#define SECOND APR_INT64_C(1000000)
#define DAY (86400 * SECOND)

static const di_terms_t terms = {.quota_bytes = 1000000,
                                 .quota_files = 100,
                                 .policy = DI_POLICY_LFU,
                                 .near_pct = 90,
                                 .keep_pct = 80};

static di_accounts_t *accounts_make(apr_pool_t *p)
{
    return di_accounts_init(apr_pcalloc(p, di_accounts_bytes()), "boot 1");
}

static di_account_look_t look(di_accounts_t *accounts, int customer,
                              apr_time_t now)
{
    di_account_look_t out;

    assert_int_equal(di_accounts_look(&out, accounts, customer, now), 1);
    return out;
}

static void book(di_accounts_t *accounts, int customer, apr_uint64_t bytes,
                 apr_uint64_t files, apr_time_t now)
{
    di_account_t *account = di_account_at(accounts, customer);
    di_account_state_t state;

    di_account_load(&state, account);
    state.bytes = bytes;
    state.files = files;
    state.known = 1;
    di_account_store(account, &state, now);
}

static void names_are_those_of_hosts(void **state)
{
    static const struct {
        const char *name;
        int is_legal;
    } cases[] = {
        {"a", 1},
        {"shop.example", 1},
        {"0-9_z.", 1},
        {"123456789012345678901234567890123456789012345678901234567890123", 1},
        {"1234567890123456789012345678901234567890123456789012345678901234", 0},
        {"", 0},
        {".", 0},
        {"..", 0},
        {"-a", 0},
        {"_a", 0},
        {"A", 0},
        {"a/b", 0},
        {"a b", 0},
        {"\xc3\xa4", 0},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (di_customer_name_is_legal(cases[i].name) != cases[i].is_legal) {
            fail_msg("\"%s\"", cases[i].name);
        }
    }
}

static void a_customer_keeps_its_place_and_gets_new_terms(void **state)
{
    di_accounts_t *accounts = accounts_make(*state);
    di_terms_t other = terms;

    assert_int_equal(di_accounts_count(accounts), 0);
    assert_int_equal(di_accounts_open(accounts, "a.example", &terms), 0);
    assert_int_equal(di_accounts_open(accounts, "b.example", &terms), 1);
    other.quota_files = 7;
    assert_int_equal(di_accounts_open(accounts, "a.example", &other), 0);
    assert_int_equal(di_accounts_count(accounts), 2);
    assert_int_equal(di_accounts_find(accounts, "b.example"), 1);
    assert_int_equal(di_accounts_find(accounts, "c.example"), -1);
    assert_string_equal(look(accounts, 1, NOW).name, "b.example");
    assert_int_equal(look(accounts, 0, NOW).terms.quota_files, 7);
    assert_int_equal(look(accounts, 1, NOW).terms.quota_files, 100);
    assert_int_equal(look(accounts, 1, NOW).terms.policy, DI_POLICY_LFU);
}

static void there_is_room_for_so_many_and_no_more(void **state)
{
    di_accounts_t *accounts = accounts_make(*state);
    di_account_look_t out;
    int i;

    for (i = 0; i < DI_CUSTOMERS_MAX; i++) {
        assert_int_equal(
            di_accounts_open(accounts, apr_psprintf(*state, "c%d", i), &terms),
            i);
    }
    assert_int_equal(di_accounts_open(accounts, "more", &terms), -1);
    assert_int_equal(di_accounts_open(accounts, "c4095", &terms), 4095);
    assert_int_equal(di_accounts_open(accounts, "No", &terms), -1);
    assert_int_equal(di_accounts_look(&out, accounts, -1, NOW), 0);
    assert_int_equal(di_accounts_look(&out, accounts, DI_CUSTOMERS_MAX, NOW),
                     0);
}

static void what_is_booked_outlives_a_start_but_not_a_boot(void **state)
{
    void *mem = apr_pcalloc(*state, di_accounts_bytes());
    di_accounts_t *accounts = di_accounts_init(mem, "boot 1");

    di_accounts_open(accounts, "a.example", &terms);
    book(accounts, 0, 8192, 2, NOW);
    accounts = di_accounts_init(mem, "boot 1");
    assert_int_equal(look(accounts, 0, NOW).known, 1);
    assert_int_equal(look(accounts, 0, NOW).bytes, 8192);

    accounts = di_accounts_init(mem, "boot 2");
    assert_int_equal(look(accounts, 0, NOW).known, 0);
    assert_int_equal(look(accounts, 0, NOW + SECOND).byte_seconds, 8);
    assert_string_equal(look(accounts, 0, NOW).name, "a.example");

    memset(mem, 0xaa, di_accounts_bytes());
    accounts = di_accounts_init(mem, "boot 2");
    assert_int_equal(di_accounts_count(accounts), 0);
}

static void books_have_an_id_of_their_own(void **state)
{
    di_accounts_t *one = accounts_make(*state), *two = accounts_make(*state);

    assert_memory_not_equal(one->id, two->id, sizeof(one->id));
}

/* bytes x time by steps, in units of 1024 bytes x 1 s. */
static void byte_seconds_are_the_integral_of_what_was_stored(void **state)
{
    di_accounts_t *accounts = accounts_make(*state);

    di_accounts_open(accounts, "a.example", &terms);
    assert_int_equal(look(accounts, 0, NOW).byte_seconds, 0);
    book(accounts, 0, 4096, 1, NOW);
    assert_int_equal(look(accounts, 0, NOW + 10 * SECOND).byte_seconds, 40);
    book(accounts, 0, 40960, 2, NOW + 10 * SECOND);
    assert_int_equal(look(accounts, 0, NOW + 11 * SECOND).byte_seconds, 80);
    book(accounts, 0, 0, 0, NOW + 20 * SECOND);
    assert_int_equal(look(accounts, 0, NOW + DAY).byte_seconds, 440);
}

/* Thousands of changes a second lose nothing by rounding. */
static void short_spans_add_up(void **state)
{
    di_accounts_t *accounts = accounts_make(*state);
    int i;

    di_accounts_open(accounts, "a.example", &terms);
    for (i = 0; i <= 10000; i++) {
        book(accounts, 0, 4096, 1, NOW + i * 1000);
    }
    assert_int_equal(look(accounts, 0, NOW + 10 * SECOND).byte_seconds, 40);
}

/* Requests end in another order than they began. */
static void instants_a_little_out_of_order_count_once(void **state)
{
    di_accounts_t *accounts = accounts_make(*state);
    int i;

    di_accounts_open(accounts, "a.example", &terms);
    for (i = 0; i <= 100; i++) {
        book(accounts, 0, 4096, 1, NOW + i * SECOND);
        book(accounts, 0, 4096, 1, NOW + i * SECOND - 5 * SECOND);
    }
    assert_int_equal(look(accounts, 0, NOW + 100 * SECOND).byte_seconds, 400);
}

/* A quota as large as any disk, for as long as a gap counts. */
static void large_numbers_do_not_overflow(void **state)
{
    di_accounts_t *accounts = accounts_make(*state);
    apr_uint64_t exabyte = (apr_uint64_t)1 << 60;

    di_accounts_open(accounts, "a.example", &terms);
    book(accounts, 0, exabyte / 1000, 1, NOW);
    assert_true(look(accounts, 0, NOW + 7 * DAY).byte_seconds ==
                exabyte / 1000 / 1024 * 7 * 86400);
    assert_true(di_account_share(APR_UINT64_MAX, 100) == APR_UINT64_MAX);
    assert_true(di_account_share(199, 50) == 99);
}

static void byte_seconds_never_go_back_when_the_clock_does(void **state)
{
    di_accounts_t *accounts = accounts_make(*state);
    apr_uint64_t before;

    di_accounts_open(accounts, "a.example", &terms);
    book(accounts, 0, 4096, 1, NOW);
    before = look(accounts, 0, NOW + 100 * SECOND).byte_seconds;
    assert_int_equal(before, 400);
    assert_int_equal(look(accounts, 0, NOW - DAY).byte_seconds, before);
    book(accounts, 0, 4096, 1, NOW - DAY);
    assert_int_equal(look(accounts, 0, NOW - DAY).byte_seconds, before);
    assert_true(look(accounts, 0, NOW - DAY + 101 * SECOND).byte_seconds >
                before);
}

/* A clock that jumps by years is not ten years' bill. */
static void a_long_gap_counts_as_a_week(void **state)
{
    di_accounts_t *accounts = accounts_make(*state);

    di_accounts_open(accounts, "a.example", &terms);
    book(accounts, 0, 4096, 1, NOW);
    book(accounts, 0, 4096, 1, NOW + 3650 * DAY);
    assert_int_equal(look(accounts, 0, NOW + 3650 * DAY).byte_seconds,
                     4 * 7 * 86400);
}

typedef struct {
    di_accounts_t *accounts;
    atomic_int stop;
} changing_t;

static void *change(void *baton)
{
    changing_t *changing = baton;
    apr_uint64_t i;

    for (i = 0; !atomic_load(&changing->stop); i++) {
        book(changing->accounts, 0, i * 4096, i, NOW);
    }
    return NULL;
}

static void a_look_never_sees_half_of_a_change(void **state)
{
    changing_t changing = {.accounts = accounts_make(*state)};
    apr_uint64_t files = 0;
    pthread_t thread;
    int i;

    di_accounts_open(changing.accounts, "a.example", &terms);
    assert_int_equal(pthread_create(&thread, NULL, change, &changing), 0);
    /* Until there was something to see. */
    for (i = 0; i < 200000 || files < 20000; i++) {
        di_account_look_t now = look(changing.accounts, 0, NOW);

        files = now.files;
        if (now.bytes != now.files * 4096) {
            atomic_store(&changing.stop, 1);
            pthread_join(thread, NULL);
            fail_msg("%d files of %d bytes", (int)now.files, (int)now.bytes);
        }
    }
    atomic_store(&changing.stop, 1);
    pthread_join(thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(names_are_those_of_hosts),
        UNIT(a_customer_keeps_its_place_and_gets_new_terms),
        UNIT(there_is_room_for_so_many_and_no_more),
        UNIT(what_is_booked_outlives_a_start_but_not_a_boot),
        UNIT(books_have_an_id_of_their_own),
        UNIT(byte_seconds_are_the_integral_of_what_was_stored),
        UNIT(short_spans_add_up),
        UNIT(instants_a_little_out_of_order_count_once),
        UNIT(large_numbers_do_not_overflow),
        UNIT(byte_seconds_never_go_back_when_the_clock_does),
        UNIT(a_long_gap_counts_as_a_week),
        UNIT(a_look_never_sees_half_of_a_change),
    };

    alarm(300);
    return UNIT_RUN(tests);
}
