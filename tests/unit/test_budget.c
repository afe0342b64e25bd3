/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <apr_strings.h>

#include "speed/budget.h"

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "f0e1d2c3b4a5968778695a4b3c2d1e0f102132435465768798a9bacbdcedfe0f"
#define T0 apr_time_from_sec(1700000040)

static const sp_cost_t limit = {262144, 1500};

static apr_sockaddr_t *address(const char *text, apr_pool_t *p)
{
    apr_sockaddr_t *sa;

    assert_int_equal(apr_sockaddr_info_get(&sa, text, APR_UNSPEC, 0, 0, p), 0);
    return sa;
}

static const ds_seal_keys_t *keys_of(const char *text, apr_pool_t *p)
{
    ds_seal_keys_t *keys = apr_pcalloc(p, sizeof(*keys));

    assert_null(ds_seal_keys_parse(keys, text, strlen(text), p));
    return keys;
}

static void a_budget_is_used_up_and_comes_back_after_a_day(void **state)
{
    sp_budget_t budget = {{0, 0}, 0};
    sp_cost_t left;

    sp_budget_today(&budget, T0);
    sp_budget_spend(&budget, (sp_cost_t){200000, 1000});
    sp_budget_today(&budget, T0 + apr_time_from_sec(SP_BUDGET_DAY_S) - 1);
    left = sp_budget_left(&budget, limit);
    assert_int_equal(left.bytes, 62144);
    assert_int_equal(left.ms, 500);
    sp_budget_spend(&budget, (sp_cost_t){200000, 1000});
    left = sp_budget_left(&budget, limit);
    assert_int_equal(left.bytes, 0);
    assert_int_equal(left.ms, 0);
    sp_budget_today(&budget, T0 + apr_time_from_sec(SP_BUDGET_DAY_S));
    left = sp_budget_left(&budget, limit);
    assert_int_equal(left.bytes, limit.bytes);
    assert_int_equal(left.ms, limit.ms);
}

static void a_day_in_the_future_is_over(void **state)
{
    sp_budget_t budget = {{limit.bytes, limit.ms}, T0 + 1};

    sp_budget_today(&budget, T0);
    assert_int_equal(budget.spent.bytes, 0);
    assert_int_equal(budget.day_at, T0);
}

static void sums_stop_at_the_largest_number(void **state)
{
    sp_budget_t budget = {{APR_UINT32_MAX - 1, 1}, T0};

    sp_budget_spend(&budget, (sp_cost_t){2, APR_UINT32_MAX});
    assert_int_equal(budget.spent.bytes, APR_UINT32_MAX);
    assert_int_equal(budget.spent.ms, APR_UINT32_MAX);
}

static void a_cookie_brings_the_budget_back_to_its_network_only(void **state)
{
    sp_budget_t budget = {{65536, 700}, T0}, out = {{0, 0}, 0};
    sp_sealer_t here = {NULL, keys_of(KEY_A, *state),
                        address("192.0.2.7", *state)};
    sp_sealer_t there = here, other = here, rotated = here;
    char text[SP_SEALED_ROOM];
    size_t i, len;

    assert_int_equal(sp_budget_format(text, &budget, here), 0);
    len = strlen(text);
    assert_true(len <= SP_SEALED_MAX);
    assert_true(sp_budget_parse(&out, text, len, here));
    assert_memory_equal(&out, &budget, sizeof(out));
    there.client = address("198.51.100.7", *state);
    assert_false(sp_budget_parse(&out, text, len, there));
    other.keys = keys_of(KEY_B, *state);
    assert_false(sp_budget_parse(&out, text, len, other));
    rotated.keys = keys_of(KEY_B "\n" KEY_A, *state);
    assert_true(sp_budget_parse(&out, text, len, rotated));
    for (i = 0; i < len; i++) {
        char *bad = apr_pstrdup(*state, text);

        bad[i] = bad[i] == '7' ? '8' : '7';
        assert_false(sp_budget_parse(&out, bad, len, here));
        assert_false(sp_budget_parse(&out, text, i, here));
    }
}

static void what_has_another_number_of_numbers_is_not_read(void **state)
{
    static const apr_int64_t numbers[] = {1, 2, 3};
    sp_sealer_t sealer = {"word", keys_of(KEY_A, *state),
                          address("2001:db8::1", *state)};
    sp_sealer_t other = sealer;
    apr_int64_t out[SP_SEALED_NUMBERS];
    char text[SP_SEALED_ROOM];

    assert_int_equal(sp_sealed_write(text, &sealer, numbers, 2), 0);
    assert_true(sp_sealed_read(out, 2, &sealer, text, strlen(text)));
    assert_int_equal(out[1], 2);
    assert_false(sp_sealed_read(out, 1, &sealer, text, strlen(text)));
    assert_false(sp_sealed_read(out, 3, &sealer, text, strlen(text)));
    other.purpose = "another";
    assert_false(sp_sealed_read(out, 2, &other, text, strlen(text)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_budget_is_used_up_and_comes_back_after_a_day),
        UNIT(a_day_in_the_future_is_over),
        UNIT(sums_stop_at_the_largest_number),
        UNIT(a_cookie_brings_the_budget_back_to_its_network_only),
        UNIT(what_has_another_number_of_numbers_is_not_read),
    };

    return UNIT_RUN(tests);
}
