/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talking.  A connection is used by one thread at a time: taken out of the
 * server's idle ones, or made, and put back only after a whole answer to the
 * very request came; else it is closed.  So no late answer can be taken for the
 * next one's.
 *
 * After the moment by which it is over nothing is waited for any more, but what
 * is there already is still read (a busy machine may come late to an answer
 * that came in time), for as long again at most.
 */
#include "store/memtalk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/arg.h"

#define HEAD_BYTES 24
#define ASKS 0x80
#define ANSWERS 0x81

/* Flags and expiry of a set or add; the flags of an answered get. */
#define SET_EXTRAS 8
#define GET_EXTRAS 4

/* A wait looks so often whether somebody else found the server out, ms. */
#define LOOK_EVERY_MS 10

/* First read of an answer: most small ones come whole. */
#define FIRST_BYTES 16384

/* memcached says in a few words why not. */
#define REASON_BYTES 1024

typedef struct {
    int fd;
    apr_uint32_t number; /* of the request */
    const di_memlimit_t *limit;
    apr_time_t hard_by;
    apr_size_t got; /* bytes in first */
    unsigned char first[FIRST_BYTES];
} talk_t;

apr_time_t di_memtalk_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000 + 1;
}

/* ---- names of servers ---- */

static int is_host(const char *host)
{
    apr_size_t len = strlen(host);

    return len > 0 && len < 256 &&
           strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789.-_") == len;
}

static int fill_v4(di_memserver_t *out, const char *host, int port)
{
    struct sockaddr_in *at = (struct sockaddr_in *)&out->at;

    at->sin_family = AF_INET;
    at->sin_port = htons((in_port_t)port);
    out->at_len = sizeof(*at);
    return inet_pton(AF_INET, host, &at->sin_addr) == 1;
}

static int fill_v6(di_memserver_t *out, const char *host, int port)
{
    struct sockaddr_in6 *at = (struct sockaddr_in6 *)&out->at;

    at->sin6_family = AF_INET6;
    at->sin6_port = htons((in_port_t)port);
    out->at_len = sizeof(*at);
    return inet_pton(AF_INET6, host, &at->sin6_addr) == 1;
}

static int fill_path(di_memserver_t *out, const char *path)
{
    struct sockaddr_un *at = (struct sockaddr_un *)&out->at;

    if (strlen(path) >= sizeof(at->sun_path)) {
        return 0;
    }
    at->sun_family = AF_UNIX;
    apr_cpystrn(at->sun_path, path, sizeof(at->sun_path));
    out->at_len = sizeof(*at);
    return 1;
}

static int fill_host(di_memserver_t *out, const char *host, apr_size_t len,
                     const char *port, apr_pool_t *p)
{
    apr_int64_t number;

    if (!ds_arg_decimal(&number, port, strlen(port)) || number < 1 ||
        number > 65535) {
        return 0;
    }
    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        return fill_v6(out, apr_pstrmemdup(p, host + 1, len - 2), (int)number);
    }
    host = apr_pstrmemdup(p, host, len);
    if (!fill_v4(out, host, (int)number)) {
        out->host = host;
        out->port = port;
    }
    return is_host(host);
}

int di_memserver_parse(di_memserver_t *out, const char *word, apr_pool_t *p)
{
    const char *colon;

    memset(out, 0, sizeof(*out));
    if (!word) {
        return 0;
    }
    out->word = word;
    if (word[0] == '/') {
        return fill_path(out, word);
    }
    colon = strrchr(word, ':');
    return colon &&
           fill_host(out, word, (apr_size_t)(colon - word), colon + 1, p);
}

/* ---- connections ---- */

/* @return -1: none is idle */
static int take_idle(di_memserver_t *server)
{
    int i, fd = 0;

    for (i = 0; i < DI_MEMTALK_IDLE && !fd; i++) {
        if (atomic_load_explicit(&server->idle[i], memory_order_relaxed)) {
            fd = atomic_exchange(&server->idle[i], 0);
        }
    }
    return fd - 1;
}

