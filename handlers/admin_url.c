/* SPDX-License-Identifier: Apache-2.0 */
/* Which site and which path does an administrator mean? */
#include <string.h>

#include "apr_lib.h"
#include "apr_strings.h"
#include "apr_uri.h"
#include "http_core.h"
#include "http_main.h"

#include "handlers/admin.h"
#include "handlers/purged.h"

static int is_among(const apr_array_header_t *names, const char *host, int wild)
{
    int i;

    for (i = 0; names && i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        if (name && (wild ? !ap_strcasecmp_match(host, name)
                          : !strcasecmp(host, name))) {
            return 1;
        }
    }
    return 0;
}

/* ServerName, ServerAlias; of the latter, those with wildcards apart. */
static int is_host_of(const server_rec *s, const char *host, int wild)
{
    return wild ? is_among(s->wild_names, host, 1)
                : (s->server_hostname &&
                   !strcasecmp(host, s->server_hostname)) ||
                      is_among(s->names, host, 0);
}

static const server_rec *first_of_host(const server_rec *own, const char *host,
                                       int wild)
{
    const server_rec *s;

    if (is_host_of(own, host, wild)) {
        return own;
    }
    for (s = ap_server_conf; s && !is_host_of(s, host, wild); s = s->next) {
    }
    return s;
}

/* A pattern is for what nobody else is named: a VirtualHost that takes all
   hosts ("*") is not meant by the name of another one. */
static const server_rec *server_of_host(const server_rec *own, const char *host)
{
    const server_rec *s = first_of_host(own, host, 0);

    return s ? s : first_of_host(own, host, 1);
}

/* The absolute form of a name (RFC 3986 3.2.2), which httpd takes for the other
   one in requests, too. */
static void drop_final_dot(char *host)
{
    apr_size_t len = strlen(host);

    if (len > 1 && host[len - 1] == '.') {
        host[len - 1] = '\0';
    }
}

/* @return 0: httpd would refuse it */
static int read_path(const char **out, const char *uri, apr_pool_t *p)
{
    char *path = apr_pstrndup(p, uri, strcspn(uri, "?#"));

    if (ap_unescape_url_keep2f(path, 1) != OK) {
        return 0;
    }
    *out = di_purged_path(uri, p);
    return *out != NULL;
}

/* The site of a full URL, and where its path begins. */
static const char *take_host(di_admin_url_t *out, int *status,
                             const di_admin_t *admin, const char *text, int own)
{
    request_rec *r = admin->r;
    const server_rec *s;
    apr_uri_t uri;

    *status = HTTP_BAD_REQUEST;
    if ((strncasecmp(text, "http://", 7) && strncasecmp(text, "https://", 8)) ||
        apr_uri_parse(r->pool, text, &uri) != APR_SUCCESS || !uri.hostname) {
        return "is neither a path that begins with / nor a URL with http or "
               "https";
    }
    drop_final_dot(uri.hostname);
    s = server_of_host(r->server, uri.hostname);
    /* An address, or a name that nobody has: httpd brought this very request
       here by it. */
    if (!s && r->hostname && !strcasecmp(uri.hostname, r->hostname)) {
        s = r->server;
    }
    if (s != r->server && (own || !admin->everywhere)) {
        *status = HTTP_FORBIDDEN;
        return own ? "is of another site: ask that one's handler"
                   : "is of another site, which this credential does not "
                     "reach";
    }
    if (!s) {
        *status = HTTP_NOT_FOUND;
        return "is of no site of this httpd";
    }
    out->site = di_purged_site(s, r->pool);
    text = strstr(text, "://") + 3;
    text += strcspn(text, "/?#");
    out->uri = *text == '/' ? text : apr_pstrcat(r->pool, "/", text, NULL);
    return NULL;
}

const char *di_admin_url(di_admin_url_t *out, int *status, di_admin_t *admin,
                         const char *text, int own)
{
    request_rec *r = admin->r;
    const char *fault = NULL;

    out->site = admin->site;
    out->uri = text;
    if (text[0] != '/' || text[1] == '/') {
        fault = take_host(out, status, admin, text, own);
    }
    if (!fault && !read_path(&out->path, out->uri, r->pool)) {
        *status = HTTP_BAD_REQUEST;
        fault = "has a path that is not encoded as it should be";
    }
    return fault ? apr_psprintf(r->pool, "\"%s\" %s", text, fault) : NULL;
}
