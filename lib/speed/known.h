/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a client, from all who know something.  Pure.
 *
 *     nearest  cookie         this browser, on this network
 *              connection     what this connection has delivered so far
 *              row            deliveries to this address
 *     farthest network        deliveries to others nearby (a prior)
 *
 * The nearest one is believed, and what nearer or later deliveries have shown
 * is folded into it.  A prior counts only where nothing was measured.
 */
#ifndef SP_KNOWN_H
#define SP_KNOWN_H

#include "speed/estimate.h"

/* Samples that a connection remembers. */
#define SP_OBSERVED_MAX 4

/* The last samples of a connection, oldest first. */
typedef struct {
    int count;
    struct {
        sp_sample_t sample;
        apr_time_t at;
    } last[SP_OBSERVED_MAX];
} sp_observed_t;

/* Add one; the oldest makes room. */
void sp_observed_add(sp_observed_t *observed, const sp_sample_t *sample,
                     apr_time_t now);

/* Who knows something; a state with at 0 is of nobody. */
typedef struct {
    sp_state_t cookie;
    sp_observed_t connection;
    sp_state_t row;
    sp_state_t network;
} sp_known_t;

/**
 * Put it together.
 * @param out  at 0 when nobody knows anything
 * @return who is believed, for the estimate's source
 */
sp_source_e sp_known_state(sp_state_t *out, const sp_known_t *known);

#endif
