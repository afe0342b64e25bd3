/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "render/fdmsg.h"
#include "render/wire.h"

static const di_order_t order = {.job = {.format = DI_FORMAT_JPEG,
                                         .fit_px = 640,
                                         .quality = 50,
                                         .progressive = 1,
                                         .max_pixels = 100000000,
                                         .max_bytes = 50000000,
                                         .time_limit_ms = 2000},
                                 .original_bytes = 2123456,
                                 .deadline_us = 0x123456789ABCDEF0};

static const di_result_t success = {.status = DI_RENDER_OK,
                                    .format = DI_FORMAT_JPEG,
                                    .width_px = 640,
                                    .height_px = 480,
                                    .source_width_px = 3264,
                                    .source_height_px = 2448,
                                    .cpu_us = 41234,
                                    .bytes = 40113};

static void an_order_reads_back_as_it_was(void **state)
{
    unsigned char frame[DI_WIRE_JOB_BYTES];
    di_order_t got;

    di_wire_put_order(frame, &order);
    assert_int_equal(di_wire_get_order(&got, frame, sizeof(frame)), 1);
    assert_int_equal(got.job.format, order.job.format);
    assert_int_equal(got.job.fit_px, order.job.fit_px);
    assert_int_equal(got.job.quality, order.job.quality);
    assert_int_equal(got.job.progressive, order.job.progressive);
    assert_int_equal(got.job.colors, order.job.colors);
    assert_int_equal(got.job.max_pixels, order.job.max_pixels);
    assert_int_equal(got.job.max_bytes, order.job.max_bytes);
    assert_int_equal(got.job.time_limit_ms, order.job.time_limit_ms);
    assert_int_equal(got.original_bytes, order.original_bytes);
    assert_int_equal(got.deadline_us, order.deadline_us);
}

static void a_result_reads_back_as_it_was(void **state)
{
    unsigned char frame[DI_WIRE_RESULT_BYTES];
    di_result_t got;

    di_wire_put_result(frame, &success);
    assert_int_equal(di_wire_get_result(&got, frame, sizeof(frame), &order.job),
                     1);
    assert_int_equal(got.status, success.status);
    assert_int_equal(got.format, success.format);
    assert_int_equal(got.width_px, success.width_px);
    assert_int_equal(got.height_px, success.height_px);
    assert_int_equal(got.source_width_px, success.source_width_px);
    assert_int_equal(got.source_height_px, success.source_height_px);
    assert_int_equal(got.cpu_us, success.cpu_us);
    assert_int_equal(got.bytes, success.bytes);
}

/* One field of a legal frame changed; `at` is its place in the frame. */
typedef struct {
    const char *what;
    unsigned at;
    unsigned char byte;
    int legal;
} change_t;

static const change_t order_changes[] = {
    {"magic", 0, 'X', 0},
    {"version", 3, '2', 0},
    {"format 0", 4, 0, 0},
    {"format 4", 4, 4, 1},
    {"format 5", 4, 5, 0},
    {"format 257", 5, 1, 0},
    {"fit 65536+", 10, 1, 0},
    {"quality 0", 12, 0, 0},
    {"quality 1", 12, 1, 1},
    {"quality 100", 12, 100, 1},
    {"quality 101", 12, 101, 0},
    {"progressive 2", 16, 2, 0},
    {"one colour", 20, 1, 0},
    {"two colours", 20, 2, 1},
    {"512 colours", 21, 2, 0},
    {"reserved", 28, 1, 0},
    {"fewer bytes allowed than there are", 43, 0, 1},
    {"an original above max_bytes", 51, 9, 0},
};

static const change_t result_changes[] = {
    {"magic", 0, 'X', 0},
    {"no such status", 4, DI_RENDER_FAILED + 1, 0},
    {"a status that only the caller may set", 4, DI_RENDER_BUSY, 0},
    {"a failure that has a size", 4, DI_RENDER_BROKEN, 0},
    {"another format", 8, DI_FORMAT_PNG, 0},
    {"no width", 13, 0, 1}, /* 0x0280: 128 px are left */
    {"wider than asked", 13, 3, 0},
    {"width beyond 65535", 14, 1, 0},
    {"higher than its source", 25, 0, 0},
    {"too many pixels", 26, 1, 0},
    {"over 64 MB", 35, 5, 0},
    {"over 4 GB", 36, 1, 0},
};

