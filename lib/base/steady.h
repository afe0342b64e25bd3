/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock that never goes back: for waits, bounds on work, and turns that
 * processes share.  It begins anew with each boot.
 */
#ifndef DS_STEADY_H
#define DS_STEADY_H

#include <apr_time.h>

/* Rounded up, so that who sleeps until then does not wake before. */
apr_time_t ds_steady_now(void);

#endif
