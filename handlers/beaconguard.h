/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this report one too many, or one seen before?  Remembered in the
 * client's row of the table; where there is no table (SpeedProbeTable off, a
 * UNIX socket, a lock that could not be had) every report is let through.
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
