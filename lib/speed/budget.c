/* SPDX-License-Identifier: Apache-2.0 */
/* Sums that stop at their ends, and a day that begins with the first cost. */
#include "speed/budget.h"

#define PURPOSE "probe-budget"

enum { AT_DAY_S, AT_BYTES, AT_MS, NUMBERS };

void sp_budget_today(sp_budget_t *budget, apr_time_t now)
{
    apr_time_t age = now - budget->day_at;

    if (age < 0 || age >= apr_time_from_sec(SP_BUDGET_DAY_S)) {
        budget->spent = (sp_cost_t){0};
        budget->day_at = now;
    }
}

static apr_uint32_t rest(apr_uint32_t limit, apr_uint32_t spent)
{
    return limit > spent ? limit - spent : 0;
}

sp_cost_t sp_budget_left(const sp_budget_t *budget, sp_cost_t limit)
{
    return (sp_cost_t){rest(limit.bytes, budget->spent.bytes),
                       rest(limit.ms, budget->spent.ms)};
}

static apr_uint32_t sum(apr_uint32_t a, apr_uint32_t b)
{
    return a > APR_UINT32_MAX - b ? APR_UINT32_MAX : a + b;
}

void sp_budget_spend(sp_budget_t *budget, sp_cost_t cost)
{
    budget->spent.bytes = sum(budget->spent.bytes, cost.bytes);
    budget->spent.ms = sum(budget->spent.ms, cost.ms);
}

apr_status_t sp_budget_format(char out[SP_SEALED_ROOM],
                              const sp_budget_t *budget, sp_sealer_t sealer)
{
    apr_int64_t numbers[NUMBERS] = {[AT_DAY_S] = apr_time_sec(budget->day_at),
                                    [AT_BYTES] = budget->spent.bytes,
                                    [AT_MS] = budget->spent.ms};

    sealer.purpose = PURPOSE;
    return sp_sealed_write(out, &sealer, numbers, NUMBERS);
}

int sp_budget_parse(sp_budget_t *out, const char *text, apr_size_t len,
                    sp_sealer_t sealer)
{
    apr_int64_t numbers[NUMBERS];

    sealer.purpose = PURPOSE;
    if (!sp_sealed_read(numbers, NUMBERS, &sealer, text, len) ||
        numbers[AT_DAY_S] > APR_INT32_MAX ||
        numbers[AT_BYTES] > APR_UINT32_MAX || numbers[AT_MS] > APR_UINT32_MAX) {
        return 0;
    }
    out->day_at = apr_time_from_sec(numbers[AT_DAY_S]);
    out->spent.bytes = (apr_uint32_t)numbers[AT_BYTES];
    out->spent.ms = (apr_uint32_t)numbers[AT_MS];
    return 1;
}
