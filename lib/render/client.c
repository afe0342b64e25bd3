/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One render as httpd's children see it, from any thread; all state is on
 * the stack.
 *
 *   connect -> send order + original -> wait -> begun -> wait
 *     -> result + memory file
 *
 * Everything is bounded by one deadline.  A connection that ends before the
 * job was begun tells nothing of the picture (the dispatcher died, or the
 * renderer before it took the job): the job is sent again.  So is one for which
 * somebody has begun to wait, as urgent as such jobs are; the dispatcher drops
 * the one that hung up.  What comes back is believed only as far as it can be
 * checked: the frame (render/wire.h), and that the descriptor is a regular file
 * of the size told which nobody can change any more.  It is then opened anew,
 * because its offset would otherwise be shared with the renderer.
 */
#include "render/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <apr_portable.h>

#include "render/clock.h"
#include "render/fdmsg.h"
#include "render/wire.h"
#include "render/workers_in.h"

/* How often a job is sent. */
#define TRIES 3

/* How often a job for which nobody waits is looked after: short beside what a
   queue that such a job stands in makes a visitor wait. */
#define LOOK_EVERY_MS 50

/* Beside what a render tells: somebody waits for it by now. */
#define AWAITED ((di_render_status_e)(DI_RENDER_NOT_BEGUN + 1))

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static int descriptor_of(apr_file_t *file)
{
    apr_os_file_t fd;

    return apr_os_file_get(&fd, file) == APR_SUCCESS ? fd : -1;
}

static int path_of(char *path, apr_size_t size, int fd)
{
    int len = snprintf(path, size, "/proc/self/fd/%d", fd);

    return len > 0 && (apr_size_t)len < size;
}

static di_render_status_e connected(int *out, const di_workers_t *workers)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int sock, error;

    if (!path_of(address.sun_path, sizeof(address.sun_path),
                 workers->address)) {
        return DI_RENDER_NO_POOL;
    }
    sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sock < 0) {
        return DI_RENDER_NO_POOL;
    }
    if (!connect(sock, (struct sockaddr *)&address, sizeof(address))) {
        *out = sock;
        return DI_RENDER_OK;
    }
    error = errno;
    close(sock);
    return error == EAGAIN ? DI_RENDER_BUSY : DI_RENDER_NO_POOL;
}

/* Until the renderer answers, or closes, or time is up; or, of a job that is
   not begun, somebody waits for it by now. */
static di_render_status_e wait_for_answer(int sock, const di_order_t *order,
                                          int begun)
{
    struct pollfd polled = {sock, POLLIN, 0};
    const di_job_t *job = &order->job;
    int looks = !begun && job->is_awaited && job->urgency > DI_URGENCY_MISSING;

    for (;;) {
        apr_uint64_t now = di_clock_us(CLOCK_MONOTONIC);
        int span_ms, got;

        if (now >= order->deadline_us) {
            return DI_RENDER_TIMEOUT;
        }
        span_ms = (int)((order->deadline_us - now + 999) / 1000);
        got = poll(&polled, 1,
                   looks && span_ms > LOOK_EVERY_MS ? LOOK_EVERY_MS : span_ms);
        if (got > 0) {
            return DI_RENDER_OK;
        }
        if (got < 0 && errno != EINTR) {
            return DI_RENDER_DIED;
        }
        if (looks && job->is_awaited(job->awaited_baton)) {
            return AWAITED;
        }
    }
}

static int is_sealed_file(int fd, apr_uint64_t bytes)
{
    struct stat info;
    int seals = fcntl(fd, F_GET_SEALS);

    return seals >= 0 && (seals & SEALS) == SEALS && !fstat(fd, &info) &&
           S_ISREG(info.st_mode) && (apr_uint64_t)info.st_size == bytes;
}

/* Checked, and as a description of our own for the same memory. */
static di_render_status_e take_rendition(apr_file_t **out, int fd,
                                         const di_result_t *result,
                                         apr_pool_t *p)
{
    char path[40];

    if (fd < 0 || !is_sealed_file(fd, result->bytes) ||
        !path_of(path, sizeof(path), fd)) {
        return DI_RENDER_DIED;
    }
    return apr_file_open(out, path, APR_FOPEN_READ | APR_FOPEN_BINARY,
                         APR_FPROT_OS_DEFAULT, p) == APR_SUCCESS
               ? DI_RENDER_OK
               : DI_RENDER_NO_MEMORY;
}

