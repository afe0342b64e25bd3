/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP request as a client; the only file that includes libcurl.
 *
 * http and https only, no proxy from the environment, no redirect to another
 * scheme, everything bounded.
 */
#ifndef DS_FETCH_H
#define DS_FETCH_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_tables.h>

typedef struct {
    const char *method; /* "PURGE", ...; NULL: GET, or POST with a body */
    const char *url;    /* http:// or https:// */
    const char *token;  /* sent as "Authorization: Bearer"; NULL: none */
    const char *accept; /* NULL: none */
    const char *cache_control; /* NULL: none */
    const char *body;          /* NULL: none */
    const char *body_type;
    const char *resolve;     /* address to connect to instead of the URL's host,
                                "host" or "host:port"; NULL: none */
    const char *ca_file;     /* of an own authority; NULL: the system's */
    int insecure;            /* 1: any certificate will do */
    apr_uint32_t timeout_ms; /* of the whole exchange */
    apr_size_t max_bytes;    /* of the answer's body */
    int redirects;           /* how many are followed, to the same host only */
} ds_fetch_t;

typedef struct {
    int status;       /* of the answer, 100..599 */
    const char *body; /* NUL behind it */
    apr_size_t bytes;
    const char *type;     /* media type without parameters, lower case; "" */
    const char *dynimage; /* the DynImage header; NULL: none */
    const char *etag;     /* as it was sent, else Last-Modified; NULL: none */
    const char *url;      /* where it came from, after redirects */
} ds_fetched_t;

/* Once in each process (or program) that fetches, before its threads. */
apr_status_t ds_fetch_start(void);

/**
 * @param error  out: a sentence from p when there is no answer
 * @param p      the answer lives here
 * @return APR_SUCCESS for any whole HTTP answer; APR_TIMEUP; APR_ENOSPC past
 *         max_bytes; APR_EINVAL for a URL of another scheme; APR_EGENERAL
 */
apr_status_t ds_fetch(ds_fetched_t *out, const char **error,
                      const ds_fetch_t *fetch, apr_pool_t *p);

#endif
