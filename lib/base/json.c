/* SPDX-License-Identifier: Apache-2.0 */
/* JSON by jansson, with the memory of pools. */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>

/* U+FFFD, which stands for what is no character. */
static const char no_character[] = "\xef\xbf\xbd";

static apr_status_t drop(void *root)
{
    json_decref(root);
    return APR_SUCCESS;
}

ds_json_t *ds_json_object(apr_pool_t *p)
{
    json_t *root = json_object();

    if (root) {
        apr_pool_cleanup_register(p, root, drop, apr_pool_cleanup_null);
    }
    return root;
}

/* The parent owns the value from here on.  @return it, NULL: not added */
static json_t *add(json_t *parent, const char *key, json_t *value)
{
    int failed = key ? json_object_set_new(parent, key, value)
                     : json_array_append_new(parent, value);

    return failed ? NULL : value;
}

ds_json_t *ds_json_object_in(ds_json_t *parent, const char *key)
{
    return add(parent, key, json_object());
}

ds_json_t *ds_json_array_in(ds_json_t *parent, const char *key)
{
    return add(parent, key, json_array());
}

void ds_json_number(ds_json_t *parent, const char *key, apr_int64_t value)
{
    (void)add(parent, key, json_integer(value));
}

void ds_json_flag(ds_json_t *parent, const char *key, int value)
{
    (void)add(parent, key, json_boolean(value));
}

/* Is text[0..len) UTF-8 that jansson takes? */
static int is_text(const char *text, apr_size_t len)
{
    json_t *probe = json_stringn(text, len);

    json_decref(probe);
    return probe != NULL;
}

/* Bytes of the character at text; 0: it is none. */
static apr_size_t character_bytes(const char *text)
{
    apr_size_t left = strnlen(text, 4), len;

    for (len = 1; len <= left; len++) {
        if (is_text(text, len)) {
            return len;
        }
    }
    return 0;
}

/* The text with U+FFFD for each byte that is part of no character. */
static json_t *mended(const char *text)
{
    char *out = malloc(strlen(text) * (sizeof(no_character) - 1) + 1);
    char *to = out;
    json_t *value;

    if (!out) {
        return NULL;
    }
    while (*text) {
        apr_size_t len = character_bytes(text);

        if (len) {
            memcpy(to, text, len);
            to += len;
            text += len;
        }
        else {
            memcpy(to, no_character, sizeof(no_character) - 1);
            to += sizeof(no_character) - 1;
            text++;
        }
    }
    value = json_stringn(out, (apr_size_t)(to - out));
    free(out);
    return value;
}

void ds_json_text(ds_json_t *parent, const char *key, const char *text)
{
    json_t *value = text ? json_string(text) : json_null();

    (void)add(parent, key, value ? value : mended(text));
}

const char *ds_json_write(const ds_json_t *root, apr_pool_t *p)
{
    char *text = root ? json_dumps(root, JSON_PRESERVE_ORDER) : NULL;
    const char *out = text ? apr_pstrdup(p, text) : NULL;

    free(text);
    return out;
}
