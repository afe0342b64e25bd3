/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life and death of the render pool, its queue, its counters: with real
 * processes, and renders that do what the test says (fake_compose.c).
 */
#include "poolrig.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_portable.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "render/fdmsg.h"
#include "render/sandbox.h"
#include "render/wire.h"
#include "render/workers_in.h"

/* What the system refuses: each process of the pool has what was set when it
   was forked. */
static int accepts_that_fail;

static int forks_fail;

/* Comes before that of APR, for httpd's parent. */
apr_status_t apr_proc_fork(apr_proc_t *proc, apr_pool_t *p)
{
    if (forks_fail) {
        return APR_EAGAIN;
    }
    memset(proc, 0, sizeof(*proc));
    proc->pid = fork();
    return proc->pid < 0 ? errno : proc->pid ? APR_INPARENT : APR_INCHILD;
}

/* Comes before that of libc. */
int accept4(int sock, __SOCKADDR_ARG address, socklen_t *len, int flags)
{
    if (accepts_that_fail) {
        accepts_that_fail--;
        errno = EMFILE;
        return -1;
    }
    return (int)syscall(SYS_accept4, sock, NULL, NULL, flags);
}

/* ---- one job ---- */

static void a_job_is_rendered_and_refused_as_its_renderer_says(void **state)
{
    rig_t rig = rig_make(*state, 2);
    apr_file_t *file = rig_line("ok", rig.p);
    apr_off_t offset = 0;
    di_result_t result;
    picture_t out;

    rig_start(&rig);
    assert_int_equal(rig_render(&result, &out, &rig, &rig_job, file),
                     DI_RENDER_OK);
    assert_string_equal(out.bytes, "ok #1");
    assert_int_equal(result.width_px, 4);
    assert_int_equal(result.height_px, 3);
    assert_int_equal(result.format, DI_FORMAT_JPEG);
    apr_file_seek(file, APR_CUR, &offset);
    assert_int_equal(offset, 3);
    assert_int_equal(rig_obey(&rig, "refuse"), DI_RENDER_UNSUPPORTED);
    rig_end(&rig);
}

static void what_is_no_file_or_too_long_does_not_reach_a_renderer(void **state)
{
    rig_t rig = rig_make(*state, 1);
    di_job_t job = rig_job;
    apr_file_t *pipe_file;
    di_result_t result;
    picture_t out;
    int pipes[2];

    rig_start(&rig);
    assert_int_equal(pipe(pipes), 0);
    apr_os_file_put(&pipe_file, &pipes[0], APR_FOPEN_READ, rig.p);
    assert_int_equal(rig_render(&result, &out, &rig, &job, pipe_file),
                     DI_RENDER_UNSUPPORTED);
    assert_int_equal(
        rig_render(&result, &out, &rig, &job, rig_file("", 0, rig.p)),
        DI_RENDER_UNSUPPORTED);
    job.limits.max_bytes = 1;
    assert_int_equal(
        rig_render(&result, &out, &rig, &job, rig_line("ok", rig.p)),
        DI_RENDER_TOO_MANY_BYTES);
    assert_int_equal(rig_stats(&rig).taken, 0);
    close(pipes[0]);
    close(pipes[1]);
    rig_end(&rig);
}

/* Which of the descriptor's rights is missing does not matter here. */
static void an_original_that_cannot_be_read_is_not_called_broken(void **state)
{
    rig_t rig = rig_make(*state, 1);
    apr_os_file_t fd = memfd_create("original", MFD_CLOEXEC), deaf;
    di_result_t result;
    apr_file_t *file;
    picture_t out;

    rig_start(&rig);
    assert_int_equal(write(fd, "ok", 2), 2);
    deaf = open(apr_psprintf(rig.p, "/proc/self/fd/%d", fd), O_WRONLY);
    assert_int_equal(apr_os_file_put(&file, &deaf, APR_FOPEN_WRITE, rig.p), 0);
    assert_int_equal(rig_render(&result, &out, &rig, &rig_job, file),
                     DI_RENDER_FAILED);
    close(deaf);
    close(fd);
    rig_end(&rig);
}

static void a_format_that_is_off_reaches_no_decoder(void **state)
{
    rig_t rig = rig_make(*state, 1);
    di_job_t job = rig_job;
    di_result_t result;
    picture_t out;

    rig_start(&rig);
    job.format = DI_FORMAT_TIFF;
    assert_int_equal(
        rig_render(&result, &out, &rig, &job, rig_line("crash", rig.p)),
        DI_RENDER_FAILED);
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
    assert_int_equal(rig_stats(&rig).died, 0);
    rig_end(&rig);
}

static void a_renderer_that_dies_at_its_job_is_told_and_replaced(void **state)
{
    static const char *const lines[] = {"crash", "forbidden"};
    rig_t rig = rig_make(*state, 1);
    size_t i;

    rig_start(&rig);
    for (i = 0; i < 2; i++) {
        pid_t before, after;

        if (i == 1 && (di_sandbox_is_weakened() ||
                       !(di_sandbox_kernel() & DI_KERNEL_SECCOMP))) {
            break;
        }
        rig_find_renderers(&before, 1);
        assert_int_equal(rig_obey(&rig, lines[i]), DI_RENDER_DIED);
        assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
        rig_find_renderers(&after, 1);
        assert_int_not_equal(before, after);
        assert_int_equal(rig_stats(&rig).died, i + 1);
    }
    rig_end(&rig);
}

