/* SPDX-License-Identifier: Apache-2.0 */
/* One setter, one merge and one "unset" for all settings of both modules. */
#include "directives/setting.h"

#include <string.h>

#include "apr_strings.h"

static apr_int64_t *member(void *conf, const ds_setting_t *setting)
{
    return (apr_int64_t *)((char *)conf + setting->offset);
}

void ds_settings_unset(void *conf, const ds_setting_t *table, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        *member(conf, &table[i]) = DS_UNSET;
    }
}

void ds_settings_merge(void *out, const void *base, const void *add,
                       const ds_setting_t *table, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        apr_int64_t set = *member((void *)(apr_uintptr_t)add, &table[i]);
        *member(out, &table[i]) =
            set != DS_UNSET ? set
                            : *member((void *)(apr_uintptr_t)base, &table[i]);
    }
}

static const char *take_flag(apr_int64_t *out, const char *word, apr_pool_t *p)
{
    if (!strcasecmp(word, "on")) {
        *out = 1;
    }
    else if (!strcasecmp(word, "off")) {
        *out = 0;
    }
    else {
        return apr_psprintf(p, "\"%s\" is neither On nor Off", word);
    }
    return NULL;
}

static const char *take_choice(apr_int64_t *out, const char *choices,
                               const char *word, apr_pool_t *p)
{
    char *rest = apr_pstrdup(p, choices), *choice, *last;
    int i = 0;

    for (choice = apr_strtok(rest, "|", &last); choice;
         choice = apr_strtok(NULL, "|", &last), i++) {
        if (!strcasecmp(choice, word)) {
            *out = i;
            return NULL;
        }
    }
    return apr_psprintf(p, "\"%s\" is none of %s", word, choices);
}

static const char *take_color(apr_int64_t *out, const char *word, apr_pool_t *p)
{
    if (word[0] != '#' || strlen(word) != 7 ||
        strspn(word + 1, "0123456789abcdefABCDEF") != 6) {
        return apr_psprintf(p, "\"%s\" is not a colour from #000000 to #FFFFFF",
                            word);
    }
    *out = apr_strtoi64(word + 1, NULL, 16);
    return NULL;
}

static const char *take_auto_count(apr_int64_t *out,
                                   const ds_setting_t *setting,
                                   const char *word, apr_pool_t *p)
{
    const char *error;

    if (!strcasecmp(word, "auto")) {
        *out = 0;
        return NULL;
    }
    error =
        ds_arg_parse(out, DS_ARG_COUNT, word, setting->min, setting->max, p);
    return error ? apr_pstrcat(p, error, ", or auto", NULL) : NULL;
}

const char *ds_setting_take(void *conf, const ds_setting_t *setting,
                            const char *word, apr_pool_t *p)
{
    apr_int64_t *out = member(conf, setting);
    const char *error;

    switch (setting->kind) {
    case DS_KIND_FLAG:
        error = take_flag(out, word, p);
        break;
    case DS_KIND_CHOICE:
        error = take_choice(out, setting->choices, word, p);
        break;
    case DS_KIND_COLOR:
        error = take_color(out, word, p);
        break;
    case DS_KIND_AUTO_COUNT:
        error = take_auto_count(out, setting, word, p);
        break;
    default:
        error = ds_arg_parse(out, (ds_arg_kind_e)setting->kind, word,
                             setting->min, setting->max, p);
    }
    return error ? apr_pstrcat(p, setting->directive, ": ", error, NULL) : NULL;
}

/* The word of a choice at a place. */
static const char *choice_at(const char *choices, apr_int64_t place,
                             apr_pool_t *p)
{
    while (place-- > 0 && strchr(choices, '|')) {
        choices = strchr(choices, '|') + 1;
    }
    return apr_pstrndup(p, choices, strcspn(choices, "|"));
}

const char *ds_setting_write(const void *conf, const ds_setting_t *setting,
                             apr_pool_t *p)
{
    apr_int64_t value = ds_setting_or(
        *member((void *)(apr_uintptr_t)conf, setting), setting->fallback);

    switch (setting->kind) {
    case DS_KIND_FLAG:
        return value ? "On" : "Off";
    case DS_KIND_CHOICE:
        return choice_at(setting->choices, value, p);
    case DS_KIND_COLOR:
        return apr_psprintf(p, "#%06x", (unsigned)value);
    case DS_KIND_AUTO_COUNT:
        return value ? ds_arg_format(DS_ARG_COUNT, value, p) : "auto";
    default:
        return ds_arg_format((ds_arg_kind_e)setting->kind, value, p);
    }
}

const char *ds_setting_error(cmd_parms *cmd, const char *error)
{
    return error ? apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", error, NULL)
                 : NULL;
}

const char *ds_setting_dir(cmd_parms *cmd, void *dir_conf, const char *word)
{
    return ds_setting_take(dir_conf, cmd->info, word, cmd->pool);
}
