/* SPDX-License-Identifier: Apache-2.0 */
/*
 * robots.txt.  Pure.
 * Source: RFC 9309; Crawl-delay is not in it, but sites use it.
 */
#ifndef CTL_ROBOTS_H
#define CTL_ROBOTS_H

#include <apr_pools.h>
#include <apr_tables.h>

/* The name that rules for us are under, beside "*". */
#define CTL_ROBOTS_NAME "dynimage"

typedef struct {
    apr_array_header_t *rules; /* of the group that is ours */
    int delay_ms;              /* between requests; 0: none asked for */
} ctl_robots_t;

/* NULL text: everything is allowed. */
void ctl_robots_parse(ctl_robots_t *robots, const char *text, apr_pool_t *p);

/* @param path  with the query, percent-encoded as in a request */
int ctl_robots_allow(const ctl_robots_t *robots, const char *path);

#endif
