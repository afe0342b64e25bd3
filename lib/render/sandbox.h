/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a renderer gives up before it sees a picture, and the dispatcher
 * before it sees a job: its user, its limits, the file system, and nearly all
 * system calls.
 *
 * Two steps, because the image library wants files when it starts: enter
 * first, start the library, then close.  Called in a process that has one
 * thread; nothing here can be undone.
 */
#ifndef DI_SANDBOX_H
#define DI_SANDBOX_H

#include <sys/types.h>

#include <apr.h>

/* Which system calls are left. */
typedef enum {
    DI_SANDBOX_RENDERER = 0,
    DI_SANDBOX_DISPATCHER /* sockets that it has, and no file at all */
} di_sandbox_role_e;

typedef struct {
    di_sandbox_role_e role;
    int open_files;    /* most descriptors; 0: 256.  The kernel also holds this
                          limit against those that all processes of the same
                          user have under way in sockets when this one sends
                          some */
    const void *keeps; /* the one shared mapping that stays; NULL: none */
    int drop;          /* 1: change to uid and gid */
    uid_t uid;
    gid_t gid;
    apr_uint64_t memory_bytes; /* what the process may allocate from now on */
} di_sandbox_t;

/* What the kernel offers, or'ed. */
enum { DI_KERNEL_LANDLOCK = 1, DI_KERNEL_SECCOMP = 2 };

/* Which of these the running kernel has.  A kernel without one of them makes
   the sandbox weaker, not impossible. */
unsigned di_sandbox_kernel(void);

/* 1 in a build for AddressSanitizer, whose run time needs what the sandbox
   forbids: there it sets no memory limit and filters no system calls. */
int di_sandbox_is_weakened(void);

/**
 * Step 1: unmap shared writable memory that was inherited, change the user,
 * never gain privileges again, limit files and processes.
 * @return NULL when done, else what failed
 */
const char *di_sandbox_enter(const di_sandbox_t *sandbox);

/**
 * Step 2: limit memory, then deny all access to files, networks and other
 * processes, and every system call that a render does not need.
 * @return NULL when done, else what failed
 */
const char *di_sandbox_close(const di_sandbox_t *sandbox);

#endif
