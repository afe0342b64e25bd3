/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The speed cookie; its format is drawn in the header.
 *
 * The signature is checked before any number is used, over the text as it
 * came: there is one way only to write a cookie, so none is accepted twice
 * in two spellings.
 */
#include "speed/speedcookie.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <apr_lib.h>

#include "base/arg.h"
#include "base/units.h"
#include "speed/clientkey.h"

#define VERSION "3"
#define PURPOSE "speed-cookie"

/* Steps of x and s per octave: 2 % each. */
#define STEPS 32

/* log2(100 Gbit/s in kbit/s) is 26.6. */
#define X_MAX (27 * STEPS)
#define S_MAX (8 * STEPS)

/* Ten digits: until the year 2286. */
#define SECONDS_MAX APR_INT64_C(9999999999)

/* How far the clock of another machine with our key may be ahead. */
#define SKEW_S 60

#define NETWORK_BYTES 4
#define NETWORK_CHARS 6

enum { FLAG_BOUND = 1, FLAG_BELOW = 2, FLAG_ABOVE = 4, FLAGS_ALL = 7 };

enum {
    FIELD_VERSION,
    FIELD_KEY,
    FIELD_X,
    FIELD_S,
    FIELD_HELD,
    FIELD_RTT,
    FIELD_TIME,
    FIELD_FLAGS,
    FIELD_NETWORK,
    FIELD_MAC,
    FIELDS
};

typedef struct {
    const char *at;
    apr_size_t len;
} field_t;

static apr_status_t network_tag(char out[NETWORK_CHARS + 1],
                                const ds_seal_key_t *key,
                                const apr_sockaddr_t *client)
{
    sp_clientkey_t network;
    apr_status_t rv = sp_clientkey_network(&network, key, client);

    if (rv == APR_SUCCESS) {
        ds_seal_base64url(out, network.bytes, NETWORK_BYTES);
    }
    return rv;
}

static int flags_of(const sp_state_t *state)
{
    return (state->lower_bound ? FLAG_BOUND : 0) |
           (state->clipped < 0 ? FLAG_BELOW : 0) |
           (state->clipped > 0 ? FLAG_ABOVE : 0);
}

static int steps_of(double octaves, int max)
{
    return (int)fmin(fmax(octaves * STEPS + 0.5, 0), max);
}

apr_status_t sp_speedcookie_format(char out[SP_SPEEDCOOKIE_ROOM],
                                   const sp_state_t *state,
                                   const ds_seal_keys_t *keys,
                                   const apr_sockaddr_t *client)
{
    const ds_seal_key_t *key = &keys->key[0];
    char network[NETWORK_CHARS + 1];
    apr_status_t rv;
    int used;

    out[0] = '\0';
    if (keys->count == 0) {
        return APR_EINIT;
    }
    rv = network_tag(network, key, client);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    used = snprintf(out, SP_SPEEDCOOKIE_ROOM,
                    VERSION ".%s.%d.%d.%d.%u.%" APR_INT64_T_FMT ".%d.%s.",
                    key->id, steps_of(state->x, X_MAX),
                    steps_of(state->s, S_MAX), steps_of(state->held, X_MAX),
                    state->rtt_ms, (apr_int64_t)apr_time_sec(state->at),
                    flags_of(state), network);
    if (used < 0 || used > SP_SPEEDCOOKIE_MAX - DS_SEAL_MAC_CHARS) {
        out[0] = '\0';
        return APR_ENOSPC;
    }
    return ds_seal_sign(out + used, key, PURPOSE, out, (apr_size_t)used - 1);
}

/* Exactly FIELDS fields with dots between them. */
static int split(field_t fields[FIELDS], const char *text, apr_size_t len)
{
    int i;

    for (i = 0; i < FIELDS; i++) {
        const char *dot = memchr(text, '.', len);
        apr_size_t used = dot ? (apr_size_t)(dot - text) : len;

        if ((dot == NULL) != (i == FIELDS - 1)) {
            return 0;
        }
        fields[i].at = text;
        fields[i].len = used;
        text += used + 1;
        len -= dot ? used + 1 : used;
    }
    return 1;
}

static int number(apr_int64_t *out, const field_t *field, apr_int64_t max)
{
    return ds_arg_decimal(out, field->at, field->len) && *out <= max;
}

