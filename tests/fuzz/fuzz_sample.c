/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a beacon's body: a sample has a rate in range, or is none. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/units.h"
#include "speed/estimate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sp_state_t none = {0}, state;
    sp_beacon_t beacon;
    sp_sample_t sample;
    sp_estimate_t e;

    if (!sp_beacon_parse(&beacon, (const char *)data, size) ||
        !sp_sample_make(&sample, &beacon)) {
        return 0;
    }
    state = sp_estimate_fold(&none, &sample, 1);
    state = sp_estimate_fold(&state, &sample, 2);
    sp_estimate_make(&e, &state, SP_SOURCE_COOKIE, 3);
    if (!(sample.rate_kbps >= 1 && sample.rate_kbps <= DS_RATE_MAX_KBPS) ||
        !isfinite(state.x) || !(state.s > 0) || e.capacity_kbps == 0) {
        abort();
    }
    return 0;
}