static int is_begun(const unsigned char *frame, apr_ssize_t len)
{
    return len == DI_WIRE_BEGUN_BYTES &&
           !memcmp(frame, DI_WIRE_BEGUN, DI_WIRE_BEGUN_BYTES);
}

/* The last message, whose descriptor is fd. */
static di_render_status_e take_result(di_result_t *result, apr_file_t **out,
                                      const unsigned char *frame,
                                      apr_ssize_t len, int fd,
                                      const di_job_t *job, apr_pool_t *p)
{
    di_result_t told;
    di_render_status_e status;

    if (len <= 0 || !di_wire_get_result(&told, frame, (apr_size_t)len, job)) {
        return DI_RENDER_DIED;
    }
    status = (di_render_status_e)told.status;
    if (status == DI_RENDER_OK) {
        status = take_rendition(out, fd, &told, p);
    }
    *result = told;
    return status;
}

/**
 * @param begun_us  set to when the job was in work; 0: it never was
 */
static di_render_status_e receive(di_result_t *result, apr_file_t **out,
                                  apr_uint64_t *begun_us, int sock,
                                  const di_order_t *order, apr_pool_t *p)
{
    unsigned char frame[DI_WIRE_RESULT_BYTES];
    di_render_status_e status;

    for (*begun_us = 0;; *begun_us = di_clock_us(CLOCK_MONOTONIC)) {
        apr_ssize_t len;
        int fd, again;

        status = wait_for_answer(sock, order, *begun_us != 0);
        if (status != DI_RENDER_OK) {
            return status;
        }
        len = di_fdmsg_receive(sock, frame, sizeof(frame), &fd);
        again = !*begun_us && is_begun(frame, len);
        if (!again) {
            status = take_result(result, out, frame, len, fd, &order->job, p);
        }
        if (fd >= 0) {
            close(fd);
        }
        if (!again) {
            return status;
        }
    }
}

static di_render_status_e exchange(di_result_t *result, apr_file_t **out,
                                   apr_uint64_t *begun_us, int sock,
                                   const di_order_t *order, int original,
                                   apr_pool_t *p)
{
    unsigned char frame[DI_WIRE_JOB_BYTES];

    *begun_us = 0;
    di_wire_put_order(frame, order);
    if (!di_fdmsg_send(sock, frame, sizeof(frame), original)) {
        return DI_RENDER_DIED;
    }
    return receive(result, out, begun_us, sock, order, p);
}

/* A time-out tells something of the picture only when a renderer had most of
   the time for it. */
static int had_most_of_its_time(const di_order_t *order, apr_uint64_t begun_us)
{
    return begun_us &&
           begun_us + (apr_uint64_t)order->job.time_limit_ms * 500 <=
               order->deadline_us;
}

static apr_uint32_t span_us(apr_uint64_t since_us)
{
    apr_uint64_t span = di_clock_us(CLOCK_MONOTONIC) - since_us;

    return span < APR_UINT32_MAX ? (apr_uint32_t)span : APR_UINT32_MAX;
}

/* A renderer has one thread, so it cannot have used more CPU time than has
   gone by: what it tells is believed up to that.  One that was ended at the job
   has told nothing; then the time that it had stands for what it used. */
static void bound_cpu(di_result_t *result, di_render_status_e status,
                      apr_uint64_t sent_us, apr_uint64_t begun_us)
{
    apr_uint32_t most_us = span_us(sent_us);

    if (status == DI_RENDER_DIED || status == DI_RENDER_TIMEOUT) {
        result->cpu_us = begun_us ? span_us(begun_us) : 0;
    }
    else if (result->cpu_us > most_us) {
        result->cpu_us = most_us;
    }
}

/* Send the job until a renderer has begun it, or it is refused.
   @param order  becomes more urgent when somebody waits for it by now */
