/* SPDX-License-Identifier: Apache-2.0 */
/* The list of counters.h as an array. */
#include "image/counters.h"

#define ENTRY(suffix, name, kind, unit, help)                                  \
    [DI_COUNT_##suffix] = {name, DS_TALLY_##kind, unit, help},
#define REASON(number, suffix, word, text)                                     \
    [DI_COUNT_REASONS + number] = {word, DS_TALLY_COUNTER, "answers", text},

const ds_counter_t di_counters[DI_COUNT_END] = {
    DI_COUNTERS(ENTRY) DI_REASONS(REASON)};
