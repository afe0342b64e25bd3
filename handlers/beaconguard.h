/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this report one too many, or one seen before?  Remembered in the
 * client's row of the table; where there is no table (SpeedProbeTable none, a
 * UNIX socket) every report is let through.  A row that many want at once is
 * no way around: a report that finds it busy for SP_TABLE_WAIT_FOR counts as
 * one too many, and what it said comes with the next page.
 */
#ifndef SP_BEACONGUARD_H
#define SP_BEACONGUARD_H

#include "httpd.h"

#include "speed/beaconlimit.h"

/**
 * Judge one report that is otherwise fine, and count what is refused.
 * @return SP_BEACONLIMIT_FINE, or why it is not to be used
 */
sp_beaconlimit_e sp_beaconguard_take(request_rec *r, const char *body,
                                     apr_size_t len);

#endif
