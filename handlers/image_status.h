/* SPDX-License-Identifier: Apache-2.0 */
/* mod_dynimage's part of the page of mod_status (handlers/counters_page.h):
   with "?auto" lines "DynImage_NAME: VALUE". */
#ifndef DI_STATUS_H
#define DI_STATUS_H

#include "directives/dynimage_start.h"

/* Call once from the module's hooks.  Without mod_status nothing happens.
   @param parts  of this process, static */
void di_status_register(const di_parts_t *parts);

#endif
