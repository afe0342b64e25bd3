/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: exact, never less than before, whoever dies at it. */
#include "unit.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>

#include "image/ledger.h"
#include "store/account.h"

static const apr_time_t began = APR_USEC_PER_SEC * 1000;

static void *shared_memory(void)
{
    void *mem = mmap(NULL, di_ledger_bytes(), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(mem, MAP_FAILED);
    return mem;
}

static void drop(void *mem)
{
    munmap(mem, di_ledger_bytes());
}

static const di_ledger_tier_t *tier_of(const di_ledger_look_t *look,
                                       const char *tier)
{
    int i;

    for (i = 0; i < look->tiers; i++) {
        if (!strcmp(look->tier[i].tier, tier)) {
            return &look->tier[i];
        }
    }
    fail_msg("no tier %s", tier);
    return NULL;
}

static apr_uint64_t requests_of(const di_ledger_look_t *look)
{
    apr_uint64_t all = 0;
    int i, j;

    for (i = 0; i < look->tiers; i++) {
        for (j = 0; j < DI_RESULT_END; j++) {
            all += look->tier[i].cell[j].requests;
        }
    }
    return all;
}

static void each_request_moves_its_own_cell_alone(void **state)
{
    static const char *const tiers[] = {"low", "medium", "broad"};
    void *mem = shared_memory();
    di_ledger_t *ledger = di_ledger_init(mem, began);
    di_ledger_look_t look;
    unsigned i, j, n = 0;

    for (i = 0; i < 3; i++) {
        for (j = 0; j < DI_RESULT_END; j++) {
            n++;
            di_ledger_request(ledger, 7, tiers[i], (di_result_e)j, 10 * n, n);
            di_ledger_request(ledger, 7, tiers[i], (di_result_e)j, 1, 0);
        }
    }
    di_ledger_look(&look, ledger, 7);
    assert_int_equal(look.tiers, 3);
    assert_int_equal(look.since, began);
    for (i = 0, n = 0; i < 3; i++) {
        for (j = 0; j < DI_RESULT_END; j++) {
            const di_ledger_cell_t *cell = &tier_of(&look, tiers[i])->cell[j];

            n++;
            assert_int_equal(cell->requests, 2);
            assert_int_equal(cell->bytes, 10 * n + 1);
            assert_int_equal(cell->saved_bytes, n);
        }
    }
    di_ledger_look(&look, ledger, 6);
    assert_int_equal(look.tiers, 0);
    di_ledger_look(&look, ledger, 8);
    assert_int_equal(look.tiers, 0);
    drop(mem);
}

static void renders_are_counted_with_their_time(void **state)
{
    void *mem = shared_memory();
    di_ledger_t *ledger = di_ledger_init(mem, began);
    di_ledger_look_t look;

    di_ledger_render(ledger, DI_CUSTOMERS_MAX - 1, 4000000000u);
    di_ledger_render(ledger, DI_CUSTOMERS_MAX - 1, 4000000000u);
    di_ledger_render(ledger, DI_CUSTOMERS_MAX - 1, 0);
    di_ledger_look(&look, ledger, DI_CUSTOMERS_MAX - 1);
    assert_int_equal(look.renders, 3);
    assert_true(look.render_us == APR_UINT64_C(8000000000));
    assert_int_equal(look.tiers, 0);
    drop(mem);
}

static void nobody_and_what_is_out_of_range_do_nothing(void **state)
{
    static const int nobodies[] = {-1, INT32_MIN, DI_CUSTOMERS_MAX, INT32_MAX};
    void *mem = shared_memory();
    di_ledger_t *ledger = di_ledger_init(mem, began);
    char *before = apr_pmemdup(*state, mem, di_ledger_bytes());
    di_ledger_look_t look;
    size_t i;

    for (i = 0; i < sizeof(nobodies) / sizeof(*nobodies); i++) {
        di_ledger_request(ledger, nobodies[i], "low", DI_RESULT_HIT, 1, 1);
        di_ledger_render(ledger, nobodies[i], 1);
        di_ledger_look(&look, ledger, nobodies[i]);
        assert_int_equal(look.tiers, 0);
        assert_int_equal(look.since, 0);
    }
    di_ledger_request(ledger, 0, "low", DI_RESULT_END, 1, 1);
    di_ledger_request(ledger, 0, "low", (di_result_e)-1, 1, 1);
    di_ledger_request(NULL, 0, "low", DI_RESULT_HIT, 1, 1);
    di_ledger_render(NULL, 0, 1);
    di_ledger_look(&look, NULL, 0);
    assert_int_equal(look.tiers, 0);
    assert_memory_equal(before, mem, di_ledger_bytes());
    drop(mem);
}

static void later_tiers_are_counted_as_other(void **state)
{
    void *mem = shared_memory();
    di_ledger_t *ledger = di_ledger_init(mem, began);
    di_ledger_look_t look;
    int i;

    for (i = 0; i < DI_LEDGER_TIERS + 3; i++) {
        di_ledger_request(ledger, 0, apr_psprintf(*state, "tier%d", i),
                          DI_RESULT_HIT, 1, 0);
    }
    di_ledger_request(ledger, 0, "tier0", DI_RESULT_HIT, 1, 0);
    di_ledger_request(ledger, 0, "", DI_RESULT_HIT, 1, 0);
    di_ledger_request(ledger, 0, NULL, DI_RESULT_HIT, 1, 0);
    di_ledger_request(ledger, 0, "a-name-that-is-longer-than-any-legal-one",
                      DI_RESULT_HIT, 1, 0);
    di_ledger_look(&look, ledger, 0);
    assert_int_equal(look.tiers, DI_LEDGER_TIERS + 1);
    assert_string_equal(look.tier[DI_LEDGER_TIERS].tier, "other");
    assert_int_equal(tier_of(&look, "tier0")->cell[DI_RESULT_HIT].requests, 2);
    assert_int_equal(tier_of(&look, "other")->cell[DI_RESULT_HIT].requests, 6);
    drop(mem);
}

static void a_start_keeps_what_this_version_left_and_nothing_else(void **state)
{
    void *mem = shared_memory();
    di_ledger_t *ledger = di_ledger_init(mem, began);
    di_ledger_look_t look;

    di_ledger_request(ledger, 1, "low", DI_RESULT_HIT, 5, 0);
    ledger = di_ledger_init(mem, began + 1);
    di_ledger_look(&look, ledger, 1);
    assert_int_equal(requests_of(&look), 1);
    assert_int_equal(look.since, began);
    memset(mem, 0xa5, di_ledger_bytes());
    ledger = di_ledger_init(mem, began + 2);
    di_ledger_look(&look, ledger, 1);
    assert_int_equal(look.tiers, 0);
    assert_int_equal(look.since, began + 2);
    drop(mem);
}

/* The file that it lies in may be damaged; it must not be read past an end. */
static void damaged_names_do_no_harm(void **state)
{
    void *mem = shared_memory();
    di_ledger_t *ledger = di_ledger_init(mem, began);
    di_ledger_look_t look;
    char *at = mem;
    apr_size_t i;

    di_ledger_request(ledger, 0, "low", DI_RESULT_HIT, 1, 0);
    for (i = 0; i < 4096 && memcmp(at + i, "low", 4); i++) {
    }
    assert_true(i < 4096);
    memset(at + i, ',', DI_LEDGER_TIER_ROOM);
    di_ledger_request(ledger, 0, "low", DI_RESULT_HIT, 1, 0);
    di_ledger_look(&look, ledger, 0);
    assert_int_equal(requests_of(&look), 2);
    assert_int_equal(tier_of(&look, "other")->cell[DI_RESULT_HIT].requests, 1);
    assert_int_equal(tier_of(&look, "low")->cell[DI_RESULT_HIT].requests, 1);
    drop(mem);
}

static void counters_stay_at_their_largest_number(void **state)
{
    void *mem = shared_memory();
    di_ledger_t *ledger = di_ledger_init(mem, began);
    di_ledger_look_t look;

    di_ledger_request(ledger, 0, "low", DI_RESULT_HIT, APR_UINT64_MAX - 1, 0);
    di_ledger_request(ledger, 0, "low", DI_RESULT_HIT, 7, 0);
    di_ledger_request(ledger, 0, "low", DI_RESULT_HIT, 7, 0);
    di_ledger_look(&look, ledger, 0);
    assert_true(look.tier[0].cell[DI_RESULT_HIT].bytes == APR_UINT64_MAX);
    assert_int_equal(look.tier[0].cell[DI_RESULT_HIT].requests, 3);
    drop(mem);
}

/* So many requests of one customer, over all tiers. */
static void be_busy(di_ledger_t *ledger, int customer, int count)
{
    static const char *const tiers[] = {"a", "b", "c", "d", "e",
                                        "f", "g", "h", "i", "j"};
    int i;

    for (i = 0; i < count; i++) {
        di_ledger_request(ledger, customer, tiers[i % 10],
                          (di_result_e)(i % DI_RESULT_END), 3, 1);
    }
}

static void processes_lose_no_request(void **state)
{
    enum { PROCESSES = 4, EACH = 20000 };
    void *mem = shared_memory();
    di_ledger_t *ledger = di_ledger_init(mem, began);
    di_ledger_look_t look;
    int i, status;

    for (i = 0; i < PROCESSES; i++) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
            be_busy(ledger, 5, EACH);
            _exit(0);
        }
    }
    for (i = 0; i < PROCESSES; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    di_ledger_look(&look, ledger, 5);
    assert_int_equal(requests_of(&look), PROCESSES * EACH);
    drop(mem);
}

