/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON that came from a server; the only file that includes jansson.
 *
 * Every reader takes NULL and what is of another kind for "not there", so a
 * caller can ask for a.b.c without looking at each step.
 */
#ifndef CTL_JSONREAD_H
#define CTL_JSONREAD_H

#include <apr.h>
#include <apr_pools.h>

typedef struct json_t ctl_json_t;

/* NULL and *error from p when it is none.  Lives as long as p. */
ctl_json_t *ctl_json_parse(const char **error, const char *text,
                           apr_size_t bytes, apr_pool_t *p);

const ctl_json_t *ctl_json_get(const ctl_json_t *object, const char *name);
const ctl_json_t *ctl_json_at(const ctl_json_t *array, int i);
int ctl_json_count(const ctl_json_t *array); /* 0 for what is none */
int ctl_json_is_object(const ctl_json_t *json);

/* A member as text, numbers and truth too; otherwise what else is. */
const char *ctl_json_text(const ctl_json_t *object, const char *name,
                          const char *otherwise, apr_pool_t *p);
apr_int64_t ctl_json_number(const ctl_json_t *object, const char *name);
int ctl_json_true(const ctl_json_t *object, const char *name);

/* An element itself as text. */
const char *ctl_json_value(const ctl_json_t *json, const char *otherwise,
                           apr_pool_t *p);

/* The names of an object in their order, ended by NULL. */
const char **ctl_json_names(const ctl_json_t *object, apr_pool_t *p);

/* The text again, indented. */
const char *ctl_json_print(const ctl_json_t *json, apr_pool_t *p);

/* A string as JSON has it, with its quotes. */
const char *ctl_json_quote(const char *text, apr_pool_t *p);

#endif
