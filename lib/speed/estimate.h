/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of one client's connection, and how a new sample changes it.
 *
 * All maths is done on x = log2(capacity in kbit/s): errors of rate samples
 * are multiplicative, and a single fast outlier cannot dominate an average of
 * logarithms.
 */
#ifndef SP_ESTIMATE_H
#define SP_ESTIMATE_H

#include <apr.h>
#include <apr_time.h>

/* Where an estimate comes from; the words are sp_source_name's. */
typedef enum {
    SP_SOURCE_NONE = 0,         /* nothing known */
    SP_SOURCE_ASSUME,           /* SpeedProbeAssume */
    SP_SOURCE_COOKIE            /* this client's signed speed cookie */
} sp_source_e;

typedef struct {
    apr_uint32_t capacity_kbps; /* kbit/s of 1000 bit; 0 = unknown */
    apr_uint32_t rtt_ms;        /* least round trip seen, ms; 0 = unknown */
    apr_uint32_t confidence_pct;/* chance that the truth lies within a factor
                                   1.5 of capacity_kbps, 0..100 */
    int lower_bound;            /* 1: the client is at least this fast */
    sp_source_e source;
    apr_uint32_t age_s;         /* since the last sample, s */
} sp_estimate_t;

#endif
