/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A renderer's life: give up rights, start the libraries, give up the rest,
 * then wait for jobs:
 *
 *   free -> job + caller's connection + original -> begun -> read original
 *     -> render -> memory file, sealed -> memory back -> send result + memory
 *     file -> close
 *
 * The timer is armed for the whole job and is not caught: a decoder in an
 * endless loop cannot be asked to stop.  Memory comes from malloc and goes
 * back at the end of the job; there are no pools here.  What a library keeps
 * all the same is ended with the process: after so many jobs, or so much
 * memory, the renderer asks to be replaced.  After the sandbox is closed
 * nothing is written but the answer.
 */
#include "render/renderer.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "render/clock.h"
#include "render/compose.h"
#include "render/fdmsg.h"
#include "render/ready.h"
#include "render/wire.h"

/* The caller gives up first, so that it reports a time-out, not a death. */
#define GRACE_US 50000

enum { EXIT_NO_POLL = 12, EXIT_NO_DISPATCHER = 13 };

/* ---- a job ---- */

static void arm(apr_uint64_t span_us)
{
    struct itimerval timer;

    memset(&timer, 0, sizeof(timer));
    timer.it_value.tv_sec = (time_t)(span_us / 1000000);
    timer.it_value.tv_usec = (suseconds_t)(span_us % 1000000);
    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

/* How long a job may take from now, us; 0: it is too late to begin it. */
static apr_uint64_t time_left_us(const di_order_t *order,
                                 const di_renderer_conf_t *conf)
{
    apr_uint64_t now = di_clock_us(CLOCK_MONOTONIC), left;
    apr_uint64_t most = (apr_uint64_t)conf->time_limit_ms * 1000;

    if (di_wire_latest_us(order, conf->time_limit_ms) <= now) {
        return 0;
    }
    left = order->deadline_us - now;
    return (left < most ? left : most) + GRACE_US;
}

/* The whole original in memory; NULL when it has become shorter, cannot be
   read (which tells nothing of it), or memory is short.  Never mapped: a file
   that shrinks would kill the process. */
static unsigned char *read_original(di_render_status_e *status, int fd,
                                    apr_size_t size)
{
    unsigned char *bytes = malloc(size);
    apr_size_t have = 0;

    *status = bytes ? DI_RENDER_OK : DI_RENDER_NO_MEMORY;
    while (bytes && have < size) {
        ssize_t got = pread(fd, bytes + have, size - have, (off_t)have);

        if (got <= 0) {
            *status = got ? DI_RENDER_FAILED : DI_RENDER_BROKEN;
            free(bytes);
            return NULL;
        }
        have += (apr_size_t)got;
    }
    return bytes;
}

/* A memory file that nobody can change any more; -1 when there is none. */
static int sealed_file(const unsigned char *bytes, apr_size_t len)
{
    int fd = memfd_create("rendition", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    apr_size_t done = 0;

    while (fd >= 0 && done < len) {
        ssize_t wrote = write(fd, bytes + done, len - done);

        if (wrote <= 0) {
            close(fd);
            return -1;
        }
        done += (apr_size_t)wrote;
    }
    if (fd >= 0 &&
        fcntl(fd, F_ADD_SEALS,
              F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)) {
        close(fd);
        return -1;
    }
    return fd;
}

static void answer_status(int conn, di_render_status_e status)
{
    unsigned char frame[DI_WIRE_RESULT_BYTES];
    di_result_t result = {.status = (apr_uint32_t)status};

    di_wire_put_result(frame, &result);
    (void)di_fdmsg_send(conn, frame, sizeof(frame), -1);
}

/* @param fd  the rendition; -1: none */
static void answer(int conn, const di_result_t *result, int fd)
{
    unsigned char frame[DI_WIRE_RESULT_BYTES];

    di_wire_put_result(frame, result);
    /* The kernel bounds the descriptors under way of all processes of a user
       by the sender's limit, which is low here.  Those of callers that are
       waiting to be accepted count too, if httpd runs as the same user, and
       will be out of the way soon; the job's timer ends this if not. */
    while (!di_fdmsg_send(conn, frame, sizeof(frame), fd) &&
           errno == ETOOMANYREFS) {
        (void)poll(NULL, 0, 1);
    }
}

/* A caller of an older or newer configuration than this renderer's: no
   verdict on the picture. */
static int may_decode(const di_order_t *order, const di_renderer_conf_t *conf)
{
    return (int)DI_FORMAT_IN(conf->formats, order->job.format);
}

/* Render, and give all memory back: that is part of what the job costs.
   Returns the rendition as a file; -1: none. */
static int render(di_result_t *result, const di_order_t *order, int original)
{
    apr_size_t len = (apr_size_t)order->original_bytes;
    unsigned char *out = NULL, *bytes;
    di_render_status_e status;
    int fd = -1;

    memset(result, 0, sizeof(*result));
    bytes = read_original(&status, original, len);
    result->status = (apr_uint32_t)status;
    if (bytes) {
        di_compose(result, &out, &order->job, bytes, len);
    }
    if (result->status == DI_RENDER_OK &&
        (fd = sealed_file(out, (apr_size_t)result->bytes)) < 0) {
        result->status = DI_RENDER_NO_MEMORY;
    }
    free(bytes);
    free(out);
    return fd;
}

/* @param taken_us  CPU time of this process when it took the job */
static void work(int conn, const di_order_t *order, int original,
                 apr_uint64_t taken_us)
{
    di_result_t result;
    int fd = render(&result, order, original);

    /* Only the sending is left out, and closing what came with the job. */
    result.cpu_us =
        (apr_uint32_t)(di_clock_us(CLOCK_PROCESS_CPUTIME_ID) - taken_us);
    answer(conn, &result, fd);
    if (fd >= 0) {
        close(fd);
    }
}

static int hung_up(int conn)
{
    struct pollfd polled = {conn, POLLRDHUP, 0};

    return poll(&polled, 1, 0) > 0;
}

/* The caller learns that its job is in work: if the connection ends from now
   on, it was the picture. */
static void serve(int conn, int original, const di_order_t *order,
                  apr_uint64_t taken_us, const di_renderer_conf_t *conf)
{
    apr_uint64_t left_us = time_left_us(order, conf);

    if (hung_up(conn)) {
        return;
    }
    if (!left_us) {
        answer_status(conn, DI_RENDER_BUSY);
        return;
    }
    if (!may_decode(order, conf)) {
        answer_status(conn, DI_RENDER_FAILED);
        return;
    }
    arm(left_us);
    (void)di_fdmsg_send(conn, DI_WIRE_BEGUN, DI_WIRE_BEGUN_BYTES, -1);
    work(conn, order, original, taken_us);
    arm(0);
}

/* Returns 0 when the dispatcher has closed. */
static int serve_next(const di_renderer_conf_t *conf)
{
    apr_uint64_t taken_us = di_clock_us(CLOCK_PROCESS_CPUTIME_ID);
    unsigned char frame[DI_WIRE_JOB_BYTES];
    int fds[2]; /* the caller's connection, the original */
    apr_ssize_t len =
        di_fdmsg_receive_many(conf->dispatcher, frame, sizeof(frame), fds, 2);
    di_order_t order;

    if (len > 0 && fds[1] >= 0 &&
        di_wire_get_order(&order, frame, (apr_size_t)len)) {
        serve(fds[0], fds[1], &order, taken_us, conf);
    }
    if (fds[0] >= 0) {
        close(fds[0]);
    }
    if (fds[1] >= 0) {
        close(fds[1]);
    }
    return len != 0;
}

/* ---- the process ---- */

/* Memory that malloc has from the system, whether in use or not. */
static apr_uint64_t memory_held(void)
{
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    struct mallinfo2 info = mallinfo2();

    return (apr_uint64_t)info.arena + info.hblkhd;
#else
    struct mallinfo info = mallinfo(); /* right below 4 GB */

    return (apr_uint64_t)(unsigned)info.arena + (unsigned)info.hblkhd;
#endif
}

static int is_worn(const di_renderer_conf_t *conf, apr_uint32_t jobs,
                   apr_uint64_t held_at_start)
{
    return (conf->recycle_jobs && jobs >= conf->recycle_jobs) ||
           (conf->recycle_bytes &&
            memory_held() > held_at_start + conf->recycle_bytes);
}

static int serve_until_let_go(const di_renderer_conf_t *conf)
{
    struct pollfd polled = {conf->dispatcher, POLLIN, 0};
    apr_uint64_t held_at_start = memory_held();
    apr_uint32_t jobs = 0;
    int worn = 0;

    for (;;) {
        char word = worn ? DI_RENDERER_WORN : DI_RENDERER_FREE;

        if (!di_fdmsg_send(conf->dispatcher, &word, 1, -1)) {
            return errno == EPIPE ? DI_RENDERER_LET_GO : EXIT_NO_DISPATCHER;
        }
        if (poll(&polled, 1, -1) < 0) {
            return EXIT_NO_POLL;
        }
        if (!serve_next(conf)) {
            return worn ? DI_RENDERER_RECYCLED : DI_RENDERER_LET_GO;
        }
        jobs += jobs < APR_UINT32_MAX;
        worn = is_worn(conf, jobs, held_at_start);
    }
}

/* Signals that httpd sends to its process group are for the manager. */
static void block_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    (void)sigprocmask(SIG_SETMASK, &set, NULL);
    (void)signal(SIGXFSZ, SIG_IGN); /* write() says so as well */
}

/* Large buffers go back to the system at the end of a job, whatever the
   sizes before; else one large picture would stay for good. */
static void keep_heap_small(void)
{
#ifdef M_MMAP_THRESHOLD
    (void)mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    (void)mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
#endif
}

/* Descriptor 2 must stay in use: libraries write there, and a memory file
   with that number would get their messages. */
static void silence(void)
{
    if (!di_sandbox_is_weakened()) {
        (void)dup2(STDOUT_FILENO, STDERR_FILENO);
    }
}

/* Returns NULL when done, else what failed. */
static const char *give_up_rights(const di_renderer_conf_t *conf)
{
    const char *failed = di_sandbox_enter(&conf->sandbox);

    if (failed) {
        return failed;
    }
    keep_heap_small();
    silence();
    if (!di_compose_start(conf->formats, conf->sandbox.memory_bytes)) {
        return "a library does not read and write every format";
    }
    return di_sandbox_close(&conf->sandbox);
}

int di_renderer_run(const di_renderer_conf_t *conf)
{
    const char *failed;

    block_signals();
    failed = give_up_rights(conf);
    di_ready_tell(conf->ready, failed);
    return failed ? DI_READY_NOT : serve_until_let_go(conf);
}
