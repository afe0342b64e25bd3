/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The breaker's words.
 *
 *   open_until   0: closed; else the end of the rest.  A probe is claimed by
 *                moving it one rest ahead, so a prober that dies costs one
 *                rest and not the server.
 *   failures     63           32 31       0
 *                | began_s + 1  | errors  |    0: no error yet
 *                began_s is when the first error of the window came, s.
 *
 * A success does not clear the errors of the window: a server that fails
 * every tenth call is not worth asking.  Closing does.
 */
#include "store/breaker.h"

#define ERRORS_OF(word) ((word)&0xffffffff)
#define BEGAN_OF(word) ((int64_t)((word) >> 32) - 1)

/* ---- the table ---- */

/* FNV-1a (Fowler, Noll, Vo), 64 bits; never 0. */
static uint64_t owner_of(const char *server)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *server; server++) {
        hash = (hash ^ (unsigned char)*server) * UINT64_C(0x100000001b3);
    }
    return hash ? hash : 1;
}

di_breaker_t *di_breaker_of(di_breaker_t *table, const char *server)
{
    uint64_t owner = owner_of(server);
    int i;

    for (i = 0; i < DI_BREAKERS; i++) {
        di_breaker_t *breaker = &table[(owner + (uint64_t)i) % DI_BREAKERS];
        uint64_t found = 0;

        if (atomic_compare_exchange_strong(&breaker->owner, &found, owner) ||
            found == owner) {
            return breaker;
        }
    }
    return &table[owner % DI_BREAKERS];
}

/* Whoever still uses a place that is given away shares it with another server,
   which costs no more than a miss until the next probe. */
void di_breakers_clear(di_breaker_t *table)
{
    int i, owned = 0;

    for (i = 0; i < DI_BREAKERS; i++) {
        atomic_store(&table[i].open_until, 0);
        atomic_store(&table[i].failures, 0);
        owned += atomic_load(&table[i].owner) != 0;
    }
    for (i = 0; i < DI_BREAKERS && owned > DI_BREAKERS / 2; i++) {
        atomic_store(&table[i].owner, 0);
    }
}

/* ---- a breaker ---- */

int di_breaker_is_open(const di_breaker_t *breaker)
{
    return atomic_load(&breaker->open_until) != 0;
}

int di_breaker_allows(di_breaker_t *breaker, apr_time_t now,
                      apr_interval_time_t rest_for)
{
    int64_t until = atomic_load(&breaker->open_until);

    if (until == 0) {
        return 1;
    }
    return now >= until && atomic_compare_exchange_strong(
                               &breaker->open_until, &until, now + rest_for);
}

int di_breaker_succeeded(di_breaker_t *breaker)
{
    /* The usual case writes nothing that other threads read. */
    if (atomic_load(&breaker->open_until) == 0) {
        return 0;
    }
    atomic_store(&breaker->failures, 0);
    return atomic_exchange(&breaker->open_until, 0) != 0;
}

/* The word with one error more; a window that is over begins anew. */
static uint64_t count_error(uint64_t word, apr_time_t now)
{
    int64_t now_s = apr_time_sec(now) & 0x7fffffff;

    if (word == 0 || now_s < BEGAN_OF(word) ||
        now_s - BEGAN_OF(word) >= apr_time_sec(DI_BREAKER_WINDOW_FOR)) {
        return (uint64_t)(now_s + 1) << 32 | 1;
    }
    /* At the limit the breaker opens; more need not be counted. */
    return ERRORS_OF(word) >= DI_BREAKER_ERRORS ? word : word + 1;
}

/* @return 1 when there were too many */
static int add_error(di_breaker_t *breaker, apr_time_t now)
{
    uint64_t word = atomic_load(&breaker->failures), counted;

    do {
        counted = count_error(word, now);
    } while (!atomic_compare_exchange_weak(&breaker->failures, &word, counted));
    return ERRORS_OF(counted) >= DI_BREAKER_ERRORS;
}

int di_breaker_failed(di_breaker_t *breaker, di_breaker_failure_e how,
                      apr_time_t now, apr_interval_time_t rest_for)
{
    int64_t closed = 0;

    if (how != DI_BREAKER_TIMEOUT && !add_error(breaker, now)) {
        return 0;
    }
    if (!atomic_compare_exchange_strong(&breaker->open_until, &closed,
                                        now + rest_for)) {
        return 0;
    }
    atomic_fetch_add(&breaker->openings, 1);
    return 1;
}
