/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transfer model; drawn in the header.  Rates in kbit/s are bits per ms,
 * so a rate / 8 is bytes per ms.
 */
#include "speed/transfer.h"

#include <math.h>

#include "base/units.h"

/* Halvings of [1 kbit/s, 100 Gbit/s] in log space: to 0.01 %. */
#define BISECTIONS 32

double sp_transfer_ms(double bytes, double rate_kbps, double rtt_ms,
                      double window_bytes)
{
    double bytes_per_ms = rate_kbps / 8;
    double ms = rtt_ms, left = bytes, window = window_bytes;

    while (left > window && window < bytes_per_ms * rtt_ms) {
        left -= window;
        ms += rtt_ms;
        window *= 2;
    }
    return ms + left / bytes_per_ms;
}

int sp_transfer_rounds(double bytes, double window_bytes, double growth)
{
    double left = bytes, window = window_bytes;
    int rounds = 1;

    for (; left > window; rounds++) {
        left -= window;
        window *= growth;
    }
    return rounds;
}

double sp_transfer_rate_kbps(double bytes, double ms, double rtt_ms,
                             double window_bytes)
{
    double low = 0, high = log2(DS_RATE_MAX_KBPS);
    int i;

    if (sp_transfer_ms(bytes, DS_RATE_MAX_KBPS, rtt_ms, window_bytes) >= ms) {
        return 0;
    }
    for (i = 0; i < BISECTIONS; i++) {
        double middle = (low + high) / 2;
        if (sp_transfer_ms(bytes, exp2(middle), rtt_ms, window_bytes) > ms) {
            low = middle;
        }
        else {
            high = middle;
        }
    }
    return exp2(high);
}
