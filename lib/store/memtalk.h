/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talk with one memcached server: one request, one answer, and a moment by
 * which it is over, whatever the server does: connecting, a server that hangs,
 * and one that trickles its answer byte by byte are all within it.
 *
 * memcached's binary protocol, as it can change and delete upon what was read
 * (cas) and names an answer by the number of its request.
 * Source: memcached, protocol_binary.h
 *
 *     0  magic 0x80 / 0x81 | command | bytes of the name
 *     4  bytes of extras | 0 | 0 (request) / status (answer)
 *     8  bytes of extras, name and value
 *    12  number of the request, repeated in its answer
 *    16  cas
 *    24  extras, name, value
 */
#ifndef DI_MEMTALK_H
#define DI_MEMTALK_H

#include <stdatomic.h>
#include <sys/socket.h>

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_time.h>

#include "store/breaker.h"

/* Connections to one server that a process keeps while they are idle. */
#define DI_MEMTALK_IDLE 8

/* Longest name.  Source: memcached, KEY_MAX_LENGTH */
#define DI_MEMTALK_NAME_MAX 250

typedef struct {
    const char *word; /* as configured, for log lines */
    const char *host; /* NULL: at is known */
    const char *port;
    struct sockaddr_storage at;
    socklen_t at_len;
    _Atomic int idle[DI_MEMTALK_IDLE]; /* descriptor + 1; 0: none */
} di_memserver_t;

typedef enum {
    DI_MEM_GET = 0x00,
    DI_MEM_SET = 0x01,
    DI_MEM_ADD = 0x02,
    DI_MEM_DELETE = 0x04,
    DI_MEM_NOTHING = 0x0a
} di_mem_command_e;

typedef enum {
    DI_MEM_DONE = 0,
    DI_MEM_NOT_THERE = 1,
    DI_MEM_THERE = 2, /* or with another cas */
    DI_MEM_TOO_LARGE = 3,
    DI_MEM_NOT_STORED = 5,
    DI_MEM_FULL = 0x82
} di_mem_status_e;

typedef struct {
    di_mem_command_e command;
    const char *name; /* "" for nothing */
    const char *value;
    apr_size_t bytes;
    apr_uint32_t expiry; /* as memcached counts it */
    apr_uint64_t cas;    /* 0: whatever is there */
    char *into;          /* where a value that was got goes, limit->room
                            bytes; NULL: memory of the pool */
} di_memrequest_t;

typedef struct {
    int status; /* a di_mem_status_e, or another number that memcached sent */
    apr_uint64_t cas;
    const char *value; /* of a get that is done */
    apr_size_t bytes;
} di_memanswer_t;

/* When a talk must be over. */
typedef struct {
    apr_time_t by;               /* di_memtalk_now's */
    const di_breaker_t *breaker; /* who waits stops soon after this opens;
                                    NULL: does not look */
    apr_size_t room;             /* longest value */
} di_memlimit_t;

/* A clock that never goes back and is the same in all processes, us. */
apr_time_t di_memtalk_now(void);

/**
 * Fill a server from its name: "host:port", "[v6 address]:port",
 * "/path/of/socket".  Looks nothing up.
 * @param word  lives as long as the server
 * @return 1 when legal
 */
int di_memserver_parse(di_memserver_t *out, const char *word, apr_pool_t *p);

/* Close the idle connections.  Others may talk meanwhile. */
void di_memserver_close(di_memserver_t *server);

/**
 * Any thread may talk.  A connection that was idle and turns out to be dead is
 * replaced by a new one within the same limit: the request may then have been
 * carried out twice.
 * @param p  of the value; NULL when the command is no get, or has an into
 * @return APR_SUCCESS: the server answered, see its status; APR_TIMEUP;
 *         APR_ECONNABORTED: stopped, as the breaker opened; APR_EGENERAL: what
 *         came makes no sense; APR_EOF or another status: no connection
 */
apr_status_t di_memtalk(di_memanswer_t *out, di_memserver_t *server,
                        const di_memrequest_t *request,
                        const di_memlimit_t *limit, apr_pool_t *p);

#endif
