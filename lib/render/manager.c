/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manager has one thread, blocks the few signals it lives by and waits
 * for them: SIGCHLD (a renderer or the dispatcher died), SIGTERM, SIGINT,
 * SIGHUP (stop; httpd sends the latter two to its whole process group), for a
 * word of the dispatcher, or the time of the next start or kill.
 *
 * A renderer and the dispatcher are joined by a pair of sockets: made here,
 * one end given by fork, the other sent through the dispatcher's control
 * socket.  So a renderer ends when its dispatcher does, and no renderer is
 * started while there is none.
 *
 * No renderer is trusted to end by itself: one that the dispatcher has let go
 * is killed when it has not ended soon after, and at once when it was late
 * with a job.
 *
 * It runs as httpd's parent does, because the others change their user, so it
 * reads nothing that they write but how their start went, and which renderer
 * was let go: a number, that can at worst end a renderer.  It keeps the
 * listener and standard error of what it inherited; open log pipes and
 * listening ports of an old configuration must not survive in it.
 *
 * When it is told to stop it ends at once, because httpd's parent waits for
 * it between two configurations.  The dispatcher, which then has the rest of
 * its jobs rendered, and its renderers are left to a process that only waits
 * for them and kills what is late.
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
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <apr_errno.h>

#include "render/clock.h"
#include "render/dispatcher.h"
#include "render/fdmsg.h"
#include "render/ready.h"
#include "render/renderer.h"
#include "render/restart.h"

#define FIRST_FD 3 /* beyond standard error */
#define LISTENER_FD FIRST_FD

/* For the dispatcher: its queue and no more. */
#define DISPATCHER_MEMORY_BYTES (8 << 20)

/* Without work they stop within a millisecond or two. */
#define STOP_WAIT_MS 20
#define STOP_STEP_MS 2

/* Beyond the time limit of a job, until a renderer is killed. */
#define LATE_MS 500

/* For a renderer that was let go to end by itself (ours). */
#define LET_GO_MS 2000

typedef struct {
    const char *name;
    pid_t pid; /* 0: not running */
    int ready; /* read end: how the start went */
    apr_uint64_t started_ms;
    apr_uint64_t due_ms;  /* when to start it, if not running */
    apr_uint32_t number;  /* the dispatcher's name for it */
    int late;             /* killed because it was late with a job */
    apr_uint64_t kill_ms; /* when to kill it; 0: not */
    di_restart_t restart;
} slot_t;

