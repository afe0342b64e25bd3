/* SPDX-License-Identifier: Apache-2.0 */
/* The plan against an independent model, and what it is told by a scan. */
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <utime.h>

#include "folder.h"
#include "store/reclaim.h"
#include "store/record.h"
#include "store/store_disk.h"
#include "store/tree.h"

#define NOW (1700000000 * APR_INT64_C(1000000))
#define SECOND APR_INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

#define EVERYTHING                                                             \
    {                                                                          \
        .bytes = 1, .keep_bytes = 0, .files = 1 << 30, .keep_files = 0         \
    }

static di_reclaim_entry_t entry(int name, apr_uint64_t bytes, apr_time_t idle)
{
    di_reclaim_entry_t out = {
        .bytes = bytes, .used_at = NOW - idle, .made_at = NOW - idle};

    out.hash[0] = (unsigned char)name;
    return out;
}

/* ---- how many go ---- */

static void nothing_goes_while_all_is_within_bounds(void **state)
{
    di_reclaim_entry_t list[] = {entry(1, 50, HOUR), entry(2, 50, HOUR)};
    di_reclaim_goal_t goal = {100, 2, 100, 2};

    assert_int_equal(di_reclaim_plan(list, 2, &goal, DI_POLICY_LRU, NOW), 0);
    assert_int_equal(di_reclaim_plan(list, 0, &goal, DI_POLICY_LRU, NOW), 0);
}

static void bytes_and_files_are_bounds_of_their_own(void **state)
{
    static const struct {
        di_reclaim_goal_t goal;
        apr_size_t victims;
    } cases[] = {
        {{400, 4, 400, 4}, 0},
        {{400, 4, 399, 4}, 1},
        {{400, 4, 300, 4}, 1},
        {{400, 4, 299, 4}, 2},
        {{400, 4, 0, 4}, 4},
        {{400, 4, 400, 3}, 1},
        {{400, 4, 400, 1}, 3},
        {{400, 4, 150, 3}, 3},
        {{400, 4, 350, 0}, 4},
        /* Entries that are not in the list count too. */
        {{900, 9, 450, 9}, 4},
        {{900, 9, 900, 1}, 4},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        di_reclaim_entry_t list[] = {entry(1, 100, 1), entry(2, 100, 2),
                                     entry(3, 100, 3), entry(4, 100, 4)};
        apr_size_t victims =
            di_reclaim_plan(list, 4, &cases[i].goal, DI_POLICY_LRU, NOW);

        if (victims != cases[i].victims) {
            fail_msg("case %d: %d go", (int)i, (int)victims);
        }
    }
}

static void a_permanent_store_never_loses_anything(void **state)
{
    di_reclaim_entry_t list[] = {entry(1, 100, HOUR)};
    di_reclaim_goal_t goal = EVERYTHING;

    assert_int_equal(di_reclaim_plan(list, 1, &goal, DI_POLICY_PERMANENT, NOW),
                     0);
    assert_int_equal(di_reclaim_plan(list, 1, &goal, DI_POLICY_AGE, NOW), 1);
}

/* ---- in which order ---- */

/* The patent's classes, written the long way. */
static int model_class(apr_time_t idle)
{
    apr_time_t from = 0, length = MINUTE;
    int number = 0;

    while (idle >= from + length) {
        from += length;
        length *= 2;
        number++;
    }
    return number;
}

/* What stands for an instant. */
static apr_time_t model_time(apr_time_t at)
{
    return at > NOW + 24 * HOUR ? 0 : at;
}

/* 1 when a has to go before b. */
static int model_before(const di_reclaim_entry_t *a,
                        const di_reclaim_entry_t *b, di_policy_e policy)
{
    apr_time_t use_a = model_time(a->used_at), use_b = model_time(b->used_at);
    apr_time_t made_a = model_time(a->made_at), made_b = model_time(b->made_at);
    int class_a = model_class(use_a < NOW ? NOW - use_a : 0);
    int class_b = model_class(use_b < NOW ? NOW - use_b : 0);

    if (policy == DI_POLICY_IDLE && class_a != class_b) {
        return class_a > class_b;
    }
    if ((policy == DI_POLICY_IDLE || policy == DI_POLICY_LFU) &&
        a->requests != b->requests) {
        return a->requests < b->requests;
    }
    if (policy == DI_POLICY_PRIORITY && a->priority != b->priority) {
        return a->priority < b->priority;
    }
    if (policy == DI_POLICY_AGE && made_a != made_b) {
        return made_a < made_b;
    }
    if (policy != DI_POLICY_AGE && use_a != use_b) {
        return use_a < use_b;
    }
    return memcmp(a->hash, b->hash, sizeof(a->hash)) < 0;
}

