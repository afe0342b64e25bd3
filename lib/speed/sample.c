/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a browser's timing numbers to a rate.
 *
 * Up to three observations, each "bytes over time":
 *   page   Navigation Timing of the page itself
 *   rest   the union over the other responses: six pictures that load side by
 *          side share one link, and are one observation of it
 *   marks  the patent's clock between two inline scripts, around the page or
 *          around filler, only where the browser has no better one
 *
 * An observation tells the rate (a point) when it was long enough for TCP to
 * fill the link; else it only tells that the link is not slower (a bound).
 * Everything that can go wrong with a point (a server that pauses, slow
 * start, foreign traffic) makes it too low, so a point that a bound of the
 * same beacon contradicts is dropped for that bound.
 *
 * Of two points the one over more bytes counts.
 */
#include "speed/sample.h"

#include <stddef.h>
#include <string.h>

#include "base/arg.h"
#include "base/units.h"

/* A point wants bytes >= 4 x bandwidth-delay product.  With C = bits / time
   that is time >= 4 x round trip.  Source: measured, pages from 4 BDP on read
   within 7 % of the link, below they read 0.03 to 0.4 of it. */
#define POINT_ROUND_TRIPS 4

/* Fewer bytes in a stretch are mostly the burst that it starts with; and small
   answers that come one by one tell how quickly they were asked for, not how
   fast they came.  Seen: 20 icons in 5 stretches, 26 kB in 62 ms, 0.3 of a
   link of 10 Mbit/s. */
#define POINT_BYTES 8000

/* Clocks of browsers tick in up to 1 ms, so 60 ms are known to 3 %. */
#define POINT_MS 60

/* The first segment comes with the first byte's time stamp: its bytes took no
   measured time.  1500 less 52 bytes of IPv4 and TCP headers. */
#define SEGMENT_BYTES 1448

/* A queue on the way that was idle lets some bytes through at once, each time
   anew; a bound does not count them.  Seen: 9.6 kB in 23 ms through a 2 Mbit/s
   token bucket of 4 kB; six icons, 8.2 kB in 8 ms, at 512 kbit/s. */
#define BURST_BYTES 4096

/* An interval of fewer steps of the browser's clock is not known to 5 %. */
#define POINT_TICKS 20

/* The marks' clock sees text after decompression, and bursts of it: text
   rarely deflates below a tenth. */
#define MARK_FACTOR 10
#define MARK_BYTES 65536
#define MARK_MS 200

/* Filler between the marks: noise, of which compression leaves this much.  A
   part of it may have waited in a buffer when the first mark ran. */
#define FILLER_KEEPS 0.75
#define FILLER_BUFFERED 2

/* A bound this much above a point contradicts it.  Less than that is what a
   short burst through some queue on the way can do to a bound. */
#define CONTRADICTION 1.3

typedef struct {
    const char *key;
    apr_size_t offset; /* of the apr_int64_t in sp_beacon_t */
    apr_int64_t max;
} beacon_key_t;

#define HOUR_MS 3600000

static const beacon_key_t keys[] = {
    {"v", offsetof(sp_beacon_t, version), 1},
    {"f", offsetof(sp_beacon_t, flags), 15},
    {"pb", offsetof(sp_beacon_t, page_bytes), DS_GIB},
    {"pd", offsetof(sp_beacon_t, page_ms), HOUR_MS},
    {"rb", offsetof(sp_beacon_t, rest_bytes), DS_GIB},
    {"rd", offsetof(sp_beacon_t, rest_ms), HOUR_MS},
    {"rn", offsetof(sp_beacon_t, rest_stretches), 10000},
    {"rt", offsetof(sp_beacon_t, rtt_ms), DS_RTT_MAX_MS},
    {"mb", offsetof(sp_beacon_t, mark_bytes), DS_GIB},
    {"md", offsetof(sp_beacon_t, mark_ms), HOUR_MS},
    {"fb", offsetof(sp_beacon_t, filler_bytes), DS_GIB},
    {"fd", offsetof(sp_beacon_t, filler_ms), HOUR_MS},
    {"ck", offsetof(sp_beacon_t, tick_ms), 1000},
    {"pe", offsetof(sp_beacon_t, since_page_ms), 24 * (apr_int64_t)HOUR_MS},
    {"nb", offsetof(sp_beacon_t, probe_bytes), DS_GIB},
    {"nd", offsetof(sp_beacon_t, probe_ms), HOUR_MS},
    {"np", offsetof(sp_beacon_t, probe_full), 1},
};

#define KEYS (sizeof(keys) / sizeof(*keys))

static apr_int64_t *member(sp_beacon_t *beacon, const beacon_key_t *key)
{
    return (apr_int64_t *)((char *)beacon + key->offset);
}

static const beacon_key_t *find_key(const char *name, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < KEYS; i++) {
        if (strlen(keys[i].key) == len && !memcmp(keys[i].key, name, len)) {
            return &keys[i];
        }
    }
    return NULL;
}

/* The one text among the numbers: is checked by whoever made it. */
static int parse_token(sp_beacon_t *out, const char *text, apr_size_t len)
{
    if (out->token || len == 0 || len > SP_BEACON_TOKEN_MAX) {
        return 0;
    }
    out->token = text;
    out->token_len = len;
    return 1;
}

