/* SPDX-License-Identifier: Apache-2.0 */
/*
 * purge URL... | --all.  As many URLs as fit go in one request, so a list of
 * them is in force together.
 */
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "admin.h"
#include "ctl.h"
#include "jsonread.h"
#include "show.h"

/* The handler reads 64 KB. */
#define FORM_BYTES 60000

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

        ctl_say(ctl, "purged %s%s%s",
                site[0] != '\0' && strcmp(site, "*") != 0
                    ? ctl_show_plain(site, ctl->p)
                    : "every site",
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

int ctl_purge(ctl_t *ctl, int argc, const char *const *argv)
{
    int all = 0;
    const ctl_option_t options[] = {{"all", CTL_FLAG, &all, 0, 0},
                                    {NULL, CTL_FLAG, NULL, 0, 0}};
    apr_array_header_t *urls;
    const char *form = "";
    int code = ctl_options(&urls, ctl, options, argc, argv);

    if (code != CTL_OK) {
        return code;
    }
    if (all != (urls->nelts == 0)) {
        return ctl_fail(CTL_USAGE, "purge URL... or purge --all");
    }
    code = ctl_settings(ctl);
    if (code == CTL_OK && all) {
        return send_form(ctl, "all=1");
    }
    for (int i = 0; i < urls->nelts && code == CTL_OK; i++) {
        const char *pair =
            ctl_admin_pair("url", APR_ARRAY_IDX(urls, i, const char *), ctl->p);

        if (form[0] != '\0' && strlen(form) + strlen(pair) > FORM_BYTES) {
            code = send_form(ctl, form);
            form = "";
        }
        form =
            form[0] != '\0' ? apr_pstrcat(ctl->p, form, "&", pair, NULL) : pair;
    }
    return code == CTL_OK ? send_form(ctl, form) : code;
}
