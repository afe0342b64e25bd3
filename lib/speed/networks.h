/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is usual in a client's network: the last samples of its last customers,
 * one a customer, and their median.  A first guess for a neighbour who was
 * never measured, never more.
 *
 * Only what the server itself observed goes in: what a browser reports about
 * itself must not decide for its neighbours.  One customer is one voice,
 * however many clients he has or pretends to have.
 *
 * The rows lie in a table (speed/table.h) whose keys are those of networks.
 */
#ifndef SP_NETWORKS_H
#define SP_NETWORKS_H

#include "speed/clientkey.h"
#include "speed/estimate.h"
#include "speed/sample.h"
#include "speed/table.h"

/* Raise it with every change of the rows. */
#define SP_NETWORKS_VERSION 2

/* Customers of a network that are remembered, and the fewest that make a
   median. */
#define SP_NETWORKS_CLIENTS 16
#define SP_NETWORKS_CLIENTS_MIN 3

/* A customer's sample counts for so long. */
#define SP_NETWORKS_AGE_FOR apr_time_from_sec(30 * 86400)

/* Standard deviation of the guess, octaves: neighbours have different
   contracts and different wireless links. */
#define SP_NETWORKS_SPREAD 1.0

/* Bytes of a row, for sp_table_init. */
apr_size_t sp_networks_row_bytes(void);

/**
 * Note a sample of a client.  A lower bound is not noted.
 * @param table  NULL: nothing is
 * @param voice  of sp_clientkey_customer; takes the place of its last sample
 * @param now    of the sample
 */
void sp_networks_add(sp_table_t *table, const sp_clientkey_t *network,
                     const sp_clientkey_t *voice, const sp_sample_t *sample,
                     apr_time_t now);

/**
 * What to guess about a client of this network.
 * @param out  set on 1: x and rtt_ms are medians, at is of the newest sample
 * @return 1; 0 when fewer than SP_NETWORKS_CLIENTS_MIN customers are known
 */
int sp_networks_prior(sp_state_t *out, sp_table_t *table,
                      const sp_clientkey_t *network, apr_time_t now);

#endif
