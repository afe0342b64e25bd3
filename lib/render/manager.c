/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manager has one thread, blocks the few signals it lives by and waits
 * for them: SIGCHLD (a renderer died), SIGTERM, SIGINT, SIGHUP (stop; httpd
 * sends the latter two to its whole process group), or the time of the next
 * start.
 *
 * It runs as httpd's parent does, because renderers change their user, so it
 * reads nothing that a renderer writes but how its start went.  It keeps the
 * listener and standard error of what it inherited; open log pipes and
 * listening ports of an old configuration must not survive in it.
 *
 * When it is told to stop it ends at once, because httpd's parent waits for
 * it between two configurations.  Renderers in the middle of a job are left
 * to a process that only waits for them and kills what is late.
 */
#include "render/manager.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <apr_errno.h>

#include "render/clock.h"
#include "render/renderer.h"
#include "render/restart.h"

#define LISTENER_FD 3
#define FIRST_CLOSED_FD 4

/* Idle renderers stop within a millisecond or two. */
#define STOP_WAIT_MS 20
#define STOP_STEP_MS 2

/* Beyond the time limit of a job, until a renderer is killed. */
#define LATE_MS 500

typedef struct {
    pid_t pid; /* 0: not running */
    int ready; /* read end: how the start went */
    apr_uint64_t started_ms;
    apr_uint64_t due_ms; /* when to start it, if not running */
    di_restart_t restart;
} slot_t;

typedef struct {
    const di_manager_conf_t *conf;
    ds_log_t log;
    sigset_t signals; /* blocked, and waited for */
    slot_t slots[DI_MANAGER_RENDERERS_MAX];
} manager_t;

static apr_uint64_t now_ms(void)
{
    return di_clock_us(CLOCK_MONOTONIC) / 1000;
}

/* One write a line: stdio would keep it, and mix it with httpd's own. */
static void print(void *baton, ds_log_level_e level, apr_status_t rv,
                  const char *text)
{
    char line[1200], reason[120];
    int len;

    if (rv) {
        apr_strerror(rv, reason, sizeof(reason));
    }
    len = snprintf(line, sizeof(line), "%s%s%s\n", text, rv ? ": " : "",
                   rv ? reason : "");
    if (len > 0 && (size_t)len < sizeof(line)) {
        (void)!write(STDERR_FILENO, line, (size_t)len);
    }
}

/* ---- becoming the manager ---- */

static void reset_signals(void)
{
    struct sigaction action;
    int number;

    memset(&action, 0, sizeof(action));
    action.sa_handler = SIG_DFL;
    for (number = 1; number < NSIG; number++) {
        (void)sigaction(number, &action, NULL);
    }
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
    (void)sigaction(SIGUSR1, &action, NULL);
    (void)sigaction(SIGUSR2, &action, NULL);
    (void)sigaction(SIGWINCH, &action, NULL);
}

static void block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGCHLD);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    (void)sigprocmask(SIG_SETMASK, signals, NULL);
}

/* End with the process that made this one. */
static void die_with(pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    if (getppid() != parent) {
        _exit(0);
    }
}

static void close_from(unsigned first)
{
    int fd, last;

    if (!close_range(first, ~0U, 0)) {
        return;
    }
    last = (int)sysconf(_SC_OPEN_MAX); /* kernels before 5.9 */
    for (fd = (int)first; fd < last; fd++) {
        (void)close(fd);
    }
}

/* Standard error and the listener stay, as 2 and 3. */
static int keep_descriptors(int listener)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0 || dup2(listener, LISTENER_FD) < 0 ||
        dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0) {
        return 0;
    }
    close_from(FIRST_CLOSED_FD);
    return 1;
}

static void sleep_ms(apr_uint32_t span_ms)
{
    struct timespec span = {(time_t)(span_ms / 1000),
                            (long)(span_ms % 1000) * 1000000};

    (void)nanosleep(&span, NULL);
}

/* A kernel without a part of the sandbox is told of once, here. */
static void log_kernel(const manager_t *m)
{
    unsigned kernel = di_sandbox_kernel();

    if (!(kernel & DI_KERNEL_LANDLOCK)) {
        ds_log(&m->log, DS_LOG_WARNING, "DI0303", 0,
               "this kernel has no landlock: renderers run without it");
    }
    if (!(kernel & DI_KERNEL_SECCOMP)) {
        ds_log(&m->log, DS_LOG_WARNING, "DI0304", 0,
               "this kernel has no seccomp: renderers run without it");
    }
    if (di_sandbox_is_weakened()) {
        ds_log(&m->log, DS_LOG_NOTICE, "DI0305", 0,
               "built for AddressSanitizer: renderers run without memory "
               "limit and system call filter");
    }
}

