/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push: replace one configuration file of this machine or of a list of them.
 *
 *     read -> lock -> check apart -> install -> graceful [-> verify] -> keep
 *                       |                          |           |
 *                     refused                    undo, graceful
 *
 * On another machine it is this program again, through ssh, with the file on
 * its stdin.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_env.h>
#include <apr_strings.h>
#include <apr_time.h>

#include "base/fetch.h"
#include "child.h"
#include "confcheck.h"
#include "ctl.h"
#include "install.h"
#include "jsonread.h"

#define FILE_BYTES (1024 * 1024)
#define GRACEFUL_S 120
#define LOCK_S 60

/* A parent that is told reads its configuration at once, and is gone within a
   second when that goes wrong: an answer of before says nothing. */
#define VERIFY_AFTER apr_time_from_sec(1)
#define VERIFY_FOR apr_time_from_sec(10)
#define VERIFY_TIMEOUT_MS 5000
#define VERIFY_BYTES (16 * 1024 * 1024)

typedef struct {
    ctl_t *ctl;
    const char *file; /* NULL: roll back */
    const char *name;
    const char *dir, *httpd, *graceful, *ssh, *remote; /* NULL: the default */
    const char *rollback;
    const char *verify; /* URL; NULL: none */
    apr_array_header_t *machines;
    char *text;
    apr_size_t bytes;
} push_t;

/* What became of it, for one machine. */
static int told(const push_t *push, int code, const char *result,
                const char *checked, const char *output)
{
    apr_pool_t *p = push->ctl->p;

    if (push->ctl->json) {
        printf("{\"name\": %s, \"result\": \"%s\", \"checked\": \"%s\", "
               "\"output\": %s}\n",
               ctl_json_quote(push->name, p), result, checked,
               ctl_json_quote(output, p));
    }
    else if (code == CTL_OK) {
        ctl_say(push->ctl, "%s %s", push->name, result);
    }
    else {
        ctl_fail(code, "%s %s%s%s", push->name, result,
                 output[0] != '\0' ? ":\n" : "", output);
    }
    return code;
}

static int is_name(const char *name)
{
    if (!isalnum((unsigned char)name[0]) || strlen(name) > 200) {
        return 0;
    }
    for (; *name != '\0'; name++) {
        if (!isalnum((unsigned char)*name) && strchr("._-", *name) == NULL) {
            return 0;
        }
    }
    return 1;
}

static apr_status_t drop_file(void *path)
{
    unlink(path);
    return APR_SUCCESS;
}

static apr_status_t drop_folder(void *path)
{
    rmdir(path);
    return APR_SUCCESS;
}

/* The file where httpd's test is to read it, in a folder of its own: beside it
   comes what others must not take the name of.
   @return NULL after a sentence */
static const char *stage(const push_t *push)
{
    apr_pool_t *p = push->ctl->p;
    char *base = NULL;
    char *path;
    int fd;
    ssize_t sent;

    apr_env_get(&base, "TMPDIR", p);
    path = apr_pstrcat(p, base != NULL && base[0] != '\0' ? base : "/tmp",
                       "/dynimagectl-XXXXXX", NULL);
    if (mkdtemp(path) == NULL) {
        ctl_fail(0, "%s: %s", path, strerror(errno));
        return NULL;
    }
    apr_pool_cleanup_register(p, path, drop_folder, apr_pool_cleanup_null);
    path = apr_pstrcat(p, path, "/new", NULL);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        ctl_fail(0, "%s: %s", path, strerror(errno));
        return NULL;
    }
    apr_pool_cleanup_register(p, path, drop_file, apr_pool_cleanup_null);
    sent = write(fd, push->text, push->bytes);
    if (close(fd) != 0 || sent != (ssize_t)push->bytes) {
        ctl_fail(0, "%s: cannot be written", path);
        return NULL;
    }
    return path;
}

