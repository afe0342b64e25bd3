/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module's part of the page of mod_status: every counter by name, with what
 * it means; with "?auto" one line each, "PREFIX_NAME: VALUE".
 */
#ifndef DS_COUNTERS_PAGE_H
#define DS_COUNTERS_PAGE_H

#include "httpd.h"

#include "base/tally.h"

/**
 * @param flags   as mod_status gives them to its hook
 * @param prefix  of the lines for programs
 * @param title   of the table for people
 * @param list    count entries, by place; those without a name are left out.
 *                A hyphen in a name becomes an underscore
 */
void ds_counters_page(request_rec *r, int flags, const char *prefix,
                      const char *title, const ds_tally_t *tally,
                      const ds_counter_t *list, int count);

#endif
