/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread, one epoll, nothing that blocks:
 *
 *   listener  -> a caller: its connection gets a place, its order is awaited
 *   caller    -> order + original: into the queue; or it hangs up: out of it
 *   renderer  -> "free": the next job goes there, with the caller's
 *                connection, which is then closed here: the answer does not
 *                pass through this process, and when a renderer dies, its
 *                caller sees the end of the connection
 *   control   -> a new renderer's socket
 *
 * A renderer that has a job for longer than the job has time is let go.  Its
 * own timer should have ended it before; so the manager, which is told of
 * every renderer that was let go, ends it.
 *
 * The last of several renderers that is free takes no job for which nobody
 * waits: such jobs may be long, and who comes then would wait for their end.
 *
 * It sees no picture: originals are descriptors that it passes on, and may
 * not even read.  What callers and renderers say is checked, and bounded: so
 * many connections, one order each, one word of a renderer for one job.
 *
 * One event is taken at a time, so that none is about something that another
 * one has just closed.
 */
#include "render/dispatcher.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "render/clock.h"
#include "render/fdmsg.h"
#include "render/queue.h"
#include "render/ready.h"
#include "render/renderer.h"
#include "render/wire.h"

/* A caller sends its order right behind the connect. */
#define ORDER_WAIT_US 200000

/* How often deadlines are looked at; callers watch theirs themselves. */
#define TICK_MS 10

/* Connections beyond the places of the queue: those whose order is awaited,
   or that are about to be told that there is no place. */
#define RESERVE 32

/* Renderers, those included that are gone but not noticed yet. */
#define HANDS_MAX 128

/* Descriptors beside callers' and renderers' own. */
#define OTHER_FILES 16

/* Beyond the time limit of a job, until a dispatcher that is to end does. */
#define LATE_MS 300

/* Beyond a job's deadline, until its renderer is let go. */
#define OVERDUE_MS 500

/* How often it is looked whether one is. */
#define OVERDUE_TICK_MS 100

enum { EXIT_NO_EVENTS = 12 };

/* A caller. */
typedef struct {
    int sock;     /* -1: place is free */
    int original; /* -1: the order has not come yet */
    apr_uint64_t arrived_us;
    di_order_t order;
} caller_t;

/* A renderer. */
typedef struct {
    int sock; /* -1: place is free */
    int is_free;
    int has_job;
    apr_uint32_t number;   /* the manager's */
    apr_uint64_t client;   /* of its job */
    apr_uint64_t began_us; /* its job */
    apr_uint64_t due_us;   /* its job's deadline */
} hand_t;

typedef struct {
    const di_dispatcher_conf_t *conf;
    di_poolcount_t *counts;
    di_queue_t *queue;
    int events; /* epoll */
    int signals;
    int draining;         /* accepts no more */
    int listening;        /* the listener is among the events */
    int short_of_files;   /* or of memory: accepts none until the next tick */
    apr_uint64_t tick_us; /* the last one */
    int silent;           /* callers whose order is awaited */
    int callers_now, callers_max;
    caller_t *callers;
    hand_t hands[HANDS_MAX];
    apr_uint64_t now_us;
} dispatcher_t;

/* What an event is about: kind << 32 | index. */
enum { EVENT_LISTENER, EVENT_CONTROL, EVENT_SIGNAL, EVENT_CALLER, EVENT_HAND };

static int watch(const dispatcher_t *d, int how, int fd, apr_uint32_t what,
                 int kind, int index)
{
    struct epoll_event event = {.events = what};

    event.data.u64 = (apr_uint64_t)kind << 32 | (apr_uint32_t)index;
    return epoll_ctl(d->events, how, fd, &event);
}

/* Not left to close(): a connection that a renderer has too would stay among
   the events. */
static void unwatch(const dispatcher_t *d, int fd)
{
    (void)epoll_ctl(d->events, EPOLL_CTL_DEL, fd, NULL);
}

/* ---- callers ---- */

static void listen_if_room(dispatcher_t *d)
{
    int wanted =
        !d->draining && !d->short_of_files && d->callers_now < d->callers_max;

    if (wanted && !d->listening) {
        d->listening = !watch(d, EPOLL_CTL_ADD, d->conf->listener, EPOLLIN,
                              EVENT_LISTENER, 0);
    }
    else if (!wanted && d->listening) {
        unwatch(d, d->conf->listener);
        d->listening = 0;
    }
}