/* Sum of a customer's requests; fails when any cell went back. */
static apr_uint64_t check_grown(di_ledger_look_t *before,
                                const di_ledger_t *ledger, int customer)
{
    di_ledger_look_t now;
    int i, j;

    di_ledger_look(&now, ledger, customer);
    for (i = 0; i < before->tiers; i++) {
        const di_ledger_tier_t *tier = tier_of(&now, before->tier[i].tier);

        for (j = 0; j < DI_RESULT_END; j++) {
            assert_true(tier->cell[j].requests >=
                        before->tier[i].cell[j].requests);
            assert_true(tier->cell[j].bytes >= before->tier[i].cell[j].bytes);
        }
    }
    *before = now;
    return requests_of(&now);
}

/* Each of 60 processes is killed at a moment of its own, the first ones while
   tiers are being named. */
static void processes_killed_anywhere_cost_no_more_than_a_name(void **state)
{
    void *mem = shared_memory();
    di_ledger_t *ledger = di_ledger_init(mem, began);
    di_ledger_look_t look;
    apr_uint64_t requests = 0;
    int i;

    memset(&look, 0, sizeof(look));
    for (i = 0; i < 60; i++) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
            for (;;) {
                be_busy(ledger, i / 20, 10);
            }
        }
        usleep((useconds_t)(i % 20) * 50);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        if (i % 20 == 0) {
            memset(&look, 0, sizeof(look));
            requests = 0;
        }
        assert_true(check_grown(&look, ledger, i / 20) >= requests);
        requests = requests_of(&look);
    }
    for (i = 0; i < 3; i++) {
        di_ledger_look(&look, ledger, i);
        requests = requests_of(&look);
        be_busy(ledger, i, 1000);
        di_ledger_look(&look, ledger, i);
        assert_int_equal(requests_of(&look), requests + 1000);
    }
    drop(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(each_request_moves_its_own_cell_alone),
        UNIT(renders_are_counted_with_their_time),
        UNIT(nobody_and_what_is_out_of_range_do_nothing),
        UNIT(later_tiers_are_counted_as_other),
        UNIT(a_start_keeps_what_this_version_left_and_nothing_else),
        UNIT(damaged_names_do_no_harm),
        UNIT(counters_stay_at_their_largest_number),
        UNIT(processes_lose_no_request),
        UNIT(processes_killed_anywhere_cost_no_more_than_a_name)};

    return UNIT_RUN(tests);
}
