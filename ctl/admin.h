/* SPDX-License-Identifier: Apache-2.0 */
/* One request to the administration handler (docs/admin.md). */
#ifndef CTL_ADMIN_H
#define CTL_ADMIN_H

#include "ctl.h"
#include "jsonread.h"

typedef struct {
    int status;             /* of HTTP; 0: no answer */
    apr_status_t rv;        /* why not */
    const char *error;      /* a sentence; NULL: the answer is as wanted */
    const ctl_json_t *json; /* NULL: it is none */
    const char *body;
} ctl_reply_t;

/**
 * Ask, and say nothing.
 * @param path  below the handler's, "/explain?url=%2Fp.jpg"
 * @param form  of a POST; NULL: GET
 */
void ctl_admin_try(ctl_reply_t *reply, const ctl_t *ctl, const char *path,
                   const char *form, apr_pool_t *p);

/* The exit code of a reply. */
int ctl_admin_code(const ctl_reply_t *reply);

/* Ask; a sentence on stderr unless the code is CTL_OK. */
int ctl_admin_ask(ctl_reply_t *reply, const ctl_t *ctl, const char *path,
                  const char *form);

/* value as "name=value" of a form or a query. */
const char *ctl_admin_pair(const char *name, const char *value, apr_pool_t *p);

/* Percent-encoded but for unreserved characters and those of keep. */
const char *ctl_encode(const char *text, const char *keep, apr_pool_t *p);

#endif
