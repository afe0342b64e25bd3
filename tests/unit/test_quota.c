/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quotas as an onlooker sees them: processes put for many customers, and the
 * disk is walked while they stand still at whatever instruction they are at; or
 * they are killed there.
 */
#include "unit.h"

#include "shop.h"

#define WRITERS 10
#define CUSTOMERS 20
#define QUIET 3 /* the last ones, that nobody puts for meanwhile */

static const di_terms_t small = {.quota_bytes = 40 * 4096,
                                 .quota_files = 14,
                                 .policy = DI_POLICY_IDLE,
                                 .near_pct = 90,
                                 .keep_pct = 70};

static void assert_books(shop_t *shop, int customer)
{
    shop_sum_t sum = shop_walk(shop, customer);
    di_account_look_t look = shop_look(shop, customer);

    if (!look.known || look.bytes != sum.bytes || look.files != sum.files ||
        sum.temporaries) {
        fail_msg("customer %d: %d bytes in %d files booked, %d in %d there, "
                 "%d temporary",
                 customer, (int)look.bytes, (int)look.files, (int)sum.bytes,
                 (int)sum.files, sum.temporaries);
    }
}

/* ---- one process ---- */

static void the_account_follows_every_put_and_deletion(void **state)
{
    shop_t *shop = shop_make(1, &small, *state);
    di_account_look_t look;

    assert_int_equal(shop_look(shop, 0).known, 0);
    shop_put(shop, 0, 1, 4000, apr_time_now(), *state);
    look = shop_look(shop, 0);
    assert_int_equal(look.known, 1);
    assert_int_equal(look.bytes, 4096);
    assert_int_equal(look.files, 1);
    shop_put(shop, 0, 1, 4090, apr_time_now(), *state);
    assert_int_equal(shop_look(shop, 0).bytes, 8192);
    assert_int_equal(shop_look(shop, 0).files, 1);
    shop_put(shop, 0, 2, 0, apr_time_now(), *state);
    assert_int_equal(shop_look(shop, 0).bytes, 12288);
    assert_int_equal(shop_look(shop, 0).files, 2);
}

static void what_is_too_large_is_refused_and_counted(void **state)
{
    shop_t *shop = shop_make(1, &small, *state);

    assert_int_equal(shop_put(shop, 0, 1, 10 * 4096, apr_time_now(), *state),
                     APR_ENOSPC);
    assert_int_equal(shop_look(shop, 0).refused, 1);
    assert_int_equal(shop_put(shop, 0, 1, 9 * 4096, apr_time_now(), *state),
                     APR_SUCCESS);
    assert_int_equal(shop_put(shop, 1, 1, 10, apr_time_now(), *state),
                     APR_ENOSPC);
    assert_int_equal(shop_get(shop, 1, 1, apr_time_now(), *state), 0);
}

static void a_full_permanent_store_keeps_what_it_has(void **state)
{
    di_terms_t terms = small;
    shop_t *shop;
    int i;

    terms.policy = DI_POLICY_PERMANENT;
    shop = shop_make(1, &terms, *state);
    for (i = 0; i < 20; i++) {
        assert_int_equal(shop_put(shop, 0, i, 100, apr_time_now(), *state),
                         i < 14 ? APR_SUCCESS : APR_ENOSPC);
    }
    di_disk_sweep_now(shop->level, apr_time_now());
    for (i = 0; i < 14; i++) {
        assert_int_equal(shop_get(shop, 0, i, apr_time_now(), *state), 1);
    }
    assert_int_equal(shop_look(shop, 0).refused, 6);
    assert_int_equal(shop_look(shop, 0).reclaimed, 0);
}

/* One reclaim, down to 70 % of 14 files, and the new one. */
static void a_full_store_gives_up_those_that_were_used_least(void **state)
{
    shop_t *shop = shop_make(1, &small, *state);
    apr_time_t now = apr_time_now();
    int i;

    for (i = 0; i < 14; i++) {
        assert_int_equal(shop_put(shop, 0, i, 100, now, *state), APR_SUCCESS);
    }
    for (i = 0; i < 9; i++) {
        assert_int_equal(shop_get(shop, 0, i, now, *state), 1);
    }
    assert_int_equal(shop_put(shop, 0, 14, 100, now, *state), APR_SUCCESS);
    assert_int_equal(shop_look(shop, 0).reclaimed, 5);
    assert_int_equal(shop_look(shop, 0).files, 10);
    for (i = 0; i < 15; i++) {
        assert_int_equal(shop_get(shop, 0, i, now, *state), i < 9 || i == 14);
    }
}

