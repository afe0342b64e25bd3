/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sandbox, from the outside in:
 *
 *   shared memory  httpd's scoreboard and tables are mapped in every process
 *                  that it forks; a renderer must not be able to write there
 *   user, rlimits  no rights of httpd's user; no core, no child
 *   landlock       no path may be opened, executed or changed, no TCP, no
 *                  abstract socket, no signal to processes outside
 *   seccomp        an allow-list; looking for files yields EACCES, as the
 *                  libraries do that now and then; anything else is fatal
 *
 * What a renderer that was taken over can still fill is memory files, which
 * the memory limit does not count.  write() is the only call left that makes
 * one grow: each up to RLIMIT_FSIZE (64 MB), and only those with the lowest 16
 * descriptors, so 1 GB a renderer.  More can be on their way in the connection
 * of its job, each sent off before the next is made: the kernel bounds them by
 * RLIMIT_NOFILE (render/manager.c: at least 256, 16 GB), httpd ends them by
 * closing the connection at the first message that it does not expect, and all
 * of it ends with the caller, at its deadline, and the renderer, which the
 * manager kills when its job is overdue.  Nothing here bounds the sum over all
 * renderers: a memory limit of the service does (cgroup).
 *
 * Landlock is spoken to by number because libc has no calls for it, and the
 * constants of newer kernels are written out because the headers here may be
 * older than the kernel below.
 */
#include "render/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>

#include "render/wire.h"

#if defined(__SANITIZE_ADDRESS__)
#define WEAKENED 1
#else
#define WEAKENED 0
#endif

/* Of a process whose settings do not say; see di_sandbox_t. */
#define OPEN_FILES_MAX 256

/* Descriptors that may be written to: the lowest.  Both roles have few. */
#define WRITE_FILES 16

int di_sandbox_is_weakened(void)
{
    return WEAKENED;
}

/* ---- landlock (linux/landlock.h; docs: userspace-api/landlock) ---- */

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self 446
#endif

#define LANDLOCK_VERSION_FLAG 1

typedef struct {
    apr_uint64_t access_fs;
    apr_uint64_t access_net; /* since ABI 4 */
    apr_uint64_t scoped;     /* since ABI 6 */
} landlock_attr_t;

static int landlock_abi(void)
{
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
                        LANDLOCK_VERSION_FLAG);
}

/* All rights that an ABI knows; with no rule added, all are denied. */
static size_t landlock_everything(landlock_attr_t *attr, int abi)
{
    static const int fs_rights[] = {0, 13, 14, 15, 15, 16};

    memset(attr, 0, sizeof(*attr));
    attr->access_fs = ((apr_uint64_t)1 << fs_rights[abi > 5 ? 5 : abi]) - 1;
    attr->access_net = abi >= 4 ? 3 : 0; /* bind, connect TCP */
    attr->scoped = abi >= 6 ? 3 : 0;     /* abstract sockets, signals */
    return abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
}

static const char *deny_files(void)
{
    landlock_attr_t attr;
    int abi = landlock_abi(), ruleset;
    size_t size;
    long denied;

    if (abi < 1) {
        return NULL; /* the manager has said so */
    }
    size = landlock_everything(&attr, abi);
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    if (ruleset < 0) {
        return "landlock ruleset";
    }
    denied = syscall(SYS_landlock_restrict_self, ruleset, 0);
    close(ruleset);
    return denied ? "landlock" : NULL;
}

/* ---- seccomp ---- */

/* Of both roles. */
static const int common_calls[] = {
    /* memory */
    SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
    SCMP_SYS(futex),
    /* descriptors that are open */
    SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(close),
    /* time and signals */
    SCMP_SYS(setitimer), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall), SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    /* the end */
    SCMP_SYS(exit), SCMP_SYS(exit_group)};

static const int renderer_calls[] = {
    SCMP_SYS(ppoll), SCMP_SYS(poll),
    /* original, rendition */
    SCMP_SYS(pread64), SCMP_SYS(memfd_create),
    /* what libraries ask */
    SCMP_SYS(times), SCMP_SYS(getrusage), SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(sysinfo), SCMP_SYS(getrandom)};

static const int dispatcher_calls[] = {SCMP_SYS(accept4), SCMP_SYS(epoll_wait),
                                       SCMP_SYS(epoll_pwait),
                                       SCMP_SYS(epoll_ctl)};

/* Looking for files is not an attack by itself: fonts, locales, /proc. */
static const int refused_calls[] = {
    SCMP_SYS(open),       SCMP_SYS(openat),     SCMP_SYS(access),
    SCMP_SYS(faccessat),  SCMP_SYS(stat),       SCMP_SYS(lstat),
    SCMP_SYS(newfstatat), SCMP_SYS(fstat),      SCMP_SYS(statx),
    SCMP_SYS(readlink),   SCMP_SYS(readlinkat), SCMP_SYS(getcwd),
    SCMP_SYS(unlink),     SCMP_SYS(unlinkat),   SCMP_SYS(ioctl)};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Calls that are harmless with some arguments only. */