/* The first to go of those that are left; chosen one by one. */
static void model_order(unsigned char (*out)[DI_KEY_HASH_BYTES],
                        di_reclaim_entry_t *list, int count, di_policy_e policy)
{
    int picked, i, first;

    for (picked = 0; picked < count; picked++) {
        for (first = 0, i = 1; i < count - picked; i++) {
            if (model_before(&list[i], &list[first], policy)) {
                first = i;
            }
        }
        memcpy(out[picked], list[first].hash, DI_KEY_HASH_BYTES);
        list[first] = list[count - picked - 1];
    }
}

static apr_uint32_t random_below(apr_uint32_t *seed, apr_uint32_t bound)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % bound;
}

/* Few values each, so that ties of every kind come up. */
static void random_entry(di_reclaim_entry_t *out, apr_uint32_t *seed)
{
    static const apr_time_t idles[] = {
        0,        MINUTE - 1, MINUTE,    3 * MINUTE - 1, 3 * MINUTE,
        7 * HOUR, 8 * HOUR,   90 * HOUR, -HOUR,          -25 * HOUR};
    int i;

    memset(out, 0, sizeof(*out));
    out->used_at = NOW - idles[random_below(seed, 10)];
    out->made_at = NOW - idles[random_below(seed, 10)];
    out->requests = random_below(seed, 4);
    out->priority = random_below(seed, 10);
    out->bytes = 4096;
    for (i = 0; i < DI_KEY_HASH_BYTES; i++) {
        out->hash[i] = (unsigned char)random_below(seed, i < 15 ? 2 : 256);
    }
}

static void every_policy_has_the_order_of_its_model(void **state)
{
    static di_reclaim_entry_t list[60], copy[60];
    static unsigned char expected[60][DI_KEY_HASH_BYTES];
    di_reclaim_goal_t goal = EVERYTHING;
    apr_uint32_t seed = 1;
    int policy, round, i, count;

    for (policy = DI_POLICY_IDLE; policy < DI_POLICY_PERMANENT; policy++) {
        for (round = 0; round < 200; round++) {
            count = 1 + (int)random_below(&seed, 60);
            for (i = 0; i < count; i++) {
                random_entry(&list[i], &seed);
            }
            memcpy(copy, list, sizeof(list));
            model_order(expected, copy, count, (di_policy_e)policy);
            assert_int_equal(di_reclaim_plan(list, (apr_size_t)count, &goal,
                                             (di_policy_e)policy, NOW),
                             count);
            for (i = 0; i < count; i++) {
                if (memcmp(list[i].hash, expected[i], DI_KEY_HASH_BYTES)) {
                    fail_msg("policy %d, round %d: number %d of %d", policy,
                             round, i, count);
                }
            }
        }
    }
}

static void a_use_in_the_far_future_counts_as_none(void **state)
{
    di_reclaim_entry_t list[] = {entry(1, 600, HOUR),
                                 entry(2, 600, -10 * 365 * 24 * HOUR),
                                 entry(3, 600, -HOUR)};
    di_reclaim_goal_t goal = {1800, 3, 1799, 3};

    assert_int_equal(di_reclaim_plan(list, 3, &goal, DI_POLICY_LRU, NOW), 1);
    assert_int_equal(list[0].hash[0], 2);
    assert_int_equal(list[2].hash[0], 3);
}

/* ---- the scan ---- */

/* A file of so many bytes, made at that time. */
static void file_make(const char *root, const char *name, int bytes,
                      apr_time_t at, apr_pool_t *p)
{
    char *path = apr_pstrcat(p, root, "/", name, NULL), *slash;
    struct utimbuf times = {.actime = apr_time_sec(at),
                            .modtime = apr_time_sec(at)};
    int fd;

    for (slash = strchr(path + strlen(root) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, bytes), 0);
    close(fd);
    assert_int_equal(utime(path, &times), 0);
}

static di_reclaim_scan_t scan_of(const char *folder, const di_usage_t *usage,
                                 di_policy_e policy)
{
    di_reclaim_scan_t scan = {.policy = policy, .usage = usage};

    scan.folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(scan.folder >= 0);
    assert_int_equal(di_reclaim_scan(&scan), APR_SUCCESS);
    close(scan.folder);
    return scan;
}