static int read_state(sp_state_t *out, const field_t fields[FIELDS])
{
    apr_int64_t x, s, held, rtt_ms, seconds, flags;

    if (!number(&x, &fields[FIELD_X], X_MAX) ||
        !number(&s, &fields[FIELD_S], S_MAX) ||
        !number(&held, &fields[FIELD_HELD], X_MAX) ||
        !number(&rtt_ms, &fields[FIELD_RTT], DS_RTT_MAX_MS) ||
        !number(&seconds, &fields[FIELD_TIME], SECONDS_MAX) ||
        !number(&flags, &fields[FIELD_FLAGS], FLAGS_ALL)) {
        return 0;
    }
    out->x = (double)x / STEPS;
    out->s = (double)s / STEPS;
    out->held = (double)held / STEPS;
    out->rtt_ms = (apr_uint32_t)rtt_ms;
    out->at = apr_time_from_sec(seconds);
    out->lower_bound = flags & FLAG_BOUND ? 1 : 0;
    out->clipped = flags & FLAG_BELOW ? -1 : (flags & FLAG_ABOVE ? 1 : 0);
    return seconds > 0 && s > 0;
}

static int is_current(apr_time_t at, apr_int64_t max_age_s, apr_time_t now)
{
    apr_int64_t age_s = apr_time_sec(now - at);

    return age_s >= -SKEW_S && age_s <= max_age_s;
}

static int has_shape(const field_t fields[FIELDS])
{
    return fields[FIELD_VERSION].len == sizeof(VERSION) - 1 &&
           !memcmp(fields[FIELD_VERSION].at, VERSION, sizeof(VERSION) - 1) &&
           fields[FIELD_KEY].len == DS_SEAL_ID_CHARS &&
           fields[FIELD_NETWORK].len == NETWORK_CHARS;
}

sp_cookie_verdict_e sp_speedcookie_parse(sp_state_t *out, const char *text,
                                         apr_size_t len,
                                         const ds_seal_keys_t *keys,
                                         const apr_sockaddr_t *client,
                                         apr_int64_t max_age_s, apr_time_t now)
{
    field_t fields[FIELDS];
    const ds_seal_key_t *key;
    char network[NETWORK_CHARS + 1];

    if (len > SP_SPEEDCOOKIE_MAX || !split(fields, text, len) ||
        !has_shape(fields)) {
        return SP_COOKIE_MALFORMED;
    }
    key = ds_seal_verify(keys, fields[FIELD_KEY].at, fields[FIELD_MAC].at,
                         fields[FIELD_MAC].len, PURPOSE, text,
                         (apr_size_t)(fields[FIELD_MAC].at - text) - 1);
    if (!key) {
        return SP_COOKIE_FORGED;
    }
    if (!read_state(out, fields)) {
        return SP_COOKIE_MALFORMED;
    }
    if (!is_current(out->at, max_age_s, now)) {
        return SP_COOKIE_EXPIRED;
    }
    if (network_tag(network, key, client) != APR_SUCCESS ||
        memcmp(network, fields[FIELD_NETWORK].at, NETWORK_CHARS)) {
        return SP_COOKIE_ELSEWHERE;
    }
    return SP_COOKIE_FINE;
}

const char *sp_speedcookie_find(apr_size_t *len, const char *header)
{
    static const char name[] = SP_SPEEDCOOKIE_NAME "=";
    const char *found = NULL;

    while (header && *header) {
        apr_size_t used;

        header += strspn(header, " \t;");
        used = strcspn(header, ";");
        if (!strncmp(header, name, sizeof(name) - 1)) {
            if (found) {
                return NULL;
            }
            found = header + sizeof(name) - 1;
            *len = used - (sizeof(name) - 1);
        }
        header += used;
    }
    while (found && *len > 0 && apr_isspace(found[*len - 1])) {
        (*len)--;
    }
    return found;
}

const char *sp_cookie_verdict_name(sp_cookie_verdict_e verdict)
{
    static const char *const names[] = {[SP_COOKIE_FINE] = "fine",
                                        [SP_COOKIE_MALFORMED] = "malformed",
                                        [SP_COOKIE_FORGED] = "forged",
                                        [SP_COOKIE_EXPIRED] = "expired",
                                        [SP_COOKIE_ELSEWHERE] = "elsewhere"};

    return names[verdict];
}
