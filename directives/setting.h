/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings by table: a module writes one list of its settings (directive,
 * member, kind, range, default, help), and struct, "unset" values, merge,
 * command table and checks all follow from it.
 *
 *     #define FOO_SETTINGS(X) \
 *         X("FooLimit", limit_ms, DS_ARG_TIME, 10, 60000, 1000, "how long")
 *     #define FOO_MEMBER(directive, member, ...) apr_int64_t member;
 *     typedef struct { FOO_SETTINGS(FOO_MEMBER) } foo_conf_t;
 *
 * and likewise an entry of ds_setting_t, a default and a command_rec each;
 * directives/dynimage_conf.[ch] shows all of it.
 *
 * Every member is an apr_int64_t; unset is DS_UNSET and is not a default:
 * defaults are applied when a value is read, with ds_setting_or.
 * Texts are members of type const char *, unset NULL, merged by hand.
 */
#ifndef DS_SETTING_H
#define DS_SETTING_H

#include "httpd.h"
#include "http_config.h"

#include "base/arg.h"

#define DS_UNSET APR_INT64_MIN

/* Kinds of setting beside the number kinds of ds_arg_kind_e. */
enum {
    DS_KIND_FLAG = 100,
    DS_KIND_CHOICE = 101,
    DS_KIND_COLOR = 102,     /* "#RRGGBB" -> 0xRRGGBB */
    DS_KIND_AUTO_COUNT = 103 /* a count, or "auto", which is 0 */
};

typedef struct {
    const char *directive;
    apr_size_t offset;    /* of the apr_int64_t member */
    int kind;             /* ds_arg_kind_e or DS_KIND_* */
    apr_int64_t min, max; /* in the kind's unit */
    apr_int64_t fallback; /* value when nobody set it */
    const char *choices;  /* CHOICE: "a|b|c", values 0, 1, 2 */
} ds_setting_t;

/* Set every member of the table to DS_UNSET. */
void ds_settings_unset(void *conf, const ds_setting_t *table, int count);

/* out = add where set, else base, member by member. */
void ds_settings_merge(void *out, const void *base, const void *add,
                       const ds_setting_t *table, int count);

/* The setting's value, or its default. */
static inline apr_int64_t ds_setting_or(apr_int64_t value, apr_int64_t fallback)
{
    return value == DS_UNSET ? fallback : value;
}

/**
 * Parse one word into a member.  @return NULL or the error sentence
 */
const char *ds_setting_take(void *conf, const ds_setting_t *setting,
                            const char *word, apr_pool_t *p);

/* A member's value, or its default, as an operator would write it so that
   ds_setting_take reads it again; from p. */
const char *ds_setting_write(const void *conf, const ds_setting_t *setting,
                             apr_pool_t *p);

/* The error sentence with the directive's name before it; NULL stays NULL. */
const char *ds_setting_error(cmd_parms *cmd, const char *error);

/* command_rec setters: cmd->info is the ds_setting_t. */
const char *ds_setting_dir(cmd_parms *cmd, void *dir_conf, const char *word);

#endif
