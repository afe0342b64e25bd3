/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A memcached of the test's own on a free loopback port; ended with the
 * test's pool, and by the kernel when the test dies.
 */
#ifndef MEMCACHED_SERVER_H
#define MEMCACHED_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_time.h>

typedef struct {
    char port[8];
    const char *path; /* of its socket; NULL: port is used */
    const char *word; /* "127.0.0.1:port" or path */
    pid_t pid;        /* 0: not running */
} memcached_server_t;

static inline struct sockaddr_in loopback(const char *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET};

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons((in_port_t)strtoul(port, NULL, 10));
    return at;
}

/* @return a connected socket, or -1 */
static inline int memcached_server_connect(const memcached_server_t *server)
{
    struct sockaddr_in at = loopback(server->port);
    struct sockaddr_un here = {.sun_family = AF_UNIX};
    struct sockaddr *to = (struct sockaddr *)&at;
    socklen_t len = sizeof(at);
    int fd;

    if (server->path) {
        apr_cpystrn(here.sun_path, server->path, sizeof(here.sun_path));
        to = (struct sockaddr *)&here;
        len = sizeof(here);
    }
    fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, to, len)) {
        close(fd);
        return -1;
    }
    return fd;
}

/**
 * Say something to it, past the library, and read once.
 * @return its answer, from p
 */
static inline char *memcached_server_ask(const memcached_server_t *server,
                                         const char *request, size_t bytes,
                                         apr_pool_t *p)
{
    char *answer = apr_pcalloc(p, 1000);
    int fd = memcached_server_connect(server);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, request, bytes), bytes);
    assert_true(read(fd, answer, 999) > 0);
    close(fd);
    return answer;
}

/* A port that was free a moment ago. */
static inline void free_port(char *out, size_t room)
{
    struct sockaddr_in at = loopback("0");
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    snprintf(out, room, "%d", ntohs(at.sin_port));
    close(fd);
}

static inline void memcached_server_run(const memcached_server_t *server)
{
    const char *argv[20] = {"memcached", "-m", "64", "-I", "8m",
                            "-t",        "2",  "-U", "0"};
    int count = 9;

    if (server->path) {
        argv[count++] = "-s";
        argv[count++] = server->path;
    }
    else {
        argv[count++] = "-l";
        argv[count++] = "127.0.0.1";
        argv[count++] = "-p";
        argv[count++] = server->port;
    }
    if (getuid() == 0) {
        argv[count++] = "-u";
        argv[count++] = "nobody";
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv("/usr/bin/memcached", (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* Start it (again) in its place, and wait until it answers. */
static inline void memcached_server_start(memcached_server_t *server)
{
    int tries, fd;

    server->pid = fork();
    if (server->pid == 0) {
        memcached_server_run(server);
    }
    for (tries = 0; tries < 1000; tries++) {
        fd = memcached_server_connect(server);
        if (fd >= 0) {
            close(fd);
            return;
        }
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid) {
            server->pid = 0;
            break;
        }
        apr_sleep(10000);
    }
    fail_msg("memcached does not start: is /usr/bin/memcached installed?");
}

static inline void memcached_server_kill(memcached_server_t *server)
{
    if (server->pid > 0) {
        kill(server->pid, SIGKILL);
        waitpid(server->pid, NULL, 0);
        server->pid = 0;
    }
}

static inline apr_status_t memcached_server_drop(void *server)
{
    memcached_server_kill(server);
    return APR_SUCCESS;
}

static inline memcached_server_t *memcached_server_at(const char *path,
                                                      apr_pool_t *p)
{
    memcached_server_t *server = apr_pcalloc(p, sizeof(*server));

    free_port(server->port, sizeof(server->port));
    server->path = path;
    server->word =
        path ? path : apr_pstrcat(p, "127.0.0.1:", server->port, NULL);
    apr_pool_cleanup_register(p, server, memcached_server_drop,
                              apr_pool_cleanup_null);
    memcached_server_start(server);
    return server;
}

static inline memcached_server_t *memcached_server_make(apr_pool_t *p)
{
    return memcached_server_at(NULL, p);
}

#endif
