/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "counting_log.h"
#include "folder.h"
#include "store/lease.h"

#define CONTENDERS 50

static di_leases_t *leases_in(const char *folder,
                              const di_lease_shared_t *shared,
                              const ds_log_t *log, apr_pool_t *p)
{
    di_leases_t *leases;

    assert_int_equal(di_leases_make(&leases,
                                    apr_pstrcat(p, folder, "/leases", NULL), 60,
                                    shared, log, p),
                     APR_SUCCESS);
    return leases;
}

static di_key_t key_of(const char *text)
{
    di_key_t key;

    assert_int_equal(di_key_make(&key, text), APR_SUCCESS);
    return key;
}

static void a_lease_has_one_holder_until_it_is_released(void **state)
{
    di_leases_t *leases = leases_in(folder_make(*state), NULL, NULL, *state);
    di_key_t key = key_of("a"), other = key_of("b");
    di_lease_t *lease, *second = NULL;

    assert_int_equal(di_lease_take(&lease, leases, &key, *state), APR_SUCCESS);
    assert_int_equal(di_lease_take(&second, leases, &key, *state), APR_EBUSY);
    assert_null(second);
    assert_int_equal(di_lease_take(&second, leases, &other, *state),
                     APR_SUCCESS);
    di_lease_release(lease);
    di_lease_release(lease);
    di_lease_release(NULL);
    assert_int_equal(di_lease_take(&lease, leases, &key, *state), APR_SUCCESS);
}

static void a_lease_ends_with_its_pool(void **state)
{
    di_leases_t *leases = leases_in(folder_make(*state), NULL, NULL, *state);
    di_key_t key = key_of("a");
    di_lease_t *lease;
    apr_pool_t *p;

    apr_pool_create(&p, *state);
    assert_int_equal(di_lease_take(&lease, leases, &key, p), APR_SUCCESS);
    apr_pool_destroy(p);
    assert_int_equal(di_lease_take(&lease, leases, &key, *state), APR_SUCCESS);
}

static void the_highest_hash_has_a_byte_to_lock_too(void **state)
{
    di_leases_t *leases = leases_in(folder_make(*state), NULL, NULL, *state);
    di_key_t key = key_of("a");
    di_lease_t *lease, *second;

    memset(key.hash, 0xff, sizeof(key.hash));
    assert_int_equal(di_lease_take(&lease, leases, &key, *state), APR_SUCCESS);
    assert_int_equal(di_lease_take(&second, leases, &key, *state), APR_EBUSY);
}

/* ---- contenders ---- */

typedef struct {
    di_leases_t *leases;
    pthread_barrier_t *tried; /* all hold on until all have tried */
    apr_status_t rv;
} contender_t;

static void *contend(void *baton)
{
    contender_t *contender = baton;
    di_key_t key;
    di_lease_t *lease;
    apr_pool_t *p;

    apr_pool_create(&p, NULL);
    di_key_make(&key, "contended");
    contender->rv = di_lease_take(&lease, contender->leases, &key, p);
    pthread_barrier_wait(contender->tried);
    apr_pool_destroy(p);
    return NULL;
}

static void of_50_threads_one_wins(void **state)
{
    di_leases_t *leases = leases_in(folder_make(*state), NULL, NULL, *state);
    pthread_t thread[CONTENDERS];
    contender_t contender[CONTENDERS];
    pthread_barrier_t tried;
    int i, winners = 0;

    pthread_barrier_init(&tried, NULL, CONTENDERS);
    for (i = 0; i < CONTENDERS; i++) {
        contender[i] = (contender_t){.leases = leases, .tried = &tried};
        assert_int_equal(
            pthread_create(&thread[i], NULL, contend, &contender[i]), 0);
    }
    for (i = 0; i < CONTENDERS; i++) {
        pthread_join(thread[i], NULL);
        winners += contender[i].rv == APR_SUCCESS;
        assert_true(contender[i].rv == APR_SUCCESS ||
                    contender[i].rv == APR_EBUSY);
    }
    pthread_barrier_destroy(&tried);
    assert_int_equal(winners, 1);
}

