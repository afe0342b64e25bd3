/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/memory.h"
#include "speed/table.h"
#include "folder.h"

#define BYTES 8192

static const char *path_in(apr_pool_t *p)
{
    return apr_pstrcat(p, folder_make(p), "/state", NULL);
}

static ds_memory_t made(const char *path, apr_size_t bytes)
{
    ds_memory_t memory;

    assert_int_equal(ds_memory_make(&memory, path, bytes), APR_SUCCESS);
    assert_non_null(memory.at);
    return memory;
}

/* What another process gets that makes memory at path. */
static apr_status_t elsewhere(const char *path, apr_size_t bytes)
{
    apr_status_t rv = APR_EGENERAL;
    int pipes[2], status;
    pid_t pid;

    assert_int_equal(pipe(pipes), 0);
    pid = fork();
    if (pid == 0) {
        ds_memory_t memory;

        rv = ds_memory_make(&memory, path, bytes);
        if (rv != APR_SUCCESS && memory.at) {
            rv = APR_EGENERAL;
        }
        (void)!write(pipes[1], &rv, sizeof(rv));
        _exit(0);
    }
    assert_int_equal(read(pipes[0], &rv, sizeof(rv)), sizeof(rv));
    waitpid(pid, &status, 0);
    close(pipes[0]);
    close(pipes[1]);
    return rv;
}

static void a_child_writes_what_the_parent_reads(void **state)
{
    const char *paths[] = {NULL, path_in(*state)};
    int i, status;

    for (i = 0; i < 2; i++) {
        ds_memory_t memory = made(paths[i], BYTES);
        pid_t pid;

        assert_int_equal(memory.is_new, 1);
        assert_int_equal(((char *)memory.at)[100], 0);
        pid = fork();
        if (pid == 0) {
            ds_memory_child(&memory);
            ((char *)memory.at)[100] = 7;
            _exit(0);
        }
        waitpid(pid, &status, 0);
        assert_int_equal(((char *)memory.at)[100], 7);
        ds_memory_drop(&memory);
        assert_null(memory.at);
    }
}

static void a_file_keeps_what_was_written(void **state)
{
    const char *path = path_in(*state);
    ds_memory_t memory = made(path, BYTES);
    struct stat info;

    strcpy(memory.at, "still here");
    ds_memory_drop(&memory);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(info.st_size, BYTES);
    memory = made(path, BYTES);
    assert_int_equal(memory.is_new, 0);
    assert_string_equal(memory.at, "still here");
    ds_memory_drop(&memory);
}

static void a_file_of_another_size_is_replaced(void **state)
{
    const char *path = path_in(*state);
    ds_memory_t before = made(path, BYTES), after;

    strcpy(before.at, "old");
    ds_memory_child(&before); /* as in a child */
    after = made(path, 2 * BYTES);
    assert_int_equal(after.is_new, 1);
    assert_string_equal(after.at, "");
    /* Whoever still has the old one may go on to write to it. */
    memset(before.at, 1, BYTES);
    assert_string_equal(after.at, "");
    ds_memory_drop(&after);
    ds_memory_drop(&before);
}

static void new_memory_leaves_the_old_to_its_users(void **state)
{
    const char *paths[] = {NULL, path_in(*state)};
    int i;

    for (i = 0; i < 2; i++) {
        ds_memory_t memory = made(paths[i], BYTES);
        int pipes[2], status;
        char c = 0;
        pid_t pid;

        strcpy(memory.at, "old");
        assert_int_equal(pipe(pipes), 0);
        pid = fork();
        if (pid == 0) { /* a child of before the restart */
            ds_memory_child(&memory);
            if (read(pipes[0], &c, 1) != 1 || strcmp(memory.at, "old")) {
                _exit(1);
            }
            memset(memory.at, 'x', BYTES);
            _exit(0);
        }
        assert_int_equal(ds_memory_renew(&memory, paths[i], 3 * BYTES),
                         APR_SUCCESS);
        assert_int_equal(memory.is_new, 1);
        assert_string_equal(memory.at, "");
        assert_int_equal(memory.bytes, 3 * BYTES);
        assert_int_equal(write(pipes[1], &c, 1), 1);
        waitpid(pid, &status, 0);
        assert_int_equal(status, 0);
        assert_string_equal(memory.at, "");
        if (paths[i]) { /* under its name, and locked */
            strcpy(memory.at, "new");
            assert_int_equal(elsewhere(paths[i], 3 * BYTES), APR_EBUSY);
            ds_memory_drop(&memory);
            memory = made(paths[i], 3 * BYTES);
            assert_string_equal(memory.at, "new");
        }
        ds_memory_drop(&memory);
    }
}

static void a_second_owner_is_refused(void **state)
{
    const char *path = path_in(*state);
    ds_memory_t first = made(path, BYTES);

    strcpy(first.at, "mine");
    assert_int_equal(elsewhere(path, BYTES), APR_EBUSY);
    assert_int_equal(elsewhere(path, 2 * BYTES), APR_EBUSY);
    assert_string_equal(first.at, "mine");
    ds_memory_drop(&first);
    assert_int_equal(elsewhere(path, BYTES), APR_SUCCESS);
}

static void the_owner_may_come_to_its_file_by_another_path(void **state)
{
    const char *folder = folder_make(*state);
    const char *path = apr_pstrcat(*state, folder, "/state", NULL);
    const char *other = apr_pstrcat(*state, folder, "/./state", NULL);
    ds_memory_t memory = made(path, BYTES), again;

    strcpy(memory.at, "mine");
    again = made(other, BYTES);
    ds_memory_replace(&memory, &again);
    assert_string_equal(memory.at, "mine");
    assert_int_equal(elsewhere(path, BYTES), APR_EBUSY);
    again = made(path, 2 * BYTES);
    ds_memory_replace(&memory, &again);
    assert_string_equal(memory.at, "");
    assert_int_equal(elsewhere(path, 2 * BYTES), APR_EBUSY);
    ds_memory_drop(&memory);
}

