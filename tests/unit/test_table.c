/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "speed/table.h"

#define T0 apr_time_from_sec(1700000000)
#define TAG 0x1234

typedef struct {
    apr_uint64_t count;
    apr_uint64_t copy; /* always count, while nobody is in the row */
    char text[40];
} row_t;

typedef struct {
    unsigned char bytes[SP_TABLE_KEY_BYTES];
} key_t16;

/* Keys are hashes: these are spread like some. */
static key_t16 key_of(apr_uint64_t n)
{
    apr_uint64_t a = (n + 1) * 0x9e3779b97f4a7c15u, b = n * 0xd6e8feb86659fd93u;
    key_t16 key;

    a ^= a >> 29;
    memcpy(key.bytes, &a, 8);
    memcpy(key.bytes + 8, &b, 8);
    return key;
}

static void *memory(apr_size_t bytes)
{
    void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(mem, MAP_FAILED);
    return mem;
}

static sp_table_t *table_of(apr_uint32_t rows)
{
    apr_size_t bytes = sp_table_bytes(rows, sizeof(row_t));
    int kept = 1;
    sp_table_t *table =
        sp_table_init(memory(bytes), bytes, rows, sizeof(row_t), TAG, &kept);

    assert_non_null(table);
    assert_int_equal(kept, 0);
    return table;
}

static void add_one(void *row, void *baton)
{
    row_t *mine = row;

    mine->count++;
    mine->copy++;
    if (baton) {
        *(apr_uint64_t *)baton = mine->count;
    }
}

static void look(void *row, void *baton)
{
    memcpy(baton, row, sizeof(row_t));
}

static int touch(sp_table_t *table, apr_uint64_t n, apr_time_t now)
{
    key_t16 key = key_of(n);

    return sp_table_with(table, key.bytes, 1, add_one, NULL, now);
}

/* What a row counts; 0 when it is not there. */
static apr_uint64_t count_of(sp_table_t *table, apr_uint64_t n)
{
    key_t16 key = key_of(n);
    row_t row = {0};

    sp_table_with(table, key.bytes, 0, look, &row, T0);
    return row.count;
}

static void rows_are_made_found_and_apart(void **state)
{
    sp_table_t *table = table_of(1000);
    apr_uint64_t i;

    assert_int_equal(count_of(table, 7), 0);
    for (i = 0; i < 100; i++) {
        assert_int_equal(touch(table, i, T0), 1);
        assert_int_equal(touch(table, i / 2, T0), 1);
    }
    for (i = 0; i < 100; i++) {
        assert_int_equal(count_of(table, i), i < 50 ? 3 : 1);
    }
    assert_int_equal(sp_table_used(table), 100);
    assert_int_equal(sp_table_evicted(table), 0);
}

static void a_missing_row_is_not_made_by_a_look(void **state)
{
    sp_table_t *table = table_of(8);
    key_t16 key = key_of(1);
    row_t row;

    assert_int_equal(sp_table_with(table, key.bytes, 0, look, &row, T0), 0);
    assert_int_equal(sp_table_used(table), 0);
}

static void no_table_is_an_empty_one(void **state)
{
    assert_int_equal(touch(NULL, 1, T0), 0);
    assert_int_equal(sp_table_used(NULL), 0);
    assert_int_equal(sp_table_evicted(NULL), 0);
}

static void p20_the_table_is_bounded_and_the_oldest_row_goes(void **state)
{
    sp_table_t *table = table_of(SP_TABLE_WAYS); /* one bucket */
    apr_uint64_t i;

    for (i = 0; i < SP_TABLE_WAYS; i++) {
        assert_int_equal(touch(table, i, T0 + (apr_time_t)i), 1);
    }
    assert_int_equal(touch(table, 0, T0 + 100), 1); /* used again */
    assert_int_equal(touch(table, 99, T0 + 101), 1);
    assert_int_equal(sp_table_evicted(table), 1);
    assert_int_equal(sp_table_used(table), SP_TABLE_WAYS);
    assert_int_equal(count_of(table, 0), 2);
    assert_int_equal(count_of(table, 1), 0);
    assert_int_equal(count_of(table, 99), 1);
}