/* With room for one file a put deletes the old one before. */
static void the_smallest_quota_holds_one_file(void **state)
{
    di_terms_t terms = {.quota_bytes = 16384,
                        .quota_files = 1,
                        .policy = DI_POLICY_LRU,
                        .near_pct = 100,
                        .keep_pct = 100};
    shop_t *shop = shop_make(1, &terms, *state);
    int i;

    for (i = 0; i < 5; i++) {
        assert_int_equal(shop_put(shop, 0, i / 2, 10, apr_time_now(), *state),
                         APR_SUCCESS);
        assert_int_equal(shop_get(shop, 0, i / 2, apr_time_now(), *state), 1);
        assert_int_equal(shop_look(shop, 0).files, 1);
    }
}

/* A body that ends too early, as a full disk would end it. */
static void a_put_that_fails_leaves_disk_and_books_as_they_were(void **state)
{
    shop_t *shop = shop_make(1, &small, *state);
    const char *path = apr_pstrcat(*state, folder_make(*state), "/body", NULL);
    di_body_t body = {.bytes = 30000};
    di_record_t record = {.format = 1};
    char text[40];
    di_key_t key;

    assert_int_equal(
        apr_file_open(&body.file, path,
                      APR_FOPEN_CREATE | APR_FOPEN_READ | APR_FOPEN_WRITE,
                      APR_FPROT_OS_DEFAULT, *state),
        APR_SUCCESS);
    assert_int_equal(apr_file_trunc(body.file, 20000), APR_SUCCESS);
    assert_int_equal(shop_put(shop, 0, 1, 5000, apr_time_now(), *state),
                     APR_SUCCESS);
    shop_key(&key, text, 0, 1);
    assert_int_equal(shop->level->put(shop->level, &key, &record, &body,
                                      apr_time_now(), *state),
                     APR_EOF);
    assert_books(shop, 0);
    assert_int_equal(shop_look(shop, 0).bytes, 8192);
    assert_int_equal(shop_get(shop, 0, 1, apr_time_now(), *state), 1);
    shop_key(&key, text, 0, 2);
    assert_int_equal(shop->level->put(shop->level, &key, &record, &body,
                                      apr_time_now(), *state),
                     APR_EOF);
    assert_books(shop, 0);
    assert_int_equal(shop_look(shop, 0).files, 1);
}

/* A get deletes what it finds damaged, and that is booked. */
static void a_damaged_entry_leaves_the_books_when_it_goes(void **state)
{
    shop_t *shop = shop_make(1, &small, *state);
    char text[40], *path;
    di_key_t key;

    shop_put(shop, 0, 1, 5000, apr_time_now(), *state);
    shop_put(shop, 0, 2, 5000, apr_time_now(), *state);
    shop_key(&key, text, 0, 1);
    path = apr_psprintf(*state, "%s/customer0/%.2s/%s.di", shop->root, key.hex,
                        key.hex);
    assert_int_equal(truncate(path, 4097), 0);
    assert_int_equal(shop_get(shop, 0, 1, apr_time_now(), *state), 0);
    assert_int_equal(shop_look(shop, 0).files, 1);
    assert_books(shop, 0);
}

/* As when another file system lies over it for a while: both have the id of
   the same books. */
static void a_folder_that_was_away_is_counted_anew(void **state)
{
    shop_t *shop = shop_make(1, &small, *state);
    const char *path = apr_pstrcat(*state, shop->root, "/customer0", NULL);
    const char *away = apr_pstrcat(*state, shop->root, "/away", NULL);
    const char *other = apr_pstrcat(*state, shop->root, "/other", NULL);
    int i;

    for (i = 1; i <= 5; i++) {
        shop_put(shop, 0, i, 4000, apr_time_now(), *state);
    }
    assert_int_equal(rename(path, away), 0);
    shop_put(shop, 0, 6, 4000, apr_time_now(), *state);
    assert_int_equal(shop_look(shop, 0).files, 1);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(rename(away, path), 0);
    shop_put(shop, 0, 7, 4000, apr_time_now(), *state);
    assert_int_equal(shop_look(shop, 0).files, 6);
    assert_books(shop, 0);
}

