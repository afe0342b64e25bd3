/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it writes is read until it has ended, not until the pipe is closed:
 * "apachectl graceful" may leave a server behind that keeps it open.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_time.h>

#define OUTPUT_BYTES 65536
#define LOOK_MS 50
/* What prepare() says, and exec. */
#define NOT_RUN 127

typedef struct {
    pid_t pid;
    int to; /* -1: closed */
    int from;
    const char *input;
    apr_size_t left;
    char *output;
    apr_size_t got;
} running_t;

const char **ctl_child_words(int *count, const char *command, int more,
                             apr_pool_t *p)
{
    const char **words = apr_pcalloc(
        p, (strlen(command) / 2 + 2 + (size_t)more) * sizeof *words);
    char *state;

    *count = 0;
    for (char *word = apr_strtok(apr_pstrdup(p, command), " \t", &state);
         word != NULL; word = apr_strtok(NULL, " \t", &state)) {
        words[(*count)++] = word;
    }
    return words;
}

static void say(const char *what, const char *why)
{
    (void)!write(STDERR_FILENO, what, strlen(what));
    (void)!write(STDERR_FILENO, ": ", 2);
    (void)!write(STDERR_FILENO, why, strlen(why));
    _exit(NOT_RUN);
}

static void be_child(const ctl_child_t *child, int in, int out)
{
    const char *why;

    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    why = child->prepare != NULL ? child->prepare(child->baton) : NULL;
    if (why != NULL) {
        say(child->argv[0], why);
    }
    execvp(child->argv[0], (char *const *)(uintptr_t)child->argv);
    say(child->argv[0], strerror(errno));
}

static void pass_input(running_t *running)
{
    if (running->left > 0) {
        ssize_t sent = write(running->to, running->input, running->left);

        if (sent > 0) {
            running->input += sent;
            running->left -= (apr_size_t)sent;
        }
        else if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            running->left = 0;
        }
    }
    if (running->left == 0) {
        close(running->to);
        running->to = -1;
    }
}

/* @return 0 when there is no more at the moment */
static int take_output(running_t *running)
{
    char more[4096];
    ssize_t got = read(running->from, more, sizeof more);
    apr_size_t room = OUTPUT_BYTES - running->got;

    if (got <= 0) {
        return 0;
    }
    if (room > (apr_size_t)got) {
        room = (apr_size_t)got;
    }
    memcpy(running->output + running->got, more, room);
    running->got += room;
    return 1;
}

static int look(running_t *running, apr_time_t end)
{
    struct pollfd fds[2] = {{.fd = running->from, .events = POLLIN},
                            {.fd = running->to, .events = POLLOUT}};
    int status;

    if (apr_time_now() > end) {
        kill(-running->pid, SIGKILL);
    }
    poll(fds, 2, LOOK_MS);
    if (running->to >= 0 && fds[1].revents != 0) {
        pass_input(running);
    }
    if (fds[0].revents & POLLHUP && !(fds[0].revents & POLLIN)) {
        apr_sleep(LOOK_MS * 100); /* closed, and still there */
    }
    if (waitpid(running->pid, &status, WNOHANG) == running->pid) {
        while (take_output(running)) {
        }
        return status;
    }
    take_output(running);
    return -1;
}

static int start(running_t *running, const ctl_child_t *child)
{
    int to[2], from[2];

    if (pipe2(to, O_CLOEXEC) != 0) {
        return 0;
    }
    if (pipe2(from, O_CLOEXEC) != 0) {
        close(to[0]);
        close(to[1]);
        return 0;
    }
    running->pid = fork();
    if (running->pid == 0) {
        setpgid(0, 0); /* so that the whole command is ended in time */
        signal(SIGPIPE, SIG_DFL);
        be_child(child, to[0], from[1]);
    }
    close(to[0]);
    close(from[1]);
    running->to = to[1];
    running->from = from[0];
    fcntl(running->to, F_SETFL, O_NONBLOCK);
    fcntl(running->from, F_SETFL, O_NONBLOCK);
    return running->pid > 0;
}

void ctl_child_run(ctl_ended_t *ended, const ctl_child_t *child, apr_pool_t *p)
{
    running_t running = {.input = child->input,
                         .left = child->input_bytes,
                         .output = apr_palloc(p, OUTPUT_BYTES + 1)};
    apr_time_t limit = apr_time_now() + apr_time_from_sec(child->timeout_s);
    int status = -1;

    signal(SIGPIPE, SIG_IGN);
    ended->exit = -1;
    ended->output = strerror(errno);
    if (!start(&running, child)) {
        return;
    }
    while (status == -1) {
        status = look(&running, limit);
    }
    if (running.to >= 0) {
        close(running.to);
    }
    close(running.from);
    while (running.got > 0 && (running.output[running.got - 1] == '\n' ||
                               running.output[running.got - 1] == '\r')) {
        running.got--;
    }
    running.output[running.got] = '\0';
    ended->output = running.output;
    ended->exit =
        WIFEXITED(status)
            ? (WEXITSTATUS(status) == NOT_RUN ? -1 : WEXITSTATUS(status))
            : 128 + WTERMSIG(status);
}