static void run_graceful(ctl_ended_t *ended, const push_t *push)
{
    int count;
    ctl_child_t child = {
        .argv = ctl_child_words(&count, push->graceful, 0, push->ctl->p),
        .timeout_s = GRACEFUL_S};

    ended->exit = 0;
    ended->output = "";
    if (count > 0) {
        ctl_child_run(ended, &child, push->ctl->p);
    }
}

/* Does the site answer? @return NULL when it does */
static const char *verify(const push_t *push)
{
    apr_pool_t *p = push->ctl->p;
    apr_time_t end = apr_time_now() + VERIFY_AFTER + VERIFY_FOR;
    ds_fetch_t fetch = {.url = push->verify,
                        .resolve = push->ctl->resolve,
                        .ca_file = push->ctl->ca_file,
                        .insecure = push->ctl->insecure,
                        .timeout_ms = VERIFY_TIMEOUT_MS,
                        .max_bytes = VERIFY_BYTES};
    const char *error = NULL;
    ds_fetched_t got;

    if (push->verify == NULL) {
        return NULL;
    }
    apr_sleep(VERIFY_AFTER);
    for (;;) {
        if (ds_fetch(&got, &error, &fetch, p) == APR_SUCCESS) {
            if (got.status < 400) {
                return NULL;
            }
            error = apr_psprintf(p, "answered %d", got.status);
        }
        if (apr_time_now() > end) {
            return apr_pstrcat(p, push->verify, ": ", error, NULL);
        }
        apr_sleep(apr_time_from_msec(200));
    }
}

static int use(const push_t *push, ctl_install_t *install, const char *checked)
{
    ctl_ended_t ended, again;
    const char *what = "graceful restart failed";

    run_graceful(&ended, push);
    if (ended.exit == 0) {
        ended.output = verify(push);
        if (ended.output == NULL) {
            ctl_install_keep(install);
            return told(push, CTL_OK, "installed", checked, "");
        }
        what = "site does not answer as it should";
    }
    ctl_install_undo(install);
    run_graceful(&again, push);
    return told(
        push, CTL_FAILED,
        apr_pstrcat(push->ctl->p, "not installed: the ", what,
                    ", the file of before is there again",
                    again.exit == 0 ? " and in use" : "; look after httpd",
                    NULL),
        checked, ended.output);
}

/* Where no namespace can be had. */
static int check_in_place(const push_t *push, ctl_install_t *install)
{
    ctl_ended_t ended;
    int code;

    if (!push->ctl->quiet) {
        ctl_fail(0,
                 "note: no mount namespace here, so %s is checked in its "
                 "place",
                 push->name);
    }
    code = ctl_install_put(install, push->text, push->bytes, 0);
    if (code != CTL_OK) {
        return code;
    }
    ctl_confcheck_live(&ended, push->httpd, push->dir, push->name,
                       push->ctl->p);
    if (ended.exit != 0) {
        ctl_install_undo(install);
        return told(push, CTL_FAILED, "refused by httpd", "in place",
                    ended.output);
    }
    return use(push, install, "in place");
}

static int check_apart(const push_t *push, ctl_install_t *install,
                       const char *staged)
{
    ctl_ended_t ended;
    int code;

    ctl_confcheck(&ended, push->httpd, push->dir, push->name, staged,
                  push->ctl->p);
    if (ended.exit != 0) {
        return told(push, CTL_FAILED, "refused by httpd", "apart",
                    ended.output);
    }
    code = ctl_install_put(install, push->text, push->bytes, 1);
    return code == CTL_OK ? use(push, install, "apart") : code;
}

static int is_same(const push_t *push, const ctl_install_t *install)
{
    apr_size_t bytes;
    char *text;

    if (access(install->path, R_OK) != 0) {
        return 0;
    }
    text = ctl_read(&bytes, install->path, FILE_BYTES, push->ctl->p);
    return text != NULL && bytes == push->bytes &&
           memcmp(text, push->text, bytes) == 0;
}

