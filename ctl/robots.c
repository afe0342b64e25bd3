/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The longest rule that matches wins, "allow" at a tie (RFC 9309 2.2.2); all
 * groups of our name are one, and "*" counts only when there is none.
 */
#include "robots.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_strings.h>

/* More than any file has; RFC 9309 2.5 wants 500 KB of text read. */
#define RULES_MAX 20000
/* Slower is a way of saying no. */
#define DELAY_MAX_MS 60000

typedef struct {
    const char *pattern;
    int allow;
} rule_t;

typedef struct {
    ctl_robots_t *robots;
    int named;  /* 1: only groups of our name; 0: those of "*" */
    int ours;   /* 1: the lines that follow are of such a group */
    int agents; /* 1: the line before was a user-agent */
    int found;  /* 1: there was such a group */
} reading_t;

/* '*' is any bytes, '$' at the end is the end; patterns are prefixes.  With
   one place to go back to, so that no pattern costs more than its length
   times the path's. */
static int matches(const char *pattern, const char *path)
{
    const char *star = NULL;
    const char *again = NULL;

    for (;;) {
        if (*pattern == '\0') {
            return 1;
        }
        if (pattern[0] == '$' && pattern[1] == '\0' && *path == '\0') {
            return 1;
        }
        if (*pattern == '*') {
            star = ++pattern;
            again = path;
        }
        else if (*path != '\0' && *pattern == *path) {
            pattern++;
            path++;
        }
        else if (star != NULL && *again != '\0') {
            pattern = star;
            path = ++again;
        }
        else {
            return 0;
        }
    }
}

int ctl_robots_allow(const ctl_robots_t *robots, const char *path)
{
    const rule_t *rule = (const rule_t *)robots->rules->elts;
    size_t longest = 0;
    int allow = 1;

    for (int i = 0; i < robots->rules->nelts; i++) {
        size_t length = strlen(rule[i].pattern);

        if (length > 0 && length >= longest && matches(rule[i].pattern, path)) {
            allow = length > longest ? rule[i].allow : allow | rule[i].allow;
            longest = length;
        }
    }
    return allow;
}

/* "Dynimage/1.0" names us too. */
static int is_us(const char *agent)
{
    return strncasecmp(agent, CTL_ROBOTS_NAME, strlen(CTL_ROBOTS_NAME)) == 0;
}

static void agent_line(reading_t *reading, const char *agent)
{
    int ours = reading->named ? is_us(agent) : strcmp(agent, "*") == 0;

    reading->ours = reading->agents ? reading->ours | ours : ours;
    reading->found |= ours;
    reading->agents = 1;
}

static void rule_line(reading_t *reading, const char *name, const char *value,
                      apr_pool_t *p)
{
    ctl_robots_t *robots = reading->robots;
    int allow = strcasecmp(name, "allow") == 0;

    if (!allow && strcasecmp(name, "disallow") != 0 &&
        strcasecmp(name, "crawl-delay") != 0) {
        return; /* sitemap and the like do not end a list of agents */
    }
    reading->agents = 0;
    if (!reading->ours) {
        return;
    }
    if (strcasecmp(name, "crawl-delay") == 0) {
        double seconds = strtod(value, NULL);

        robots->delay_ms = !(seconds > 0) ? 0
                           : seconds * 1000 > DELAY_MAX_MS
                               ? DELAY_MAX_MS
                               : (int)(seconds * 1000);
    }
    else if (robots->rules->nelts < RULES_MAX) {
        rule_t *rule = &APR_ARRAY_PUSH(robots->rules, rule_t);

        rule->pattern = apr_pstrdup(p, value);
        rule->allow = allow;
    }
}

static void one_line(reading_t *reading, char *line, apr_pool_t *p)
{
    char *value;
    size_t length;

    line[strcspn(line, "#\r")] = '\0';
    line += strspn(line, " \t");
    value = strchr(line, ':');
    if (value == NULL) {
        return;
    }
    *value++ = '\0';
    line[strcspn(line, " \t")] = '\0';
    value += strspn(value, " \t");
    for (length = strlen(value);
         length > 0 && (value[length - 1] == ' ' || value[length - 1] == '\t');
         length--) {
        value[length - 1] = '\0';
    }
    if (strcasecmp(line, "user-agent") == 0) {
        agent_line(reading, value);
    }
    else {
        rule_line(reading, line, value, p);
    }
}

static int read_groups(ctl_robots_t *robots, const char *text, int named,
                       apr_pool_t *p)
{
    reading_t reading = {.robots = robots, .named = named};
    char *state;
    char *copy = apr_pstrdup(p, text);

    for (char *line = apr_strtok(copy, "\n", &state); line != NULL;
         line = apr_strtok(NULL, "\n", &state)) {
        one_line(&reading, line, p);
    }
    return reading.found;
}

void ctl_robots_parse(ctl_robots_t *robots, const char *text, apr_pool_t *p)
{
    robots->rules = apr_array_make(p, 8, sizeof(rule_t));
    robots->delay_ms = 0;
    if (text != NULL && !read_groups(robots, text, 1, p)) {
        read_groups(robots, text, 0, p);
    }
}