static void a_job_over_its_time_is_given_up_and_its_renderer_ended(void **state)
{
    rig_t rig = rig_make(*state, 1);
    di_job_t job = rig_job;
    pid_t before, after;
    di_result_t result;
    picture_t out;

    rig_start(&rig);
    rig_find_renderers(&before, 1);
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
    job.time_limit_ms = 400;
    assert_int_equal(
        rig_render(&result, &out, &rig, &job, rig_line("hang", rig.p)),
        DI_RENDER_TIMEOUT);
    /* The renderer told nothing of its time; it had most of the limit. */
    assert_in_range(result.cpu_us, 200000, 400000 + 1000000);
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
    rig_find_renderers(&after, 1);
    assert_int_not_equal(before, after);
    assert_int_equal(rig_stats(&rig).timed_out, 1);
    assert_int_equal(rig_stats(&rig).died, 0);
    rig_end(&rig);
}

static void a_renderer_that_no_timer_ends_is_killed_and_replaced(void **state)
{
    static const struct {
        const char *line;
        unsigned timed_out, died; /* so far */
    } cases[] = {{"stay", 1, 0}, {"desert", 1, 1}};
    rig_t rig = rig_make(*state, 1);
    di_job_t job = rig_job;
    size_t i;

    rig_start(&rig);
    job.time_limit_ms = 400;
    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        pid_t before, after;
        di_result_t result;
        picture_t out;

        rig_find_renderers(&before, 1);
        assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
        assert_int_equal(rig_render(&result, &out, &rig, &job,
                                    rig_line(cases[i].line, rig.p)),
                         DI_RENDER_TIMEOUT);
        assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
        rig_find_renderers(&after, 1);
        assert_int_not_equal(before, after);
        assert_int_equal(rig_stats(&rig).timed_out, cases[i].timed_out);
        assert_int_equal(rig_stats(&rig).died, cases[i].died);
    }
    rig_end(&rig);
}

static void a_stopped_renderer_is_killed_and_replaced(void **state)
{
    rig_t rig = rig_make(*state, 1);
    di_job_t job = rig_job;
    pid_t before, after;
    di_result_t result;
    picture_t out;

    rig_start(&rig);
    rig_find_renderers(&before, 1);
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
    rig_wait_for_running(&rig, 0);
    assert_int_equal(kill(before, SIGSTOP), 0);
    job.time_limit_ms = 400;
    assert_int_equal(
        rig_render(&result, &out, &rig, &job, rig_line("ok", rig.p)),
        DI_RENDER_NOT_BEGUN);
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
    rig_find_renderers(&after, 1);
    assert_int_not_equal(before, after);
    assert_int_equal(rig_stats(&rig).timed_out, 1);
    rig_end(&rig);
}

static void a_stopped_renderer_does_not_outlive_its_dispatcher(void **state)
{
    rig_t rig = rig_make(*state, 1);
    pid_t before, after;

    rig.conf.time_limit_ms = 400;
    rig_start(&rig);
    rig_find_renderers(&before, 1);
    assert_int_equal(kill(before, SIGSTOP), 0);
    assert_int_equal(kill(rig_dispatcher(), SIGKILL), 0);
    rig_wait_for_end(before);
    rig_find_renderers(&after, 1);
    rig_end(&rig);
}

static void a_pools_own_limit_bounds_every_job(void **state)
{
    rig_t rig = rig_make(*state, 1);
    pid_t renderer;

    rig.conf.time_limit_ms = 400;
    rig_start(&rig);
    rig_find_renderers(&renderer, 1);
    assert_int_equal(rig_obey(&rig, "hang"), DI_RENDER_TIMEOUT);
    rig_end(&rig);
}

static void a_job_that_eats_memory_without_end_does_no_harm(void **state)
{
    rig_t rig = rig_make(*state, 1);
    pid_t before, after;

    if (di_sandbox_is_weakened()) {
        NOT_TRIED;
    }
    rig.conf.memory_bytes = 64 << 20;
    rig_start(&rig);
    rig_find_renderers(&before, 1);
    assert_int_equal(rig_obey(&rig, "eat"), DI_RENDER_NO_MEMORY);
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
    rig_find_renderers(&after, 1);
    assert_int_equal(before, after);
    assert_true(rig_status_field(after, "VmHWM:") < 160L << 10);
    rig_end(&rig);
}

/* ---- the queue ---- */