/* ---- renderers ---- */

static void be_renderer(const manager_t *m, int ready, pid_t manager)
{
    di_renderer_conf_t conf = {.listener = LISTENER_FD,
                               .ready = ready,
                               .manager = manager,
                               .sandbox = m->conf->sandbox,
                               .time_limit_ms = m->conf->time_limit_ms};
    int i;

    for (i = 0; i < m->conf->renderers; i++) {
        if (m->slots[i].pid) {
            close(m->slots[i].ready);
        }
    }
    (void)prctl(PR_SET_NAME, "di-renderer", 0, 0, 0);
    _exit(di_renderer_run(&conf));
}

static void start(manager_t *m, slot_t *slot)
{
    pid_t manager = getpid();
    int ends[2], error;

    slot->started_ms = now_ms();
    slot->due_ms = slot->started_ms + 1000; /* when the next lines fail */
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK)) {
        ds_log(&m->log, DS_LOG_ERROR, "DI0315", errno,
               "cannot make the pipe of a renderer");
        return;
    }
    slot->pid = fork();
    error = errno;
    if (slot->pid == 0) {
        close(ends[0]);
        be_renderer(m, ends[1], manager);
    }
    close(ends[1]);
    slot->ready = ends[0];
    if (slot->pid < 0) {
        ds_log(&m->log, DS_LOG_ERROR, "DI0306", error,
               "cannot start a renderer");
        close(ends[0]);
        slot->pid = 0;
    }
}

static void log_death(const manager_t *m, const slot_t *slot, int how,
                      apr_uint32_t delay_ms)
{
    if (WIFSIGNALED(how) && WTERMSIG(how) == SIGALRM) {
        ds_log(&m->log, DS_LOG_WARNING, "DI0307", 0,
               "renderer %ld took too long and was ended", (long)slot->pid);
    }
    else if (WIFSIGNALED(how)) {
        ds_log(&m->log, DS_LOG_WARNING, "DI0308", 0,
               "renderer %ld was killed by signal %d", (long)slot->pid,
               WTERMSIG(how));
    }
    else {
        ds_log(&m->log, DS_LOG_WARNING, "DI0309", 0,
               "renderer %ld ended with code %d", (long)slot->pid,
               WEXITSTATUS(how));
    }
    if (slot->restart.failures == DI_RESTART_FAILURES_MAX) {
        ds_log(&m->log, DS_LOG_ERROR, "DI0310", 0,
               "a renderer failed to start %d times in a row; next try in "
               "%u s",
               DI_RESTART_FAILURES_MAX, (unsigned)(delay_ms / 1000));
    }
}

/* Whether a dead renderer had come up; if not, log what it told. */
static int came_up(const manager_t *m, const slot_t *slot)
{
    char told[100];
    ssize_t len = read(slot->ready, told, sizeof(told) - 1);

    told[len > 0 ? len : 0] = '\0';
    if (!strcmp(told, DI_RENDERER_READY)) {
        return 1;
    }
    ds_log(&m->log, DS_LOG_ERROR, "DI0302", 0, "a renderer cannot start: %s",
           told[0] ? told : "it died at it");
    return 0;
}

static void note_death(manager_t *m, slot_t *slot, int how)
{
    apr_uint64_t now = now_ms();
    apr_uint32_t delay_ms;
    int ready = came_up(m, slot);

    delay_ms =
        di_restart_delay_ms(&slot->restart, ready, now - slot->started_ms);
    if (WIFSIGNALED(how) && WTERMSIG(how) == SIGALRM) {
        delay_ms = 0; /* its own time limit has paced it already */
    }
    log_death(m, slot, how, delay_ms);
    close(slot->ready);
    slot->pid = 0;
    slot->due_ms = now + delay_ms;
}

static void reap(manager_t *m)
{
    pid_t pid;
    int how, i;

    while ((pid = waitpid(-1, &how, WNOHANG)) > 0) {
        for (i = 0; i < m->conf->renderers; i++) {
            if (m->slots[i].pid == pid) {
                note_death(m, &m->slots[i], how);
            }
        }
    }
}