/* In a child: try, tell by one byte, hold until killed. */
static void child_contends(di_leases_t *leases, int tell, apr_pool_t *p)
{
    di_key_t key;
    di_lease_t *lease;
    apr_status_t rv;

    di_key_make(&key, "contended");
    rv = di_lease_take(&lease, leases, &key, p);
    if (write(tell, rv == APR_SUCCESS ? "w" : "l", 1) == 1) {
        pause();
    }
    _exit(0);
}

static void of_50_processes_one_wins_and_its_death_frees_the_lease(void **state)
{
    di_leases_t *leases = leases_in(folder_make(*state), NULL, NULL, *state);
    di_key_t key = key_of("contended");
    pid_t pid[CONTENDERS];
    int tell[CONTENDERS][2], i, winner = -1, winners = 0;
    di_lease_t *lease;
    char told;

    for (i = 0; i < CONTENDERS; i++) {
        assert_int_equal(pipe(tell[i]), 0);
        pid[i] = fork();
        if (pid[i] == 0) {
            alarm(60);
            child_contends(leases, tell[i][1], *state);
        }
    }
    for (i = 0; i < CONTENDERS; i++) {
        assert_int_equal(read(tell[i][0], &told, 1), 1);
        winners += told == 'w';
        winner = told == 'w' ? i : winner;
    }
    assert_int_equal(winners, 1);
    assert_int_equal(di_lease_take(&lease, leases, &key, *state), APR_EBUSY);
    for (i = 0; i < CONTENDERS; i++) {
        if (i != winner) {
            kill(pid[i], SIGKILL);
            waitpid(pid[i], NULL, 0);
        }
    }
    assert_int_equal(di_lease_take(&lease, leases, &key, *state), APR_EBUSY);
    kill(pid[winner], SIGKILL);
    waitpid(pid[winner], NULL, 0);
    assert_int_equal(di_lease_take(&lease, leases, &key, *state), APR_SUCCESS);
    for (i = 0; i < CONTENDERS; i++) {
        close(tell[i][0]);
        close(tell[i][1]);
    }
}

static void a_forked_child_does_not_keep_a_released_lease(void **state)
{
    di_leases_t *leases = leases_in(folder_make(*state), NULL, NULL, *state);
    di_key_t key = key_of("a");
    di_lease_t *lease;
    pid_t pid;

    assert_int_equal(di_lease_take(&lease, leases, &key, *state), APR_SUCCESS);
    pid = fork();
    if (pid == 0) {
        alarm(60);
        pause();
        _exit(0);
    }
    di_lease_release(lease);
    assert_int_equal(di_lease_take(&lease, leases, &key, *state), APR_SUCCESS);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* ---- out of order, and the shared part ---- */

static void without_its_folder_there_is_a_status_and_one_line(void **state)
{
    counting_log_t counting;
    di_leases_t *leases;
    di_key_t key = key_of("a");
    di_lease_t *lease = NULL;
    int i;

    counting_log_init(&counting, DS_LOG_WARNING);
    leases = leases_in(apr_pstrcat(*state, folder_make(*state), "/none", NULL),
                       NULL, &counting.log, *state);
    for (i = 0; i < 5; i++) {
        assert_true(
            APR_STATUS_IS_ENOENT(di_lease_take(&lease, leases, &key, *state)));
    }
    assert_null(lease);
    assert_int_equal(counting.lines, 1);
    assert_non_null(strstr(counting.last, "DI0406: "));
}

typedef struct {
    apr_status_t rv;
    int taken;
    int released;
} fake_shared_t;

static apr_status_t fake_take(void *self, const di_key_t *key,
                              apr_uint32_t ttl_s)
{
    fake_shared_t *fake = self;

    fake->taken += ttl_s == 60;
    return fake->rv;
}

static void fake_release(void *self, const di_key_t *key)
{
    fake_shared_t *fake = self;

    fake->released++;
}

static void another_machine_that_has_it_is_busy(void **state)
{
    fake_shared_t fake = {.rv = APR_EBUSY};
    di_lease_shared_t shared = {&fake, fake_take, fake_release};
    char *folder = folder_make(*state);
    di_leases_t *leases = leases_in(folder, &shared, NULL, *state);
    di_leases_t *local = leases_in(folder, NULL, NULL, *state);
    di_key_t key = key_of("a");
    di_lease_t *lease;

    assert_int_equal(di_lease_take(&lease, leases, &key, *state), APR_EBUSY);
    assert_int_equal(fake.taken, 1);
    assert_int_equal(fake.released, 0);
    /* The local part went back at once. */
    assert_int_equal(di_lease_take(&lease, local, &key, *state), APR_SUCCESS);
    /* And who holds it spares the others the way to memcached. */
    assert_int_equal(di_lease_take(&lease, leases, &key, *state), APR_EBUSY);
    assert_int_equal(fake.taken, 1);
}

static void the_shared_part_is_released_when_it_was_taken(void **state)
{
    static const struct {
        apr_status_t rv;
        int released;
    } cases[] = {{APR_SUCCESS, 1}, {APR_TIMEUP, 0}, {APR_ECONNREFUSED, 0}};
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        fake_shared_t fake = {.rv = cases[i].rv};
        di_lease_shared_t shared = {&fake, fake_take, fake_release};
        di_leases_t *leases =
            leases_in(folder_make(*state), &shared, NULL, *state);
        di_key_t key = key_of("a");
        di_lease_t *lease;

        assert_int_equal(di_lease_take(&lease, leases, &key, *state),
                         APR_SUCCESS);
        di_lease_release(lease);
        assert_int_equal(fake.released, cases[i].released);
    }
}

