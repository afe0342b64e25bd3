/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: which command, and the options of all. */
#include "ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "base/fetch.h"

/* Longer than any prerender of a batch of URLs should take. */
#define DEFAULT_TIMEOUT_S 300

typedef struct {
    const char *name;
    ctl_run_t *run;
    int asks_server; /* 1: needs --admin */
} command_t;

static const command_t commands[] = {
    {"prerender", ctl_prerender, 1}, {"purge", ctl_purge, 1},
    {"explain", ctl_explain, 1},     {"check", ctl_check, 1},
    {"status", ctl_status, 1},       {"report", ctl_report, 1},
    {"push", ctl_push, 0},
};

static const char help[] =
    "Usage: dynimagectl [OPTION...] COMMAND [ARGUMENT...]\n"
    "\n"
    "  prerender   make the renditions of a site's pictures ahead\n"
    "  purge       forget what is stored of a URL, a folder or a site\n"
    "  explain     which rendition a client would get of a URL, and why\n"
    "  check       the settings that are in force for a URL\n"
    "  status      the server at a glance\n"
    "  report      what a customer's pictures cost\n"
    "  push        replace a configuration file, checked first\n"
    "\n"
    "prerender [--root DIR | --list FILE | --crawl URL] [--url BASE]\n"
    "          [--resume FILE] [--jobs N] [--rate N] [--pause MS] [--batch N]\n"
    "          [--retries N] [--depth N] [--max-pages N] [--ignore-robots]\n"
    "          [--max N] [--watch] [--dry-run]\n"
    "purge     URL... | --list FILE | --all\n"
    "explain   URL [--kbps N] [--accept TYPES]\n"
    "check     URL\n"
    "report    [--customer NAME] [--format text|json|csv]\n"
    "          [--tariff SPEC|FILE] [--since FILE]\n"
    "push      FILE NAME | --rollback NAME  [--dir DIR] [--machine HOST]...\n"
    "          [--httpd CMD] [--graceful CMD] [--verify URL]\n"
    "          [--ssh CMD] [--remote CMD]\n"
    "\n"
    "Options of all commands:\n"
    "  --admin URL        of the administration handler ($DYNIMAGE_ADMIN)\n"
    "  --key-file FILE    with the token ($DYNIMAGE_KEY_FILE)\n"
    "  --config FILE      instead of " CTL_CONFIG "\n"
    "  --resolve ADDRESS  connect to this host[:port] instead of the URL's\n"
    "  --ca-file FILE     certificates to trust; --insecure: trust any\n"
    "  --timeout S        of one request (300)\n"
    "  --json             the answer as JSON\n"
    "  --quiet            no progress, no sentence of success\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 done, 1 some of it failed, 2 usage, 3 no answer or an error,\n"
    "4 refused. See dynimagectl(8).\n";

int ctl_fail(int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("dynimagectl: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return code;
}

void ctl_say(const ctl_t *ctl, const char *format, ...)
{
    va_list args;

    if (ctl->quiet || ctl->json) {
        return;
    }
    va_start(args, format);
    vfprintf(stdout, format, args);
    fputc('\n', stdout);
    va_end(args);
}

static const command_t *find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

/* Where the command stands: the first word that is neither an option nor the
   value of one. */
static int command_at(int argc, const char *const *argv)
{
    static const char *const without[] = {"--json", "--quiet", "--insecure"};

    for (int i = 1; i < argc; i++) {
        int alone = strchr(argv[i], '=') != NULL;

        if (argv[i][0] != '-') {
            return i;
        }
        for (size_t k = 0; k < sizeof without / sizeof without[0]; k++) {
            alone |= strcmp(argv[i], without[k]) == 0;
        }
        i += !alone;
    }
    return 0;
}

static int has(const char *word, int argc, const char *const *argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], word) == 0) {
            return 1;
        }
    }
    return 0;
}

static int run(ctl_t *ctl, int argc, const char *const *argv)
{
    int at = command_at(argc, argv);
    const command_t *command = at > 0 ? find(argv[at]) : NULL;
    const char **rest = apr_pcalloc(ctl->p, sizeof *rest * (size_t)(argc + 1));
    int count = 0;

    if (command == NULL) {
        return at > 0 ? ctl_fail(CTL_USAGE,
                                 "no command '%s'; see dynimagectl --help",
                                 argv[at])
                      : ctl_fail(CTL_USAGE,
                                 "which command? see dynimagectl --help");
    }
    for (int i = 1; i < argc; i++) {
        if (i != at) {
            rest[count++] = argv[i];
        }
    }
    if (command->asks_server && ds_fetch_start() != APR_SUCCESS) {
        return ctl_fail(CTL_NO_HTTP, "libcurl does not start");
    }
    return command->run(ctl, count, rest);
}

int main(int argc, const char *const *argv)
{
    ctl_t ctl = {.timeout_s = DEFAULT_TIMEOUT_S};
    int code;

    if (has("--help", argc, argv) || has("-h", argc, argv)) {
        fputs(help, stdout);
        return CTL_OK;
    }
    if (has("--version", argc, argv)) {
        puts("dynimagectl " CTL_VERSION);
        return CTL_OK;
    }
    if (apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&ctl.p, NULL) != APR_SUCCESS) {
        return ctl_fail(CTL_FAILED, "out of memory");
    }
    code = run(&ctl, argc, argv);
    if (fflush(stdout) != 0 && code == CTL_OK) {
        code = ctl_fail(CTL_FAILED, "stdout cannot be written");
    }
    apr_terminate();
    return code;
}
