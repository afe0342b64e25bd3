/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>

#include "store/purges.h"

#define NOW apr_time_from_sec(1700000000)

/* Memory that forked processes share. */
static void *shared_memory(void)
{
    void *at = mmap(NULL, di_purges_bytes(), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(at, MAP_FAILED);
    return at;
}

static di_purges_t *fresh(apr_pool_t *p)
{
    void *mem = apr_pcalloc(p, di_purges_bytes());

    return di_purges_init(mem);
}

static apr_uint64_t purge(di_purges_t *purges, const char *site,
                          const char *path)
{
    apr_uint64_t stamp = 0;

    assert_int_equal(di_purges_add(&stamp, purges, site, path, NOW),
                     APR_SUCCESS);
    return stamp;
}

static void merge(int *news, int *theirs, di_purges_t *to,
                  const di_purges_t *from, apr_pool_t *p)
{
    const char *data;
    apr_size_t bytes;

    di_purges_export(&data, &bytes, from, p);
    assert_int_equal(di_purges_merge(news, theirs, to, data, bytes, NOW),
                     APR_SUCCESS);
}

static void assert_same_map(const di_purges_t *a, const di_purges_t *b,
                            apr_pool_t *p)
{
    const char *x, *y;
    apr_size_t x_bytes, y_bytes;

    di_purges_export(&x, &x_bytes, a, p);
    di_purges_export(&y, &y_bytes, b, p);
    assert_int_equal(x_bytes, y_bytes);
    assert_memory_equal(x, y, x_bytes);
}

/* ---- what a purge covers ---- */

static const struct {
    const char *site, *path; /* of the purge */
    const char *of, *url;    /* asked for */
    int covered;
} covers[] = {{"a.example", "/x.jpg", "a.example", "/x.jpg", 1},
              {"a.example", "/x.jpg", "a.example", "/x.jpgs", 0},
              {"a.example", "/x.jpg", "a.example", "/X.jpg", 0},
              {"a.example", "/x.jpg", "b.example", "/x.jpg", 0},
              {"a.example", "/x", "a.example", "/x/y.jpg", 0},
              {"a.example", "/x", "a.example", "/x/", 0},
              {"a.example", "/x/", "a.example", "/x/", 1},
              {"a.example", "/x/", "a.example", "/x/y.jpg", 1},
              {"a.example", "/x/", "a.example", "/x/y/z/a.jpg", 1},
              {"a.example", "/x/", "a.example", "/x", 0},
              {"a.example", "/x/", "a.example", "/xy/a.jpg", 0},
              {"a.example", "/x/", "a.example", "/y/x/a.jpg", 0},
              {"a.example", "/x/y/", "a.example", "/x/a.jpg", 0},
              {"a.example", "/x/y/", "b.example", "/x/y/a.jpg", 0},
              {"a.example", "/", "a.example", "/", 1},
              {"a.example", "/", "a.example", "/x/y/a.jpg", 1},
              {"a.example", "/", "a.example", "*", 1},
              {"a.example", "/", "b.example", "/x/y/a.jpg", 0},
              {"a.example", "/", "a.example.b.example", "/", 0},
              {NULL, NULL, "a.example", "/x/y/a.jpg", 1},
              {NULL, NULL, "", "", 1},
              {"", "/x", "", "/x", 1}};

static void a_purge_covers_what_it_names_and_nothing_else(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(covers) / sizeof(*covers); i++) {
        di_purges_t *purges = fresh(*state);
        apr_uint64_t stamp, found;

        assert_int_equal(di_purges_version(purges), 0);
        assert_int_equal(di_purges_stamp(purges, covers[i].of, covers[i].url),
                         0);
        stamp = purge(purges, covers[i].site, covers[i].path);
        found = di_purges_stamp(purges, covers[i].of, covers[i].url);
        if (found != (covers[i].covered ? stamp : 0)) {
            print_message("case %d\n", (int)i);
        }
        assert_int_equal(found, covers[i].covered ? stamp : 0);
        assert_true(di_purges_version(purges) > 0);
    }
    assert_int_equal(di_purges_stamp(NULL, "a.example", "/"), 0);
}

static void the_newest_of_all_that_cover_counts(void **state)
{
    static const char *const paths[] = {"/a/b/c.jpg", "/a/b/", "/a/", "/"};
    di_purges_t *purges = fresh(*state);
    apr_uint64_t before = 0;
    int round, i;

    for (round = 0; round < 8; round++) {
        for (i = 0; i < 5; i++) {
            int which = round % 2 ? i : 4 - i;
            apr_uint64_t stamp = which == 4
                                     ? purge(purges, NULL, NULL)
                                     : purge(purges, "a.example", paths[which]);
            assert_true(stamp > before);
            assert_int_equal(di_purges_stamp(purges, "a.example", "/a/b/c.jpg"),
                             stamp);
            before = stamp;
        }
    }
}

