/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors over a socket (unix(7), SCM_RIGHTS).  The control buffer has
 * room for two descriptors, and alignment may leave space for one more, which
 * the kernel uses: whatever arrives beyond those that were asked for is
 * closed and spoils the message.
 */
#include "render/fdmsg.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef union {
    char bytes[CMSG_SPACE(DI_FDMSG_MAX * sizeof(int))];
    struct cmsghdr align;
} control_t;

int di_fdmsg_send_many(int sock, const void *bytes, apr_size_t len,
                       const int *fds, int count)
{
    struct iovec iov = {(void *)(apr_uintptr_t)bytes, len};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    size_t size = (size_t)count * sizeof(int);
    control_t control;

    if (count) {
        struct cmsghdr *c;

        memset(&control, 0, sizeof(control));
        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(size);
        c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(c), fds, size);
    }
    return sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len;
}

int di_fdmsg_send(int sock, const void *bytes, apr_size_t len, int fd)
{
    return di_fdmsg_send_many(sock, bytes, len, &fd, fd >= 0);
}

/* Keep the first `most` descriptors of a message; returns how many there
   were. */
static int take_descriptors(int *fds, int most, struct msghdr *msg)
{
    struct cmsghdr *c;
    int count = 0;

    for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        size_t i, here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        for (i = 0; i < here; i++) {
            int got;

            memcpy(&got, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (count < most) {
                fds[count] = got;
            }
            else {
                close(got);
            }
            count++;
        }
    }
    return count;
}

static void drop_all(int *fds, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
            fds[i] = -1;
        }
    }
}

apr_ssize_t di_fdmsg_receive_many(int sock, void *bytes, apr_size_t size,
                                  int *fds, int count)
{
    struct iovec iov = {bytes, size};
    control_t control;
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof(control.bytes)};
    ssize_t len = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    int i;

    for (i = 0; i < count; i++) {
        fds[i] = -1;
    }
    if (len < 0) {
        return -1;
    }
    if (take_descriptors(fds, count, &msg) > count ||
        msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        drop_all(fds, count);
        return -1;
    }
    return len;
}

apr_ssize_t di_fdmsg_receive(int sock, void *bytes, apr_size_t size, int *fd)
{
    return di_fdmsg_receive_many(sock, bytes, size, fd, 1);
}
