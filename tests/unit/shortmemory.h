/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a part of a test in a process of its own that is short of memory.
 */
#ifndef SHORTMEMORY_H
#define SHORTMEMORY_H

#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* An allocator that stands in for malloc does not live with a limit. */
#if defined(__SANITIZE_ADDRESS__)
#define SHORT_MEMORY_CAN_BE 0
#else
#define SHORT_MEMORY_CAN_BE 1
#endif

/* What a process came to that did not end by itself. */
#define SHORT_MEMORY_DIED 255

/* An address space that is this much larger than what is used now. */
static inline void short_memory_begin(size_t bytes)
{
    struct rlimit limit;
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (!file || fscanf(file, "%lu", &pages) != 1) {
        _exit(101);
    }
    fclose(file);
    limit.rlim_cur = limit.rlim_max =
        (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + bytes;
    if (setrlimit(RLIMIT_AS, &limit)) {
        _exit(102);
    }
}

/* The test runner takes signals for itself, and goes on with the next test. */
static inline void short_memory_leave_signals(void)
{
    static const int signals[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV};
    static const struct rlimit no_core = {0, 0};
    size_t i;

    for (i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
        (void)signal(signals[i], SIG_DFL);
    }
    (void)setrlimit(RLIMIT_CORE, &no_core);
}

/* What work, 0..100, returns with this much memory more than there is now. */
static inline int short_memory_run(int (*work)(void *), void *what,
                                   size_t bytes)
{
    pid_t child = fork();
    int how;

    if (!child) {
        short_memory_leave_signals();
        short_memory_begin(bytes);
        _exit(work(what));
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    return WIFEXITED(how) ? WEXITSTATUS(how) : SHORT_MEMORY_DIED;
}

#endif