typedef struct {
    const di_manager_conf_t *conf;
    ds_log_t log;
    sigset_t signals;     /* blocked, and waited for */
    int signal_fd;        /* the same to be polled */
    apr_uint32_t numbers; /* given to renderers */
    slot_t dispatcher;
    int control; /* our end of its socket; -1: it does not run */
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

/* These stay, as 3, 4 and so on; all others are closed.  First out of the
   way, for one may have the number that another is to get. */
static int keep_only(const int *fds, int count)
{
    int moved[3], i;

    for (i = 0; i < count; i++) {
        moved[i] = fcntl(fds[i], F_DUPFD, FIRST_FD + count);
        if (moved[i] < 0) {
            return 0;
        }
    }
    for (i = 0; i < count; i++) {
        if (dup2(moved[i], FIRST_FD + i) < 0) {
            return 0;
        }
    }
    close_from((unsigned)(FIRST_FD + count));
    return 1;
}

/* Standard error and the listener stay, as 2 and 3. */
static int keep_descriptors(int listener)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    return null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
           dup2(null, STDOUT_FILENO) >= 0 && keep_only(&listener, 1);
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

/* ---- starts ---- */

/* Of all that may be under way when httpd runs as the renderers' user: an
   original of each caller that is not accepted yet, two descriptors to each
   renderer, one from each; and as much again of others, but at least so
   many (ours).  With fewer, renderers could not answer while callers are
   waiting for a place, which only they can make. */
#define RENDERER_FILES_MIN 256

static int renderer_files(const di_manager_conf_t *conf)
{
    int files = 2 * (conf->queue + DI_MANAGER_BURST + 3 * conf->renderers);

    return files > RENDERER_FILES_MIN ? files : RENDERER_FILES_MIN;
}

/* What a new process becomes.  It never returns. */
typedef void be_fn(const manager_t *m, int ready, int sock);

static void be_renderer(const manager_t *m, int ready, int sock)
{
    const di_manager_conf_t *of = m->conf;
    di_renderer_conf_t conf = {.dispatcher = FIRST_FD,
                               .ready = FIRST_FD + 1,
                               .sandbox = of->sandbox,
                               .formats = of->formats,
                               .time_limit_ms = of->time_limit_ms,
                               .recycle_jobs = of->recycle_jobs,
                               .recycle_bytes = of->recycle_bytes};
    int fds[] = {sock, ready};

    conf.sandbox.open_files = renderer_files(of);
    (void)prctl(PR_SET_NAME, "di-renderer", 0, 0, 0);
    _exit(keep_only(fds, 2) ? di_renderer_run(&conf) : DI_READY_NOT);
}

static void be_dispatcher(const manager_t *m, int ready, int sock)
{
    const di_manager_conf_t *of = m->conf;
    di_dispatcher_conf_t conf = {.listener = LISTENER_FD,
                                 .control = FIRST_FD + 1,
                                 .ready = FIRST_FD + 2,
                                 .sandbox = of->sandbox,
                                 .places = of->queue,
                                 .age_ms = of->age_ms,
                                 .time_limit_ms = of->time_limit_ms,
                                 .counts = of->counts};
    int fds[] = {LISTENER_FD, sock, ready};

    conf.sandbox.role = DI_SANDBOX_DISPATCHER;
    conf.sandbox.open_files = di_dispatcher_files(of->queue);
    conf.sandbox.keeps = of->counts;
    conf.sandbox.memory_bytes = DISPATCHER_MEMORY_BYTES;
    (void)prctl(PR_SET_NAME, "di-dispatcher", 0, 0, 0);
    _exit(keep_only(fds, 3) ? di_dispatcher_run(&conf) : DI_READY_NOT);
}

static void close_control(manager_t *m)
{
    if (m->control >= 0) {
        close(m->control);
        m->control = -1;
    }
}

static void close_both(const int *ends)
{
    close(ends[0]);
    close(ends[1]);
}

/* A pipe for "ready", and a pair of sockets to talk to others. */
static int make_ends(int *ready, int *socks)
{
    if (pipe2(ready, O_CLOEXEC | O_NONBLOCK)) {
        return 0;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks)) {
        close_both(ready);
        return 0;
    }
    return 1;
}

/* Returns the other end of the new process's socket; -1: not started. */
static int start(manager_t *m, slot_t *slot, be_fn *be)
{
    int ready[2], socks[2], error;

    slot->started_ms = now_ms();
    slot->due_ms = slot->started_ms + 1000; /* when the next lines fail */
    if (!make_ends(ready, socks)) {
        ds_log(&m->log, DS_LOG_ERROR, "DI0315", errno,
               "no descriptors for a new %s", slot->name);
        return -1;
    }
    slot->pid = fork();
    error = errno;
    if (slot->pid == 0) {
        be(m, ready[1], socks[1]);
    }
    close(ready[1]);
    close(socks[1]);
    slot->ready = ready[0];
    if (slot->pid < 0) {
        ds_log(&m->log, DS_LOG_ERROR, "DI0306", error, "cannot start a %s",
               slot->name);
        close(ready[0]);
        close(socks[0]);
        slot->pid = 0;
        return -1;
    }
    return socks[0];
}

/* When the dispatcher does not get the socket it is closed all the same, and
   the renderer ends. */
static void start_renderer(manager_t *m, slot_t *slot)
{
    int sock = start(m, slot, be_renderer);

    if (sock >= 0) {
        slot->number = ++m->numbers;
        (void)di_fdmsg_send(m->control, &slot->number, sizeof(slot->number),
                            sock);
        close(sock);
    }
}

