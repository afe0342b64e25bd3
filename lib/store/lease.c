/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lease.
 *
 * Each key has two bytes in the lease file, one for the lease and one for
 * those who wait for it:
 *
 *     offset 2n     write lock: the lease is held
 *     offset 2n+1   read locks: it is wanted
 *
 * Each take opens the lease file anew: an open-file-description lock belongs
 * to the open file, so two threads of one process exclude each other just as
 * two processes do.  n is the first 61 bits of the key's hash; the file stays
 * empty, as a lock may lie beyond a file's end.  Two keys that share those bits
 * would exclude each other for one render.
 *
 * The local part is taken first and released last, so at most one holder per
 * machine ever speaks to memcached about a key.
 */
#include "store/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <apr_strings.h>

#include "store/pace.h"

#define TROUBLE_A_MINUTE 1

struct di_leases_t {
    const char *file;
    apr_uint32_t ttl_s;
    const di_lease_shared_t *shared;
    const ds_log_t *log;
    di_pace_t trouble;
};

struct di_lease_t {
    di_leases_t *leases;
    di_key_t key; /* its text is not used, and not kept */
    apr_pool_t *p;
    int fd;     /* -1: released */
    int shared; /* 1: the shared part is ours too */
};

struct di_want_t {
    di_key_t key; /* as in di_lease_t */
    apr_pool_t *p;
    int fd; /* -1: no more */
};

/* Which of a key's bytes. */
enum { HELD = 0, WANTED = 1 };

static struct flock lock_of(const di_key_t *key, int which, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_len = 1};
    apr_uint64_t offset = 0;
    int i;

    for (i = 0; i < 8; i++) {
        offset = offset << 8 | key->hash[i];
    }
    /* 62 bits in all: the byte's end must be an offset as well. */
    lock.l_start = (apr_off_t)(offset >> 3 << 1 | (unsigned)which);
    return lock;
}

static apr_status_t out_of_order(di_leases_t *leases, apr_status_t rv)
{
    uint32_t dropped;

    if (di_pace_allows(&leases->trouble, &dropped, TROUBLE_A_MINUTE,
                       apr_time_now())) {
        ds_log(leases->log, DS_LOG_WARNING, "DI0406", rv,
               "cannot lock in lease file %s: one picture may be rendered "
               "several times at once (%u such messages held back)",
               leases->file, dropped);
    }
    return rv;
}

static int open_file(const di_leases_t *leases)
{
    return open(leases->file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static apr_status_t take_local(int *fd, di_leases_t *leases,
                               const di_key_t *key)
{
    struct flock lock = lock_of(key, HELD, F_WRLCK);
    apr_status_t rv;

    *fd = open_file(leases);
    if (*fd < 0) {
        return out_of_order(leases, APR_FROM_OS_ERROR(errno));
    }
    if (!fcntl(*fd, F_OFD_SETLK, &lock)) {
        return APR_SUCCESS;
    }
    rv = APR_FROM_OS_ERROR(errno);
    close(*fd);
    return APR_STATUS_IS_EAGAIN(rv) || rv == EACCES ? APR_EBUSY
                                                    : out_of_order(leases, rv);
}

static void release_local(int fd, const di_key_t *key, int which)
{
    struct flock lock = lock_of(key, which, F_UNLCK);

    /* A process forked meanwhile may hold a copy of fd, and closing ours
       would leave the lock with it. */
    (void)fcntl(fd, F_OFD_SETLK, &lock);
    close(fd);
}

static apr_status_t lease_end(void *baton)
{
    di_lease_t *lease = baton;

    if (lease->shared) {
        lease->leases->shared->release(lease->leases->shared->self,
                                       &lease->key);
    }
    release_local(lease->fd, &lease->key, HELD);
    lease->fd = -1;
    return APR_SUCCESS;
}

apr_status_t di_lease_take(di_lease_t **out, di_leases_t *leases,
                           const di_key_t *key, apr_pool_t *p)
{
    const di_lease_shared_t *shared = leases->shared;
    apr_status_t rv;
    di_lease_t *lease;
    int fd;

    rv = take_local(&fd, leases, key);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = shared ? shared->take(shared->self, key, leases->ttl_s) : APR_ENOTIMPL;
    if (APR_STATUS_IS_EBUSY(rv)) {
        release_local(fd, key, HELD);
        return APR_EBUSY;
    }
    lease = apr_pcalloc(p, sizeof(*lease));
    lease->leases = leases;
    lease->key = *key;
    lease->key.text = NULL;
    lease->key.text_len = 0;
    lease->p = p;
    lease->fd = fd;
    lease->shared = rv == APR_SUCCESS;
    apr_pool_cleanup_register(p, lease, lease_end, apr_pool_cleanup_null);
    *out = lease;
    return APR_SUCCESS;
}

void di_lease_release(di_lease_t *lease)
{
    if (lease && lease->fd >= 0) {
        apr_pool_cleanup_run(lease->p, lease, lease_end);
    }
}

/* ---- those who wait ---- */

static apr_status_t want_end(void *baton)
{
    di_want_t *want = baton;

    release_local(want->fd, &want->key, WANTED);
    want->fd = -1;
    return APR_SUCCESS;
}

di_want_t *di_lease_want(di_leases_t *leases, const di_key_t *key,
                         apr_pool_t *p)
{
    struct flock lock = lock_of(key, WANTED, F_RDLCK);
    di_want_t *want;
    int fd = open_file(leases);

    if (fd < 0) {
        return NULL;
    }
    if (fcntl(fd, F_OFD_SETLK, &lock)) {
        close(fd);
        return NULL;
    }
    want = apr_pcalloc(p, sizeof(*want));
    want->key = *key;
    want->key.text = NULL;
    want->key.text_len = 0;
    want->p = p;
    want->fd = fd;
    apr_pool_cleanup_register(p, want, want_end, apr_pool_cleanup_null);
    return want;
}

void di_lease_unwant(di_want_t *want)
{
    if (want && want->fd >= 0) {
        apr_pool_cleanup_run(want->p, want, want_end);
    }
}

int di_lease_is_wanted(const di_lease_t *lease)
{
    struct flock lock;

    if (!lease || lease->fd < 0) {
        return 0;
    }
    lock = lock_of(&lease->key, WANTED, F_WRLCK);
    return !fcntl(lease->fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
}

apr_status_t di_leases_make(di_leases_t **out, const char *file,
                            apr_uint32_t ttl_s, const di_lease_shared_t *shared,
                            const ds_log_t *log, apr_pool_t *p)
{
    di_leases_t *leases = apr_pcalloc(p, sizeof(*leases));

    leases->file = apr_pstrdup(p, file);
    leases->ttl_s = ttl_s;
    leases->shared = shared;
    leases->log = log;
    *out = leases;
    return APR_SUCCESS;
}
