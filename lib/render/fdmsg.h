/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message with a few descriptors over a SOCK_SEQPACKET socket.
 */
#ifndef DI_FDMSG_H
#define DI_FDMSG_H

#include <apr.h>

/**
 * Send without blocking.
 * @param fd  goes along; -1: none
 * @return 1 when the message is on its way, else 0
 */
int di_fdmsg_send(int sock, const void *bytes, apr_size_t len, int fd);

/**
 * Receive what is there, without blocking.
 * @param fd  the descriptor that came along, close-on-exec, to be closed by
 *            the caller; -1: none
 * @return the message's length; 0 when the other side has closed; -1 on an
 *         error, a message longer than size or with more descriptors
 */
apr_ssize_t di_fdmsg_receive(int sock, void *bytes, apr_size_t size, int *fd);

/* Most descriptors of one message. */
#define DI_FDMSG_MAX 2

/* The same with `count` descriptors, 1..DI_FDMSG_MAX. */
int di_fdmsg_send_many(int sock, const void *bytes, apr_size_t len,
                       const int *fds, int count);

/**
 * The same for up to `count` descriptors; those that did not come are -1.
 */
apr_ssize_t di_fdmsg_receive_many(int sock, void *bytes, apr_size_t size,
                                  int *fds, int count);

#endif