static void keep_idle(di_memserver_t *server, int fd)
{
    int i, none = 0;

    for (i = 0; i < DI_MEMTALK_IDLE; i++, none = 0) {
        if (atomic_compare_exchange_strong(&server->idle[i], &none, fd + 1)) {
            return;
        }
    }
    close(fd);
}

void di_memserver_close(di_memserver_t *server)
{
    int i, fd;

    for (i = 0; i < DI_MEMTALK_IDLE; i++) {
        fd = atomic_exchange(&server->idle[i], 0);
        if (fd) {
            close(fd - 1);
        }
    }
}

/* Wait until the connection can be read or written. */
static apr_status_t wait_for(const talk_t *talk, short events)
{
    struct pollfd peer = {.fd = talk->fd, .events = events};

    for (;;) {
        apr_time_t now = di_memtalk_now();
        apr_int64_t left_ms = (talk->limit->by - now + 999) / 1000;
        int count;

        if (now >= talk->hard_by) {
            return APR_TIMEUP;
        }
        left_ms = left_ms < 0 ? 0 : left_ms;
        count = poll(&peer, 1,
                     left_ms < LOOK_EVERY_MS ? (int)left_ms : LOOK_EVERY_MS);
        if (count > 0) {
            return APR_SUCCESS;
        }
        if (count < 0 && errno != EINTR) {
            return APR_FROM_OS_ERROR(errno);
        }
        if (left_ms == 0) {
            return APR_TIMEUP;
        }
        if (talk->limit->breaker && di_breaker_is_open(talk->limit->breaker)) {
            return APR_ECONNABORTED;
        }
    }
}

static apr_status_t finish_connect(const talk_t *talk)
{
    socklen_t len = sizeof(int);
    int error = 0;
    apr_status_t rv = wait_for(talk, POLLOUT);

    if (rv == APR_SUCCESS &&
        getsockopt(talk->fd, SOL_SOCKET, SO_ERROR, &error, &len)) {
        error = errno;
    }
    return rv == APR_SUCCESS && error ? APR_FROM_OS_ERROR(error) : rv;
}

