/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters of mod_speedprobe (speed/counters.h) in memory that all
 * children share.
 */
#ifndef SP_TALLY_H
#define SP_TALLY_H

#include "httpd.h"

#include "speed/counters.h"

/* NULL before post_config, and where no memory could be had; then nothing is
   counted. */
extern ds_tally_t *sp_tally;

/* In httpd's parent, from post_config.  Counters are kept over graceful
   restarts. */
void sp_tally_parent_start(server_rec *s);

/* One more.  @param at  SP_COUNT_* */
static inline void sp_count(int at)
{
    ds_tally_add(sp_tally, at, 1);
}

#endif