static void let_caller_go(dispatcher_t *d, caller_t *caller)
{
    unwatch(d, caller->sock);
    close(caller->sock);
    if (caller->original >= 0) {
        close(caller->original);
    }
    else {
        d->silent--;
    }
    caller->sock = caller->original = -1;
    d->callers_now--;
    listen_if_room(d);
}

static void tell_caller(dispatcher_t *d, caller_t *caller,
                        di_render_status_e status)
{
    unsigned char frame[DI_WIRE_RESULT_BYTES];
    di_result_t result = {.status = (apr_uint32_t)status};

    di_wire_put_result(frame, &result);
    (void)di_fdmsg_send(caller->sock, frame, sizeof(frame), -1);
    let_caller_go(d, caller);
}

static void enqueue(dispatcher_t *d, caller_t *caller)
{
    const di_job_t *job = &caller->order.job;
    di_waiting_t waiting = {.job = caller,
                            .urgency = job->urgency,
                            .priority = job->priority,
                            .client = job->client,
                            .deadline_us = di_wire_latest_us(
                                &caller->order, d->conf->time_limit_ms),
                            .arrived_us = caller->arrived_us},
                 out;

    if (di_queue_add(d->queue, &out, &waiting, d->now_us)) {
        di_poolcount_add(
            d->counts, out.job == caller ? DI_POOL_REFUSED : DI_POOL_PUSHED_OUT,
            1);
        tell_caller(d, out.job, DI_RENDER_BUSY);
    }
}

/* No job stays longer than any may take, whatever its caller says: a
   dispatcher that is to end waits for those that it has. */
static void bound_deadline(const dispatcher_t *d, di_order_t *order)
{
    apr_uint64_t latest =
        d->now_us + (apr_uint64_t)d->conf->time_limit_ms * 1000;

    if (order->deadline_us > latest) {
        order->deadline_us = latest;
    }
}

/* The order, if it is there. */
static void hear_caller(dispatcher_t *d, caller_t *caller)
{
    unsigned char frame[DI_WIRE_JOB_BYTES];
    int original;
    apr_ssize_t len;

    errno = 0;
    len = di_fdmsg_receive(caller->sock, frame, sizeof(frame), &original);
    if (len < 0 && errno == EAGAIN) {
        return;
    }
    if (len <= 0 || original < 0 ||
        !di_wire_get_order(&caller->order, frame, (apr_size_t)len)) {
        if (original >= 0) {
            close(original);
        }
        let_caller_go(d, caller);
        return;
    }
    caller->original = original;
    d->silent--;
    bound_deadline(d, &caller->order);
    (void)watch(d, EPOLL_CTL_MOD, caller->sock, EPOLLRDHUP, EVENT_CALLER,
                (int)(caller - d->callers));
    enqueue(d, caller);
}

static void on_caller(dispatcher_t *d, caller_t *caller)
{
    if (caller->original < 0) {
        hear_caller(d, caller);
        return;
    }
    /* Nothing but its end is watched for now. */
    if (di_queue_remove(d->queue, caller)) {
        di_poolcount_add(d->counts, DI_POOL_HUNG_UP, 1);
    }
    let_caller_go(d, caller);
}

static caller_t *free_place(dispatcher_t *d)
{
    int i;

    for (i = 0; i < d->callers_max; i++) {
        if (d->callers[i].sock < 0) {
            return &d->callers[i];
        }
    }
    return NULL;
}

/* What accept4 needs is used up, here or in the whole system; the caller is
   still there, and so would be the event. */
static int is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM ||
           error == ENOBUFS;
}

