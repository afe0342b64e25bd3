/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes and the merge; the format is drawn in the header.
 */
#include "speed/sharedrow.h"

#include <math.h>
#include <string.h>

#include "base/units.h"

#define VERSION 1
#define PURPOSE "shared-row"
#define STEPS 65536

/* Octaves. */
#define X_MAX 27
#define S_MAX 8

#define SIGNED_BYTES (SP_SHAREDROW_BYTES - DS_SEAL_MAC_BYTES)

/* How far another machine's clock may be ahead. */
#define SKEW_FOR apr_time_from_sec(60)

enum { FLAG_BOUND = 1, FLAG_BELOW = 2, FLAG_ABOVE = 4, FLAGS_ALL = 7 };

enum { AT_VERSION, AT_FLAGS, AT_X = 4, AT_S = 8, AT_RTT = 12, AT_TIME = 16 };

static void put_number(unsigned char *out, int bytes, apr_uint64_t value)
{
    while (bytes-- > 0) {
        out[bytes] = (unsigned char)value;
        value >>= 8;
    }
}

static apr_uint64_t get_number(const unsigned char *at, int bytes)
{
    apr_uint64_t value = 0;

    while (bytes-- > 0) {
        value = value << 8 | *at++;
    }
    return value;
}

static apr_status_t sign(unsigned char out[DS_SEAL_MAC_BYTES],
                         const unsigned char *bytes, const ds_seal_key_t *key,
                         const sp_clientkey_t *client)
{
    unsigned char text[SP_CLIENTKEY_BYTES + SIGNED_BYTES];

    memcpy(text, client->bytes, SP_CLIENTKEY_BYTES);
    memcpy(text + SP_CLIENTKEY_BYTES, bytes, SIGNED_BYTES);
    return ds_seal_mac(out, key, PURPOSE, text, sizeof(text));
}

/* In every case the same time, wherever they differ. */
static int is_same_mac(const unsigned char *a, const unsigned char *b)
{
    unsigned char differ = 0;
    int i;

    for (i = 0; i < DS_SEAL_MAC_BYTES; i++) {
        differ |= a[i] ^ b[i];
    }
    return differ == 0;
}

static int is_state(const sp_state_t *state)
{
    return state->at > 0 && state->x >= 0 && state->x <= X_MAX &&
           state->s > 0 && state->s <= S_MAX && state->rtt_ms <= DS_RTT_MAX_MS;
}

apr_status_t sp_sharedrow_format(unsigned char out[SP_SHAREDROW_BYTES],
                                 const sp_state_t *state,
                                 const ds_seal_key_t *key,
                                 const sp_clientkey_t *client)
{
    if (!is_state(state)) {
        return APR_EINVAL;
    }
    memset(out, 0, SP_SHAREDROW_BYTES);
    out[AT_VERSION] = VERSION;
    out[AT_FLAGS] = (unsigned char)((state->lower_bound ? FLAG_BOUND : 0) |
                                    (state->clipped < 0 ? FLAG_BELOW : 0) |
                                    (state->clipped > 0 ? FLAG_ABOVE : 0));
    put_number(out + AT_X, 4, (apr_uint64_t)(state->x * STEPS + 0.5));
    put_number(out + AT_S, 4, (apr_uint64_t)ceil(state->s * STEPS));
    put_number(out + AT_RTT, 4, state->rtt_ms);
    put_number(out + AT_TIME, 8, (apr_uint64_t)state->at);
    return sign(out + SIGNED_BYTES, out, key, client);
}

static int is_of_this_week(apr_time_t at, apr_time_t now)
{
    return at <= now + SKEW_FOR &&
           at >= now - apr_time_from_sec(SP_SHAREDROW_AGE_S);
}

int sp_sharedrow_parse(sp_state_t *out, const unsigned char *bytes,
                       apr_size_t len, const ds_seal_key_t *key,
                       const sp_clientkey_t *client, apr_time_t now)
{
    unsigned char mac[DS_SEAL_MAC_BYTES];
    sp_state_t state = {0};

    if (len != SP_SHAREDROW_BYTES || bytes[AT_VERSION] != VERSION ||
        bytes[AT_FLAGS] > FLAGS_ALL ||
        sign(mac, bytes, key, client) != APR_SUCCESS ||
        !is_same_mac(mac, bytes + SIGNED_BYTES)) {
        return 0;
    }
    state.x = (double)get_number(bytes + AT_X, 4) / STEPS;
    state.s = (double)get_number(bytes + AT_S, 4) / STEPS;
    state.rtt_ms = (apr_uint32_t)get_number(bytes + AT_RTT, 4);
    state.at = (apr_time_t)get_number(bytes + AT_TIME, 8);
    state.lower_bound = bytes[AT_FLAGS] & FLAG_BOUND ? 1 : 0;
    state.clipped = bytes[AT_FLAGS] & FLAG_BELOW   ? -1
                    : bytes[AT_FLAGS] & FLAG_ABOVE ? 1
                                                   : 0;
    if (!is_state(&state) || !is_of_this_week(state.at, now)) {
        return 0;
    }
    sp_estimate_follow(&state);
    *out = state;
    return 1;
}

/* ---- merging ---- */

static apr_uint32_t confidence_pct(const sp_state_t *state, apr_time_t now)
{
    sp_estimate_t e;

    sp_estimate_make(&e, state, SP_SOURCE_COOKIE, now);
    return e.confidence_pct;
}

static sp_state_t merge_points(const sp_state_t *a, const sp_state_t *b,
                               apr_time_t now)
{
    apr_uint32_t sure_a = confidence_pct(a, now);
    apr_uint32_t sure_b = confidence_pct(b, now);

    if (sure_a != sure_b) {
        return sure_a > sure_b ? *a : *b;
    }
    return a->at >= b->at ? *a : *b;
}

static sp_state_t merge_bounds(const sp_state_t *a, const sp_state_t *b)
{
    sp_state_t out = a->x >= b->x ? *a : *b;

    out.at = a->at > b->at ? a->at : b->at;
    return out;
}

static sp_state_t raise_point(const sp_state_t *point, const sp_state_t *bound)
{
    const sp_sample_t sample = {.rate_kbps = exp2(bound->x),
                                .spread = bound->s,
                                .rtt_ms = bound->rtt_ms,
                                .lower_bound = 1};

    return bound->at > point->at && bound->x > point->x
               ? sp_estimate_fold(point, &sample, bound->at)
               : *point;
}

sp_state_t sp_sharedrow_merge(const sp_state_t *mine, const sp_state_t *theirs,
                              apr_time_t now)
{
    apr_uint32_t rtt_ms = mine->rtt_ms == 0 || (theirs->rtt_ms != 0 &&
                                                theirs->rtt_ms < mine->rtt_ms)
                              ? theirs->rtt_ms
                              : mine->rtt_ms;
    sp_state_t out;

    if (mine->at == 0 || theirs->at == 0) {
        return mine->at == 0 ? *theirs : *mine;
    }
    if (!mine->lower_bound && !theirs->lower_bound) {
        out = merge_points(mine, theirs, now);
    }
    else if (mine->lower_bound && theirs->lower_bound) {
        out = merge_bounds(mine, theirs);
    }
    else {
        out = mine->lower_bound ? raise_point(theirs, mine)
                                : raise_point(mine, theirs);
    }
    out.rtt_ms = rtt_ms;
    return out;
}
