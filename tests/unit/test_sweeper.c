/* SPDX-License-Identifier: Apache-2.0 */
/* The long work: counts, comparisons and reclaims ahead, alone and while others
   put. */
#include "unit.h"

#include "shop.h"
#include "store/reclaim.h"
#include "store/tree.h"

#define HOUR_FOR apr_time_from_sec(3600)
#define NOW apr_time_now()

static const di_terms_t terms = {.quota_bytes = 400 * 4096,
                                 .quota_files = 100,
                                 .policy = DI_POLICY_LRU,
                                 .near_pct = 80,
                                 .keep_pct = 50};

static void fill(shop_t *shop, int customer, int files, apr_pool_t *p)
{
    int i;

    for (i = 0; i < files; i++) {
        assert_int_equal(shop_put(shop, customer, i, 100, NOW, p), APR_SUCCESS);
    }
}

/* As after a loss of the books' file. */
static void lose_the_books(shop_t *shop)
{
    memset(shop->mem, 0, di_accounts_bytes());
    shop_open(shop, &terms);
}

static void assert_books(shop_t *shop, int customer)
{
    shop_sum_t sum = shop_walk(shop, customer);
    di_account_look_t look = shop_look(shop, customer);

    assert_int_equal(look.known, 1);
    assert_int_equal(look.bytes, sum.bytes);
    assert_int_equal(look.files, sum.files);
    assert_int_equal(sum.temporaries, 0);
}

static void *leave(shop_t *shop, const char *name, apr_size_t bytes,
                   apr_pool_t *p)
{
    char *path = apr_pstrcat(p, shop->root, "/", name, NULL);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
    close(fd);
    return path;
}

static int exists(const char *path)
{
    struct stat st;

    return !lstat(path, &st);
}

static void lost_books_are_made_again_from_the_disk(void **state)
{
    shop_t *shop = shop_make(3, &terms, *state);
    const char *left;
    int i;

    fill(shop, 0, 30, *state);
    fill(shop, 1, 7, *state);
    left = leave(shop, "customer1/tmp", 5000, *state);
    lose_the_books(shop);
    for (i = 0; i < 3; i++) {
        assert_int_equal(shop_look(shop, i).known, 0);
    }
    assert_int_equal(shop_get(shop, 0, 3, NOW, *state), 1);
    di_disk_sweep_now(shop->level, NOW);
    for (i = 0; i < 3; i++) {
        assert_books(shop, i);
    }
    assert_int_equal(shop_look(shop, 0).files, 30);
    assert_false(exists(left));
}

/* Nobody sweeps: the put counts for itself, when that is quick. */
static void a_put_makes_its_account_known(void **state)
{
    shop_t *shop = shop_make(1, &terms, *state);

    fill(shop, 0, 30, *state);
    lose_the_books(shop);
    assert_int_equal(shop_put(shop, 0, 50, 100, NOW, *state), APR_SUCCESS);
    assert_int_equal(shop_look(shop, 0).files, 31);
    assert_books(shop, 0);
}

/* One count, whoever does a part of it; and while it lasts, what is put into
   folders that it has been through is not forgotten. */
static void a_put_goes_on_with_a_count_that_others_began(void **state)
{
    shop_t *shop = shop_make(1, &terms, *state);
    di_account_state_t account;
    di_hold_t hold;
    int i;

    fill(shop, 0, 30, *state);
    lose_the_books(shop);
    for (i = 0; i < 200; i++) {
        assert_int_equal(
            di_hold_take(&hold, shop->accounts, 0, shop->root, 0, 0, NOW),
            APR_SUCCESS);
        assert_int_equal(di_hold_know(&hold, 0, NOW), APR_INCOMPLETE);
        assert_int_equal(di_hold_count(&hold, NOW), APR_INCOMPLETE);
        di_hold_release(&hold);
    }
    di_account_load(&account, di_account_at(shop->accounts, 0));
    assert_int_equal(account.walked, 200);
    assert_int_equal(account.known, 0);
    assert_int_equal(shop_put(shop, 0, 3, 9000, NOW, *state), APR_SUCCESS);
    assert_books(shop, 0);
    assert_int_equal(shop_look(shop, 0).files, 30);
}

static void a_new_quota_below_what_is_there_is_reached_at_once(void **state)
{
    di_terms_t less = terms;
    shop_t *shop = shop_make(1, &terms, *state);

    fill(shop, 0, 30, *state);
    less.quota_files = 20;
    di_accounts_open(shop->accounts, "customer0", &less);
    assert_int_equal(shop_put(shop, 0, 50, 100, NOW, *state), APR_SUCCESS);
    assert_int_equal(shop_look(shop, 0).files, 11);
    assert_books(shop, 0);
}