static void a_path_without_its_slash_is_refused(void **state)
{
    di_purges_t *purges = fresh(*state);
    apr_uint64_t stamp;

    assert_int_equal(di_purges_add(&stamp, purges, "a", "x.jpg", NOW),
                     APR_EINVAL);
    assert_int_equal(di_purges_add(&stamp, purges, "a", "", NOW), APR_EINVAL);
    assert_int_equal(di_purges_add(&stamp, purges, "a", NULL, NOW), APR_EINVAL);
    assert_int_equal(di_purges_version(purges), 0);
}

static void deep_and_long_paths_are_purged_with_what_is_above(void **state)
{
    di_purges_t *purges = fresh(*state);
    char *deep = apr_pcalloc(*state, 4001), *longest;
    apr_uint64_t stamp;
    int i;

    for (i = 0; i < 2000; i++) {
        deep[2 * i] = '/';
        deep[2 * i + 1] = 'd';
    }
    stamp = purge(purges, "a", apr_pstrcat(*state, deep, "/", NULL));
    assert_int_equal(di_purges_stamp(purges, "a", deep), stamp);
    assert_int_equal(
        di_purges_stamp(purges, "a", apr_pstrcat(*state, deep, "/x", NULL)),
        stamp);
    deep[2 * DI_PURGES_DEPTH_MAX] = '\0';
    assert_int_equal(di_purges_stamp(purges, "a", deep), 0);
    longest = apr_pcalloc(*state, 20001);
    memset(longest, 'x', 20000);
    longest[0] = '/';
    stamp = purge(purges, "a", longest);
    assert_int_equal(di_purges_stamp(purges, "a", longest), stamp);
}

static void
what_was_purged_survives_its_process_and_no_other_layout(void **state)
{
    void *mem = apr_pcalloc(*state, di_purges_bytes());
    apr_uint64_t stamp = purge(di_purges_init(mem), "a", "/x/");

    assert_int_equal(di_purges_stamp(di_purges_init(mem), "a", "/x/y"), stamp);
    memset(mem, 0x5a, di_purges_bytes());
    assert_int_equal(di_purges_stamp(di_purges_init(mem), "a", "/x/y"), 0);
}

static void a_clock_that_goes_back_does_not_void_a_purge(void **state)
{
    di_purges_t *purges = fresh(*state);
    apr_uint64_t first = purge(purges, "a", "/"), second;

    assert_int_equal(di_purges_add(&second, purges, "a", "/x",
                                   NOW - apr_time_from_sec(315360000)),
                     APR_SUCCESS);
    assert_true(second > first);
    assert_int_equal(di_purges_stamp(purges, "a", "/x"), second);
}

/* ---- bounds ---- */

static void a_full_map_folds_the_site_with_most_places(void **state)
{
    di_purges_t *purges = fresh(*state);
    apr_uint64_t small = purge(purges, "small", "/only.jpg"), newest = 0;
    apr_uint64_t one, stamps[3 * DI_PURGES_MAX];
    int i, folded = 0;

    for (i = 0; i < 3 * DI_PURGES_MAX; i++) {
        stamps[i] = newest =
            purge(purges, "large", apr_psprintf(*state, "/%d.jpg", i));
    }
    for (i = 0; i < 3 * DI_PURGES_MAX; i++) {
        one = di_purges_stamp(purges, "large",
                              apr_psprintf(*state, "/%d.jpg", i));
        assert_true(one >= stamps[i] && one <= newest);
    }
    folded = di_purges_stamp(purges, "large", "/never-purged.jpg") > 0;
    assert_true(folded);
    assert_int_equal(di_purges_stamp(purges, "small", "/only.jpg"), small);
    assert_int_equal(di_purges_stamp(purges, "small", "/other.jpg"), 0);
    assert_int_equal(di_purges_stamp(purges, "third", "/other.jpg"), 0);
}

