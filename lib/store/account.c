/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The accounts' memory; account_in.h draws one.  Locks and files are
 * booking.c's.
 *
 * An account is made by httpd's parent and stays for good; what is booked in
 * it is changed under the customer's lock.  Numbers of which each stands alone
 * (terms, counts of reclaimed and refused entries) are atomic.
 *
 * The integral of bytes over time is kept in KiB s and KiB us.  A span over
 * GAP_FOR without a change is a clock's error or a machine that was off: the
 * hourly recount brings the integral forward.  What was told once is never
 * told less, whatever the clock does.
 *
 * Bounds: 2 MB.
 */
#include "store/account.h"

#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "store/account_in.h"

#define MAGIC APR_UINT64_C(0x31746e7563636964) /* "diccunt1" */

/* Looks at a state that changes under our eyes. */
#define LOOKS 1000

#define GAP_FOR apr_time_from_sec(7 * 86400)

/* Instants of different callers are at most so much out of order, or the clock
   was set back. */
#define SKEW_FOR apr_time_from_sec(300)

_Static_assert(sizeof(di_account_state_t) % sizeof(apr_uint64_t) == 0,
               "a state is whole words");

apr_size_t di_accounts_bytes(void)
{
    return sizeof(di_accounts_t);
}

/* ---- one account ---- */

di_account_t *di_account_at(di_accounts_t *accounts, int customer)
{
    return customer >= 0 && customer < di_accounts_count(accounts)
               ? &accounts->account[customer]
               : NULL;
}

/* The words are loaded and stored with acquire and release, so that a word of
   the state after next is never seen before the number that shows the next. */
static void load_words(apr_uint64_t *out, const _Atomic apr_uint64_t *words)
{
    apr_size_t i;

    for (i = 0; i < DI_ACCOUNT_WORDS; i++) {
        out[i] = atomic_load_explicit(&words[i], memory_order_acquire);
    }
}

void di_account_load(di_account_state_t *out, const di_account_t *account)
{
    apr_uint64_t words[DI_ACCOUNT_WORDS], shown;
    int looks = 0;

    do {
        shown = atomic_load_explicit(&account->shown, memory_order_acquire);
        load_words(words, account->copy[shown % 2]);
    } while (atomic_load_explicit(&account->shown, memory_order_relaxed) !=
                 shown &&
             ++looks < LOOKS);
    memcpy(out, words, sizeof(*out));
}

static void settle(di_account_state_t *state, apr_uint64_t bytes,
                   apr_time_t now)
{
    apr_int64_t span = now - (apr_time_t)state->settled_at;
    apr_uint64_t kib = bytes / 1024;

    if (state->settled_at && span > 0) {
        span = span < GAP_FOR ? span : GAP_FOR;
        state->kib_us += kib * (apr_uint64_t)apr_time_usec(span);
        state->kib_seconds += kib * (apr_uint64_t)apr_time_sec(span) +
                              state->kib_us / APR_USEC_PER_SEC;
        state->kib_us %= APR_USEC_PER_SEC;
    }
    /* A caller's now may be when its request began, before another's. */
    if (span > 0 || span < -SKEW_FOR) {
        state->settled_at = (apr_uint64_t)now;
    }
}

void di_account_store(di_account_t *account, di_account_state_t *state,
                      apr_time_t now)
{
    apr_uint64_t shown, words[DI_ACCOUNT_WORDS];
    di_account_state_t before;
    apr_size_t i;

    di_account_load(&before, account);
    settle(state, before.bytes, now);
    memcpy(words, state, sizeof(words));
    shown = atomic_load_explicit(&account->shown, memory_order_relaxed);
    for (i = 0; i < DI_ACCOUNT_WORDS; i++) {
        atomic_store_explicit(&account->copy[(shown + 1) % 2][i], words[i],
                              memory_order_release);
    }
    atomic_store_explicit(&account->shown, shown + 1, memory_order_release);
}

void di_account_terms(di_terms_t *out, const di_account_t *account)
{
    out->quota_bytes = atomic_load(&account->quota_bytes);
    out->quota_files = atomic_load(&account->quota_files);
    out->policy = (di_policy_e)atomic_load(&account->policy);
    out->near_pct = atomic_load(&account->near_pct);
    out->keep_pct = atomic_load(&account->keep_pct);
}

apr_uint64_t di_account_rounded(apr_uint64_t bytes)
{
    return (bytes + DI_ACCOUNT_BLOCK_BYTES - 1) / DI_ACCOUNT_BLOCK_BYTES *
           DI_ACCOUNT_BLOCK_BYTES;
}

apr_uint64_t di_account_share(apr_uint64_t whole, int pct)
{
    return whole / 100 * (apr_uint64_t)pct +
           whole % 100 * (apr_uint64_t)pct / 100;
}

/* ---- all ---- */