static void a_scan_tells_sizes_in_blocks_and_uses(void **state)
{
    char *root = folder_make(*state);
    di_usage_t *usage = di_usage_init(apr_pcalloc(*state, di_usage_bytes()));
    unsigned char hash[DI_KEY_HASH_BYTES] = {0xab, 1};
    di_reclaim_scan_t scan;

    file_make(root, "ab/ab010000000000000000000000000000.di", 4097, NOW,
              *state);
    scan = scan_of(root, usage, DI_POLICY_LRU);
    assert_int_equal(scan.count, 1);
    assert_int_equal(scan.files, 1);
    assert_int_equal(scan.bytes, 8192);
    assert_int_equal(scan.list[0].bytes, 8192);
    assert_memory_equal(scan.list[0].hash, hash, sizeof(hash));
    assert_true(scan.list[0].made_at == NOW && scan.list[0].used_at == NOW);
    free(scan.list);

    di_usage_note(usage, hash, NOW - HOUR);
    scan = scan_of(root, usage, DI_POLICY_LRU);
    assert_true(scan.list[0].used_at == NOW);
    assert_int_equal(scan.list[0].requests, 1);
    free(scan.list);
    di_usage_note(usage, hash, NOW + HOUR);
    scan = scan_of(root, usage, DI_POLICY_LRU);
    assert_true(scan.list[0].used_at == NOW + HOUR);
    assert_int_equal(scan.list[0].requests, 2);
    free(scan.list);
}

static void names_that_are_not_ours_are_passed_over(void **state)
{
    static const char *const names[] = {
        "lock",
        "tmp",
        "notes.txt",
        "00ff0000000000000000000000000000.di",
        "00/notes.txt",
        "00/00FF0000000000000000000000000000.di",
        "00/00ff000000000000000000000000000.di",
        "00/00ff0000000000000000000000000000.did",
        "00/00ff0000000000000000000000000000",
        "00/01ff0000000000000000000000000000.di",
        "000/00ff0000000000000000000000000000.di",
        "0g/00ff0000000000000000000000000000.di",
        "00/ff/00ff0000000000000000000000000000.di",
    };
    char *root = folder_make(*state), *elsewhere = folder_make(*state);
    di_reclaim_scan_t scan;
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
        file_make(root, names[i], 10, NOW, *state);
    }
    /* A way out of the tree, and names that are no files. */
    file_make(elsewhere, "01/01000000000000000000000000000000.di", 10, NOW,
              *state);
    assert_int_equal(symlink(apr_pstrcat(*state, elsewhere, "/01", NULL),
                             apr_pstrcat(*state, root, "/01", NULL)),
                     0);
    assert_int_equal(
        mkfifo(apr_pstrcat(*state, root,
                           "/00/00000000000000000000000000000000.di", NULL),
               0600),
        0);
    scan = scan_of(root, NULL, DI_POLICY_LRU);
    assert_int_equal(scan.files, 0);
    assert_int_equal(scan.count, 0);
    free(scan.list);
}

static void priorities_are_read_for_their_policy_only(void **state)
{
    di_disk_conf_t conf = {.root = folder_make(*state)};
    di_record_t record = {.format = 1, .priority = 7};
    di_body_t body = {.data = "body", .bytes = 4};
    di_reclaim_scan_t scan;
    di_level_t *level;
    di_key_t key;

    di_key_make(&key, "a picture");
    di_disk_make(&level, &conf, *state);
    assert_int_equal(level->put(level, &key, &record, &body, NOW, *state),
                     APR_SUCCESS);
    conf.root = apr_pstrcat(*state, conf.root, "/all", NULL);
    scan = scan_of(conf.root, NULL, DI_POLICY_PRIORITY);
    assert_int_equal(scan.list[0].priority, 7);
    free(scan.list);
    scan = scan_of(conf.root, NULL, DI_POLICY_LRU);
    assert_int_equal(scan.list[0].priority, 0);
    free(scan.list);
}

static void a_scan_that_is_told_to_stop_says_so(void **state)
{
    static const atomic_int stop = 1;
    di_reclaim_scan_t scan = {.stop = &stop, .folder = -1};

    assert_int_equal(di_reclaim_scan(&scan), APR_EINTR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(nothing_goes_while_all_is_within_bounds),
        UNIT(bytes_and_files_are_bounds_of_their_own),
        UNIT(a_permanent_store_never_loses_anything),
        UNIT(every_policy_has_the_order_of_its_model),
        UNIT(a_use_in_the_far_future_counts_as_none),
        UNIT(a_scan_tells_sizes_in_blocks_and_uses),
        UNIT(names_that_are_not_ours_are_passed_over),
        UNIT(priorities_are_read_for_their_policy_only),
        UNIT(a_scan_that_is_told_to_stop_says_so),
    };

    alarm(300);
    return UNIT_RUN(tests);
}