static apr_status_t connect_at(talk_t *talk, const struct sockaddr *at,
                               socklen_t len)
{
    apr_status_t rv = APR_SUCCESS;
    int yes = 1;

    talk->fd =
        socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (talk->fd < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    if (at->sa_family != AF_UNIX) {
        (void)setsockopt(talk->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    }
    if (connect(talk->fd, at, len)) {
        rv = errno == EINPROGRESS ? finish_connect(talk)
                                  : APR_FROM_OS_ERROR(errno);
    }
    if (rv != APR_SUCCESS) {
        close(talk->fd);
        talk->fd = -1;
    }
    return rv;
}

/* A name may have several addresses. */
static apr_status_t connect_by_name(talk_t *talk, const di_memserver_t *server)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list, *at;
    apr_status_t rv = APR_EGENERAL;

    if (getaddrinfo(server->host, server->port, &hints, &list)) {
        return APR_EBADIP;
    }
    for (at = list; at && rv != APR_SUCCESS && rv != APR_TIMEUP;
         at = at->ai_next) {
        rv = connect_at(talk, at->ai_addr, at->ai_addrlen);
    }
    freeaddrinfo(list);
    return rv;
}

static apr_status_t connect_to(talk_t *talk, const di_memserver_t *server)
{
    return server->host ? connect_by_name(talk, server)
                        : connect_at(talk, (const struct sockaddr *)&server->at,
                                     server->at_len);
}

/* ---- bytes ---- */

static void put_number(unsigned char *to, apr_uint64_t number, int bytes)
{
    while (bytes-- > 0) {
        to[bytes] = (unsigned char)number;
        number >>= 8;
    }
}

static apr_uint64_t get_number(const unsigned char *from, int bytes)
{
    apr_uint64_t number = 0;

    while (bytes-- > 0) {
        number = number << 8 | *from++;
    }
    return number;
}

/* @return the bytes of head, extras and name */
static apr_size_t format_head(unsigned char *to, const di_memrequest_t *request,
                              apr_uint32_t number)
{
    apr_size_t name_len = strlen(request->name), extras = 0;

    memset(to, 0, HEAD_BYTES + SET_EXTRAS);
    if (request->command == DI_MEM_SET || request->command == DI_MEM_ADD) {
        extras = SET_EXTRAS;
        put_number(to + HEAD_BYTES + 4, request->expiry, 4);
    }
    to[0] = ASKS;
    to[1] = (unsigned char)request->command;
    put_number(to + 2, name_len, 2);
    to[4] = (unsigned char)extras;
    put_number(to + 8, extras + name_len + request->bytes, 4);
    put_number(to + 12, number, 4);
    put_number(to + 16, request->cas, 8);
    memcpy(to + HEAD_BYTES + extras, request->name, name_len);
    return HEAD_BYTES + extras + name_len;
}

static void skip(struct iovec *part, size_t bytes)
{
    size_t n;

    for (; bytes > 0; part++) {
        n = bytes < part->iov_len ? bytes : part->iov_len;
        part->iov_base = (char *)part->iov_base + n;
        part->iov_len -= n;
        bytes -= n;
    }
}

static apr_status_t send_all(const talk_t *talk, struct iovec part[2])
{
    struct msghdr message = {.msg_iov = part, .msg_iovlen = 2};
    apr_status_t rv = APR_SUCCESS;
    ssize_t sent;

    while (rv == APR_SUCCESS && part[0].iov_len + part[1].iov_len > 0) {
        sent = sendmsg(talk->fd, &message, MSG_NOSIGNAL);
        if (sent > 0) {
            skip(part, (size_t)sent);
        }
        else if (errno == EAGAIN) {
            rv = wait_for(talk, POLLOUT);
        }
        else if (errno != EINTR) {
            rv = APR_FROM_OS_ERROR(errno);
        }
    }
    return rv;
}

/* Wait, and read what is there. */
static apr_status_t receive(const talk_t *talk, void *to, apr_size_t room,
                            apr_size_t *got)
{
    apr_status_t rv = wait_for(talk, POLLIN);
    ssize_t count;

    *got = 0;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    count = recv(talk->fd, to, room, 0);
    if (count == 0) {
        return APR_EOF;
    }
    if (count < 0) {
        return errno == EINTR || errno == EAGAIN ? APR_SUCCESS
                                                 : APR_FROM_OS_ERROR(errno);
    }
    *got = (apr_size_t)count;
    return APR_SUCCESS;
}

static apr_status_t receive_all(const talk_t *talk, char *to, apr_size_t bytes)
{
    apr_status_t rv = APR_SUCCESS;
    apr_size_t got;

    while (rv == APR_SUCCESS && bytes > 0) {
        rv = receive(talk, to, bytes, &got);
        to += got;
        bytes -= got;
    }
    return rv;
}

/* ---- answers ---- */

typedef struct {
    apr_size_t extras;
    apr_size_t body; /* with the extras */
} shape_t;

/* Is this the head of an answer to this request? */
static int parse_head(di_memanswer_t *out, shape_t *shape, const talk_t *talk,
                      const di_memrequest_t *request)
{
    const unsigned char *head = talk->first;
    int found;

    out->status = (int)get_number(head + 6, 2);
    out->cas = get_number(head + 16, 8);
    shape->extras = head[4];
    shape->body = get_number(head + 8, 4);
    found = request->command == DI_MEM_GET && out->status == DI_MEM_DONE;
    return head[0] == ANSWERS && head[1] == request->command &&
           get_number(head + 2, 2) == 0 && head[5] == 0 &&
           get_number(head + 12, 4) == talk->number &&
           shape->extras == (found ? GET_EXTRAS : 0) &&
           shape->body >= shape->extras &&
           shape->body - shape->extras <=
               (found ? talk->limit->room : REASON_BYTES) &&
           /* Nobody sends more than was asked for. */
           talk->got <= HEAD_BYTES + shape->body;
}

/* The value, or why there is none, from first and from the connection. */
static apr_status_t read_body(di_memanswer_t *out, const talk_t *talk,
                              const shape_t *shape, char *into, apr_pool_t *p)
{
    apr_size_t bytes = shape->body - shape->extras;
    apr_size_t have = talk->got - HEAD_BYTES - shape->extras;
    char reason[REASON_BYTES], *to = reason;

    if (shape->extras) {
        to = into ? into : apr_palloc(p, bytes);
        out->value = to;
        out->bytes = bytes;
    }
    memcpy(to, talk->first + HEAD_BYTES + shape->extras, have);
    return receive_all(talk, to + have, bytes - have);
}

static apr_status_t read_first(talk_t *talk, apr_size_t least)
{
    apr_status_t rv = APR_SUCCESS;
    apr_size_t got;

    while (rv == APR_SUCCESS && talk->got < least) {
        rv = receive(talk, talk->first + talk->got, FIRST_BYTES - talk->got,
                     &got);
        talk->got += got;
    }
    return rv;
}

static apr_status_t read_answer(di_memanswer_t *out, talk_t *talk,
                                const di_memrequest_t *request, apr_pool_t *p)
{
    shape_t shape;
    apr_status_t rv = read_first(talk, HEAD_BYTES);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!parse_head(out, &shape, talk, request)) {
        return APR_EGENERAL;
    }
    rv = read_first(talk, HEAD_BYTES + shape.extras);
    return rv == APR_SUCCESS ? read_body(out, talk, &shape, request->into, p)
                             : rv;
}