static void p20_a_flood_of_keys_takes_no_more_memory(void **state)
{
    sp_table_t *table = table_of(64);
    apr_uint64_t i;

    for (i = 0; i < 10000; i++) {
        assert_int_equal(touch(table, i, T0 + (apr_time_t)i), 1);
    }
    assert_true(sp_table_used(table) <= 64);
    assert_int_equal(sp_table_used(table) + sp_table_evicted(table), 10000);
}

static void a_row_from_before_the_clock_was_set_back_goes_first(void **state)
{
    sp_table_t *table = table_of(SP_TABLE_WAYS);
    apr_uint64_t i;

    touch(table, 50, T0 + apr_time_from_sec(3600));
    for (i = 0; i < SP_TABLE_WAYS; i++) {
        touch(table, i, T0 + (apr_time_t)i);
    }
    assert_int_equal(count_of(table, 50), 0);
    assert_int_equal(count_of(table, 0), 1);
}

static void rows_of_the_same_shape_and_tag_are_kept(void **state)
{
    static const struct {
        apr_uint32_t rows;
        apr_size_t row_bytes;
        apr_uint64_t tag;
        int kept;
    } cases[] = {{64, sizeof(row_t), TAG, 1},
                 {60, sizeof(row_t), TAG, 1}, /* rounded up: the same */
                 {64, sizeof(row_t), TAG + 1, 0},
                 {56, sizeof(row_t), TAG, 0},
                 {64, sizeof(row_t) - 8, TAG, 0},
                 {32, sizeof(row_t) * 2, TAG, 0}};
    apr_size_t bytes = 2 * sp_table_bytes(64, sizeof(row_t)), i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        void *mem = memory(bytes);
        sp_table_t *table =
            sp_table_init(mem, bytes, 64, sizeof(row_t), TAG, NULL);
        int kept = -1;

        touch(table, 5, T0);
        assert_int_equal(sp_table_is_kept(mem, bytes, cases[i].rows,
                                          cases[i].row_bytes, cases[i].tag),
                         cases[i].kept);
        table = sp_table_init(mem, bytes, cases[i].rows, cases[i].row_bytes,
                              cases[i].tag, &kept);
        assert_non_null(table);
        assert_int_equal(kept, cases[i].kept);
        assert_int_equal(sp_table_used(table), cases[i].kept);
        if (kept) {
            assert_int_equal(count_of(table, 5), 1);
        }
        munmap(mem, bytes);
    }
}

static void memory_that_does_not_suit_is_refused(void **state)
{
    apr_size_t bytes = sp_table_bytes(8, 8);
    char *mem = memory(bytes + 64);

    assert_null(sp_table_init(mem, bytes - 1, 8, 8, TAG, NULL));
    assert_null(sp_table_init(mem + 8, bytes, 8, 8, TAG, NULL));
    assert_null(sp_table_init(NULL, bytes, 8, 8, TAG, NULL));
    assert_null(sp_table_init(mem, bytes, 0, 8, TAG, NULL));
    assert_null(sp_table_init(mem, bytes, 8, 0, TAG, NULL));
    assert_int_equal(sp_table_bytes(SP_TABLE_ROWS_MAX + 1, 8), 0);
    assert_int_equal(sp_table_bytes(8, SP_TABLE_ROW_BYTES_MAX + 1), 0);
    assert_int_equal(sp_table_bytes(9, 8), sp_table_bytes(16, 8));
    assert_int_equal(bytes % 64, 0);
    assert_non_null(sp_table_init(mem + 64, bytes, 8, 8, TAG, NULL));
}