/* Somebody holds the account: a put gives up, and nothing is wrong. */
static void a_put_does_not_wait_for_ever(void **state)
{
    shop_t *shop = shop_make(1, &small, *state);
    di_hold_t hold;

    assert_int_equal(di_hold_take(&hold, shop->accounts, 0, shop->root, 1, 0,
                                  apr_time_now()),
                     APR_SUCCESS);
    assert_int_equal(shop_put(shop, 0, 1, 10, apr_time_now(), *state),
                     APR_EBUSY);
    assert_int_equal(shop->counting.lines, 0);
    di_hold_release(&hold);
    assert_int_equal(shop_put(shop, 0, 1, 10, apr_time_now(), *state),
                     APR_SUCCESS);
}

/* ---- many ---- */

/* While nobody moves. */
static void assert_within_bounds(shop_t *shop)
{
    int i;

    for (i = 0; i < CUSTOMERS; i++) {
        shop_sum_t sum = shop_walk(shop, i);
        di_account_look_t look = shop_look(shop, i);

        if (sum.bytes > small.quota_bytes || sum.files > small.quota_files ||
            look.bytes > small.quota_bytes || look.files > small.quota_files) {
            fail_msg("customer %d: %d bytes in %d files", i, (int)sum.bytes,
                     (int)sum.files);
        }
        if (look.known && (look.bytes < sum.bytes || look.files < sum.files)) {
            fail_msg("customer %d: %d bytes in %d files, booked are %d in %d",
                     i, (int)sum.bytes, (int)sum.files, (int)look.bytes,
                     (int)look.files);
        }
    }
}

static void stand_still(const pid_t *pids)
{
    int i, status;

    for (i = 0; i < WRITERS; i++) {
        kill(pids[i], SIGSTOP);
    }
    for (i = 0; i < WRITERS; i++) {
        assert_int_equal(waitpid(pids[i], &status, WUNTRACED), pids[i]);
        assert_true(WIFSTOPPED(status));
    }
}

static void go_on(const pid_t *pids)
{
    int i;

    for (i = 0; i < WRITERS; i++) {
        kill(pids[i], SIGCONT);
    }
}

static void put_for_the_quiet(shop_t *shop, apr_pool_t *p)
{
    int i;

    for (i = 0; i < QUIET * 10; i++) {
        assert_int_equal(shop_put(shop, CUSTOMERS - 1 - i % QUIET, i, 1000,
                                  apr_time_now(), p),
                         APR_SUCCESS);
    }
}

static void assert_quiet_are_untouched(shop_t *shop, apr_pool_t *p)
{
    int i;

    for (i = 0; i < QUIET * 10; i++) {
        assert_int_equal(
            shop_get(shop, CUSTOMERS - 1 - i % QUIET, i, apr_time_now(), p), 1);
    }
}

static void no_customer_is_ever_above_its_quota(void **state)
{
    shop_t *shop = shop_make(CUSTOMERS, &small, *state);
    pid_t pids[WRITERS];
    apr_uint64_t reclaimed = 0;
    int i;

    put_for_the_quiet(shop, *state);
    for (i = 0; i < WRITERS; i++) {
        pids[i] = shop_start(shop, CUSTOMERS - QUIET, (apr_uint32_t)i + 1);
    }
    for (i = 0; i < 300; i++) {
        apr_sleep(5000);
        stand_still(pids);
        assert_within_bounds(shop);
        go_on(pids);
    }
    for (i = 0; i < WRITERS; i++) {
        shop_kill(pids[i]);
    }
    for (i = 0; i < CUSTOMERS - QUIET; i++) {
        reclaimed += shop_look(shop, i).reclaimed;
    }
    /* Otherwise nothing was shown. */
    assert_true(reclaimed > 1000);
    assert_quiet_are_untouched(shop, *state);
}

/* What the next one who takes hold finds. */
static void assert_healed(shop_t *shop, int customer, apr_pool_t *p)
{
    di_hold_t hold;
    int i;

    assert_int_equal(di_hold_take(&hold, shop->accounts, customer, shop->root,
                                  0, 0, apr_time_now()),
                     APR_SUCCESS);
    di_hold_release(&hold);
    assert_books(shop, customer);
    for (i = 0; i < SHOP_KEYS; i++) {
        assert_true(shop_get(shop, customer, i, apr_time_now(), p) >= 0);
    }
    assert_books(shop, customer);
}

