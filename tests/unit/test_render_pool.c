/* SPDX-License-Identifier: Apache-2.0 */
/* Real renders through the real pool: what a renderer does before it gives
   up its rights must be enough for every format afterwards. */
#include "poolrig.h"

#include <apr_strings.h>

#include "fixture.h"
#include "render/sandbox.h"

typedef struct {
    di_format_e format, out;
    const char *coder, *out_coder;
    unsigned flags, colors, fit;
} format_case_t;

#define SAME(format) DI_FORMAT_##format, DI_FORMAT_##format, #format, #format

static const format_case_t formats[] = {
    {SAME(JPEG), 0, 0, 0},
    {SAME(JPEG), PICTURE_NOISE, 0, 200},
    {SAME(JPEG), PICTURE_NOISE | PICTURE_PROGRESSIVE, 0, 150},
    {SAME(JPEG), PICTURE_NOISE | PICTURE_ICC, 0, 33},
    {SAME(JPEG), PICTURE_GRAY, 0, 100},
    {SAME(PNG), PICTURE_NOISE, 64, 0},
    {SAME(PNG), PICTURE_ALPHA, 16, 0},
    {SAME(PNG), PICTURE_GRAY | PICTURE_NOISE, 16, 0},
    {SAME(WEBP), PICTURE_NOISE, 0, 0},
    {DI_FORMAT_PNG, DI_FORMAT_JPEG, "PNG", "JPEG", PICTURE_NOISE, 0, 100},
    {DI_FORMAT_JPEG, DI_FORMAT_WEBP, "JPEG", "WEBP", PICTURE_NOISE, 0, 0},
    {DI_FORMAT_GIF, DI_FORMAT_PNG, "GIF", "PNG", PICTURE_NOISE, 16, 0},
};

/* The case as a job; its result, twice, must be the same picture. */
static void check_format(rig_t *rig, const format_case_t *c, size_t number)
{
    picture_t in = picture_make(c->coder, 400, 300, c->flags, rig->p);
    picture_t once = {NULL, 0}, twice = {NULL, 0};
    apr_file_t *file = rig_file(in.bytes, in.len, rig->p);
    di_job_t job = rig_job;
    di_result_t result;
    unsigned width, height;
    int status;

    job.format = c->format;
    job.formats = 1u << c->out;
    job.recipe.fit_px = c->fit;
    job.recipe.colors = c->colors;
    job.recipe.quality = 30;
    status = rig_render(&result, &once, rig, &job, file);
    if (status != DI_RENDER_OK) {
        fail_msg("case %zu: status %d", number, status);
    }
    assert_int_equal(result.format, c->out);
    assert_non_null(picture_pixels(&width, &height, c->out_coder, once.bytes,
                                   once.len, rig->p));
    assert_int_equal(width, result.width_px);
    assert_int_equal(height, result.height_px);
    assert_int_equal(result.source_width_px, 400);
    assert_true(result.cpu_us > 0);
    assert_int_equal(rig_render(&result, &twice, rig, &job, file), 0);
    assert_int_equal(once.len, twice.len);
    assert_memory_equal(once.bytes, twice.bytes, once.len);
}

static void every_format_is_rendered_in_the_sandbox(void **state)
{
    rig_t rig = rig_make(*state, 2);
    size_t i;

    rig_start(&rig);
    for (i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
        check_format(&rig, &formats[i], i);
    }
    assert_int_equal(rig_stats(&rig).died, 0);
    rig_end(&rig);
}

static di_render_status_e status_of(rig_t *rig, const di_job_t *job,
                                    const void *bytes, apr_size_t len)
{
    di_result_t result;
    picture_t out;

    return rig_render(&result, &out, rig, job, rig_file(bytes, len, rig->p));
}

static void what_is_refused_is_refused_through_the_pool_too(void **state)
{
    static const char svg[] = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
    rig_t rig = rig_make(*state, 1);
    picture_t png = picture_make("PNG", 50, 50, 0, rig.p);
    picture_t jpeg = picture_make("JPEG", 400, 300, PICTURE_NOISE, rig.p);
    di_job_t job = rig_job;

    rig_start(&rig);
    assert_int_equal(status_of(&rig, &job, svg, sizeof(svg) - 1),
                     DI_RENDER_UNSUPPORTED);
    assert_int_equal(status_of(&rig, &job, jpeg.bytes, jpeg.len / 2),
                     DI_RENDER_BROKEN);
    job.limits.max_pixels = 400 * 300 - 1;
    assert_int_equal(status_of(&rig, &job, jpeg.bytes, jpeg.len),
                     DI_RENDER_TOO_MANY_PIXELS);
    job = rig_job;
    memcpy(png.bytes + 16, "\0\0\x75\x30\0\0\x75\x30", 8);
    job.format = DI_FORMAT_PNG;
    job.formats = DI_FORMAT_SET(PNG);
    assert_int_equal(status_of(&rig, &job, png.bytes, png.len),
                     DI_RENDER_TOO_MANY_PIXELS);
    assert_int_equal(rig_stats(&rig).died, 0);
    rig_end(&rig);
}

