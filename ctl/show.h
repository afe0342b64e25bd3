/* SPDX-License-Identifier: Apache-2.0 */
/* Answers for people: amounts, tables, trees. */
#ifndef CTL_SHOW_H
#define CTL_SHOW_H

#include "ctl.h"
#include "jsonread.h"

#define CTL_COLUMNS_MAX 16

typedef struct {
    apr_pool_t *p;
    int columns;
    int right[CTL_COLUMNS_MAX]; /* 1: aligned to the right */
    apr_array_header_t *cells;  /* const char *, row by row */
} ctl_table_t;

/* heads: names with '|' between; one that begins with '>' is right-aligned. */
void ctl_table_init(ctl_table_t *table, const char *heads, apr_pool_t *p);

/* One row; a cell for each column, NULL is "-". */
void ctl_table_row(ctl_table_t *table, ...);

/* Each line begins with indent spaces, none ends with one. */
void ctl_table_print(const ctl_table_t *table, int indent);

/* "54.2 kB" (1000), "-" below 0; "3:05", "2:03:05"; "2026-11-24 12:00:00". */
const char *ctl_show_bytes(apr_int64_t bytes, apr_pool_t *p);
const char *ctl_show_span(apr_int64_t seconds, apr_pool_t *p);
const char *ctl_show_moment(apr_int64_t unix_s, apr_pool_t *p);

/* What a terminal would not take for itself: control characters as '?'. */
const char *ctl_show_plain(const char *text, apr_pool_t *p);

/* "name  value" lines of an object, objects in it indented below. */
void ctl_show_tree(const ctl_json_t *object, int indent, apr_pool_t *p);

#endif
