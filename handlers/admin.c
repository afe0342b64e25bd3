/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may, which action, and what every answer has in common.
 *
 * A program shows a token, which no page of another site can make a browser
 * send.  A user whom httpd has authenticated may be a browser that sends its
 * credential by itself, so for such a user what other sites' pages ask for is
 * refused where it changes anything.
 */
#include "handlers/admin.h"

#include <string.h>

#include "apr_lib.h"
#include "apr_strings.h"
#include "http_core.h"
#include "http_main.h"
#include "http_protocol.h"
#include "http_request.h"

#include "handlers/purged.h"

static const di_parts_t *served; /* of this process */

typedef struct {
    const char *name;
    unsigned methods;
    di_admin_answer_t *answer;
} action_t;

static const action_t actions[] = {
    {"purge", DI_ADMIN_POST | DI_ADMIN_PURGE, di_admin_purge},
    {"purges", DI_ADMIN_GET, di_admin_purges},
    {"prerender", DI_ADMIN_POST, di_admin_prerender},
    {"explain", DI_ADMIN_GET, di_admin_explain},
    {"check", DI_ADMIN_GET, di_admin_check},
    {"report", DI_ADMIN_GET, di_admin_report},
    {"status", DI_ADMIN_GET, di_admin_status},
};

#define ACTIONS (sizeof(actions) / sizeof(*actions))

/* ---- answers ---- */

int di_admin_send_as(di_admin_t *admin, const char *type, const char *data,
                     apr_size_t bytes)
{
    request_rec *r = admin->r;

    ap_set_content_type(r, type);
    ap_set_content_length(r, (apr_off_t)bytes);
    if (!r->header_only) {
        ap_rwrite(data, (int)bytes, r);
    }
    return OK;
}

int di_admin_send(di_admin_t *admin, const ds_json_t *root)
{
    const char *text = ds_json_write(root, admin->r->pool);

    if (!text) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    text = apr_pstrcat(admin->r->pool, text, "\n", NULL);
    return di_admin_send_as(admin, "application/json", text, strlen(text));
}

static int send_error(di_admin_t *admin, int status, const char *sentence)
{
    ds_json_t *root = ds_json_object(admin->r->pool);

    ds_json_text(root, "error", sentence);
    admin->r->status = status;
    return di_admin_send(admin, root);
}

/* What the client said is escaped by httpd's log. */
static void log_refusal(const di_admin_t *admin, int status,
                        const char *sentence)
{
    request_rec *r = admin->r;

    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                  "DI0641: %s %s refused to %s at %s with %d: %s", r->method,
                  r->uri, admin->who ? admin->who : "nobody", r->useragent_ip,
                  status, sentence);
}

int di_admin_refuse(di_admin_t *admin, int status, const char *format, ...)
{
    const char *sentence;
    va_list list;

    va_start(list, format);
    sentence = apr_pvsprintf(admin->r->pool, format, list);
    va_end(list);
    if (status == HTTP_UNAUTHORIZED || status == HTTP_FORBIDDEN) {
        log_refusal(admin, status, sentence);
    }
    return send_error(admin, status, sentence);
}

/* ---- who is it? ---- */

/* The token of "Bearer TOKEN" (RFC 6750 2.1); NULL: there is none. */
static const char *bearer_of(request_rec *r)
{
    const char *given = apr_table_get(r->headers_in, "Authorization");

    if (!given || strncasecmp(given, "Bearer ", 7)) {
        return NULL;
    }
    given += 7;
    return given + strspn(given, " ");
}

/* Whose is the token?  Both files are searched, whichever has it. */
static int is_token(di_admin_t *admin, const char *given)
{
    apr_size_t len = strlen(given);
    request_rec *r = admin->r;
    int main_number =
        ds_tokens_find(di_server_conf_of(ap_server_conf)->tokens, given, len);
    int own_number =
        ds_tokens_find(di_server_conf_of(r->server)->tokens, given, len);

    if (!main_number && !own_number) {
        return 0;
    }
    admin->everywhere = main_number > 0;
    admin->who = main_number ? apr_psprintf(r->pool, "token %d", main_number)
                             : apr_psprintf(r->pool, "token %d of %s",
                                            own_number, admin->site);
    return 1;
}

/* Would httpd refuse this request to somebody without a name? */
static int needs_user(request_rec *r)
{
    char *user = r->user;
    int needed;

    r->user = NULL;
    needed = ap_some_authn_required(r);
    r->user = user;
    return needed;
}

/* A user's name counts only where httpd had to be shown who it is: other
   things set one, too. */
static int is_user(di_admin_t *admin)
{
    request_rec *r = admin->r;

    if (!r->user || !*r->user || !r->ap_auth_type || !needs_user(r)) {
        return 0;
    }
    admin->who = apr_pstrcat(r->pool, "user ", r->user, NULL);
    return 1;
}

