/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real pool: this process stands for httpd's parent, children that it
 * forks for httpd's children.  It adopts every orphan, so that at the end of
 * each test it can wait until no process of the pool is left.
 */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <apr_portable.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "pictures.h"
#include "render/sandbox.h"
#include "render/workers.h"

#define NOBODY 65534

/* cmocka's skip() prints "not ok # SKIP", which prove counts as a failure. */
#define NOT_TRIED                                                              \
    do {                                                                       \
        print_message("# not tried here: %s\n", __func__);                     \
        return;                                                                \
    } while (0)
#define WAIT_STEPS 4000 /* of 5 ms */

typedef struct {
    apr_pool_t *p;
    apr_pool_t *pconf;
    di_workers_t *workers;
    di_workers_conf_t conf;
} pool_t;

/* The callback has no data of its own. */
static int server_is_stopping;

/* One for all rounds, as in httpd. */
static apr_pool_t *pconf_of_process;

static int stopping(void)
{
    return server_is_stopping;
}

static void pause_ms(long span_ms)
{
    struct timespec span = {span_ms / 1000, span_ms % 1000 * 1000000};

    (void)nanosleep(&span, NULL);
}

/* ---- processes, seen through /proc ---- */

static int read_stat(char comm[20], int *parent, long *cpu, pid_t pid)
{
    char path[64], text[512];
    unsigned long user = 0, sys = 0;
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
    (void)sscanf(end + 4, "%d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                 parent, &user, &sys);
    *cpu = (long)(user + sys);
    return 1;
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
        long cpu;

        if (pid > 0 && read_stat(comm, &its_parent, &cpu, pid) &&
            its_parent == (int)parent && !strcmp(comm, name)) {
            out[count++] = pid;
        }
    }
    closedir(dir);
    return count;
}

static pid_t manager_of_pool(void)
{
    pid_t pid = 0;

    return children_of(&pid, 1, getpid(), "di-manager") ? pid : 0;
}

/* Wait until all renderers run, and give their numbers. */
static void find_renderers(pid_t *out, int count)
{
    int i;

    for (i = 0; i < WAIT_STEPS; i++) {
        pid_t manager = manager_of_pool();

        if (manager &&
            children_of(out, count, manager, "di-renderer") == count) {
            return;
        }
        pause_ms(5);
    }
    fail_msg("no %d renderers", count);
}

/* A killed process lets go of its socket some time before it is a zombie. */
static void wait_for_end(pid_t pid)
{
    char comm[20];
    int i, parent;
    long cpu;

    for (i = 0; i < WAIT_STEPS; i++) {
        if (!read_stat(comm, &parent, &cpu, pid)) {
            return;
        }
        pause_ms(5);
    }
    fail_msg("process %ld does not end", (long)pid);
}

static long cpu_of(pid_t pid)
{
    char comm[20];
    int parent;
    long cpu = 0;

    return read_stat(comm, &parent, &cpu, pid) ? cpu : 0;
}

/* The renderer that has begun to work hard. */
static pid_t wait_for_work(const pid_t *renderers, int count)
{
    long before[8];
    int i, step;

    for (i = 0; i < count; i++) {
        before[i] = cpu_of(renderers[i]);
    }
    for (step = 0; step < WAIT_STEPS; step++) {
        for (i = 0; i < count; i++) {
            if (cpu_of(renderers[i]) > before[i] + 5) {
                return renderers[i];
            }
        }
        pause_ms(5);
    }
    fail_msg("no renderer works");
    return 0;
}

/* Every process of the pool has ended: all of them are our children. */
static void wait_for_all(void)
{
    int i;

    for (i = 0; i < WAIT_STEPS; i++) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);

        if (pid < 0 && errno == ECHILD) {
            return;
        }
        if (pid == 0) {
            pause_ms(5);
        }
    }
    fail_msg("a process is left");
}

/* ---- the pool and its callers ---- */

static void start_pool(pool_t *pool)
{
    assert_int_equal(di_workers_parent_start(pool->workers, &pool->conf,
                                             stopping, pool->pconf),
                     APR_SUCCESS);
}