/* Numbers that callers write. */
static volatile int *shared_numbers(size_t count)
{
    void *numbers = mmap(NULL, count * sizeof(int), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(numbers != MAP_FAILED);
    return numbers;
}

/* One renderer, stopped at its first job, so that all that come wait. */
static pid_t start_stopped(rig_t *rig, pid_t *first)
{
    pid_t renderer;

    rig_start(rig);
    rig_find_renderers(&renderer, 1);
    assert_int_equal(rig_obey(rig, "ok"), DI_RENDER_OK);
    rig_wait_for_running(rig, 0);
    assert_int_equal(kill(renderer, SIGSTOP), 0);
    *first = rig_fork_caller(rig, &rig_job, rig_line("ok", rig->p), 1, NULL);
    rig_wait_for_running(rig, 1);
    return renderer;
}

static void a_full_queue_is_told_at_once_and_loses_nothing(void **state)
{
    enum { CALLERS = 10, PLACES = 2 };
    rig_t rig = rig_make(*state, 1);
    apr_file_t *file = rig_line("ok", rig.p);
    pid_t renderer, first, callers[CALLERS];
    int i, busy = 0, ok = 0;

    rig.conf.queue = PLACES;
    renderer = start_stopped(&rig, &first);
    for (i = 0; i < CALLERS; i++) {
        callers[i] = rig_fork_caller(&rig, &rig_job, file, 1, NULL);
    }
    /* Those who find the queue full end while nobody serves it. */
    for (busy = 0; busy < CALLERS - PLACES; busy++) {
        int how;
        pid_t pid = waitpid(-1, &how, 0);

        assert_true(pid > 0 && WIFEXITED(how));
        assert_int_equal(WEXITSTATUS(how), DI_RENDER_BUSY);
        for (i = 0; i < CALLERS; i++) {
            callers[i] = callers[i] == pid ? 0 : callers[i];
        }
    }
    assert_int_equal(rig_stats(&rig).waiting, PLACES);
    assert_int_equal(kill(renderer, SIGCONT), 0);
    assert_int_equal(rig_outcome(first), DI_RENDER_OK);
    for (i = 0; i < CALLERS; i++) {
        ok += callers[i] && rig_outcome(callers[i]) == DI_RENDER_OK;
    }
    assert_int_equal(ok, PLACES);
    assert_int_equal(rig_stats(&rig).refused, CALLERS - PLACES);
    rig_end(&rig);
}

static void jobs_are_served_by_urgency_then_by_priority(void **state)
{
    static const struct {
        unsigned urgency, priority;
        int place; /* in which it is served */
    } cases[] = {{DI_URGENCY_AHEAD, 9, 5},
                 {DI_URGENCY_STALE, 3, 4},
                 {DI_URGENCY_MISSING, 1, 3},
                 {DI_URGENCY_MISSING, 7, 2},
                 {DI_URGENCY_QUICK, 0, 1}};
    enum { CASES = 5 };
    rig_t rig = rig_make(*state, 1);
    volatile int *numbers = shared_numbers(CASES);
    pid_t renderer, first, callers[CASES];
    int i;

    renderer = start_stopped(&rig, &first);
    for (i = 0; i < CASES; i++) {
        di_job_t job = rig_job;

        job.urgency = cases[i].urgency;
        job.priority = cases[i].priority;
        callers[i] =
            rig_fork_caller(&rig, &job, rig_line("ok", rig.p), 1, &numbers[i]);
        rig_wait_for_waiting(&rig, (unsigned)i + 1);
    }
    assert_int_equal(kill(renderer, SIGCONT), 0);
    assert_int_equal(rig_outcome(first), DI_RENDER_OK);
    for (i = 0; i < CASES; i++) {
        assert_int_equal(rig_outcome(callers[i]), DI_RENDER_OK);
        assert_int_equal(numbers[i], cases[i].place + 2);
    }
    rig_end(&rig);
}

static int is_set(void *baton)
{
    return *(volatile int *)baton;
}

static void
a_job_that_somebody_comes_to_wait_for_goes_before_others(void **state)
{
    enum { CALLERS = 3 };
    rig_t rig = rig_make(*state, 1);
    volatile int *numbers = shared_numbers(CALLERS + 1);
    di_job_t job = rig_job;
    pid_t renderer, first, callers[CALLERS];
    int i;

    renderer = start_stopped(&rig, &first);
    job.urgency = DI_URGENCY_STALE;
    job.is_awaited = is_set;
    job.awaited_baton = (void *)&numbers[CALLERS];
    for (i = 0; i < CALLERS; i++) {
        callers[i] =
            rig_fork_caller(&rig, &job, rig_line("ok", rig.p), 1, &numbers[i]);
        rig_wait_for_waiting(&rig, (unsigned)i + 1);
        job.is_awaited = i ? is_set : NULL; /* not of the second one */
    }
    numbers[CALLERS] = 1;
    while (rig_stats(&rig).hung_up < 2) {
        rig_pause_ms(5);
    }
    rig_wait_for_waiting(&rig, CALLERS);
    assert_int_equal(kill(renderer, SIGCONT), 0);
    assert_int_equal(rig_outcome(first), DI_RENDER_OK);
    for (i = 0; i < CALLERS; i++) {
        assert_int_equal(rig_outcome(callers[i]), DI_RENDER_OK);
    }
    /* The other two had somebody, though one came later. */
    assert_int_equal(numbers[1], CALLERS + 2);
    rig_end(&rig);
}

static void one_job_of_another_client_does_not_wait_for_thirty(void **state)
{
    enum { JOBS = 30 };
    rig_t rig = rig_make(*state, 1);
    volatile int *number = shared_numbers(1);
    di_job_t job = rig_job;
    pid_t renderer, first, callers[JOBS], other;
    int i;

    rig.conf.queue = JOBS + 1;
    renderer = start_stopped(&rig, &first);
    job.client = 1;
    for (i = 0; i < JOBS; i++) {
        callers[i] =
            rig_fork_caller(&rig, &job, rig_line("ok", rig.p), 1, NULL);
    }
    rig_wait_for_waiting(&rig, JOBS);
    job.client = 2;
    other = rig_fork_caller(&rig, &job, rig_line("ok", rig.p), 1, number);
    rig_wait_for_waiting(&rig, JOBS + 1);
    assert_int_equal(kill(renderer, SIGCONT), 0);
    assert_int_equal(rig_outcome(first), DI_RENDER_OK);
    assert_int_equal(rig_outcome(other), DI_RENDER_OK);
    assert_in_range(*number, 3, 4);
    for (i = 0; i < JOBS; i++) {
        assert_int_equal(rig_outcome(callers[i]), DI_RENDER_OK);
    }
    rig_end(&rig);
}

static void jobs_that_nobody_waits_for_leave_one_renderer(void **state)
{
    rig_t rig = rig_make(*state, 2);
    di_job_t stale = rig_job;
    pid_t renderers[2], callers[2];
    int i;

    rig_start(&rig);
    rig_find_renderers(renderers, 2);
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
    stale.urgency = DI_URGENCY_STALE;
    stale.time_limit_ms = 3000;
    for (i = 0; i < 2; i++) {
        callers[i] =
            rig_fork_caller(&rig, &stale, rig_line("hang", rig.p), 1, NULL);
        rig_wait_for_running(&rig, 1);
        rig_wait_for_waiting(&rig, (unsigned)i);
    }
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
    assert_int_equal(rig_stats(&rig).waiting, 1);
    assert_int_equal(rig_outcome(callers[0]), DI_RENDER_TIMEOUT);
    assert_int_equal(rig_outcome(callers[1]), DI_RENDER_BUSY);
    rig_end(&rig);
}

static void a_more_urgent_job_pushes_out_another(void **state)
{
    rig_t rig = rig_make(*state, 1);
    apr_file_t *file = rig_line("ok", rig.p);
    di_job_t ahead = rig_job;
    pid_t renderer, first, later, sooner;

    rig.conf.queue = 1;
    renderer = start_stopped(&rig, &first);
    ahead.urgency = DI_URGENCY_AHEAD;
    later = rig_fork_caller(&rig, &ahead, file, 1, NULL);
    rig_wait_for_waiting(&rig, 1);
    sooner = rig_fork_caller(&rig, &rig_job, file, 1, NULL);
    assert_int_equal(rig_outcome(later), DI_RENDER_BUSY);
    assert_int_equal(kill(renderer, SIGCONT), 0);
    assert_int_equal(rig_outcome(first), DI_RENDER_OK);
    assert_int_equal(rig_outcome(sooner), DI_RENDER_OK);
    assert_int_equal(rig_stats(&rig).pushed_out, 1);
    rig_end(&rig);
}

static void a_caller_that_is_gone_leaves_the_queue(void **state)
{
    rig_t rig = rig_make(*state, 1);
    pid_t renderer, first, gone;

    renderer = start_stopped(&rig, &first);
    gone = rig_fork_caller(&rig, &rig_job, rig_line("ok", rig.p), 1, NULL);
    rig_wait_for_waiting(&rig, 1);
    assert_int_equal(kill(gone, SIGKILL), 0);
    assert_int_equal(rig_outcome(gone), -1);
    rig_wait_for_waiting(&rig, 0);
    assert_int_equal(kill(renderer, SIGCONT), 0);
    assert_int_equal(rig_outcome(first), DI_RENDER_OK);
    assert_int_equal(rig_stats(&rig).hung_up, 1);
    assert_int_equal(rig_stats(&rig).taken, 2);
    rig_end(&rig);
}

static void
a_job_with_too_little_time_left_never_reaches_a_renderer(void **state)
{
    rig_t rig = rig_make(*state, 1);
    di_job_t job = rig_job;
    pid_t renderer, first, late;

    renderer = start_stopped(&rig, &first);
    job.time_limit_ms = 4000;
    late = rig_fork_caller(&rig, &job, rig_line("ok", rig.p), 1, NULL);
    assert_int_equal(rig_outcome(late), DI_RENDER_BUSY);
    rig_wait_for_waiting(&rig, 0);
    assert_int_equal(kill(renderer, SIGCONT), 0);
    assert_int_equal(rig_outcome(first), DI_RENDER_OK);
    assert_int_equal(rig_stats(&rig).taken, 2);
    assert_int_equal(rig_stats(&rig).expired, 1);
    rig_end(&rig);
}

static void a_job_begun_late_is_not_blamed_for_its_time(void **state)
{
    rig_t rig = rig_make(*state, 1);
    di_job_t job = rig_job;
    pid_t renderer, first, late;

    renderer = start_stopped(&rig, &first);
    job.time_limit_ms = 4000;
    late = rig_fork_caller(&rig, &job, rig_line("hang", rig.p), 1, NULL);
    rig_wait_for_waiting(&rig, 1);
    rig_pause_ms(2200);
    assert_int_equal(kill(renderer, SIGCONT), 0);
    assert_int_equal(rig_outcome(first), DI_RENDER_OK);
    assert_int_not_equal(rig_outcome(late), DI_RENDER_TIMEOUT);
    rig_end(&rig);
}

/* ---- recycling ---- */

static void renderers_are_replaced_after_their_share_of_jobs(void **state)
{
    rig_t rig = rig_make(*state, 2);
    pid_t before[2], after[2], caller[2];
    apr_file_t *file = rig_line("ok", rig.p);
    int i;

    rig.conf.recycle_jobs = 5;
    rig_start(&rig);
    rig_find_renderers(before, 2);
    for (i = 0; i < 2; i++) {
        caller[i] = rig_fork_caller(&rig, &rig_job, file, 30, NULL);
    }
    for (i = 0; i < 2; i++) {
        assert_int_equal(rig_outcome(caller[i]), DI_RENDER_OK);
    }
    for (i = 0; i < RIG_WAIT_STEPS && rig_stats(&rig).recycled < 10; i++) {
        rig_pause_ms(5);
    }
    assert_in_range(rig_stats(&rig).recycled, 10, 12);
    assert_int_equal(rig_stats(&rig).died, 0);
    rig_find_renderers(after, 2);
    assert_true(before[0] != after[0] && before[1] != after[1]);
    rig_end(&rig);
}

static void a_renderer_that_keeps_memory_is_replaced(void **state)
{
    rig_t rig = rig_make(*state, 1);
    int i;

    if (di_sandbox_is_weakened()) {
        NOT_TRIED;
    }
    rig.conf.recycle_bytes = 4 << 20;
    rig_start(&rig);
    for (i = 0; i < 6; i++) {
        assert_int_equal(rig_obey(&rig, "leak 1500000"), DI_RENDER_OK);
    }
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
    assert_int_equal(rig_stats(&rig).recycled, 2);
    rig_end(&rig);
}

/* ---- deaths under load ---- */

enum { CROWD = 40 };

static void fork_crowd(pid_t *callers, rig_t *rig, int jobs)
{
    int i;

    for (i = 0; i < CROWD; i++) {
        di_job_t job = rig_job;

        job.client = (apr_uint64_t)i % 5;
        callers[i] =
            rig_fork_caller(rig, &job, rig_line("wait 3", rig->p), jobs, NULL);
    }
}

/* Wait for all, in any order, and start what httpd's parent would. */
static void count_outcomes(int *outcomes, const pid_t *callers)
{
    int left = CROWD, i;

    while (left) {
        int how;
        pid_t pid = waitpid(-1, &how, WNOHANG);

        if (pid <= 0) {
            rig_pause_ms(2);
        }
        for (i = 0; pid > 0 && i < CROWD; i++) {
            if (callers[i] == pid) {
                assert_true(WIFEXITED(how));
                outcomes[WEXITSTATUS(how)]++;
                left--;
            }
        }
    }
}

static void check_all_are_served(const int *outcomes)
{
    int i;

    for (i = 1; i < 256; i++) {
        if (outcomes[i]) {
            fail_msg("%d callers were told %d", outcomes[i], i);
        }
    }
    assert_int_equal(outcomes[DI_RENDER_OK], CROWD);
}

static void a_crowd_survives_the_death_of_renderers(void **state)
{
    rig_t rig = rig_make(*state, 2);
    pid_t callers[CROWD], renderers[2];
    int outcomes[256] = {0}, i;

    rig.conf.queue = CROWD;
    rig_start(&rig);
    fork_crowd(callers, &rig, 10);
    rig_find_renderers(renderers, 2);
    rig_wait_for_running(&rig, 2);
    for (i = 0; i < 2; i++) {
        assert_int_equal(kill(renderers[i], SIGKILL), 0);
    }
    count_outcomes(outcomes, callers);
    assert_in_range(outcomes[DI_RENDER_DIED], 0, 2);
    assert_int_equal(outcomes[DI_RENDER_OK] + outcomes[DI_RENDER_DIED], CROWD);
    rig_find_renderers(renderers, 2);
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
    rig_end(&rig);
}

static void a_crowd_survives_the_death_of_the_dispatcher(void **state)
{
    rig_t rig = rig_make(*state, 2);
    pid_t callers[CROWD], renderers[2], dispatcher;
    int outcomes[256] = {0};

    rig.conf.queue = CROWD;
    rig_start(&rig);
    rig_find_renderers(renderers, 2);
    fork_crowd(callers, &rig, 4);
    rig_wait_for_running(&rig, 2);
    dispatcher = rig_dispatcher();
    assert_int_equal(kill(dispatcher, SIGKILL), 0);
    rig_wait_for_end(dispatcher);
    count_outcomes(outcomes, callers);
    check_all_are_served(outcomes);
    rig_find_renderers(renderers, 2);
    assert_int_not_equal(rig_dispatcher(), dispatcher);
    assert_int_equal(rig_stats(&rig).dispatchers_died, 1);
    assert_int_equal(rig_stats(&rig).died, 0);
    assert_int_equal(rig_stats(&rig).waiting, 0);
    rig_end(&rig);
}

/* Wait until the manager that is to replace another one runs. */
static void wait_for_manager(pid_t before)
{
    int i;

    for (i = 0; i < RIG_WAIT_STEPS; i++) {
        pid_t now;

        rig_maintain();
        now = rig_manager();
        if (now && now != before) {
            return;
        }
        rig_pause_ms(5);
    }
    fail_msg("no manager");
}

static void a_crowd_survives_the_death_of_the_manager(void **state)
{
    rig_t rig = rig_make(*state, 2);
    pid_t callers[CROWD], renderers[2], manager;
    int outcomes[256] = {0};

    rig.conf.queue = CROWD;
    rig_start(&rig);
    rig_find_renderers(renderers, 2);
    manager = rig_manager();
    fork_crowd(callers, &rig, 4);
    rig_wait_for_running(&rig, 2);
    assert_int_equal(kill(manager, SIGKILL), 0);
    wait_for_manager(manager);
    count_outcomes(outcomes, callers);
    check_all_are_served(outcomes);
    rig_find_renderers(renderers, 2);
    rig_end(&rig);
}

/* ---- restarts ---- */

static void restarts_under_load_lose_no_job(void **state)
{
    enum { RESTARTS = 4 };
    rig_t rig = rig_make(*state, 2);
    pid_t callers[CROWD], renderers[2];
    int outcomes[256] = {0}, i;

    rig.conf.queue = CROWD;
    rig.conf.recycle_jobs = 7;
    rig_start(&rig);
    fork_crowd(callers, &rig, 12);
    for (i = 0; i < RESTARTS; i++) {
        rig_find_renderers(renderers, 2);
        rig_wait_for_running(&rig, 2);
        apr_pool_clear(rig.pconf);
        assert_int_equal(rig_manager(), 0);
        rig_start(&rig);
    }
    count_outcomes(outcomes, callers);
    check_all_are_served(outcomes);
    assert_int_equal(rig_stats(&rig).taken >= CROWD * 12, 1);
    rig_end(&rig);
}

static void jobs_that_wait_are_rendered_after_the_pool_was_ended(void **state)
{
    enum { CALLERS = 6 };
    rig_t rig = rig_make(*state, 1);
    pid_t renderer, callers[CALLERS];
    int i;

    rig.conf.recycle_jobs = 1; /* nobody would replace it */
    rig_start(&rig);
    rig_find_renderers(&renderer, 1);
    for (i = 0; i < CALLERS; i++) {
        callers[i] = rig_fork_caller(&rig, &rig_job,
                                     rig_line("wait 100", rig.p), 1, NULL);
    }
    rig_wait_for_waiting(&rig, CALLERS - 1);
    apr_pool_clear(rig.pconf);
    assert_int_equal(rig_manager(), 0);
    for (i = 0; i < CALLERS; i++) {
        assert_int_equal(rig_outcome(callers[i]), DI_RENDER_OK);
    }
    rig_wait_for_all();
}

static void jobs_that_nobody_is_left_for_go_to_the_next_pool(void **state)
{
    rig_t rig = rig_make(*state, 1);
    pid_t renderer, first, second;

    renderer = start_stopped(&rig, &first);
    second = rig_fork_caller(&rig, &rig_job, rig_line("ok", rig.p), 1, NULL);
    rig_wait_for_waiting(&rig, 1);
    apr_pool_clear(rig.pconf);
    assert_int_equal(kill(renderer, SIGKILL), 0);
    rig_start(&rig);
    assert_int_equal(rig_outcome(first), DI_RENDER_OK);
    assert_int_equal(rig_outcome(second), DI_RENDER_OK);
    rig_end(&rig);
}

static void a_stuck_renderer_is_killed_after_the_pool_was_ended(void **state)
{
    rig_t rig = rig_make(*state, 1);
    pid_t renderer;

    rig.conf.time_limit_ms = 200;
    rig_start(&rig);
    rig_find_renderers(&renderer, 1);
    assert_int_equal(kill(renderer, SIGSTOP), 0);
    rig_end(&rig);
    assert_int_equal(kill(renderer, 0), -1);
}

static void counters_survive_a_restart(void **state)
{
    rig_t rig = rig_make(*state, 1);

    rig_start(&rig);
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
    apr_pool_clear(rig.pconf);
    rig_start(&rig);
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
    assert_int_equal(rig_stats(&rig).taken, 2);
    rig_end(&rig);
}

static void a_dead_manager_is_not_replaced_while_the_server_stops(void **state)
{
    rig_t rig = rig_make(*state, 1);
    pid_t renderer, manager;

    rig_start(&rig);
    rig_find_renderers(&renderer, 1);
    manager = rig_manager();
    rig_server_stops(1);
    assert_int_equal(kill(manager, SIGKILL), 0);
    while (kill(manager, 0) == 0) {
        rig_maintain();
        rig_pause_ms(1);
    }
    assert_int_equal(rig_manager(), 0);
    rig_end(&rig);
}

static void the_pool_ends_with_httpds_parent(void **state)
{
    rig_t rig = rig_make(*state, 2);
    pid_t parent = fork();

    if (parent == 0) {
        pid_t renderers[2];

        if (di_workers_parent_start(rig.workers, &rig.conf, rig_stopping,
                                    rig.pconf) == APR_SUCCESS) {
            rig_find_renderers(renderers, 2);
            (void)kill(getpid(), SIGKILL);
        }
        _exit(1);
    }
    assert_int_equal(rig_outcome(parent), -1);
    rig_wait_for_all();
}

/* ---- settings ---- */

/* The manager is stopped, so that it does not replace the only renderer. */
static void when_no_renderer_is_left_nobody_waits(void **state)
{
    rig_t rig = rig_make(*state, 1);
    pid_t renderer, manager, dispatcher;

    rig_start(&rig);
    rig_find_renderers(&renderer, 1);
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
    manager = rig_manager();
    dispatcher = rig_dispatcher();
    assert_int_equal(kill(manager, SIGSTOP), 0);
    assert_int_equal(kill(renderer, SIGKILL), 0);
    rig_wait_for_alive(&rig, 0);
    /* Who waits is told, and whoever comes next without asking. */
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_NO_POOL);
    assert_int_equal(rig_stats(&rig).refused, 1);
    assert_int_equal(kill(dispatcher, SIGSTOP), 0);
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_NO_POOL);
    assert_int_equal(rig_stats(&rig).refused, 1);
    assert_int_equal(kill(dispatcher, SIGCONT), 0);
    assert_int_equal(kill(manager, SIGCONT), 0);
    rig_wait_for_alive(&rig, 1);
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
    rig_end(&rig);
}