/* After another boot memory and disk may have lost different writes; and an
   intent of before says nothing. */
static void forget(di_account_t *account)
{
    di_account_state_t state;

    di_account_load(&state, account);
    state.known = 0;
    state.intent = 0;
    state.walked = 0;
    di_account_store(account, &state, (apr_time_t)state.settled_at);
    atomic_store(&account->walk_at, 0);
    atomic_store(&account->ahead_at, 0);
}

static void clear(di_accounts_t *accounts)
{
    memset(accounts, 0, sizeof(*accounts));
    accounts->bytes = sizeof(*accounts);
    apr_generate_random_bytes(accounts->id, sizeof(accounts->id));
    accounts->magic = MAGIC;
}

static int is_ours(const di_accounts_t *accounts)
{
    int count = atomic_load(&accounts->count);

    return accounts->magic == MAGIC && accounts->bytes == sizeof(*accounts) &&
           count >= 0 && count <= DI_CUSTOMERS_MAX;
}

di_accounts_t *di_accounts_init(void *mem, const char *boot)
{
    di_accounts_t *accounts = mem;
    int i;

    if (!is_ours(accounts)) {
        clear(accounts);
    }
    if (strncmp(accounts->boot, boot, sizeof(accounts->boot) - 1) != 0) {
        for (i = 0; i < atomic_load(&accounts->count); i++) {
            forget(&accounts->account[i]);
        }
        apr_cpystrn(accounts->boot, boot, sizeof(accounts->boot));
    }
    return accounts;
}

int di_customer_name_is_legal(const char *name)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char others[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_";
    apr_size_t length = strlen(name);

    return length > 0 && length < DI_CUSTOMER_NAME_ROOM &&
           strchr(first, name[0]) && strspn(name, others) == length;
}

static void set_terms(di_account_t *account, const di_terms_t *terms)
{
    atomic_store(&account->quota_bytes, terms->quota_bytes);
    atomic_store(&account->quota_files, terms->quota_files);
    atomic_store(&account->policy, (int)terms->policy);
    atomic_store(&account->near_pct, terms->near_pct);
    atomic_store(&account->keep_pct, terms->keep_pct);
}

int di_accounts_open(di_accounts_t *accounts, const char *name,
                     const di_terms_t *terms)
{
    int customer = di_accounts_find(accounts, name), count;

    if (customer < 0) {
        count = di_accounts_count(accounts);
        if (count == DI_CUSTOMERS_MAX || !di_customer_name_is_legal(name)) {
            return -1;
        }
        customer = count;
        apr_cpystrn(accounts->account[customer].name, name,
                    DI_CUSTOMER_NAME_ROOM);
        set_terms(&accounts->account[customer], terms);
        atomic_store(&accounts->count, count + 1);
    }
    set_terms(&accounts->account[customer], terms);
    atomic_store(&accounts->account[customer].named,
                 atomic_load(&accounts->configurations) + 1);
    return customer;
}

/* Children of the configuration before may still look: they see its customers
   as named until all of the new ones are. */
void di_accounts_opened(di_accounts_t *accounts)
{
    atomic_fetch_add(&accounts->configurations, 1);
    atomic_store(&accounts->strangers_told, 0);
}

int di_account_is_named(const di_accounts_t *accounts,
                        const di_account_t *account)
{
    return atomic_load(&account->named) >=
           atomic_load(&accounts->configurations);
}

int di_accounts_find(const di_accounts_t *accounts, const char *name)
{
    int count = di_accounts_count(accounts), i;

    for (i = 0; i < count; i++) {
        if (!strcmp(accounts->account[i].name, name)) {
            return i;
        }
    }
    return -1;
}

int di_accounts_count(const di_accounts_t *accounts)
{
    return atomic_load_explicit(&accounts->count, memory_order_acquire);
}

/* @return what to tell: at least what was told before */
static apr_uint64_t tell(_Atomic apr_uint64_t *told, apr_uint64_t now)
{
    apr_uint64_t before = atomic_load(told);

    while (before < now && !atomic_compare_exchange_weak(told, &before, now)) {
    }
    return before < now ? now : before;
}

int di_accounts_look(di_account_look_t *out, di_accounts_t *accounts,
                     int customer, apr_time_t now)
{
    di_account_t *account = di_account_at(accounts, customer);
    di_account_state_t state;

    if (!account) {
        return 0;
    }
    di_account_load(&state, account);
    memcpy(out->name, account->name, sizeof(out->name));
    di_account_terms(&out->terms, account);
    out->bytes = state.bytes;
    out->files = state.files;
    out->known = (int)state.known;
    out->reclaimed = atomic_load(&account->reclaimed);
    out->refused = atomic_load(&account->refused);
    settle(&state, state.bytes, now);
    out->byte_seconds = tell(&account->told, state.kib_seconds);
    return 1;
}