static int add_conditional(scmp_filter_ctx filter)
{
    struct scmp_arg_cmp no_code = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    struct scmp_arg_cmp seals = SCMP_A1(SCMP_CMP_EQ, F_ADD_SEALS);
    struct scmp_arg_cmp low = SCMP_A0(SCMP_CMP_LT, WRITE_FILES);

    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, low) ||
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                            no_code) ||
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                            no_code) ||
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, seals);
}

static int add_list(scmp_filter_ctx filter, apr_uint32_t action,
                    const int *calls, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (seccomp_rule_add(filter, action, calls[i], 0)) {
            return -1;
        }
    }
    return 0;
}

static int add_lists(scmp_filter_ctx filter, di_sandbox_role_e role)
{
    int failed =
        add_list(filter, SCMP_ACT_ALLOW, common_calls, COUNT(common_calls)) ||
        add_list(filter, SCMP_ACT_ERRNO(EACCES), refused_calls,
                 COUNT(refused_calls));

    return failed || (role == DI_SANDBOX_DISPATCHER
                          ? add_list(filter, SCMP_ACT_ALLOW, dispatcher_calls,
                                     COUNT(dispatcher_calls))
                          : add_list(filter, SCMP_ACT_ALLOW, renderer_calls,
                                     COUNT(renderer_calls)));
}

static int has_seccomp(void)
{
    return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
}

static const char *filter_calls(di_sandbox_role_e role)
{
    scmp_filter_ctx filter;
    const char *error = NULL;

    if (!has_seccomp()) {
        return NULL; /* the manager has said so */
    }
    filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter || add_lists(filter, role) || add_conditional(filter)) {
        error = "seccomp rules";
    }
    else if (seccomp_load(filter)) {
        error = "seccomp";
    }
    if (filter) {
        seccomp_release(filter);
    }
    return error;
}

unsigned di_sandbox_kernel(void)
{
    return (landlock_abi() >= 1 ? DI_KERNEL_LANDLOCK : 0U) |
           (has_seccomp() ? DI_KERNEL_SECCOMP : 0U);
}

/* ---- limits, user, memory ---- */

static int limit(int what, rlim_t value)
{
    struct rlimit now, wanted = {value, value};

    /* A lower hard limit of the administrator stays. */
    if (getrlimit((__rlimit_resource_t)what, &now)) {
        return -1;
    }
    if (now.rlim_max < value) {
        wanted.rlim_cur = wanted.rlim_max = now.rlim_max;
    }
    return setrlimit((__rlimit_resource_t)what, &wanted);
}

static const char *limit_resources(const di_sandbox_t *sandbox)
{
    rlim_t files =
        sandbox->open_files ? (rlim_t)sandbox->open_files : OPEN_FILES_MAX;

    return limit(RLIMIT_NOFILE, files) ||
                   limit(RLIMIT_FSIZE, DI_WIRE_RENDITION_MAX_BYTES) ||
                   limit(RLIMIT_CORE, 0) || limit(RLIMIT_NPROC, 0)
               ? "resource limits"
               : NULL;
}

/* One line of /proc/self/maps: "7f..-7f.. rw-s ...". */
static void unmap_if_shared(const char *line, const void *keeps)
{
    unsigned long from, to, kept = (unsigned long)keeps;
    char rights[5];

    if (sscanf(line, "%lx-%lx %4s", &from, &to, rights) == 3 &&
        rights[1] == 'w' && rights[3] == 's' && (kept < from || kept >= to)) {
        (void)munmap((void *)from, to - from);
    }
}

/* httpd's shared memory; nothing that these processes call uses any. */
static const char *drop_shared_memory(const void *keeps)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];

    if (!maps) {
        return "/proc/self/maps";
    }
    while (fgets(line, sizeof(line), maps)) {
        unmap_if_shared(line, keeps);
    }
    fclose(maps);
    return NULL;
}

static const char *change_user(const di_sandbox_t *sandbox)
{
    if (!sandbox->drop) {
        return NULL;
    }
    return setgroups(0, NULL) || setgid(sandbox->gid) || setuid(sandbox->uid) ||
                   !setuid(0)
               ? "change of user"
               : NULL;
}

const char *di_sandbox_enter(const di_sandbox_t *sandbox)
{
    const char *error = drop_shared_memory(sandbox->keeps);

    error = error ? error : change_user(sandbox);
    error = error ? error : limit_resources(sandbox);
    if (!error && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
        error = "no_new_privs";
    }
    return error;
}

/* httpd may have mapped a lot before the fork; only what comes counts. */
static const char *limit_memory(apr_uint64_t memory_bytes)
{
    FILE *statm = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;

    if (!statm || fscanf(statm, "%lu", &pages) != 1) {
        pages = 0;
    }
    if (statm) {
        fclose(statm);
    }
    if (!pages) {
        return "/proc/self/statm";
    }
    return limit(RLIMIT_AS,
                 (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + memory_bytes)
               ? "memory limit"
               : NULL;
}

const char *di_sandbox_close(const di_sandbox_t *sandbox)
{
    const char *error = WEAKENED ? NULL : limit_memory(sandbox->memory_bytes);

    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    error = error ? error : deny_files();
    if (!error && !WEAKENED) {
        error = filter_calls(sandbox->role);
    }
    return error;
}
