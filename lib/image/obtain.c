/* SPDX-License-Identifier: Apache-2.0 */
/* Obtaining a rendition, step by step; obtain.h draws the way. */
#include "image/obtain.h"

#include <string.h>

#include "image/cost.h"
#include "image/sniff.h"

/* A verdict that may be an accident (a renderer that died, too slow) is asked
   again after these spans; one that follows from the bytes alone never
   expires.  Both are ours: long enough that a picture which kills renderers
   costs next to nothing, short enough that a mended server shows. */
#define ACCIDENT_FOR apr_time_from_sec(600)
#define SLOW_FOR apr_time_from_sec(60)

/* A cheap rendition takes some 50 ms of a renderer and is first in its queue;
   a client that has waited in vain for its own waits no longer than this for
   the cheap one (ours). */
#define QUICK_WAIT_MS 1000

/* What is read of an original to tell what its render will cost: frame
   headers lie behind EXIF and profiles, which rarely are longer. */
#define HEAD_BYTES (64 * 1024)

/* Waiters ask the store again after 1, 2, 4 ... ms, at most this: short beside
   a render, and long enough for many processes to wait for one. */
#define PAUSE_MAX apr_time_from_msec(25)

/* In single mode a rendition is kept so long for others that wait for it: past
   their next look at the store, whatever the machine is doing. */
#define SINGLE_FOR apr_time_from_sec(2)

/* Beside what a render tells: it was not tried. */
#define FORMAT_OFF (DI_RENDER_NOT_BEGUN + 1)

typedef struct {
    di_reason_e reason;
    int verdict;               /* 1: keep it as the answer for this key */
    apr_interval_time_t lasts; /* 0: for ever */
} outcome_t;

/* What each way in which a render ends means for the request. */
static const outcome_t outcomes[] = {
    [DI_RENDER_OK] = {DI_REASON_RENDERED, 0, 0},
    [DI_RENDER_UNSUPPORTED] = {DI_REASON_UNSUPPORTED, 1, 0},
    [DI_RENDER_ANIMATED] = {DI_REASON_ANIMATED, 1, 0},
    [DI_RENDER_TOO_MANY_BYTES] = {DI_REASON_TOO_MANY_BYTES, 1, 0},
    [DI_RENDER_TOO_MANY_PIXELS] = {DI_REASON_TOO_MANY_PIXELS, 1, 0},
    [DI_RENDER_TOO_LONG_SIDE] = {DI_REASON_TOO_LONG_SIDE, 1, 0},
    [DI_RENDER_TOO_MANY_FRAMES] = {DI_REASON_TOO_MANY_FRAMES, 1, 0},
    [DI_RENDER_TOO_MANY_SCANS] = {DI_REASON_TOO_MANY_SCANS, 1, 0},
    [DI_RENDER_TOO_LARGE_PROFILE] = {DI_REASON_TOO_LARGE_PROFILE, 1, 0},
    [DI_RENDER_NO_FORMAT] = {DI_REASON_NO_FORMAT, 1, 0},
    [DI_RENDER_NO_GAIN] = {DI_REASON_NOT_SMALLER, 1, 0},
    [DI_RENDER_BROKEN] = {DI_REASON_BROKEN, 1, 0},
    [DI_RENDER_NO_MEMORY] = {DI_REASON_NO_MEMORY, 1, ACCIDENT_FOR},
    [DI_RENDER_FAILED] = {DI_REASON_RENDER_FAILED, 1, ACCIDENT_FOR},
    [DI_RENDER_BUSY] = {DI_REASON_BUSY, 0, 0},
    [DI_RENDER_TIMEOUT] = {DI_REASON_TIMEOUT, 1, SLOW_FOR},
    [DI_RENDER_DIED] = {DI_REASON_RENDER_FAILED, 1, ACCIDENT_FOR},
    [DI_RENDER_NO_POOL] = {DI_REASON_NO_POOL, 0, 0},
    [DI_RENDER_NOT_BEGUN] = {DI_REASON_TIMEOUT, 0, 0},
    /* Follows from a setting that is not part of the key. */
    [FORMAT_OFF] = {DI_REASON_FORMAT_OFF, 0, 0},
};