static void a_manager_that_cannot_be_forked_is_tried_again(void **state)
{
    rig_t rig = rig_make(*state, 1);
    pid_t renderer, manager;

    rig_start(&rig);
    rig_find_renderers(&renderer, 1);
    manager = rig_manager();
    di_workers_parent_maintain(rig.workers);
    assert_int_equal(rig_manager(), manager);
    forks_fail = 1;
    assert_int_equal(kill(manager, SIGKILL), 0);
    while (kill(manager, 0) == 0) {
        rig_maintain();
        rig_pause_ms(1);
    }
    rig_wait_for_end(renderer);
    di_workers_parent_maintain(rig.workers);
    assert_int_equal(rig_manager(), 0);
    assert_int_equal(rig_stats(&rig).alive, 0);
    forks_fail = 0;
    di_workers_parent_maintain(rig.workers);
    rig_find_renderers(&renderer, 1);
    rig_wait_for_alive(&rig, 1);
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
    rig_end(&rig);
    di_workers_parent_maintain(rig.workers);
    di_workers_parent_maintain(NULL);
    assert_int_equal(rig_manager(), 0);
}

/* Its parent is not the one that started the pool: so it is with a child of
   httpd whose parent was killed.  The pool here is well, and not asked. */
static void an_orphan_is_told_that_there_is_no_pool(void **state)
{
    rig_t rig = rig_make(*state, 1);
    pid_t between;

    rig_start(&rig);
    assert_int_equal(rig_outcome(rig_fork_caller(
                         &rig, &rig_job, rig_line("ok", rig.p), 1, NULL)),
                     DI_RENDER_OK);
    between = fork();
    if (between == 0) {
        _exit(rig_outcome(
            rig_fork_caller(&rig, &rig_job, rig_line("ok", rig.p), 1, NULL)));
    }
    assert_int_equal(rig_outcome(between), DI_RENDER_NO_POOL);
    assert_int_equal(rig_stats(&rig).taken, 1);
    rig_end(&rig);
}

