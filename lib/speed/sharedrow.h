/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What machines tell each other of a client: a state as bytes that nobody
 * without the key can make, and how two machines' knowledge becomes one.
 * Pure.
 *
 *     byte  0       version, 1
 *           1       flags: 1 lower bound, 2 last sample cut from below, 4 from
 *                   above
 *           2..3    0
 *           4..7    x = log2(kbit/s), 1/65536 octave
 *           8..11   standard deviation of x, 1/65536 octave
 *           12..15  least round trip, ms, 0 = unknown
 *           16..23  instant of the last sample, us since 1970
 *           24..39  HMAC over client key and bytes 0..23
 *
 * Numbers are big-endian.  The client's key is in the HMAC, so one client's
 * bytes are no good for another.
 */
#ifndef SP_SHAREDROW_H
#define SP_SHAREDROW_H

#include "base/seal.h"
#include "speed/clientkey.h"
#include "speed/estimate.h"

#define SP_SHAREDROW_BYTES 40

/* Older states tell nothing; the same span as the cookie's, s. */
#define SP_SHAREDROW_AGE_S (7 * 86400)

/**
 * @param key  the table's
 * @return APR_SUCCESS; APR_EINVAL for a state that is none; APR_EGENERAL when
 *         it cannot be signed
 */
apr_status_t sp_sharedrow_format(unsigned char out[SP_SHAREDROW_BYTES],
                                 const sp_state_t *state,
                                 const ds_seal_key_t *key,
                                 const sp_clientkey_t *client);

/**
 * @param out  set on 1
 * @return 1; 0 for bytes that are not of this client, of this key, of this
 *         version, in range, or of this week
 */
int sp_sharedrow_parse(sp_state_t *out, const unsigned char *bytes,
                       apr_size_t len, const ds_seal_key_t *key,
                       const sp_clientkey_t *client, apr_time_t now);

/**
 * One of two states of one client.  Of two points the surer at this moment
 * counts, as they may be made of the same samples; of two bounds the higher; a
 * bound that is newer than a point and above it raises it as a sample would.
 * Either may be unknown (at 0).
 */
sp_state_t sp_sharedrow_merge(const sp_state_t *mine, const sp_state_t *theirs,
                              apr_time_t now);

#endif
