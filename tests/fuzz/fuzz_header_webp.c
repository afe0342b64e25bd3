/* SPDX-License-Identifier: Apache-2.0 */
#include "header_one.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    header_one(DI_FORMAT_WEBP, data, size);
    return 0;
}