static pool_t make_pool(apr_pool_t *p, int renderers)
{
    pool_t pool = {.p = p,
                   .pconf = pconf_of_process,
                   .conf = {.renderers = renderers,
                            .queue = 20,
                            .memory_bytes = (apr_uint64_t)400 << 20,
                            .user = "#65534",
                            .time_limit_ms = 60000}};

    server_is_stopping = 0;
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    assert_int_equal(di_workers_parent_make(&pool.workers, p), APR_SUCCESS);
    return pool;
}

static void end_pool(pool_t *pool)
{
    server_is_stopping = 1;
    apr_pool_clear(pool->pconf);
    wait_for_all();
}

static const di_job_t plain = {.format = DI_FORMAT_JPEG,
                               .fit_px = 100,
                               .quality = 50,
                               .progressive = 1,
                               .max_pixels = 50000000,
                               .max_bytes = 50000000,
                               .time_limit_ms = 60000};

/* A picture as an open file whose name is gone. */
static apr_file_t *file_of(const picture_t *picture, apr_pool_t *p)
{
    apr_os_file_t fd = memfd_create("original", MFD_CLOEXEC);
    apr_file_t *file;

    assert_int_equal(write(fd, picture->bytes, picture->len), picture->len);
    assert_int_equal(lseek(fd, 3, SEEK_SET), 3);
    assert_int_equal(apr_os_file_put(&file, &fd, APR_FOPEN_READ, p), 0);
    return file;
}

static di_render_status_e render(di_result_t *result, picture_t *out,
                                 pool_t *pool, const di_job_t *job,
                                 apr_file_t *original)
{
    apr_file_t *file;

    di_workers_child_render(pool->workers, result, &file, job, original,
                            pool->p);
    if (result->status != DI_RENDER_OK) {
        assert_null(file);
        return (di_render_status_e)result->status;
    }
    out->len = (apr_size_t)result->bytes;
    out->bytes = apr_palloc(pool->p, out->len + 1);
    assert_int_equal(
        apr_file_read_full(file, out->bytes, out->len + 1, &out->len), APR_EOF);
    assert_int_equal(out->len, result->bytes);
    apr_file_close(file);
    return DI_RENDER_OK;
}

/* Render in a child of httpd: www-data, say.  Its exit code is the status of
   the first job that did not end as wanted, else DI_RENDER_OK. */
static pid_t fork_caller(pool_t *pool, const di_job_t *job,
                         apr_file_t *original, int jobs)
{
    pid_t child = fork();

    if (child == 0) {
        di_result_t result = {.status = DI_RENDER_OK};
        picture_t out;

        if (geteuid() == 0 &&
            (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))) {
            _exit(99);
        }
        while (jobs-- > 0 &&
               render(&result, &out, pool, job, original) == DI_RENDER_OK) {
        }
        _exit((int)result.status);
    }
    return child;
}

static int outcome_of(pid_t caller)
{
    int how;

    assert_int_equal(waitpid(caller, &how, 0), caller);
    return WIFEXITED(how) ? WEXITSTATUS(how) : -1;
}

/* A job that keeps a renderer busy for seconds. */
static apr_file_t *heavy(di_job_t *job, apr_pool_t *p)
{
    picture_t picture = picture_make("PNG", 1500, 1200, PICTURE_NOISE, p);

    *job = plain;
    job->format = DI_FORMAT_PNG;
    job->colors = 256;
    return file_of(&picture, p);
}

/* ---- tests ---- */

typedef struct {
    di_format_e format;
    const char *coder;
    unsigned flags, colors, fit;
} format_case_t;