static void an_account_near_its_quota_is_reclaimed_ahead(void **state)
{
    shop_t *shop = shop_make(2, &terms, *state);
    apr_time_t now = NOW;
    int i;

    for (i = 0; i < 80; i++) {
        shop_put(shop, 0, i, 100, now, *state);
    }
    di_disk_sweep_now(shop->level, now);
    assert_int_equal(shop_look(shop, 0).files, 80);
    shop_put(shop, 0, 80, 100, now, *state);
    for (i = 0; i < 20; i++) {
        shop_get(shop, 0, i, now + apr_time_from_sec(1), *state);
    }
    di_disk_sweep_now(shop->level, now);
    assert_int_equal(shop_look(shop, 0).files, 50);
    assert_int_equal(shop_look(shop, 0).reclaimed, 31);
    assert_books(shop, 0);
    for (i = 0; i < 20; i++) {
        assert_int_equal(shop_get(shop, 0, i, now, *state), 1);
    }
}

/* A put that has no time leaves it to the sweeper, also where nothing is to be
   reclaimed ahead. */
static void what_a_put_had_no_time_for_is_done_by_the_sweeper(void **state)
{
    di_terms_t last = terms;
    apr_uint64_t removed;
    shop_t *shop;
    di_hold_t hold;

    last.near_pct = last.keep_pct = 100;
    shop = shop_make(1, &last, *state);
    fill(shop, 0, 100, *state);
    di_disk_sweep_now(shop->level, NOW);
    assert_int_equal(shop_look(shop, 0).files, 100);
    assert_int_equal(
        di_hold_take(&hold, shop->accounts, 0, shop->root, 0, 0, NOW),
        APR_SUCCESS);
    assert_int_equal(di_reclaim_room(&removed, &hold, NULL, 4096, -1, NOW),
                     APR_EBUSY);
    /* Nor does the next one try, however much time it would have. */
    assert_int_equal(di_reclaim_room(&removed, &hold, NULL, 4096,
                                     apr_time_from_sec(60), NOW),
                     APR_EBUSY);
    di_hold_release(&hold);
    assert_int_equal(shop_look(shop, 0).files, 100);
    di_disk_sweep_now(shop->level, NOW);
    assert_int_equal(shop_look(shop, 0).files, 95);
    di_disk_sweep_now(shop->level, NOW);
    assert_int_equal(shop_look(shop, 0).files, 95);
}

static void once_an_hour_the_books_are_compared_with_the_disk(void **state)
{
    shop_t *shop = shop_make(1, &terms, *state);
    apr_time_t now = NOW;
    int i;

    fill(shop, 0, 30, *state);
    di_disk_sweep_now(shop->level, now);
    folder_drop(apr_pstrcat(*state, shop->root, "/customer0/00", NULL));
    for (i = 0; i < 256; i++) {
        folder_drop(apr_psprintf(*state, "%s/customer0/%02x", shop->root, i));
        if (shop_walk(shop, 0).files < 20) {
            break;
        }
    }
    di_disk_sweep_now(shop->level, now + HOUR_FOR / 2);
    assert_int_equal(shop_look(shop, 0).files, 30);
    di_disk_sweep_now(shop->level, now + HOUR_FOR + apr_time_from_sec(5));
    assert_in_range(shop_look(shop, 0).files, 1, 19);
    assert_books(shop, 0);
}

static void cut(shop_t *shop, int number, apr_pool_t *p)
{
    char text[40], name[DI_TREE_NAME_ROOM];
    di_key_t key;

    shop_key(&key, text, 0, number);
    di_tree_name(name, key.hash);
    assert_int_equal(
        truncate(apr_pstrcat(p, shop->root, "/customer0/", name, NULL), 100),
        0);
}

static void a_damaged_entry_has_its_account_compared_soon(void **state)
{
    shop_t *shop = shop_make(1, &terms, *state);
    apr_time_t now = NOW;
    int i;

    for (i = 0; i < 4; i++) {
        assert_int_equal(shop_put(shop, 0, i, 9000, now, *state), APR_SUCCESS);
    }
    di_disk_sweep_now(shop->level, now);
    for (i = 0; i < 3; i++) {
        cut(shop, i, *state);
    }
    assert_int_equal(shop_get(shop, 0, 0, now, *state), 0);
    di_disk_sweep_now(shop->level, now);
    assert_int_not_equal(shop_look(shop, 0).bytes, shop_walk(shop, 0).bytes);
    di_disk_sweep_now(shop->level, now + apr_time_from_sec(10));
    assert_books(shop, 0);
    assert_int_equal(shop_look(shop, 0).files, 3);
}

