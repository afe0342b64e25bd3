/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "render/fdmsg.h"
#include "render/wire.h"

static const di_order_t order = {
    .job = {.format = DI_FORMAT_JPEG,
            .formats = DI_FORMAT_SET(JPEG) | DI_FORMAT_SET(WEBP),
            .recipe = {.fit_px = 640,
                       .max_width_px = 1000,
                       .max_height_px = 900,
                       .scale_permille = 50,
                       .quality = 51,
                       .ssim_e4 = 9500,
                       .most_bytes = 123456789,
                       .chroma = DI_CHROMA_444,
                       .progressive = 1,
                       .colors = 16,
                       .page_layout = 1,
                       .background = 0xFFEEDD,
                       .keep_copyright = 1,
                       .quick = 1},
            .limits = {.max_bytes = 50000000,
                       .max_pixels = 0x123456789,
                       .max_side_px = 20000,
                       .max_frames = 200,
                       .max_scans = 100,
                       .max_profile_bytes = 1 << 20},
            .time_limit_ms = 2000,
            .urgency = DI_URGENCY_STALE,
            .priority = 7,
            .client = 0xFEDCBA9876543210},
    .original_bytes = 2123456,
    .deadline_us = 0x123456789ABCDEF0};

static const di_result_t success = {.status = DI_RENDER_OK,
                                    .format = DI_FORMAT_JPEG,
                                    .width_px = 640,
                                    .height_px = 480,
                                    .source_width_px = 3264,
                                    .source_height_px = 2448,
                                    .quality = 51,
                                    .ssim_e4 = 9512,
                                    .cpu_us = 41234,
                                    .bytes = 40113};

static void an_order_reads_back_as_it_was(void **state)
{
    unsigned char frame[DI_WIRE_JOB_BYTES];
    di_order_t got;

    memset(&got, 0, sizeof(got));
    di_wire_put_order(frame, &order);
    assert_int_equal(di_wire_get_order(&got, frame, sizeof(frame)), 1);
    assert_memory_equal(&got, &order, sizeof(got));
}

static void a_result_reads_back_as_it_was(void **state)
{
    unsigned char frame[DI_WIRE_RESULT_BYTES];
    di_result_t got;

    memset(&got, 0, sizeof(got));
    di_wire_put_result(frame, &success);
    assert_int_equal(di_wire_get_result(&got, frame, sizeof(frame), &order.job),
                     1);
    assert_memory_equal(&got, &success, offsetof(di_result_t, cpu_us));
    assert_int_equal(got.cpu_us, success.cpu_us);
    assert_int_equal(got.bytes, success.bytes);
}

/* A failure says nothing of a rendition, whatever is in the structure. */
static void every_failure_that_can_be_told_is_read(void **state)
{
    unsigned status;

    for (status = 0; status < 100; status++) {
        unsigned char frame[DI_WIRE_RESULT_BYTES];
        di_result_t result = success, got;
        int told = status < DI_RENDER_TOLD || status == DI_RENDER_BUSY ||
                   status == DI_RENDER_NO_POOL;

        result.status = status;
        di_wire_put_result(frame, &result);
        assert_int_equal(
            di_wire_get_result(&got, frame, sizeof(frame), &order.job), told);
        if (told && status) {
            assert_int_equal(got.format + got.width_px + got.height_px +
                                 got.quality + got.ssim_e4 + got.bytes,
                             0);
            assert_int_equal(got.source_width_px, success.source_width_px);
            assert_int_equal(got.cpu_us, success.cpu_us);
        }
    }
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
    {"version", 3, '1', 0},
    {"format 0", 4, 0, 0},
    {"TIFF", 4, DI_FORMAT_TIFF, 1},
    {"JPEG XL", 4, DI_FORMAT_JXL, 1},
    {"format 10", 4, DI_FORMAT_END, 0},
    {"format 257", 5, 1, 0},
    {"no format of a rendition", 8, 0, 0},
    {"a rendition in PNG", 8, 1 << DI_FORMAT_PNG, 1},
    {"a rendition in GIF", 8, 1 << DI_FORMAT_GIF, 0},
    {"a rendition in unknown format", 8, 3, 0},
    {"urgency 3", 16, 3, 1},
    {"urgency 4", 16, 4, 0},
    {"priority 9", 20, 9, 1},
    {"priority 10", 20, 10, 0},
    {"fit 65536+", 26, 1, 0},
    {"width 65536+", 30, 1, 0},
    {"height 65536+", 34, 1, 0},
    {"scale 0", 36, 0, 1},
    {"scale 562", 37, 2, 1},
    {"scale 1074", 37, 4, 0},
    {"quality 0", 40, 0, 1},
    {"quality 100", 40, 100, 1},
    {"quality 101", 40, 101, 0},
    {"similarity over 10000", 45, 40, 0},
    {"any ceiling", 51, 255, 1},
    {"chroma 4", 52, 4, 0},
    {"progressive 2", 56, 2, 0},
    {"no colours", 60, 0, 1},
    {"one colour", 60, 1, 0},
    {"two colours", 60, 2, 1},
    {"272 colours", 61, 1, 0},
    {"page layout 2", 64, 2, 0},
    {"background over 24 bits", 71, 1, 0},
    {"copyright 2", 72, 2, 0},
    {"quick 2", 76, 2, 0},
    {"sides over 65500 px", 82, 1, 0},
    {"an original above max_bytes", 123, 9, 0},
};

