/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of the command line, the environment and the settings file, first
 * one wins in this order.  The settings file has one "word value" a line, '#'
 * begins a comment.
 */
#include "ctl.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#define SETTINGS_BYTES 65536
#define KEY_FILE_BYTES 65536

char *ctl_read(apr_size_t *bytes, const char *path, apr_size_t max_bytes,
               apr_pool_t *p)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    apr_size_t room = 4096;
    char *text = NULL;
    char *copy = NULL;

    *bytes = 0;
    if (file == NULL) {
        ctl_fail(0, "%s: %s", path, strerror(errno));
        return NULL;
    }
    do {
        char *more = realloc(text, room *= 2);

        if (more == NULL) {
            break;
        }
        text = more;
        *bytes += fread(text + *bytes, 1, room - *bytes, file);
    } while (*bytes == room && room <= max_bytes);
    if (ferror(file)) {
        ctl_fail(0, "%s: %s", path, strerror(errno));
    }
    else if (*bytes > max_bytes || !feof(file)) {
        ctl_fail(0, "%s: longer than %" APR_SIZE_T_FMT " bytes", path,
                 max_bytes);
    }
    else {
        copy = apr_pstrmemdup(p, text, *bytes);
    }
    free(text);
    if (file != stdin) {
        fclose(file);
    }
    return copy;
}

static int number(int *to, const char *name, const char *value,
                  const ctl_option_t *option)
{
    char *end;
    long n;

    errno = 0;
    n = strtol(value, &end, 10);
    if (end == value || *end != '\0' || errno != 0 || n < option->min ||
        n > option->max) {
        return ctl_fail(CTL_USAGE, "--%s is a number from %d to %d, not '%s'",
                        name, option->min, option->max, value);
    }
    *to = (int)n;
    return CTL_OK;
}

static int take(const ctl_option_t *option, const char *value, apr_pool_t *p)
{
    apr_array_header_t **texts;

    switch (option->kind) {
    case CTL_FLAG:
        *(int *)option->to = 1;
        break;
    case CTL_TEXT:
        *(const char **)option->to = value;
        break;
    case CTL_NUMBER:
        return number(option->to, option->name, value, option);
    case CTL_TEXTS:
        texts = option->to;
        if (*texts == NULL) {
            *texts = apr_array_make(p, 4, sizeof(const char *));
        }
        APR_ARRAY_PUSH(*texts, const char *) = value;
        break;
    }
    return CTL_OK;
}

static const ctl_option_t *find(const ctl_option_t *options, const char *name,
                                size_t length)
{
    for (; options->name != NULL; options++) {
        if (strlen(options->name) == length &&
            strncmp(options->name, name, length) == 0) {
            return options;
        }
    }
    return NULL;
}

static int one_option(int *used, const ctl_option_t *own,
                      const ctl_option_t *global, const char *word,
                      const char *next, apr_pool_t *p)
{
    const char *name = word + 2;
    size_t length = strcspn(name, "=");
    const ctl_option_t *option = find(own, name, length);
    const char *value = name[length] == '=' ? name + length + 1 : NULL;

    *used = 1;
    if (option == NULL) {
        option = find(global, name, length);
    }
    if (word[1] != '-' || option == NULL) {
        return ctl_fail(CTL_USAGE, "no option '%s' here; see --help", word);
    }
    if (option->kind == CTL_FLAG) {
        return value == NULL
                   ? take(option, NULL, p)
                   : ctl_fail(CTL_USAGE, "--%s takes no value", option->name);
    }
    if (value == NULL) {
        value = next;
        *used = 2;
    }
    if (value == NULL) {
        return ctl_fail(CTL_USAGE, "--%s needs a value", option->name);
    }
    return take(option, value, p);
}

static const char *trim(char *text)
{
    size_t length;

    text += strspn(text, " \t\r");
    length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1])) {
        text[--length] = '\0';
    }
    return text;
}

/* The first line that is no comment. */
static int read_token(ctl_t *ctl)
{
    apr_size_t bytes;
    char *text = ctl_read(&bytes, ctl->key_file, KEY_FILE_BYTES, ctl->p);
    char *state;

    if (text == NULL) {
        return CTL_USAGE;
    }
    for (char *line = apr_strtok(text, "\n", &state); line != NULL;
         line = apr_strtok(NULL, "\n", &state)) {
        const char *token = trim(line);

        if (token[0] != '\0' && token[0] != '#') {
            ctl->token = token;
            return CTL_OK;
        }
    }
    return ctl_fail(CTL_USAGE, "%s: no token in it", ctl->key_file);
}