static void on_listener(dispatcher_t *d)
{
    int sock =
        accept4(d->conf->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    caller_t *caller = sock >= 0 ? free_place(d) : NULL;

    if (!caller) {
        if (sock >= 0) {
            close(sock);
        }
        else if (is_shortage(errno)) {
            d->short_of_files = 1;
            listen_if_room(d);
        }
        return;
    }
    caller->sock = sock;
    caller->original = -1;
    caller->arrived_us = d->now_us;
    d->silent++;
    d->callers_now++;
    if (watch(d, EPOLL_CTL_ADD, sock, EPOLLIN | EPOLLRDHUP, EVENT_CALLER,
              (int)(caller - d->callers))) {
        let_caller_go(d, caller);
        return;
    }
    listen_if_room(d);
    hear_caller(d, caller);
}

/* ---- the beginning of the end ---- */

static void arm(apr_uint32_t span_ms)
{
    struct itimerval timer = {
        .it_value = {(time_t)(span_ms / 1000),
                     (suseconds_t)(span_ms % 1000) * 1000}};

    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

/* From now on the callers that are here are served, and no others; those in
   the listener's backlog are the next dispatcher's, and so are the counts of
   what waits and runs. */
static void drain(dispatcher_t *d)
{
    if (!d->draining) {
        d->draining = 1;
        listen_if_room(d);
        arm(d->conf->time_limit_ms + LATE_MS);
    }
}

/* ---- renderers ---- */

static void end_job(dispatcher_t *d, hand_t *hand)
{
    if (hand->has_job) {
        di_queue_done(d->queue, hand->client);
        di_poolcount_add(d->counts, DI_POOL_BUSY_US,
                         d->now_us - hand->began_us);
        hand->has_job = 0;
    }
}

static int is_overdue(const dispatcher_t *d, const hand_t *hand)
{
    return hand->has_job && hand->due_us + OVERDUE_MS * 1000 <= d->now_us;
}

static void let_hand_go(dispatcher_t *d, hand_t *hand)
{
    di_let_go_t told = {hand->number, (apr_uint32_t)is_overdue(d, hand)};

    (void)di_fdmsg_send(d->conf->control, &told, sizeof(told), -1);
    end_job(d, hand);
    unwatch(d, hand->sock);
    close(hand->sock);
    memset(hand, 0, sizeof(*hand));
    hand->sock = -1;
}

/* A word, which is all that a renderer may say; else its end. */
static void on_hand(dispatcher_t *d, hand_t *hand)
{
    char word = 0;
    int none;
    apr_ssize_t len = di_fdmsg_receive(hand->sock, &word, 1, &none);

    if (none >= 0) {
        close(none);
    }
    /* The last renderers of a pool that ends are not replaced. */
    if (len != 1 || hand->is_free ||
        (word != DI_RENDERER_FREE &&
         !(word == DI_RENDERER_WORN && d->draining))) {
        let_hand_go(d, hand);
        return;
    }
    end_job(d, hand);
    hand->is_free = 1;
}

static void on_control(dispatcher_t *d)
{
    apr_uint32_t number = 0;
    int sock, i;
    apr_ssize_t len =
        di_fdmsg_receive(d->conf->control, &number, sizeof(number), &sock);

    if (len == 0) {
        unwatch(d, d->conf->control);
        drain(d);
        return;
    }
    for (i = 0; i < HANDS_MAX && sock >= 0; i++) {
        hand_t *hand = &d->hands[i];

        if (hand->sock < 0 &&
            !watch(d, EPOLL_CTL_ADD, sock, EPOLLIN, EVENT_HAND, i)) {
            hand->sock = sock;
            hand->number = number;
            return;
        }
    }
    if (sock >= 0) {
        close(sock); /* which ends that renderer */
    }
}

static hand_t *free_hand(dispatcher_t *d)
{
    int i;

    for (i = 0; i < HANDS_MAX; i++) {
        if (d->hands[i].sock >= 0 && d->hands[i].is_free) {
            return &d->hands[i];
        }
    }
    return NULL;
}

static int count_free(const dispatcher_t *d)
{
    int i, count = 0;

    for (i = 0; i < HANDS_MAX; i++) {
        count += d->hands[i].sock >= 0 && d->hands[i].is_free;
    }
    return count;
}

static int count_hands(const dispatcher_t *d, int with_job)
{
    int i, count = 0;

    for (i = 0; i < HANDS_MAX; i++) {
        count += d->hands[i].sock >= 0 && (!with_job || d->hands[i].has_job);
    }
    return count;
}

/* Returns 0 when the renderer is gone. */
static int give(dispatcher_t *d, hand_t *hand, const caller_t *caller)
{
    unsigned char frame[DI_WIRE_JOB_BYTES];
    int fds[2] = {caller->sock, caller->original};

    di_wire_put_order(frame, &caller->order);
    return di_fdmsg_send_many(hand->sock, frame, sizeof(frame), fds, 2);
}

static int take_next(dispatcher_t *d, di_waiting_t *next)
{
    return count_free(d) == 1 && count_hands(d, 0) > 1
               ? di_queue_take_awaited(d->queue, next, d->now_us)
               : di_queue_take(d->queue, next, d->now_us);
}

/* The next job to this renderer, or to another when it is gone.  Returns 0
   when there is none for it. */
static int hand_out_next(dispatcher_t *d, hand_t *hand)
{
    di_waiting_t next;
    caller_t *caller;

    if (!take_next(d, &next)) {
        return 0;
    }
    caller = next.job;
    di_poolcount_add(d->counts, DI_POOL_TAKEN, 1);
    di_poolcount_add(d->counts, DI_POOL_WAIT_US, d->now_us - next.arrived_us);
    while (hand && !give(d, hand, caller)) {
        let_hand_go(d, hand);
        hand = free_hand(d);
    }
    if (!hand) {
        di_queue_done(d->queue, next.client);
        enqueue(d, caller);
        return 1;
    }
    hand->is_free = 0;
    hand->has_job = 1;
    hand->client = next.client;
    hand->began_us = d->now_us;
    hand->due_us = caller->order.deadline_us;
    let_caller_go(d, caller);
    return 1;
}

static void hand_out(dispatcher_t *d)
{
    hand_t *hand;

    while (di_queue_count(d->queue) && (hand = free_hand(d)) &&
           hand_out_next(d, hand)) {
    }
}

/* ---- time ---- */

static void refuse_all(dispatcher_t *d)
{
    di_waiting_t next;

    while (di_queue_take(d->queue, &next, d->now_us)) {
        di_queue_done(d->queue, next.client);
        di_poolcount_add(d->counts, DI_POOL_REFUSED, 1);
        tell_caller(d, next.job, DI_RENDER_NO_POOL);
    }
}

/* What can no longer be done in time is told so while its caller still has
   time for something else.  It is the queue's fault, not the picture's. */
static void expire(dispatcher_t *d)
{
    di_waiting_t late;
    int i;

    if (!d->draining && di_poolcount_is_hopeless(d->counts, d->now_us)) {
        refuse_all(d);
    }

    while (di_queue_expire(d->queue, &late, d->now_us)) {
        di_poolcount_add(d->counts, DI_POOL_EXPIRED, 1);
        tell_caller(d, late.job, DI_RENDER_BUSY);
    }
    for (i = 0; d->silent && i < d->callers_max; i++) {
        caller_t *caller = &d->callers[i];

        if (caller->sock >= 0 && caller->original < 0 &&
            caller->arrived_us + ORDER_WAIT_US <= d->now_us) {
            let_caller_go(d, caller);
        }
    }
}

/* Nobody waits for their answers any more. */
static void drop_overdue(dispatcher_t *d)
{
    int i;

    for (i = 0; i < HANDS_MAX; i++) {
        if (d->hands[i].sock >= 0 && is_overdue(d, &d->hands[i])) {
            let_hand_go(d, &d->hands[i]);
        }
    }
}

static void tick(dispatcher_t *d)
{
    if (d->now_us >= d->tick_us + TICK_MS * 1000) {
        d->tick_us = d->now_us;
        d->short_of_files = 0;
        listen_if_room(d);
        drop_overdue(d);
    }
}

/* Until there is something to do without any event, ms; -1: never. */
static int wait_ms(const dispatcher_t *d)
{
    if (d->callers_now || d->short_of_files) {
        return TICK_MS;
    }
    return count_hands(d, 1) ? OVERDUE_TICK_MS : -1;
}

/* ---- the end ---- */

/* Their callers send them again, to the next dispatcher. */
static void send_away_all(dispatcher_t *d)
{
    di_waiting_t next;

    while (di_queue_take(d->queue, &next, d->now_us)) {
        di_queue_done(d->queue, next.client);
        let_caller_go(d, next.job);
    }
}

/* Whether a dispatcher that is to end is done. */
static int is_done(dispatcher_t *d)
{
    if (!count_hands(d, 0)) {
        send_away_all(d); /* the last renderers died, or were worn */
    }
    return !d->callers_now && !count_hands(d, 1);
}

/* ---- the process ---- */

static int count_alive(const dispatcher_t *d)
{
    return count_free(d) + count_hands(d, 1);
}

static void publish(dispatcher_t *d)
{
    if (!d->draining) {
        di_poolcount_set(d->counts, DI_POOL_WAITING, di_queue_count(d->queue));
        di_poolcount_set(d->counts, DI_POOL_RUNNING,
                         (apr_uint64_t)count_hands(d, 1));
        di_poolcount_alive(d->counts, (apr_uint64_t)count_alive(d), d->now_us);
    }
}

static void handle(dispatcher_t *d, apr_uint64_t what)
{
    apr_uint32_t index = (apr_uint32_t)what;

    switch (what >> 32) {
    case EVENT_LISTENER:
        on_listener(d);
        break;
    case EVENT_CONTROL:
        on_control(d);
        break;
    case EVENT_SIGNAL:
        unwatch(d, d->signals);
        drain(d);
        break;
    case EVENT_CALLER:
        on_caller(d, &d->callers[index]);
        break;
    default:
        on_hand(d, &d->hands[index]);
        break;
    }
}

static int serve(dispatcher_t *d)
{
    for (;;) {
        struct epoll_event event;
        int got;

        d->now_us = di_clock_us(CLOCK_MONOTONIC);
        tick(d);
        expire(d);
        hand_out(d);
        publish(d);
        if (d->draining && is_done(d)) {
            return 0;
        }
        got = epoll_wait(d->events, &event, 1, wait_ms(d));
        if (got < 0 && errno != EINTR) {
            return EXIT_NO_EVENTS;
        }
        if (got > 0) {
            d->now_us = di_clock_us(CLOCK_MONOTONIC);
            handle(d, event.data.u64);
        }
    }
}

static int stop_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_SETMASK, &set, NULL)) {
        return -1;
    }
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* As many callers as there are descriptors for: two each. */
static int most_callers(const di_dispatcher_conf_t *conf)
{
    int wanted = conf->places + RESERVE, most;
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) ||
        files.rlim_cur < HANDS_MAX + OTHER_FILES + 2) {
        return 0;
    }
    if (files.rlim_cur > INT_MAX) {
        return wanted;
    }
    most = ((int)files.rlim_cur - HANDS_MAX - OTHER_FILES) / 2;
    return wanted < most ? wanted : most;
}