static const format_case_t formats[] = {
    {DI_FORMAT_JPEG, "JPEG", 0, 0, 0},
    {DI_FORMAT_JPEG, "JPEG", PICTURE_NOISE, 0, 200},
    {DI_FORMAT_JPEG, "JPEG", PICTURE_NOISE | PICTURE_PROGRESSIVE, 0, 150},
    {DI_FORMAT_JPEG, "JPEG", PICTURE_NOISE | PICTURE_ICC, 0, 33},
    {DI_FORMAT_JPEG, "JPEG", PICTURE_GRAY, 0, 100},
    {DI_FORMAT_PNG, "PNG", PICTURE_NOISE, 0, 0},
    {DI_FORMAT_PNG, "PNG", PICTURE_NOISE, 64, 0},
    {DI_FORMAT_PNG, "PNG", PICTURE_ALPHA, 16, 0},
    {DI_FORMAT_PNG, "PNG", PICTURE_GRAY, 16, 0},
    {DI_FORMAT_GIF, "GIF", PICTURE_GRAY, 0, 0},
    {DI_FORMAT_GIF, "GIF", PICTURE_ALPHA, 16, 0},
    {DI_FORMAT_GIF, "GIF", PICTURE_GRAY, 16, 0},
    {DI_FORMAT_WEBP, "WEBP", PICTURE_NOISE, 0, 0},
    {DI_FORMAT_WEBP, "WEBP", PICTURE_ALPHA, 0, 0},
};

static void every_format_is_rendered_in_the_sandbox(void **state)
{
    pool_t pool = make_pool(*state, 2);
    size_t i;

    start_pool(&pool);
    for (i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
        const format_case_t *c = &formats[i];
        picture_t in = picture_make(c->coder, 400, 300, c->flags, pool.p), once,
                  twice;
        apr_file_t *file = file_of(&in, pool.p);
        apr_off_t offset = 0;
        di_job_t job = plain;
        di_result_t result;
        unsigned width, height;
        int status;

        job.format = c->format;
        job.fit_px = c->fit;
        job.colors = c->colors;
        status = render(&result, &once, &pool, &job, file);
        if (status != DI_RENDER_OK) {
            fail_msg("case %zu: status %d", i, status);
        }
        assert_non_null(picture_pixels(&width, &height, c->coder, once.bytes,
                                       once.len, pool.p));
        assert_int_equal(width, result.width_px);
        assert_int_equal(height, result.height_px);
        assert_true(result.cpu_us > 0);
        assert_int_equal(render(&result, &twice, &pool, &job, file), 0);
        assert_int_equal(once.len, twice.len);
        assert_memory_equal(once.bytes, twice.bytes, once.len);
        apr_file_seek(file, APR_CUR, &offset);
        assert_int_equal(offset, 3);
    }
    end_pool(&pool);
}

static void what_is_refused_is_refused_through_the_pool_too(void **state)
{
    static const char svg[] = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
    pool_t pool = make_pool(*state, 1);
    picture_t png = picture_make("PNG", 50, 50, 0, pool.p);
    picture_t jpeg = picture_make("JPEG", 400, 300, PICTURE_NOISE, pool.p);
    picture_t text = {(unsigned char *)apr_pstrdup(pool.p, svg),
                      sizeof(svg) - 1};
    picture_t none = {(unsigned char *)"", 0}, out;
    di_job_t job = plain;
    di_result_t result;
    int pipes[2];
    apr_file_t *pipe_file;

    start_pool(&pool);
    assert_int_equal(render(&result, &out, &pool, &job, file_of(&text, pool.p)),
                     DI_RENDER_UNSUPPORTED);
    assert_int_equal(render(&result, &out, &pool, &job, file_of(&none, pool.p)),
                     DI_RENDER_UNSUPPORTED);
    assert_int_equal(pipe(pipes), 0);
    apr_os_file_put(&pipe_file, &pipes[0], APR_FOPEN_READ, pool.p);
    assert_int_equal(render(&result, &out, &pool, &job, pipe_file),
                     DI_RENDER_UNSUPPORTED);
    close(pipes[0]);
    close(pipes[1]);
    job.max_bytes = jpeg.len - 1;
    assert_int_equal(render(&result, &out, &pool, &job, file_of(&jpeg, pool.p)),
                     DI_RENDER_TOO_LARGE);
    job = plain;
    jpeg.len = jpeg.len / 2;
    assert_int_equal(render(&result, &out, &pool, &job, file_of(&jpeg, pool.p)),
                     DI_RENDER_BROKEN);
    memcpy(png.bytes + 16, "\0\0\x75\x30\0\0\x75\x30", 8);
    job.format = DI_FORMAT_PNG;
    assert_int_equal(render(&result, &out, &pool, &job, file_of(&png, pool.p)),
                     DI_RENDER_TOO_LARGE);
    end_pool(&pool);
}

