/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the live tests: a file system that takes its time.  Preloaded into httpd;
 * DI_TESTSLOW_US is how long, us, a process waits before and after it renames
 * or deletes a file, so that one which is killed at a random moment is often
 * found between two steps of a put.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int (*their_rename)(const char *, const char *);
static int (*their_renameat)(int, const char *, int, const char *);
static int (*their_unlink)(const char *);
static int (*their_unlinkat)(int, const char *, int);
static useconds_t wait_us;

__attribute__((constructor)) static void begin(void)
{
    const char *text = getenv("DI_TESTSLOW_US");

    *(void **)&their_rename = dlsym(RTLD_NEXT, "rename");
    *(void **)&their_renameat = dlsym(RTLD_NEXT, "renameat");
    *(void **)&their_unlink = dlsym(RTLD_NEXT, "unlink");
    *(void **)&their_unlinkat = dlsym(RTLD_NEXT, "unlinkat");
    wait_us = text ? (useconds_t)strtoul(text, NULL, 10) : 0;
}

static int slowly(int rv)
{
    usleep(wait_us);
    return rv;
}

int rename(const char *from, const char *to)
{
    usleep(wait_us);
    return slowly(their_rename(from, to));
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    usleep(wait_us);
    return slowly(their_renameat(from_fd, from, to_fd, to));
}

int unlink(const char *path)
{
    usleep(wait_us);
    return slowly(their_unlink(path));
}

int unlinkat(int fd, const char *path, int flags)
{
    usleep(wait_us);
    return slowly(their_unlinkat(fd, path, flags));
}
