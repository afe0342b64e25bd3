/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A render that does what its original says, for tests of the pool: linked
 * instead of lib/render/compose.c.  An original is one line:
 *
 *   ok           a rendition: the line, and the number of the job within this
 *                renderer
 *   wait MS      the same after so long
 *   refuse       DI_RENDER_UNSUPPORTED
 *   leak BYTES   ok, but keeps so much memory
 *   eat          takes memory until there is none: DI_RENDER_NO_MEMORY
 *   crash        a segmentation fault
 *   forbidden    a system call that the sandbox forbids
 *   hang         never ends
 *   stay         the same, and sees to it that no timer ends it
 *   desert       the same, and leaves the dispatcher before
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <apr_strings.h>

#include "render/compose.h"

#define DISPATCHER_FD 3 /* of every renderer */
#define EAT_STEP_BYTES (1 << 20)
#define EAT_MOST_STEPS 4096

int di_compose_start(unsigned formats, apr_uint64_t memory_bytes)
{
    return formats != 0 && memory_bytes != 0;
}

void di_compose_stop(void)
{
}

const char *di_compose_version(apr_pool_t *p)
{
    return apr_pstrdup(p, "fake");
}

/* Each block holds the address of the one before. */
static di_render_status_e eat(void)
{
    void **last = NULL;
    int step;

    for (step = 0; step < EAT_MOST_STEPS; step++) {
        void **block = malloc(EAT_STEP_BYTES);

        if (!block) {
            break;
        }
        memset(block, 1, EAT_STEP_BYTES);
        *block = last;
        last = block;
    }
    while (last) {
        void **next = *last;

        free(last);
        last = next;
    }
    return step < EAT_MOST_STEPS ? DI_RENDER_NO_MEMORY : DI_RENDER_FAILED;
}

static void hang(void)
{
    for (;;) {
        (void)poll(NULL, 0, 1000);
    }
}

static void stay(void)
{
    struct itimerval never = {{0, 0}, {0, 0}};

    (void)setitimer(ITIMER_REAL, &never, NULL);
    hang();
}

/* Nothing holds what is taken here, which the leak checker need not know. */
static di_render_status_e leak(size_t size)
{
    static void *volatile kept;
    void **block = malloc(size + sizeof(void *));

    if (!block) {
        return DI_RENDER_NO_MEMORY;
    }
    memset(block, 1, size);
    *block = kept;
    kept = block;
    return DI_RENDER_OK;
}

static di_render_status_e obey(const char *line)
{
    if (!strncmp(line, "wait ", 5)) {
        (void)poll(NULL, 0, (int)apr_atoi64(line + 5));
    }
    else if (!strcmp(line, "refuse")) {
        return DI_RENDER_UNSUPPORTED;
    }
    else if (!strncmp(line, "leak ", 5)) {
        return leak((size_t)apr_atoi64(line + 5));
    }
    else if (!strcmp(line, "eat")) {
        return eat();
    }
    else if (!strcmp(line, "crash")) {
        volatile apr_uintptr_t nowhere = 8;

        *(volatile int *)nowhere = 1;
    }
    else if (!strcmp(line, "forbidden")) {
        (void)fork();
    }
    else if (!strcmp(line, "hang")) {
        hang();
    }
    else if (!strcmp(line, "stay")) {
        stay();
    }
    else if (!strcmp(line, "desert")) {
        (void)close(DISPATCHER_FD);
        stay();
    }
    return DI_RENDER_OK;
}

void di_compose(di_result_t *result, unsigned char **out, const di_job_t *job,
                const unsigned char *bytes, apr_size_t len)
{
    static int jobs;
    char line[80] = "";

    memset(result, 0, sizeof(*result));
    *out = NULL;
    if (len >= sizeof(line)) {
        result->status = DI_RENDER_BROKEN;
        return;
    }
    memcpy(line, bytes, len);
    jobs++;
    result->status = (apr_uint32_t)obey(line);
    if (result->status == DI_RENDER_OK) {
        *out = malloc(120);
        result->bytes =
            (apr_uint64_t)snprintf((char *)*out, 120, "%s #%d", line, jobs);
        result->format = DI_FORMAT_JPEG;
        result->width_px = result->source_width_px = 4;
        result->height_px = result->source_height_px = 3;
    }
}
