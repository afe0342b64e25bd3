/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/tally.h"
#include "speed/counters.h"

static const ds_counter_t list[] = {{NULL, 0, NULL, NULL},
                                    {"a", DS_TALLY_COUNTER, "things", "A."},
                                    {"b", DS_TALLY_GAUGE, "things", "B."}};
static const ds_counter_t other[] = {{NULL, 0, NULL, NULL},
                                     {"a", DS_TALLY_COUNTER, "things", "A."},
                                     {"c", DS_TALLY_GAUGE, "things", "C."}};

static void counters_add_up_and_gauges_are_set(void **state)
{
    ds_tally_t *tally =
        ds_tally_init(apr_pcalloc(*state, ds_tally_bytes(3)), list, 3);

    ds_tally_add(tally, 1, 1);
    ds_tally_add(tally, 1, 41);
    ds_tally_set(tally, 2, 7);
    ds_tally_set(tally, 2, 3);
    assert_int_equal(ds_tally_get(tally, 1), 42);
    assert_int_equal(ds_tally_get(tally, 2), 3);
}

static void no_tally_and_places_that_are_not_there_are_harmless(void **state)
{
    static const int places[] = {-1, 0, 3, 1000000, INT32_MIN, INT32_MAX};
    ds_tally_t *tally =
        ds_tally_init(apr_pcalloc(*state, ds_tally_bytes(3)), list, 3);
    size_t i;

    for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
        ds_tally_add(tally, places[i], 1);
        ds_tally_set(tally, places[i], 1);
        assert_int_equal(ds_tally_get(tally, places[i]), 0);
    }
    ds_tally_add(NULL, 1, 1);
    ds_tally_set(NULL, 1, 1);
    assert_int_equal(ds_tally_get(NULL, 1), 0);
    assert_int_equal(ds_tally_get(tally, 1), 0);
    assert_int_equal(ds_tally_get(tally, 2), 0);
}

static void the_same_list_keeps_its_values_and_another_clears_them(void **state)
{
    void *mem = apr_palloc(*state, ds_tally_bytes(3));
    ds_tally_t *tally;

    memset(mem, 0xa5, ds_tally_bytes(3));
    tally = ds_tally_init(mem, list, 3);
    assert_int_equal(ds_tally_get(tally, 1), 0);
    ds_tally_add(tally, 1, 5);
    assert_true(ds_tally_fits(tally, list, 3));
    assert_false(ds_tally_fits(tally, list, 2));
    assert_false(ds_tally_fits(tally, other, 3));
    assert_false(ds_tally_fits(NULL, list, 3));
    assert_int_equal(ds_tally_get(ds_tally_init(mem, list, 3), 1), 5);
    assert_int_equal(ds_tally_get(ds_tally_init(mem, other, 3), 1), 0);
}

static void processes_lose_no_count(void **state)
{
    enum { PROCESSES = 4, EACH = 20000 };
    void *mem = mmap(NULL, ds_tally_bytes(3), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ds_tally_t *tally;
    int i, j, status;

    assert_ptr_not_equal(mem, MAP_FAILED);
    tally = ds_tally_init(mem, list, 3);
    for (i = 0; i < PROCESSES; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            for (j = 0; j < EACH; j++) {
                ds_tally_add(tally, 1, 1);
            }
            _exit(0);
        }
    }
    for (i = 0; i < PROCESSES; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(ds_tally_get(tally, 1), PROCESSES * EACH);
    munmap(mem, ds_tally_bytes(3));
}

static void every_counter_of_ours_documents_itself(void **state)
{
    int i, j;

    assert_null(sp_counters[SP_COUNT_NONE].name);
    for (i = 1; i < SP_COUNT_END; i++) {
        const ds_counter_t *c = &sp_counters[i];

        assert_non_null(c->name);
        assert_int_equal(
            strspn(c->name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
            strlen(c->name));
        assert_true(strlen(c->unit) > 0 && strlen(c->help) > 10);
        for (j = 1; j < i; j++) {
            assert_string_not_equal(sp_counters[j].name, c->name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(counters_add_up_and_gauges_are_set),
        UNIT(no_tally_and_places_that_are_not_there_are_harmless),
        UNIT(the_same_list_keeps_its_values_and_another_clears_them),
        UNIT(processes_lose_no_count),
        UNIT(every_counter_of_ours_documents_itself)};

    return UNIT_RUN(tests);
}
