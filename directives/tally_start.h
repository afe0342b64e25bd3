/* SPDX-License-Identifier: Apache-2.0 */
/* A module's counters in memory that all children share. */
#ifndef DS_TALLY_START_H
#define DS_TALLY_START_H

#include "httpd.h"

#include "base/tally.h"

/**
 * In httpd's parent, from post_config.  Counters are kept over graceful
 * restarts.
 * @param kept_name  of the memory in the process pool; the module's own
 * @return NULL where no shared memory could be had, with the reason in *rv
 */
ds_tally_t *ds_tally_parent_make(apr_status_t *rv, const char *kept_name,
                                 const ds_counter_t *list, int count,
                                 server_rec *s);

#endif