/* Fields of 4 bytes that may not be 0. */
static const unsigned order_needs[] = {4, 8, 12, 80, 120};

static const change_t result_changes[] = {
    {"magic", 0, 'X', 0},
    {"version", 3, '1', 0},
    {"a failure that has a size", 4, DI_RENDER_BROKEN, 0},
    {"a busy dispatcher that has a size", 4, DI_RENDER_BUSY, 0},
    {"another format that was offered", 8, DI_FORMAT_WEBP, 1},
    {"a format that was not offered", 8, DI_FORMAT_PNG, 0},
    {"no format", 8, 0, 0},
    {"format 257", 9, 1, 0},
    {"no width", 13, 0, 1}, /* 0x0280: 128 px are left */
    {"wider than asked", 13, 3, 0},
    {"width beyond 65535", 14, 1, 0},
    {"higher than its source", 25, 0, 0},
    {"a side over the limit", 21, 0x50, 0},
    {"quality 100", 28, 100, 1},
    {"quality 101", 28, 101, 0},
    {"similarity over 10000", 33, 40, 0},
    {"over 64 MB", 43, 5, 0},
    {"over 4 GB", 44, 1, 0},
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

static void what_an_order_must_say_is_missed(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(order_needs) / sizeof(*order_needs); i++) {
        unsigned char frame[DI_WIRE_JOB_BYTES];
        di_order_t got;

        di_wire_put_order(frame, &order);
        memset(frame + order_needs[i], 0, 4);
        if (di_wire_get_order(&got, frame, sizeof(frame))) {
            fail_msg("nothing at %u", order_needs[i]);
        }
    }
}

/* A JPEG keeps the recipe's size; a format that cannot say at which size it
   is laid out may keep its own. */
static void a_size_beyond_the_recipe_is_refused_of_jpeg_alone(void **state)
{
    static const struct {
        di_format_e format;
        unsigned fit, max_width, max_height;
        int legal;
    } cases[] = {
        {DI_FORMAT_JPEG, 0, 0, 0, 1},   {DI_FORMAT_JPEG, 640, 640, 480, 1},
        {DI_FORMAT_JPEG, 639, 0, 0, 0}, {DI_FORMAT_JPEG, 0, 639, 0, 0},
        {DI_FORMAT_JPEG, 0, 0, 479, 0}, {DI_FORMAT_WEBP, 639, 0, 0, 1},
        {DI_FORMAT_WEBP, 0, 639, 0, 1}, {DI_FORMAT_WEBP, 0, 0, 479, 1},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        unsigned char frame[DI_WIRE_RESULT_BYTES];
        di_result_t result = success, got;
        di_job_t job = order.job;

        job.recipe.fit_px = cases[i].fit;
        job.recipe.max_width_px = cases[i].max_width;
        job.recipe.max_height_px = cases[i].max_height;
        result.format = cases[i].format;
        di_wire_put_result(frame, &result);
        if (di_wire_get_result(&got, frame, sizeof(frame), &job) !=
            cases[i].legal) {
            fail_msg("case %zu", i);
        }
    }
}