static void without_renderers_the_caller_is_told(void **state)
{
    rig_t rig = rig_make(*state, 1);
    di_workers_stats_t stats;

    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_NO_POOL);
    rig.workers = NULL;
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_NO_POOL);
    di_workers_child_stats(&stats, NULL);
    assert_int_equal(stats.taken, 0);
}

static apr_status_t start_with(rig_t *rig, const di_workers_conf_t *conf)
{
    return di_workers_parent_start(rig->workers, conf, rig_stopping, rig->p);
}

static void illegal_settings_start_nothing(void **state)
{
    static const char *const users[] = {"root", "#0", "#",
                                        "#12x", "",   "no-such-user-here"};
    rig_t rig = rig_make(*state, 1);
    di_workers_conf_t bad[8];
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        bad[i] = rig.conf;
    }
    bad[0].renderers = 0;
    bad[1].renderers = 65;
    bad[2].queue = 0;
    bad[3].queue = 1025;
    bad[4].age_ms = 0;
    bad[5].formats = 0;
    bad[6].formats = 1u << 31;
    bad[7].time_limit_ms = 0;
    for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(start_with(&rig, &bad[i]), APR_EINVAL);
    }
    for (i = 0; geteuid() == 0 && i < sizeof(users) / sizeof(*users); i++) {
        rig.conf.user = users[i];
        assert_int_not_equal(start_with(&rig, &rig.conf), APR_SUCCESS);
    }
    rig_wait_for_all();
}

