/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What measuring may cost one client a day, in bytes and in time.  Pure.
 *
 * It is kept in the client's row (speed/client.h); without a table in a
 * cookie, signed, so that it is kept at all.
 */
#ifndef SP_BUDGET_H
#define SP_BUDGET_H

#include <apr_time.h>

#include "speed/sealed.h"

#define SP_BUDGET_COOKIE "spb"
#define SP_BUDGET_DAY_S 86400

/* Hard limits, whatever the configuration says. */
#define SP_BUDGET_BYTES_MAX 1048576
#define SP_BUDGET_MS_MAX 3000

/* Used since day_at, or left of it. */
typedef struct {
    apr_uint32_t bytes;
    apr_uint32_t ms;
} sp_cost_t;

typedef struct {
    sp_cost_t spent;
    apr_time_t day_at; /* when the day began; 0: nothing spent yet */
} sp_budget_t;

/* A new day begins when the old one is over, or lies in the future. */
void sp_budget_today(sp_budget_t *budget, apr_time_t now);

/* What is left of a limit; never below 0. */
sp_cost_t sp_budget_left(const sp_budget_t *budget, sp_cost_t limit);

/* Take a cost into account; sums stop at the largest number. */
void sp_budget_spend(sp_budget_t *budget, sp_cost_t cost);

/**
 * The cookie's value.  Its purpose is the budget's own; sealer->purpose is not
 * looked at.
 */
apr_status_t sp_budget_format(char out[SP_SEALED_ROOM],
                              const sp_budget_t *budget, sp_sealer_t sealer);

/* 1 when it is one of ours; 0 leaves *out alone. */
int sp_budget_parse(sp_budget_t *out, const char *text, apr_size_t len,
                    sp_sealer_t sealer);

#endif
