/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A renderer's life: give up rights, start the library, give up the rest,
 * then wait for connections.  One connection is one job:
 *
 *   receive order + original -> read original -> render -> memory file,
 *   sealed -> send result + memory file -> close
 *
 * The timer is armed for the whole job and is not caught: a decoder in an
 * endless loop cannot be asked to stop.  Memory comes from malloc and goes
 * back at the end of the job; there are no pools here.  After the sandbox is
 * closed nothing is written but the answer.
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
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "render/clock.h"
#include "render/fdmsg.h"
#include "render/render_gm.h"
#include "render/wire.h"

/* A client sends its order right behind the connect. */
#define ORDER_WAIT_MS 200

/* The caller gives up first, so that it reports a time-out, not a death. */
#define GRACE_US 50000

enum { EXIT_NOT_STARTED = 11, EXIT_NO_POLL = 12 };

/* ---- a job ---- */

static void arm(apr_uint64_t span_us)
{
    struct itimerval timer;

    memset(&timer, 0, sizeof(timer));
    timer.it_value.tv_sec = (time_t)(span_us / 1000000);
    timer.it_value.tv_usec = (suseconds_t)(span_us % 1000000);
    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

/* How long a job may take from now, us; 0: nobody waits for it any more. */
static apr_uint64_t time_left_us(const di_order_t *order,
                                 const di_renderer_conf_t *conf)
{
    apr_uint64_t now = di_clock_us(CLOCK_MONOTONIC), left;
    apr_uint64_t most = (apr_uint64_t)conf->time_limit_ms * 1000;

    if (order->deadline_us <= now) {
        return 0;
    }
    left = order->deadline_us - now;
    return (left < most ? left : most) + GRACE_US;
}

/* The whole original in memory; NULL when it has become shorter, or memory
   is short.  Never mapped: a file that shrinks would kill the process. */
static unsigned char *read_original(di_render_status_e *status, int fd,
                                    apr_size_t size)
{
    unsigned char *bytes = malloc(size);
    apr_size_t have = 0;

    *status = bytes ? DI_RENDER_OK : DI_RENDER_NO_MEMORY;
    while (bytes && have < size) {
        ssize_t got = pread(fd, bytes + have, size - have, (off_t)have);

        if (got <= 0) {
            *status = DI_RENDER_BROKEN;
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

static void answer(int conn, di_result_t *result, const unsigned char *out)
{
    unsigned char frame[DI_WIRE_RESULT_BYTES];
    int fd = -1;

    if (result->status == DI_RENDER_OK &&
        (fd = sealed_file(out, (apr_size_t)result->bytes)) < 0) {
        result->status = DI_RENDER_NO_MEMORY;
    }
    if (result->status != DI_RENDER_OK) {
        result->width_px = result->height_px = 0;
        result->bytes = 0;
    }
    di_wire_put_result(frame, result);
    (void)di_fdmsg_send(conn, frame, sizeof(frame), fd);
    if (fd >= 0) {
        close(fd);
    }
}

static void work(int conn, const di_order_t *order, int original)
{
    apr_uint64_t started = di_clock_us(CLOCK_PROCESS_CPUTIME_ID);
    unsigned char *bytes, *out = NULL;
    di_render_status_e status;
    di_result_t result;

    memset(&result, 0, sizeof(result));
    bytes = read_original(&status, original, (apr_size_t)order->original_bytes);
    result.status = (apr_uint32_t)status;
    if (bytes) {
        di_gm_render(&result, &out, &order->job, bytes,
                     (apr_size_t)order->original_bytes);
    }
    result.cpu_us =
        (apr_uint32_t)(di_clock_us(CLOCK_PROCESS_CPUTIME_ID) - started);
    answer(conn, &result, out);
    free(bytes);
    free(out);
}

static int hung_up(int conn)
{
    struct pollfd polled = {conn, POLLRDHUP, 0};

    return poll(&polled, 1, 0) > 0;
}

static void serve(int conn, const di_renderer_conf_t *conf)
{
    struct pollfd polled = {conn, POLLIN, 0};
    unsigned char frame[DI_WIRE_JOB_BYTES];
    apr_ssize_t len = -1;
    apr_uint64_t left_us = 0;
    di_order_t order;
    int original = -1;

    if (poll(&polled, 1, ORDER_WAIT_MS) > 0) {
        len = di_fdmsg_receive(conn, frame, sizeof(frame), &original);
    }
    if (len > 0 && original >= 0 &&
        di_wire_get_order(&order, frame, (apr_size_t)len) && !hung_up(conn)) {
        left_us = time_left_us(&order, conf);
    }
    if (left_us) {
        arm(left_us);
        work(conn, &order, original);
        arm(0);
    }
    if (original >= 0) {
        close(original);
    }
}

/* ---- the process ---- */

/* Signals that ask for an end, as a descriptor, so that they are seen
   between two jobs only. */
static int stop_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_SETMASK, &set, NULL)) {
        return -1;
    }
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static int serve_until_stopped(int stop, const di_renderer_conf_t *conf)
{
    struct pollfd polled[2] = {{stop, POLLIN, 0}, {conf->listener, POLLIN, 0}};

    for (;;) {
        int conn;

        if (poll(polled, 2, -1) < 0) {
            return EXIT_NO_POLL;
        }
        if (polled[0].revents) {
            return 0;
        }
        conn = accept4(conf->listener, NULL, NULL, SOCK_CLOEXEC);
        if (conn >= 0) {
            serve(conn, conf);
            close(conn);
        }
    }
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
    /* Not earlier: a change of user clears this. */
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    if (getppid() != conf->manager) {
        return "the manager is gone";
    }
    keep_heap_small();
    silence();
    if (!di_gm_start(conf->sandbox.memory_bytes)) {
        return "the image library does not read and write every format";
    }
    return di_sandbox_close(&conf->sandbox);
}

static void tell_manager(int ready, const char *text)
{
    (void)!write(ready, text, strlen(text));
    close(ready);
}

int di_renderer_run(const di_renderer_conf_t *conf)
{
    int stop = stop_signals();
    const char *failed = "no descriptor for signals";

    (void)signal(SIGXFSZ, SIG_IGN); /* write() says so as well */
    if (stop >= 0) {
        failed = give_up_rights(conf);
    }
    tell_manager(conf->ready, failed ? failed : DI_RENDERER_READY);
    return failed ? EXIT_NOT_STARTED : serve_until_stopped(stop, conf);
}
