/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the reasons. */
#include "image/reason.h"

const char *di_reason_word(di_reason_e reason)
{
    switch (reason) {
#define DI_REASON_CASE(number, name, word, text)                               \
    case DI_REASON_##name:                                                     \
        return word;
        DI_REASONS(DI_REASON_CASE)
#undef DI_REASON_CASE
    default:
        return "none";
    }
}
