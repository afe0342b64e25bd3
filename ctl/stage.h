/* SPDX-License-Identifier: Apache-2.0 */
/* The file that is to be checked, where httpd's test is to read it. */
#ifndef CTL_STAGE_H
#define CTL_STAGE_H

#include "ctl.h"

/**
 * Write it to a folder of its own in $TMPDIR: beside it comes what others must
 * not take the name of.  Both are gone with p; those of runs that were killed
 * go first.
 * @return its path; NULL after a sentence on stderr
 */
const char *ctl_stage(const char *text, apr_size_t bytes, apr_pool_t *p);

#endif
