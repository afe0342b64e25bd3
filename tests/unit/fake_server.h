/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that is not memcached: it accepts connections on a loopback port
 * and answers each thing it reads with the same bytes, or with nothing, or
 * hangs up; all at once, late, or byte by byte.  An answer in memcached's
 * binary protocol carries the number of its request.  It counts what reaches
 * it.  One thread; ended with its pool.
 */
#ifndef FAKE_SERVER_H
#define FAKE_SERVER_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_strings.h>

#define FAKE_PEERS 64

typedef struct {
    const char *word; /* "127.0.0.1:port" */
    const char *answer;
    size_t answer_bytes; /* 0: says nothing */
    int hangs_up;        /* 1: after its answer */
    int late_ms;         /* waits before each answer */
    int byte_ms;         /* and before each of its bytes; 0: sends all at
                            once */
    atomic_int accepted; /* connections */
    atomic_int reads;    /* things read */
    atomic_int stop;
    pthread_t thread;
    struct pollfd peer[1 + FAKE_PEERS]; /* [0] listens */
    int peers;
} fake_server_t;

static inline void fake_server_accept(fake_server_t *fake)
{
    int fd =
        accept4(fake->peer[0].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd >= 0 && fake->peers < FAKE_PEERS) {
        atomic_fetch_add(&fake->accepted, 1);
        fake->peers++;
        fake->peer[fake->peers].fd = fd;
        fake->peer[fake->peers].events = POLLIN;
        fake->peer[fake->peers].revents = 0;
    }
    else if (fd >= 0) {
        close(fd);
    }
}

/* Source of the place of the number: store/memtalk.h */
static inline void fake_server_answer(const fake_server_t *fake, int fd,
                                      const char *request)
{
    char answer[1000];
    size_t bytes = fake->answer_bytes, at, step = fake->byte_ms ? 1 : bytes;

    assert_true(bytes <= sizeof(answer));
    memcpy(answer, fake->answer, bytes);
    if (bytes >= 16 && answer[0] == '\x81') {
        memcpy(answer + 12, request + 12, 4);
    }
    poll(NULL, 0, fake->late_ms);
    for (at = 0; at < bytes && !atomic_load(&fake->stop); at += step) {
        poll(NULL, 0, fake->byte_ms);
        if (send(fd, answer + at, step, MSG_NOSIGNAL) < 0) {
            break;
        }
    }
}

/* @return 0 when this peer is done with */
static inline int fake_server_serve(fake_server_t *fake, int fd)
{
    char request[65536];
    ssize_t got = read(fd, request, sizeof(request));

    if (got <= 0) {
        return 0;
    }
    atomic_fetch_add(&fake->reads, 1);
    if (fake->answer_bytes) {
        fake_server_answer(fake, fd, request);
    }
    return !fake->hangs_up;
}

static inline void *fake_server_run(void *baton)
{
    fake_server_t *fake = baton;
    int i;

    while (!atomic_load(&fake->stop)) {
        if (poll(fake->peer, (nfds_t)fake->peers + 1, 20) <= 0) {
            continue;
        }
        for (i = fake->peers; i > 0; i--) {
            if (fake->peer[i].revents &&
                !fake_server_serve(fake, fake->peer[i].fd)) {
                close(fake->peer[i].fd);
                fake->peer[i] = fake->peer[fake->peers--];
            }
        }
        if (fake->peer[0].revents) {
            fake_server_accept(fake);
        }
    }
    return NULL;
}

static inline apr_status_t fake_server_end(void *baton)
{
    fake_server_t *fake = baton;
    int i;

    atomic_store(&fake->stop, 1);
    pthread_join(fake->thread, NULL);
    for (i = 0; i <= fake->peers; i++) {
        close(fake->peer[i].fd);
    }
    return APR_SUCCESS;
}

static inline fake_server_t *fake_server_make(const char *answer,
                                              size_t answer_bytes, int hangs_up,
                                              apr_pool_t *p)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    fake_server_t *fake = apr_pcalloc(p, sizeof(*fake));
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    fake->word = apr_psprintf(p, "127.0.0.1:%d", ntohs(at.sin_port));
    fake->answer = answer;
    fake->answer_bytes = answer_bytes;
    fake->hangs_up = hangs_up;
    fake->peer[0].fd = fd;
    fake->peer[0].events = POLLIN;
    assert_int_equal(pthread_create(&fake->thread, NULL, fake_server_run, fake),
                     0);
    apr_pool_cleanup_register(p, fake, fake_server_end, apr_pool_cleanup_null);
    return fake;
}

#endif
