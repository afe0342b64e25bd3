/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <math.h>

#include "speed/sharedrow.h"

#define T0 apr_time_from_sec(1700000000)
#define HOUR apr_time_from_sec(3600)
#define DAY (24 * HOUR)

static const sp_clientkey_t client = {"some client ...."};
static const sp_state_t known = {.x = 11.25,
                                 .s = 0.12,
                                 .rtt_ms = 48,
                                 .at = T0,
                                 .lower_bound = 1,
                                 .clipped = -1};

static ds_seal_key_t key_of(unsigned char first)
{
    ds_seal_key_t key = {.len = 32};

    key.secret[0] = first;
    return key;
}

static int parse(sp_state_t *out, const unsigned char *bytes, apr_size_t len,
                 apr_time_t now)
{
    ds_seal_key_t key = key_of(1);

    return sp_sharedrow_parse(out, bytes, len, &key, &client, now);
}

static void format(unsigned char out[SP_SHAREDROW_BYTES],
                   const sp_state_t *state)
{
    ds_seal_key_t key = key_of(1);

    assert_int_equal(sp_sharedrow_format(out, state, &key, &client),
                     APR_SUCCESS);
}

static void a_state_comes_back(void **state)
{
    unsigned char bytes[SP_SHAREDROW_BYTES];
    sp_state_t out;

    format(bytes, &known);
    assert_int_equal(parse(&out, bytes, sizeof(bytes), T0), 1);
    assert_true(fabs(out.x - known.x) < 1e-4);
    assert_true(fabs(out.s - known.s) < 1e-4);
    assert_true(out.s >= known.s); /* never surer */
    assert_int_equal(out.rtt_ms, known.rtt_ms);
    assert_true(out.at == known.at);
    assert_int_equal(out.lower_bound, 1);
    assert_int_equal(out.clipped, -1);
}

static void every_changed_bit_is_refused(void **state)
{
    unsigned char bytes[SP_SHAREDROW_BYTES];
    sp_state_t out;
    int bit;

    format(bytes, &known);
    for (bit = 0; bit < 8 * SP_SHAREDROW_BYTES; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_int_equal(parse(&out, bytes, sizeof(bytes), T0), 0);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    for (bit = 0; bit < SP_SHAREDROW_BYTES; bit++) {
        assert_int_equal(parse(&out, bytes, (apr_size_t)bit, T0), 0);
    }
    assert_int_equal(parse(&out, bytes, sizeof(bytes) + 1, T0), 0);
    assert_int_equal(parse(&out, bytes, sizeof(bytes), T0), 1);
}

static void another_key_and_another_client_are_refused(void **state)
{
    ds_seal_key_t mine = key_of(1), other = key_of(2);
    sp_clientkey_t neighbour = {"other client ..."};
    unsigned char bytes[SP_SHAREDROW_BYTES];
    sp_state_t out;

    format(bytes, &known);
    assert_int_equal(
        sp_sharedrow_parse(&out, bytes, sizeof(bytes), &other, &client, T0), 0);
    assert_int_equal(
        sp_sharedrow_parse(&out, bytes, sizeof(bytes), &mine, &neighbour, T0),
        0);
}

static void signed_numbers_out_of_range_are_refused_too(void **state)
{
    static const sp_state_t bad[] = {
        {.x = 28, .s = 1, .at = T0},
        {.x = -1, .s = 1, .at = T0},
        {.x = NAN, .s = 1, .at = T0},
        {.x = 5, .s = 0, .at = T0},
        {.x = 5, .s = 9, .at = T0},
        {.x = 5, .s = NAN, .at = T0},
        {.x = 5, .s = 1, .at = 0},
        {.x = 5, .s = 1, .at = -1},
        {.x = 5, .s = 1, .at = T0, .rtt_ms = 60001}};
    unsigned char bytes[SP_SHAREDROW_BYTES];
    ds_seal_key_t key = key_of(1);
    apr_size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(sp_sharedrow_format(bytes, &bad[i], &key, &client),
                         APR_EINVAL);
    }
}

