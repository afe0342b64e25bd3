/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From settings to running parts: the render pool in httpd's parent, the
 * store and its leases in every child.
 */
#ifndef DI_START_H
#define DI_START_H

#include "base/caretaker.h"
#include "directives/dynimage_books.h"
#include "directives/dynimage_conf.h"
#include "image/later.h"
#include "image/obtain.h"
#include "render/workers.h"
#include "store/store_memcached.h"

/* What one process of httpd holds. */
typedef struct {
    ds_log_t log;
    di_workers_t *workers; /* made by the parent, inherited; NULL: none */
    int no_sendfile;       /* EnableSendfile Off */
    char token[DI_MEMCACHED_TOKEN_ROOM]; /* of all children; "": none */
    unsigned inputs;           /* set of formats that originals may have */
    const char *renderer;      /* libraries behind the renderers, for keys */
    di_later_t *later;         /* NULL: nothing is made behind an answer */
    di_books_t books;          /* of NULLs where there is no memory */
    di_ledger_t *ledger;       /* NULL: nothing is booked */
    ds_caretaker_t *caretaker; /* NULL: none */
    int duty[DI_TURN_END];     /* place of a turn's duty; -1: it has none */
    di_level_t *disk;          /* level of the store; NULL: none */
    di_level_t *memcached;
    di_store_t store;
    di_world_t world;
    di_leases_t
        *slots; /* of this machine, for prerender requests; NULL: none */
} di_parts_t;

/**
 * Check the settings of all servers against each other (hook check_config,
 * so that httpd -t tells).  @return OK, or an error after a log line
 */
int di_start_check(server_rec *main_server, apr_pool_t *ptemp);

/**
 * In the parent, once for each configuration: make the folder of the store,
 * start the render pool.  What fails is logged and done without.
 */
void di_start_parent(di_parts_t *parts, server_rec *s, apr_pool_t *pconf,
                     apr_pool_t *ptemp);

/* In each child: open the store's levels and the leases; parts->world is
   ready afterwards. */
void di_start_child(di_parts_t *parts, server_rec *s, apr_pool_t *pchild);

#endif
