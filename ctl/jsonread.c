/* SPDX-License-Identifier: Apache-2.0 */
#include "jsonread.h"

#include <stdlib.h>

#include <apr_strings.h>

#include <jansson.h>

static apr_status_t drop(void *json)
{
    json_decref(json);
    return APR_SUCCESS;
}

ctl_json_t *ctl_json_parse(const char **error, const char *text,
                           apr_size_t bytes, apr_pool_t *p)
{
    json_error_t why;
    json_t *json = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &why);

    if (json == NULL) {
        *error = apr_psprintf(p, "line %d: %s", why.line, why.text);
        return NULL;
    }
    apr_pool_cleanup_register(p, json, drop, apr_pool_cleanup_null);
    return json;
}

const ctl_json_t *ctl_json_get(const ctl_json_t *object, const char *name)
{
    return json_object_get(object, name);
}

const ctl_json_t *ctl_json_at(const ctl_json_t *array, int i)
{
    return json_array_get(array, (size_t)i);
}

int ctl_json_count(const ctl_json_t *array)
{
    return (int)json_array_size(array);
}

int ctl_json_is_object(const ctl_json_t *json)
{
    return json_is_object(json);
}

const char *ctl_json_value(const ctl_json_t *json, const char *otherwise,
                           apr_pool_t *p)
{
    if (json_is_string(json)) {
        return json_string_value(json);
    }
    if (json_is_integer(json)) {
        return apr_psprintf(p, "%" APR_INT64_T_FMT,
                            (apr_int64_t)json_integer_value(json));
    }
    if (json_is_real(json)) {
        return apr_psprintf(p, "%g", json_real_value(json));
    }
    if (json_is_boolean(json)) {
        return json_is_true(json) ? "yes" : "no";
    }
    return otherwise;
}

const char *ctl_json_text(const ctl_json_t *object, const char *name,
                          const char *otherwise, apr_pool_t *p)
{
    return ctl_json_value(json_object_get(object, name), otherwise, p);
}

apr_int64_t ctl_json_number(const ctl_json_t *object, const char *name)
{
    const json_t *json = json_object_get(object, name);

    if (json_is_real(json)) {
        return (apr_int64_t)json_real_value(json);
    }
    return json_integer_value(json);
}

int ctl_json_true(const ctl_json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

const char **ctl_json_names(const ctl_json_t *object, apr_pool_t *p)
{
    const char **names =
        apr_pcalloc(p, (json_object_size(object) + 1) * sizeof *names);
    /* Walking it changes nothing, but takes it as if it might. */
    json_t *walked = (json_t *)(uintptr_t)object;
    const char *name;
    json_t *value;
    int count = 0;

    json_object_foreach(walked, name, value)
    {
        names[count++] = name;
    }
    return names;
}

static const char *dump(const json_t *json, size_t how, apr_pool_t *p)
{
    char *text = json_dumps(json, how);
    const char *copy = text != NULL ? apr_pstrdup(p, text) : "null";

    free(text);
    return copy;
}

const char *ctl_json_print(const ctl_json_t *json, apr_pool_t *p)
{
    return dump(json, JSON_INDENT(2), p);
}

const char *ctl_json_quote(const char *text, apr_pool_t *p)
{
    json_t *json = json_string(text);
    const char *quoted;

    /* What is no UTF-8 (a file's name may be anything) cannot be written. */
    if (json == NULL) {
        json = json_string("?");
    }
    quoted = dump(json, JSON_ENCODE_ANY, p);
    json_decref(json);
    return quoted;
}
