/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a client, as a signed cookie that the client keeps.
 *
 *     sp=3.KK.X.S.H.R.T.F.PPPPPP.MMMMMMMMMMMMMMMMMMMMMM
 *        | |  | | | | | | |      |
 *        | |  | | | | | | |      HMAC of all before this dot, base64url
 *        | |  | | | | | | network tag: 4 bytes of the network's key
 *        | |  | | | | | |         (speed/clientkey.h), base64url; so no
 *        | |  | | | | | |         address is stored
 *        | |  | | | | | flags: 1 lower bound, 2 last sample cut from below, 4
 *        | |  | | | | |         from above
 *        | |  | | | | seconds since 1970 of the last sample
 *        | |  | | | least round trip, ms, 0 = unknown
 *        | |  | | log2 of the rate that choices follow, 1/32 octave
 *        | |  | standard deviation of x, 1/32 octave
 *        | |  x = log2(kbit/s), 1/32 octave
 *        | id of the key, two hex digits
 *        version
 *
 * Any doubt means: no cookie.
 */
#ifndef SP_SPEEDCOOKIE_H
#define SP_SPEEDCOOKIE_H

#include <apr_network_io.h>

#include "base/seal.h"
#include "speed/estimate.h"

#define SP_SPEEDCOOKIE_NAME "sp"

/* Longest value, and room for one with its NUL. */
#define SP_SPEEDCOOKIE_MAX 96
#define SP_SPEEDCOOKIE_ROOM (SP_SPEEDCOOKIE_MAX + 1)

/* Lifetime on the server's side when the browser's is "until closed", s. */
#define SP_SPEEDCOOKIE_AGE_S (7 * 86400)

/* Why a cookie counts as none. */
typedef enum {
    SP_COOKIE_FINE,
    SP_COOKIE_MALFORMED,
    SP_COOKIE_FORGED,   /* or signed with a key that was retired */
    SP_COOKIE_EXPIRED,  /* or from the future */
    SP_COOKIE_ELSEWHERE /* of another network */
} sp_cookie_verdict_e;

/**
 * Write the value.
 * @param client  address of the client (of the far end, not of a proxy)
 * @return APR_SUCCESS, or why it cannot be signed
 */
apr_status_t sp_speedcookie_format(char out[SP_SPEEDCOOKIE_ROOM],
                                   const sp_state_t *state,
                                   const ds_seal_keys_t *keys,
                                   const apr_sockaddr_t *client);

/**
 * Read a value.
 * @param max_age_s  older ones are expired; so are those from more than a
 *                   minute ahead
 * @return SP_COOKIE_FINE and *out, or the first doubt
 */
sp_cookie_verdict_e sp_speedcookie_parse(sp_state_t *out, const char *text,
                                         apr_size_t len,
                                         const ds_seal_keys_t *keys,
                                         const apr_sockaddr_t *client,
                                         apr_int64_t max_age_s, apr_time_t now);

/**
 * Find the cookie in a Cookie header.
 * @param header  may be NULL
 * @return the value, not ended by a NUL but *len bytes long; NULL when there
 *         is none, or more than one: somebody set a second one with another
 *         path or domain, and it is not known which is ours
 */
const char *sp_speedcookie_find(apr_size_t *len, const char *header);

/* "malformed", "forged", ... */
const char *sp_cookie_verdict_name(sp_cookie_verdict_e verdict);

#endif
