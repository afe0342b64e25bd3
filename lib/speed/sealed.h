/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A few numbers that a client keeps for us and brings back unchanged.
 *
 *     1.KK.N.N.MMMMMMMMMMMMMMMMMMMMMM
 *     | |  | |  |
 *     | |  | |  HMAC of all before this dot and of the client's network
 *     | |  numbers, decimal, as many as the reader expects
 *     | id of the key, two hex digits
 *     version
 *
 * A purpose keeps what was sealed for one use from being good for another.
 * Pure.
 */
#ifndef SP_SEALED_H
#define SP_SEALED_H

#include <apr_network_io.h>

#include "base/seal.h"

/* Most numbers; longest text, and room for it with its NUL. */
#define SP_SEALED_NUMBERS 3
#define SP_SEALED_MAX (1 + 1 + 2 + SP_SEALED_NUMBERS * 19 + 1 + 22)
#define SP_SEALED_ROOM (SP_SEALED_MAX + 1)

typedef struct {
    const char *purpose;          /* a constant word */
    const ds_seal_keys_t *keys;   /* the first signs, all verify */
    const apr_sockaddr_t *client; /* the far end, not a proxy */
} sp_sealer_t;

/**
 * Write numbers.
 * @param numbers  each from 0 to 10^18 - 1
 * @param count    1 to SP_SEALED_NUMBERS
 * @return APR_SUCCESS; why it cannot be signed, then *out is ""
 */
apr_status_t sp_sealed_write(char out[SP_SEALED_ROOM],
                             const sp_sealer_t *sealer,
                             const apr_int64_t *numbers, int count);

/**
 * Read them again.
 * @return 1; 0 when anything is not as it was written, for this purpose and
 *         this client's network
 */
int sp_sealed_read(apr_int64_t *numbers, int count, const sp_sealer_t *sealer,
                   const char *text, apr_size_t len);

#endif