static void an_illegal_order_is_refused(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(order_changes) / sizeof(*order_changes); i++) {
        const change_t *c = &order_changes[i];
        unsigned char frame[DI_WIRE_JOB_BYTES];
        di_order_t got;

        di_wire_put_order(frame, &order);
        frame[c->at] = c->byte;
        if (di_wire_get_order(&got, frame, sizeof(frame)) != c->legal) {
            fail_msg("%s", c->what);
        }
    }
}

static void an_illegal_result_is_refused(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(result_changes) / sizeof(*result_changes); i++) {
        const change_t *c = &result_changes[i];
        unsigned char frame[DI_WIRE_RESULT_BYTES];
        di_result_t got;

        di_wire_put_result(frame, &success);
        frame[c->at] = c->byte;
        if (di_wire_get_result(&got, frame, sizeof(frame), &order.job) !=
            c->legal) {
            fail_msg("%s", c->what);
        }
    }
}

static void a_frame_of_another_length_is_refused(void **state)
{
    unsigned char frame[DI_WIRE_JOB_BYTES + 1] = {0};
    di_order_t order_got;
    di_result_t result_got;
    size_t len;

    di_wire_put_order(frame, &order);
    for (len = 0; len <= sizeof(frame); len++) {
        assert_int_equal(di_wire_get_order(&order_got, frame, len),
                         len == DI_WIRE_JOB_BYTES);
    }
    di_wire_put_result(frame, &success);
    for (len = 0; len <= sizeof(frame); len++) {
        assert_int_equal(
            di_wire_get_result(&result_got, frame, len, &order.job),
            len == DI_WIRE_RESULT_BYTES);
    }
}

static int open_descriptors(void)
{
    int count = 0, fd;

    for (fd = 0; fd < 200; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

static void a_descriptor_travels_with_its_message(void **state)
{
    int pair[2], fd, got;
    char text[8];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    fd = open("/dev/null", O_RDONLY);
    assert_int_equal(di_fdmsg_send(pair[0], "hello", 5, fd), 1);
    assert_int_equal(di_fdmsg_receive(pair[1], text, sizeof(text), &got), 5);
    assert_true(got >= 0 && got != fd);
    assert_int_equal(fcntl(got, F_GETFD), FD_CLOEXEC);
    close(got);
    assert_int_equal(di_fdmsg_send(pair[0], "x", 1, -1), 1);
    assert_int_equal(di_fdmsg_receive(pair[1], text, sizeof(text), &got), 1);
    assert_int_equal(got, -1);
    close(pair[0]);
    assert_int_equal(di_fdmsg_receive(pair[1], text, sizeof(text), &got), 0);
    close(pair[1]);
    close(fd);
}

static void send_many(int sock, int fd, size_t count)
{
    union {
        char bytes[CMSG_SPACE(8 * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov = {(char[]){"x"}, 1};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    size_t i;

    memset(&control, 0, sizeof(control));
    msg.msg_control = control.bytes;
    msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
    CMSG_FIRSTHDR(&msg)->cmsg_level = SOL_SOCKET;
    CMSG_FIRSTHDR(&msg)->cmsg_type = SCM_RIGHTS;
    CMSG_FIRSTHDR(&msg)->cmsg_len = CMSG_LEN(count * sizeof(int));
    for (i = 0; i < count; i++) {
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)) + i * sizeof(int), &fd,
               sizeof(int));
    }
    assert_int_equal(sendmsg(sock, &msg, 0), 1);
}

static void several_descriptors_or_a_long_message_leave_nothing(void **state)
{
    int pair[2], got, before;
    char text[8];
    size_t count;

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    before = open_descriptors();
    for (count = 2; count <= 8; count++) {
        send_many(pair[0], pair[0], count);
        assert_int_equal(di_fdmsg_receive(pair[1], text, sizeof(text), &got),
                         -1);
        assert_int_equal(got, -1);
    }
    assert_int_equal(di_fdmsg_send(pair[0], "far too long", 12, pair[0]), 1);
    assert_int_equal(di_fdmsg_receive(pair[1], text, sizeof(text), &got), -1);
    assert_int_equal(got, -1);
    assert_int_equal(open_descriptors(), before);
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(an_order_reads_back_as_it_was),
        UNIT(a_result_reads_back_as_it_was),
        UNIT(an_illegal_order_is_refused),
        UNIT(an_illegal_result_is_refused),
        UNIT(a_frame_of_another_length_is_refused),
        UNIT(a_descriptor_travels_with_its_message),
        UNIT(several_descriptors_or_a_long_message_leave_nothing),
    };

    return UNIT_RUN(tests);
}
