/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the live tests: a clock that is set while httpd runs.  Preloaded into it;
 * the file that DI_TESTCLOCK names holds one 64-bit number, how many seconds
 * the time of day is ahead, and whoever writes it sets the clock of all
 * processes at once.
 *
 * The file is mapped once, at the start: a renderer may open nothing later on,
 * which is why libfaketime, which reads its file again, is no help here.  Waits
 * until a time of day end when the clock that was set has come to it, as the
 * kernel's do.  The times of files stay the kernel's.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Before this, s, it is a monotonic clock's time: 2001, or an uptime of 31
   years. */
#define TIME_OF_DAY_FROM_S 1000000000

/* How long a wait sleeps before it looks at the clock again, ns. */
#define LOOK_EVERY_NS 20000000

static const _Atomic int64_t none;
static const _Atomic int64_t *ahead_s = &none;
static int (*their_gettime)(clockid_t, struct timespec *);
static int (*their_wait)(pthread_cond_t *, pthread_mutex_t *,
                         const struct timespec *);

static void *theirs(const char *name, const char *version)
{
    void *found = version ? dlvsym(RTLD_NEXT, name, version) : NULL;

    return found ? found : dlsym(RTLD_NEXT, name);
}

static void find_theirs(void)
{
    *(void **)&their_gettime = theirs("clock_gettime", NULL);
    /* x86_64 has an older one beside it, which dlsym would find. */
    *(void **)&their_wait = theirs("pthread_cond_timedwait", "GLIBC_2.3.2");
}

__attribute__((constructor)) static void map_file(void)
{
    const char *path = getenv("DI_TESTCLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *at;

    find_theirs();
    if (fd < 0) {
        return;
    }
    at = mmap(NULL, sizeof(*ahead_s), PROT_READ, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED) {
        ahead_s = at;
    }
    close(fd);
}

static int is_time_of_day(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    int failed;

    if (!their_gettime) {
        find_theirs(); /* asked by a constructor ahead of ours */
    }
    failed = their_gettime(clock, out);
    if (!failed && is_time_of_day(clock)) {
        out->tv_sec += (time_t)atomic_load(ahead_s);
    }
    return failed;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (out) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}

/* 1 when a is not before b. */
static int has_come(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec
                                  : a->tv_nsec >= b->tv_nsec;
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond,
                           pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until)
{
    struct timespec now;
    int rv;

    if (until->tv_sec < TIME_OF_DAY_FROM_S) {
        return their_wait(cond, mutex, until);
    }
    do {
        clock_gettime(CLOCK_REALTIME, &now);
        if (has_come(&now, until)) {
            return ETIMEDOUT;
        }
        their_gettime(CLOCK_REALTIME, &now);
        now.tv_nsec += LOOK_EVERY_NS;
        if (now.tv_nsec >= 1000000000) {
            now.tv_sec++;
            now.tv_nsec -= 1000000000;
        }
        rv = their_wait(cond, mutex, &now);
    } while (rv == ETIMEDOUT);
    return rv;
}