static void
more_sites_than_places_are_refused_and_nobody_else_is_purged(void **state)
{
    di_purges_t *purges = fresh(*state);
    apr_uint64_t stamp;
    apr_status_t rv = APR_SUCCESS;
    int i, kept = 0;

    for (i = 0; i < DI_PURGES_MAX + 3; i++) {
        rv = di_purges_add(&stamp, purges, apr_psprintf(*state, "s%d", i),
                           "/x/", NOW);
        kept += rv == APR_SUCCESS;
    }
    assert_int_equal(rv, APR_ENOSPC);
    assert_int_equal(kept, DI_PURGES_MAX);
    for (i = 0; i < kept; i++) {
        const char *site = apr_psprintf(*state, "s%d", i);
        assert_true(di_purges_stamp(purges, site, "/x/a") > 0);
        assert_int_equal(di_purges_stamp(purges, site, "/y/a"), 0);
    }
    assert_int_equal(di_purges_stamp(purges, "s4098", "/x/a"), 0);
    purge(purges, NULL, NULL);
    assert_true(di_purges_stamp(purges, "s4098", "/x/a") > 0);
    purge(purges, "s4098", "/x/");
}

static void folding_again_and_again_loses_nothing(void **state)
{
    di_purges_t *purges = fresh(*state);
    apr_uint64_t stamp[50];
    int round, i;

    for (round = 0; round < 15 * DI_PURGES_MAX; round++) {
        char site[16], path[32];
        int s = round % 50;
        apr_snprintf(site, sizeof(site), "s%d", s);
        apr_snprintf(path, sizeof(path), "/%d/", round);
        stamp[s] = purge(purges, site, path);
        if (round % 997 == 0) {
            assert_int_equal(di_purges_stamp(purges, site, path), stamp[s]);
        }
    }
    for (i = 0; i < 50; i++) {
        char site[16];
        apr_snprintf(site, sizeof(site), "s%d", i);
        assert_true(di_purges_stamp(purges, site, "/") <= stamp[i]);
    }
    assert_int_equal(di_purges_stamp(purges, "s50", "/"), 0);
}

/* ---- merging ---- */

static void a_merged_map_says_who_lacks_what(void **state)
{
    di_purges_t *a = fresh(*state), *b = fresh(*state);
    apr_uint64_t stamp;
    int news, theirs;

    merge(&news, &theirs, a, b, *state);
    assert_int_equal(news, 0);
    assert_int_equal(theirs, 0);
    assert_int_equal(di_purges_version(a), 0);
    stamp = purge(a, "s", "/x/");
    merge(&news, &theirs, a, b, *state);
    assert_int_equal(news, 0);
    assert_int_equal(theirs, 1);
    merge(&news, &theirs, b, a, *state);
    assert_int_equal(news, 1);
    assert_int_equal(theirs, 0);
    assert_true(di_purges_version(b) > 0);
    assert_int_equal(di_purges_stamp(b, "s", "/x/y"), stamp);
    merge(&news, &theirs, b, a, *state);
    assert_int_equal(news, 0);
    stamp = purge(b, NULL, NULL);
    assert_true(stamp > di_purges_stamp(a, "s", "/x/y"));
    merge(&news, &theirs, a, b, *state);
    assert_int_equal(news, 1);
    assert_int_equal(theirs, 0);
    assert_same_map(a, b, *state);
}

static void a_stamp_of_the_far_future_is_refused(void **state)
{
    di_purges_t *a = fresh(*state), *b = fresh(*state);
    apr_uint64_t stamp;
    const char *data;
    apr_size_t bytes;
    int news, theirs;

    assert_int_equal(
        di_purges_add(&stamp, a, "s", "/x", NOW + DI_PURGES_AHEAD_FOR + 1),
        APR_SUCCESS);
    di_purges_export(&data, &bytes, a, *state);
    assert_int_equal(di_purges_merge(&news, &theirs, b, data, bytes, NOW),
                     APR_SUCCESS);
    assert_int_equal(news, 0);
    assert_int_equal(di_purges_stamp(b, "s", "/x"), 0);
    assert_int_equal(di_purges_merge(&news, &theirs, b, data, bytes, NOW + 1),
                     APR_SUCCESS);
    assert_int_equal(news, 1);
}

static void bytes_that_are_no_map_change_nothing(void **state)
{
    di_purges_t *a = fresh(*state), *b = fresh(*state);
    const char *data;
    char *copy;
    apr_size_t bytes, i;
    int news, theirs;

    purge(a, NULL, NULL);
    purge(a, "s", "/x");
    purge(a, "t", "/y/");
    di_purges_export(&data, &bytes, a, *state);
    copy = apr_pmemdup(*state, data, bytes);
    for (i = 0; i < bytes; i++) {
        assert_int_equal(di_purges_merge(&news, &theirs, b, copy, i, NOW),
                         APR_EINVAL);
        copy[i] ^= 4;
        assert_int_equal(di_purges_merge(&news, &theirs, b, copy, bytes, NOW),
                         APR_EINVAL);
        copy[i] ^= 4;
    }
    assert_int_equal(di_purges_version(b), 0);
    assert_int_equal(di_purges_merge(&news, &theirs, b, copy, bytes, NOW),
                     APR_SUCCESS);
    assert_int_equal(news, 3);
}

