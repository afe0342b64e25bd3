/* SPDX-License-Identifier: Apache-2.0 */
/* Every decoder on a machine that is short of memory. */
#include "composing.h"

#include <errno.h>
#include <malloc.h>

#include "fixture.h"
#include "rasters.h"
#include "shortmemory.h"

/* As RGB these are 9 MB, and in no format much less than that at work. */
#define WIDTH_PX 2000
#define HEIGHT_PX 1500

typedef struct {
    di_header_t header;
    const unsigned char *bytes;
    apr_size_t len;
    unsigned sum; /* of its samples; 0: not known yet */
} original_t;

enum { SHOWS_SOMETHING_ELSE = 99, LEFT_SOMETHING };

/* FNV-1a */
static unsigned sum_of(const di_raster_t *picture)
{
    apr_size_t i, count = picture->row_bytes * picture->height_px;
    unsigned sum = 2166136261u;

    for (i = 0; i < count; i++) {
        sum = (sum ^ picture->pixels[i]) * 16777619u;
    }
    return sum;
}

static int decode(void *what)
{
    original_t *o = what;
    unsigned expected = o->sum;
    di_decoded_t out;
    di_render_status_e status =
        di_codec_decode(&out, &o->header, o->bytes, o->len, 8);

    if (status != DI_RENDER_OK) {
        return out.picture.pixels || out.icc.bytes ? LEFT_SOMETHING
                                                   : (int)status;
    }
    o->sum = sum_of(&out.picture);
    di_decoded_free(&out);
    if (expected && o->sum != expected) {
        return SHOWS_SOMETHING_ELSE;
    }
    return (int)status;
}

static original_t original_of(di_format_e format, const unsigned char *bytes,
                              apr_size_t len)
{
    original_t o = {.bytes = bytes, .len = len};

    assert_int_equal(di_header_read(&o.header, format, bytes, len),
                     DI_RENDER_OK);
    return o;
}

/* Both throw exceptions through their interface in C, or end the process. */
static int may_die(const original_t *o)
{
    return o->header.format == DI_FORMAT_JXL ||
           o->header.format == DI_FORMAT_HEIC;
}

/* What is freed goes back at once, so that a decode which went well before
   leaves nothing to the next. */
static int start(void **state)
{
    (void)mallopt(M_MMAP_THRESHOLD, 16384);
    (void)mallopt(M_TRIM_THRESHOLD, 0);
    return compose_start(state);
}

/* From nearly none to enough; the steps are odd so that it is not always the
   same piece that is refused. */
static void check_decoder(original_t *o)
{
    apr_size_t bytes = 100000;
    int refused = 0, status;

    if (decode(o) != DI_RENDER_OK) {
        fail_msg("format %u does not decode", o->header.format);
    }
    do {
        status = short_memory_run(decode, o, bytes);
        refused += status == DI_RENDER_NO_MEMORY;
        if (status != DI_RENDER_OK && status != DI_RENDER_NO_MEMORY &&
            !(status == SHORT_MEMORY_DIED && may_die(o))) {
            fail_msg("format %u with %zu bytes: %d", o->header.format, bytes,
                     status);
        }
        bytes += bytes / 5 + 4321;
    } while (bytes < 200000000 && status != DI_RENDER_OK);
    assert_int_equal(status, DI_RENDER_OK);
    if (!refused) {
        fail_msg("format %u was never refused", o->header.format);
    }
}

static void lack_of_memory_is_never_damage(void **state)
{
    static const struct {
        di_format_e format;
        const char *coder;
    } others[] = {{DI_FORMAT_GIF, "GIF"},
                  {DI_FORMAT_TIFF, "TIFF"},
                  {DI_FORMAT_BMP, "BMP"}};
    unsigned format;
    size_t i;

    if (!SHORT_MEMORY_CAN_BE) {
        return; /* cmocka calls a skipped test "not ok" */
    }
    for (format = 1; format < DI_FORMAT_END; format++) {
        if (DI_FORMAT_IN(DI_FORMATS_OUT, format)) {
            static const di_encode_t how = {.quality = 60,
                                            .fast = 1,
                                            .progressive = 1,
                                            .chroma = DI_CHROMA_420};
            di_raster_t raster = raster_waves(DI_RGB, WIDTH_PX, HEIGHT_PX);
            picture_t file =
                encoded(&raster, (di_format_e)format, &how, *state);
            original_t o =
                original_of((di_format_e)format, file.bytes, file.len);

            check_decoder(&o);
        }
    }
    for (i = 0; i < COUNT(others); i++) {
        picture_t file =
            picture_make(others[i].coder, WIDTH_PX, HEIGHT_PX, 0, *state);
        original_t o = original_of(others[i].format, file.bytes, file.len);

        check_decoder(&o);
    }
}

static void a_heic_that_lacks_memory_is_not_damaged(void **state)
{
    static const char *const names[] = {"header_heif/heic-large",
                                        "header_heif/heic-tiles"};
    size_t i;

    if (!SHORT_MEMORY_CAN_BE) {
        return; /* cmocka calls a skipped test "not ok" */
    }
    for (i = 0; i < COUNT(names); i++) {
        fixture_t file = fixture_read(names[i], *state);
        original_t o = original_of(DI_FORMAT_HEIC, file.bytes, file.len);

        check_decoder(&o);
    }
}

static void damage_is_still_damage(void **state)
{
    unsigned format;

    for (format = 1; format < DI_FORMAT_END; format++) {
        static const di_encode_t how = {.quality = 60, .chroma = DI_CHROMA_420};
        di_raster_t raster = raster_waves(DI_RGB, 200, 150);
        picture_t file;
        original_t o;

        if (!DI_FORMAT_IN(DI_FORMATS_OUT, format)) {
            di_raster_free(&raster);
            continue;
        }
        file = encoded(&raster, (di_format_e)format, &how, *state);
        o = original_of((di_format_e)format, file.bytes, file.len);
        o.len = o.len * 2 / 3;
        /* What went wrong before is none of its business. */
        errno = ENOMEM;
        assert_int_equal(decode(&o), DI_RENDER_BROKEN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(lack_of_memory_is_never_damage),
        UNIT(a_heic_that_lacks_memory_is_not_damaged),
        UNIT(damage_is_still_damage),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, start, compose_stop);
}
