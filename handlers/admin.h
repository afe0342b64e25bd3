/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The administration handler: one URL of a site through which a program purges,
 * prerenders, explains and reports (docs/admin.md).
 *
 *     .../ACTION  -> credential? -> which action? -> method? -> fields ->
 * answer
 *
 * An action is a function in a file of its own (handlers/admin_*.c) and a row
 * of the table in admin.c.
 */
#ifndef DI_ADMIN_H
#define DI_ADMIN_H

#include "apr_hash.h"

#include "directives/dynimage_start.h"

#include "base/json.h"

/* Name of the handler, in r->handler. */
#define DI_ADMIN_HANDLER "dynimage-admin"

/* A longer body is refused, bytes. */
#define DI_ADMIN_BODY_MAX 65536

/* Sets of methods; GET is HEAD too. */
enum { DI_ADMIN_GET = 1, DI_ADMIN_POST = 2, DI_ADMIN_PURGE = 4 };

/* A request whose credential was found good. */
typedef struct {
    request_rec *r;
    const di_parts_t *parts;
    const char *who;    /* for the log: user, or number of the token */
    int everywhere;     /* may act on all sites, not on its own only */
    const char *site;   /* of this VirtualHost, see di_purged_site */
    unsigned method;    /* DI_ADMIN_GET and so on */
    const char *path;   /* behind the action's name, decoded: "" or "/..." */
    apr_hash_t *fields; /* name -> array of const char *: values, decoded */
} di_admin_t;

/* Answers; returns what a handler returns. */
typedef int di_admin_answer_t(di_admin_t *admin);

di_admin_answer_t di_admin_purge, di_admin_purges, di_admin_explain,
    di_admin_check, di_admin_prerender, di_admin_report, di_admin_status;

/* Call once from the module's hooks.
   @param parts  of this process, static */
void di_admin_register(const di_parts_t *parts);

/* ---- for actions ---- */

/* The i-th value of a field, from 0; NULL when there are no more. */
const char *di_admin_field(const di_admin_t *admin, const char *name, int i);

/* How many values a field has. */
int di_admin_count(const di_admin_t *admin, const char *name);

/* Answer 200 with one object, or 500 when there was no memory for it. */
int di_admin_send(di_admin_t *admin, const ds_json_t *root);

/* Answer 200 with other text or bytes. */
int di_admin_send_as(di_admin_t *admin, const char *type, const char *data,
                     apr_size_t bytes);

/* Answer with an error: {"error": "sentence"}.  Those of a credential that
   does not reach that far (403) are logged. */
int di_admin_refuse(di_admin_t *admin, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- URLs that an action is about ---- */

typedef struct {
    const char *site; /* see di_purged_site */
    const char *path; /* decoded and without dots, see di_purged_path */
    const char *uri;  /* as it was given, from the path on, with its query */
} di_admin_url_t;

/**
 * Read a URL: a path of this site, or a full URL.
 * @param status  out: 400, 403 or 404 with an error
 * @param own     1: it must be of this site; 0: of one that the credential
 *                reaches
 * @return NULL when fine, else an error sentence
 */
const char *di_admin_url(di_admin_url_t *out, int *status, di_admin_t *admin,
                         const char *text, int own);

#endif