static void a_damaged_row_counts_as_missing(void **state)
{
    apr_size_t bytes = sp_table_bytes(8, sizeof(row_t)), at;
    unsigned char *mem = memory(bytes), *copy = malloc(bytes);
    sp_table_t *table = sp_table_init(mem, bytes, 8, sizeof(row_t), TAG, NULL);
    key_t16 key = key_of(3);
    row_t row;

    touch(table, 3, T0);
    memcpy(copy, mem, bytes);
    for (at = 64; at < bytes; at++) { /* the head is another case */
        mem[at] ^= 0x10;
        if (sp_table_with(table, key.bytes, 0, look, &row, T0) > 0) {
            assert_int_equal(row.count, 1);
            assert_int_equal(row.copy, 1);
        }
        memcpy(mem, copy, bytes);
    }
    free(copy);
}

static void garbage_memory_never_crashes(void **state)
{
    apr_size_t bytes = sp_table_bytes(64, sizeof(row_t)), at;
    unsigned char *mem = memory(bytes);
    unsigned int seed;
    apr_uint64_t i;

    for (seed = 1; seed <= 50; seed++) {
        sp_table_t *table;
        unsigned int x = seed;

        /* A head that is ours over rows that are anything. */
        sp_table_init(mem, bytes, 64, sizeof(row_t), TAG, NULL);
        for (at = seed == 1 ? 0 : 64; at < bytes; at++) {
            x = x * 1103515245u + 12345u;
            mem[at] = (unsigned char)(x >> 16);
        }
        table = sp_table_init(mem, bytes, 64, sizeof(row_t), TAG, NULL);
        assert_non_null(table);
        for (i = 0; i < 500; i++) {
            touch(table, i % 100, T0 + (apr_time_t)i);
            count_of(table, i);
        }
        assert_true(sp_table_used(table) <= 64);
        assert_int_equal(touch(table, 5, T0), 1);
        assert_true(count_of(table, 5) >= 1);
    }
}

/* ---- several at once ---- */

#define WORKERS 4
#define ROUNDS 20000
#define HOT_KEYS 5

typedef struct {
    sp_table_t *table;
    apr_uint64_t done[WORKERS][HOT_KEYS];
} hammer_t;

static void hammer(hammer_t *h, int worker)
{
    int i;

    for (i = 0; i < ROUNDS; i++) {
        int n = (i * 7 + worker) % HOT_KEYS;
        h->done[worker][n] += touch(h->table, (apr_uint64_t)n, T0 + i) == 1;
    }
}

static void check_hammered(const hammer_t *h)
{
    int worker, n;

    for (n = 0; n < HOT_KEYS; n++) {
        key_t16 key = key_of((apr_uint64_t)n);
        apr_uint64_t sum = 0;
        row_t row = {0};

        for (worker = 0; worker < WORKERS; worker++) {
            sum += h->done[worker][n];
        }
        assert_true(sum > 0);
        assert_int_equal(sp_table_with(h->table, key.bytes, 0, look, &row, T0),
                         1);
        assert_int_equal(row.count, sum);
        assert_int_equal(row.copy, sum);
    }
}

static void processes_exclude_each_other(void **state)
{
    hammer_t *h = memory(sizeof(*h));
    pid_t pid[WORKERS];
    int i, status;

    h->table = table_of(64);
    for (i = 0; i < WORKERS; i++) {
        pid[i] = fork();
        if (pid[i] == 0) {
            hammer(h, i);
            _exit(0);
        }
    }
    for (i = 0; i < WORKERS; i++) {
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_int_equal(status, 0);
    }
    check_hammered(h);
}

typedef struct {
    hammer_t *h;
    int worker;
} thread_arg_t;

/* From inside a row: what others find meanwhile. */
typedef struct {
    sp_table_t *table;
    int mine, other; /* answers for a row of this bucket, and of another */
} inside_t;

static void ask_from_inside(void *row, void *baton)
{
    inside_t *inside = baton;
    apr_uint64_t n;

    ((row_t *)row)->count++;
    inside->mine = touch(inside->table, 0, T0);
    inside->other = 0;
    for (n = 1; inside->other != 1 && n < 100; n++) {
        inside->other = touch(inside->table, n, T0);
    }
}

