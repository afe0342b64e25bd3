/* SPDX-License-Identifier: Apache-2.0 */
/* status: whatever the server says, so that news in it need no new program. */
#include <stdio.h>

#include "admin.h"
#include "ctl.h"
#include "jsonread.h"
#include "show.h"

int ctl_status(ctl_t *ctl, int argc, const char *const *argv)
{
    const ctl_option_t options[] = {{NULL, CTL_FLAG, NULL, 0, 0}};
    apr_array_header_t *rest;
    ctl_reply_t reply;
    int code = ctl_options(&rest, ctl, options, argc, argv);

    if (code == CTL_OK && rest->nelts > 0) {
        code = ctl_fail(CTL_USAGE, "status takes no argument");
    }
    if (code != CTL_OK || (code = ctl_settings(ctl)) != CTL_OK) {
        return code;
    }
    code = ctl_admin_ask(&reply, ctl, "/status", NULL);
    if (code == CTL_OK && ctl->json) {
        printf("%s\n", ctl_json_print(reply.json, ctl->p));
    }
    else if (code == CTL_OK) {
        ctl_show_tree(reply.json, 0, ctl->p);
    }
    return code;
}
