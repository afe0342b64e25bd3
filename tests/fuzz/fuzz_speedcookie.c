/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a Cookie header and as a cookie: nothing that we did not sign
 * is fine.  What we did sign is.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_pools.h>

#include "speed/speedcookie.h"

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

static sp_cookie_verdict_e parse(sp_state_t *out, const char *text, size_t len,
                                 const ds_seal_keys_t *keys,
                                 const apr_sockaddr_t *client)
{
    return sp_speedcookie_parse(out, text, len, keys, client,
                                SP_SPEEDCOOKIE_AGE_S,
                                apr_time_from_sec(1700000000));
}

static void check_own(const ds_seal_keys_t *keys, const apr_sockaddr_t *client)
{
    sp_state_t known =
        sp_estimate_known(512, 0.2, 0, apr_time_from_sec(1700000000));
    sp_state_t out;
    char text[SP_SPEEDCOOKIE_ROOM];

    if (sp_speedcookie_format(text, &known, keys, client) ||
        parse(&out, text, strlen(text), keys, client) != SP_COOKIE_FINE) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ds_seal_keys_t keys;
    apr_sockaddr_t client;
    sp_state_t out;
    char *header = malloc(size + 1);
    const char *value;
    apr_size_t len = 0;

    if (!header) {
        return 0;
    }
    memcpy(header, data, size);
    header[size] = '\0';
    setup(&keys, &client);
    check_own(&keys, &client);
    if (parse(&out, header, size, &keys, &client) == SP_COOKIE_FINE) {
        abort();
    }
    value = sp_speedcookie_find(&len, header);
    if (value && (value < header || len > size ||
                  parse(&out, value, len, &keys, &client) == SP_COOKIE_FINE)) {
        abort();
    }
    free(header);
    return 0;
}
