/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the four hint headers, one a line: a prior has a rate in
   range, or is none. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "speed/prior.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const sp_hints_t *hints)
{
    sp_state_t state;
    sp_estimate_t e;

    if (!sp_prior_make(&state, hints, 1)) {
        return;
    }
    sp_estimate_make(&e, &state, SP_SOURCE_HINT, 2);
    if (!isfinite(state.x) || !(state.s > 0) || e.capacity_kbps == 0 ||
        e.capacity_kbps > 9500 || e.rtt_ms > DS_RTT_MAX_MS) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *last = NULL;
    sp_hints_t hints = {NULL, NULL, NULL, 0};

    if (!text) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    hints.downlink = strtok_r(text, "\n", &last);
    hints.rtt = strtok_r(NULL, "\n", &last);
    hints.ect = strtok_r(NULL, "\n", &last);
    (void)sp_prior_saves_data(strtok_r(NULL, "\n", &last));
    check(&hints);
    hints.is_private = 1;
    check(&hints);
    free(text);
    return 0;
}
