/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "store/pace.h"

#define SECOND APR_USEC_PER_SEC
#define START (1000 * SECOND)

static int allowed(di_pace_t *pace, apr_time_t at, int calls)
{
    uint32_t dropped;
    int yes = 0;

    while (calls-- > 0) {
        yes += di_pace_allows(pace, &dropped, 3, at);
    }
    return yes;
}

static void a_minute_has_room_for_so_many_messages(void **state)
{
    di_pace_t pace = {0};

    assert_int_equal(allowed(&pace, START, 10), 3);
    assert_int_equal(allowed(&pace, START + 59 * SECOND, 10), 0);
    assert_int_equal(allowed(&pace, START + 60 * SECOND, 10), 3);
}

static void what_was_held_back_is_told_with_the_next(void **state)
{
    di_pace_t pace = {0};
    uint32_t dropped = 7;

    assert_int_equal(di_pace_allows(&pace, &dropped, 1, START), 1);
    assert_int_equal(dropped, 0);
    allowed(&pace, START, 3);
    assert_int_equal(di_pace_allows(&pace, &dropped, 1, START + 60 * SECOND),
                     1);
    /* allowed() lets 3 a minute through, of which one was used up. */
    assert_int_equal(dropped, 1);
}

static void a_clock_that_jumps_does_not_silence_it(void **state)
{
    di_pace_t pace = {0};

    allowed(&pace, START, 10);
    assert_int_equal(allowed(&pace, START - 30 * SECOND, 10), 0);
    assert_int_equal(allowed(&pace, START - 600 * SECOND, 10), 3);
    assert_int_equal(allowed(&pace, START + 600 * SECOND, 10), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_minute_has_room_for_so_many_messages),
        UNIT(what_was_held_back_is_told_with_the_next),
        UNIT(a_clock_that_jumps_does_not_silence_it),
    };

    return UNIT_RUN(tests);
}
