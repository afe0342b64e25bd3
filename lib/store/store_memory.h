/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory level: a bounded number of bytes in one process, in front of the
 * others.  A hit copies nothing: the body is lent, counted, and freed when its
 * last reader's pool goes.  Entries that were not used lately make room
 * (CLOCK); a hit keeps another thread waiting for a look-up and a counter at
 * most.
 */
#ifndef DI_STORE_MEMORY_H
#define DI_STORE_MEMORY_H

#include "store/store.h"

typedef struct {
    apr_size_t max_bytes;      /* of all entries, keys and overhead too; lent
                                  ones that were replaced count until freed */
    apr_size_t max_item_bytes; /* larger bodies are not taken */
} di_memory_conf_t;

/**
 * Make the level, named "memory".  Call in each process after fork.
 * @param p  readers' pools may outlive it
 * @return APR_SUCCESS; APR_EINVAL for a bound of 0; APR_ENOMEM
 */
apr_status_t di_memory_make(di_level_t **out, const di_memory_conf_t *conf,
                            apr_pool_t *p);

#endif
