/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our part of the page of mod_status: every counter by name, with what it
 * means; with "?auto" one line each, "SpeedProbe_NAME: VALUE".
 */
#ifndef SP_STATUS_H
#define SP_STATUS_H

/* Call once from the module's hooks.  Without mod_status nothing happens. */
void sp_status_register(void);

#endif