/* HEIC's decoder is the one that would start a thread, which ends a renderer:
   neither where the format is allowed, nor where it is not. */
static void heic_is_rendered_where_it_is_allowed(void **state)
{
    fixture_t heic = fixture_read("header_heif/heic-tiles", *state);
    di_job_t job = rig_job;
    unsigned allowed;

    job.format = DI_FORMAT_HEIC;
    job.recipe.quality = 30;
    job.recipe.fit_px = 100;
    for (allowed = 0; allowed < 2; allowed++) {
        rig_t rig = rig_make(*state, 1);
        di_render_status_e status;

        rig.conf.formats = allowed ? DI_FORMATS_IN : DI_FORMATS_IN_DEFAULT;
        rig_start(&rig);
        status = status_of(&rig, &job, heic.bytes, heic.len);
        assert_int_equal(status, allowed ? DI_RENDER_OK : DI_RENDER_FAILED);
        assert_int_equal(rig_stats(&rig).died, 0);
        rig_end(&rig);
    }
}

static void a_picture_too_large_for_memory_does_no_harm(void **state)
{
    rig_t rig = rig_make(*state, 1);
    picture_t large = picture_make("PNG", 3000, 2400, 0, rig.p);
    picture_t small = picture_make("JPEG", 200, 100, 0, rig.p);
    di_job_t job = rig_job;

    if (di_sandbox_is_weakened()) {
        NOT_TRIED;
    }
    rig.conf.memory_bytes = 16 << 20;
    rig_start(&rig);
    job.format = DI_FORMAT_PNG;
    assert_int_equal(status_of(&rig, &job, large.bytes, large.len),
                     DI_RENDER_NO_MEMORY);
    job = rig_job;
    job.recipe.quality = 30;
    assert_int_equal(status_of(&rig, &job, small.bytes, small.len),
                     DI_RENDER_OK);
    rig_end(&rig);
}

/* RSS of a renderer after so many more renders of small pictures, kB. */
static long rss_after(rig_t *rig, pid_t renderer, int jobs)
{
    static const struct {
        const char *coder;
        di_format_e format;
    } kinds[] = {{"JPEG", DI_FORMAT_JPEG},
                 {"PNG", DI_FORMAT_PNG},
                 {"GIF", DI_FORMAT_GIF},
                 {"WEBP", DI_FORMAT_WEBP}};
    enum { KINDS = sizeof(kinds) / sizeof(*kinds) };
    apr_file_t *files[KINDS];
    apr_pool_t *p = rig->p, *pjob;
    int i;

    for (i = 0; i < KINDS; i++) {
        picture_t in =
            picture_make(kinds[i].coder, 96, 64, PICTURE_NOISE, rig->p);

        files[i] = rig_file(in.bytes, in.len, rig->p);
    }
    apr_pool_create(&pjob, p);
    rig->p = pjob;
    for (i = 0; i < jobs; i++) {
        di_job_t job = rig_job;
        di_result_t result;
        picture_t out;

        job.format = kinds[i % KINDS].format;
        job.formats = DI_FORMAT_SET(JPEG) | DI_FORMAT_SET(PNG) |
                      (i % 8 < KINDS ? DI_FORMAT_SET(WEBP) : 0);
        job.recipe.fit_px = 40;
        job.recipe.quality = 40;
        assert_int_equal(
            rig_render(&result, &out, rig, &job, files[i % KINDS]),
            DI_RENDER_OK);
        apr_pool_clear(pjob);
    }
    rig->p = p;
    return rig_status_field(renderer, "VmRSS");
}

/* Renderers are replaced after their share of work; that must not be what
   keeps their memory in bounds. */
static void ten_thousand_renders_leave_a_renderers_memory_flat(void **state)
{
    rig_t rig = rig_make(*state, 1);
    long warm_kb, worn_kb;
    pid_t before, after;

    if (di_sandbox_is_weakened()) {
        NOT_TRIED;
    }
    rig_start(&rig);
    rig_find_renderers(&before, 1);
    warm_kb = rss_after(&rig, before, 1000);
    worn_kb = rss_after(&rig, before, 9000);
    rig_find_renderers(&after, 1);
    print_message("# %ld kB after 1,000 renders, %ld kB after 10,000\n",
                  warm_kb, worn_kb);
    assert_int_equal(before, after);
    assert_true(warm_kb > 0);
    assert_true(worn_kb < warm_kb + 2048);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(every_format_is_rendered_in_the_sandbox),
        UNIT(what_is_refused_is_refused_through_the_pool_too),
        UNIT(heic_is_rendered_where_it_is_allowed),
        UNIT(a_picture_too_large_for_memory_does_no_harm),
        UNIT(ten_thousand_renders_leave_a_renderers_memory_flat),
    };

    rig_init();
    return UNIT_RUN(tests);
}