static void expired_entries_go_once_an_hour(void **state)
{
    shop_t *shop = shop_make(1, &terms, *state);
    di_record_t record = {.verdict = 1, .made_at = NOW};
    apr_time_t now = NOW;
    char text[40];
    di_key_t key;
    int i;

    for (i = 0; i < 30; i++) {
        shop_key(&key, text, 0, i);
        record.expires_at = i % 3 ? now + HOUR_FOR / 2 : 0;
        assert_int_equal(
            shop->level->put(shop->level, &key, &record, NULL, now, *state),
            APR_SUCCESS);
    }
    di_disk_sweep_now(shop->level, now + HOUR_FOR + apr_time_from_sec(5));
    assert_int_equal(shop_look(shop, 0).files, 10);
    assert_books(shop, 0);
}

/* A look at every head of a large store would read most of it, each hour. */
static void only_what_expires_is_opened_by_the_hourly_look(void **state)
{
    shop_t *shop = shop_make(1, &terms, *state);
    di_record_t record = {.verdict = 1, .made_at = NOW};
    char text[40], name[DI_TREE_NAME_ROOM], *path;
    apr_time_t now = NOW;
    struct stat st;
    di_key_t key;

    fill(shop, 0, 1, *state);
    shop_key(&key, text, 0, 7);
    record.expires_at = now + HOUR_FOR / 2;
    shop->level->put(shop->level, &key, &record, NULL, now, *state);
    di_tree_name(name, key.hash);
    path = apr_pstrcat(*state, shop->root, "/customer0/", name, NULL);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, DI_TREE_MODE_EXPIRES);
    assert_int_equal(chmod(path, 0600), 0);
    di_disk_sweep_now(shop->level, now + HOUR_FOR + apr_time_from_sec(5));
    assert_int_equal(shop_look(shop, 0).files, 2);
    assert_int_equal(chmod(path, DI_TREE_MODE_EXPIRES), 0);
    di_disk_sweep_now(shop->level, now + 3 * HOUR_FOR);
    assert_int_equal(shop_look(shop, 0).files, 1);
}

static void an_emptied_store_is_booked_as_empty(void **state)
{
    shop_t *shop = shop_make(1, &terms, *state);

    fill(shop, 0, 30, *state);
    folder_drop((void *)(uintptr_t)shop->root);
    assert_int_equal(shop_put(shop, 0, 1, 100, NOW, *state), APR_SUCCESS);
    assert_int_equal(shop_look(shop, 0).files, 1);
    assert_books(shop, 0);
}

/* Two httpds with books of their own and one folder: costly, but right. */
static void other_books_of_the_same_folder_are_noticed(void **state)
{
    shop_t *one = shop_make(1, &terms, *state);
    shop_t *two = shop_make(1, &terms, *state);
    int i;

    two->root = one->root;
    shop_level(two, *state);
    one->counting.log.upto = DS_LOG_NOTICE;
    for (i = 0; i < 5; i++) {
        assert_int_equal(shop_put(one, 0, 2 * i, 100, NOW, *state),
                         APR_SUCCESS);
        assert_books(one, 0);
        assert_int_equal(shop_put(two, 0, 2 * i + 1, 100, NOW, *state),
                         APR_SUCCESS);
        assert_books(two, 0);
    }
    assert_int_equal(one->counting.lines, 1);
    assert_non_null(strstr(one->counting.last, "DI0413: "));
}

static void folders_of_nobody_are_told_once_and_left_alone(void **state)
{
    shop_t *shop = shop_make(1, &terms, *state);
    const char *file;

    shop->counting.log.upto = DS_LOG_NOTICE;
    mkdir(apr_pstrcat(*state, shop->root, "/gone.example", NULL), 0700);
    mkdir(apr_pstrcat(*state, shop->root, "/gone.example/ab", NULL), 0700);
    file = leave(shop, "gone.example/ab/ab000000000000000000000000000000.di",
                 5000, *state);
    leave(shop, "leases", 100, *state);
    di_disk_sweep_now(shop->level, NOW);
    di_disk_sweep_now(shop->level, NOW);
    assert_true(exists(file));
    assert_int_equal(shop->counting.lines, 1);
    assert_non_null(strstr(shop->counting.last, "DI0412: "));
    assert_non_null(strstr(shop->counting.last, "gone.example"));
    assert_non_null(strstr(shop->counting.last, " 8192 bytes"));
}

