/* SPDX-License-Identifier: Apache-2.0 */
/* What renders are said to cost against the kernel's own account of the
   processes, over photographs. */
#include "poolrig.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <apr_strings.h>

#define RENDERERS 2
#define ROUNDS 9

/* Most that the two may differ, of the kernel's. */
#define PERMILLE 20

static const char *const photographs[] = {"autumn",    "dogs",      "fig",
                                          "milky-way", "mountains", "nuthatch",
                                          "stream",    "sunset"};

#define PHOTOGRAPHS (sizeof(photographs) / sizeof(*photographs))

/* CPU time of a process so far, us: schedstat's first number is what the
   scheduler has charged it with, ns. */
static apr_uint64_t kernel_us(pid_t pid, apr_pool_t *p)
{
    const char *path = apr_psprintf(p, "/proc/%ld/schedstat", (long)pid);
    FILE *file = fopen(path, "r");
    unsigned long long ns = 0;

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%llu", &ns), 1);
    fclose(file);
    return ns / 1000;
}

static apr_uint64_t renderers_us(const pid_t *renderers, apr_pool_t *p)
{
    apr_uint64_t all = 0;
    int i;

    for (i = 0; i < RENDERERS; i++) {
        all += kernel_us(renderers[i], p);
    }
    return all;
}

static apr_file_t *open_photograph(const char *name, apr_pool_t *p)
{
    const char *top = getenv("DI_TOP");
    apr_file_t *file;

    assert_int_equal(
        apr_file_open(&file,
                      apr_pstrcat(p, top ? top : ".", "/site/photos/", name,
                                  ".jpg", NULL),
                      APR_READ | APR_BINARY, 0, p),
        APR_SUCCESS);
    return file;
}

/* The number of renders; *told_us is what they said. */
static int render_all(apr_uint64_t *told_us, rig_t *rig, int rounds)
{
    static const unsigned fits[] = {400, 900, 1800};
    int i, count = 0;
    size_t j;

    *told_us = 0;
    for (i = 0; i < rounds; i++) {
        for (j = 0; j < PHOTOGRAPHS; j++, count++) {
            di_job_t job = rig_job;
            di_result_t result;
            picture_t out;

            job.recipe.fit_px = fits[i % 3];
            assert_int_equal(
                rig_render(&result, &out, rig, &job,
                           open_photograph(photographs[j], rig->p)),
                DI_RENDER_OK);
            *told_us += result.cpu_us;
        }
    }
    return count;
}

static void check(const char *what, apr_uint64_t told_us, apr_uint64_t used_us,
                  apr_uint64_t permille)
{
    apr_uint64_t off_us =
        told_us < used_us ? used_us - told_us : told_us - used_us;

    print_message("# %s: told %lu us, the kernel says %lu us\n", what,
                  (unsigned long)told_us, (unsigned long)used_us);
    if (off_us * 1000 > used_us * permille) {
        fail_msg("%s: off by %lu us", what, (unsigned long)off_us);
    }
}

static void renders_cost_what_the_kernel_says_within_two_percent(void **state)
{
    rig_t rig = rig_make(*state, RENDERERS);
    apr_uint64_t told_us, before_us, others_us, after_us;
    pid_t renderers[RENDERERS], same[RENDERERS];
    int count;

    rig_start(&rig);
    rig_find_renderers(renderers, RENDERERS);
    rig_wait_for_alive(&rig, RENDERERS);
    print_message("# a renderer used %lu us to start\n",
                  (unsigned long)(renderers_us(renderers, *state) / RENDERERS));
    (void)render_all(&told_us, &rig, 1);
    before_us = renderers_us(renderers, *state);
    others_us =
        kernel_us(rig_manager(), *state) + kernel_us(rig_dispatcher(), *state);
    count = render_all(&told_us, &rig, ROUNDS);
    rig_pause_ms(50); /* the last one tidies up behind its answer */
    after_us = renderers_us(renderers, *state);
    others_us = kernel_us(rig_manager(), *state) +
                kernel_us(rig_dispatcher(), *state) - others_us;
    rig_find_renderers(same, RENDERERS);
    assert_memory_equal(same, renderers, sizeof(same));
    assert_true(count >= 60);
    check(apr_psprintf(*state, "%d renders", count), told_us,
          after_us - before_us, PERMILLE);
    print_message("# manager and dispatcher together used %lu us beside\n",
                  (unsigned long)others_us);
    rig_end(&rig);
}

/* A picture that gives nothing has cost its decoding all the same. */
static void renders_that_fail_are_not_free(void **state)
{
    static const struct {
        const char *what;
        apr_size_t pct; /* of the file that is there */
        apr_uint64_t permille;
    } cases[] = {{"no gain", 100, PERMILLE},
                 /* Seen before it is decoded, within 1 ms, of which taking and
                    answering a job are a part that shows. */
                 {"broken", 60, 200}};
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        rig_t rig = rig_make(*state, 1);
        apr_file_t *whole = open_photograph("mountains", *state), *file;
        apr_size_t len = 1893066;
        char *bytes = apr_palloc(*state, len);
        apr_uint64_t before_us, told_us = 0;
        di_job_t job = rig_job;
        pid_t renderer;
        int j;

        assert_int_equal(apr_file_read_full(whole, bytes, len, NULL), 0);
        file = rig_file(bytes, len * cases[i].pct / 100, rig.p);
        job.recipe.quality = 100; /* as many bytes as before, or more */
        job.recipe.ssim_e4 = 9999;
        rig_start(&rig);
        rig_find_renderers(&renderer, 1);
        (void)render_all(&told_us, &rig, 1); /* it is up, and has its memory */
        rig_pause_ms(50);
        before_us = kernel_us(renderer, *state);
        for (j = 0, told_us = 0; j < 4; j++) {
            di_result_t result;
            picture_t out;

            assert_int_not_equal(rig_render(&result, &out, &rig, &job, file),
                                 DI_RENDER_OK);
            told_us += result.cpu_us;
        }
        rig_pause_ms(50);
        check(cases[i].what, told_us, kernel_us(renderer, *state) - before_us,
              cases[i].permille);
        rig_end(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(renders_cost_what_the_kernel_says_within_two_percent),
        UNIT(renders_that_fail_are_not_free),
    };

    rig_init();
    return UNIT_RUN(tests);
}