static void a_busy_row_is_not_a_missing_one(void **state)
{
    inside_t inside = {.table = table_of(64)};
    key_t16 key = key_of(0);
    int tries = 0;

    do { /* again when this process was stopped until the lock was stale */
        assert_int_equal(sp_table_with(inside.table, key.bytes, 1,
                                       ask_from_inside, &inside, T0),
                         1);
    } while (inside.mine != SP_TABLE_BUSY && ++tries < 20);
    assert_int_equal(inside.mine, SP_TABLE_BUSY);
    assert_int_equal(inside.other, 1);
    assert_int_equal(touch(inside.table, 0, T0), 1); /* free again */
}

static void *hammer_thread(void *baton)
{
    thread_arg_t *arg = baton;

    hammer(arg->h, arg->worker);
    (void)sp_table_used(arg->h->table);
    return NULL;
}

static void threads_exclude_each_other(void **state)
{
    hammer_t *h = memory(sizeof(*h));
    thread_arg_t arg[WORKERS];
    pthread_t thread[WORKERS];
    int i;

    h->table = table_of(64);
    for (i = 0; i < WORKERS; i++) {
        arg[i].h = h;
        arg[i].worker = i;
        pthread_create(&thread[i], NULL, hammer_thread, &arg[i]);
    }
    for (i = 0; i < WORKERS; i++) {
        pthread_join(thread[i], NULL);
    }
    check_hammered(h);
}

static void *flood_thread(void *baton)
{
    thread_arg_t *arg = baton;
    apr_uint64_t i;

    for (i = 0; i < 20000; i++) {
        apr_uint64_t n = (i * 31 + (apr_uint64_t)arg->worker * 17) % 500;
        touch(arg->h->table, n, T0 + (apr_time_t)i);
        (void)count_of(arg->h->table, n);
    }
    return NULL;
}

static void rows_stay_whole_while_others_push_them_out(void **state)
{
    hammer_t h = {.table = table_of(64)};
    thread_arg_t arg[WORKERS];
    pthread_t thread[WORKERS];
    apr_uint64_t n;
    int i;

    for (i = 0; i < WORKERS; i++) {
        arg[i].h = &h;
        arg[i].worker = i;
        pthread_create(&thread[i], NULL, flood_thread, &arg[i]);
    }
    for (i = 0; i < WORKERS; i++) {
        pthread_join(thread[i], NULL);
    }
    assert_true(sp_table_evicted(h.table) > 0);
    for (n = 0; n < 500; n++) {
        key_t16 key = key_of(n);
        row_t row = {0};

        sp_table_with(h.table, key.bytes, 0, look, &row, T0);
        assert_int_equal(row.count, row.copy);
    }
}

/* ---- holders that die ---- */

static void change_half_and_die(void *row, void *baton)
{
    ((row_t *)row)->count = 77;
    raise(SIGKILL);
}

static void die_inside(sp_table_t *table, apr_uint64_t n)
{
    key_t16 key = key_of(n);
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        sp_table_with(table, key.bytes, 1, change_half_and_die, NULL, T0);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

/* Tries for up to 20 s. */
static int had_in_the_end(sp_table_t *table, apr_uint64_t n)
{
    int tries;

    for (tries = 0; tries < 2000; tries++) {
        if (touch(table, n, T0) > 0) {
            return 1;
        }
        usleep(10000);
    }
    return 0;
}

static void a_killed_holders_lock_is_taken_over_its_row_lost(void **state)
{
    static const struct {
        apr_uint64_t dies_in, uses;
        int seen; /* of the row that is looked at */
    } cases[] = {
        {1, 1, 1}, /* the row that was there is gone: a new one */
        {2, 1, 2}, /* in a row that was being made: its neighbour is whole */
    };
    apr_size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        sp_table_t *table = table_of(8);

        touch(table, 1, T0);
        die_inside(table, cases[i].dies_in);
        assert_int_equal(had_in_the_end(table, cases[i].uses), 1);
        assert_int_equal(count_of(table, cases[i].uses), cases[i].seen);
        assert_int_equal(count_of(table, 2), 0);
    }
}