/* "scheme://host[:port]" against the Host of this request.  The scheme is
   left out: in front of us there may be somebody who speaks TLS. */
static int is_own_origin(const request_rec *r, const char *origin)
{
    const char *host = apr_table_get(r->headers_in, "Host");
    const char *rest = strstr(origin, "://");

    return host && rest && !strcasecmp(rest + 3, host);
}

/* May a page of another site have sent it?  Browsers say so in one or both of
   two headers (Fetch Metadata 2.4, RFC 6454 7); programs send neither. */
static int is_cross_site(const request_rec *r)
{
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site");
    const char *origin = apr_table_get(r->headers_in, "Origin");

    if (site && strcasecmp(site, "same-origin") && strcasecmp(site, "none")) {
        return 1;
    }
    return origin && !is_own_origin(r, origin);
}

/* @return 1; 0: *answer is given */
static int authenticate(int *answer, di_admin_t *admin)
{
    request_rec *r = admin->r;
    const char *given = bearer_of(r);

    if (given ? is_token(admin, given) : is_user(admin)) {
        if (!given && admin->method != DI_ADMIN_GET && is_cross_site(r)) {
            *answer = di_admin_refuse(admin, HTTP_FORBIDDEN,
                                      "a page of another site sent this");
            return 0;
        }
        return 1;
    }
    apr_table_setn(r->err_headers_out, "WWW-Authenticate",
                   "Bearer realm=\"dynimage-admin\"");
    *answer = di_admin_refuse(admin, HTTP_UNAUTHORIZED,
                              given ? "no token of this site is like that"
                                    : "show a token: Authorization: Bearer "
                                      "TOKEN");
    return 0;
}

/* ---- which action? ---- */

/* PURGE is no method that httpd has a number for. */
static unsigned method_of(const request_rec *r)
{
    return r->method_number == M_GET     ? DI_ADMIN_GET
           : r->method_number == M_POST  ? DI_ADMIN_POST
           : !strcmp(r->method, "PURGE") ? DI_ADMIN_PURGE
                                         : 0;
}

static const action_t *action_named(const char *name, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < ACTIONS; i++) {
        if (strlen(actions[i].name) == len &&
            !strncmp(actions[i].name, name, len)) {
            return &actions[i];
        }
    }
    return NULL;
}

/* The action is the last segment of the URL; for PURGE, the first one that may
   be asked so: behind it stands the path that is purged.  The handler need not
   know where in the URL space it was put. */
static const action_t *find_action(di_admin_t *admin)
{
    const char *at = admin->r->uri;

    while ((at = strchr(at, '/'))) {
        apr_size_t len = strcspn(++at, "/");
        const action_t *action = action_named(at, len);

        if (action && (!at[len] || (admin->method == DI_ADMIN_PURGE &&
                                    action->methods & DI_ADMIN_PURGE))) {
            admin->path = at + len;
            return action;
        }
    }
    return NULL;
}

static int refuse_method(di_admin_t *admin, const action_t *action)
{
    const char *allow = apr_pstrcat(
        admin->r->pool, action->methods & DI_ADMIN_GET ? ", GET, HEAD" : "",
        action->methods & DI_ADMIN_POST ? ", POST" : "",
        action->methods & DI_ADMIN_PURGE ? ", PURGE" : "", NULL);

    allow += strlen(", ");
    apr_table_setn(admin->r->err_headers_out, "Allow", allow);
    return di_admin_refuse(admin, HTTP_METHOD_NOT_ALLOWED,
                           "%s is asked with %s", action->name, allow);
}

static int refuse_action(di_admin_t *admin)
{
    const char *names = "";
    apr_size_t i;

    for (i = 0; i < ACTIONS; i++) {
        names = apr_pstrcat(admin->r->pool, names, i ? ", " : "",
                            actions[i].name, NULL);
    }
    return di_admin_refuse(admin, HTTP_NOT_FOUND,
                           "the path ends in none of: %s", names);
}

/* ---- its fields ---- */

static void add_field(di_admin_t *admin, const char *name, const char *value)
{
    apr_array_header_t *values =
        apr_hash_get(admin->fields, name, APR_HASH_KEY_STRING);

    if (!values) {
        values = apr_array_make(admin->r->pool, 4, sizeof(const char *));
        apr_hash_set(admin->fields, name, APR_HASH_KEY_STRING, values);
    }
    APR_ARRAY_PUSH(values, const char *) = value;
}

/* Read "a=b&c=d", which is changed.  @return 0 when something in it is not
   encoded as it should be */