static void p21_a_state_lives_a_week_and_none_is_from_the_future(void **state)
{
    static const struct {
        apr_time_t now;
        int fine;
    } cases[] = {{T0, 1}, {T0 + 6 * DAY, 1}, {T0 + 8 * DAY, 0}, {T0 - HOUR, 0},
                 {0, 0},  {-DAY, 0},         {T0 - 30000000, 1}};
    unsigned char bytes[SP_SHAREDROW_BYTES];
    sp_state_t out;
    apr_size_t i;

    format(bytes, &known);
    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(parse(&out, bytes, sizeof(bytes), cases[i].now),
                         cases[i].fine);
    }
}

/* ---- merging ---- */

typedef struct {
    const char *name;
    sp_state_t mine, theirs;
    double x; /* of the merged one */
    apr_uint32_t rtt_ms;
} merge_case_t;

#define POINT(kbps_log2, spread, when, rtt)                                    \
    {                                                                          \
        .x = kbps_log2, .s = spread, .at = when, .rtt_ms = rtt                 \
    }
#define UNKNOWN                                                                \
    {                                                                          \
        .at = 0                                                                \
    }
#define BOUND(kbps_log2, when)                                                 \
    {                                                                          \
        .x = kbps_log2, .s = 1, .at = when, .lower_bound = 1                   \
    }

static const merge_case_t merges[] = {
    {"nobody knows", UNKNOWN, UNKNOWN, 0, 0},
    {"they know", UNKNOWN, POINT(10, .2, T0, 30), 10, 30},
    {"I know", POINT(10, .2, T0, 30), UNKNOWN, 10, 30},
    {"the surer", POINT(10, .3, T0, 30), POINT(12, .12, T0, 20), 12, 20},
    {"the surer is mine", POINT(10, .12, T0, 9), POINT(12, .3, T0, 20), 10, 9},
    {"as sure: the newer", POINT(10, .2, T0, 0), POINT(12, .2, T0 + 9, 5), 12,
     5},
    {"old is unsure", POINT(10, .12, T0 - 5 * DAY, 30), POINT(12, .3, T0, 0),
     12, 30},
    {"two bounds", BOUND(10, T0), BOUND(8, T0 + HOUR), 10, 0},
    {"a low bound says nothing", POINT(10, .12, T0, 30), BOUND(3, T0 + HOUR),
     10, 30},
    {"nor does an old one", POINT(10, .12, T0, 30), BOUND(14, T0 - HOUR), 10,
     30},
    {"a point beats my bound", BOUND(7, T0 + HOUR), POINT(10, .12, T0, 30), 10,
     30},
};

static void two_states_become_one(void **state)
{
    apr_size_t i;

    for (i = 0; i < sizeof(merges) / sizeof(*merges); i++) {
        const merge_case_t *c = &merges[i];
        sp_state_t ab = sp_sharedrow_merge(&c->mine, &c->theirs, T0 + HOUR);
        sp_state_t ba = sp_sharedrow_merge(&c->theirs, &c->mine, T0 + HOUR);
        sp_state_t again = sp_sharedrow_merge(&ab, &c->theirs, T0 + HOUR);

        if (fabs(ab.x - c->x) > 1e-9 || ab.rtt_ms != c->rtt_ms) {
            fail_msg("%s: x %g, rtt %u", c->name, ab.x, ab.rtt_ms);
        }
        if (ba.x != ab.x || ba.s != ab.s || ba.at != ab.at) {
            fail_msg("%s: depends on who merges", c->name);
        }
        if (again.x != ab.x || again.s != ab.s || again.at != ab.at) {
            fail_msg("%s: changes when merged twice", c->name);
        }
    }
}

static void a_newer_bound_above_a_point_raises_it(void **state)
{
    sp_state_t point = POINT(10, .3, T0, 30), bound = BOUND(12, T0 + HOUR);
    sp_state_t out = sp_sharedrow_merge(&point, &bound, T0 + HOUR);
    sp_state_t again = sp_sharedrow_merge(&out, &bound, T0 + HOUR);

    assert_true(out.x > 10 && out.x < 12);
    assert_int_equal(out.lower_bound, 0);
    assert_true(out.at == bound.at);
    assert_true(again.x == out.x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_state_comes_back),
        UNIT(every_changed_bit_is_refused),
        UNIT(another_key_and_another_client_are_refused),
        UNIT(signed_numbers_out_of_range_are_refused_too),
        UNIT(p21_a_state_lives_a_week_and_none_is_from_the_future),
        UNIT(two_states_become_one),
        UNIT(a_newer_bound_above_a_point_raises_it),
    };

    return UNIT_RUN(tests);
}
