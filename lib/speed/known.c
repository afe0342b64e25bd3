/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From several memories of one client to one state; the order is in the
 * header.
 *
 * Many clients may share an address, so its row never corrects a cookie; what
 * this connection has delivered does.
 */
#include "speed/known.h"

#include <string.h>

void sp_observed_add(sp_observed_t *observed, const sp_sample_t *sample,
                     apr_time_t now)
{
    if (observed->count == SP_OBSERVED_MAX) {
        memmove(&observed->last[0], &observed->last[1],
                (SP_OBSERVED_MAX - 1) * sizeof(observed->last[0]));
        observed->count--;
    }
    observed->last[observed->count].sample = *sample;
    observed->last[observed->count].at = now;
    observed->count++;
}

/* Is it more than the cookie tells already?  A cookie has the second of its
   last sample, so what came within that second may be in it: to leave it out
   is to lose a sample, to fold it twice is to take an outlier for a change. */
static int is_news(apr_time_t at, const sp_state_t *cookie)
{
    return apr_time_sec(at) > apr_time_sec(cookie->at);
}

/* The cookie, with what this connection has shown since. */
static sp_state_t later(const sp_state_t *cookie, const sp_observed_t *observed)
{
    sp_state_t state = *cookie;
    int i;

    for (i = 0; i < observed->count; i++) {
        if (is_news(observed->last[i].at, cookie)) {
            state = sp_estimate_fold(&state, &observed->last[i].sample,
                                     observed->last[i].at);
        }
    }
    return state;
}

/* Measured samples beat a prior; of two, the row holds more of them. */
static sp_source_e from_server(sp_state_t *out, const sp_known_t *known)
{
    static const sp_state_t nothing = {0};

    *out = later(&nothing, &known->connection);
    if (known->row.at &&
        (!out->at || out->lower_bound || known->row.at >= out->at)) {
        *out = known->row;
        return known->connection.count > 0 ? SP_SOURCE_PASSIVE
                                           : SP_SOURCE_TABLE;
    }
    return out->at ? SP_SOURCE_PASSIVE : SP_SOURCE_NONE;
}

/* A bound that lies below what a prior expects leaves the prior standing. */
static int is_silent(const sp_state_t *measured, const sp_state_t *prior)
{
    return !measured->at || (measured->lower_bound && measured->x < prior->x);
}

sp_source_e sp_known_state(sp_state_t *out, const sp_known_t *known)
{
    sp_source_e source;

    if (known->cookie.at) {
        *out = later(&known->cookie, &known->connection);
        return SP_SOURCE_COOKIE;
    }
    source = from_server(out, known);
    if (known->network.at && is_silent(out, &known->network)) {
        *out = known->network;
        return SP_SOURCE_NETWORK;
    }
    return source;
}
