/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May this beacon of this client be used?  Not when the client sent the same
 * one before, nor when it sends too many.  Pure; works on the client's row.
 *
 * Replay: the hashes of the last SP_CLIENT_BEACONS reports are remembered.
 * Two pages may by chance give the same numbers: the second report is then
 * lost, and would have said nothing new.
 *
 * Rate: a bucket of limit->count tokens that fills evenly, once in limit->per.
 * The row keeps one number of it, the instant at which it will be full again.
 * Source: the generic cell rate algorithm, ITU-T I.371.
 */
#ifndef SP_BEACONLIMIT_H
#define SP_BEACONLIMIT_H

#include <apr_time.h>

#include "base/seal.h"
#include "speed/client.h"

typedef struct {
    apr_int64_t count;  /* beacons in that time; 0: no limit */
    apr_time_t per_for; /* > 0 */
} sp_beaconlimit_t;

typedef enum {
    SP_BEACONLIMIT_FINE,
    SP_BEACONLIMIT_REPLAYED,
    SP_BEACONLIMIT_LIMITED
} sp_beaconlimit_e;

/**
 * The name under which a report is remembered.
 * @param key  secret, so that nobody can make two reports share a name
 * @return APR_SUCCESS; else why it cannot be hashed, and *out is 0
 */
apr_status_t sp_beaconlimit_hash(apr_uint32_t *out, const ds_seal_key_t *key,
                                 const char *body, apr_size_t len);

/**
 * Judge one report, and note it in the row when it is fine.
 * @param hash  of the report; 0 is remembered as nothing
 * @param now   may go back: a row that claims more than a whole bucket is
 *              taken for an empty bucket
 */
sp_beaconlimit_e sp_beaconlimit_take(sp_client_t *row, apr_uint32_t hash,
                                     const sp_beaconlimit_t *limit,
                                     apr_time_t now);

#endif
