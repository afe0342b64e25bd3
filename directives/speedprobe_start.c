/* SPDX-License-Identifier: Apache-2.0 */
/* The table of clients in anonymous shared memory, kept over graceful
   restarts. */
#include "directives/speedprobe_start.h"

#include "apr_shm.h"

#include "speed/client.h"

#define CLIENTS 1024

sp_parts_t sp_parts;

void sp_start_parent(server_rec *s, const ds_seal_keys_t *keys,
                     apr_pool_t *pconf, apr_pool_t *ptemp)
{
    apr_size_t bytes = sp_table_bytes(CLIENTS, sizeof(sp_client_t));
    apr_pool_t *process = s->process->pool;
    void *kept = NULL;
    apr_shm_t *shm;

    sp_parts.table_key = keys->key[0];
    (void)apr_pool_userdata_get(&kept, "mod_speedprobe-clients", process);
    if (!kept && apr_shm_create(&shm, bytes + 64, NULL, process)) {
        return;
    }
    kept = kept ? kept
                : (void *)APR_ALIGN((apr_uintptr_t)apr_shm_baseaddr_get(shm),
                                    64);
    apr_pool_userdata_setn(kept, "mod_speedprobe-clients",
                           apr_pool_cleanup_null, process);
    sp_parts.clients = sp_table_init(kept, bytes, CLIENTS, sizeof(sp_client_t),
                                     SP_CLIENT_VERSION, NULL);
}

void sp_start_child(server_rec *s, apr_pool_t *pchild)
{
}
