/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as robots.txt: the delay is bounded, and whatever stands before it,
 * a rule for us at the end is obeyed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "robots.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECRET "/the-secret-path"

static void check(int fine)
{
    if (!fine) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ctl_robots_t robots;
    apr_pool_t *p;
    char *text;

    if (size > 4096 || apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&p, NULL) != APR_SUCCESS) {
        return 0;
    }
    text = apr_pstrmemdup(p, (const char *)data, size);
    ctl_robots_parse(&robots, text, p);
    check(robots.delay_ms >= 0 && robots.delay_ms <= 60000);
    ctl_robots_parse(&robots,
                     apr_pstrcat(p, text,
                                 "\nUser-agent: " CTL_ROBOTS_NAME
                                 "\nDisallow: " SECRET "\n",
                                 NULL),
                     p);
    /* Unless another rule may be longer. */
    check(strcasestr(text, "llow") != NULL ||
          !ctl_robots_allow(&robots, SECRET "/x"));
    apr_pool_destroy(p);
    apr_terminate();
    return 0;
}
