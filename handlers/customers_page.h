/* SPDX-License-Identifier: Apache-2.0 */
/* The customers on the status page: those who have most stored. */
#ifndef DI_CUSTOMERS_PAGE_H
#define DI_CUSTOMERS_PAGE_H

#include "httpd.h"

#include "directives/dynimage_start.h"

/* Most rows that the table has. */
#define DI_CUSTOMERS_SHOWN 20

/* Print the table; programs (?auto) get none of it, but have the report of the
   administration handler.  @param flags  of mod_status */
void di_customers_page(request_rec *r, int flags, const di_parts_t *parts);

#endif