/* ---- rights ---- */

static void inherited_descriptors_are_closed(void **state)
{
    rig_t rig = rig_make(*state, 1);
    int listening = socket(AF_INET, SOCK_STREAM, 0), log_pipe[2];
    pid_t renderer;

    assert_int_equal(pipe(log_pipe), 0);
    rig_start(&rig);
    rig_find_renderers(&renderer, 1);
    assert_true(rig_holds(getpid(), listening));
    assert_true(rig_holds(getpid(), log_pipe[1]));
    assert_false(rig_holds(rig_manager(), listening));
    assert_false(rig_holds(rig_manager(), log_pipe[1]));
    if (geteuid() == 0) {
        assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
        assert_false(rig_holds(rig_dispatcher(), listening));
        assert_false(rig_holds(rig_dispatcher(), log_pipe[1]));
        assert_false(rig_holds(renderer, listening));
        assert_false(rig_holds(renderer, log_pipe[1]));
        assert_false(rig_holds(renderer, STDERR_FILENO) &&
                     !di_sandbox_is_weakened() && !isatty(STDERR_FILENO) &&
                     !rig_holds(renderer, STDOUT_FILENO));
    }
    rig_end(&rig);
    close(listening);
    close(log_pipe[0]);
    close(log_pipe[1]);
}