static void a_renderer_killed_at_its_job_is_told_and_replaced(void **state)
{
    pool_t pool = make_pool(*state, 2);
    picture_t small = picture_make("JPEG", 200, 100, 0, pool.p), out;
    di_result_t result;
    pid_t renderers[2], caller, victim;
    apr_file_t *file;
    di_job_t job;

    start_pool(&pool);
    file = heavy(&job, pool.p);
    find_renderers(renderers, 2);
    assert_int_equal(
        render(&result, &out, &pool, &plain, file_of(&small, pool.p)),
        DI_RENDER_OK);
    caller = fork_caller(&pool, &job, file, 1);
    victim = wait_for_work(renderers, 2);
    assert_int_equal(kill(victim, SIGKILL), 0);
    assert_int_equal(outcome_of(caller), DI_RENDER_DIED);
    assert_int_equal(
        render(&result, &out, &pool, &plain, file_of(&small, pool.p)),
        DI_RENDER_OK);
    wait_for_end(victim);
    find_renderers(renderers, 2);
    assert_int_not_equal(renderers[0], victim);
    assert_int_not_equal(renderers[1], victim);
    end_pool(&pool);
}

static void a_job_over_its_time_is_given_up_and_its_renderer_ended(void **state)
{
    pool_t pool = make_pool(*state, 1);
    picture_t small = picture_make("JPEG", 200, 100, 0, pool.p), out;
    pid_t before, after;
    di_result_t result;
    apr_file_t *file;
    di_job_t job;

    start_pool(&pool);
    file = heavy(&job, pool.p);
    find_renderers(&before, 1);
    assert_int_equal(
        render(&result, &out, &pool, &plain, file_of(&small, pool.p)),
        DI_RENDER_OK);
    job.time_limit_ms = 100;
    assert_int_equal(render(&result, &out, &pool, &job, file),
                     DI_RENDER_TIMEOUT);
    assert_int_equal(
        render(&result, &out, &pool, &plain, file_of(&small, pool.p)),
        DI_RENDER_OK);
    wait_for_end(before);
    find_renderers(&after, 1);
    assert_int_not_equal(before, after);
    end_pool(&pool);
}

static void a_pools_own_limit_bounds_every_job(void **state)
{
    pool_t pool = make_pool(*state, 1);
    di_result_t result;
    picture_t out;
    apr_file_t *file;
    di_job_t job;

    pool.conf.time_limit_ms = 100;
    start_pool(&pool);
    file = heavy(&job, pool.p);
    assert_int_equal(render(&result, &out, &pool, &job, file),
                     DI_RENDER_TIMEOUT);
    end_pool(&pool);
}

static void a_picture_too_large_for_memory_does_no_harm(void **state)
{
    pool_t pool = make_pool(*state, 1);
    picture_t small = picture_make("JPEG", 200, 100, 0, pool.p), out;
    di_result_t result;
    apr_file_t *file;
    di_job_t job;

    if (di_sandbox_is_weakened()) {
        NOT_TRIED;
    }
    pool.conf.memory_bytes = 12 << 20;
    start_pool(&pool);
    file = heavy(&job, pool.p);
    assert_int_equal(render(&result, &out, &pool, &job, file),
                     DI_RENDER_NO_MEMORY);
    assert_int_equal(
        render(&result, &out, &pool, &plain, file_of(&small, pool.p)),
        DI_RENDER_OK);
    end_pool(&pool);
}

