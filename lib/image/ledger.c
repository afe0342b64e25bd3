/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row per customer, of 64-bit numbers that are only added to.
 *
 *     | shape | since | row 0 | row 1 | ... | row DI_CUSTOMERS_MAX - 1 |
 *
 *     row:  | state 0..7 | name 0..7 | cells of 8 tiers | cells of "other" |
 *           | renders | us |
 *
 * A tier gets a place by its state going from FREE to TAKEN, which one process
 * alone can do; then that one writes the name and says NAMED.  A process killed
 * in between leaves a place that is TAKEN for ever: one tier's worth, nothing
 * waits for it.  Who meets a place that is just being named (another process is
 * at it, for some instructions) goes on to the next one, and may so name a tier
 * twice: looks add up what has the same name.
 *
 * Relaxed atomics of the compiler for counters, as in base/tally.c; a name is
 * published by release and acquire.  At its largest number a counter stays.
 */
#include "image/ledger.h"

#include <string.h>

#include <apr_strings.h>

#include "base/arg.h"
#include "store/account.h"

#define SHAPE APR_UINT64_C(0x64694c6564676531) /* "diLedge1" */

enum { FREE = 0, TAKEN, NAMED };

/* Place of the cells of all tiers that have no name of their own. */
#define OTHER DI_LEDGER_TIERS

typedef struct {
    apr_uint32_t state[DI_LEDGER_TIERS];
    char name[DI_LEDGER_TIERS][DI_LEDGER_TIER_ROOM];
    di_ledger_cell_t cell[DI_LEDGER_TIERS + 1][DI_RESULT_END];
    apr_uint64_t renders, render_us;
} row_t;

struct di_ledger_t {
    apr_uint64_t shape; /* SHAPE, and the sizes below it */
    apr_int64_t since;  /* apr_time_t */
    row_t row[DI_CUSTOMERS_MAX];
};

static const char other[] = "other";

static apr_uint64_t shape_of(void)
{
    return SHAPE ^ (apr_uint64_t)sizeof(di_ledger_t) << 16;
}

apr_size_t di_ledger_bytes(void)
{
    return sizeof(di_ledger_t);
}

di_ledger_t *di_ledger_init(void *mem, apr_time_t now)
{
    di_ledger_t *ledger = mem;

    if (ledger->shape != shape_of()) {
        memset(ledger, 0, sizeof(*ledger));
        ledger->since = now;
        ledger->shape = shape_of();
    }
    return ledger;
}

static int has(const di_ledger_t *ledger, int customer)
{
    return ledger && customer >= 0 && customer < DI_CUSTOMERS_MAX;
}

static void add(apr_uint64_t *counter, apr_uint64_t n)
{
    apr_uint64_t was = __atomic_load_n(counter, __ATOMIC_RELAXED), next;

    do {
        next = n > APR_UINT64_MAX - was ? APR_UINT64_MAX : was + n;
    } while (n &&
             !__atomic_compare_exchange_n(counter, &was, next, 1,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
}

static apr_uint64_t get(const apr_uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static apr_uint32_t state_of(const row_t *row, int place)
{
    return __atomic_load_n(&row->state[place], __ATOMIC_ACQUIRE);
}

/* Name a place, if it is free still. */
static int is_named(row_t *row, int place, const char *tier)
{
    apr_uint32_t was = FREE;

    if (!__atomic_compare_exchange_n(&row->state[place], &was, TAKEN, 0,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        return 0;
    }
    (void)apr_cpystrn(row->name[place], tier, DI_LEDGER_TIER_ROOM);
    __atomic_store_n(&row->state[place], NAMED, __ATOMIC_RELEASE);
    return 1;
}

/* The place of a tier's cells. */
static int place_of(row_t *row, const char *tier)
{
    int i;

    if (!tier || !*tier || strlen(tier) >= DI_LEDGER_TIER_ROOM) {
        return OTHER;
    }
    for (i = 0; i < DI_LEDGER_TIERS; i++) {
        apr_uint32_t state = state_of(row, i);

        if (state == FREE && is_named(row, i, tier)) {
            return i;
        }
        if (state_of(row, i) == NAMED &&
            !strncmp(row->name[i], tier, DI_LEDGER_TIER_ROOM)) {
            return i;
        }
    }
    return OTHER;
}

void di_ledger_request(di_ledger_t *ledger, int customer, const char *tier,
                       di_result_e result, apr_uint64_t bytes,
                       apr_uint64_t saved_bytes)
{
    di_ledger_cell_t *cell;
    row_t *row;

    if (!has(ledger, customer) || (unsigned)result >= DI_RESULT_END) {
        return;
    }
    row = &ledger->row[customer];
    cell = &row->cell[place_of(row, tier)][result];
    /* Who sees the request sees its bytes. */
    add(&cell->bytes, bytes);
    add(&cell->saved_bytes, saved_bytes);
    add(&cell->requests, 1);
}

void di_ledger_render(di_ledger_t *ledger, int customer, apr_uint64_t cpu_us)
{
    if (has(ledger, customer)) {
        add(&ledger->row[customer].renders, 1);
        add(&ledger->row[customer].render_us, cpu_us);
    }
}

/* ---- looking ---- */

/* The tier's place in a look.  What is no name of a tier (the file that the
   memory lies in may have been damaged) is "other". */
static di_ledger_tier_t *look_of(di_ledger_look_t *out, const char *tier)
{
    di_ledger_tier_t *to = &out->tier[out->tiers];
    int i;

    (void)apr_cpystrn(to->tier, tier, DI_LEDGER_TIER_ROOM);
    if (!ds_arg_is_name(to->tier)) {
        (void)apr_cpystrn(to->tier, other, DI_LEDGER_TIER_ROOM);
    }
    for (i = 0; i < out->tiers; i++) {
        if (!strcmp(out->tier[i].tier, to->tier)) {
            return &out->tier[i];
        }
    }
    out->tiers++;
    return to;
}

static int has_requests(const row_t *row, int place)
{
    int i;

    for (i = 0; i < DI_RESULT_END; i++) {
        if (get(&row->cell[place][i].requests)) {
            return 1;
        }
    }
    return 0;
}

static void look_at(di_ledger_look_t *out, const row_t *row, int place,
                    const char *tier)
{
    di_ledger_tier_t *to = look_of(out, tier);
    int i;

    for (i = 0; i < DI_RESULT_END; i++) {
        const di_ledger_cell_t *cell = &row->cell[place][i];

        /* In the other order than they are added. */
        add(&to->cell[i].requests, get(&cell->requests));
        add(&to->cell[i].bytes, get(&cell->bytes));
        add(&to->cell[i].saved_bytes, get(&cell->saved_bytes));
    }
}

void di_ledger_look(di_ledger_look_t *out, const di_ledger_t *ledger,
                    int customer)
{
    const row_t *row;
    int i;

    memset(out, 0, sizeof(*out));
    if (!has(ledger, customer)) {
        return;
    }
    row = &ledger->row[customer];
    for (i = 0; i < DI_LEDGER_TIERS; i++) {
        if (state_of(row, i) == NAMED) {
            look_at(out, row, i, row->name[i]);
        }
    }
    if (has_requests(row, OTHER)) {
        look_at(out, row, OTHER, other);
    }
    out->renders = get(&row->renders);
    out->render_us = get(&row->render_us);
    out->since = ledger->since;
}
