/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP request by libcurl's easy interface: a handle for each call, so any
 * thread may.  Redirects are followed here and not by libcurl, which knows no
 * "to the same host only", and would take a credential to any port of it.
 */
#include "base/fetch.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_time.h>

#include <curl/curl.h>

/* For a caller that names none. */
#define DEFAULT_TIMEOUT_MS 10000

typedef struct {
    char *body;
    apr_size_t bytes;
    apr_size_t room;
    apr_size_t max_bytes;
    int full;             /* 1: more than max_bytes came */
    const char *dynimage; /* these of the last header block */
    const char *etag;
    const char *changed;
    apr_pool_t *p;
} answer_t;

apr_status_t ds_fetch_start(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? APR_SUCCESS
                                                             : APR_EGENERAL;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    answer_t *answer = arg;
    size_t bytes = size * n;

    if (bytes > answer->max_bytes - answer->bytes) {
        answer->full = 1;
        return 0;
    }
    if (answer->bytes + bytes + 1 > answer->room) {
        apr_size_t room = 2 * (answer->bytes + bytes) + 1;
        char *body = realloc(answer->body, room);

        if (body == NULL) {
            return 0;
        }
        answer->body = body;
        answer->room = room;
    }
    memcpy(answer->body + answer->bytes, data, bytes);
    answer->bytes += bytes;
    return bytes;
}

/* The value of a header line of this name, else NULL. */
static const char *value_of(const char *name, const char *data, size_t bytes,
                            apr_pool_t *p)
{
    size_t length = strlen(name);
    char *value;

    if (bytes <= length || data[length] != ':' ||
        strncasecmp(data, name, length) != 0) {
        return NULL;
    }
    value = apr_pstrmemdup(p, data + length + 1, bytes - length - 1);
    value += strspn(value, " \t");
    value[strcspn(value, "\r\n")] = '\0';
    return value;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
    answer_t *answer = arg;
    size_t bytes = size * n;
    const char *value;

    if (bytes > 5 && memcmp(data, "HTTP/", 5) == 0) {
        answer->dynimage = NULL; /* 100, 103: another block follows */
        answer->etag = NULL;
        answer->changed = NULL;
    }
    else if ((value = value_of("DynImage", data, bytes, answer->p)) != NULL) {
        answer->dynimage = value;
    }
    else if ((value = value_of("ETag", data, bytes, answer->p)) != NULL) {
        answer->etag = value;
    }
    else if ((value = value_of("Last-Modified", data, bytes, answer->p)) !=
             NULL) {
        answer->changed = value;
    }
    return bytes;
}

/* Nothing that would end a header line early. */
static int is_line(const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) {
            return 0;
        }
    }
    return 1;
}

static void add_header(struct curl_slist **headers, const char *name,
                       const char *value, apr_pool_t *p)
{
    struct curl_slist *longer;

    if (value == NULL) {
        return;
    }
    longer = curl_slist_append(*headers, apr_pstrcat(p, name, value, NULL));
    if (longer != NULL) {
        *headers = longer;
    }
}

/* "host", "host:port", "::1", "[::1]:port" as CURLOPT_CONNECT_TO has it:
   from any host and port to this one, an empty port is the URL's. */
static const char *connect_to(const char *address, apr_pool_t *p)
{
    const char *colon = strchr(address, ':');

    if (address[0] == '[') {
        return apr_pstrcat(p, "::", address, strstr(address, "]:") ? "" : ":",
                           NULL);
    }
    if (colon != NULL && strchr(colon + 1, ':') != NULL) {
        return apr_pstrcat(p, "::[", address, "]:", NULL);
    }
    return apr_pstrcat(p, "::", address, colon != NULL ? "" : ":", NULL);
}

static void set_method(CURL *curl, const ds_fetch_t *fetch)
{
    if (fetch->body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, fetch->body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)strlen(fetch->body));
    }
    if (fetch->method == NULL) {
        return;
    }
    if (strcmp(fetch->method, "HEAD") == 0) {
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    }
    else {
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, fetch->method);
    }
}

static void set_bounds(CURL *curl, long timeout_ms)
{
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "dynimage");
}

static void set_peer(CURL *curl, const ds_fetch_t *fetch,
                     struct curl_slist **to, apr_pool_t *p)
{
    if (fetch->resolve != NULL) {
        *to = curl_slist_append(NULL, connect_to(fetch->resolve, p));
        curl_easy_setopt(curl, CURLOPT_CONNECT_TO, *to);
    }
    if (fetch->ca_file != NULL) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, fetch->ca_file);
    }
    if (fetch->insecure) {
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

static void take_answer(ds_fetched_t *out, CURL *curl, const answer_t *answer,
                        const char *url, apr_pool_t *p)
{
    long status = 0;
    char *type = NULL;

    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    out->status = (int)status;
    out->bytes = answer->bytes;
    out->body =
        answer->bytes > 0 ? apr_pstrmemdup(p, answer->body, answer->bytes) : "";
    out->type = "";
    if (type != NULL) {
        char *lower = apr_pstrmemdup(p, type, strcspn(type, "; \t"));

        for (char *c = lower; *c != '\0'; c++) {
            *c = apr_tolower(*c);
        }
        out->type = lower;
    }
    out->dynimage = answer->dynimage;
    out->etag = answer->etag != NULL ? answer->etag : answer->changed;
    out->url = url;
}

static apr_status_t status_of(CURLcode code, const answer_t *answer,
                              const char *said, const char **error,
                              apr_pool_t *p)
{
    if (code == CURLE_OK) {
        return APR_SUCCESS;
    }
    if (answer->full) {
        *error = apr_psprintf(
            p, "the answer is longer than %" APR_SIZE_T_FMT " bytes",
            answer->max_bytes);
        return APR_ENOSPC;
    }
    *error = apr_pstrdup(p, said[0] != '\0' ? said : curl_easy_strerror(code));
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return APR_TIMEUP;
    }
    if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ||
        code == CURLE_LOGIN_DENIED) {
        return APR_EINVAL;
    }
    return APR_EGENERAL;
}

