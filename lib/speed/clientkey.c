/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which bytes of an address count, and their keyed hash.
 */
#include "speed/clientkey.h"

#include <string.h>

#define CLIENT_PURPOSE "client"
#define NETWORK_PURPOSE "client-network"

/* Bytes of an address that count. */
enum {
    V4_CLIENT = 4,
    V4_NETWORK = 3,
    V6_CLIENT = 8,
    V6_CUSTOMER = 7,
    V6_NETWORK = 6
};

typedef struct {
    unsigned char bytes[4]; /* leading bits, network order */
    int bits;
} range_t;

/* Sources: RFC 1918, 1122 (127/8), 3927 (169.254/16), 6598 (100.64/10) */
static const range_t own_v4[] = {{{10}, 8},  {{172, 16}, 12},  {{192, 168}, 16},
                                 {{127}, 8}, {{169, 254}, 16}, {{100, 64}, 10}};

/* Sources: RFC 4193 (fc00::/7), 4291 (fe80::/10; ::1 is in 0::/32) */
static const range_t own_v6[] = {{{0xfc}, 7}, {{0xfe, 0x80}, 10}, {{0}, 32}};

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

/* The address in its shortest family; *len is 4 or 16, or 0 for none. */
static const unsigned char *bytes_of(apr_size_t *len,
                                     const apr_sockaddr_t *client)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0,    0,
                                             0, 0, 0, 0, 0xff, 0xff};
    const unsigned char *bytes = client->ipaddr_ptr;

    *len = 0;
    if (client->family == APR_INET && client->ipaddr_len == 4) {
        *len = 4;
    }
#if APR_HAVE_IPV6
    else if (client->family == APR_INET6 && client->ipaddr_len == 16) {
        int is_v4 = !memcmp(bytes, mapped, sizeof(mapped));
        *len = is_v4 ? 4 : 16;
        bytes += is_v4 ? sizeof(mapped) : 0;
    }
#endif
    return bytes;
}

static int is_in(const range_t *range, const unsigned char *bytes)
{
    int i;

    for (i = 0; i < range->bits; i++) {
        int mask = 0x80 >> i % 8;
        if ((bytes[i / 8] ^ range->bytes[i / 8]) & mask) {
            return 0;
        }
    }
    return 1;
}

static int is_in_any(const range_t *ranges, apr_size_t count,
                     const unsigned char *bytes)
{
    apr_size_t i;

    for (i = 0; i < count; i++) {
        if (is_in(&ranges[i], bytes)) {
            return 1;
        }
    }
    return 0;
}

apr_status_t sp_clientkey_secret(ds_seal_key_t *out, const ds_seal_key_t *key)
{
    static const char *const purposes[] = {"table-key-1", "table-key-2"};
    apr_status_t rv = APR_SUCCESS;
    apr_size_t i;

    memset(out, 0, sizeof(*out));
    for (i = 0; i < COUNT(purposes) && rv == APR_SUCCESS; i++) {
        rv = ds_seal_mac(out->secret + out->len, key, purposes[i], "", 0);
        out->len += DS_SEAL_MAC_BYTES;
    }
    return rv;
}

static apr_status_t hash(sp_clientkey_t *out, const ds_seal_key_t *key,
                         const char *purpose, const unsigned char *bytes,
                         apr_size_t len)
{
    return len ? ds_seal_mac(out->bytes, key, purpose, bytes, len)
               : APR_EAFNOSUPPORT;
}

apr_status_t sp_clientkey_client(sp_clientkey_t *out, const ds_seal_key_t *key,
                                 const apr_sockaddr_t *client)
{
    apr_size_t len;
    const unsigned char *bytes = bytes_of(&len, client);

    return hash(out, key, CLIENT_PURPOSE, bytes, len == 16 ? V6_CLIENT : len);
}

/* The same for bytes_of's answer. */
static int is_private(const unsigned char *bytes, apr_size_t len)
{
    return (len == 4 && is_in_any(own_v4, COUNT(own_v4), bytes)) ||
           (len == 16 && is_in_any(own_v6, COUNT(own_v6), bytes));
}

int sp_clientkey_is_private(const apr_sockaddr_t *client)
{
    apr_size_t len;
    const unsigned char *bytes = bytes_of(&len, client);

    return is_private(bytes, len);
}

apr_status_t sp_clientkey_customer(sp_clientkey_t *out,
                                   const ds_seal_key_t *key,
                                   const apr_sockaddr_t *client)
{
    apr_size_t len;
    const unsigned char *bytes = bytes_of(&len, client);

    if (len == 16) {
        len = is_private(bytes, len) ? V6_CLIENT : V6_CUSTOMER;
    }
    return hash(out, key, CLIENT_PURPOSE, bytes, len);
}

apr_status_t sp_clientkey_network(sp_clientkey_t *out, const ds_seal_key_t *key,
                                  const apr_sockaddr_t *client)
{
    apr_size_t len;
    const unsigned char *bytes = bytes_of(&len, client);

    if (len == 4) {
        len = is_private(bytes, len) ? V4_CLIENT : V4_NETWORK;
    }
    else if (len == 16) {
        len = is_private(bytes, len) ? V6_CLIENT : V6_NETWORK;
    }
    return hash(out, key, NETWORK_PURPOSE, bytes, len);
}
