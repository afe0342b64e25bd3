/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A render of which one format fails, with codecs of our own in place of
 * lib/render/codecs.c.
 */
#include "composing.h"

#include "rasters.h"
#include "render/render_gm.h"

#define LARGE_PX 900 /* square; its formats are estimated first */
#define SMALL_PX 120

/* What each format's encode or check comes to; 0: it works. */
static struct {
    di_render_status_e encode[DI_FORMAT_END];
    di_render_status_e check[DI_FORMAT_END];
    int encodes;
} fake;

static apr_uint32_t decoded_px;

typedef struct {
    di_format_e format;
    apr_uint32_t width_px, height_px;
} start_t;

static di_render_status_e make(di_blob_t *out, di_format_e format,
                               const di_raster_t *picture)
{
    start_t start = {format, picture->width_px, picture->height_px};

    fake.encodes++;
    if (fake.encode[format] != DI_RENDER_OK) {
        return fake.encode[format];
    }
    /* JPEG, the first, is the largest. */
    out->len = 2000 - 10 * (apr_size_t)format;
    out->bytes = calloc(1, out->len);
    memcpy(out->bytes, &start, sizeof(start));
    return DI_RENDER_OK;
}

static di_render_status_e make_jpeg(di_blob_t *out, const di_raster_t *picture,
                                    const di_encode_t *how)
{
    return make(out, DI_FORMAT_JPEG, picture);
}

static di_render_status_e make_webp(di_blob_t *out, const di_raster_t *picture,
                                    const di_encode_t *how)
{
    return make(out, DI_FORMAT_WEBP, picture);
}

static di_render_status_e check(di_raster_t *out, const di_blob_t *file)
{
    start_t start;

    memcpy(&start, file->bytes, sizeof(start));
    if (fake.check[start.format] != DI_RENDER_OK) {
        return fake.check[start.format];
    }
    *out = raster_waves(DI_RGB, start.width_px, start.height_px);
    out->pixels[0] ^= 64;
    return DI_RENDER_OK;
}

static const di_codec_t codecs[] = {
    {DI_FORMAT_JPEG, "JPEG", make_jpeg, check, 1, 0, 0, 50, DI_SIDE_MAX_PX},
    {DI_FORMAT_WEBP, "WEBP", make_webp, check, 1, 1, 1, 30, 16383},
};
static const di_codec_t none = {
    DI_FORMAT_UNKNOWN, "", NULL, NULL, 0, 0, 0, 0, 0};

const di_codec_t *di_codec_of(apr_uint32_t format)
{
    return format == DI_FORMAT_JPEG   ? &codecs[0]
           : format == DI_FORMAT_WEBP ? &codecs[1]
                                      : &none;
}

di_render_status_e di_codec_decode(di_decoded_t *out, const di_header_t *header,
                                   const unsigned char *bytes, apr_size_t len,
                                   unsigned eighths)
{
    memset(out, 0, sizeof(*out));
    out->picture = raster_waves(DI_RGB, decoded_px, decoded_px);
    return DI_RENDER_OK;
}

static di_result_t render_px(apr_uint32_t side_px, apr_uint32_t ssim_e4,
                             apr_pool_t *p)
{
    picture_t in = fat_picture("JPEG", side_px, side_px, 0, p);
    di_job_t job = plain;
    di_result_t result;

    decoded_px = side_px;
    fake.encodes = 0;
    job.formats = DI_FORMAT_SET(JPEG) | DI_FORMAT_SET(WEBP);
    job.recipe.ssim_e4 = ssim_e4;
    (void)render(&result, &job, &in, p);
    return result;
}

static void begin(void)
{
    memset(&fake, 0, sizeof(fake));
}

static void the_smaller_of_two_that_work_is_taken(void **state)
{
    begin();
    assert_int_equal(render_px(SMALL_PX, 9000, *state).format, DI_FORMAT_WEBP);
    assert_int_equal(render_px(LARGE_PX, 9000, *state).format, DI_FORMAT_WEBP);
}

static void a_format_that_does_not_fit_leaves_it_to_another(void **state)
{
    static const apr_uint32_t sides_px[] = {SMALL_PX, LARGE_PX};
    size_t i;

    for (i = 0; i < COUNT(sides_px); i++) {
        di_result_t result;

        begin();
        fake.encode[DI_FORMAT_WEBP] = DI_RENDER_NO_FORMAT;
        result = render_px(sides_px[i], 9000, *state);
        assert_int_equal(result.status, DI_RENDER_OK);
        assert_int_equal(result.format, DI_FORMAT_JPEG);
    }
}

static void a_failure_of_one_format_is_not_made_good_by_another(void **state)
{
    static const apr_uint32_t sides_px[] = {SMALL_PX, LARGE_PX};
    static const apr_uint32_t floors_e4[] = {9000, 0};
    static const di_format_e formats[] = {DI_FORMAT_JPEG, DI_FORMAT_WEBP};
    static const di_render_status_e wrongs[] = {DI_RENDER_FAILED,
                                                DI_RENDER_NO_MEMORY};
    size_t i;

    for (i = 0; i < 16; i++) {
        di_render_status_e wrong = wrongs[i >> 3];
        di_result_t result;

        begin();
        fake.encode[formats[i & 1]] = wrong;
        result = render_px(sides_px[i >> 1 & 1], floors_e4[i >> 2 & 1], *state);
        /* Large and without a floor one format is made, the likeliest. */
        if (result.status != (apr_uint32_t)wrong || !fake.encodes) {
            fail_msg("case %d: status %u", (int)i, result.status);
        }
    }
}

static void what_cannot_be_looked_at_again_is_a_failure(void **state)
{
    di_result_t result;

    begin();
    fake.check[DI_FORMAT_WEBP] = DI_RENDER_BROKEN;
    result = render_px(SMALL_PX, 9000, *state);
    assert_int_equal(result.status, DI_RENDER_FAILED);
    fake.check[DI_FORMAT_WEBP] = DI_RENDER_NO_MEMORY;
    result = render_px(SMALL_PX, 9000, *state);
    assert_int_equal(result.status, DI_RENDER_NO_MEMORY);
}

static int start(void **state)
{
    return apr_initialize() == APR_SUCCESS &&
                   di_gm_start(DI_FORMATS_IN, MEMORY_BYTES)
               ? 0
               : -1;
}

static int stop(void **state)
{
    di_gm_stop();
    apr_terminate();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(the_smaller_of_two_that_work_is_taken),
        UNIT(a_format_that_does_not_fit_leaves_it_to_another),
        UNIT(a_failure_of_one_format_is_not_made_good_by_another),
        UNIT(what_cannot_be_looked_at_again_is_a_failure),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, start, stop);
}
