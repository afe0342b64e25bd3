/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses as keys: a keyed hash of the part that names a client or its
 * network, so no table and no cache holds an address.  Pure.
 *
 *     client    IPv4: the whole address; IPv6: /64
 *     network   IPv4: /24; IPv6: /48; private, shared (100.64.0.0/10),
 *               loopback and link-local addresses: as client, for neighbours
 *               there share no line
 *     customer  IPv4: as client, the same key; IPv6: /56, private ones as
 *               client: all that one line may call its own, where one customer
 *               must not count as many
 *
 * An IPv4 address inside IPv6 (::ffff:a.b.c.d) is an IPv4 address.
 * Source of the prefix lengths: Chromium and boomerang key IPv6 and IPv4
 * histories alike; a /48 is what one site is given (RFC 6177), a /56 what one
 * household is (RIPE-690).  One /48 is 65536 clients and 256 customers.
 */
#ifndef SP_CLIENTKEY_H
#define SP_CLIENTKEY_H

#include <apr_network_io.h>

#include "base/seal.h"

#define SP_CLIENTKEY_BYTES 16

typedef struct {
    unsigned char bytes[SP_CLIENTKEY_BYTES];
} sp_clientkey_t;

/**
 * The secret for keys of clients, made of the current key of the cookies.  It
 * lives as long as that: another one names all clients anew.
 * @return as ds_seal_mac
 */
apr_status_t sp_clientkey_secret(ds_seal_key_t *out, const ds_seal_key_t *key);

/**
 * The key of a client.
 * @param key  of sp_clientkey_secret; another one gives other keys
 * @return APR_SUCCESS; APR_EGENERAL when it cannot be hashed; APR_EAFNOSUPPORT
 *         for addresses that are neither IPv4 nor IPv6 (a UNIX socket)
 */
apr_status_t sp_clientkey_client(sp_clientkey_t *out, const ds_seal_key_t *key,
                                 const apr_sockaddr_t *client);

/* The key of its network, with the same answers. */
apr_status_t sp_clientkey_network(sp_clientkey_t *out, const ds_seal_key_t *key,
                                  const apr_sockaddr_t *client);

/* The key of the customer whose client it is, with the same answers. */
apr_status_t sp_clientkey_customer(sp_clientkey_t *out,
                                   const ds_seal_key_t *key,
                                   const apr_sockaddr_t *client);

/* 1 for a private, loopback or link-local address. */
int sp_clientkey_is_private(const apr_sockaddr_t *client);

#endif