/* Start what is due; returns ms until the next one is, at most a minute. */
static apr_uint64_t start_due(manager_t *m)
{
    apr_uint64_t now = now_ms(), wait_ms = 60000;
    int i;

    for (i = 0; i < m->conf->renderers; i++) {
        slot_t *slot = &m->slots[i];

        if (!slot->pid && slot->due_ms <= now) {
            start(m, slot);
        }
        if (!slot->pid && slot->due_ms - now < wait_ms) {
            wait_ms = slot->due_ms - now;
        }
    }
    return wait_ms;
}

/* ---- the end ---- */

static int running(const manager_t *m)
{
    int count = 0, i;

    for (i = 0; i < m->conf->renderers; i++) {
        count += m->slots[i].pid != 0;
    }
    return count;
}

static void forget_ended(manager_t *m)
{
    int i;

    for (i = 0; i < m->conf->renderers; i++) {
        slot_t *slot = &m->slots[i];

        if (slot->pid && waitpid(slot->pid, NULL, WNOHANG) == slot->pid) {
            slot->pid = 0;
        }
    }
}

/* In the process that stays behind: wait for the rest, kill what is late.
   Descriptors of processes, not their numbers, which may be used again. */
static void wait_and_kill(const int *pidfds, int count, apr_uint32_t limit_ms)
{
    apr_uint64_t end_ms = now_ms() + limit_ms;
    int i;

    close(STDERR_FILENO);
    close(LISTENER_FD);
    for (i = 0; i < count; i++) {
        struct pollfd polled = {pidfds[i], POLLIN, 0};
        apr_uint64_t now = now_ms();

        if (poll(&polled, 1, now < end_ms ? (int)(end_ms - now) : 0) <= 0) {
            (void)pidfd_send_signal(pidfds[i], SIGKILL, NULL, 0);
        }
    }
    _exit(0);
}

static void leave_rest_to_closer(const manager_t *m)
{
    int pidfds[DI_MANAGER_RENDERERS_MAX], count = 0, i;

    for (i = 0; i < m->conf->renderers; i++) {
        if (m->slots[i].pid) {
            pidfds[count] = pidfd_open(m->slots[i].pid, 0);
            count += pidfds[count] >= 0;
        }
    }
    (void)prctl(PR_SET_NAME, "di-closer", 0, 0, 0);
    if (count && fork() == 0) {
        wait_and_kill(pidfds, count, m->conf->time_limit_ms + LATE_MS);
    }
}

static void stop(manager_t *m)
{
    int i;

    for (i = 0; i < m->conf->renderers; i++) {
        if (m->slots[i].pid) {
            (void)kill(m->slots[i].pid, SIGTERM);
        }
    }
    for (i = 0; i < STOP_WAIT_MS / STOP_STEP_MS; i++) {
        forget_ended(m);
        if (!running(m)) {
            _exit(0);
        }
        sleep_ms(STOP_STEP_MS);
    }
    leave_rest_to_closer(m);
    _exit(0);
}

void di_manager_run(const di_manager_conf_t *conf)
{
    manager_t m = {.conf = conf, .log = {NULL, conf->log_upto, print}};

    reset_signals();
    die_with(conf->parent);
    block_signals(&m.signals);
    (void)prctl(PR_SET_NAME, "di-manager", 0, 0, 0);
    if (!keep_descriptors(conf->listener)) {
        ds_log(&m.log, DS_LOG_ERROR, "DI0311", errno,
               "the render manager cannot keep its descriptors");
        _exit(1);
    }
    if (conf->delay_ms) {
        struct timespec span = {(time_t)(conf->delay_ms / 1000), 0};

        if (sigtimedwait(&m.signals, NULL, &span) > 0) {
            _exit(0);
        }
    }
    log_kernel(&m);
    for (;;) {
        apr_uint64_t wait_ms = start_due(&m);
        struct timespec span = {(time_t)(wait_ms / 1000),
                                (long)(wait_ms % 1000) * 1000000};
        int got = sigtimedwait(&m.signals, NULL, &span);

        if (got == SIGTERM || got == SIGINT || got == SIGHUP) {
            stop(&m);
        }
        reap(&m);
    }
}
