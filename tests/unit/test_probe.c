/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <apr_strings.h>

#include "speed/probe.h"

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define T0 apr_time_from_sec(1700000040)

/* ---- the ladder ---- */

typedef struct {
    const char *what;
    double rate_kbps;
    apr_uint32_t rtt_ms, before, left_bytes, left_ms, step;
} step_case_t;

static const step_case_t steps[] = {
    {"nothing known: the smallest", 0, 0, 0, 262144, 1500, 16384},
    {"slow: the smallest is enough", 256, 20, 0, 262144, 1500, 16384},
    {"cut to the time that is left", 256, 100, 0, 262144, 1500, 48000},
    {"the same, 56 kbit/s", 56, 150, 0, 262144, 1500, 10500},
    {"0.3 s of 2 Mbit/s are 75 kB", 2000, 20, 0, 262144, 1500, 262144},
    {"six round trips of 200 ms are 300 kB", 2000, 200, 0, 1048576, 9999,
     1048576},
    {"the next is at least twice the last", 256, 20, 16384, 262144, 3000,
     65536},
    {"cut to the budget", 20000, 20, 16384, 245760, 1500, 245760},
    {"too little budget for one that tells more", 20000, 20, 16384, 32767, 1500,
     0},
    {"nothing left", 0, 0, 0, 0, 1500, 0},
    {"no time left", 0, 0, 0, 262144, 0, 0},
    {"no time for one that tells anything", 40, 20, 0, 262144, 1500, 0},
    {"the last step was the largest", 100000, 10, 1048576, 4194304, 3000, 0},
    {"never more than the hard limit", 1e8, 60000, 0, 4294967295u, 3000,
     1048576},
    {"less than tells anything is left", 0, 0, 0, 8191, 1500, 0},
};

static void the_next_step_is_the_smallest_that_shows_the_line(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        const step_case_t *c = &steps[i];
        apr_uint32_t got =
            sp_probe_step(c->rate_kbps, c->rtt_ms, c->before,
                          (sp_cost_t){c->left_bytes, c->left_ms});

        if (got != c->step) {
            fail_msg("%s: %u", c->what, got);
        }
    }
}

static void a_ladder_never_costs_more_than_its_budget(void **state)
{
    static const apr_uint32_t limits[] = {0, 16384, 100000, 262144, 1048576};
    double rate;
    size_t i;

    for (i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
        for (rate = 0; rate < 1e8; rate = rate * 3 + 10) {
            sp_cost_t left = {limits[i], SP_BUDGET_MS_MAX};
            apr_uint32_t sum = 0, step = 0, count = 0;

            while ((step = sp_probe_step(rate, 50, step, left)) > 0) {
                sum += step;
                left.bytes -= step;
                count++;
            }
            assert_true(sum <= limits[i]);
            assert_true(count <= 4);
        }
    }
}

/* ---- wanted ---- */

static void a_probe_is_wanted_only_where_it_could_change_something(void **state)
{
    /* low from 0, medium from 192, broad from 2000 */
    static const struct {
        apr_uint32_t kbps, confidence;
        int lower_bound, wanted;
    } cases[] = {
        {0, 0, 0, 1},    {500, 90, 0, 0}, {500, 50, 0, 1},   {20000, 50, 0, 0},
        {20, 50, 0, 0},  {620, 75, 0, 1}, {620, 76, 0, 0},   {2500, 90, 1, 0},
        {500, 90, 1, 1}, {100, 10, 1, 1}, {20000, 10, 1, 0},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        sp_estimate_t known = {.capacity_kbps = cases[i].kbps,
                               .confidence_pct = cases[i].confidence,
                               .lower_bound = cases[i].lower_bound};

        if (sp_probe_wanted(&known, &ds_bands_default) != cases[i].wanted) {
            fail_msg("%u kbit/s, %u %%, bound %d", cases[i].kbps,
                     cases[i].confidence, cases[i].lower_bound);
        }
    }
}

static void half_an_octave_is_sure_and_more_is_not(void **state)
{
    sp_state_t known = {.x = 9.3, .s = 0.49, .at = T0};
    sp_estimate_t e;

    sp_estimate_make(&e, &known, SP_SOURCE_COOKIE, T0);
    assert_false(sp_probe_wanted(&e, &ds_bands_default));
    known.s = 0.51;
    sp_estimate_make(&e, &known, SP_SOURCE_COOKIE, T0);
    assert_true(sp_probe_wanted(&e, &ds_bands_default));
}

static void one_band_needs_no_probe(void **state)
{
    ds_bands_t one = {1, {{"all", 0}}};
    sp_estimate_t unknown = {0};

    assert_false(sp_probe_wanted(&unknown, &one));
}

/* ---- tokens ---- */

static sp_sealer_t sealer_for(const char *client, apr_pool_t *p)
{
    ds_seal_keys_t *keys = apr_pcalloc(p, sizeof(*keys));
    sp_sealer_t sealer = {NULL, keys, NULL};
    apr_sockaddr_t *sa;

    assert_null(ds_seal_keys_parse(keys, KEY_A, strlen(KEY_A), p));
    assert_int_equal(apr_sockaddr_info_get(&sa, client, APR_UNSPEC, 0, 0, p),
                     0);
    sealer.client = sa;
    return sealer;
}