/* @param to  out: where a redirect points; NULL: it is none */
static apr_status_t exchange(ds_fetched_t *out, const char **to,
                             const char **error, const ds_fetch_t *fetch,
                             const char *url, long timeout_ms, apr_pool_t *p)
{
    struct curl_slist *headers = NULL;
    struct curl_slist *hosts = NULL;
    answer_t answer = {.max_bytes = fetch->max_bytes, .p = p};
    char said[CURL_ERROR_SIZE] = "";
    CURL *curl = curl_easy_init();
    char *location = NULL;
    apr_status_t rv;

    if (curl == NULL) {
        return APR_ENOMEM;
    }
    set_bounds(curl, timeout_ms);
    set_method(curl, fetch);
    set_peer(curl, fetch, &hosts, p);
    add_header(&headers, "Authorization: Bearer ", fetch->token, p);
    add_header(&headers, "Accept: ", fetch->accept, p);
    add_header(&headers, "Cache-Control: ", fetch->cache_control, p);
    add_header(&headers, "Content-Type: ", fetch->body_type, p);
    add_header(&headers, "Expect:", "", p); /* no wait for 100 */
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, said);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer);

    rv = status_of(curl_easy_perform(curl), &answer, said, error, p);
    if (rv == APR_SUCCESS) {
        take_answer(out, curl, &answer, url, p);
        curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &location);
    }
    *to = location != NULL ? apr_pstrdup(p, location) : NULL;
    free(answer.body);
    curl_slist_free_all(hosts);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return rv;
}

static int same_part(CURLU *a, CURLU *b, CURLUPart part)
{
    char *of_a = NULL;
    char *of_b = NULL;
    int same = curl_url_get(a, part, &of_a, CURLU_DEFAULT_PORT) == CURLUE_OK &&
               curl_url_get(b, part, &of_b, CURLU_DEFAULT_PORT) == CURLUE_OK &&
               strcasecmp(of_a, of_b) == 0;

    curl_free(of_a);
    curl_free(of_b);
    return same;
}

static int same_host(const char *one, const char *other)
{
    CURLU *a = curl_url();
    CURLU *b = curl_url();
    int same = a != NULL && b != NULL &&
               curl_url_set(a, CURLUPART_URL, one, 0) == CURLUE_OK &&
               curl_url_set(b, CURLUPART_URL, other, 0) == CURLUE_OK &&
               same_part(a, b, CURLUPART_SCHEME) &&
               same_part(a, b, CURLUPART_HOST) &&
               same_part(a, b, CURLUPART_PORT);

    curl_url_cleanup(a);
    curl_url_cleanup(b);
    return same;
}

static int may_follow(const ds_fetch_t *fetch, const char *from, const char *to)
{
    return fetch->body == NULL &&
           (fetch->method == NULL || strcmp(fetch->method, "GET") == 0 ||
            strcmp(fetch->method, "HEAD") == 0) &&
           is_line(to) && same_host(from, to);
}

apr_status_t ds_fetch(ds_fetched_t *out, const char **error,
                      const ds_fetch_t *fetch, apr_pool_t *p)
{
    long timeout_ms =
        fetch->timeout_ms > 0 ? (long)fetch->timeout_ms : DEFAULT_TIMEOUT_MS;
    apr_time_t end = apr_time_now() + timeout_ms * APR_TIME_C(1000);
    const char *url = fetch->url;
    apr_status_t rv;

    memset(out, 0, sizeof *out);
    *error = NULL;
    if (!is_line(url) || !is_line(fetch->token) || !is_line(fetch->accept) ||
        !is_line(fetch->cache_control) || !is_line(fetch->body_type) ||
        !is_line(fetch->resolve)) {
        *error = "a control character in a URL or a header";
        return APR_EINVAL;
    }
    for (int follow = 0;; follow++) {
        const char *to = NULL;

        rv = exchange(out, &to, error, fetch, url, timeout_ms, p);
        if (rv != APR_SUCCESS || to == NULL || follow >= fetch->redirects ||
            !may_follow(fetch, url, to)) {
            break;
        }
        url = to;
        timeout_ms = (long)((end - apr_time_now()) / 1000);
        if (timeout_ms <= 0) {
            *error = "too many slow redirects";
            return APR_TIMEUP;
        }
    }
    if (rv != APR_SUCCESS && *error == NULL) {
        *error = "out of memory";
    }
    return rv;
}