static void a_full_queue_is_told_at_once_and_loses_nothing(void **state)
{
    enum { CALLERS = 10 };
    pool_t pool = make_pool(*state, 1);
    picture_t small = picture_make("JPEG", 200, 100, 0, pool.p);
    apr_file_t *file = file_of(&small, pool.p);
    pid_t renderer, callers[CALLERS];
    int i, busy = 0, ok = 0;

    pool.conf.queue = 2;
    start_pool(&pool);
    find_renderers(&renderer, 1);
    assert_int_equal(kill(renderer, SIGSTOP), 0);
    for (i = 0; i < CALLERS; i++) {
        callers[i] = fork_caller(&pool, &plain, file, 1);
    }
    /* Those who find the queue full end while nobody serves it. */
    while (busy < CALLERS - pool.conf.queue - 1) {
        int how;
        pid_t pid = waitpid(-1, &how, 0);

        assert_true(pid > 0 && WIFEXITED(how));
        assert_int_equal(WEXITSTATUS(how), DI_RENDER_BUSY);
        for (i = 0; i < CALLERS; i++) {
            callers[i] = callers[i] == pid ? 0 : callers[i];
        }
        busy++;
    }
    assert_int_equal(kill(renderer, SIGCONT), 0);
    for (i = 0; i < CALLERS; i++) {
        ok += callers[i] && outcome_of(callers[i]) == DI_RENDER_OK;
    }
    assert_int_equal(ok, pool.conf.queue + 1);
    end_pool(&pool);
}

static void a_killed_manager_is_replaced_and_loses_no_job(void **state)
{
    pool_t pool = make_pool(*state, 2);
    picture_t small = picture_make("JPEG", 200, 100, 0, pool.p);
    apr_file_t *file = file_of(&small, pool.p);
    pid_t renderers[2], manager, caller, again = 0;
    int i;

    start_pool(&pool);
    find_renderers(renderers, 2);
    manager = manager_of_pool();
    assert_int_equal(kill(manager, SIGKILL), 0);
    caller = fork_caller(&pool, &plain, file, 3);
    for (i = 0; i < WAIT_STEPS && (!again || again == manager); i++) {
        apr_proc_other_child_refresh_all(APR_OC_REASON_RUNNING);
        again = manager_of_pool();
        pause_ms(5);
    }
    assert_true(again && again != manager);
    assert_int_equal(outcome_of(caller), DI_RENDER_OK);
    end_pool(&pool);
}

static void a_dead_manager_is_not_replaced_while_the_server_stops(void **state)
{
    pool_t pool = make_pool(*state, 1);
    pid_t renderer, manager;

    start_pool(&pool);
    find_renderers(&renderer, 1);
    manager = manager_of_pool();
    server_is_stopping = 1;
    assert_int_equal(kill(manager, SIGKILL), 0);
    while (kill(manager, 0) == 0) {
        apr_proc_other_child_refresh_all(APR_OC_REASON_RUNNING);
        pause_ms(1);
    }
    assert_int_equal(manager_of_pool(), 0);
    end_pool(&pool);
}

static void restarts_under_load_lose_no_job(void **state)
{
    enum { CALLERS = 3, RESTARTS = 4 };
    pool_t pool = make_pool(*state, 2);
    picture_t noise = picture_make("JPEG", 600, 400, PICTURE_NOISE, pool.p);
    apr_file_t *file = file_of(&noise, pool.p);
    pid_t callers[CALLERS], renderers[2];
    di_job_t job = plain;
    int i;

    job.fit_px = 0;
    start_pool(&pool);
    for (i = 0; i < CALLERS; i++) {
        callers[i] = fork_caller(&pool, &job, file, 25);
    }
    for (i = 0; i < RESTARTS; i++) {
        find_renderers(renderers, 2);
        (void)wait_for_work(renderers, 2);
        apr_pool_clear(pool.pconf);
        assert_int_equal(manager_of_pool(), 0);
        start_pool(&pool);
    }
    for (i = 0; i < CALLERS; i++) {
        assert_int_equal(outcome_of(callers[i]), DI_RENDER_OK);
    }
    end_pool(&pool);
}

