/* SPDX-License-Identifier: Apache-2.0 */
/*
 * purge: from now on nothing that was stored before is sent for these URLs.
 * All that is asked for is looked at before anything is purged.
 */
#include <string.h>

#include "apr_strings.h"
#include "http_core.h"

#include "directives/dynimage_care.h"
#include "handlers/admin.h"

/* A purge that is wanted; site NULL: of all sites. */
typedef struct {
    const char *site, *path;
} purge_t;

/* @return 1 and the purges in order; 0: *answer is given */
static int read_purges(int *answer, apr_array_header_t *purges,
                       di_admin_t *admin)
{
    const char *url, *error;
    int i, status;

    for (i = 0; (url = di_admin_field(admin, "url", i)); i++) {
        purge_t *purge = apr_array_push(purges);
        di_admin_url_t read;

        error = di_admin_url(&read, &status, admin, url, 0);
        if (error) {
            *answer = di_admin_refuse(admin, status, "%s", error);
            return 0;
        }
        purge->site = read.site;
        purge->path = read.path;
    }
    return 1;
}

static int is_all(const di_admin_t *admin)
{
    const char *all = di_admin_field(admin, "all", 0);

    return all && !strcmp(all, "1");
}

/* What a form or the path of a PURGE wants.
   @return 1; 0: *answer is given */
static int read_wanted(int *answer, apr_array_header_t *purges,
                       di_admin_t *admin)
{
    if (admin->method == DI_ADMIN_PURGE) {
        purge_t *purge = apr_array_push(purges);

        purge->site = admin->site;
        purge->path = admin->path;
        *answer = *admin->path ? OK
                               : di_admin_refuse(admin, HTTP_BAD_REQUEST,
                                                 "PURGE .../purge/PATH: there "
                                                 "is no path");
        return *admin->path != '\0';
    }
    if (is_all(admin)) {
        purge_t *purge = apr_array_push(purges);

        purge->site = NULL;
        purge->path = "/";
        *answer = admin->everywhere
                      ? OK
                      : di_admin_refuse(admin, HTTP_FORBIDDEN,
                                        "all=1 is of all sites, which this "
                                        "credential does not reach");
        return admin->everywhere;
    }
    if (!read_purges(answer, purges, admin)) {
        return 0;
    }
    if (!purges->nelts) {
        *answer = di_admin_refuse(admin, HTTP_BAD_REQUEST,
                                  "url= or all=1 is missing");
    }
    return purges->nelts > 0;
}

/* Control characters in it are escaped by httpd's log. */
static void log_purge(const di_admin_t *admin, const purge_t *purge,
                      apr_uint64_t stamp)
{
    request_rec *r = admin->r;

    ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, r,
                  "DI0640: %s at %s purged %s %s, stamp %" APR_UINT64_T_FMT,
                  admin->who, r->useragent_ip,
                  purge->site ? purge->site : "all sites", purge->path, stamp);
}

/* @return as di_purges_add */
static apr_status_t purge_one(ds_json_t *done, di_admin_t *admin,
                              const purge_t *purge)
{
    apr_uint64_t stamp;
    apr_status_t rv = di_purges_add(&stamp, admin->parts->books.purges,
                                    purge->site, purge->path, apr_time_now());
    ds_json_t *to;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    log_purge(admin, purge, stamp);
    to = ds_json_object_in(done, NULL);
    ds_json_text(to, "site", purge->site);
    ds_json_text(to, "path", purge->path);
    ds_json_number(to, "stamp", (apr_int64_t)stamp);
    return APR_SUCCESS;
}

static int refuse_without_books(di_admin_t *admin)
{
    return di_admin_refuse(admin, HTTP_SERVICE_UNAVAILABLE,
                           "there is no memory for purges; see the error log");
}

int di_admin_purge(di_admin_t *admin)
{
    apr_array_header_t *purges =
        apr_array_make(admin->r->pool, 8, sizeof(purge_t));
    ds_json_t *root = ds_json_object(admin->r->pool);
    ds_json_t *done = ds_json_array_in(root, "purged");
    int i, answer = OK;

    if (!admin->parts->books.purges) {
        return refuse_without_books(admin);
    }
    if (!read_wanted(&answer, purges, admin)) {
        return answer;
    }
    for (i = 0; i < purges->nelts; i++) {
        const purge_t *purge = &APR_ARRAY_IDX(purges, i, purge_t);

        if (purge_one(done, admin, purge)) {
            return di_admin_refuse(admin, HTTP_SERVICE_UNAVAILABLE,
                                   "\"%s\" and what follows it is not purged: "
                                   "there is no room for it",
                                   purge->path);
        }
    }
    di_care_hurry(admin->parts, DI_TURN_PURGES);
    return di_admin_send(admin, root);
}

int di_admin_purges(di_admin_t *admin)
{
    const char *map;
    apr_size_t bytes;

    if (!admin->everywhere) {
        return di_admin_refuse(admin, HTTP_FORBIDDEN,
                               "the map is of all sites, which this credential "
                               "does not reach");
    }
    if (!admin->parts->books.purges) {
        return refuse_without_books(admin);
    }
    di_purges_export(&map, &bytes, admin->parts->books.purges, admin->r->pool);
    return di_admin_send_as(admin, "application/octet-stream", map, bytes);
}