/* The push of before may have been killed before httpd was told, or the site
   looked at.  There is nothing to go back to: that is --rollback's. */
static int leave(const push_t *push)
{
    const char *what = "is this already";
    ctl_ended_t ended;

    run_graceful(&ended, push);
    if (ended.exit != 0) {
        what = "is this already; the graceful restart failed";
    }
    else {
        ended.output = verify(push);
        if (ended.output != NULL) {
            ended.exit = 1;
            what = "is this already, and the site does not answer as it should";
        }
    }
    return told(push, ended.exit == 0 ? CTL_OK : CTL_FAILED, what, "not",
                ended.exit == 0 ? "" : ended.output);
}

static int push_here(push_t *push)
{
    ctl_install_t install;
    const char *staged;
    int code =
        ctl_install_open(&install, push->dir, push->name, LOCK_S, push->ctl->p);

    if (code != CTL_OK) {
        return code;
    }
    if (push->rollback != NULL) {
        push->text =
            ctl_read(&push->bytes, install.previous, FILE_BYTES, push->ctl->p);
    }
    staged = push->text != NULL ? stage(push) : NULL;
    if (staged == NULL) {
        code = CTL_USAGE;
    }
    else if (is_same(push, &install)) {
        code = leave(push);
    }
    else if (ctl_confcheck_apart(push->dir, push->name, staged, push->ctl->p)) {
        code = check_apart(push, &install, staged);
    }
    else {
        code = check_in_place(push, &install);
    }
    ctl_install_close(&install);
    return code;
}

/* For the shell that sshd runs. */
static const char *quoted(const char *text, apr_pool_t *p)
{
    const char *out = "'";

    for (; *text != '\0'; text++) {
        out = *text == '\'' ? apr_pstrcat(p, out, "'\\''", NULL)
                            : apr_psprintf(p, "%s%c", out, *text);
    }
    return apr_pstrcat(p, out, "'", NULL);
}

static const char *with(const char *line, const char *option, const char *value,
                        apr_pool_t *p)
{
    return value != NULL
               ? apr_pstrcat(p, line, " ", option, " ", quoted(value, p), NULL)
               : line;
}

static const char *remote_line(const push_t *push)
{
    apr_pool_t *p = push->ctl->p;
    const char *line = apr_pstrcat(
        p, push->remote != NULL ? push->remote : "dynimagectl", " push", NULL);

    line = with(line, "--dir", push->dir, p);
    line = with(line, "--httpd", push->httpd, p);
    line = with(line, "--graceful", push->graceful, p);
    line = with(line, "--verify", push->verify, p);
    if (push->rollback != NULL) {
        return with(line, "--rollback", push->name, p);
    }
    return apr_pstrcat(p, line, " - ", quoted(push->name, p), NULL);
}

static const char *indented(const char *text, apr_pool_t *p)
{
    const char *out = "";

    while (*text != '\0') {
        size_t length = strcspn(text, "\n");

        out = apr_psprintf(p, "%s\n  %.*s", out, (int)length, text);
        text += length + (text[length] == '\n');
    }
    return out;
}

static int push_there(const push_t *push, const char *machine)
{
    apr_pool_t *p = push->ctl->p;
    int count;
    const char **argv = ctl_child_words(
        &count, push->ssh != NULL ? push->ssh : "ssh -o BatchMode=yes", 2, p);
    ctl_child_t child = {.argv = argv,
                         .input = push->text,
                         .input_bytes = push->bytes,
                         .timeout_s = push->ctl->timeout_s};
    ctl_ended_t ended;

    argv[count] = machine;
    argv[count + 1] = remote_line(push);
    ctl_child_run(&ended, &child, p);
    if (push->ctl->json) {
        printf("{\"machine\": %s, \"exit\": %d, \"output\": %s}\n",
               ctl_json_quote(machine, p), ended.exit,
               ctl_json_quote(ended.output, p));
    }
    else if (ended.exit == 0) {
        ctl_say(push->ctl, "%s: %s", machine, ended.output);
    }
    else {
        ctl_fail(0, "%s: failed:%s", machine, indented(ended.output, p));
    }
    fflush(stdout);
    return ended.exit == 0 ? CTL_OK : CTL_FAILED;
}