/* One KEY=NUMBER, or the token. */
static int parse_pair(sp_beacon_t *out, const char *text, apr_size_t len)
{
    const char *equals = memchr(text, '=', len);
    apr_size_t name_len = equals ? (apr_size_t)(equals - text) : 0;
    const beacon_key_t *key = find_key(text, name_len);
    apr_int64_t value;

    if (name_len == 2 && !memcmp(text, "nt", 2)) {
        return parse_token(out, equals + 1, len - name_len - 1);
    }
    if (!equals || !key || *member(out, key) >= 0 ||
        !ds_arg_decimal(&value, equals + 1, len - name_len - 1) ||
        value > key->max) {
        return 0;
    }
    *member(out, key) = value;
    return 1;
}

static int is_pair(apr_int64_t bytes, apr_int64_t ms)
{
    return (bytes < 0) == (ms < 0);
}

int sp_beacon_parse(sp_beacon_t *out, const char *body, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < KEYS; i++) {
        *member(out, &keys[i]) = -1;
    }
    out->token = NULL;
    out->token_len = 0;
    if (len == 0 || len > SP_BEACON_MAX_BYTES) {
        return 0;
    }
    for (;;) {
        const char *amp = memchr(body, '&', len);
        apr_size_t used = amp ? (apr_size_t)(amp - body) : len;

        if (!parse_pair(out, body, used)) {
            return 0;
        }
        if (!amp) {
            break;
        }
        body += used + 1;
        len -= used + 1;
    }
    return out->version == 1 && is_pair(out->page_bytes, out->page_ms) &&
           is_pair(out->rest_bytes, out->rest_ms) &&
           is_pair(out->mark_bytes, out->mark_ms) &&
           is_pair(out->filler_bytes, out->filler_ms) &&
           is_pair(out->probe_bytes, out->probe_ms);
}

/* bytes over ms, kbit/s: bits per ms. */
static double rate_of(apr_int64_t bytes, apr_int64_t ms)
{
    return (double)bytes * 8 / (double)ms;
}

static int in_range(const sp_sample_t *sample)
{
    return sample->rate_kbps >= 1 && sample->rate_kbps <= DS_RATE_MAX_KBPS;
}

/*
 * One observation.  The bound counts the round trip as well: everything came
 * after the request had left, so it holds even when the bytes had piled up
 * before the browser looked at its clock.
 */
static int observe(sp_sample_t *out, const sp_beacon_t *b, apr_int64_t bytes,
                   apr_int64_t ms, apr_int64_t stretches)
{
    apr_int64_t free_bytes = stretches * SEGMENT_BYTES, rtt_ms = b->rtt_ms;

    if (ms <= 0 || bytes <= 0 || rtt_ms <= 0) {
        return 0;
    }
    out->rtt_ms = (apr_uint32_t)rtt_ms;
    out->spread = SP_SAMPLE_SPREAD;
    out->lower_bound = bytes < stretches * POINT_BYTES || ms < POINT_MS ||
                       ms < POINT_ROUND_TRIPS * rtt_ms ||
                       ms < POINT_TICKS * b->tick_ms;
    if (out->lower_bound) {
        out->rate_kbps =
            rate_of(bytes - stretches * BURST_BYTES,
                    ms + rtt_ms + (b->tick_ms > 1 ? b->tick_ms : 1));
    }
    else {
        out->rate_kbps = rate_of(bytes - free_bytes, ms);
    }
    return in_range(out);
}

/*
 * The patent's clock, where the browser has no better one: a bound in any
 * case.  Filler is known in bytes, the document's text is not.
 */
static int observe_marks(sp_sample_t *out, const sp_beacon_t *b)
{
    out->rtt_ms = 0;
    out->spread = SP_SAMPLE_SPREAD;
    out->lower_bound = 1;
    if (b->mark_bytes >= MARK_BYTES && b->mark_ms >= MARK_MS) {
        out->rate_kbps = rate_of(b->mark_bytes / MARK_FACTOR, b->mark_ms);
        return in_range(out);
    }
    if (b->filler_bytes > BURST_BYTES && b->filler_ms >= MARK_MS &&
        b->page_bytes < 0) {
        out->rate_kbps = rate_of(b->filler_bytes - BURST_BYTES, b->filler_ms) *
                         FILLER_KEEPS / FILLER_BUFFERED;
        return in_range(out);
    }
    return 0;
}

/* The better of two observations of the same link; see the file's head. */
static const sp_sample_t *better(const sp_sample_t *more,
                                 const sp_sample_t *fewer)
{
    const sp_sample_t *point = more->lower_bound ? fewer : more;
    const sp_sample_t *bound = more->lower_bound ? more : fewer;

    if (more->lower_bound == fewer->lower_bound) {
        return !more->lower_bound || more->rate_kbps > fewer->rate_kbps ? more
                                                                        : fewer;
    }
    return bound->rate_kbps > CONTRADICTION * point->rate_kbps ? bound : point;
}

int sp_sample_make(sp_sample_t *out, const sp_beacon_t *b)
{
    apr_int64_t stretches = b->rest_stretches > 0 ? b->rest_stretches : 1;
    sp_sample_t page, rest;
    int has_page, has_rest;

    if (b->flags > 0) {
        return 0;
    }
    has_page = observe(&page, b, b->page_bytes, b->page_ms, 1);
    has_rest = observe(&rest, b, b->rest_bytes, b->rest_ms, stretches);
    if (has_page && has_rest) {
        *out = b->rest_bytes >= b->page_bytes ? *better(&rest, &page)
                                              : *better(&page, &rest);
        return 1;
    }
    if (has_page || has_rest) {
        *out = has_page ? page : rest;
        return 1;
    }
    return observe_marks(out, b);
}