#define OUTCOMES (sizeof(outcomes) / sizeof(*outcomes))

static outcome_t outcome_of(apr_uint32_t status)
{
    if (status >= OUTCOMES || !outcomes[status].reason) {
        return outcomes[DI_RENDER_FAILED];
    }
    return outcomes[status];
}

/* Fill out from the store; 1 when it knew the key. */
static int from_store(di_obtained_t *out, const di_world_t *world,
                      const di_key_t *key, apr_pool_t *p)
{
    if (di_store_get(world->store, &out->entry, key, world->now(), p)) {
        return 0;
    }
    out->cache = out->entry.level;
    out->have = !out->entry.record.verdict;
    out->reason =
        out->have ? DI_REASON_RENDERED : (di_reason_e)out->entry.record.verdict;
    /* A rendition that expires (single mode) is made again as it was. */
    out->passing = !out->have && out->entry.record.expires_at != 0;
    return 1;
}

/* The rendition is worth nothing when it is not smaller than the original. */
static void judge_size(di_result_t *result, outcome_t *outcome,
                       const di_wish_t *wish)
{
    if (outcome->reason == DI_REASON_RENDERED &&
        result->bytes >= wish->original->bytes) {
        outcome->reason = DI_REASON_NOT_SMALLER;
        outcome->verdict = 1;
    }
}

static void fill_record(di_record_t *record, const di_result_t *result,
                        const outcome_t *outcome, const di_wish_t *wish,
                        apr_time_t now)
{
    memset(record, 0, sizeof(*record));
    record->made_at = now;
    record->source_bytes = wish->original->bytes;
    record->render_us = result->cpu_us;
    record->priority = wish->key->priority;
    if (outcome->verdict) {
        record->verdict = outcome->reason;
        record->expires_at = outcome->lasts ? now + outcome->lasts : 0;
        return;
    }
    record->format = result->format;
    record->width_px = result->width_px;
    record->height_px = result->height_px;
    record->body_bytes = result->bytes;
}

/* The key says which size and time the original had when the server looked.
   What was made of other bytes must not be kept under it: an older state may
   come back with its old time. */
static int has_changed(apr_file_t *original, const di_original_t *known)
{
    apr_finfo_t info;

    return apr_file_info_get(&info, APR_FINFO_SIZE | APR_FINFO_MTIME,
                             original) != APR_SUCCESS ||
           (apr_uint64_t)info.size != known->bytes ||
           info.mtime != known->modified_at;
}