/* Start what is due; returns ms until the next one is, at most a minute. */
static apr_uint64_t start_due(manager_t *m)
{
    apr_uint64_t now = now_ms(), wait_ms = 60000;
    int i;

    if (!m->dispatcher.pid && m->dispatcher.due_ms <= now) {
        m->control = start(m, &m->dispatcher, be_dispatcher);
    }
    if (!m->dispatcher.pid) {
        return m->dispatcher.due_ms > now ? m->dispatcher.due_ms - now : 0;
    }
    if (m->control < 0) {
        return wait_ms; /* it is dying */
    }
    for (i = 0; i < m->conf->renderers; i++) {
        slot_t *slot = &m->slots[i];

        if (!slot->pid && slot->due_ms <= now) {
            start_renderer(m, slot);
        }
        if (!slot->pid && slot->due_ms - now < wait_ms) {
            wait_ms = slot->due_ms - now;
        }
    }
    return wait_ms;
}

/* ---- deaths ---- */

/* By its own timer, or by us. */
static int ran_out_of_time(const slot_t *slot, int how)
{
    return WIFSIGNALED(how) && (WTERMSIG(how) == SIGALRM ||
                                (slot->late && WTERMSIG(how) == SIGKILL));
}

static int has_code(int how, int code)
{
    return WIFEXITED(how) && WEXITSTATUS(how) == code;
}

static void log_death(const manager_t *m, const slot_t *slot, int how)
{
    if (ran_out_of_time(slot, how)) {
        ds_log(&m->log, DS_LOG_WARNING, "DI0307", 0,
               "%s %ld took too long and was ended", slot->name,
               (long)slot->pid);
    }
    else if (WIFSIGNALED(how)) {
        ds_log(&m->log, DS_LOG_WARNING, "DI0308", 0,
               "%s %ld was killed by signal %d", slot->name, (long)slot->pid,
               WTERMSIG(how));
    }
    else {
        ds_log(&m->log, DS_LOG_WARNING, "DI0309", 0,
               "%s %ld ended with code %d", slot->name, (long)slot->pid,
               WEXITSTATUS(how));
    }
}

/* Whether a dead process had come up; if not, log what it told. */
static int came_up(const manager_t *m, const slot_t *slot)
{
    char told[100];
    ssize_t len = read(slot->ready, told, sizeof(told) - 1);

    told[len > 0 ? len : 0] = '\0';
    if (!strcmp(told, DI_READY)) {
        return 1;
    }
    ds_log(&m->log, DS_LOG_ERROR, "DI0302", 0, "a %s cannot start: %s",
           slot->name, told[0] ? told : "it died at it");
    return 0;
}

/* Free the slot, and say when it is due again. */
static void schedule(const manager_t *m, slot_t *slot, di_restart_e end)
{
    apr_uint64_t now = now_ms();
    apr_uint32_t delay_ms =
        di_restart_delay_ms(&slot->restart, end, now - slot->started_ms);

    if (slot->restart.failures == DI_RESTART_FAILURES_MAX) {
        ds_log(&m->log, DS_LOG_ERROR, "DI0310", 0,
               "a %s failed to start %d times in a row; next try in %u s",
               slot->name, DI_RESTART_FAILURES_MAX,
               (unsigned)(delay_ms / 1000));
    }
    close(slot->ready);
    slot->pid = 0;
    slot->late = 0;
    slot->kill_ms = 0;
    slot->due_ms = now + delay_ms;
}

