/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool as httpd's parent sees it: a listener that lives as long as the
 * parent, and a manager that lives as long as a configuration.
 *
 * The listener has no name.  It is bound to a socket file in a folder that
 * only its owner may enter, the file is opened by path, and both are removed
 * at once; a connect to /proc/self/fd/N then reaches the listener from every
 * process that inherited that descriptor, whatever its user, its root or its
 * network namespace, and from no other.
 *
 * Nothing that outlives pconf points to code: a module may be unloaded and
 * loaded elsewhere at each restart.  So the manager's entry in APR's list of
 * other children goes with pconf, and the manager is waited for then, for
 * httpd would call it a long lost child.  That takes milliseconds
 * (render/manager.c).
 */
#include "render/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <apr_user.h>

#include "render/clock.h"
#include "render/manager.h"
#include "render/queue.h"
#include "render/restart.h"
#include "render/workers_in.h"

#define MANAGER_STOP_WAIT_MS 1000
#define QUEUE_BEFORE_START 1

/* One configuration's manager, over all its lives; in pconf. */
typedef struct di_care_t {
    di_workers_t *workers;
    di_manager_conf_t conf;
    const ds_log_t *log;
    int (*stopping)(void);
    apr_pool_t *pconf;
    apr_proc_t proc; /* pid 0: not running */
    apr_uint64_t started_us;
    di_restart_t restart;
    int registered; /* in APR's list of other children */
    pid_t owner;    /* httpd's parent */
} care_t;

/* ---- the listener ---- */

/* Bind, and open the file, in a folder made for this moment. */
static apr_status_t bind_in(di_workers_t *workers, const char *folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    apr_status_t rv = APR_SUCCESS;

    apr_snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", folder);
    if (bind(workers->listener, (struct sockaddr *)&address, sizeof(address))) {
        return errno;
    }
    if (chmod(address.sun_path, 0666) ||
        listen(workers->listener, QUEUE_BEFORE_START)) {
        rv = errno;
    }
    else {
        workers->address = open(address.sun_path, O_PATH | O_CLOEXEC);
        rv = workers->address < 0 ? errno : APR_SUCCESS;
    }
    (void)unlink(address.sun_path);
    return rv;
}

static apr_status_t open_listener(di_workers_t *workers, const char *temp)
{
    char folder[sizeof(((struct sockaddr_un *)0)->sun_path) - 2];
    apr_status_t rv;

    if (strlen(temp) + sizeof("/dynimage-XXXXXX") > sizeof(folder)) {
        return APR_ENAMETOOLONG;
    }
    workers->listener =
        socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (workers->listener < 0) {
        return errno;
    }
    apr_snprintf(folder, sizeof(folder), "%s/dynimage-XXXXXX", temp);
    if (!mkdtemp(folder)) {
        rv = errno;
    }
    else {
        rv = bind_in(workers, folder);
        (void)rmdir(folder);
    }
    if (rv != APR_SUCCESS) {
        close(workers->listener);
    }
    return rv;
}

