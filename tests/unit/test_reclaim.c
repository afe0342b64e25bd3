/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <utime.h>

#include "counting_log.h"
#include "folder.h"
#include "store/reclaim.h"
#include "store/store_disk.h"
#include "store/sweeper.h"

#define NOW apr_time_from_sec(1700000000)
#define HOUR 3600

static const atomic_int go_on;

static di_reclaim_entry_t entry(int name, apr_uint64_t bytes, int used_s)
{
    di_reclaim_entry_t made = {.bytes = bytes,
                               .used_at = NOW + apr_time_from_sec(used_s)};

    made.hash[0] = (unsigned char)name;
    return made;
}

/* ---- the plan ---- */

static void within_nine_tenths_nothing_goes(void **state)
{
    di_reclaim_entry_t list[] = {entry(1, 400, -1), entry(2, 500, -2)};

    assert_int_equal(di_reclaim_plan(list, 2, 900, 1000, NOW), 0);
    assert_int_equal(di_reclaim_plan(list, 0, 0, 1000, NOW), 0);
}

static void the_longest_unused_go_first_until_a_tenth_is_free(void **state)
{
    di_reclaim_entry_t list[] = {entry(1, 300, -10), entry(2, 300, -40),
                                 entry(3, 300, -20), entry(4, 300, -30)};

    assert_int_equal(di_reclaim_plan(list, 4, 1200, 1000, NOW), 1);
    assert_int_equal(list[0].hash[0], 2);
    assert_int_equal(di_reclaim_plan(list, 4, 1201, 1000, NOW), 2);
    assert_int_equal(list[1].hash[0], 4);
}

static void a_use_in_the_far_future_counts_as_none(void **state)
{
    di_reclaim_entry_t list[] = {entry(1, 600, -HOUR),
                                 entry(2, 600, 10 * 365 * 24 * HOUR),
                                 entry(3, 600, HOUR)};

    assert_int_equal(di_reclaim_plan(list, 3, 1800, 2000, NOW), 0);
    assert_int_equal(di_reclaim_plan(list, 3, 1801, 2000, NOW), 1);
    assert_int_equal(list[0].hash[0], 2);
    assert_int_equal(list[2].hash[0], 3);
}

static void entries_beyond_the_list_do_not_confuse_it(void **state)
{
    di_reclaim_entry_t list[] = {entry(1, 100, -1), entry(2, 100, -2)};

    assert_int_equal(di_reclaim_plan(list, 2, 1 << 30, 1000, NOW), 2);
    assert_int_equal(di_reclaim_plan(list, 2, 1000, 0, NOW), 2);
}

/* ---- the sweep ---- */

/* A file of so many bytes, used so long ago. */
static const char *file_make(const char *root, const char *name, int bytes,
                             int age_s, apr_pool_t *p)
{
    char *path = apr_pstrcat(p, root, "/", name, NULL), *slash;
    apr_time_t at = apr_time_now() - apr_time_from_sec(age_s);
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
    while (bytes-- > 0) {
        assert_int_equal(write(fd, "x", 1), 1);
    }
    close(fd);
    assert_int_equal(utime(path, &times), 0);
    return path;
}

static const char *entry_make(const char *root, const char *start, int bytes,
                              int age_s, apr_pool_t *p)
{
    return file_make(root,
                     apr_psprintf(p,
                                  "%.2s/%.2s/%s00000000000000000000000000"
                                  "00.di",
                                  start, start + 2, start),
                     bytes, age_s, p);
}

static int exists(const char *path)
{
    struct stat st;

    return !lstat(path, &st);
}

static di_reclaim_report_t sweep(const char *root, apr_uint64_t quota)
{
    di_reclaim_report_t report;

    assert_int_equal(
        di_reclaim_sweep(&report, root, quota, apr_time_now(), &go_on),
        APR_SUCCESS);
    return report;
}

static void a_sweep_deletes_the_longest_unused_entries(void **state)
{
    char *root = folder_make(*state);
    const char *old = entry_make(root, "00ff", 10000, 3 * HOUR, *state);
    const char *middle = entry_make(root, "00fe", 10000, 2 * HOUR, *state);
    const char *fresh = entry_make(root, "ff00", 10000, 1 * HOUR, *state);
    di_reclaim_report_t report = sweep(root, 1 << 20);

    assert_int_equal(report.entries, 3);
    assert_int_equal(report.removed, 0);
    assert_true(report.bytes >= 30000);

    report = sweep(root, report.bytes - 1);
    assert_int_equal(report.removed, 1);
    assert_false(exists(old));
    assert_true(exists(middle));
    report = sweep(root, 1);
    assert_int_equal(report.removed, 2);
    assert_false(exists(fresh));
}

static void left_over_temporary_files_go_after_an_hour(void **state)
{
    char *root = folder_make(*state);
    const char *left =
        file_make(root, "00/ff/tmp-abcdef", 5, HOUR + 60, *state);
    const char *young = file_make(root, "00/ff/tmp-bcdefg", 5, 60, *state);
    const char *ahead =
        file_make(root, "00/ff/tmp-cdefgh", 5, -2 * HOUR, *state);
    di_reclaim_report_t report = sweep(root, 1 << 20);

    assert_int_equal(report.temporaries, 2);
    assert_int_equal(report.entries, 0);
    assert_false(exists(left));
    assert_true(exists(young));
    assert_false(exists(ahead));
}