/* One after the other, all of them. */
static int push_machines(const push_t *push)
{
    int failed = 0;

    for (int i = 0; i < push->machines->nelts; i++) {
        failed += push_there(push, APR_ARRAY_IDX(push->machines, i, char *)) !=
                  CTL_OK;
    }
    return failed == 0 ? CTL_OK
                       : ctl_fail(CTL_FAILED, "%d of %d machines failed",
                                  failed, push->machines->nelts);
}

static int check_options(push_t *push, const apr_array_header_t *rest)
{
    const char *dot;

    if (rest->nelts != (push->rollback != NULL ? 0 : 2)) {
        return ctl_fail(CTL_USAGE, "push FILE NAME, or push --rollback NAME");
    }
    push->file = push->rollback != NULL ? NULL : APR_ARRAY_IDX(rest, 0, char *);
    push->name = push->rollback != NULL ? push->rollback
                                        : APR_ARRAY_IDX(rest, 1, char *);
    dot = strrchr(push->name, '.');
    if (dot == NULL || strcmp(dot, ".conf") != 0) {
        push->name = apr_pstrcat(push->ctl->p, push->name, ".conf", NULL);
    }
    if (!is_name(push->name)) {
        return ctl_fail(CTL_USAGE,
                        "a name is letters, digits, '.', '-' and "
                        "'_': %s",
                        push->name);
    }
    for (int i = 0; push->machines != NULL && i < push->machines->nelts; i++) {
        const char *machine = APR_ARRAY_IDX(push->machines, i, char *);

        if (machine[0] == '-' || machine[0] == '\0') {
            return ctl_fail(CTL_USAGE, "--machine %s: no name of one", machine);
        }
    }
    return CTL_OK;
}

int ctl_push(ctl_t *ctl, int argc, const char *const *argv)
{
    push_t push = {.ctl = ctl};
    const ctl_option_t options[] = {
        {"dir", CTL_TEXT, &push.dir, 0, 0},
        {"httpd", CTL_TEXT, &push.httpd, 0, 0},
        {"graceful", CTL_TEXT, &push.graceful, 0, 0},
        {"verify", CTL_TEXT, &push.verify, 0, 0},
        {"ssh", CTL_TEXT, &push.ssh, 0, 0},
        {"remote", CTL_TEXT, &push.remote, 0, 0},
        {"rollback", CTL_TEXT, &push.rollback, 0, 0},
        {"machine", CTL_TEXTS, &push.machines, 0, 0},
        {NULL, CTL_FLAG, NULL, 0, 0},
    };
    apr_array_header_t *rest;
    int code = ctl_options(&rest, ctl, options, argc, argv);

    if (code == CTL_OK) {
        code = check_options(&push, rest);
    }
    if (code == CTL_OK && push.file != NULL) {
        push.text = ctl_read(&push.bytes, push.file, FILE_BYTES, ctl->p);
        code = push.text != NULL ? CTL_OK : CTL_USAGE;
    }
    if (code != CTL_OK || push.machines != NULL) {
        return code != CTL_OK ? code : push_machines(&push);
    }
    if (push.verify != NULL && ds_fetch_start() != APR_SUCCESS) {
        return ctl_fail(CTL_NO_HTTP, "libcurl does not start");
    }
    if (push.dir == NULL) {
        push.dir = "/etc/apache2/dynimage.d";
    }
    if (push.httpd == NULL) {
        push.httpd = "apachectl";
    }
    if (push.graceful == NULL) {
        push.graceful = "apachectl graceful";
    }
    return push_here(&push);
}
