/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "speed/beaconlimit.h"

#define T0 apr_time_from_sec(1700000000)
#define SEC apr_time_from_sec(1)

static const sp_beaconlimit_t three_a_minute = {3, 60 * SEC};
static const sp_beaconlimit_t no_limit = {0, 60 * SEC};

static void a_bucket_empties_and_fills_evenly(void **state)
{
    /* at second s, the beacon is taken or not */
    static const struct {
        int s, fine;
    } steps[] = {{0, 1},   {0, 1},   {0, 1},   {0, 0},  {19, 0},
                 {20, 1},  {20, 0},  {41, 1},  {59, 0}, {60, 1},
                 {200, 1}, {200, 1}, {200, 1}, {200, 0}};
    sp_client_t row = {0};
    apr_uint32_t i;

    for (i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        sp_beaconlimit_e got = sp_beaconlimit_take(&row, i + 1, &three_a_minute,
                                                   T0 + steps[i].s * SEC);
        if ((got == SP_BEACONLIMIT_FINE) != steps[i].fine) {
            fail_msg("step %u at %d s: %d", i, steps[i].s, got);
        }
    }
}

static void p18_the_same_report_is_a_replay(void **state)
{
    sp_client_t row = {0};
    apr_uint32_t i;

    for (i = 1; i <= SP_CLIENT_BEACONS; i++) {
        assert_int_equal(sp_beaconlimit_take(&row, i, &no_limit, T0),
                         SP_BEACONLIMIT_FINE);
    }
    for (i = 1; i <= SP_CLIENT_BEACONS; i++) {
        assert_int_equal(sp_beaconlimit_take(&row, i, &no_limit, T0),
                         SP_BEACONLIMIT_REPLAYED);
    }
    /* The oldest is forgotten for a new one. */
    assert_int_equal(sp_beaconlimit_take(&row, 99, &no_limit, T0),
                     SP_BEACONLIMIT_FINE);
    assert_int_equal(sp_beaconlimit_take(&row, 1, &no_limit, T0),
                     SP_BEACONLIMIT_FINE);
    assert_int_equal(sp_beaconlimit_take(&row, 99, &no_limit, T0),
                     SP_BEACONLIMIT_REPLAYED);
}

static void a_report_without_a_hash_is_no_replay(void **state)
{
    sp_client_t row = {0};

    assert_int_equal(sp_beaconlimit_take(&row, 0, &no_limit, T0),
                     SP_BEACONLIMIT_FINE);
    assert_int_equal(sp_beaconlimit_take(&row, 0, &no_limit, T0),
                     SP_BEACONLIMIT_FINE);
}

static void a_replay_and_a_limited_report_cost_nothing(void **state)
{
    sp_client_t row = {0}, before;
    int i;

    for (i = 1; i <= 3; i++) {
        assert_int_equal(
            sp_beaconlimit_take(&row, (apr_uint32_t)i, &three_a_minute, T0),
            SP_BEACONLIMIT_FINE);
    }
    before = row;
    for (i = 0; i < 100; i++) {
        assert_int_equal(sp_beaconlimit_take(&row, 3, &three_a_minute, T0),
                         SP_BEACONLIMIT_REPLAYED);
        assert_int_equal(sp_beaconlimit_take(&row, 4, &three_a_minute, T0),
                         SP_BEACONLIMIT_LIMITED);
    }
    assert_memory_equal(&row, &before, sizeof(row));
    /* and the limited one is no replay when it comes again */
    assert_int_equal(
        sp_beaconlimit_take(&row, 4, &three_a_minute, T0 + 20 * SEC),
        SP_BEACONLIMIT_FINE);
}

static void a_row_from_the_future_or_of_damaged_memory_recovers(void **state)
{
    sp_client_t row = {0};

    row.beacon_at = T0 + 365 * 86400 * SEC;
    row.beacon_next = 0xffffffff;
    assert_int_equal(sp_beaconlimit_take(&row, 1, &three_a_minute, T0),
                     SP_BEACONLIMIT_LIMITED);
    assert_int_equal(
        sp_beaconlimit_take(&row, 1, &three_a_minute, T0 + 20 * SEC),
        SP_BEACONLIMIT_FINE);
    assert_true(row.beacon_next < SP_CLIENT_BEACONS);
}

static void hashes_differ_by_body_and_by_key(void **state)
{
    ds_seal_key_t a = {.len = 32, .secret = {1}},
                  b = {.len = 32, .secret = {2}};
    apr_uint32_t one, again, two, other_key;

    assert_int_equal(sp_beaconlimit_hash(&one, &a, "v=1&rt=5", 8), 0);
    assert_int_equal(sp_beaconlimit_hash(&again, &a, "v=1&rt=5", 8), 0);
    assert_int_equal(sp_beaconlimit_hash(&two, &a, "v=1&rt=6", 8), 0);
    assert_int_equal(sp_beaconlimit_hash(&other_key, &b, "v=1&rt=5", 8), 0);
    assert_int_equal(one, again);
    assert_int_not_equal(one, two);
    assert_int_not_equal(one, other_key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_bucket_empties_and_fills_evenly),
        UNIT(p18_the_same_report_is_a_replay),
        UNIT(a_report_without_a_hash_is_no_replay),
        UNIT(a_replay_and_a_limited_report_cost_nothing),
        UNIT(a_row_from_the_future_or_of_damaged_memory_recovers),
        UNIT(hashes_differ_by_body_and_by_key)};

    return UNIT_RUN(tests);
}