/* ---- who waits ---- */

static void a_holder_sees_whether_somebody_waits_for_its_lease(void **state)
{
    di_leases_t *leases = leases_in(folder_make(*state), NULL, NULL, *state);
    di_key_t key = key_of("a"), other = key_of("b");
    di_lease_t *lease, *second;
    di_want_t *want, *more;

    assert_int_equal(di_lease_take(&lease, leases, &key, *state), APR_SUCCESS);
    assert_int_equal(di_lease_take(&second, leases, &other, *state),
                     APR_SUCCESS);
    assert_false(di_lease_is_wanted(lease));
    assert_false(di_lease_is_wanted(NULL));
    want = di_lease_want(leases, &key, *state);
    more = di_lease_want(leases, &key, *state);
    assert_non_null(want);
    assert_non_null(more);
    assert_true(di_lease_is_wanted(lease));
    assert_false(di_lease_is_wanted(second));
    di_lease_unwant(want);
    assert_true(di_lease_is_wanted(lease));
    di_lease_unwant(more);
    di_lease_unwant(more);
    di_lease_unwant(NULL);
    assert_false(di_lease_is_wanted(lease));
}

static void a_want_ends_with_its_pool_and_its_process(void **state)
{
    di_leases_t *leases = leases_in(folder_make(*state), NULL, NULL, *state);
    di_key_t key = key_of("a");
    di_lease_t *lease;
    int tell[2], told;
    apr_pool_t *p;
    pid_t pid;

    assert_int_equal(di_lease_take(&lease, leases, &key, *state), APR_SUCCESS);
    apr_pool_create(&p, *state);
    assert_non_null(di_lease_want(leases, &key, p));
    assert_true(di_lease_is_wanted(lease));
    apr_pool_destroy(p);
    assert_false(di_lease_is_wanted(lease));
    assert_int_equal(pipe(tell), 0);
    pid = fork();
    if (pid == 0) {
        alarm(60);
        if (di_lease_want(leases, &key, *state) &&
            write(tell[1], "w", 1) == 1) {
            pause();
        }
        _exit(0);
    }
    assert_int_equal(read(tell[0], &told, 1), 1);
    assert_true(di_lease_is_wanted(lease));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_false(di_lease_is_wanted(lease));
    close(tell[0]);
    close(tell[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_lease_has_one_holder_until_it_is_released),
        UNIT(a_lease_ends_with_its_pool),
        UNIT(the_highest_hash_has_a_byte_to_lock_too),
        UNIT(of_50_threads_one_wins),
        UNIT(of_50_processes_one_wins_and_its_death_frees_the_lease),
        UNIT(a_forked_child_does_not_keep_a_released_lease),
        UNIT(without_its_folder_there_is_a_status_and_one_line),
        UNIT(another_machine_that_has_it_is_busy),
        UNIT(the_shared_part_is_released_when_it_was_taken),
        UNIT(a_holder_sees_whether_somebody_waits_for_its_lease),
        UNIT(a_want_ends_with_its_pool_and_its_process),
    };

    alarm(300);
    return UNIT_RUN(tests);
}