static void p11_a_token_counts_for_its_client_and_for_five_minutes(void **state)
{
    sp_sealer_t here = sealer_for("192.0.2.7", *state);
    sp_sealer_t there = sealer_for("198.51.100.7", *state);
    sp_probe_token_t token = {65536, T0}, out = {0, 0};
    char text[SP_SEALED_ROOM];
    apr_size_t len;

    assert_int_equal(sp_probe_token_format(text, &token, here), 0);
    len = strlen(text);
    assert_true(len <= SP_BEACON_TOKEN_MAX);
    assert_true(sp_probe_token_parse(&out, text, len, here, T0));
    assert_int_equal(out.bytes, 65536);
    assert_int_equal(out.sent_at, T0);
    assert_true(
        sp_probe_token_parse(&out, text, len, here, T0 + SP_PROBE_TOKEN_AGE));
    assert_false(sp_probe_token_parse(&out, text, len, here,
                                      T0 + SP_PROBE_TOKEN_AGE + 1));
    assert_false(sp_probe_token_parse(&out, text, len, here, T0 - 1));
    assert_false(sp_probe_token_parse(&out, text, len, there, T0));
    text[5] = text[5] == '1' ? '2' : '1';
    assert_false(sp_probe_token_parse(&out, text, len, here, T0));
}

static void the_cost_of_a_step_has_bounds(void **state)
{
    sp_probe_token_t token = {16384, T0};

    assert_int_equal(sp_probe_ms(&token, T0), 1);
    assert_int_equal(sp_probe_ms(&token, T0 + apr_time_from_msec(700)), 700);
    assert_int_equal(sp_probe_ms(&token, T0 + apr_time_from_sec(200)),
                     SP_BUDGET_MS_MAX);
}

/* ---- samples ---- */

typedef struct {
    const char *body;
    apr_uint32_t bytes;     /* of the token */
    int took_ms;            /* by the server's clock */
    int from_kbps, to_kbps; /* 0, 0: no sample */
    int lower_bound;
    const char *what;
} report_case_t;

static const report_case_t reports[] = {
    {"v=1&nb=15000&nd=480&np=1&rt=60&ck=1", 16384, 700, 249, 251, 0,
     "256 kbit/s"},
    {"v=1&nb=15000&nd=480&np=0&rt=60&ck=1", 16384, 700, 181, 182, 1,
     "not full: a bound, less a burst"},
    {"v=1&nb=15000&nd=59&np=1&rt=6&ck=1", 16384, 90, 1400, 1460, 1,
     "too short for a point"},
    {"v=1&nb=200000&nd=500&np=1&rt=6&ck=100", 262144, 900, 2600, 2620, 1,
     "P12: a coarse clock gives a bound"},
    {"v=1&nb=13873&nd=891&np=1&rt=2&ck=1", 16384, 910, 124, 125, 0,
     "128 kbit/s: a burst at the start makes it no faster"},
    {"v=1&nb=15000&nd=480&np=1&ck=1", 16384, 700, 0, 0, 0, "no round trip"},
    {"v=1&nb=16385&nd=480&np=1&rt=60", 16384, 700, 0, 0, 0,
     "more than was sent"},
    {"v=1&nb=0&nd=480&np=1&rt=60", 16384, 700, 0, 0, 0, "nothing came"},
    {"v=1&nb=15000&nd=0&np=1&rt=60", 16384, 700, 0, 0, 0, "no time elapsed"},
    {"v=1&pb=15000&pd=480&rt=60", 16384, 700, 0, 0, 0, "no probe"},
    {"v=1&nb=100&nd=3600&np=1&rt=60", 16384, 699, 140, 141, 0,
     "not below what the server saw"},
};

static void a_report_becomes_a_point_a_bound_or_nothing(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(reports) / sizeof(*reports); i++) {
        const report_case_t *c = &reports[i];
        sp_probe_token_t token = {c->bytes, T0};
        sp_beacon_t beacon;
        sp_sample_t sample = {0};
        int made;

        assert_true(sp_beacon_parse(&beacon, c->body, strlen(c->body)));
        made = sp_probe_sample(&sample, &beacon, &token,
                               T0 + apr_time_from_msec(c->took_ms));
        if (made != (c->to_kbps > 0) ||
            (made && (sample.rate_kbps < c->from_kbps ||
                      sample.rate_kbps > c->to_kbps ||
                      sample.lower_bound != c->lower_bound))) {
            fail_msg("%s: made %d, %.1f kbit/s, bound %d", c->what, made,
                     sample.rate_kbps, sample.lower_bound);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(the_next_step_is_the_smallest_that_shows_the_line),
        UNIT(a_ladder_never_costs_more_than_its_budget),
        UNIT(a_probe_is_wanted_only_where_it_could_change_something),
        UNIT(half_an_octave_is_sure_and_more_is_not),
        UNIT(one_band_needs_no_probe),
        UNIT(p11_a_token_counts_for_its_client_and_for_five_minutes),
        UNIT(the_cost_of_a_step_has_bounds),
        UNIT(a_report_becomes_a_point_a_bound_or_nothing),
    };

    return UNIT_RUN(tests);
}