static void a_killed_owner_leaves_no_lock_though_its_child_lives(void **state)
{
    const char *path = path_in(*state);
    int ready[2], end[2], status;
    ds_memory_t memory;
    char c = 0;
    pid_t owner;

    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(end), 0);
    owner = fork();
    if (owner == 0) {
        memory = made(path, BYTES);
        strcpy(memory.at, "of the killed");
        if (fork() == 0) { /* one that knows nothing of the memory */
            (void)!write(ready[1], &c, 1);
            (void)!read(end[0], &c, 1);
            _exit(0);
        }
        pause();
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    kill(owner, SIGKILL);
    waitpid(owner, &status, 0);
    memory = made(path, BYTES);
    assert_string_equal(memory.at, "of the killed");
    assert_int_equal(write(end[1], &c, 1), 1);
    ds_memory_drop(&memory);
}

static void files_that_are_not_ours_are_refused(void **state)
{
    apr_pool_t *p = *state;
    const char *folder = folder_make(p);
    const char *plain = apr_pstrcat(p, folder, "/plain", NULL);
    const char *alias = apr_pstrcat(p, folder, "/alias", NULL);
    const char *second = apr_pstrcat(p, folder, "/second", NULL);
    ds_memory_t memory = made(plain, BYTES);

    ds_memory_drop(&memory);
    assert_int_equal(symlink(plain, alias), 0);
    assert_int_not_equal(ds_memory_make(&memory, alias, BYTES), APR_SUCCESS);
    assert_int_equal(link(plain, second), 0);
    assert_int_not_equal(ds_memory_make(&memory, second, BYTES), APR_SUCCESS);
    assert_int_equal(unlink(second), 0);
    assert_int_not_equal(ds_memory_make(&memory, folder, BYTES), APR_SUCCESS);
    assert_int_not_equal(
        ds_memory_make(&memory, apr_pstrcat(p, folder, "/no/such", NULL),
                       BYTES),
        APR_SUCCESS);
    if (geteuid() == 0) {
        assert_int_equal(chown(plain, 65534, 65534), 0);
        assert_int_not_equal(ds_memory_make(&memory, plain, BYTES),
                             APR_SUCCESS);
    }
    assert_null(memory.at);
}

static void rights_of_others_are_taken_away(void **state)
{
    const char *path = path_in(*state);
    ds_memory_t memory = made(path, BYTES);
    struct stat info;

    ds_memory_drop(&memory);
    assert_int_equal(chmod(path, 0666), 0);
    memory = made(path, BYTES);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    ds_memory_drop(&memory);
}

static void
a_disk_without_room_is_an_error_and_leaves_no_half_file(void **state)
{
    const char *path = path_in(*state);
    const char *temporary = apr_pstrcat(*state, path, ".new", NULL);
    struct rlimit before, small;
    ds_memory_t memory, good = made(path, BYTES);

    strcpy(good.at, "kept");
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 2 * BYTES;
    setrlimit(RLIMIT_FSIZE, &small);
    ds_memory_drop(&good);
    assert_int_not_equal(ds_memory_make(&memory, path, 64 * BYTES),
                         APR_SUCCESS);
    assert_null(memory.at);
    assert_int_not_equal(access(temporary, F_OK), 0);
    good = made(path, BYTES);
    assert_string_equal(good.at, "kept");
    setrlimit(RLIMIT_FSIZE, &before);
    ds_memory_drop(&good);
}

/* ---- with a table in it ---- */

static void set_it(void *row, void *baton)
{
    *(apr_uint64_t *)row = *(apr_uint64_t *)baton;
}

static void get_it(void *row, void *baton)
{
    *(apr_uint64_t *)baton = *(apr_uint64_t *)row;
}

static void p20_rows_outlive_a_kill_of_all_processes(void **state)
{
    const unsigned char key[SP_TABLE_KEY_BYTES] = {1, 2, 3};
    apr_size_t bytes = sp_table_bytes(64, 8);
    const char *path = path_in(*state);
    apr_uint64_t value = 42;
    ds_memory_t memory;
    sp_table_t *table;
    int status, kept;
    pid_t pid = fork();

    if (pid == 0) {
        memory = made(path, bytes);
        table = sp_table_init(memory.at, bytes, 64, 8, 9, NULL);
        sp_table_with(table, key, 1, set_it, &value, 1);
        raise(SIGKILL);
    }
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status));
    memory = made(path, bytes);
    table = sp_table_init(memory.at, bytes, 64, 8, 9, &kept);
    assert_int_equal(kept, 1);
    value = 0;
    assert_int_equal(sp_table_with(table, key, 0, get_it, &value, 1), 1);
    assert_int_equal(value, 42);
    ds_memory_drop(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_child_writes_what_the_parent_reads),
        UNIT(a_file_keeps_what_was_written),
        UNIT(a_file_of_another_size_is_replaced),
        UNIT(new_memory_leaves_the_old_to_its_users),
        UNIT(a_second_owner_is_refused),
        UNIT(the_owner_may_come_to_its_file_by_another_path),
        UNIT(a_killed_owner_leaves_no_lock_though_its_child_lives),
        UNIT(files_that_are_not_ours_are_refused),
        UNIT(rights_of_others_are_taken_away),
        UNIT(a_disk_without_room_is_an_error_and_leaves_no_half_file),
        UNIT(p20_rows_outlive_a_kill_of_all_processes),
    };

    return UNIT_RUN(tests);
}
