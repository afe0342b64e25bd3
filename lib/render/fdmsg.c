/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors over a socket (unix(7), SCM_RIGHTS).  The control buffer has
 * room for one descriptor, but alignment leaves space for a second, and the
 * kernel uses it: whatever arrives beyond the first is closed and spoils the
 * message.
 */
#include "render/fdmsg.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
} control_t;

int di_fdmsg_send(int sock, const void *bytes, apr_size_t len, int fd)
{
    struct iovec iov = {(void *)(apr_uintptr_t)bytes, len};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    control_t control;

    if (fd >= 0) {
        struct cmsghdr *c;

        memset(&control, 0, sizeof(control));
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof(control.bytes);
        c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof(int));
    }
    return sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len;
}

/* Keep the first descriptor of a message; returns how many there were. */
static int take_descriptors(int *fd, struct msghdr *msg)
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
            if (count++ == 0) {
                *fd = got;
            }
            else {
                close(got);
            }
        }
    }
    return count;
}

apr_ssize_t di_fdmsg_receive(int sock, void *bytes, apr_size_t size, int *fd)
{
    struct iovec iov = {bytes, size};
    control_t control;
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof(control.bytes)};
    ssize_t len = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    int count;

    *fd = -1;
    if (len < 0) {
        return -1;
    }
    count = take_descriptors(fd, &msg);
    if (count > 1 || msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        if (*fd >= 0) {
            close(*fd);
            *fd = -1;
        }
        return -1;
    }
    return len;
}