/* Customer 1 is configured no more. */
static void a_customer_that_is_gone_is_told_and_stays_deleted(void **state)
{
    shop_t *shop = shop_make(2, &terms, *state);
    apr_time_t now = NOW;
    const char *folder = apr_pstrcat(*state, shop->root, "/customer1", NULL);

    di_accounts_opened(shop->accounts);
    fill(shop, 0, 3, *state);
    fill(shop, 1, 5, *state);
    shop->counting.log.upto = DS_LOG_NOTICE;
    di_disk_sweep_now(shop->level, now);
    assert_int_equal(shop->counting.lines, 0);

    di_accounts_open(shop->accounts, "customer0", &terms);
    di_accounts_opened(shop->accounts);
    di_disk_sweep_now(shop->level, now);
    assert_int_equal(shop->counting.lines, 1);
    assert_non_null(strstr(shop->counting.last, "DI0412: "));
    assert_non_null(strstr(shop->counting.last, " 1 folders"));
    assert_non_null(strstr(shop->counting.last, "customer1"));
    assert_true(exists(folder));

    folder_drop((void *)(uintptr_t)folder);
    di_disk_sweep_now(shop->level, now + 2 * HOUR_FOR);
    assert_false(exists(folder));
    assert_int_equal(shop_look(shop, 1).files, 0);
    assert_int_equal(shop_look(shop, 1).bytes, 0);
    di_disk_sweep_now(shop->level, now + 4 * HOUR_FOR);
    assert_false(exists(folder));
    assert_int_equal(shop_look(shop, 0).files, 3);

    di_accounts_open(shop->accounts, "customer1", &terms);
    assert_int_equal(shop_put(shop, 1, 1, 100, NOW, *state), APR_SUCCESS);
    assert_books(shop, 1);
}

/* Comparisons and reclaims over and over while three processes put, after the
   disk lost files that the books still have. */
static void sweeps_beside_writers_end_with_the_books_right(void **state)
{
    di_terms_t tight = terms;
    shop_t *shop;
    pid_t pids[3];
    apr_time_t now = NOW;
    int i, round;

    tight.quota_files = 30;
    shop = shop_make(2, &tight, *state);
    for (round = 0; round < 5; round++) {
        for (i = 0; i < 3; i++) {
            pids[i] = shop_start(shop, 2, (apr_uint32_t)(round * 10 + i) + 900);
        }
        apr_sleep(20000);
        for (i = 0; i < 8; i++) {
            now += 2 * HOUR_FOR;
            folder_drop(
                apr_psprintf(*state, "%s/customer0/%02x", shop->root, i * 9));
            di_disk_sweep_now(shop->level, now);
        }
        for (i = 0; i < 3; i++) {
            shop_kill(pids[i]);
        }
        /* What the killed ones left is made good, then all is compared. */
        now += 2 * HOUR_FOR;
        di_disk_sweep_now(shop->level, now);
        assert_books(shop, 0);
        assert_books(shop, 1);
    }
    assert_true(shop_look(shop, 1).reclaimed > 0);
}

/* The same for a count that others put beside: nothing may be lost or counted
   twice, so no second one makes it good. */
static void a_count_beside_writers_is_exact(void **state)
{
    shop_t *shop = shop_make(2, &terms, *state);
    di_account_state_t account;
    pid_t pids[3];
    di_hold_t hold;
    int i, round;

    for (round = 0; round < 10; round++) {
        for (i = 0; i < 3; i++) {
            pids[i] = shop_start(shop, 2, (apr_uint32_t)(round * 10 + i) + 300);
        }
        apr_sleep(10000);
        di_account_load(&account, di_account_at(shop->accounts, 0));
        for (i = 0; i < 256; i++) {
            assert_int_equal(di_hold_take(&hold, shop->accounts, 0, shop->root,
                                          1, apr_time_from_sec(60), NOW),
                             APR_SUCCESS);
            /* As if the books were wrong before. */
            hold.state.bytes += i == 0 ? 40960 : 0;
            di_hold_count(&hold, NOW);
            di_hold_release(&hold);
        }
        for (i = 0; i < 3; i++) {
            shop_kill(pids[i]);
        }
        for (i = 0; i < 2; i++) {
            di_hold_take(&hold, shop->accounts, i, shop->root, 1, 0, NOW);
            di_hold_release(&hold);
            assert_books(shop, i);
        }
    }
}