static apr_status_t exchange(di_memanswer_t *out, talk_t *talk,
                             const di_memrequest_t *request, apr_pool_t *p)
{
    unsigned char head[HEAD_BYTES + SET_EXTRAS + DI_MEMTALK_NAME_MAX];
    struct iovec part[2] = {
        {head, format_head(head, request, talk->number)},
        {(void *)(apr_uintptr_t)request->value, request->bytes}};
    apr_status_t rv = send_all(talk, part);

    talk->got = 0;
    return rv == APR_SUCCESS ? read_answer(out, talk, request, p) : rv;
}

/* A connection that died while it was idle: it was never answered. */
static int is_stale(const talk_t *talk, apr_status_t rv)
{
    return talk->got == 0 && (rv == APR_EOF || APR_STATUS_IS_ECONNRESET(rv) ||
                              APR_STATUS_IS_EPIPE(rv));
}

static apr_status_t talk_anew(di_memanswer_t *out, talk_t *talk,
                              const di_memserver_t *server,
                              const di_memrequest_t *request, apr_pool_t *p)
{
    apr_status_t rv = connect_to(talk, server);

    return rv == APR_SUCCESS ? exchange(out, talk, request, p) : rv;
}

/* memcached takes what it was offered to the end.  What it refused as too large
   it swallows, or not, as its version does. */
static int is_plain(int status)
{
    return status == DI_MEM_DONE || status == DI_MEM_NOT_THERE ||
           status == DI_MEM_THERE || status == DI_MEM_NOT_STORED;
}

static void talk_end(di_memserver_t *server, const talk_t *talk, int keep)
{
    if (talk->fd >= 0 && keep) {
        keep_idle(server, talk->fd);
    }
    else if (talk->fd >= 0) {
        close(talk->fd);
    }
}

apr_status_t di_memtalk(di_memanswer_t *out, di_memserver_t *server,
                        const di_memrequest_t *request,
                        const di_memlimit_t *limit, apr_pool_t *p)
{
    apr_time_t now = di_memtalk_now();
    apr_status_t rv;
    talk_t talk;

    memset(out, 0, sizeof(*out));
    if (strlen(request->name) > DI_MEMTALK_NAME_MAX) {
        return APR_EINVAL;
    }
    talk.limit = limit;
    talk.hard_by = limit->by + (limit->by - now);
    talk.number = (apr_uint32_t)now;
    talk.got = 0;
    talk.fd = take_idle(server);
    if (talk.fd < 0) {
        rv = talk_anew(out, &talk, server, request, p);
    }
    else {
        rv = exchange(out, &talk, request, p);
        if (is_stale(&talk, rv)) {
            close(talk.fd);
            di_memserver_close(server);
            rv = talk_anew(out, &talk, server, request, p);
        }
    }
    talk_end(server, &talk, rv == APR_SUCCESS && is_plain(out->status));
    return rv;
}