static void names_that_are_not_ours_are_left_alone(void **state)
{
    static const char *const names[] = {
        "notes.txt",
        "tmp-abcdef",
        "00/notes.txt",
        "00/ff/notes.txt",
        "00/ff/00FF0000000000000000000000000000.di",
        "00/ff/00ff000000000000000000000000000.di",
        "00/ff/00ff0000000000000000000000000000.did",
        "00/ff/00ff0000000000000000000000000000",
        "00/fff/00ff0000000000000000000000000000.di",
        "0g/ff/00ff0000000000000000000000000000.di",
        "00/ff/aa/00ff0000000000000000000000000000.di",
    };
    const char *path[sizeof(names) / sizeof(*names)];
    char *root = folder_make(*state), *elsewhere = folder_make(*state);
    const char *victim = entry_make(elsewhere, "00ff", 10, 2 * HOUR, *state);
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
        path[i] = file_make(root, names[i], 10, 2 * HOUR, *state);
    }
    /* A way out of the tree. */
    assert_int_equal(symlink(apr_pstrcat(*state, elsewhere, "/00", NULL),
                             apr_pstrcat(*state, root, "/01", NULL)),
                     0);
    assert_int_equal(sweep(root, 1).entries, 0);
    for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (!exists(path[i])) {
            fail_msg("%s is gone", names[i]);
        }
    }
    assert_true(exists(victim));
}

static void one_sweeps_at_a_time(void **state)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char *root = folder_make(*state);
    const char *lock = file_make(root, "sweep.lock", 0, 0, *state);
    int fd = open(lock, O_RDWR | O_CLOEXEC);
    di_reclaim_report_t report;

    assert_int_equal(fcntl(fd, F_OFD_SETLK, &whole), 0);
    assert_int_equal(di_reclaim_sweep(&report, root, 1, apr_time_now(), &go_on),
                     APR_EBUSY);
    close(fd);
    assert_int_equal(sweep(root, 1).entries, 0);
}

static void a_sweep_that_is_told_to_stop_deletes_nothing(void **state)
{
    static const atomic_int stop = 1;
    char *root = folder_make(*state);
    const char *old = entry_make(root, "00ff", 10000, HOUR, *state);
    di_reclaim_report_t report;

    assert_int_equal(di_reclaim_sweep(&report, root, 1, apr_time_now(), &stop),
                     APR_EINTR);
    assert_true(exists(old));
}

static void a_root_that_is_no_folder_is_an_error(void **state)
{
    char *root = folder_make(*state);
    di_reclaim_report_t report;

    assert_true(APR_STATUS_IS_ENOENT(di_reclaim_sweep(
        &report, apr_pstrcat(*state, root, "/none", NULL), 1, NOW, &go_on)));
    assert_true(APR_STATUS_IS_ENOTDIR(di_reclaim_sweep(
        &report, file_make(root, "file", 1, 0, *state), 1, NOW, &go_on)));
}

/* ---- the sweeper ---- */

static int wait_for_lines(counting_log_t *counting, int lines)
{
    int tries, seen = 0;

    for (tries = 0; tries < 3000 && seen < lines; tries++) {
        pthread_mutex_lock(&counting->mutex);
        seen = counting->lines;
        pthread_mutex_unlock(&counting->mutex);
        apr_sleep(10000);
    }
    return seen;
}

static void
the_first_bytes_and_each_64th_of_the_quota_start_a_sweep(void **state)
{
    char *root = folder_make(*state);
    const char *old = entry_make(root, "00ff", 10000, HOUR, *state);
    counting_log_t counting;
    di_sweeper_t *sweeper;

    counting_log_init(&counting, DS_LOG_DEBUG);
    sweeper = di_sweeper_make(root, 6400, &counting.log, *state);
    assert_true(exists(old));
    di_sweeper_note(sweeper, 1);
    assert_int_equal(wait_for_lines(&counting, 1), 1);
    assert_false(exists(old));
    assert_non_null(strstr(counting.last, "DI0407: "));

    di_sweeper_note(sweeper, 50);
    di_sweeper_note(sweeper, 49);
    apr_sleep(50000);
    assert_int_equal(wait_for_lines(&counting, 1), 1);
    /* The thread may need a moment to be seen as ended. */
    while (wait_for_lines(&counting, 1) < 2) {
        di_sweeper_note(sweeper, 100);
    }
}

static void a_sweep_under_way_ends_with_its_pool(void **state)
{
    char *root = folder_make(*state);
    int i;

    for (i = 0; i < 50; i++) {
        apr_pool_t *p;

        apr_pool_create(&p, *state);
        di_sweeper_note(di_sweeper_make(root, 6400, NULL, p), 1);
        apr_pool_destroy(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(within_nine_tenths_nothing_goes),
        UNIT(the_longest_unused_go_first_until_a_tenth_is_free),
        UNIT(a_use_in_the_far_future_counts_as_none),
        UNIT(entries_beyond_the_list_do_not_confuse_it),
        UNIT(a_sweep_deletes_the_longest_unused_entries),
        UNIT(left_over_temporary_files_go_after_an_hour),
        UNIT(names_that_are_not_ours_are_left_alone),
        UNIT(one_sweeps_at_a_time),
        UNIT(a_sweep_that_is_told_to_stop_deletes_nothing),
        UNIT(a_root_that_is_no_folder_is_an_error),
        UNIT(the_first_bytes_and_each_64th_of_the_quota_start_a_sweep),
        UNIT(a_sweep_under_way_ends_with_its_pool),
    };

    alarm(300);
    return UNIT_RUN(tests);
}