static void check_rights(pid_t pid)
{
    assert_int_equal(rig_status_field(pid, "NoNewPrivs:"), 1);
    assert_int_equal(rig_status_field(pid, "CapEff:"), 0);
    assert_int_not_equal(rig_status_field(pid, "Uid:"), 0);
    if (!di_sandbox_is_weakened() && di_sandbox_kernel() & DI_KERNEL_SECCOMP) {
        assert_int_equal(rig_status_field(pid, "Seccomp:"), 2);
    }
}

static void dispatcher_and_renderers_have_no_rights(void **state)
{
    rig_t rig = rig_make(*state, 1);
    pid_t renderer;

    rig_start(&rig);
    rig_find_renderers(&renderer, 1);
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
    check_rights(renderer);
    check_rights(rig_dispatcher());
    rig_end(&rig);
}

/* ---- strangers ---- */

/* As lib/render/client.c does. */
static int connect_to(const rig_t *rig)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    apr_snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d",
                 rig->workers->address);
    assert_int_equal(
        connect(sock, (struct sockaddr *)&address, sizeof(address)), 0);
    return sock;
}

static void wait_for_hang_up(int sock)
{
    char word;

    assert_true(recv(sock, &word, 1, 0) <= 0);
    close(sock);
}

static void who_connects_and_says_nothing_or_nonsense_is_dropped(void **state)
{
    rig_t rig = rig_make(*state, 1);
    unsigned char frame[DI_WIRE_JOB_BYTES] = {0};
    di_order_t order = {
        .job = rig_job, .original_bytes = 2, .deadline_us = APR_UINT64_MAX};
    int silent, nonsense, no_file;

    rig_start(&rig);
    silent = connect_to(&rig);
    nonsense = connect_to(&rig);
    no_file = connect_to(&rig);
    assert_true(di_fdmsg_send(nonsense, frame, sizeof(frame), nonsense));
    di_wire_put_order(frame, &order);
    assert_true(di_fdmsg_send(no_file, frame, sizeof(frame), -1));
    wait_for_hang_up(nonsense);
    wait_for_hang_up(no_file);
    wait_for_hang_up(silent);
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
    assert_int_equal(rig_stats(&rig).taken, 1);
    rig_end(&rig);
}