static void note_renderer(const manager_t *m, slot_t *slot, int how)
{
    int ready = came_up(m, slot);
    int recycled = has_code(how, DI_RENDERER_RECYCLED);

    if (ready && (recycled || has_code(how, DI_RENDERER_LET_GO))) {
        ds_log(&m->log, DS_LOG_DEBUG, "DI0316", 0,
               "renderer %ld ended as it should: %s", (long)slot->pid,
               recycled ? "after its share of work" : "it was let go");
        di_poolcount_add(m->conf->counts, DI_POOL_RECYCLED, recycled != 0);
        schedule(m, slot, DI_RESTART_ENDED);
        return;
    }
    log_death(m, slot, how);
    if (ran_out_of_time(slot, how)) {
        di_poolcount_add(m->conf->counts, DI_POOL_TIMED_OUT, 1);
        /* Its own time limit has paced it already. */
        schedule(m, slot, DI_RESTART_ENDED);
        return;
    }
    di_poolcount_add(m->conf->counts, DI_POOL_DIED, 1);
    schedule(m, slot, ready ? DI_RESTART_DIED : DI_RESTART_UNREADY);
}

static void kill_after(slot_t *slot, apr_uint64_t span_ms)
{
    apr_uint64_t at_ms = now_ms() + span_ms;

    if (slot->pid && (!slot->kill_ms || at_ms < slot->kill_ms)) {
        slot->kill_ms = at_ms;
    }
}

/* Renderers end with it, when they are done with their jobs, and are started
   again when there is another. */
static void note_dispatcher(manager_t *m, int how)
{
    int ready = came_up(m, &m->dispatcher), i;

    for (i = 0; i < m->conf->renderers; i++) {
        kill_after(&m->slots[i], m->conf->time_limit_ms + LATE_MS);
    }
    log_death(m, &m->dispatcher, how);
    di_poolcount_add(m->conf->counts, DI_POOL_DISPATCHERS_DIED, 1);
    di_poolcount_set(m->conf->counts, DI_POOL_WAITING, 0);
    di_poolcount_set(m->conf->counts, DI_POOL_RUNNING, 0);
    di_poolcount_alive(m->conf->counts, 0, di_clock_us(CLOCK_MONOTONIC));
    close_control(m);
    schedule(m, &m->dispatcher, ready ? DI_RESTART_DIED : DI_RESTART_UNREADY);
}

static void reap(manager_t *m)
{
    pid_t pid;
    int how, i;

    while ((pid = waitpid(-1, &how, WNOHANG)) > 0) {
        if (m->dispatcher.pid == pid) {
            note_dispatcher(m, how);
        }
        for (i = 0; i < m->conf->renderers; i++) {
            if (m->slots[i].pid == pid) {
                note_renderer(m, &m->slots[i], how);
            }
        }
    }
}

/* ---- the dispatcher's words ---- */

static void note_let_go(manager_t *m, const di_let_go_t *told)
{
    int i;

    for (i = 0; i < m->conf->renderers; i++) {
        slot_t *slot = &m->slots[i];

        if (slot->pid && slot->number == told->number) {
            slot->late = told->late == 1;
            kill_after(slot, slot->late ? 0 : LET_GO_MS);
        }
    }
}

static void hear_dispatcher(manager_t *m)
{
    di_let_go_t told;
    apr_ssize_t len;
    int none;

    do {
        len = di_fdmsg_receive(m->control, &told, sizeof(told), &none);
        if (none >= 0) {
            close(none);
        }
        if (len == (apr_ssize_t)sizeof(told)) {
            note_let_go(m, &told);
        }
    } while (len > 0);
    if (len == 0) { /* it is dead, or of no use */
        (void)kill(m->dispatcher.pid, SIGKILL);
        close_control(m);
    }
}

/* Kill what is due; returns ms until the next one is, at most a minute. */
static apr_uint64_t kill_due(manager_t *m)
{
    apr_uint64_t now = now_ms(), wait_ms = 60000;
    int i;

    for (i = 0; i < m->conf->renderers; i++) {
        slot_t *slot = &m->slots[i];

        if (slot->kill_ms && slot->kill_ms <= now) {
            (void)kill(slot->pid, SIGKILL);
            slot->kill_ms = 0; /* SIGCHLD is next */
        }
        if (slot->kill_ms && slot->kill_ms - now < wait_ms) {
            wait_ms = slot->kill_ms - now;
        }
    }
    return wait_ms;
}