static const char *make_places(dispatcher_t *d)
{
    int i;

    d->callers_max = most_callers(d->conf);
    if (!d->callers_max) {
        return "too few open files are allowed";
    }
    d->callers = calloc((size_t)d->callers_max, sizeof(*d->callers));
    d->queue = di_queue_make((unsigned)d->conf->places, d->conf->age_ms);
    if (!d->callers || !d->queue) {
        return "no memory for the queue";
    }
    for (i = 0; i < d->callers_max; i++) {
        d->callers[i].sock = d->callers[i].original = -1;
    }
    for (i = 0; i < HANDS_MAX; i++) {
        d->hands[i].sock = -1;
    }
    return NULL;
}

static const char *make_events(dispatcher_t *d)
{
    d->signals = stop_signals();
    d->events = epoll_create1(EPOLL_CLOEXEC);
    if (d->signals < 0 || d->events < 0 ||
        watch(d, EPOLL_CTL_ADD, d->signals, EPOLLIN, EVENT_SIGNAL, 0) ||
        watch(d, EPOLL_CTL_ADD, d->conf->control, EPOLLIN, EVENT_CONTROL, 0)) {
        return "no descriptor for events";
    }
    listen_if_room(d);
    return NULL;
}

static const char *start(dispatcher_t *d)
{
    const char *failed = di_sandbox_enter(&d->conf->sandbox);

    failed = failed ? failed : make_places(d);
    failed = failed ? failed : make_events(d);
    return failed ? failed : di_sandbox_close(&d->conf->sandbox);
}

int di_dispatcher_files(int places)
{
    return 2 * (places + RESERVE) + HANDS_MAX + OTHER_FILES;
}

int di_dispatcher_run(const di_dispatcher_conf_t *conf)
{
    dispatcher_t d = {.conf = conf, .counts = conf->counts};
    const char *failed = start(&d);

    di_ready_tell(conf->ready, failed);
    return failed ? DI_READY_NOT : serve(&d);
}