apr_status_t di_workers_parent_make(di_workers_t **out, apr_pool_t *pprocess)
{
    di_workers_t *workers = apr_pcalloc(pprocess, sizeof(*workers));
    const char *temp;
    apr_status_t rv = apr_temp_dir_get(&temp, pprocess);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    workers->counts =
        mmap(NULL, sizeof(*workers->counts), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (workers->counts == MAP_FAILED) {
        return errno;
    }
    rv = open_listener(workers, temp);
    if (rv != APR_SUCCESS) {
        rv = open_listener(workers, "/tmp"); /* the other path was too long */
    }
    if (rv != APR_SUCCESS) {
        (void)munmap(workers->counts, sizeof(*workers->counts));
        return rv;
    }
    *out = workers;
    return APR_SUCCESS;
}

/* ---- the manager ---- */

static void care_alert(int reason, void *data, int how);

static apr_status_t start_manager(care_t *care)
{
    apr_status_t rv;

    care->conf.parent = getpid();
    care->started_us = di_clock_us(CLOCK_MONOTONIC);
    rv = apr_proc_fork(&care->proc, care->pconf);
    if (rv == APR_INCHILD) {
        di_manager_run(&care->conf);
    }
    if (rv != APR_INPARENT) {
        care->proc.pid = 0;
        return rv;
    }
    apr_proc_other_child_register(&care->proc, care_alert, care, NULL,
                                  care->pconf);
    care->registered = 1;
    return APR_SUCCESS;
}

/* APR's own clean-up of pconf may have come first; a second call crashes. */
static void unregister(care_t *care)
{
    if (care->registered) {
        apr_proc_other_child_unregister(care);
    }
}

static void start_again(care_t *care)
{
    apr_status_t rv = start_manager(care);

    if (rv != APR_SUCCESS) {
        ds_log(care->log, DS_LOG_ERROR, "DI0313", rv,
               "cannot start a render manager; it will be tried again");
    }
}

/* The manager is dead; httpd's parent has its exit status already. */
static void restart_manager(care_t *care)
{
    apr_uint64_t lived_us = di_clock_us(CLOCK_MONOTONIC) - care->started_us;

    unregister(care);
    care->proc.pid = 0;
    di_poolcount_alive(care->conf.counts, 0, di_clock_us(CLOCK_MONOTONIC));
    if (care->stopping()) {
        return;
    }
    care->conf.delay_ms =
        di_restart_delay_ms(&care->restart, 0, lived_us / 1000);
    ds_log(care->log, DS_LOG_ERROR, "DI0312", 0,
           "the render manager died; the next one begins work in %u s",
           (unsigned)(care->conf.delay_ms / 1000));
    start_again(care);
}

void di_workers_parent_maintain(di_workers_t *workers)
{
    care_t *care = workers ? workers->care : NULL;

    if (care && !care->proc.pid && care->owner == getpid() &&
        !care->stopping()) {
        start_again(care);
    }
}

/* Called by APR, in httpd's parent. */
static void care_alert(int reason, void *data, int how)
{
    care_t *care = data;

    if (reason == APR_OC_REASON_UNREGISTER) {
        care->registered = 0;
    }
    else if ((reason == APR_OC_REASON_DEATH || reason == APR_OC_REASON_LOST) &&
             care->proc.pid) {
        restart_manager(care);
    }
}

static int has_ended(pid_t pid)
{
    pid_t got = waitpid(pid, NULL, WNOHANG);

    return got == pid || (got < 0 && errno == ECHILD);
}

static void stop_manager(care_t *care)
{
    struct timespec step = {0, 1000000};
    pid_t pid = care->proc.pid;
    int waited_ms;

    (void)kill(pid, SIGTERM);
    for (waited_ms = 0; waited_ms < MANAGER_STOP_WAIT_MS; waited_ms++) {
        if (has_ended(pid)) {
            return;
        }
        (void)nanosleep(&step, NULL);
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

/* pconf is cleared.  httpd's children have this pool too. */
static apr_status_t end_care(void *data)
{
    care_t *care = data;

    if (care->proc.pid && care->owner == getpid()) {
        stop_manager(care);
        unregister(care);
        care->proc.pid = 0;
        di_poolcount_alive(care->conf.counts, 0, di_clock_us(CLOCK_MONOTONIC));
    }
    care->workers->care = NULL;
    return APR_SUCCESS;
}

/* ---- settings ---- */

/* Only a root parent can and must change the user of its renderers. */
static apr_status_t find_user(di_sandbox_t *sandbox, const char *name,
                              apr_pool_t *p)
{
    char *end;

    if (geteuid() != 0) {
        return APR_SUCCESS;
    }
    if (!name || !name[0]) {
        return APR_EINVAL;
    }
    if (name[0] == '#') {
        sandbox->uid = (uid_t)apr_strtoi64(name + 1, &end, 10);
        sandbox->gid = (gid_t)sandbox->uid;
        if (!name[1] || *end) {
            return APR_EINVAL;
        }
    }
    else {
        apr_status_t rv = apr_uid_get(&sandbox->uid, &sandbox->gid, name, p);

        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    sandbox->drop = 1;
    return sandbox->uid && sandbox->gid ? APR_SUCCESS : APR_EINVAL;
}

static int is_legal(const di_workers_conf_t *conf)
{
    return conf->renderers >= 1 &&
           conf->renderers <= DI_MANAGER_RENDERERS_MAX && conf->queue >= 1 &&
           conf->queue <= DI_QUEUE_PLACES_MAX && conf->age_ms &&
           conf->formats && !(conf->formats & ~DI_FORMATS_IN) &&
           conf->memory_bytes && conf->time_limit_ms;
}

static care_t *make_care(di_workers_t *workers, const di_workers_conf_t *conf,
                         int (*stopping)(void), apr_pool_t *pconf)
{
    care_t *care = apr_pcalloc(pconf, sizeof(*care));

    care->workers = workers;
    care->conf.renderers = conf->renderers;
    care->conf.listener = workers->listener;
    care->conf.sandbox.memory_bytes = conf->memory_bytes;
    care->conf.time_limit_ms = conf->time_limit_ms;
    care->conf.queue = conf->queue;
    care->conf.age_ms = conf->age_ms;
    care->conf.formats = conf->formats;
    care->conf.recycle_jobs = conf->recycle_jobs;
    care->conf.recycle_bytes = conf->recycle_bytes;
    care->conf.counts = workers->counts;
    care->conf.log_upto = conf->log ? conf->log->upto : DS_LOG_NOTICE;
    care->log = conf->log;
    care->stopping = stopping;
    care->pconf = pconf;
    care->owner = getpid();
    return care;
}

apr_status_t di_workers_parent_start(di_workers_t *workers,
                                     const di_workers_conf_t *conf,
                                     int (*stopping)(void), apr_pool_t *pconf)
{
    care_t *care;
    apr_status_t rv;

    workers->renderers = 0;
    if (!is_legal(conf)) {
        return APR_EINVAL;
    }
    care = make_care(workers, conf, stopping, pconf);
    rv = find_user(&care->conf.sandbox, conf->user, pconf);
    if (rv != APR_SUCCESS) {
        ds_log(conf->log, DS_LOG_ERROR, "DI0314", rv,
               "renderers need a user that exists and is not root: \"%s\"",
               conf->user ? conf->user : "");
        return rv;
    }
    if (listen(workers->listener, conf->queue + DI_MANAGER_BURST)) {
        return errno;
    }
    di_poolcount_hope(workers->counts, di_clock_us(CLOCK_MONOTONIC),
                      DI_POOL_START_MS);
    rv = start_manager(care);
    if (rv == APR_SUCCESS) {
        workers->care = care;
        workers->renderers = conf->renderers;
        workers->owner = care->owner;
        workers->time_limit_ms = conf->time_limit_ms;
        apr_pool_cleanup_register(pconf, care, end_care, apr_pool_cleanup_null);
    }
    return rv;
}
