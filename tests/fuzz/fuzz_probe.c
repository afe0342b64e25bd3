/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a query of the probe: with a token of theirs nothing counts,
 * with one of ours a sample has a rate in range, and no step is larger than
 * what is left.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "speed/probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void setup(ds_seal_keys_t *keys, apr_sockaddr_t *client)
{
    static unsigned char address[4] = {192, 0, 2, 7};
    static const char key[] =
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    memset(client, 0, sizeof(*client));
    client->family = APR_INET;
    client->ipaddr_ptr = address;
    client->ipaddr_len = sizeof(address);
    if (ds_seal_keys_parse(keys, key, sizeof(key) - 1, NULL)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const apr_time_t now = apr_time_from_sec(1700000000);
    sp_probe_token_t ours = {65536, now - apr_time_from_sec(1)}, token;
    sp_cost_t left = {100000, 1500};
    ds_seal_keys_t keys;
    apr_sockaddr_t client;
    sp_sealer_t sealer = {NULL, &keys, &client};
    sp_budget_t budget;
    sp_beacon_t beacon;
    sp_sample_t sample;

    setup(&keys, &client);
    if (sp_budget_parse(&budget, (const char *)data, size, sealer)) {
        abort();
    }
    if (!sp_beacon_parse(&beacon, (const char *)data, size)) {
        return 0;
    }
    if (beacon.token && sp_probe_token_parse(&token, beacon.token,
                                             beacon.token_len, sealer, now)) {
        abort();
    }
    if (!sp_probe_sample(&sample, &beacon, &ours, now)) {
        return 0;
    }
    if (!(sample.rate_kbps >= 1 && sample.rate_kbps <= DS_RATE_MAX_KBPS) ||
        sp_probe_step(sample.rate_kbps, sample.rtt_ms, ours.bytes, left) >
            left.bytes) {
        abort();
    }
    return 0;
}
