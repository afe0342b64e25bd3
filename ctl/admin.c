/* SPDX-License-Identifier: Apache-2.0 */
#include "admin.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/fetch.h"

/* A report of all customers of a machine (a kilobyte or two each). */
#define ANSWER_BYTES (32 * 1024 * 1024)

const char *ctl_encode(const char *text, const char *keep, apr_pool_t *p)
{
    static const char hex[] = "0123456789ABCDEF";
    char *out = apr_palloc(p, 3 * strlen(text) + 1);
    char *at = out;

    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if ((c < 0x80 && apr_isalnum(c)) || strchr("-._~", c) != NULL ||
            strchr(keep, c) != NULL) {
            *at++ = (char)c;
        }
        else {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
    }
    *at = '\0';
    return out;
}

const char *ctl_admin_pair(const char *name, const char *value, apr_pool_t *p)
{
    return apr_pstrcat(p, name, "=", ctl_encode(value, "/:", p), NULL);
}

/* The handler's own sentence, when it is from the handler. */
static const char *sentence_of(const ctl_reply_t *reply, apr_pool_t *p)
{
    const char *said = ctl_json_text(reply->json, "error", NULL, p);

    if (said != NULL) {
        return apr_psprintf(p, "%d: %s", reply->status, said);
    }
    if (reply->status == 401) {
        return "401: the credential is missing or wrong (--key-file)";
    }
    if (reply->status == 404) {
        return "404: is SetHandler dynimage-admin configured there?";
    }
    return apr_psprintf(p, "answered %d", reply->status);
}

void ctl_admin_try(ctl_reply_t *reply, const ctl_t *ctl, const char *path,
                   const char *form, apr_pool_t *p)
{
    ds_fetch_t fetch = {
        .url = apr_pstrcat(p, ctl->admin, path, NULL),
        .token = ctl->token,
        .accept = "application/json",
        .body = form,
        .body_type = form != NULL ? "application/x-www-form-urlencoded" : NULL,
        .resolve = ctl->resolve,
        .ca_file = ctl->ca_file,
        .insecure = ctl->insecure,
        .timeout_ms = (apr_uint32_t)ctl->timeout_s * 1000,
        .max_bytes = ANSWER_BYTES};
    ds_fetched_t got;
    const char *error = NULL;

    memset(reply, 0, sizeof *reply);
    reply->rv = ds_fetch(&got, &error, &fetch, p);
    if (reply->rv != APR_SUCCESS) {
        reply->error = error;
        return;
    }
    reply->status = got.status;
    reply->body = got.body;
    reply->json = ctl_json_parse(&error, got.body, got.bytes, p);
    if (got.status < 200 || got.status > 299) {
        reply->error = sentence_of(reply, p);
    }
    else if (!ctl_json_is_object(reply->json)) {
        reply->json = NULL;
        reply->error = apr_pstrcat(p, "the answer is not JSON: ",
                                   error != NULL ? error : "no object", NULL);
    }
}

int ctl_admin_code(const ctl_reply_t *reply)
{
    if (reply->error == NULL) {
        return CTL_OK;
    }
    return reply->status == 401 || reply->status == 403 ? CTL_REFUSED
                                                        : CTL_NO_HTTP;
}

int ctl_admin_ask(ctl_reply_t *reply, const ctl_t *ctl, const char *path,
                  const char *form)
{
    int code;

    ctl_admin_try(reply, ctl, path, form, ctl->p);
    code = ctl_admin_code(reply);
    return code == CTL_OK
               ? CTL_OK
               : ctl_fail(code, "%s%.*s: %s", ctl->admin,
                          (int)strcspn(path, "?"), path, reply->error);
}
