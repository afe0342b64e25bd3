/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters of mod_dynimage (image/counters.h) in memory that all children
 * share.
 */
#ifndef DI_TALLY_H
#define DI_TALLY_H

#include "httpd.h"

#include "image/counters.h"

/* NULL before post_config, and where no memory could be had; then nothing is
   counted. */
extern ds_tally_t *di_tally;

/* In httpd's parent, from post_config.  Counters are kept over graceful
   restarts. */
void di_tally_parent_start(server_rec *s);

#endif