static int one_setting(ctl_t *ctl, const char *path, int number_of, char *line)
{
    struct {
        const char *word;
        const char **to;
    } words[] = {{"admin", &ctl->admin},
                 {"key-file", &ctl->key_file},
                 {"customer", &ctl->customer},
                 {"resolve", &ctl->resolve},
                 {"ca-file", &ctl->ca_file}};
    size_t length;

    line[strcspn(line, "#")] = '\0';
    line += strspn(line, " \t");
    length = strcspn(line, " \t\r");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i].word) == length &&
            strncmp(words[i].word, line, length) == 0) {
            const char *value = trim(line + length);

            if (*words[i].to == NULL && value[0] != '\0') {
                *words[i].to = value;
            }
            return CTL_OK;
        }
    }
    return length == 0 ? CTL_OK
                       : ctl_fail(CTL_USAGE, "%s:%d: no setting '%.*s'", path,
                                  number_of, (int)length, line);
}

static int read_settings(ctl_t *ctl, const char *path)
{
    apr_size_t bytes;
    char *text = ctl_read(&bytes, path, SETTINGS_BYTES, ctl->p);
    int code = text != NULL ? CTL_OK : CTL_USAGE;

    for (int number_of = 1; text != NULL && code == CTL_OK; number_of++) {
        char *end = strchr(text, '\n');

        if (end != NULL) {
            *end = '\0';
        }
        code = one_setting(ctl, path, number_of, text);
        text = end != NULL ? end + 1 : NULL;
    }
    return code;
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static int fill(ctl_t *ctl, const char *config)
{
    FILE *file;

    if (ctl->admin == NULL) {
        ctl->admin = variable("DYNIMAGE_ADMIN");
    }
    if (ctl->key_file == NULL) {
        ctl->key_file = variable("DYNIMAGE_KEY_FILE");
    }
    if (config == NULL) {
        config = variable("DYNIMAGE_CONFIG");
    }
    if (config != NULL) {
        return read_settings(ctl, config);
    }
    file = fopen(CTL_CONFIG, "re"); /* need not be there, nor be ours */
    if (file == NULL) {
        return CTL_OK;
    }
    fclose(file);
    return read_settings(ctl, CTL_CONFIG);
}

static int is_loopback(const char *host)
{
    static const char *const own[] = {"127.", "[::1]", "::1", "localhost"};

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        size_t length = strlen(own[i]);

        if (strncasecmp(host, own[i], length) == 0 &&
            (i == 0 || strchr(":/", host[length]) != NULL)) {
            return 1;
        }
    }
    return 0;
}

/* Whoever is on the way can read it, and purge with it. */
static void warn_of_plain(const ctl_t *ctl)
{
    if (!ctl->quiet && strncasecmp(ctl->admin, "http://", 7) == 0 &&
        !is_loopback(ctl->resolve != NULL ? ctl->resolve : ctl->admin + 7)) {
        ctl_fail(0, "note: the token goes to %s without encryption; use https",
                 ctl->admin);
    }
}

int ctl_settings(ctl_t *ctl)
{
    size_t length;
    int code = CTL_OK;

    if (ctl->admin == NULL) {
        return ctl_fail(CTL_USAGE,
                        "where is the server? --admin URL, $DYNIMAGE_ADMIN "
                        "or 'admin URL' in " CTL_CONFIG);
    }
    length = strlen(ctl->admin);
    while (length > 0 && ctl->admin[length - 1] == '/') {
        length--;
    }
    ctl->admin = apr_pstrmemdup(ctl->p, ctl->admin, length);
    if (ctl->key_file != NULL) {
        code = read_token(ctl);
        if (code == CTL_OK) {
            warn_of_plain(ctl);
        }
    }
    return code;
}

int ctl_options(apr_array_header_t **operands, ctl_t *ctl,
                const ctl_option_t *options, int argc, const char *const *argv)
{
    const char *config = NULL;
    const ctl_option_t global[] = {
        {"admin", CTL_TEXT, &ctl->admin, 0, 0},
        {"key-file", CTL_TEXT, &ctl->key_file, 0, 0},
        {"config", CTL_TEXT, &config, 0, 0},
        {"resolve", CTL_TEXT, &ctl->resolve, 0, 0},
        {"ca-file", CTL_TEXT, &ctl->ca_file, 0, 0},
        {"insecure", CTL_FLAG, &ctl->insecure, 0, 0},
        {"timeout", CTL_NUMBER, &ctl->timeout_s, 1, 86400},
        {"json", CTL_FLAG, &ctl->json, 0, 0},
        {"quiet", CTL_FLAG, &ctl->quiet, 0, 0},
        {NULL, CTL_FLAG, NULL, 0, 0},
    };
    int code = CTL_OK;
    int used = 1;

    *operands = apr_array_make(ctl->p, 8, sizeof(const char *));
    for (int i = 0; i < argc && code == CTL_OK; i += used) {
        used = 1;
        if (strcmp(argv[i], "--") == 0) {
            while (++i < argc) {
                APR_ARRAY_PUSH(*operands, const char *) = argv[i];
            }
        }
        else if (argv[i][0] == '-' && argv[i][1] != '\0') {
            code = one_option(&used, options, global, argv[i], argv[i + 1],
                              ctl->p);
        }
        else {
            APR_ARRAY_PUSH(*operands, const char *) = argv[i];
        }
    }
    return code == CTL_OK ? fill(ctl, config) : code;
}