static void a_job_in_work_is_finished_after_the_pool_was_ended(void **state)
{
    pool_t pool = make_pool(*state, 1);
    pid_t renderer, caller;
    apr_file_t *file;
    di_job_t job;

    start_pool(&pool);
    file = heavy(&job, pool.p);
    job.colors = 0; /* half a second is enough here */
    find_renderers(&renderer, 1);
    caller = fork_caller(&pool, &job, file, 1);
    (void)wait_for_work(&renderer, 1);
    apr_pool_clear(pool.pconf);
    assert_int_equal(outcome_of(caller), DI_RENDER_OK);
    wait_for_all();
}

static void a_stuck_renderer_is_killed_after_the_pool_was_ended(void **state)
{
    pool_t pool = make_pool(*state, 1);
    pid_t renderer;

    pool.conf.time_limit_ms = 200;
    start_pool(&pool);
    find_renderers(&renderer, 1);
    assert_int_equal(kill(renderer, SIGSTOP), 0);
    end_pool(&pool);
    assert_int_equal(kill(renderer, 0), -1);
}

static void the_pool_ends_with_httpds_parent(void **state)
{
    pool_t pool = make_pool(*state, 2);
    pid_t parent = fork();

    if (parent == 0) {
        pid_t renderers[2];

        if (di_workers_parent_start(pool.workers, &pool.conf, stopping,
                                    pool.pconf) == APR_SUCCESS) {
            find_renderers(renderers, 2);
            (void)kill(getpid(), SIGKILL);
        }
        _exit(1);
    }
    assert_int_equal(outcome_of(parent), -1);
    wait_for_all();
}

static void without_renderers_the_caller_is_told(void **state)
{
    pool_t pool = make_pool(*state, 1);
    picture_t small = picture_make("JPEG", 200, 100, 0, pool.p), out;
    apr_file_t *file = file_of(&small, pool.p);
    di_result_t result;

    assert_int_equal(render(&result, &out, &pool, &plain, file),
                     DI_RENDER_NO_POOL);
    pool.workers = NULL;
    assert_int_equal(render(&result, &out, &pool, &plain, file),
                     DI_RENDER_NO_POOL);
}

static void illegal_settings_start_nothing(void **state)
{
    static const char *const users[] = {"root", "#0", "#",
                                        "#12x", "",   "no-such-user-here"};
    pool_t pool = make_pool(*state, 1);
    size_t i;

    pool.conf.renderers = 0;
    assert_int_equal(
        di_workers_parent_start(pool.workers, &pool.conf, stopping, pool.p),
        APR_EINVAL);
    pool.conf.renderers = 65;
    assert_int_equal(
        di_workers_parent_start(pool.workers, &pool.conf, stopping, pool.p),
        APR_EINVAL);
    pool.conf.renderers = 1;
    for (i = 0; geteuid() == 0 && i < sizeof(users) / sizeof(*users); i++) {
        pool.conf.user = users[i];
        assert_int_not_equal(
            di_workers_parent_start(pool.workers, &pool.conf, stopping, pool.p),
            APR_SUCCESS);
    }
    wait_for_all();
}

/* Whether a process holds what a path below its /proc/PID/fd leads to. */
static int holds(pid_t pid, int ours)
{
    char path[64];
    struct stat wanted, info;
    int fd;

    assert_int_equal(fstat(ours, &wanted), 0);
    for (fd = 0; fd < 100; fd++) {
        apr_snprintf(path, sizeof(path), "/proc/%ld/fd/%d", (long)pid, fd);
        if (!stat(path, &info) && info.st_ino == wanted.st_ino &&
            info.st_dev == wanted.st_dev) {
            return 1;
        }
    }
    return 0;
}

