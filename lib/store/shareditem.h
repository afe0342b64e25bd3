/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shared item: a few bytes under a fixed name that all machines of one
 * memcached read and change, each change made only upon what was read (compare
 * and swap), so that none is lost between two machines.
 *
 *     get -> bytes, cas --> change --> put(cas) --> APR_EBUSY: from the start
 *     get -> NOTFOUND   --> make   --> put(0)   --> APR_EBUSY: from the start
 *
 * memcached forgets: an item that is gone is no news, whoever has the truth
 * puts it again.  Any thread may call.
 */
#ifndef DI_SHAREDITEM_H
#define DI_SHAREDITEM_H

#include <apr_errno.h>
#include <apr_pools.h>

/* Longest name, bytes; printable, without spaces. */
#define DI_SHARED_ITEM_NAME_MAX 64

typedef struct {
    void *self;

    /**
     * @param data   set on success; lives in p, may have any content
     * @param cas    of what was read, above 0, to be given to put
     * @return APR_SUCCESS; APR_NOTFOUND; APR_EINVAL for an illegal name;
     *         another status when memcached is out of order
     */
    apr_status_t (*get)(void *self, const char *name, const char **data,
                        apr_size_t *bytes, apr_uint64_t *cas, apr_pool_t *p);

    /**
     * Never expires by itself.
     * @param cas  of the get that this change is made upon; 0: there was none
     * @return APR_SUCCESS; APR_EBUSY when somebody else changed, made or
     *         removed it meanwhile; APR_ENOSPC when it is too large; APR_EINVAL
     *         for an illegal name; another status when memcached is out of
     *         order, and then it may have been changed or not
     */
    apr_status_t (*put)(void *self, const char *name, const char *data,
                        apr_size_t bytes, apr_uint64_t cas, apr_pool_t *ptemp);
} di_shared_item_t;

#endif
