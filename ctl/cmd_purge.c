/* SPDX-License-Identifier: Apache-2.0 */
/*
 * purge URL... | --list FILE | --all.  As many URLs as fit go in one request,
 * so a list of them is in force together.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "admin.h"
#include "ctl.h"
#include "jsonread.h"
#include "show.h"

/* The handler reads 64 KB. */
#define FORM_BYTES 60000
#define LIST_BYTES (16 * 1024 * 1024)

static void print(const ctl_t *ctl, const ctl_reply_t *reply)
{
    const ctl_json_t *purged = ctl_json_get(reply->json, "purged");

    if (ctl->json) {
        printf("%s\n", ctl_json_print(reply->json, ctl->p));
        return;
    }
    for (int i = 0; i < ctl_json_count(purged); i++) {
        const ctl_json_t *one = ctl_json_at(purged, i);
        const char *path = ctl_json_text(one, "path", "/", ctl->p);
        const char *site = ctl_json_text(one, "site", "", ctl->p);
        size_t length = strlen(path);

        if (site[0] == '\0') {
            ctl_say(ctl, "purged every site");
            continue;
        }
        ctl_say(ctl, "purged %s%s%s", ctl_show_plain(site, ctl->p),
                ctl_show_plain(path, ctl->p),
                length > 0 && path[length - 1] == '/' ? " and all below" : "");
    }
}

static int send_form(const ctl_t *ctl, const char *form)
{
    ctl_reply_t reply;
    int code = ctl_admin_ask(&reply, ctl, "/purge", form);

    if (code == CTL_OK) {
        print(ctl, &reply);
    }
    return code;
}

/* One URL a line; what begins with '#' is none. */
static int read_list(apr_array_header_t *urls, const char *path, apr_pool_t *p)
{
    apr_size_t bytes;
    char *state, *text = ctl_read(&bytes, path, LIST_BYTES, p);

    if (text == NULL) {
        return CTL_USAGE;
    }
    for (char *line = apr_strtok(text, "\r\n", &state); line != NULL;
         line = apr_strtok(NULL, "\r\n", &state)) {
        if (line[0] != '#') {
            APR_ARRAY_PUSH(urls, const char *) = line;
        }
    }
    return urls->nelts > 0 ? CTL_OK
                           : ctl_fail(CTL_USAGE, "%s: no URL in it", path);
}

static int send_urls(const ctl_t *ctl, const apr_array_header_t *urls)
{
    apr_array_header_t *pairs = apr_array_make(ctl->p, 64, sizeof(char *));
    size_t bytes = 0;
    int code = CTL_OK;

    for (int i = 0; i < urls->nelts && code == CTL_OK; i++) {
        char *pair = (char *)(uintptr_t)ctl_admin_pair(
            "url", APR_ARRAY_IDX(urls, i, const char *), ctl->p);

        if (pairs->nelts > 0 && bytes + strlen(pair) > FORM_BYTES) {
            code = send_form(ctl, apr_array_pstrcat(ctl->p, pairs, '&'));
            apr_array_clear(pairs);
            bytes = 0;
        }
        APR_ARRAY_PUSH(pairs, char *) = pair;
        bytes += strlen(pair) + 1;
    }
    return code == CTL_OK
               ? send_form(ctl, apr_array_pstrcat(ctl->p, pairs, '&'))
               : code;
}

int ctl_purge(ctl_t *ctl, int argc, const char *const *argv)
{
    int all = 0;
    const char *list = NULL;
    const ctl_option_t options[] = {{"all", CTL_FLAG, &all, 0, 0},
                                    {"list", CTL_TEXT, &list, 0, 0},
                                    {NULL, CTL_FLAG, NULL, 0, 0}};
    apr_array_header_t *urls;
    int code = ctl_options(&urls, ctl, options, argc, argv);

    if (code != CTL_OK) {
        return code;
    }
    if (all + (list != NULL) + (urls->nelts > 0) != 1) {
        return ctl_fail(CTL_USAGE,
                        "purge URL..., purge --list FILE or purge --all");
    }
    code = list != NULL ? read_list(urls, list, ctl->p) : CTL_OK;
    if (code == CTL_OK) {
        code = ctl_settings(ctl);
    }
    if (code != CTL_OK) {
        return code;
    }
    return all ? send_form(ctl, "all=1") : send_urls(ctl, urls);
}
