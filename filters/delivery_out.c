/* SPDX-License-Identifier: Apache-2.0 */
/* Stand-in until the passive side is there: nothing is sampled. */
#include "filters/delivery_out.h"

void sp_delivery_register(void)
{
}

void sp_delivery_watch(request_rec *r)
{
    (void)r;
}
