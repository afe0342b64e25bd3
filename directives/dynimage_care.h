/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the caretaker of each child looks after (base/caretaker.h): servers that
 * are left alone, purges of other machines, accounts that are nearly full.
 */
#ifndef DI_CARE_H
#define DI_CARE_H

#include "directives/dynimage_start.h"

/* In a child, once its parts are made.  Without a thread nothing of this is
   done, and a log line says so. */
void di_care_child_start(di_parts_t *parts, server_rec *s, apr_pool_t *pchild);

/* Do a duty soon, in this process, if it has it. */
void di_care_hurry(const di_parts_t *parts, di_turn_e turn);

#endif
