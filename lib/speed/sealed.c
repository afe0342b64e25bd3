/* SPDX-License-Identifier: Apache-2.0 */
/* The signature is checked over the text as it came, before any number of it
   is read. */
#include "speed/sealed.h"

#include <stdio.h>
#include <string.h>

#include "base/arg.h"
#include "speed/clientkey.h"

#define VERSION "1."

/* Characters ahead of the numbers. */
#define HEAD_CHARS (2 + DS_SEAL_ID_CHARS + 1)

/* The text that is signed, and the network's hash behind it. */
typedef struct {
    char bytes[SP_SEALED_ROOM + SP_CLIENTKEY_BYTES];
    apr_size_t len;
} signed_t;

static int make_signed(signed_t *out, const sp_sealer_t *sealer,
                       const ds_seal_key_t *key, const char *text,
                       apr_size_t len)
{
    sp_clientkey_t network;

    if (sp_clientkey_network(&network, key, sealer->client) != APR_SUCCESS) {
        return 0;
    }
    memcpy(out->bytes, text, len);
    memcpy(out->bytes + len, network.bytes, sizeof(network.bytes));
    out->len = len + sizeof(network.bytes);
    return 1;
}

apr_status_t sp_sealed_write(char out[SP_SEALED_ROOM],
                             const sp_sealer_t *sealer,
                             const apr_int64_t *numbers, int count)
{
    const ds_seal_key_t *key = &sealer->keys->key[0];
    apr_status_t rv = APR_EGENERAL;
    signed_t data;
    int used, i;

    out[0] = '\0';
    if (sealer->keys->count == 0) {
        return APR_EINIT;
    }
    used = snprintf(out, SP_SEALED_ROOM, VERSION "%s.", key->id);
    for (i = 0; i < count; i++) {
        used += snprintf(out + used, SP_SEALED_ROOM - (apr_size_t)used,
                         "%" APR_INT64_T_FMT ".", numbers[i]);
        if (used > SP_SEALED_MAX - DS_SEAL_MAC_CHARS) {
            out[0] = '\0';
            return APR_ENOSPC;
        }
    }
    if (make_signed(&data, sealer, key, out, (apr_size_t)used - 1)) {
        rv = ds_seal_sign(out + used, key, sealer->purpose, data.bytes,
                          data.len);
    }
    if (rv != APR_SUCCESS) {
        out[0] = '\0';
    }
    return rv;
}

static int is_signed(const sp_sealer_t *sealer, const char *text,
                     apr_size_t len, const char *mac)
{
    int i;

    for (i = 0; i < sealer->keys->count; i++) {
        const ds_seal_key_t *key = &sealer->keys->key[i];
        signed_t data;

        if (!memcmp(key->id, text + strlen(VERSION), DS_SEAL_ID_CHARS) &&
            make_signed(&data, sealer, key, text, len) &&
            ds_seal_verify(sealer->keys, key->id, mac, DS_SEAL_MAC_CHARS,
                           sealer->purpose, data.bytes, data.len)) {
            return 1;
        }
    }
    return 0;
}

int sp_sealed_read(apr_int64_t *numbers, int count, const sp_sealer_t *sealer,
                   const char *text, apr_size_t len)
{
    const char *end, *mac;
    int i;

    if (len > SP_SEALED_MAX || len < HEAD_CHARS + 2 + DS_SEAL_MAC_CHARS ||
        memcmp(text, VERSION, strlen(VERSION)) || text[HEAD_CHARS - 1] != '.') {
        return 0;
    }
    mac = text + len - DS_SEAL_MAC_CHARS;
    end = mac - 1;
    if (*end != '.' ||
        !is_signed(sealer, text, (apr_size_t)(end - text), mac)) {
        return 0;
    }
    text += HEAD_CHARS;
    for (i = 0; i < count; i++) {
        const char *dot = memchr(text, '.', (apr_size_t)(end - text));
        const char *stop = dot ? dot : end;

        if ((dot == NULL) != (i == count - 1) ||
            !ds_arg_decimal(&numbers[i], text, (apr_size_t)(stop - text))) {
            return 0;
        }
        text = stop + 1;
    }
    return 1;
}
