/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who shared the line with whom; drawn in the header.  At most
 * SP_PARALLEL_MAX deliveries, so every loop is short.
 */
#include "speed/parallel.h"

#include <string.h>

#include "speed/passive.h"

/* The end of one and the begin of the next may overlap by this much and are
   still one after the other: a kept-alive connection taking turns. */
#define SLACK_US 2000

/* Where a delivery stands, or NULL. */
static sp_delivery_t *find(sp_parallel_t *all, apr_uint64_t id)
{
    int i;

    for (i = 0; i < SP_PARALLEL_MAX; i++) {
        if (all->delivery[i].id == id) {
            return &all->delivery[i];
        }
    }
    return NULL;
}

static int is_stale(const sp_delivery_t *d, apr_time_t now)
{
    return d->id != 0 && (now - d->ended_at > SP_PARALLEL_STALE_FOR ||
                          d->begun_at > now + APR_USEC_PER_SEC);
}

static int overlap(const sp_delivery_t *a, const sp_delivery_t *b)
{
    return (b->open || b->ended_at > a->begun_at + SLACK_US) &&
           (a->open || a->ended_at > b->begun_at + SLACK_US);
}

static void absorb(sp_delivery_t *d, const sp_delivery_t *other)
{
    d->begun_at = other->begun_at < d->begun_at ? other->begun_at : d->begun_at;
    d->ended_at = other->ended_at > d->ended_at ? other->ended_at : d->ended_at;
    d->bytes += other->bytes;
    d->rtt_ms = other->rtt_ms < d->rtt_ms ? other->rtt_ms : d->rtt_ms;
    d->streams = (apr_uint16_t)(d->streams + other->streams);
    d->incomplete |= other->incomplete;
}

/* Two that have ended and overlapped become one.
   @return the place that is free now, or NULL */
static sp_delivery_t *merge_two(sp_parallel_t *all)
{
    int i, j;

    for (i = 0; i < SP_PARALLEL_MAX; i++) {
        sp_delivery_t *a = &all->delivery[i];
        for (j = i + 1; j < SP_PARALLEL_MAX && !a->open; j++) {
            sp_delivery_t *b = &all->delivery[j];
            if (!b->open && overlap(a, b)) {
                absorb(a, b);
                return b;
            }
        }
    }
    return NULL;
}

/* The oldest one, ended ones first; what it overlapped lacks its bytes. */
static sp_delivery_t *push_out(sp_parallel_t *all)
{
    sp_delivery_t *oldest = &all->delivery[0];
    int i;

    for (i = 1; i < SP_PARALLEL_MAX; i++) {
        sp_delivery_t *d = &all->delivery[i];
        if (d->open != oldest->open ? !d->open
                                    : d->begun_at < oldest->begun_at) {
            oldest = d;
        }
    }
    for (i = 0; i < SP_PARALLEL_MAX; i++) {
        all->delivery[i].incomplete |= overlap(&all->delivery[i], oldest) != 0;
    }
    return oldest;
}

static sp_delivery_t *place(sp_parallel_t *all, apr_time_t now)
{
    sp_delivery_t *found = NULL;
    int i;

    for (i = 0; i < SP_PARALLEL_MAX; i++) {
        sp_delivery_t *d = &all->delivery[i];
        if (is_stale(d, now)) {
            memset(d, 0, sizeof(*d));
        }
        found = d->id == 0 ? d : found;
    }
    if (!found) {
        found = merge_two(all);
    }
    return found ? found : push_out(all);
}

void sp_parallel_begin(sp_parallel_t *all, apr_uint64_t id, apr_time_t now)
{
    sp_delivery_t *d = find(all, id);

    d = d ? d : place(all, now);
    memset(d, 0, sizeof(*d));
    d->id = id;
    d->open = 1;
    d->streams = 1;
    d->begun_at = d->ended_at = now;
}

void sp_parallel_seen(sp_parallel_t *all, apr_uint64_t id, apr_time_t now)
{
    sp_delivery_t *d = find(all, id);

    if (d && d->open) {
        d->ended_at = now;
    }
}

