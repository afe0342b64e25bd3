/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "image/cost.h"

static apr_uint32_t cost(di_format_e format, unsigned megapixels, int scans,
                         unsigned formats, unsigned fit_px, unsigned ssim_e4)
{
    di_job_t job = {.format = (apr_uint32_t)format,
                    .formats = formats,
                    .recipe = {.fit_px = fit_px, .ssim_e4 = ssim_e4}};
    di_header_t header = {.format = (apr_uint32_t)format,
                          .width_px = 1000 * megapixels,
                          .height_px = 1000,
                          .progressive = scans};

    return di_cost_ms(&job, &header);
}

static void what_takes_more_work_costs_more(void **state)
{
    const unsigned jpeg = DI_FORMAT_SET(JPEG);
    const unsigned webp = jpeg | DI_FORMAT_SET(WEBP);

    assert_in_range(cost(DI_FORMAT_JPEG, 12, 0, jpeg, 600, 0), 50, 200);
    assert_true(cost(DI_FORMAT_JPEG, 12, 1, jpeg, 600, 0) >
                2 * cost(DI_FORMAT_JPEG, 12, 0, jpeg, 600, 0));
    assert_true(cost(DI_FORMAT_PNG, 12, 0, jpeg, 600, 0) >
                cost(DI_FORMAT_JPEG, 12, 0, jpeg, 600, 0));
    assert_true(cost(DI_FORMAT_JPEG, 12, 0, jpeg, 0, 0) >
                cost(DI_FORMAT_JPEG, 12, 0, jpeg, 600, 0));
    assert_true(cost(DI_FORMAT_JPEG, 12, 0, webp, 0, 0) >
                cost(DI_FORMAT_JPEG, 12, 0, jpeg, 0, 0));
    assert_true(cost(DI_FORMAT_JPEG, 12, 0, jpeg, 0, 9500) >
                cost(DI_FORMAT_JPEG, 12, 0, jpeg, 0, 0));
    assert_true(cost(DI_FORMAT_JPEG, 1, 0, jpeg, 600, 9500) < 300);
}

static void what_cannot_be_told_is_dear(void **state)
{
    assert_in_range(cost(DI_FORMAT_TIFF, 0, 0, DI_FORMAT_SET(JPEG), 0, 0), 1000,
                    10000);
    assert_in_range(cost(DI_FORMAT_JPEG, 66, 0, DI_FORMAT_SET(JPEG), 0, 0),
                    1000, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(what_takes_more_work_costs_more),
        UNIT(what_cannot_be_told_is_dear),
    };

    return UNIT_RUN(tests);
}
