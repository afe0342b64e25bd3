/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers with which an image answer explains itself.
 *
 *   DynImage: tier=low, kbps=187, src=cookie, cache=disk, in=1843200,
 *             out=40113, eta=2543, ms=12, reason=rendered
 *             and ", save-data=?1" where that chose the tier
 *             (RFC 8941 dictionary)
 *   Cache-Status: dynimage; hit; detail=disk       (RFC 9211)
 *                 dynimage; fwd=uri-miss; collapsed; detail=rendered
 *   Server-Timing: dynimage;dur=12;desc="low rendered disk"
 */
#ifndef DI_EXPLAIN_H
#define DI_EXPLAIN_H

#include <apr_pools.h>

#include "image/reason.h"

typedef struct {
    const char *tier;       /* name of the client's tier */
    apr_uint32_t kbps;      /* estimate, kbit/s; 0 = unknown */
    const char *source;     /* of the estimate; "none" */
    int saving;             /* 1: a lower tier, because of Save-Data */
    const char *cache;      /* as in di_obtained_t */
    apr_uint64_t in_bytes;  /* the original */
    apr_uint64_t out_bytes; /* this answer's whole representation */
    apr_uint32_t eta_ms;    /* predicted time to the client; 0 = unknown */
    apr_uint32_t took_ms;
    di_reason_e reason;
    int kept; /* a rendition just rendered was stored */
} di_explanation_t;

/* The value of DynImage, from p. */
const char *di_explain_header(const di_explanation_t *e, apr_pool_t *p);

/* The value of Cache-Status, from p. */
const char *di_explain_cache_status(const di_explanation_t *e, apr_pool_t *p);

/* The value of Server-Timing, from p. */
const char *di_explain_timing(const di_explanation_t *e, apr_pool_t *p);

#endif
