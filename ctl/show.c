/* SPDX-License-Identifier: Apache-2.0 */
#include "show.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <apr_strings.h>

/* Deeper than any answer of the handler. */
#define TREE_DEPTH 16

/* Controls of ISO 6429, which a terminal may obey: C0, DEL, and C1 (U+0080 to
   U+009F, in UTF-8 c2 80 to c2 9f). */
static size_t control_at(const unsigned char *at)
{
    if (at[0] < ' ' || at[0] == 0x7f) {
        return 1;
    }
    return at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f ? 2 : 0;
}

const char *ctl_show_plain(const char *text, apr_pool_t *p)
{
    char *plain = apr_pstrdup(p, text);
    char *to = plain;

    for (const char *c = plain; *c != '\0';) {
        size_t bytes = control_at((const unsigned char *)c);

        *to++ = bytes > 0 ? '?' : *c;
        c += bytes > 0 ? bytes : 1;
    }
    *to = '\0';
    return plain;
}

const char *ctl_show_bytes(apr_int64_t bytes, apr_pool_t *p)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB"};
    double amount = (double)bytes / 1000;
    size_t unit = 0;

    if (bytes < 0) {
        return "-";
    }
    if (bytes < 1000) {
        return apr_psprintf(p, "%" APR_INT64_T_FMT " B", bytes);
    }
    while (amount >= 999.95 && unit + 1 < sizeof units / sizeof units[0]) {
        amount /= 1000;
        unit++;
    }
    return apr_psprintf(p, "%.1f %s", amount, units[unit]);
}

const char *ctl_show_span(apr_int64_t seconds, apr_pool_t *p)
{
    int hours = (int)(seconds / 3600);
    int minutes = (int)(seconds / 60 % 60);

    if (hours > 0) {
        return apr_psprintf(p, "%d:%02d:%02d", hours, minutes,
                            (int)(seconds % 60));
    }
    return apr_psprintf(p, "%d:%02d", minutes, (int)(seconds % 60));
}

const char *ctl_show_moment(apr_int64_t unix_s, apr_pool_t *p)
{
    time_t at = (time_t)unix_s;
    struct tm parts;
    char text[32];

    if (unix_s <= 0 || localtime_r(&at, &parts) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts) == 0) {
        return "-";
    }
    return apr_pstrdup(p, text);
}

void ctl_table_init(ctl_table_t *table, const char *heads, apr_pool_t *p)
{
    char *state;

    memset(table, 0, sizeof *table);
    table->p = p;
    table->cells = apr_array_make(p, 64, sizeof(const char *));
    for (char *head = apr_strtok(apr_pstrdup(p, heads), "|", &state);
         head != NULL && table->columns < CTL_COLUMNS_MAX;
         head = apr_strtok(NULL, "|", &state)) {
        table->right[table->columns++] = head[0] == '>';
        APR_ARRAY_PUSH(table->cells, const char *) = head + (head[0] == '>');
    }
}

void ctl_table_row(ctl_table_t *table, ...)
{
    va_list cells;

    va_start(cells, table);
    for (int i = 0; i < table->columns; i++) {
        const char *cell = va_arg(cells, const char *);

        APR_ARRAY_PUSH(table->cells, const char *) =
            cell != NULL ? ctl_show_plain(cell, table->p) : "-";
    }
    va_end(cells);
}

/* Places on a terminal: bytes of UTF-8 that begin a character. */
static int width_of(const char *text)
{
    int width = 0;

    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return width;
}

void ctl_table_print(const ctl_table_t *table, int indent)
{
    const char *const *cell = (const char *const *)table->cells->elts;
    int widest[CTL_COLUMNS_MAX] = {0};

    for (int i = 0; i < table->cells->nelts; i++) {
        int width = width_of(cell[i]);

        if (width > widest[i % table->columns]) {
            widest[i % table->columns] = width;
        }
    }
    for (int i = 0; i < table->cells->nelts; i++) {
        int column = i % table->columns;
        int last = column == table->columns - 1;
        int pad = widest[column] - width_of(cell[i]);

        if (column == 0) {
            printf("%*s", indent, "");
        }
        if (table->right[column]) {
            printf("%*s%s", pad, "", cell[i]);
        }
        else {
            printf("%s%*s", cell[i], last ? 0 : pad, "");
        }
        fputs(last ? "\n" : "  ", stdout);
    }
}

static void print_member(const ctl_json_t *value, const char *name, int indent,
                         int width, int depth, apr_pool_t *p);

static int is_nested(const ctl_json_t *value)
{
    return ctl_json_is_object(value) ||
           ctl_json_is_object(ctl_json_at(value, 0));
}

/* Plain members first, so that no one takes them for the last nested one's. */
static void print_object(const ctl_json_t *object, int indent, int depth,
                         apr_pool_t *p)
{
    const char **names = ctl_json_names(object, p);
    int width = 0;

    for (int i = 0; names[i] != NULL; i++) {
        int length = width_of(names[i]);

        if (length > width && !is_nested(ctl_json_get(object, names[i]))) {
            width = length;
        }
    }
    for (int nested = 0; nested <= 1 && depth < TREE_DEPTH; nested++) {
        for (int i = 0; names[i] != NULL; i++) {
            const ctl_json_t *value = ctl_json_get(object, names[i]);

            if (is_nested(value) == nested) {
                print_member(value, ctl_show_plain(names[i], p), indent, width,
                             depth, p);
            }
        }
    }
}

/* Values on one line, objects one below the other. */
static void print_array(const ctl_json_t *array, const char *name, int indent,
                        int width, int depth, apr_pool_t *p)
{
    int count = ctl_json_count(array);

    if (ctl_json_is_object(ctl_json_at(array, 0))) {
        printf("%*s%s\n", indent, "", name);
        for (int i = 0; i < count; i++) {
            print_object(ctl_json_at(array, i), indent + 2, depth + 1, p);
        }
        return;
    }
    printf("%*s%-*s ", indent, "", width, name);
    for (int i = 0; i < count; i++) {
        printf(" %s", ctl_show_plain(
                          ctl_json_value(ctl_json_at(array, i), "-", p), p));
    }
    putchar('\n');
}

static void print_member(const ctl_json_t *value, const char *name, int indent,
                         int width, int depth, apr_pool_t *p)
{
    if (ctl_json_is_object(value)) {
        printf("%*s%s\n", indent, "", name);
        print_object(value, indent + 2, depth + 1, p);
    }
    else if (ctl_json_count(value) > 0) {
        print_array(value, name, indent, width, depth, p);
    }
    else {
        printf("%*s%-*s  %s\n", indent, "", width, name,
               ctl_show_plain(ctl_json_value(value, "-", p), p));
    }
}

void ctl_show_tree(const ctl_json_t *object, int indent, apr_pool_t *p)
{
    print_object(object, indent, 0, p);
}
