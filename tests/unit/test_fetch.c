/* SPDX-License-Identifier: Apache-2.0 */
/* base/fetch against a server that keeps what it was asked. */
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/fetch.h"

#define CONNECTIONS 4

typedef struct {
    const char *answer[CONNECTIONS]; /* of each connection; NULL: none */
    char asked[CONNECTIONS][4096];
    int port;
    int listener;
    int accepted;
    pthread_t thread;
} server_t;

static int is_whole(const char *asked)
{
    const char *end = strstr(asked, "\r\n\r\n");
    const char *length = strstr(asked, "Content-Length: ");

    return end != NULL && (length == NULL ||
                           strlen(end + 4) >= strtoul(length + 16, NULL, 10));
}

static void *serve(void *arg)
{
    server_t *server = arg;

    while (server->accepted < CONNECTIONS) {
        int at = server->accepted;
        int fd = accept(server->listener, NULL, NULL);
        size_t got = 0;
        ssize_t more;

        if (fd < 0) {
            break;
        }
        server->accepted++;
        while (!is_whole(server->asked[at]) &&
               (more = read(fd, server->asked[at] + got, 4095 - got)) > 0) {
            got += (size_t)more;
        }
        if (server->answer[at] != NULL) {
            (void)!send(fd, server->answer[at], strlen(server->answer[at]),
                        MSG_NOSIGNAL);
        }
        else {
            (void)!read(fd, server->asked[at], 1); /* until it gives up */
        }
        close(fd);
    }
    return NULL;
}

static apr_status_t server_end(void *arg)
{
    server_t *server = arg;

    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    return APR_SUCCESS;
}

static server_t *server_make(apr_pool_t *p)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    server_t *server = apr_pcalloc(p, sizeof *server);
    socklen_t len = sizeof at;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(server->listener, 8), 0);
    assert_int_equal(
        getsockname(server->listener, (struct sockaddr *)&at, &len), 0);
    server->port = ntohs(at.sin_port);
    return server;
}

static void server_start(server_t *server, apr_pool_t *p)
{
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
    apr_pool_cleanup_register(p, server, server_end, apr_pool_cleanup_null);
}

static const char *url_of(const server_t *server, const char *path,
                          apr_pool_t *p)
{
    return apr_psprintf(p, "http://127.0.0.1:%d%s", server->port, path);
}

static apr_status_t get(ds_fetched_t *out, const char **error, const char *url,
                        int redirects, apr_pool_t *p)
{
    ds_fetch_t fetch = {.url = url,
                        .timeout_ms = 5000,
                        .max_bytes = 1000,
                        .redirects = redirects};

    assert_int_equal(ds_fetch_start(), APR_SUCCESS);
    return ds_fetch(out, error, &fetch, p);
}

static void an_answer_has_status_type_body_and_decision(void **state)
{
    apr_pool_t *p = *state;
    server_t *server = server_make(p);
    ds_fetched_t got;
    const char *error;

    server->answer[0] = "HTTP/1.1 404 Nothing\r\nContent-Type: Text/HTML; "
                        "charset=x\r\nDynImage: tier=low; reason=rendered\r\n"
                        "eTag:  W/\"x y\"\r\nLast-Modified: then\r\n"
                        "Content-Length: 5\r\n\r\nhello";
    server_start(server, p);
    assert_int_equal(get(&got, &error, url_of(server, "/p", p), 0, p),
                     APR_SUCCESS);
    assert_int_equal(got.status, 404);
    assert_string_equal(got.type, "text/html");
    assert_string_equal(got.dynimage, "tier=low; reason=rendered");
    assert_string_equal(got.etag, "W/\"x y\"");
    assert_int_equal(got.bytes, 5);
    assert_string_equal(got.body, "hello");
    assert_non_null(strstr(server->asked[0], "GET /p HTTP/1.1\r\n"));
}

static void a_body_is_posted_with_type_and_token(void **state)
{
    apr_pool_t *p = *state;
    server_t *server = server_make(p);
    ds_fetch_t fetch = {.url = url_of(server, "/purge", p),
                        .token = "secret",
                        .body = "url=%2Fx",
                        .body_type = "application/x-www-form-urlencoded",
                        .accept = "application/json",
                        .cache_control = "no-transform",
                        .max_bytes = 10};
    ds_fetched_t got;
    const char *error;

    server->answer[0] = "HTTP/1.1 204 Done\r\nLast-Modified: then\r\n\r\n";
    server_start(server, p);
    assert_int_equal(ds_fetch(&got, &error, &fetch, p), APR_SUCCESS);
    assert_int_equal(got.status, 204);
    assert_string_equal(got.type, "");
    assert_string_equal(got.body, "");
    assert_null(got.dynimage);
    assert_string_equal(got.etag, "then");
    assert_non_null(
        strstr(server->asked[0], "\r\nCache-Control: no-transform\r\n"));
    assert_non_null(strstr(server->asked[0], "POST /purge "));
    assert_non_null(strstr(server->asked[0], "\r\nAuthorization: Bearer "
                                             "secret\r\n"));
    assert_non_null(strstr(server->asked[0], "\r\nAccept: application/json"));
    assert_non_null(strstr(server->asked[0], "\r\nContent-Type: application/x-"
                                             "www-form-urlencoded\r\n"));
    assert_non_null(strstr(server->asked[0], "\r\n\r\nurl=%2Fx"));
}

