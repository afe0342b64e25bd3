/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of its own for one test, gone with the test's pool. */
#ifndef FOLDER_H
#define FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <apr_env.h>
#include <apr_strings.h>

static inline int folder_drop_one(const char *path, const struct stat *st,
                                  int kind, struct FTW *where)
{
    return remove(path);
}

static inline apr_status_t folder_drop(void *path)
{
    nftw(path, folder_drop_one, 16, FTW_DEPTH | FTW_PHYS);
    return APR_SUCCESS;
}

static inline char *folder_make(apr_pool_t *p)
{
    char *base = NULL, *path;

    apr_env_get(&base, "TMPDIR", p);
    path =
        apr_pstrcat(p, base && base[0] ? base : "/tmp", "/unit-XXXXXX", NULL);
    assert_non_null(mkdtemp(path));
    apr_pool_cleanup_register(p, path, folder_drop, apr_pool_cleanup_null);
    return path;
}

#endif
