/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mod_speedprobe makes when httpd starts, and every file of the module
 * may use afterwards: the tables that all children share, counters, log.
 */
#ifndef SP_START_H
#define SP_START_H

#include "httpd.h"

#include "base/log.h"
#include "base/seal.h"
#include "speed/share.h"
#include "speed/table.h"

typedef struct {
    ds_log_t log;            /* ends in the error log; usable in any thread */
    ds_seal_key_t table_key; /* hashes addresses; made of the cookies' current
                                key, so it lives as long as that */
    sp_table_t *clients;     /* rows: sp_client_t; NULL: none is kept */
    sp_table_t *networks;    /* rows: lib/speed/networks.c; NULL: none */
    sp_share_t *share;       /* in children only; NULL: no memcached */
} sp_parts_t;

/* Of this process; complete after post_config, for children after
   child_init.  Every function that takes a member of it bears NULL. */
extern sp_parts_t sp_parts;

/**
 * The keys of the cookies: those of SpeedProbeKeyFile, else a random one that
 * lives as long as the parent, so that cookies outlive graceful restarts.
 * @return NULL after a log line when there is no randomness
 */
const ds_seal_keys_t *sp_start_keys(server_rec *s);

/* Log what is legal but a slip in the settings of one server. */
void sp_start_check(server_rec *s);

/**
 * In httpd's parent, from post_config.  What cannot be made is left NULL, and
 * the log says so.
 * @param keys  of the cookies; the tables are keyed by them
 */
void sp_start_parent(server_rec *s, const ds_seal_keys_t *keys,
                     apr_pool_t *pconf, apr_pool_t *ptemp);

/* In each child, from child_init. */
void sp_start_child(server_rec *s, apr_pool_t *pchild);

#endif
