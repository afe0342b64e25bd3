/* SPDX-License-Identifier: Apache-2.0 */
/* Would httpd take this file in that place?  Asked where nobody else sees it.
 */
#ifndef CTL_CONFCHECK_H
#define CTL_CONFCHECK_H

#include "child.h"
#include "ctl.h"

/* A test of a large configuration reads names from DNS. */
#define CTL_CONFCHECK_S 120

/* @return 1 when a file can be checked apart from the live tree */
int ctl_confcheck_apart(const char *dir, const char *name, const char *staged,
                        apr_pool_t *p);

/**
 * Run "httpd -t" with staged in place of dir/name, in a mount namespace of
 * its own.  A file that httpd takes and does not read is refused too.
 * @param httpd  command, without -t
 */
void ctl_confcheck(ctl_ended_t *ended, const char *httpd, const char *dir,
                   const char *name, const char *staged, apr_pool_t *p);

/* The same on the tree as it is. */
void ctl_confcheck_live(ctl_ended_t *ended, const char *httpd, const char *dir,
                        const char *name, apr_pool_t *p);

#endif