static void inherited_descriptors_are_closed(void **state)
{
    pool_t pool = make_pool(*state, 1);
    int listening = socket(AF_INET, SOCK_STREAM, 0), log_pipe[2];
    pid_t renderer;

    assert_int_equal(pipe(log_pipe), 0);
    start_pool(&pool);
    find_renderers(&renderer, 1);
    assert_true(holds(getpid(), listening));
    assert_true(holds(getpid(), log_pipe[1]));
    assert_false(holds(manager_of_pool(), listening));
    assert_false(holds(manager_of_pool(), log_pipe[1]));
    if (geteuid() == 0) {
        assert_false(holds(renderer, listening));
        assert_false(holds(renderer, log_pipe[1]));
        assert_false(holds(renderer, STDERR_FILENO) &&
                     !di_sandbox_is_weakened() && !isatty(STDERR_FILENO) &&
                     !holds(renderer, STDOUT_FILENO));
    }
    end_pool(&pool);
    close(listening);
    close(log_pipe[0]);
    close(log_pipe[1]);
}

/* A number from /proc/PID/status, or -1. */
static long status_field(pid_t pid, const char *name)
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
    fclose(file);
    return value;
}

static void a_renderer_has_no_rights(void **state)
{
    pool_t pool = make_pool(*state, 1);
    picture_t small = picture_make("JPEG", 200, 100, 0, pool.p), out;
    di_result_t result;
    pid_t renderer;

    start_pool(&pool);
    find_renderers(&renderer, 1);
    assert_int_equal(
        render(&result, &out, &pool, &plain, file_of(&small, pool.p)),
        DI_RENDER_OK);
    assert_int_equal(status_field(renderer, "NoNewPrivs:"), 1);
    assert_int_equal(status_field(renderer, "CapEff:"), 0);
    assert_int_not_equal(status_field(renderer, "Uid:"), 0);
    if (!di_sandbox_is_weakened() && di_sandbox_kernel() & DI_KERNEL_SECCOMP) {
        assert_int_equal(status_field(renderer, "Seccomp:"), 2);
    }
    end_pool(&pool);
}

static void a_stranger_who_connects_and_is_silent_is_dropped(void **state)
{
    pool_t pool = make_pool(*state, 1);
    picture_t small = picture_make("JPEG", 200, 100, 0, pool.p);
    apr_file_t *file = file_of(&small, pool.p);
    pid_t renderer, stopped;

    start_pool(&pool);
    find_renderers(&renderer, 1);
    /* A caller that dies between connect and answer. */
    assert_int_equal(kill(renderer, SIGSTOP), 0);
    stopped = fork_caller(&pool, &plain, file, 1);
    pause_ms(50);
    assert_int_equal(kill(stopped, SIGKILL), 0);
    assert_int_equal(outcome_of(stopped), -1);
    assert_int_equal(kill(renderer, SIGCONT), 0);
    assert_int_equal(outcome_of(fork_caller(&pool, &plain, file, 1)),
                     DI_RENDER_OK);
    end_pool(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(every_format_is_rendered_in_the_sandbox),
        UNIT(what_is_refused_is_refused_through_the_pool_too),
        UNIT(a_renderer_killed_at_its_job_is_told_and_replaced),
        UNIT(a_job_over_its_time_is_given_up_and_its_renderer_ended),
        UNIT(a_pools_own_limit_bounds_every_job),
        UNIT(a_picture_too_large_for_memory_does_no_harm),
        UNIT(a_full_queue_is_told_at_once_and_loses_nothing),
        UNIT(a_killed_manager_is_replaced_and_loses_no_job),
        UNIT(a_dead_manager_is_not_replaced_while_the_server_stops),
        UNIT(restarts_under_load_lose_no_job),
        UNIT(a_job_in_work_is_finished_after_the_pool_was_ended),
        UNIT(a_stuck_renderer_is_killed_after_the_pool_was_ended),
        UNIT(the_pool_ends_with_httpds_parent),
        UNIT(without_renderers_the_caller_is_told),
        UNIT(illegal_settings_start_nothing),
        UNIT(inherited_descriptors_are_closed),
        UNIT(a_renderer_has_no_rights),
        UNIT(a_stranger_who_connects_and_is_silent_is_dropped),
    };

    apr_initialize();
    apr_pool_create(&pconf_of_process, NULL);
    return UNIT_RUN(tests);
}
