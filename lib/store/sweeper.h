/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sweeper decides when to sweep: at the first bytes that a process puts
 * and after each quota / 64 bytes, in a thread of its own, so that neither a
 * hit nor a put waits for it.
 *
 * Between two sweeps the processes of one root may together add quota / 64
 * bytes each; as a sweep leaves a tenth of the quota free, up to six busy
 * processes never exceed it.
 */
#ifndef DI_SWEEPER_H
#define DI_SWEEPER_H

#include "base/log.h"
#include "store/reclaim.h"

typedef struct di_sweeper_t di_sweeper_t;

/**
 * @param root  not copied
 * @param log   used in the sweeper's thread too; NULL for none
 * @param p     a sweep under way is told to stop, and waited for, before p
 *              is gone
 */
di_sweeper_t *di_sweeper_make(const char *root, apr_uint64_t quota_bytes,
                              const ds_log_t *log, apr_pool_t *p);

/* So many bytes were put.  From any thread; never waits for a sweep. */
void di_sweeper_note(di_sweeper_t *sweeper, apr_uint64_t bytes);

#endif