static int read_fields(di_admin_t *admin, char *text)
{
    char *field, *last;

    for (field = apr_strtok(text, "&", &last); field;
         field = apr_strtok(NULL, "&", &last)) {
        char *value = strchr(field, '=');

        if (value) {
            *value++ = '\0';
        }
        else {
            value = field + strlen(field);
        }
        if (ap_unescape_urlencoded(field) != OK ||
            ap_unescape_urlencoded(value) != OK) {
            return 0;
        }
        add_field(admin, field, value);
    }
    return 1;
}

/* @return OK with the whole body and its end; an HTTP status */
static int read_body(char *body, request_rec *r)
{
    apr_size_t len = 0;
    long got = 0;
    int status = ap_setup_client_block(r, REQUEST_CHUNKED_DECHUNK);

    if (status != OK) {
        return status;
    }
    if (r->remaining > DI_ADMIN_BODY_MAX) {
        return HTTP_REQUEST_ENTITY_TOO_LARGE;
    }
    if (ap_should_client_block(r)) {
        while (len <= DI_ADMIN_BODY_MAX &&
               (got = ap_get_client_block(r, body + len,
                                          DI_ADMIN_BODY_MAX + 1 - len)) > 0) {
            len += (apr_size_t)got;
        }
    }
    body[len] = '\0';
    return len > DI_ADMIN_BODY_MAX          ? HTTP_REQUEST_ENTITY_TOO_LARGE
           : got < 0 || strlen(body) != len ? HTTP_BAD_REQUEST
                                            : OK;
}

static int is_form(request_rec *r)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    apr_size_t len = type ? strcspn(type, "; \t") : 0;

    return len == sizeof(form) - 1 && !strncasecmp(type, form, len);
}

/* @return OK, or an HTTP status */
static int read_form(di_admin_t *admin)
{
    request_rec *r = admin->r;
    char *body;
    int status;

    if (!is_form(r)) {
        return HTTP_UNSUPPORTED_MEDIA_TYPE;
    }
    body = apr_palloc(r->pool, DI_ADMIN_BODY_MAX + 2);
    status = read_body(body, r);
    if (status == OK && !read_fields(admin, body)) {
        status = HTTP_BAD_REQUEST;
    }
    return status;
}

static const char *form_fault(int status)
{
    return status == HTTP_UNSUPPORTED_MEDIA_TYPE
               ? "the body must be application/x-www-form-urlencoded"
           : status == HTTP_REQUEST_ENTITY_TOO_LARGE
               ? "the body is longer than " APR_STRINGIFY(
                     DI_ADMIN_BODY_MAX) " bytes"
               : "the body is no form";
}

/* @return 1; 0: *answer is given */
static int take_fields(int *answer, di_admin_t *admin)
{
    request_rec *r = admin->r;
    int status = OK;

    admin->fields = apr_hash_make(r->pool);
    if (admin->method == DI_ADMIN_POST) {
        status = read_form(admin);
        if (status != OK) {
            *answer = di_admin_refuse(admin, status, "%s", form_fault(status));
            return 0;
        }
        return 1;
    }
    if (r->args && !read_fields(admin, apr_pstrdup(r->pool, r->args))) {
        *answer =
            di_admin_refuse(admin, HTTP_BAD_REQUEST, "the query is no form");
        return 0;
    }
    return 1;
}

int di_admin_count(const di_admin_t *admin, const char *name)
{
    const apr_array_header_t *values =
        apr_hash_get(admin->fields, name, APR_HASH_KEY_STRING);

    return values ? values->nelts : 0;
}

const char *di_admin_field(const di_admin_t *admin, const char *name, int i)
{
    const apr_array_header_t *values =
        apr_hash_get(admin->fields, name, APR_HASH_KEY_STRING);

    return values && i < values->nelts ? APR_ARRAY_IDX(values, i, const char *)
                                       : NULL;
}

/* ---- the handler ---- */

/* No cache keeps it, no page of another origin gets it, no browser takes it
   for anything but what it is. */
static void fence(request_rec *r)
{
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->err_headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->err_headers_out, "Cross-Origin-Resource-Policy",
                   "same-origin");
}

static int admin_handler(request_rec *r)
{
    di_admin_t admin = {.r = r, .parts = served};
    const action_t *action;
    int answer = DECLINED;

    if (!r->handler || strcmp(r->handler, DI_ADMIN_HANDLER)) {
        return DECLINED;
    }
    fence(r);
    admin.method = method_of(r);
    admin.site = di_purged_site(r->server, r->pool);
    if (!authenticate(&answer, &admin)) {
        return answer;
    }
    action = find_action(&admin);
    if (!action) {
        return refuse_action(&admin);
    }
    if (!(action->methods & admin.method)) {
        return refuse_method(&admin, action);
    }
    return take_fields(&answer, &admin) ? action->answer(&admin) : answer;
}

void di_admin_register(const di_parts_t *parts)
{
    served = parts;
    ap_hook_handler(admin_handler, NULL, NULL, APR_HOOK_MIDDLE);
}