static void the_thread_starts_when_there_is_work(void **state)
{
    shop_t *shop = shop_make(1, &terms, *state);
    int tries;

    fill(shop, 0, 81, *state);
    for (tries = 0; tries < 3000 && shop_look(shop, 0).files > 50; tries++) {
        di_disk_sweep(shop->level, NOW);
        apr_sleep(10000);
    }
    assert_int_equal(shop_look(shop, 0).files, 50);
    assert_books(shop, 0);
}

static void a_sweep_under_way_ends_with_its_pool(void **state)
{
    shop_t *shop = shop_make(1, &terms, *state);
    int i;

    fill(shop, 0, 81, *state);
    for (i = 0; i < 50; i++) {
        apr_pool_t *p;

        apr_pool_create(&p, *state);
        shop_level(shop, p);
        di_disk_sweep(shop->level, NOW + i * 2 * HOUR_FOR);
        apr_pool_destroy(p);
    }
    shop_level(shop, *state);
    di_disk_sweep_now(shop->level, NOW + i * 2 * HOUR_FOR);
    assert_books(shop, 0);
}

/* When nobody sweeps, a put tries again after a minute; and at once when the
   clock was set back. */
static void a_put_does_not_wait_for_the_sweeper_for_ever(void **state)
{
    static const struct {
        int since_s;
        apr_status_t rv;
    } cases[] = {{-61, APR_SUCCESS},
                 {-59, APR_EBUSY},
                 {59, APR_EBUSY},
                 {61, APR_SUCCESS}};
    shop_t *shop = shop_make(4, &terms, *state);
    apr_time_t now = NOW;
    int i;

    for (i = 0; i < 4; i++) {
        fill(shop, i, 100, *state);
        atomic_store(&di_account_at(shop->accounts, i)->overdue_at,
                     now + apr_time_from_sec(cases[i].since_s));
        assert_int_equal(shop_put(shop, i, 200, 100, now, *state), cases[i].rv);
        assert_books(shop, i);
    }
}

/* rm -rf while somebody writes: what others book meanwhile, in a new folder, is
   what is there. */
static void a_folder_deleted_under_a_hold_is_nobodys(void **state)
{
    shop_t *shop = shop_make(1, &terms, *state);
    char text[40], *path;
    di_hold_t hold;
    di_key_t key;

    fill(shop, 0, 3, *state);
    path = apr_pstrcat(*state, shop->root, "/customer0", NULL);
    assert_int_equal(
        di_hold_take(&hold, shop->accounts, 0, shop->root, 1, 0, NOW),
        APR_SUCCESS);
    shop_key(&key, text, 0, 7);
    di_hold_begin(&hold, key.hash, 4096, NOW);
    folder_drop(path);
    fill(shop, 0, 30, *state);
    assert_books(shop, 0);
    di_hold_end(&hold, NOW);
    di_hold_release(&hold);
    assert_books(shop, 0);
}

static void a_full_permanent_account_is_told_without_its_hold(void **state)
{
    di_terms_t keeps = terms;
    shop_t *shop;
    di_hold_t hold;

    keeps.policy = DI_POLICY_PERMANENT;
    shop = shop_make(1, &keeps, *state);
    fill(shop, 0, 100, *state);
    assert_int_equal(
        di_hold_take(&hold, shop->accounts, 0, shop->root, 1, 0, NOW),
        APR_SUCCESS);
    assert_int_equal(shop_put(shop, 0, 200, 100, NOW, *state), APR_ENOSPC);
    di_hold_release(&hold);
    assert_int_equal(shop_look(shop, 0).refused, 1);
}

static apr_status_t offer(shop_t *shop, int number, apr_pool_t *p)
{
    di_record_t record = {.format = 1, .made_at = NOW};
    di_body_t body = {.data = "body", .bytes = 4};
    char text[40];
    di_key_t key;

    shop_key(&key, text, 0, number);
    return shop->level->offer(shop->level, &key, &record, &body, NOW, p);
}