/* ---- the end ---- */

static int running(const manager_t *m)
{
    int count = m->dispatcher.pid != 0, i;

    for (i = 0; i < m->conf->renderers; i++) {
        count += m->slots[i].pid != 0;
    }
    return count;
}

static void forget_if_ended(slot_t *slot)
{
    if (slot->pid && waitpid(slot->pid, NULL, WNOHANG) == slot->pid) {
        slot->pid = 0;
    }
}

static void forget_ended(manager_t *m)
{
    int i;

    forget_if_ended(&m->dispatcher);
    for (i = 0; i < m->conf->renderers; i++) {
        forget_if_ended(&m->slots[i]);
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

static void open_pidfd(int *pidfds, int *count, const slot_t *slot)
{
    if (slot->pid) {
        pidfds[*count] = pidfd_open(slot->pid, 0);
        *count += pidfds[*count] >= 0;
    }
}

static void leave_rest_to_closer(const manager_t *m)
{
    int pidfds[DI_MANAGER_RENDERERS_MAX + 1], count = 0, i;

    open_pidfd(pidfds, &count, &m->dispatcher);
    for (i = 0; i < m->conf->renderers; i++) {
        open_pidfd(pidfds, &count, &m->slots[i]);
    }
    (void)prctl(PR_SET_NAME, "di-closer", 0, 0, 0);
    if (count && fork() == 0) {
        wait_and_kill(pidfds, count, m->conf->time_limit_ms + LATE_MS);
    }
}

/* The dispatcher is told by its control socket's end, and lets the renderers
   go when they are done. */
static void stop(manager_t *m)
{
    int i;

    close_control(m);
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

/* Back-off; returns 0 when told to stop meanwhile. */
static int wait_before_work(const manager_t *m)
{
    struct timespec span = {(time_t)(m->conf->delay_ms / 1000), 0};

    return !m->conf->delay_ms || sigtimedwait(&m->signals, NULL, &span) <= 0;
}

static void name_slots(manager_t *m)
{
    int i;

    m->dispatcher.name = "dispatcher";
    for (i = 0; i < m->conf->renderers; i++) {
        m->slots[i].name = "renderer";
    }
}

/* Wait for a signal, or a word of the dispatcher.  Returns 1 when told to
   stop. */
static int wait_for_news(manager_t *m, apr_uint64_t wait_ms)
{
    struct pollfd polled[] = {{m->signal_fd, POLLIN, 0},
                              {m->control, POLLIN, 0}};
    struct signalfd_siginfo got;
    int stopped = 0;

    if (poll(polled, 2, (int)wait_ms) <= 0) {
        return 0;
    }
    while (read(m->signal_fd, &got, sizeof(got)) == (ssize_t)sizeof(got)) {
        stopped |= got.ssi_signo != SIGCHLD;
    }
    if (polled[1].revents && !stopped) {
        hear_dispatcher(m);
    }
    return stopped;
}

void di_manager_run(const di_manager_conf_t *conf)
{
    manager_t m = {
        .conf = conf, .log = {NULL, conf->log_upto, print}, .control = -1};

    name_slots(&m);
    reset_signals();
    die_with(conf->parent);
    block_signals(&m.signals);
    (void)prctl(PR_SET_NAME, "di-manager", 0, 0, 0);
    if (!keep_descriptors(conf->listener) ||
        (m.signal_fd = signalfd(-1, &m.signals, SFD_CLOEXEC | SFD_NONBLOCK)) <
            0) {
        ds_log(&m.log, DS_LOG_ERROR, "DI0311", errno,
               "the render manager cannot keep its descriptors");
        _exit(1);
    }
    if (!wait_before_work(&m)) {
        _exit(0);
    }
    log_kernel(&m);
    for (;;) {
        apr_uint64_t start_ms = start_due(&m), kill_ms = kill_due(&m);

        if (wait_for_news(&m, start_ms < kill_ms ? start_ms : kill_ms)) {
            stop(&m);
        }
        reap(&m);
    }
}