static di_render_status_e ask(di_result_t *result, apr_file_t **out,
                              const di_workers_t *workers, di_order_t *order,
                              int original, apr_pool_t *p)
{
    int tries;

    for (tries = 0; tries < TRIES; tries++) {
        apr_uint64_t begun_us, sent_us = di_clock_us(CLOCK_MONOTONIC);
        int sock;
        di_render_status_e status = connected(&sock, workers);

        if (status != DI_RENDER_OK) {
            return status;
        }
        status = exchange(result, out, &begun_us, sock, order, original, p);
        close(sock);
        if (status == AWAITED) {
            order->job.urgency = DI_URGENCY_MISSING;
            tries = -1;
            continue;
        }
        bound_cpu(result, status, sent_us, begun_us);
        if (status == DI_RENDER_TIMEOUT &&
            !had_most_of_its_time(order, begun_us)) {
            return DI_RENDER_NOT_BEGUN;
        }
        if (status != DI_RENDER_DIED || begun_us) {
            return status;
        }
    }
    return DI_RENDER_BUSY;
}

/* What can be refused without asking a renderer. */
static di_render_status_e check_original(apr_uint64_t *bytes, int fd,
                                         const di_job_t *job)
{
    struct stat info;

    if (fd < 0 || fstat(fd, &info) || !S_ISREG(info.st_mode) ||
        info.st_size <= 0) {
        return DI_RENDER_UNSUPPORTED;
    }
    *bytes = (apr_uint64_t)info.st_size;
    return *bytes > job->limits.max_bytes ? DI_RENDER_TOO_MANY_BYTES
                                          : DI_RENDER_OK;
}

/* Has the parent been killed, while this child of it still serves?  The pool
   ended with it and comes back no more, but the listener that all children
   inherited takes connections for ever. */
static int is_orphan(const di_workers_t *workers)
{
    return getppid() != workers->owner && getpid() != workers->owner;
}

void di_workers_child_render(di_workers_t *workers, di_result_t *result,
                             apr_file_t **out, const di_job_t *job,
                             apr_file_t *original, apr_pool_t *p)
{
    di_render_status_e status = DI_RENDER_NO_POOL;
    int fd = descriptor_of(original);
    di_order_t order;

    memset(result, 0, sizeof(*result));
    *out = NULL;
    order.job = *job;
    if (workers && workers->renderers) {
        if (order.job.time_limit_ms > workers->time_limit_ms) {
            order.job.time_limit_ms = workers->time_limit_ms;
        }
        order.deadline_us = di_clock_us(CLOCK_MONOTONIC) +
                            (apr_uint64_t)order.job.time_limit_ms * 1000;
        status = check_original(&order.original_bytes, fd, job);
        if (status == DI_RENDER_OK &&
            (is_orphan(workers) ||
             di_poolcount_is_hopeless(workers->counts,
                                      di_clock_us(CLOCK_MONOTONIC)))) {
            status = DI_RENDER_NO_POOL;
        }
        if (status == DI_RENDER_OK) {
            status = ask(result, out, workers, &order, fd, p);
        }
    }
    result->status = (apr_uint32_t)status;
    if (status != DI_RENDER_OK) {
        result->bytes = 0;
    }
}

void di_workers_child_stats(di_workers_stats_t *out,
                            const di_workers_t *workers)
{
    di_poolcount_t *counts = workers ? workers->counts : NULL;

    memset(out, 0, sizeof(*out));
    if (!counts) {
        return;
    }
    out->waiting = di_poolcount_get(counts, DI_POOL_WAITING);
    out->running = di_poolcount_get(counts, DI_POOL_RUNNING);
    out->taken = di_poolcount_get(counts, DI_POOL_TAKEN);
    out->refused = di_poolcount_get(counts, DI_POOL_REFUSED);
    out->pushed_out = di_poolcount_get(counts, DI_POOL_PUSHED_OUT);
    out->expired = di_poolcount_get(counts, DI_POOL_EXPIRED);
    out->hung_up = di_poolcount_get(counts, DI_POOL_HUNG_UP);
    out->died = di_poolcount_get(counts, DI_POOL_DIED);
    out->timed_out = di_poolcount_get(counts, DI_POOL_TIMED_OUT);
    out->recycled = di_poolcount_get(counts, DI_POOL_RECYCLED);
    out->dispatchers_died = di_poolcount_get(counts, DI_POOL_DISPATCHERS_DIED);
    out->wait_us = di_poolcount_get(counts, DI_POOL_WAIT_US);
    out->busy_us = di_poolcount_get(counts, DI_POOL_BUSY_US);
    out->alive = di_poolcount_get(counts, DI_POOL_ALIVE);
    out->renderers = (apr_uint64_t)workers->renderers;
}