/* What some machines purged, merged in any order, any number of times. */
static void merging_commutes_and_is_idempotent(void **state)
{
    enum { MACHINES = 5, ROUNDS = 30 };
    unsigned seed = 7;
    int round, i, n, news, theirs;

    for (round = 0; round < ROUNDS; round++) {
        di_purges_t *machine[MACHINES], *one, *other;
        apr_pool_t *p;
        apr_pool_create(&p, *state);
        for (i = 0; i < MACHINES; i++) {
            machine[i] = fresh(p);
            for (n = rand_r(&seed) % 60; n >= 0; n--) {
                apr_uint64_t stamp;
                int kind = rand_r(&seed) % 20;
                const char *site =
                    kind ? apr_psprintf(p, "s%d", rand_r(&seed) % 4) : NULL;
                const char *path =
                    kind < 3 ? "/"
                             : apr_psprintf(p, kind < 8 ? "/%d/" : "/1/%d",
                                            rand_r(&seed) % 12);
                assert_int_equal(di_purges_add(&stamp, machine[i], site, path,
                                               NOW + rand_r(&seed) % 1000),
                                 APR_SUCCESS);
            }
        }
        one = fresh(p);
        other = fresh(p);
        for (i = 0; i < MACHINES; i++) {
            merge(&news, &theirs, one, machine[i], p);
        }
        for (i = 0; i < 40; i++) {
            merge(&news, &theirs, other, machine[rand_r(&seed) % MACHINES], p);
        }
        for (i = MACHINES - 1; i >= 0; i--) {
            merge(&news, &theirs, other, machine[i], p);
        }
        assert_same_map(one, other, p);
        merge(&news, &theirs, one, other, p);
        assert_int_equal(news + theirs, 0);
        apr_pool_destroy(p);
    }
}

static void a_hundred_thousand_merges_stay_within_the_bounds(void **state)
{
    di_purges_t *map = fresh(*state), *small = fresh(*state);
    const char *data;
    apr_size_t bytes;
    apr_uint64_t stamp;
    int i, news, theirs;

    for (i = 0; i < 100000; i++) {
        apr_pool_t *p;
        apr_pool_create(&p, *state);
        if (i % 10 == 0) {
            small = di_purges_init(memset(small, 0, di_purges_bytes()));
            assert_int_equal(
                di_purges_add(&stamp, small, apr_psprintf(p, "s%d", i % 7),
                              apr_psprintf(p, "/%d", i % 700), NOW + i),
                APR_SUCCESS);
            di_purges_export(&data, &bytes, small, *state);
        }
        assert_int_equal(di_purges_merge(&news, &theirs, map, data, bytes, NOW),
                         APR_SUCCESS);
        assert_int_equal(news, i % 10 == 0);
        apr_pool_destroy(p);
    }
    di_purges_export(&data, &bytes, map, *state);
    assert_true(bytes <= DI_PURGES_EXPORT_MAX);
    assert_int_equal(di_purges_stamp(map, "other", "/1"), 0);
}

static void merging_into_a_full_map_folds(void **state)
{
    di_purges_t *map = fresh(*state), *other = fresh(*state);
    int i, news, theirs;

    for (i = 0; i < DI_PURGES_MAX; i++) {
        purge(map, "mine", apr_psprintf(*state, "/%d", i));
    }
    for (i = 0; i < 50; i++) {
        purge(other, "theirs", apr_psprintf(*state, "/%d", i));
    }
    assert_int_equal(di_purges_stamp(map, "mine", "/other"), 0);
    merge(&news, &theirs, map, other, *state);
    assert_int_equal(news, 50);
    assert_int_equal(theirs, 1);
    assert_true(di_purges_stamp(map, "mine", "/other") > 0);
    assert_int_equal(di_purges_stamp(map, "theirs", "/other"), 0);
    merge(&news, &theirs, other, map, *state);
    assert_int_equal(news, 1);
    assert_same_map(map, other, *state);
}

/* ---- several processes ---- */

#define WRITERS 4
#define EACH 2500

/* Purge and tell each stamp through a pipe once it is answered. */
static void write_purges(di_purges_t *purges, int who, int to)
{
    int i;

    for (i = 0;; i++) {
        struct {
            int i;
            apr_uint64_t stamp;
        } told = {i, 0};
        char site[16], path[32];
        apr_snprintf(site, sizeof(site), "s%d", who);
        apr_snprintf(path, sizeof(path), "/%d", i);
        if (di_purges_add(&told.stamp, purges, site, path, NOW) ||
            write(to, &told, sizeof(told)) != sizeof(told)) {
            _exit(1);
        }
    }
}