/* It comes on the way of a hit of another level. */
static void an_offer_waits_for_nothing_and_nothing_goes_for_it(void **state)
{
    shop_t *shop = shop_make(1, &terms, *state);
    di_hold_t hold;

    assert_int_equal(offer(shop, 200, *state), APR_EBUSY);
    di_disk_sweep_now(shop->level, NOW);
    assert_int_equal(offer(shop, 200, *state), APR_SUCCESS);
    fill(shop, 0, 98, *state);
    assert_int_equal(
        di_hold_take(&hold, shop->accounts, 0, shop->root, 1, 0, NOW),
        APR_SUCCESS);
    assert_int_equal(offer(shop, 201, *state), APR_EBUSY);
    di_hold_release(&hold);
    assert_int_equal(offer(shop, 201, *state), APR_SUCCESS);
    assert_int_equal(offer(shop, 202, *state), APR_ENOSPC);
    assert_int_equal(shop_look(shop, 0).files, 100);
    assert_int_equal(shop_look(shop, 0).reclaimed, 0);
    assert_int_equal(shop_look(shop, 0).refused, 0);
    assert_books(shop, 0);
}

/* httpd's children fork too: CGI programs of prefork, scripts. */
static void a_release_is_one_also_when_a_copy_was_forked(void **state)
{
    shop_t *shop = shop_make(1, &terms, *state);
    apr_status_t rv;
    di_hold_t hold;
    int sweeping;
    pid_t copy;

    assert_int_equal(
        di_hold_take(&hold, shop->accounts, 0, shop->root, 1, 0, NOW),
        APR_SUCCESS);
    sweeping = di_hold_sweeping(&rv, shop->accounts, 0, shop->root);
    assert_true(sweeping >= 0);
    copy = fork();
    if (copy == 0) {
        pause();
    }
    di_hold_release(&hold);
    di_hold_swept(sweeping);
    rv = di_hold_take(&hold, shop->accounts, 0, shop->root, 1, 0, NOW);
    assert_int_equal(rv, APR_SUCCESS);
    sweeping = di_hold_sweeping(&rv, shop->accounts, 0, shop->root);
    shop_kill(copy);
    assert_true(sweeping >= 0);
    di_hold_swept(sweeping);
    di_hold_release(&hold);
}

/* Who sweeps a customer is not joined by another process. */
static void one_sweeps_a_customer_at_a_time(void **state)
{
    shop_t *shop = shop_make(1, &terms, *state);
    apr_status_t rv;
    int sweeping;

    fill(shop, 0, 81, *state);
    sweeping = di_hold_sweeping(&rv, shop->accounts, 0, shop->root);
    assert_true(sweeping >= 0);
    di_disk_sweep_now(shop->level, NOW);
    assert_int_equal(shop_look(shop, 0).files, 81);
    assert_int_equal(shop_put(shop, 0, 90, 100, NOW, *state), APR_SUCCESS);
    di_hold_swept(sweeping);
    di_disk_sweep_now(shop->level, NOW);
    assert_int_equal(shop_look(shop, 0).files, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(lost_books_are_made_again_from_the_disk),
        UNIT(a_put_makes_its_account_known),
        UNIT(a_put_goes_on_with_a_count_that_others_began),
        UNIT(a_new_quota_below_what_is_there_is_reached_at_once),
        UNIT(an_account_near_its_quota_is_reclaimed_ahead),
        UNIT(what_a_put_had_no_time_for_is_done_by_the_sweeper),
        UNIT(once_an_hour_the_books_are_compared_with_the_disk),
        UNIT(a_damaged_entry_has_its_account_compared_soon),
        UNIT(expired_entries_go_once_an_hour),
        UNIT(only_what_expires_is_opened_by_the_hourly_look),
        UNIT(an_emptied_store_is_booked_as_empty),
        UNIT(other_books_of_the_same_folder_are_noticed),
        UNIT(folders_of_nobody_are_told_once_and_left_alone),
        UNIT(a_customer_that_is_gone_is_told_and_stays_deleted),
        UNIT(sweeps_beside_writers_end_with_the_books_right),
        UNIT(a_count_beside_writers_is_exact),
        UNIT(the_thread_starts_when_there_is_work),
        UNIT(a_sweep_under_way_ends_with_its_pool),
        UNIT(one_sweeps_a_customer_at_a_time),
        UNIT(a_put_does_not_wait_for_the_sweeper_for_ever),
        UNIT(a_folder_deleted_under_a_hold_is_nobodys),
        UNIT(a_full_permanent_account_is_told_without_its_hold),
        UNIT(an_offer_waits_for_nothing_and_nothing_goes_for_it),
        UNIT(a_release_is_one_also_when_a_copy_was_forked),
    };

    alarm(300);
    return UNIT_RUN(tests);
}
