/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "render/restart.h"

static void a_long_life_is_followed_at_once(void **state)
{
    di_restart_t restart = {0};

    assert_int_equal(di_restart_delay_ms(&restart, DI_RESTART_DIED, 1000), 0);
    assert_int_equal(di_restart_delay_ms(&restart, DI_RESTART_UNREADY, 90000), 0);
}

static void work_that_kills_never_slows_more_than_a_second(void **state)
{
    di_restart_t restart = {0};
    int i;

    for (i = 0; i < 100; i++) {
        assert_int_equal(di_restart_delay_ms(&restart, DI_RESTART_DIED, 3), 1000);
    }
    assert_int_equal(restart.failures, 0);
}

static void an_end_as_it_should_be_is_followed_at_once(void **state)
{
    di_restart_t restart = {DI_RESTART_FAILURES_MAX};

    assert_int_equal(di_restart_delay_ms(&restart, DI_RESTART_ENDED, 3), 0);
    assert_int_equal(restart.failures, 0);
}

static void starts_that_fail_in_a_row_become_slow(void **state)
{
    di_restart_t restart = {0};
    int i;

    for (i = 1; i < DI_RESTART_FAILURES_MAX; i++) {
        assert_int_equal(di_restart_delay_ms(&restart, DI_RESTART_UNREADY, 3), 1000);
    }
    for (i = 0; i < 3; i++) {
        assert_int_equal(di_restart_delay_ms(&restart, DI_RESTART_UNREADY, 3), 30000);
    }
    assert_int_equal(restart.failures, DI_RESTART_FAILURES_MAX);
}

static void one_good_start_ends_the_row(void **state)
{
    di_restart_t restart = {DI_RESTART_FAILURES_MAX};

    assert_int_equal(di_restart_delay_ms(&restart, DI_RESTART_DIED, 20), 1000);
    assert_int_equal(di_restart_delay_ms(&restart, DI_RESTART_UNREADY, 20), 1000);
    assert_int_equal(restart.failures, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_long_life_is_followed_at_once),
        UNIT(work_that_kills_never_slows_more_than_a_second),
        UNIT(an_end_as_it_should_be_is_followed_at_once),
        UNIT(starts_that_fail_in_a_row_become_slow),
        UNIT(one_good_start_ends_the_row),
    };

    return UNIT_RUN(tests);
}