static void a_killed_writer_loses_no_answered_purge(void **state)
{
    di_purges_t *purges = di_purges_init(shared_memory());
    apr_uint64_t stamp;
    int round, who;

    for (round = 0; round < 12; round++) {
        pid_t pid[WRITERS];
        int from[WRITERS][2];
        for (who = 0; who < WRITERS; who++) {
            assert_int_equal(pipe(from[who]), 0);
            pid[who] = fork();
            if (pid[who] == 0) {
                write_purges(purges, who, from[who][1]);
            }
            close(from[who][1]);
        }
        for (who = 0; who < WRITERS; who++) {
            struct {
                int i;
                apr_uint64_t stamp;
            } told;
            int n = 0;
            while (n < 200 + 37 * round + 11 * who &&
                   read(from[who][0], &told, sizeof(told)) == sizeof(told)) {
                char site[16], path[32];
                apr_snprintf(site, sizeof(site), "s%d", who);
                apr_snprintf(path, sizeof(path), "/%d", told.i);
                assert_true(di_purges_stamp(purges, site, path) >= told.stamp);
                n++;
            }
            kill(pid[who], SIGKILL);
            while (read(from[who][0], &told, sizeof(told)) == sizeof(told)) {
                char site[16], path[32];
                apr_snprintf(site, sizeof(site), "s%d", who);
                apr_snprintf(path, sizeof(path), "/%d", told.i);
                assert_true(di_purges_stamp(purges, site, path) >= told.stamp);
            }
            waitpid(pid[who], NULL, 0);
            close(from[who][0]);
        }
        /* Whatever they left, the next one gets through. */
        assert_int_equal(di_purges_stamp(purges, "s", "/"), 0);
        stamp = purge(purges, "s0", "/again");
        assert_int_equal(di_purges_stamp(purges, "s0", "/again"), stamp);
    }
    munmap(purges, di_purges_bytes());
}

typedef struct {
    di_purges_t *purges;
    int who;
    int lost;
} thread_t;

static void *purge_and_look(void *baton)
{
    thread_t *thread = baton;
    apr_uint64_t stamp;
    int i;

    for (i = 0; i < EACH; i++) {
        char site[16], path[32];
        apr_snprintf(site, sizeof(site), "s%d", thread->who);
        apr_snprintf(path, sizeof(path), "/%d/", i);
        if (di_purges_add(&stamp, thread->purges, site, path, NOW) ||
            di_purges_stamp(thread->purges, site, path) < stamp ||
            di_purges_stamp(thread->purges, "nobody", path)) {
            thread->lost++;
        }
    }
    return NULL;
}

static void writers_at_once_lose_nothing_while_sites_are_folded(void **state)
{
    di_purges_t *purges = fresh(*state);
    thread_t thread[WRITERS];
    pthread_t id[WRITERS];
    int i;

    for (i = 0; i < WRITERS; i++) {
        thread[i] = (thread_t){purges, i, 0};
        assert_int_equal(
            pthread_create(&id[i], NULL, purge_and_look, &thread[i]), 0);
    }
    for (i = 0; i < WRITERS; i++) {
        pthread_join(id[i], NULL);
        assert_int_equal(thread[i].lost, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_purge_covers_what_it_names_and_nothing_else),
        UNIT(the_newest_of_all_that_cover_counts),
        UNIT(a_path_without_its_slash_is_refused),
        UNIT(deep_and_long_paths_are_purged_with_what_is_above),
        UNIT(what_was_purged_survives_its_process_and_no_other_layout),
        UNIT(a_clock_that_goes_back_does_not_void_a_purge),
        UNIT(a_full_map_folds_the_site_with_most_places),
        UNIT(more_sites_than_places_are_refused_and_nobody_else_is_purged),
        UNIT(folding_again_and_again_loses_nothing),
        UNIT(a_merged_map_says_who_lacks_what),
        UNIT(a_stamp_of_the_far_future_is_refused),
        UNIT(bytes_that_are_no_map_change_nothing),
        UNIT(merging_commutes_and_is_idempotent),
        UNIT(a_hundred_thousand_merges_stay_within_the_bounds),
        UNIT(merging_into_a_full_map_folds),
        UNIT(a_killed_writer_loses_no_answered_purge),
        UNIT(writers_at_once_lose_nothing_while_sites_are_folded)};

    return UNIT_RUN(tests);
}