static void change_half_and_stop(void *row, void *baton)
{
    ((row_t *)row)->count++;
    raise(SIGSTOP);
    ((row_t *)row)->copy++;
}

/* Stopped, not dead: it comes back when its lock is another's. */
static void a_holder_that_wakes_up_late_spoils_its_row_at_most(void **state)
{
    sp_table_t *table = table_of(8);
    key_t16 key = key_of(1);
    row_t row = {0};
    pid_t pid;
    int status;

    touch(table, 1, T0);
    touch(table, 2, T0);
    pid = fork();
    if (pid == 0) {
        sp_table_with(table, key.bytes, 1, change_half_and_stop, NULL, T0);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));
    assert_int_equal(had_in_the_end(table, 1), 1);
    assert_int_equal(count_of(table, 1), 1); /* anew */
    kill(pid, SIGCONT);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    if (sp_table_with(table, key.bytes, 0, look, &row, T0) > 0) {
        assert_int_equal(row.count, row.copy);
    }
    assert_int_equal(count_of(table, 2), 1);
    assert_int_equal(touch(table, 1, T0), 1); /* no lock is left */
}

static void processes_killed_at_any_moment_leave_whole_rows(void **state)
{
    hammer_t *h = memory(sizeof(*h));
    int round, n, status;

    h->table = table_of(64);
    for (round = 0; round < 100; round++) {
        pid_t pid = fork();

        if (pid == 0) {
            for (;;) {
                hammer(h, 0);
            }
        }
        usleep((useconds_t)(round * 37 % 1000));
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        for (n = 0; n < HOT_KEYS; n++) {
            key_t16 key = key_of((apr_uint64_t)n);
            row_t row = {0};

            sp_table_with(h->table, key.bytes, 0, look, &row, T0);
            assert_int_equal(row.count, row.copy);
        }
    }
    for (n = 0; n < HOT_KEYS; n++) {
        (void)had_in_the_end(h->table, (apr_uint64_t)n);
        assert_true(count_of(h->table, (apr_uint64_t)n) > 0);
    }
}

static void a_lock_from_the_future_is_no_lock(void **state)
{
    apr_size_t bytes = sp_table_bytes(8, sizeof(row_t));
    void *mem = memory(bytes);
    sp_table_t *table = sp_table_init(mem, bytes, 8, sizeof(row_t), TAG, NULL);
    apr_uint64_t far = APR_UINT64_MAX / 2;

    memcpy((char *)mem + 64, &far, sizeof(far)); /* after a reboot */
    assert_int_equal(touch(table, 1, T0), 1);
    assert_int_equal(count_of(table, 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(rows_are_made_found_and_apart),
        UNIT(a_missing_row_is_not_made_by_a_look),
        UNIT(no_table_is_an_empty_one),
        UNIT(p20_the_table_is_bounded_and_the_oldest_row_goes),
        UNIT(p20_a_flood_of_keys_takes_no_more_memory),
        UNIT(a_row_from_before_the_clock_was_set_back_goes_first),
        UNIT(rows_of_the_same_shape_and_tag_are_kept),
        UNIT(memory_that_does_not_suit_is_refused),
        UNIT(a_damaged_row_counts_as_missing),
        UNIT(garbage_memory_never_crashes),
        UNIT(a_busy_row_is_not_a_missing_one),
        UNIT(processes_exclude_each_other),
        UNIT(threads_exclude_each_other),
        UNIT(rows_stay_whole_while_others_push_them_out),
        UNIT(a_killed_holders_lock_is_taken_over_its_row_lost),
        UNIT(a_holder_that_wakes_up_late_spoils_its_row_at_most),
        UNIT(processes_killed_at_any_moment_leave_whole_rows),
        UNIT(a_lock_from_the_future_is_no_lock),
    };

    return UNIT_RUN(tests);
}