void sp_parallel_leave(sp_parallel_t *all, apr_uint64_t id, apr_time_t until)
{
    sp_delivery_t *d = find(all, id);

    if (d && d->open) {
        d->open = 0;
        d->incomplete = 1;
        d->ended_at = until > d->begun_at ? until : d->begun_at;
    }
}

/* The group of a delivery: all that overlap with it, or with one that does.
   @return bits, one for each place */
static unsigned group_of(const sp_parallel_t *all, const sp_delivery_t *d,
                         apr_time_t now)
{
    unsigned group = 1u << (d - all->delivery), before;
    int i, j;

    do {
        before = group;
        for (i = 0; i < SP_PARALLEL_MAX; i++) {
            const sp_delivery_t *a = &all->delivery[i];
            for (j = 0; j < SP_PARALLEL_MAX && a->id != 0; j++) {
                if ((group & (1u << j)) && !is_stale(a, now) &&
                    overlap(a, &all->delivery[j])) {
                    group |= 1u << i;
                }
            }
        }
    } while (group != before);
    return group;
}

int sp_parallel_end(sp_parallel_t *all, apr_uint64_t id, apr_uint64_t bytes,
                    apr_uint32_t rtt_ms, apr_interval_time_t busy_for,
                    apr_time_t now)
{
    sp_delivery_t *d = find(all, id);
    int alone;

    if (!d || !d->open) {
        return 0;
    }
    d->open = 0;
    d->bytes = bytes;
    d->rtt_ms = rtt_ms;
    d->ended_at = now > d->begun_at ? now : d->begun_at;
    if (busy_for >= 0 && d->ended_at - busy_for > d->begun_at) {
        d->begun_at = d->ended_at - busy_for;
    }
    alone = group_of(all, d, now) == 1u << (d - all->delivery);
    if (alone) {
        memset(d, 0, sizeof(*d));
    }
    return alone;
}

/* Time in which at least one of a group was delivering, us: from the first
   begin on, what lies between the latest end so far and the next begin is
   left out. */
static apr_interval_time_t union_of(const sp_parallel_t *all, unsigned group)
{
    apr_interval_time_t sum = 0;
    apr_time_t end = 0;

    while (group) {
        const sp_delivery_t *first = NULL;
        int i;
        for (i = 0; i < SP_PARALLEL_MAX; i++) {
            const sp_delivery_t *d = &all->delivery[i];
            if ((group & (1u << i)) &&
                (!first || d->begun_at < first->begun_at)) {
                first = d;
            }
        }
        group &= ~(1u << (first - all->delivery));
        if (first->ended_at > end) {
            sum += first->ended_at -
                   (first->begun_at > end ? first->begun_at : end);
            end = first->ended_at;
        }
    }
    return sum;
}

/* All of a group as one, though they need not overlap pairwise.
   @return 0 while one of them is open */
static int add_up(sp_delivery_t *sum, const sp_parallel_t *all, unsigned group)
{
    int i;

    for (i = 0; i < SP_PARALLEL_MAX; i++) {
        const sp_delivery_t *d = &all->delivery[i];
        if (!(group & (1u << i))) {
            continue;
        }
        if (d->open) {
            return 0;
        }
        absorb(sum, d);
    }
    return 1;
}

int sp_parallel_sample(sp_sample_t *out, sp_parallel_t *all, apr_uint64_t id,
                       apr_time_t now)
{
    sp_delivery_t *d = find(all, id);
    sp_delivery_t sum = {.rtt_ms = APR_UINT32_MAX};
    apr_interval_time_t busy_for;
    unsigned group;
    int i;

    if (!d || d->open) {
        return 0;
    }
    group = group_of(all, d, now);
    if (!add_up(&sum, all, group)) {
        return 0;
    }
    busy_for = union_of(all, group);
    for (i = 0; i < SP_PARALLEL_MAX; i++) {
        if (group & (1u << i)) {
            memset(&all->delivery[i], 0, sizeof(*d));
        }
    }
    if (!sp_passive_shared(out, (double)sum.bytes, (double)busy_for / 1000,
                           sum.rtt_ms, sum.streams)) {
        return 0;
    }
    out->lower_bound |= sum.incomplete;
    return 1;
}
