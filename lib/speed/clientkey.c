/* SPDX-License-Identifier: Apache-2.0 */
/* Stand-in until keys of clients are there: the whole address is hashed. */
#include "speed/clientkey.h"

static apr_status_t hash(sp_clientkey_t *out, const ds_seal_key_t *key,
                         const char *purpose, const apr_sockaddr_t *client)
{
    return ds_seal_mac(out->bytes, key, purpose, client->ipaddr_ptr,
                       (apr_size_t)client->ipaddr_len);
}

apr_status_t sp_clientkey_client(sp_clientkey_t *out, const ds_seal_key_t *key,
                                 const apr_sockaddr_t *client)
{
    return hash(out, key, "client", client);
}

apr_status_t sp_clientkey_network(sp_clientkey_t *out, const ds_seal_key_t *key,
                                  const apr_sockaddr_t *client)
{
    return hash(out, key, "network", client);
}