static void another_method_and_another_address_are_used(void **state)
{
    apr_pool_t *p = *state;
    server_t *server = server_make(p);
    ds_fetch_t fetch = {.method = "PURGE",
                        .url = "http://a.example/dir/",
                        .resolve =
                            apr_psprintf(p, "127.0.0.1:%d", server->port)};
    ds_fetched_t got;
    const char *error;

    server->answer[0] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    server_start(server, p);
    assert_int_equal(ds_fetch(&got, &error, &fetch, p), APR_SUCCESS);
    assert_non_null(strstr(server->asked[0], "PURGE /dir/ "));
    assert_non_null(strstr(server->asked[0], "\r\nHost: a.example\r\n"));
}

static void redirects_are_followed_on_one_host_only(void **state)
{
    apr_pool_t *p = *state;
    server_t *server = server_make(p);
    server_t *other = server_make(p);
    ds_fetched_t got;
    const char *error;

    server->answer[0] = "HTTP/1.1 302 There\r\nLocation: /b\r\n"
                        "DynImage: of=before\r\nContent-Length: 0\r\n\r\n";
    server->answer[1] = apr_psprintf(p,
                                     "HTTP/1.1 301 There\r\nLocation: %s\r\n"
                                     "Content-Length: 0\r\n\r\n",
                                     url_of(other, "/c", p));
    server_start(server, p);
    server_start(other, p);
    assert_int_equal(get(&got, &error, url_of(server, "/a", p), 5, p),
                     APR_SUCCESS);
    assert_int_equal(got.status, 301);
    assert_string_equal(got.url, url_of(server, "/b", p));
    assert_null(got.dynimage);
    assert_int_equal(other->accepted, 0);
}

static void redirects_end_at_their_number(void **state)
{
    apr_pool_t *p = *state;
    server_t *server = server_make(p);
    ds_fetched_t got;
    const char *error;

    for (int i = 0; i < CONNECTIONS; i++) {
        server->answer[i] = "HTTP/1.1 302 There\r\nLocation: /again\r\n"
                            "Content-Length: 0\r\n\r\n";
    }
    server_start(server, p);
    assert_int_equal(get(&got, &error, url_of(server, "/a", p), 2, p),
                     APR_SUCCESS);
    assert_int_equal(got.status, 302);
    assert_int_equal(server->accepted, 3);
}

static void what_is_too_long_too_slow_or_not_there_has_its_status(void **state)
{
    apr_pool_t *p = *state;
    server_t *server = server_make(p);
    ds_fetch_t fetch = {.url = url_of(server, "/", p), .max_bytes = 4};
    ds_fetched_t got;
    const char *error;

    server->answer[0] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    server_start(server, p);
    assert_int_equal(ds_fetch(&got, &error, &fetch, p), APR_ENOSPC);
    assert_string_equal(error, "the answer is longer than 4 bytes");
    fetch.timeout_ms = 50;
    assert_int_equal(ds_fetch(&got, &error, &fetch, p), APR_TIMEUP);
    assert_non_null(error);
    fetch.url = "http://127.0.0.1:1/"; /* where nobody may listen but root */
    fetch.timeout_ms = 5000;
    assert_int_equal(ds_fetch(&got, &error, &fetch, p), APR_EGENERAL);
    assert_non_null(error);
}

static void what_is_no_request_is_refused_before_it_is_sent(void **state)
{
    static const ds_fetch_t bad[] = {
        {.url = "file:///etc/passwd"},
        {.url = "ftp://127.0.0.1:1/"},
        {.url = "http://user:word@127.0.0.1:1/"},
        {.url = "http://127.0.0.1:1/\r\nX: y"},
        {.url = "http://127.0.0.1:1/", .token = "a\r\nX: y"},
        {.url = "http://127.0.0.1:1/", .accept = "a\nX: y"},
        {.url = "http://127.0.0.1:1/", .cache_control = "a\nX: y"},
        {.url = "http://127.0.0.1:1/", .body = "", .body_type = "a\nX: y"},
        {.url = "http:///"},
    };
    apr_pool_t *p = *state;
    ds_fetched_t got;
    const char *error;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(ds_fetch(&got, &error, &bad[i], p), APR_EINVAL);
        assert_non_null(error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(an_answer_has_status_type_body_and_decision),
        UNIT(a_body_is_posted_with_type_and_token),
        UNIT(another_method_and_another_address_are_used),
        UNIT(redirects_are_followed_on_one_host_only),
        UNIT(redirects_end_at_their_number),
        UNIT(what_is_too_long_too_slow_or_not_there_has_its_status),
        UNIT(what_is_no_request_is_refused_before_it_is_sent),
    };

    return UNIT_RUN(tests);
}
