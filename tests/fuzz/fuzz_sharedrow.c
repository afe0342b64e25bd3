/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what memcached holds of a client: what we did not sign is
 * refused; and any numbers that we would sign come back in range and merge with
 * others into numbers in range.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "speed/sharedrow.h"

#define NOW apr_time_from_sec(1700000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const sp_clientkey_t client = {"some client ...."};

static void check(const sp_state_t *state)
{
    if (!(state->x >= 0 && state->x <= 27 && state->s > 0 && state->s <= 8) ||
        state->rtt_ms > 60000 || state->at <= 0) {
        abort();
    }
}

static void check_signed(const sp_state_t *given, const ds_seal_key_t *key)
{
    const sp_state_t mine = {.x = 10, .s = 0.3, .at = NOW - 1000};
    unsigned char bytes[SP_SHAREDROW_BYTES];
    sp_state_t theirs, both;

    if (!sp_sharedrow_format(bytes, given, key, &client) &&
        sp_sharedrow_parse(&theirs, bytes, sizeof(bytes), key, &client, NOW)) {
        check(&theirs);
        both = sp_sharedrow_merge(&mine, &theirs, NOW);
        check(&both);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ds_seal_key_t key = {.len = 32};
    sp_state_t out;
    struct {
        double x, s;
        int64_t at;
        uint32_t rtt_ms;
        uint8_t lower_bound, clipped;
    } raw = {0};

    if (sp_sharedrow_parse(&out, data, size, &key, &client, NOW)) {
        abort();
    }
    memcpy(&raw, data, size < sizeof(raw) ? size : sizeof(raw));
    out.x = raw.x;
    out.s = raw.s;
    out.at = raw.at % 2 ? raw.at : NOW - raw.at % 100000000;
    out.rtt_ms = raw.rtt_ms;
    out.lower_bound = raw.lower_bound & 1;
    out.clipped = raw.clipped % 3 - 1;
    check_signed(&out, &key);
    return 0;
}
