/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a tariff: either a sentence, or bills that add up, and of which
 * more use is never cheaper.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "image/tariff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int fine)
{
    if (!fine) {
        abort();
    }
}

static apr_uint64_t total_of(const di_tariff_t *tariff, apr_uint64_t used)
{
    di_used_t all = {used, used, used, used, used, used};
    apr_uint64_t sum = 0;
    di_bill_t bill;
    int i;

    di_tariff_bill(&bill, tariff, &all, 500000);
    for (i = 0; i < bill.lines; i++) {
        const di_bill_line_t *line = &bill.line[i];

        check(line->price_e6 > 0 && line->included_e6 <= line->quantity_e6);
        sum = line->amount_e6 > APR_UINT64_MAX - sum ? APR_UINT64_MAX
                                                     : sum + line->amount_e6;
    }
    check(sum == bill.total_e6);
    return sum;
}

static void read_it(const char *text, apr_pool_t *p)
{
    di_tariff_t tariff, again;
    const char *wrong = di_tariff_parse(&tariff, text, p);
    apr_uint64_t few, many, most;

    if (wrong) {
        check(*wrong != '\0');
        return;
    }
    check(!di_tariff_parse(&again, apr_pstrcat(p, text, "\n# flat", NULL), p));
    check(!memcmp(&tariff, &again, sizeof(tariff)));
    check(di_tariff_parse(&again, apr_pstrcat(p, text, "\n", text, NULL), p) !=
          NULL);
    few = total_of(&tariff, 1000);
    many = total_of(&tariff, APR_UINT64_C(1000000000000));
    most = total_of(&tariff, APR_UINT64_MAX);
    check(few <= many && many <= most);
    check(*di_tariff_amount(most, p) && *di_tariff_decimal(most, p));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p;

    apr_initialize();
    check(apr_pool_create(&p, NULL) == APR_SUCCESS);
    read_it(apr_pstrmemdup(p, (const char *)data, size), p);
    apr_pool_destroy(p);
    apr_terminate();
    return 0;
}
