/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has a pool of one renderer render files that mean harm; tests/strace/run
 * watches it.
 *
 *     hostile <orders >results
 *
 * An order is a line "NUMBER FILE": the file is said to be of that
 * di_format_e.  A result is a line of words:
 *     NUMBER FILE status format cpu_us grown_kb
 * grown_kb: by how much the renderer's memory was at most larger than before;
 * -1 where that cannot be told.  The first line is "weakened" for a build
 * whose renderers run without the filter of system calls, else "closed".
 */
#include "poolrig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <apr_strings.h>

#include "render/sandbox.h"

/* What a site has when it sets nothing else, and a tier that searches. */
static const di_job_t usual = {
    .formats = DI_FORMATS_OUT,
    .recipe = {.fit_px = 900, .quality = 40, .ssim_e4 = 9500, .progressive = 1},
    .limits = {.max_bytes = 20971520,
               .max_pixels = 50000000,
               .max_side_px = 20000,
               .max_frames = 200,
               .max_scans = 100,
               .max_profile_bytes = 4194304},
    .urgency = DI_URGENCY_MISSING,
    .time_limit_ms = 60000};

/* Let the kernel forget the highest figure so far (proc(5), clear_refs). */
static int forget_peak(pid_t pid)
{
    char path[64];
    int fd, done;

    apr_snprintf(path, sizeof(path), "/proc/%ld/clear_refs", (long)pid);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    done = fd >= 0 && write(fd, "5", 1) == 1;
    if (fd >= 0) {
        close(fd);
    }
    return done;
}

static long grown_kb(pid_t pid, long before_kb, int known)
{
    long peak_kb = rig_status_field(pid, "VmHWM");

    return known && peak_kb >= 0 && before_kb >= 0 ? peak_kb - before_kb : -1;
}

/* Looking for it reads all of /proc, and strace stops at each call. */
static void find_again_if_gone(pid_t *renderer)
{
    if (rig_status_field(*renderer, "VmRSS") < 0) {
        rig_find_renderers(renderer, 1);
    }
}

static void obey(rig_t *rig, pid_t *renderer, unsigned format, const char *path)
{
    di_job_t job = usual;
    di_result_t result;
    apr_file_t *original, *out;
    apr_pool_t *p;
    long before_kb;
    int known;

    apr_pool_create(&p, rig->p);
    if (apr_file_open(&original, path, APR_READ | APR_BINARY, 0, p)) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(1);
    }
    job.format = format;
    find_again_if_gone(renderer);
    known = forget_peak(*renderer);
    before_kb = rig_status_field(*renderer, "VmRSS");
    di_workers_child_render(rig->workers, &result, &out, &job, original, p);
    printf("%u %s %u %u %u %ld\n", format, path, result.status, result.format,
           result.cpu_us, grown_kb(*renderer, before_kb, known));
    apr_pool_destroy(p);
}

int main(void)
{
    char line[1024];
    pid_t renderer;
    apr_pool_t *p;
    rig_t rig;

    rig_init();
    apr_pool_create(&p, NULL);
    rig = rig_make(p, 1);
    rig.conf.formats = DI_FORMATS_IN;
    rig.conf.memory_bytes = (apr_uint64_t)1 << 30;
    rig_start(&rig);
    rig_find_renderers(&renderer, 1);
    puts(di_sandbox_is_weakened() ? "weakened" : "closed");
    while (fgets(line, sizeof(line), stdin)) {
        char *path, *number = apr_strtok(line, " \n", &path);

        if (number && path) {
            obey(&rig, &renderer, (unsigned)apr_atoi64(number),
                 apr_strtok(NULL, " \n", &path));
        }
    }
    rig_end(&rig);
    return 0;
}
