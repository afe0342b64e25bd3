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
#include <apr_pools.h>
#include <apr_time.h>

#include "speed/sample.h"

/* Where an estimate comes from; the words are sp_source_name's. */
typedef enum {
    SP_SOURCE_NONE = 0, /* nothing known */
    SP_SOURCE_ASSUME,   /* SpeedProbeAssume */
    SP_SOURCE_COOKIE,   /* this client's signed speed cookie */
    SP_SOURCE_PASSIVE,  /* earlier deliveries on this connection */
    SP_SOURCE_TABLE,    /* earlier deliveries to this address */
    SP_SOURCE_NETWORK,  /* deliveries to others of its network */
    SP_SOURCE_HINT      /* what its browser says of its network */
} sp_source_e;

/* Request headers that an estimate followed, or would have. */
enum {
    SP_ASKED_COOKIE = 1,
    SP_ASKED_SAVE_DATA = 2,
    SP_ASKED_HINTS = 4, /* Downlink, RTT, ECT */
    SP_ASKED_GPC = 8,   /* Sec-GPC */
    SP_ASKED_DNT = 16
};

typedef struct {
    apr_uint32_t capacity_kbps;  /* kbit/s of 1000 bit; 0 = unknown */
    apr_uint32_t choice_kbps;    /* what choices follow: a little below the
                                    capacity where that is unsure, and steady
                                    when it wavers; 0 = unknown */
    apr_uint32_t rtt_ms;         /* least round trip seen, ms; 0 = unknown */
    apr_uint32_t confidence_pct; /* chance that the truth lies within a factor
                                    1.5 of capacity_kbps, 0..100 */
    int lower_bound;             /* 1: the client is at least this fast */
    sp_source_e source;
    apr_uint32_t age_s; /* since the last sample, s */
    int save_data;      /* 1: the client wants few bytes, however fast it is */
    unsigned asked;     /* SP_ASKED_*, for Vary */
} sp_estimate_t;

/* What is remembered of a client between two samples. */
typedef struct {
    double x;            /* log2 of the capacity in kbit/s */
    double s;            /* standard deviation of x, octaves */
    double held;         /* log2 of the rate that choices follow */
    apr_uint32_t rtt_ms; /* 0 = unknown */
    apr_time_t at;       /* of the last sample; 0: nothing known */
    int lower_bound;     /* 1: x is only a bound */
    int clipped;         /* -1 or 1: the last sample was so far below
                            or above that it was cut; else 0 */
} sp_state_t;

/* Known worse than this, octaves, a client is worth a measurement. */
#define SP_ESTIMATE_UNSURE 0.5

/* One that was measured is not looked at again sooner, if nobody says
   otherwise.  Not measured: about a visit, within which a line seldom
   changes. */
#define SP_ESTIMATE_REMEASURE_FOR apr_time_from_sec(600)

/* A rate known from elsewhere, not from samples. */
sp_state_t sp_estimate_known(double rate_kbps, double s, int lower_bound,
                             apr_time_t at);

/* Choices follow a state that was put together by hand afresh: sets held. */
void sp_estimate_follow(sp_state_t *state);

/**
 * What is known after a sample.  Pure.
 *
 * Both sides weigh by 1/s^2.  A point sample that is further off than two
 * standard deviations is cut to that; the second in a row on the same side
 * is taken for a change of the line and adopted.  A bound counts only when it
 * lies above what is known.  What is known becomes less sure with time.
 *
 * The rate that choices follow lies half a standard deviation below the
 * capacity (a bound is followed as it is), and stays where it is until that
 * has moved by 20 %: a client near a border of two bands stays in its band.
 *
 * @param prior  prior->at 0 for a client not yet known
 * @param now    of the sample; before prior->at counts as prior->at
 */
sp_state_t sp_estimate_fold(const sp_state_t *prior, const sp_sample_t *sample,
                            apr_time_t now);

/**
 * The state as others see it, with confidence and age at this moment.
 * @param source  who knows; SP_SOURCE_NONE or prior->at 0 give "unknown"
 */
void sp_estimate_make(sp_estimate_t *out, const sp_state_t *state,
                      sp_source_e source, apr_time_t now);

/**
 * Is it open how fast the client is: nothing known, only a bound, or too unsure
 * by now?
 * @param enough_kbps  a bound from here on leaves nothing open that anybody
 *                     asks for; 0: there is no such rate
 */
int sp_estimate_is_unsure(const sp_state_t *state, double enough_kbps,
                          apr_time_t now);

/**
 * Is a measurement that costs the client nothing worth ours?  When it is
 * unsure, and again when its last sample is old: lines change.
 * @param remeasure_for  age of the last sample from which on it is
 */
int sp_estimate_is_due(const sp_state_t *state, double enough_kbps,
                       apr_interval_time_t remeasure_for, apr_time_t now);

/**
 * Time that an answer of that many bytes will take on a new connection, ms,
 * from the arrival of the request; 0 when the client is unknown.  With a
 * lower bound it is the longest that is to be expected.
 */
apr_uint32_t sp_estimate_transfer_ms(const sp_estimate_t *estimate,
                                     apr_uint64_t bytes);

/* A fixed estimate: exact, ageless. */
void sp_estimate_assume(sp_estimate_t *out, apr_uint32_t capacity_kbps,
                        apr_uint32_t rtt_ms);

/* The value of Vary for an answer that followed these headers (SP_ASKED_*),
   from p; NULL for none. */
const char *sp_estimate_vary(unsigned asked, apr_pool_t *p);

/* "none", "assume", "cookie", "passive", "table", "network" or "hint". */
const char *sp_source_name(sp_source_e source);

#endif
