/* SPDX-License-Identifier: Apache-2.0 */
#include "poolrig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <apr_portable.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

const di_job_t rig_job = {.format = DI_FORMAT_JPEG,
                          .formats = DI_FORMAT_SET(JPEG),
                          .recipe = {.quality = 50, .progressive = 1},
                          .limits = {.max_bytes = 50000000,
                                     .max_pixels = 50000000,
                                     .max_side_px = 20000,
                                     .max_frames = 200,
                                     .max_scans = 100,
                                     .max_profile_bytes = 1 << 20},
                          .urgency = DI_URGENCY_MISSING,
                          .time_limit_ms = 60000};

/* The callback has no data of its own. */
static int server_is_stopping;

static apr_pool_t *pconf_of_process;

void rig_init(void)
{
    apr_initialize();
    apr_pool_create(&pconf_of_process, NULL);
}

int rig_stopping(void)
{
    return server_is_stopping;
}

void rig_server_stops(int stops)
{
    server_is_stopping = stops;
}

rig_t rig_make(apr_pool_t *p, int renderers)
{
    rig_t rig = {.p = p,
                 .pconf = pconf_of_process,
                 .conf = {.renderers = renderers,
                          .queue = 20,
                          .age_ms = 60000,
                          .formats = DI_FORMATS_IN_DEFAULT,
                          .memory_bytes = (apr_uint64_t)400 << 20,
                          .user = "#65534",
                          .time_limit_ms = 60000}};

    server_is_stopping = 0;
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    assert_int_equal(di_workers_parent_make(&rig.workers, p), APR_SUCCESS);
    return rig;
}

void rig_start(rig_t *rig)
{
    assert_int_equal(di_workers_parent_start(rig->workers, &rig->conf,
                                             rig_stopping, rig->pconf),
                     APR_SUCCESS);
}

/* All processes of the pool are, or become, our children. */
void rig_wait_for_all(void)
{
    int i;

    for (i = 0; i < RIG_WAIT_STEPS; i++) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);

        if (pid < 0 && errno == ECHILD) {
            return;
        }
        if (pid == 0) {
            rig_pause_ms(5);
        }
    }
    fail_msg("a process is left");
}

void rig_end(rig_t *rig)
{
    server_is_stopping = 1;
    apr_pool_clear(rig->pconf);
    rig_wait_for_all();
}

/* ---- processes, seen through /proc ---- */

void rig_pause_ms(long span_ms)
{
    struct timespec span = {span_ms / 1000, span_ms % 1000 * 1000000};

    (void)nanosleep(&span, NULL);
}

static int read_stat(char comm[20], int *parent, pid_t pid)
{
    char path[64], text[512];
    FILE *file;
    char *name, *end;
    size_t len;

    apr_snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    file = fopen(path, "r");
    if (!file) {
        return 0;
    }
    len = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[len] = '\0';
    name = strchr(text, '(');
    end = strrchr(text, ')');
    if (!name || !end || end[2] == 'Z') {
        return 0;
    }
    *end = '\0';
    apr_cpystrn(comm, name + 1, 20);
    return sscanf(end + 4, "%d", parent) == 1;
}

/* Children of a process that bear a name, at most max; returns how many. */
static int children_of(pid_t *out, int max, pid_t parent, const char *name)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    int count = 0;

    while (dir && (entry = readdir(dir)) && count < max) {
        pid_t pid = (pid_t)apr_atoi64(entry->d_name);
        char comm[20];
        int its_parent;

        if (pid > 0 && read_stat(comm, &its_parent, pid) &&
            its_parent == (int)parent && !strcmp(comm, name)) {
            out[count++] = pid;
        }
    }
    closedir(dir);
    return count;
}

pid_t rig_manager(void)
{
    pid_t pid = 0;

    return children_of(&pid, 1, getpid(), "di-manager") ? pid : 0;
}

pid_t rig_dispatcher(void)
{
    pid_t manager = rig_manager(), pid = 0;

    return manager && children_of(&pid, 1, manager, "di-dispatcher") ? pid : 0;
}

void rig_find_renderers(pid_t *out, int count)
{
    int i;

    for (i = 0; i < RIG_WAIT_STEPS; i++) {
        pid_t manager = rig_manager();

        if (manager && rig_dispatcher() &&
            children_of(out, count, manager, "di-renderer") == count) {
            return;
        }
        rig_pause_ms(5);
    }
    fail_msg("no %d renderers", count);
}

/* A killed process lets go of its socket some time before it is a zombie. */
void rig_wait_for_end(pid_t pid)
{
    char comm[20];
    int i, parent;

    for (i = 0; i < RIG_WAIT_STEPS; i++) {
        if (!read_stat(comm, &parent, pid)) {
            return;
        }
        rig_pause_ms(5);
    }
    fail_msg("process %ld does not end", (long)pid);
}

void rig_maintain(void)
{
    apr_proc_other_child_refresh_all(APR_OC_REASON_RUNNING);
}

