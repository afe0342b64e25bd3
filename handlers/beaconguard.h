/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this report one too many, or one seen before?  Remembered in a row of the
 * client table, that of the customer (speed/clientkey.h): for IPv4 the client's
 * own, for IPv6 one for the /56, so that a report, which anybody may send at no
 * cost, makes 256 rows for a /48 at most; where there is no table
 * (SpeedProbeTable none, a UNIX socket) every report is let through.  A row
 * that many want at once is no way around: a report that finds it busy for
 * SP_TABLE_WAIT_FOR counts as one too many, and what it said comes with the
 * next page.
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
