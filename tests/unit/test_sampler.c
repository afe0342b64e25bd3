/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_atomic.h>
#include <apr_thread_proc.h>

#include "speed/sampler.h"

static apr_status_t read_fd(sp_tcp_t *out, int fd)
{
    memset(out, 0, sizeof(*out));
    out->acked_bytes = (apr_uint64_t)fd;
    return fd == 99 ? APR_EBADF : APR_SUCCESS;
}

typedef struct {
    sp_watch_t watch;
    volatile apr_uint32_t looks;
    apr_uint32_t wanted; /* 0: endless */
    int fd_seen;
    apr_status_t rv_seen;
    int clock_ran_back;
} looked_t;

static apr_interval_time_t on_look(void *baton, apr_status_t rv,
                                   const sp_tcp_t *tcp, apr_time_t before,
                                   apr_time_t now)
{
    looked_t *l = baton;

    l->fd_seen = (int)tcp->acked_bytes;
    l->rv_seen = rv;
    l->clock_ran_back |= before > now;
    return apr_atomic_inc32(&l->looks) + 1 == l->wanted ? 0 : 1;
}

static void watch(sp_sampler_t *s, looked_t *l, int fd, apr_uint32_t wanted)
{
    l->watch.fd = fd;
    l->watch.on_look = on_look;
    l->watch.baton = l;
    l->wanted = wanted;
    assert_int_equal(sp_sampler_watch(s, &l->watch, 0), 1);
}

static void await(looked_t *l, apr_uint32_t looks)
{
    while (apr_atomic_read32(&l->looks) < looks) {
        apr_sleep(1000); /* the test driver ends what hangs */
    }
}

static sp_sampler_t *make(apr_pool_t *p)
{
    sp_sampler_t *s;

    assert_int_equal(sp_sampler_make(&s, apr_time_now, read_fd, 1, p), 0);
    return s;
}

static void looks_go_on_until_the_caller_has_enough(void **state)
{
    sp_sampler_t *s = make(*state);
    looked_t a = {0}, b = {0};

    watch(s, &a, 7, 3);
    watch(s, &b, 99, 0);
    await(&a, 3);
    await(&b, 5);
    assert_int_equal(a.fd_seen, 7);
    assert_int_equal(b.rv_seen, APR_EBADF);
    assert_int_equal(b.clock_ran_back, 0);
    sp_sampler_forget(s, &b.watch);
    assert_int_equal(a.looks, 3);
    assert_int_equal(a.watch.place, 0);
}

static void what_is_forgotten_is_never_looked_at(void **state)
{
    sp_sampler_t *s = make(*state);
    looked_t l[20];
    apr_uint32_t seen[20];
    int i;

    memset(l, 0, sizeof(l));
    for (i = 0; i < 20; i++) {
        watch(s, &l[i], i, 0);
    }
    for (i = 0; i < 20; i += 2) {
        sp_sampler_forget(s, &l[i].watch);
        sp_sampler_forget(s, &l[i].watch); /* twice does no harm */
        seen[i] = apr_atomic_read32(&l[i].looks);
    }
    await(&l[1], apr_atomic_read32(&l[1].looks) + 5);
    for (i = 0; i < 20; i += 2) {
        assert_int_equal(apr_atomic_read32(&l[i].looks), seen[i]);
    }
}

static void places_are_bounded_and_come_back(void **state)
{
    sp_sampler_t *s = make(*state);
    looked_t *l = apr_pcalloc(*state, (SP_SAMPLER_MAX + 1) * sizeof(*l));
    looked_t *last = &l[SP_SAMPLER_MAX];
    int i;

    for (i = 0; i < SP_SAMPLER_MAX; i++) {
        watch(s, &l[i], i, 0);
    }
    last->watch.on_look = on_look;
    last->watch.baton = last;
    assert_int_equal(sp_sampler_watch(s, &last->watch, 0), 0);
    sp_sampler_forget(s, &l[5].watch);
    watch(s, last, 3, 1);
    await(last, 1);
}

typedef struct {
    sp_sampler_t *s;
    int ended;
} hammer_t;

/* Connections that come and go while the sampler looks at them. */
static void *APR_THREAD_FUNC hammer(apr_thread_t *thread, void *baton)
{
    hammer_t *h = baton;
    int i;

    for (i = 0; i < 3000; i++) {
        looked_t l = {.watch = {.on_look = on_look, .fd = i}};
        l.watch.baton = &l;
        if (sp_sampler_watch(h->s, &l.watch, 0)) {
            sp_sampler_watch(h->s, &l.watch, 5);
            sp_sampler_forget(h->s, &l.watch);
        }
        h->ended += l.watch.place == 0;
    }
    return NULL;
}

static void many_threads_at_once_do_no_harm(void **state)
{
    hammer_t h[4] = {{make(*state), 0}};
    apr_thread_t *thread[4];
    apr_status_t rv;
    int i;

    for (i = 0; i < 4; i++) {
        h[i].s = h[0].s;
        assert_int_equal(
            apr_thread_create(&thread[i], NULL, hammer, &h[i], *state), 0);
    }
    for (i = 0; i < 4; i++) {
        assert_int_equal(apr_thread_join(&rv, thread[i]), 0);
        assert_int_equal(h[i].ended, 3000);
    }
}

static void none_is_as_good_as_a_full_one(void **state)
{
    looked_t l = {0};

    assert_int_equal(sp_sampler_watch(NULL, &l.watch, 0), 0);
    sp_sampler_forget(NULL, &l.watch);
}

/* P16: whatever the socket is, reading it ends well. */
static void p16_sockets_without_tcp_info_say_so(void **state)
{
    int pair[2];
    sp_tcp_t tcp = {.acked_bytes = 1};

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(sp_tcp_read(&tcp, pair[0]), APR_ENOTIMPL);
    assert_int_equal(tcp.acked_bytes, 0);
    close(pair[0]);
    close(pair[1]);
    assert_int_not_equal(sp_tcp_read(&tcp, -1), APR_SUCCESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(looks_go_on_until_the_caller_has_enough),
        UNIT(what_is_forgotten_is_never_looked_at),
        UNIT(places_are_bounded_and_come_back),
        UNIT(many_threads_at_once_do_no_harm),
        UNIT(none_is_as_good_as_a_full_one),
        UNIT(p16_sockets_without_tcp_info_say_so),
    };

    return UNIT_RUN(tests);
}
