/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time of one render, and what the pool adds to it.
 *
 *     bench_render FILE FIT QUALITY ROUNDS
 *
 * prints the medians of ROUNDS:
 *     render_cpu_ms     decode, scale, encode, in this process
 *     pool_overhead_ms  wall time of the same render through the pool, less
 *                       the CPU time that the renderer reports
 *     bytes             of the rendition
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <apr_general.h>

#include "base/arg.h"
#include "image/sniff.h"
#include "render/compose.h"
#include "render/workers.h"

#define ROUNDS_MAX 1000

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof(*values), compare);
    return values[count / 2];
}

static double now_ms(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int never(void)
{
    return 0;
}

/* In a process of its own: the library's state must not reach the pool. */
static int bench_alone(const char *path, di_job_t job, int rounds)
{
    double cpu[ROUNDS_MAX];
    struct stat st;
    unsigned char *bytes, *out;
    di_result_t result;
    int fd = open(path, O_RDONLY), i;

    if (fd < 0 || fstat(fd, &st) || !(bytes = malloc((size_t)st.st_size)) ||
        read(fd, bytes, (size_t)st.st_size) != st.st_size ||
        !di_compose_start(DI_FORMATS_IN, 1 << 30)) {
        return 1;
    }
    for (i = 0; i < rounds; i++) {
        double start = now_ms(CLOCK_PROCESS_CPUTIME_ID);
        di_compose(&result, &out, &job, bytes, (apr_size_t)st.st_size);
        cpu[i] = now_ms(CLOCK_PROCESS_CPUTIME_ID) - start;
        if (result.status != DI_RENDER_OK) {
            return 1;
        }
        free(out);
    }
    printf("render_cpu_ms %.3f\nbytes %" APR_UINT64_T_FMT "\n",
           median(cpu, rounds), result.bytes);
    fflush(stdout);
    return 0;
}

static int bench_pool(const char *path, di_job_t job, int rounds, apr_pool_t *p)
{
    di_workers_conf_t conf = {.renderers = 1,
                              .formats = DI_FORMATS_IN_DEFAULT,
                              .age_ms = 1000,
                              .queue = 8,
                              .memory_bytes = 1 << 30,
                              .user = "nobody",
                              .time_limit_ms = 20000};
    double extra[ROUNDS_MAX];
    di_workers_t *workers;
    apr_pool_t *pconf, *preq;
    di_result_t result;
    apr_file_t *original, *out;
    int i;

    apr_pool_create(&pconf, p);
    if (di_workers_parent_make(&workers, p) ||
        di_workers_parent_start(workers, &conf, never, pconf)) {
        return 1;
    }
    for (i = 0; i < rounds; i++) {
        double start;
        apr_pool_create(&preq, p);
        if (apr_file_open(&original, path, APR_READ, 0, preq)) {
            return 1;
        }
        start = now_ms(CLOCK_MONOTONIC);
        di_workers_child_render(workers, &result, &out, &job, original, preq);
        extra[i] =
            now_ms(CLOCK_MONOTONIC) - start - (double)result.cpu_us / 1000;
        if (result.status != DI_RENDER_OK) {
            return 1;
        }
        apr_pool_destroy(preq);
    }
    printf("pool_overhead_ms %.3f\n", median(extra, rounds));
    apr_pool_destroy(pconf);
    return 0;
}

/* A number of the command line; 0 when it is none. */
static apr_uint32_t number(const char *text)
{
    apr_int64_t value = 0;

    (void)ds_arg_decimal(&value, text, strlen(text));
    return value > 0 && value <= 1000000 ? (apr_uint32_t)value : 0;
}

int main(int argc, char **argv)
{
    di_job_t job = {.format = DI_FORMAT_JPEG,
                    .formats = DI_FORMAT_SET(JPEG),
                    .limits = {.max_bytes = 100000000,
                               .max_pixels = 100000000,
                               .max_side_px = DI_SIDE_MAX_PX,
                               .max_frames = 1,
                               .max_scans = 100,
                               .max_profile_bytes = 4 << 20},
                    .time_limit_ms = 20000};
    apr_pool_t *p;
    int rounds = argc == 5 ? (int)number(argv[4]) : 0, status;
    pid_t child;

    if (rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: %s FILE FIT QUALITY ROUNDS\n", argv[0]);
        return 2;
    }
    job.recipe.fit_px = number(argv[2]);
    job.recipe.quality = number(argv[3]);
    child = fork();
    if (child == 0) {
        _exit(bench_alone(argv[1], job, rounds));
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status) {
        return 1;
    }
    apr_initialize();
    apr_pool_create(&p, NULL);
    return bench_pool(argv[1], job, rounds, p);
}