long rig_status_field(pid_t pid, const char *name)
{
    char path[64], line[256];
    long value = -1;
    FILE *file;

    apr_snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
    file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file)) {
        if (!strncmp(line, name, strlen(name))) {
            value = (long)apr_atoi64(line + strlen(name) + 1);
        }
    }
    if (file) {
        fclose(file);
    }
    return value;
}

int rig_holds(pid_t pid, int ours)
{
    char path[64];
    struct stat wanted, info;
    int fd;

    assert_int_equal(fstat(ours, &wanted), 0);
    for (fd = 0; fd < 1000; fd++) {
        apr_snprintf(path, sizeof(path), "/proc/%ld/fd/%d", (long)pid, fd);
        if (!stat(path, &info) && info.st_ino == wanted.st_ino &&
            info.st_dev == wanted.st_dev) {
            return 1;
        }
    }
    return 0;
}

/* ---- jobs ---- */

apr_file_t *rig_file(const void *bytes, apr_size_t len, apr_pool_t *p)
{
    apr_os_file_t fd = memfd_create("original", MFD_CLOEXEC);
    apr_file_t *file;

    assert_int_equal(write(fd, bytes, len), len);
    assert_int_equal(lseek(fd, 3, SEEK_SET), 3);
    assert_int_equal(apr_os_file_put(&file, &fd, APR_FOPEN_READ, p), 0);
    return file;
}

apr_file_t *rig_line(const char *line, apr_pool_t *p)
{
    return rig_file(line, strlen(line), p);
}

di_render_status_e rig_render(di_result_t *result, picture_t *out, rig_t *rig,
                              const di_job_t *job, apr_file_t *original)
{
    apr_file_t *file;

    di_workers_child_render(rig->workers, result, &file, job, original, rig->p);
    if (result->status != DI_RENDER_OK) {
        assert_null(file);
        return (di_render_status_e)result->status;
    }
    out->len = (apr_size_t)result->bytes;
    out->bytes = apr_pcalloc(rig->p, out->len + 2);
    assert_int_equal(
        apr_file_read_full(file, out->bytes, out->len + 1, &out->len), APR_EOF);
    assert_int_equal(out->len, result->bytes);
    apr_file_close(file);
    return DI_RENDER_OK;
}

di_render_status_e rig_obey(rig_t *rig, const char *line)
{
    apr_file_t *file = rig_line(line, rig->p);
    di_result_t result;
    picture_t out;
    di_render_status_e status = rig_render(&result, &out, rig, &rig_job, file);

    apr_file_close(file);
    return status;
}

static void be_caller(rig_t *rig, const di_job_t *job, apr_file_t *original,
                      int jobs, volatile int *number)
{
    di_result_t result = {.status = DI_RENDER_OK};
    picture_t out = {NULL, 0};

    if (geteuid() == 0 &&
        (setgroups(0, NULL) || setgid(RIG_NOBODY) || setuid(RIG_NOBODY))) {
        _exit(99);
    }
    while (jobs-- > 0 &&
           rig_render(&result, &out, rig, job, original) == DI_RENDER_OK) {
    }
    if (number && out.bytes && strchr((char *)out.bytes, '#')) {
        *number = (int)apr_atoi64(strchr((char *)out.bytes, '#') + 1);
    }
    _exit((int)result.status);
}

pid_t rig_fork_caller(rig_t *rig, const di_job_t *job, apr_file_t *original,
                      int jobs, volatile int *number)
{
    pid_t child = fork();

    if (child == 0) {
        be_caller(rig, job, original, jobs, number);
    }
    assert_true(child > 0);
    return child;
}

int rig_outcome(pid_t caller)
{
    int how;

    assert_int_equal(waitpid(caller, &how, 0), caller);
    return WIFEXITED(how) ? WEXITSTATUS(how) : -1;
}

di_workers_stats_t rig_stats(const rig_t *rig)
{
    di_workers_stats_t stats;

    di_workers_child_stats(&stats, rig->workers);
    return stats;
}

void rig_wait_for_waiting(const rig_t *rig, unsigned count)
{
    int i;

    for (i = 0; i < RIG_WAIT_STEPS; i++) {
        if (rig_stats(rig).waiting == count) {
            return;
        }
        rig_pause_ms(5);
    }
    fail_msg("no %u jobs wait", count);
}

void rig_wait_for_running(const rig_t *rig, unsigned count)
{
    int i;

    for (i = 0; i < RIG_WAIT_STEPS; i++) {
        if (rig_stats(rig).running == count) {
            return;
        }
        rig_pause_ms(5);
    }
    fail_msg("no %u jobs run", count);
}

void rig_wait_for_alive(const rig_t *rig, unsigned count)
{
    int i;

    for (i = 0; i < RIG_WAIT_STEPS; i++) {
        if (rig_stats(rig).alive == count) {
            return;
        }
        rig_pause_ms(5);
    }
    fail_msg("no %u renderers are alive", count);
}