static void more_pixels_than_the_limit_are_refused(void **state)
{
    unsigned char frame[DI_WIRE_RESULT_BYTES];
    di_job_t job = order.job;
    di_result_t got;

    di_wire_put_result(frame, &success);
    job.limits.max_pixels = 3264 * 2448;
    assert_int_equal(di_wire_get_result(&got, frame, sizeof(frame), &job), 1);
    job.limits.max_pixels--;
    assert_int_equal(di_wire_get_result(&got, frame, sizeof(frame), &job), 0);
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

static void two_descriptors_travel_in_their_order(void **state)
{
    int pair[2], fds[2], got[2];
    char text[8];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(di_fdmsg_send_many(pair[0], "xy", 2, fds, 2), 1);
    assert_int_equal(di_fdmsg_receive_many(pair[1], text, sizeof(text), got, 2),
                     2);
    assert_true(got[0] >= 0 && got[1] >= 0);
    assert_int_equal(write(got[1], "z", 1), 1);
    assert_int_equal(read(got[0], text, 1), 1);
    close(got[0]);
    close(got[1]);
    assert_int_equal(di_fdmsg_send(pair[0], "x", 1, fds[0]), 1);
    assert_int_equal(di_fdmsg_receive_many(pair[1], text, sizeof(text), got, 2),
                     1);
    assert_true(got[0] >= 0);
    assert_int_equal(got[1], -1);
    close(got[0]);
    close(fds[0]);
    close(fds[1]);
    close(pair[0]);
    close(pair[1]);
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
    int pair[2], got, both[2], before;
    char text[8];
    size_t count;

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    before = open_descriptors();
    for (count = 2; count <= 8; count++) {
        send_many(pair[0], pair[0], count);
        assert_int_equal(di_fdmsg_receive(pair[1], text, sizeof(text), &got),
                         -1);
        assert_int_equal(got, -1);
        send_many(pair[0], pair[0], count);
        assert_int_equal(
            di_fdmsg_receive_many(pair[1], text, sizeof(text), both, 2),
            count == 2 ? 1 : -1);
        assert_int_equal(both[0] >= 0 && both[1] >= 0, count == 2);
        close(both[0]);
        close(both[1]);
    }
    assert_int_equal(di_fdmsg_send(pair[0], "far too long", 12, pair[0]), 1);
    assert_int_equal(di_fdmsg_receive(pair[1], text, sizeof(text), &got), -1);
    assert_int_equal(got, -1);
    assert_int_equal(open_descriptors(), before);
    close(pair[0]);
    close(pair[1]);
}

static void the_latest_begin_leaves_a_quarter_of_the_limit(void **state)
{
    static const struct {
        apr_uint32_t limit_ms, most_ms;
        apr_uint64_t deadline_us, latest_us;
    } cases[] = {{4000, 10000, 9000000, 8000000},
                 {40000, 4000, 9000000, 8000000},
                 {200, 10000, 9000000, 8950000},
                 {120, 10000, 9000000, 8950000},
                 {50, 10000, 9000000, 8975000},
                 {4000, 10000, 1000000, 0},
                 {4000, 10000, 0, 0},
                 {0xFFFFFFFF, 0xFFFFFFFF, 5, 0}};
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        di_order_t it = order;

        it.job.time_limit_ms = cases[i].limit_ms;
        it.deadline_us = cases[i].deadline_us;
        assert_int_equal(di_wire_latest_us(&it, cases[i].most_ms),
                         cases[i].latest_us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(an_order_reads_back_as_it_was),
        UNIT(a_result_reads_back_as_it_was),
        UNIT(every_failure_that_can_be_told_is_read),
        UNIT(what_an_order_must_say_is_missed),
        UNIT(the_latest_begin_leaves_a_quarter_of_the_limit),
        UNIT(a_size_beyond_the_recipe_is_refused_of_jpeg_alone),
        UNIT(more_pixels_than_the_limit_are_refused),
        UNIT(an_illegal_order_is_refused),
        UNIT(an_illegal_result_is_refused),
        UNIT(a_frame_of_another_length_is_refused),
        UNIT(a_descriptor_travels_with_its_message),
        UNIT(two_descriptors_travel_in_their_order),
        UNIT(several_descriptors_or_a_long_message_leave_nothing),
    };

    return UNIT_RUN(tests);
}
