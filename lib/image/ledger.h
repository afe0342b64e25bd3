/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: per customer, what its image requests were and cost, in memory
 * that all processes share and that outlives them.  Only ever grows; an entry
 * is one addition without a lock.
 *
 * A customer's place is its account's (store/account.h), which knows what it
 * has stored.  image/tariff.h makes bills of both.
 */
#ifndef DI_LEDGER_H
#define DI_LEDGER_H

#include <apr.h>
#include <apr_time.h>

/* Tiers of a customer that are counted by name; later ones together as
   "other". */
#define DI_LEDGER_TIERS 8
#define DI_LEDGER_TIER_ROOM 32

/* What became of a request. */
typedef enum {
    DI_RESULT_HIT,      /* the tier's rendition, from a store */
    DI_RESULT_RENDERED, /* the tier's rendition, made for this request */
    DI_RESULT_STAND_IN, /* another one: nearest, quick, smaller first */
    DI_RESULT_ORIGINAL, /* the original, for whatever reason */
    DI_RESULT_END
} di_result_e;

typedef struct {
    apr_uint64_t requests;
    apr_uint64_t bytes;       /* sent as bodies, as the log has them */
    apr_uint64_t saved_bytes; /* original's size less the rendition's, of whole
                                 answers (200) to GET */
} di_ledger_cell_t;

typedef struct {
    char tier[DI_LEDGER_TIER_ROOM]; /* "": not used */
    di_ledger_cell_t cell[DI_RESULT_END];
} di_ledger_tier_t;

/* A moment's look at one customer. */
typedef struct {
    int tiers; /* the last one may be "other" */
    di_ledger_tier_t tier[DI_LEDGER_TIERS + 1];
    apr_uint64_t renders;   /* that were made for it, kept or not */
    apr_uint64_t render_us; /* CPU time of these, us */
    apr_time_t since;       /* when counting began */
} di_ledger_look_t;

typedef struct di_ledger_t di_ledger_t;

/* Bytes of memory, for DI_CUSTOMERS_MAX customers (store/account.h). */
apr_size_t di_ledger_bytes(void);

/* Take memory into use; keeps what this version left in it. */
di_ledger_t *di_ledger_init(void *mem, apr_time_t now);

/* All of these: NULL ledger and a customer out of range do nothing. */
void di_ledger_request(di_ledger_t *ledger, int customer, const char *tier,
                       di_result_e result, apr_uint64_t bytes,
                       apr_uint64_t saved_bytes);
void di_ledger_render(di_ledger_t *ledger, int customer, apr_uint64_t cpu_us);

void di_ledger_look(di_ledger_look_t *out, const di_ledger_t *ledger,
                    int customer);

#endif