static void writers_killed_anywhere_leave_nothing_behind(void **state)
{
    shop_t *shop = shop_make(4, &small, *state);
    pid_t pids[3];
    apr_uint32_t seed = 7;
    int i, customer;

    for (i = 0; i < 3; i++) {
        pids[i] = shop_start(shop, 4, (apr_uint32_t)i + 100);
    }
    for (i = 0; i < 150; i++) {
        apr_sleep(shop_random(&seed, 8000));
        shop_kill(pids[i % 3]);
        pids[i % 3] = shop_start(shop, 4, (apr_uint32_t)i + 200);
    }
    for (i = 0; i < 3; i++) {
        shop_kill(pids[i]);
    }
    for (customer = 0; customer < 4; customer++) {
        assert_healed(shop, customer, *state);
    }
    /* Damaged entries would have been told. */
    assert_int_equal(shop->counting.lines, 0);
}

/* Alone, each kill is followed by a look. */
static void every_single_kill_is_made_good_by_the_next_hold(void **state)
{
    shop_t *shop = shop_make(1, &small, *state);
    apr_uint32_t seed = 11;
    int i, intents = 0;

    for (i = 0; i < 100; i++) {
        pid_t pid = shop_start(shop, 1, (apr_uint32_t)i + 500);
        di_account_state_t account;

        apr_sleep(2000 + shop_random(&seed, 5000));
        shop_kill(pid);
        di_account_load(&account, di_account_at(shop->accounts, 0));
        intents += (int)account.intent;
        if (account.known) {
            assert_healed(shop, 0, *state);
        }
    }
    /* Otherwise nothing was shown. */
    assert_true(intents > 5);
    assert_int_equal(shop->counting.lines, 0);
}

typedef struct {
    shop_t *shop;
    apr_uint32_t seed;
    int wrong;
} worker_t;

static void *work(void *baton)
{
    worker_t *worker = baton;
    apr_pool_t *p;
    int i;

    apr_pool_create(&p, NULL);
    for (i = 0; i < 300; i++) {
        int number = (int)shop_random(&worker->seed, SHOP_KEYS);

        if (i % 3 == 0) {
            shop_put(worker->shop, i % 2, number,
                     shop_random(&worker->seed, 20000), apr_time_now(), p);
        }
        worker->wrong +=
            shop_get(worker->shop, i % 2, number, apr_time_now(), p) < 0;
        di_disk_sweep(worker->shop->level,
                      apr_time_now() + i * apr_time_from_sec(60));
        apr_pool_clear(p);
    }
    apr_pool_destroy(p);
    return NULL;
}

/* For the sanitizers: one process, its threads and its sweeper's. */
static void threads_of_one_process_share_a_level(void **state)
{
    shop_t *shop = shop_make(2, &small, *state);
    pthread_t threads[4];
    worker_t workers[4];
    int i;

    for (i = 0; i < 4; i++) {
        workers[i] = (worker_t){.shop = shop, .seed = (apr_uint32_t)i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]),
                         0);
    }
    for (i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].wrong, 0);
    }
    for (i = 0; i < 2; i++) {
        assert_true(shop_look(shop, i).files > 0);
        assert_true(shop_look(shop, i).files <= small.quota_files);
    }
    assert_int_equal(shop->counting.lines, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(the_account_follows_every_put_and_deletion),
        UNIT(what_is_too_large_is_refused_and_counted),
        UNIT(a_full_permanent_store_keeps_what_it_has),
        UNIT(a_full_store_gives_up_those_that_were_used_least),
        UNIT(the_smallest_quota_holds_one_file),
        UNIT(a_put_that_fails_leaves_disk_and_books_as_they_were),
        UNIT(a_damaged_entry_leaves_the_books_when_it_goes),
        UNIT(a_folder_that_was_away_is_counted_anew),
        UNIT(a_put_does_not_wait_for_ever),
        UNIT(threads_of_one_process_share_a_level),
        UNIT(no_customer_is_ever_above_its_quota),
        UNIT(writers_killed_anywhere_leave_nothing_behind),
        UNIT(every_single_kill_is_made_good_by_the_next_hold),
    };

    alarm(300);
    return UNIT_RUN(tests);
}
