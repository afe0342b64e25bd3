/* SPDX-License-Identifier: Apache-2.0 */
/* Replay and rate of one client's beacons; the ideas are in the header. */
#include "speed/beaconlimit.h"

#include <string.h>

#define PURPOSE "beacon-replay"

apr_status_t sp_beaconlimit_hash(apr_uint32_t *out, const ds_seal_key_t *key,
                                 const char *body, apr_size_t len)
{
    unsigned char mac[DS_SEAL_MAC_BYTES];
    apr_status_t rv = ds_seal_mac(mac, key, PURPOSE, body, len);

    *out = 0;
    if (rv == APR_SUCCESS) {
        memcpy(out, mac, sizeof(*out));
    }
    return rv;
}

static int is_known(const sp_client_t *row, apr_uint32_t hash)
{
    int i;

    for (i = 0; i < SP_CLIENT_BEACONS; i++) {
        if (hash != 0 && row->beacon_hash[i] == hash) {
            return 1;
        }
    }
    return 0;
}

static void remember(sp_client_t *row, apr_uint32_t hash)
{
    apr_uint32_t at = row->beacon_next % SP_CLIENT_BEACONS;

    row->beacon_hash[at] = hash;
    row->beacon_next = (at + 1) % SP_CLIENT_BEACONS;
}

/* Take one token.  @return 0 when there is none */
static int take_token(sp_client_t *row, const sp_beaconlimit_t *limit,
                      apr_time_t now)
{
    apr_time_t token_for = limit->per_for / limit->count;
    apr_time_t empty_at = now + limit->per_for;
    apr_time_t full_at = row->beacon_at > now ? row->beacon_at : now;

    if (full_at > empty_at) {
        row->beacon_at = empty_at;
        return 0;
    }
    if (full_at + token_for > empty_at) {
        return 0;
    }
    row->beacon_at = full_at + token_for;
    return 1;
}

sp_beaconlimit_e sp_beaconlimit_take(sp_client_t *row, apr_uint32_t hash,
                                     const sp_beaconlimit_t *limit,
                                     apr_time_t now)
{
    if (is_known(row, hash)) {
        return SP_BEACONLIMIT_REPLAYED;
    }
    if (limit->count > 0 && !take_token(row, limit, now)) {
        return SP_BEACONLIMIT_LIMITED;
    }
    remember(row, hash);
    return SP_BEACONLIMIT_FINE;
}
