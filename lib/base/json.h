/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON to be written: objects and arrays that are filled in order and end as
 * one text.  Memory is the pool's.
 *
 *     ds_json_t *root = ds_json_object(p);
 *     ds_json_t *list = ds_json_array_in(root, "bands");
 *     ds_json_text(ds_json_object_in(list, NULL), "name", "low");
 *     text = ds_json_write(root, p);          {"bands": [{"name": "low"}]}
 *
 * A parent that is NULL (there was no memory) bears everything and ends as
 * NULL, so only the end is looked at.
 */
#ifndef DS_JSON_H
#define DS_JSON_H

#include <apr_pools.h>

typedef struct json_t ds_json_t;

/* A root; it goes with p. */
ds_json_t *ds_json_object(apr_pool_t *p);

/* Add to an object under a key, or to an array, where key is NULL. */
ds_json_t *ds_json_object_in(ds_json_t *parent, const char *key);
ds_json_t *ds_json_array_in(ds_json_t *parent, const char *key);
void ds_json_number(ds_json_t *parent, const char *key, apr_int64_t value);
void ds_json_flag(ds_json_t *parent, const char *key, int value);

/* NULL becomes null; what is not UTF-8 becomes U+FFFD, byte by byte, as names
   of files may be anything. */
void ds_json_text(ds_json_t *parent, const char *key, const char *text);

/* The text, from p; NULL when memory ran out. */
const char *ds_json_write(const ds_json_t *root, apr_pool_t *p);

#endif