static void many_silent_callers_do_not_keep_others_out_for_long(void **state)
{
    enum { SILENT = 60 };
    rig_t rig = rig_make(*state, 1);
    int silent[SILENT], i;

    rig.conf.queue = 30;
    rig_start(&rig);
    for (i = 0; i < SILENT; i++) {
        silent[i] = connect_to(&rig);
    }
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
    for (i = 0; i < SILENT; i++) {
        close(silent[i]);
    }
    rig_end(&rig);
}

static long times_given_way(pid_t pid)
{
    return rig_status_field(pid, "voluntary_ctxt_switches:");
}

/* A dispatcher that spins never gives way; one that waits for its next tick
   does so each time. */
static void a_dispatcher_without_descriptors_waits_for_some(void **state)
{
    enum { TIMES = 30 };
    rig_t rig = rig_make(*state, 1);
    pid_t renderer;
    long before;

    accepts_that_fail = TIMES;
    rig_start(&rig);
    accepts_that_fail = 0;
    rig_find_renderers(&renderer, 1);
    before = times_given_way(rig_dispatcher());
    assert_int_equal(rig_obey(&rig, "ok"), DI_RENDER_OK);
    assert_true(times_given_way(rig_dispatcher()) >= before + TIMES);
    rig_end(&rig);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_job_is_rendered_and_refused_as_its_renderer_says),
        UNIT(what_is_no_file_or_too_long_does_not_reach_a_renderer),
        UNIT(an_original_that_cannot_be_read_is_not_called_broken),
        UNIT(a_format_that_is_off_reaches_no_decoder),
        UNIT(a_renderer_that_dies_at_its_job_is_told_and_replaced),
        UNIT(a_job_over_its_time_is_given_up_and_its_renderer_ended),
        UNIT(a_renderer_that_no_timer_ends_is_killed_and_replaced),
        UNIT(a_stopped_renderer_is_killed_and_replaced),
        UNIT(a_stopped_renderer_does_not_outlive_its_dispatcher),
        UNIT(a_pools_own_limit_bounds_every_job),
        UNIT(a_job_that_eats_memory_without_end_does_no_harm),
        UNIT(a_full_queue_is_told_at_once_and_loses_nothing),
        UNIT(jobs_are_served_by_urgency_then_by_priority),
        UNIT(a_job_that_somebody_comes_to_wait_for_goes_before_others),
        UNIT(one_job_of_another_client_does_not_wait_for_thirty),
        UNIT(jobs_that_nobody_waits_for_leave_one_renderer),
        UNIT(a_more_urgent_job_pushes_out_another),
        UNIT(a_caller_that_is_gone_leaves_the_queue),
        UNIT(a_job_with_too_little_time_left_never_reaches_a_renderer),
        UNIT(a_job_begun_late_is_not_blamed_for_its_time),
        UNIT(renderers_are_replaced_after_their_share_of_jobs),
        UNIT(a_renderer_that_keeps_memory_is_replaced),
        UNIT(a_crowd_survives_the_death_of_renderers),
        UNIT(a_crowd_survives_the_death_of_the_dispatcher),
        UNIT(a_crowd_survives_the_death_of_the_manager),
        UNIT(restarts_under_load_lose_no_job),
        UNIT(jobs_that_wait_are_rendered_after_the_pool_was_ended),
        UNIT(jobs_that_nobody_is_left_for_go_to_the_next_pool),
        UNIT(a_stuck_renderer_is_killed_after_the_pool_was_ended),
        UNIT(counters_survive_a_restart),
        UNIT(a_dead_manager_is_not_replaced_while_the_server_stops),
        UNIT(the_pool_ends_with_httpds_parent),
        UNIT(when_no_renderer_is_left_nobody_waits),
        UNIT(a_manager_that_cannot_be_forked_is_tried_again),
        UNIT(an_orphan_is_told_that_there_is_no_pool),
        UNIT(without_renderers_the_caller_is_told),
        UNIT(illegal_settings_start_nothing),
        UNIT(inherited_descriptors_are_closed),
        UNIT(dispatcher_and_renderers_have_no_rights),
        UNIT(who_connects_and_says_nothing_or_nonsense_is_dropped),
        UNIT(many_silent_callers_do_not_keep_others_out_for_long),
        UNIT(a_dispatcher_without_descriptors_waits_for_some),
    };

    rig_init();
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return UNIT_RUN(tests);
}
