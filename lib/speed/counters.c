/* SPDX-License-Identifier: Apache-2.0 */
/* The list of counters.h as an array. */
#include "speed/counters.h"

#define ENTRY(suffix, name, kind, unit, help)                                  \
    [SP_COUNT_##suffix] = {name, DS_TALLY_##kind, unit, help},

const ds_counter_t sp_counters[] = {[SP_COUNT_NONE] = {NULL, 0, NULL, NULL},
                                    SP_COUNTERS(ENTRY)};