/* Open the original and tell its format; its offset is its start. */
static apr_status_t open_original(apr_file_t **out, di_format_e *format,
                                  const char *path, apr_pool_t *p)
{
    char head[DI_SNIFF_BYTES];
    apr_size_t len = sizeof(head);
    apr_off_t start = 0;
    apr_status_t rv =
        apr_file_open(out, path, APR_READ | APR_BINARY, APR_OS_DEFAULT, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = apr_file_read_full(*out, head, len, &len);
    if (rv == APR_SUCCESS || APR_STATUS_IS_EOF(rv)) {
        *format = di_sniff(head, len);
        rv = apr_file_seek(*out, APR_SET, &start);
    }
    if (rv != APR_SUCCESS) {
        apr_file_close(*out);
    }
    return rv;
}

/* What others wait for while one renders. */
typedef struct {
    di_lease_t *lease;   /* other processes; NULL: none */
    di_flight_t *flight; /* other threads; NULL: none */
} hold_t;

/* Who leads behind an answer may have somebody wait for it who came later. */
static int is_awaited(void *baton)
{
    const hold_t *hold = baton;

    return di_flight_is_joined(hold->flight) || di_lease_is_wanted(hold->lease);
}

static di_job_t job_of(const di_wish_t *wish, di_format_e format)
{
    di_job_t job = {.format = (apr_uint32_t)format,
                    .formats = wish->formats,
                    .recipe = *wish->recipe,
                    .limits = *wish->limits,
                    .time_limit_ms = wish->wait_ms,
                    .urgency = wish->urgency,
                    .priority = wish->priority,
                    .client = wish->client};

    return job;
}

/* Render the original, and tell whether it changed meanwhile. */
static void render(di_result_t *result, apr_file_t **file, int *changed,
                   const di_world_t *world, const di_wish_t *wish, hold_t *hold,
                   apr_pool_t *p)
{
    apr_file_t *original;
    di_format_e format;
    apr_status_t rv;

    memset(result, 0, sizeof(*result));
    result->status = DI_RENDER_FAILED;
    rv = open_original(&original, &format, wish->original->file, p);
    if (rv != APR_SUCCESS) {
        ds_log(world->log, DS_LOG_ERROR, "DI0621", rv,
               "cannot read the original %s", wish->original->file);
        return;
    }
    if (format == DI_FORMAT_UNKNOWN) {
        result->status = DI_RENDER_UNSUPPORTED;
    }
    else if (!DI_FORMAT_IN(wish->inputs, format)) {
        result->status = FORMAT_OFF;
    }
    else {
        di_job_t job = job_of(wish, format);

        job.is_awaited = is_awaited;
        job.awaited_baton = hold;
        world->render(world->renderer, result, file, &job, original, p);
        if (world->rendered) {
            world->rendered(world->rendered_baton, wish, result);
        }
    }
    *changed = has_changed(original, wish->original);
    /* Now, because a slow client may keep p alive for minutes. */
    apr_file_close(original);
}

/* In single mode a rendition stays only where it passes by itself, unless other
   processes wait for it: those may share nothing else than a disk. */
static di_keep_e where_to_keep(const di_world_t *world, const di_wish_t *wish,
                               const di_lease_t *lease, di_record_t *record)
{
    if (wish->mode != DI_MODE_SINGLE || record->verdict) {
        return DI_KEEP_ALL;
    }
    record->expires_at = record->made_at + SINGLE_FOR;
    if (!di_lease_is_wanted(lease)) {
        return DI_KEEP_PASSING;
    }
    if (world->forget) {
        world->forget(world->later_baton, wish->key, record->expires_at);
    }
    return DI_KEEP_ALL;
}

/* Keep what came of it.  A store that fails costs only the next request. */
static int keep(const di_world_t *world, const di_wish_t *wish,
                const di_lease_t *lease, const di_record_t *made,
                const di_body_t *body, apr_pool_t *p)
{
    di_record_t record = *made;
    di_keep_e where = where_to_keep(world, wish, lease, &record);
    apr_status_t rv;

    rv = di_store_put(world->store, where, wish->key, &record, body,
                      world->now(), p);
    if (wish->mode == DI_MODE_SINGLE && !record.verdict) {
        return 0;
    }
    if (rv != APR_SUCCESS) {
        ds_log(world->log, DS_LOG_INFO, "DI0622", rv,
               "%s: no level of the store kept its rendition %s",
               wish->original->file, wish->key->hex);
    }
    return rv == APR_SUCCESS;
}

/* Is the lack of a rendition ours and not the original's fault? */
static int is_shortage(di_reason_e reason)
{
    return reason == DI_REASON_BUSY || reason == DI_REASON_TIMEOUT ||
           reason == DI_REASON_NO_POOL || reason == DI_REASON_NO_MEMORY ||
           reason == DI_REASON_RENDER_FAILED;
}

static void render_and_keep(di_obtained_t *out, const di_world_t *world,
                            const di_wish_t *wish, hold_t *hold, apr_pool_t *p)
{
    apr_file_t *file = NULL;
    di_result_t result;
    outcome_t outcome;
    int changed = 0;

    render(&result, &file, &changed, world, wish, hold, p);
    outcome = outcome_of(result.status);
    /* The little time that a cheap render has tells nothing of the picture. */
    if (outcome.reason == DI_REASON_TIMEOUT &&
        wish->urgency == DI_URGENCY_QUICK) {
        outcome.verdict = 0;
    }
    judge_size(&result, &outcome, wish);
    out->cache = "miss";
    out->reason = outcome.reason;
    out->passing = changed || outcome.lasts || is_shortage(outcome.reason);
    fill_record(&out->entry.record, &result, &outcome, wish, world->now());
    if (outcome.verdict) {
        ds_log(world->log, DS_LOG_INFO, "DI0623", 0,
               "%s: no rendition, reason=%s", wish->original->file,
               di_reason_word(outcome.reason));
        out->kept = !changed &&
                    keep(world, wish, hold->lease, &out->entry.record, NULL, p);
    }
    else if (outcome.reason == DI_REASON_RENDERED) {
        memset(&out->entry.body, 0, sizeof(out->entry.body));
        out->entry.body.file = file;
        out->entry.body.bytes = result.bytes;
        out->entry.level = "miss";
        out->have = 1;
        out->kept = !changed && keep(world, wish, hold->lease,
                                     &out->entry.record, &out->entry.body, p);
    }
}

/* Behind an answer nobody waits for what another makes. */
static int is_behind(const di_wish_t *wish)
{
    return wish->urgency >= DI_URGENCY_STALE;
}

/* 1 when out is filled, 0 when the time ran out first. */
static int wait_or_render(di_obtained_t *out, const di_world_t *world,
                          const di_wish_t *wish, di_flight_t *flight,
                          apr_time_t until, apr_pool_t *p)
{
    apr_interval_time_t pause_for = apr_time_from_msec(1);
    hold_t hold = {NULL, flight};
    di_want_t *want = NULL;
    apr_status_t rv;
    int filled = 0;

    do {
        rv = world->leases
                 ? di_lease_take(&hold.lease, world->leases, wish->key, p)
                 : APR_SUCCESS;
        /* Whoever held the lease before may have just finished. */
        filled = from_store(out, world, wish->key, p);
        if (!filled && !APR_STATUS_IS_EBUSY(rv)) {
            di_lease_unwant(want);
            render_and_keep(out, world, wish, &hold, p);
            filled = 1;
        }
        if (filled || is_behind(wish)) {
            break;
        }
        want = want ? want : di_lease_want(world->leases, wish->key, p);
        world->pause(pause_for);
        pause_for = pause_for * 2 < PAUSE_MAX ? pause_for * 2 : PAUSE_MAX;
    } while (world->steady() < until);
    di_lease_unwant(want);
    di_lease_release(hold.lease);
    return filled;
}

/* What a leader tells the others, in di_landed_t.word. */
enum { WORD_REASON, WORD_PASSING };

static void land(di_flight_t *flight, const di_obtained_t *got)
{
    di_landed_t landed = {
        .record = got->entry.record,
        .body = got->entry.body,
        .have = got->have,
        .word = {
            [WORD_REASON] = (int)got->reason, [WORD_PASSING] = got->passing}};

    di_flight_land(flight, &landed);
}

static void take_landed(di_obtained_t *out, const di_landed_t *landed)
{
    out->entry.record = landed->record;
    out->entry.body = landed->body;
    out->entry.level = "joined";
    out->cache = "joined";
    out->have = landed->have;
    out->reason = (di_reason_e)landed->word[WORD_REASON];
    out->passing = landed->word[WORD_PASSING];
}

/* Who leads behind an answer may be refused what somebody who waits would get;
   and a time-out says how long the leader would wait. */
static int is_for_all(const di_obtained_t *got, const di_wish_t *wish)
{
    return !is_shortage(got->reason) ||
           (!is_behind(wish) && got->reason != DI_REASON_TIMEOUT);
}

/* As wait_or_render, together with the process's other threads. */
static int go_together(di_obtained_t *out, const di_world_t *world,
                       const di_wish_t *wish, apr_pool_t *p)
{
    apr_interval_time_t wait_for = apr_time_from_msec(wish->wait_ms);
    apr_time_t until = world->steady() + wait_for;
    di_landed_t landed;
    di_flight_t *flight;
    int got;

    switch (di_flight_join(&flight, &landed, world->flights, wish->key,
                           is_behind(wish) ? 0 : wait_for, p)) {
    case DI_FLIGHT_LANDED:
        take_landed(out, &landed);
        return 1;
    case DI_FLIGHT_LATE:
        return 0;
    default:
        break;
    }
    got = wait_or_render(out, world, wish, flight, until, p);
    if (got && is_for_all(out, wish)) {
        land(flight, out);
    }
    else {
        di_flight_land(flight, NULL);
    }
    return got;
}

/* The nearest stored rendition of another tier.
   @param smaller_only  1: larger ones do not count */
static int take_nearest(di_obtained_t *out, const di_world_t *world,
                        const di_wish_t *wish, int smaller_only,
                        di_reason_e reason, apr_pool_t *p)
{
    di_obtained_t other;
    di_other_e place;
    di_key_t key;
    int i;

    for (i = 0; wish->others &&
                (place = wish->others->tier(wish->others_baton, &key, i)) !=
                    DI_NO_OTHER;
         i++) {
        if (smaller_only && place != DI_OTHER_SMALLER) {
            return 0;
        }
        memset(&other, 0, sizeof(other));
        if (from_store(&other, world, &key, p) && other.have) {
            out->entry = other.entry;
            out->key = key;
            out->cache = other.cache;
            out->have = 1;
            out->reason = reason;
            out->passing = 1;
            return 1;
        }
    }
    return 0;
}

/* From the store, else by a render, without any other way out. */
static void take_own(di_obtained_t *out, const di_world_t *world,
                     const di_wish_t *wish, apr_pool_t *p)
{
    apr_time_t start;

    memset(out, 0, sizeof(*out));
    out->key = *wish->key;
    out->cache = "none";
    if (from_store(out, world, wish->key, p)) {
        return;
    }
    start = world->steady();
    if (!go_together(out, world, wish, p)) {
        out->reason = DI_REASON_TIMEOUT;
        out->cache = "miss";
        out->passing = 1;
    }
    out->took_ms = (apr_uint32_t)apr_time_as_msec(world->steady() - start);
}

/* The cheap rendition; 1 when there is one now, else out->reason may say why
   there is none. */
static int take_quick(di_obtained_t *out, const di_world_t *world,
                      const di_wish_t *wish, apr_uint32_t wait_ms,
                      apr_pool_t *p)
{
    di_wish_t quick = *wish;
    di_obtained_t cheap;
    di_recipe_t recipe;
    di_key_t key;

    if (!wish->others ||
        !wish->others->quick(wish->others_baton, &recipe, &key)) {
        return 0;
    }
    quick.recipe = &recipe;
    quick.key = &key;
    quick.formats = DI_FORMAT_SET(JPEG);
    quick.urgency = DI_URGENCY_QUICK;
    quick.wait_ms = wait_ms < wish->wait_ms ? wait_ms : wish->wait_ms;
    take_own(&cheap, world, &quick, p);
    cheap.took_ms += out->took_ms;
    *out = cheap;
    if (!out->have) {
        return 0;
    }
    out->reason = DI_REASON_QUICK;
    out->passing = 1;
    return 1;
}

/* Would a slow client wait too long for the full recipe?
   @param no_quick  set to 1 when a cheap rendition would be none: JPEG shows
                    no transparent pixels, and what is dear to decode is dear
                    in any case */
static int is_dear(int *no_quick, const di_world_t *world,
                   const di_wish_t *wish, apr_pool_t *p)
{
    apr_uint32_t expected_ms =
        world->backlog_ms ? world->backlog_ms(world->renderer) : 0;
    char *head = apr_palloc(p, HEAD_BYTES);
    apr_size_t len = HEAD_BYTES;
    apr_file_t *original;
    di_format_e format;
    di_header_t header;
    di_job_t job;

    if (open_original(&original, &format, wish->original->file, p)) {
        return 0;
    }
    if (apr_file_read_full(original, head, len, &len) != APR_SUCCESS &&
        len == 0) {
        format = DI_FORMAT_UNKNOWN;
    }
    apr_file_close(original);
    if (!DI_FORMAT_IN(wish->inputs, format)) {
        return 0;
    }
    /* What the first bytes say is enough; that they are cut is expected. */
    (void)di_header_read(&header, format, (unsigned char *)head, len);
    job = job_of(wish, format);
    expected_ms += di_cost_ms(&job, &header);
    job.formats = DI_FORMAT_SET(JPEG);
    job.recipe = (di_recipe_t){.fit_px = 1};
    *no_quick = header.alpha || di_cost_ms(&job, &header) > QUICK_WAIT_MS;
    return expected_ms > wish->cold_wait_ms;
}

/* The kind cold miss: something smaller at once, the tier's own behind it. */
static int be_kind(di_obtained_t *out, const di_world_t *world,
                   const di_wish_t *wish, apr_pool_t *p)
{
    int no_quick = 0;

    if (!wish->slow || !wish->cold_wait_ms || !world->later ||
        !is_dear(&no_quick, world, wish, p)) {
        return 0;
    }
    if (!take_nearest(out, world, wish, 1, DI_REASON_SMALLER_FIRST, p) &&
        (no_quick || !take_quick(out, world, wish, wish->wait_ms, p))) {
        if (out->reason != DI_REASON_BUSY && out->reason != DI_REASON_TIMEOUT) {
            return 0;
        }
        /* What is dear would only add to the crowd. */
        (void)take_nearest(out, world, wish, 0, DI_REASON_NEAREST, p);
    }
    (void)world->later(world->later_baton, wish);
    return 1;
}

/* What is made ahead, and is not yet: what there is at once, and the rest of
   the original's behind it, the one that was asked for first. */
static void be_static(di_obtained_t *out, const di_world_t *world,
                      const di_wish_t *wish, apr_pool_t *p)
{
    di_wish_t each = *wish;
    di_obtained_t cheap;
    int no_quick = 0, i;

    out->reason = DI_REASON_NOT_MADE;
    out->cache = "miss";
    out->passing = 1;
    cheap = *out;
    if (!take_nearest(out, world, wish, 1, DI_REASON_SMALLER_FIRST, p) &&
        !take_nearest(out, world, wish, 0, DI_REASON_NEAREST, p) &&
        wish->slow) {
        (void)is_dear(&no_quick, world, wish, p);
        if (!no_quick && take_quick(&cheap, world, wish, QUICK_WAIT_MS, p)) {
            *out = cheap;
        }
    }
    if (!world->later || !world->later(world->later_baton, wish)) {
        return;
    }
    each.urgency = DI_URGENCY_AHEAD;
    for (i = 0; wish->others && wish->others->variant &&
                wish->others->variant(wish->others_baton, &each, i);
         i++) {
        (void)world->later(world->later_baton, &each);
    }
}

void di_obtain(di_obtained_t *out, const di_world_t *world,
               const di_wish_t *wish, apr_pool_t *p)
{
    di_obtained_t cheap;

    memset(out, 0, sizeof(*out));
    out->key = *wish->key;
    out->cache = "none";
    if (from_store(out, world, wish->key, p)) {
        if (out->have || !is_shortage(out->reason)) {
            return;
        }
    }
    else if (wish->mode == DI_MODE_STATIC) {
        be_static(out, world, wish, p);
        return;
    }
    else if (wish->mode == DI_MODE_HYBRID && be_kind(out, world, wish, p)) {
        return;
    }
    else {
        take_own(out, world, wish, p);
    }
    if (!out->have && is_shortage(out->reason) &&
        !take_nearest(out, world, wish, 0, DI_REASON_NEAREST, p) &&
        wish->slow && out->reason != DI_REASON_NO_POOL) {
        cheap = *out;
        if (take_quick(&cheap, world, wish, QUICK_WAIT_MS, p)) {
            *out = cheap;
        }
    }
}
