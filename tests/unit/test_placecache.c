/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>

#include "speed/placecache.h"

#define NOW apr_time_from_sec(1700000000)

static sp_placecache_key_t a_file(void)
{
    sp_placecache_key_t key = {.device = 2049,
                               .inode = 123456,
                               .size = 100000,
                               .mtime = NOW - apr_time_from_sec(3600),
                               .ctime = NOW - apr_time_from_sec(3600),
                               .charset_declared = 0};

    return key;
}

static const sp_htmlscan_places_t some_places = {61, 99981, SP_HTMLSCAN_PLACED,
                                                 1};

static void a_file_is_known_once_it_was_put(void **state)
{
    sp_placecache_t *cache = sp_placecache_create(*state);
    sp_placecache_key_t key = a_file();
    sp_htmlscan_places_t out;

    assert_false(sp_placecache_get(&out, cache, &key));
    sp_placecache_put(cache, &key, &some_places);
    assert_true(sp_placecache_get(&out, cache, &key));
    assert_int_equal(out.start, some_places.start);
    assert_int_equal(out.end, some_places.end);
    assert_int_equal(out.why, some_places.why);
    assert_int_equal(out.base_leads_away, 1);
}

static void a_page_without_places_is_known_as_that(void **state)
{
    static const sp_htmlscan_places_t none = {0, 0, SP_HTMLSCAN_CHARSET, 0};
    sp_placecache_t *cache = sp_placecache_create(*state);
    sp_placecache_key_t key = a_file();
    sp_htmlscan_places_t out = some_places;

    sp_placecache_put(cache, &key, &none);
    assert_true(sp_placecache_get(&out, cache, &key));
    assert_int_equal(out.start, 0);
    assert_int_equal(out.end, 0);
    assert_int_equal(out.why, SP_HTMLSCAN_CHARSET);
    assert_int_equal(out.base_leads_away, 0);
}

static void a_file_that_differs_in_anything_is_another(void **state)
{
    sp_placecache_t *cache = sp_placecache_create(*state);
    sp_placecache_key_t key = a_file(), other[6];
    sp_htmlscan_places_t out;
    int i;

    sp_placecache_put(cache, &key, &some_places);
    for (i = 0; i < 6; i++) {
        other[i] = key;
    }
    other[0].device++;
    other[1].inode++;
    other[2].size++;
    other[3].mtime++;
    other[4].ctime++;
    other[5].charset_declared = 1;
    for (i = 0; i < 6; i++) {
        assert_false(sp_placecache_get(&out, cache, &other[i]));
    }
    /* A changed file takes the slot of what it was. */
    sp_placecache_put(cache, &other[3], &some_places);
    assert_true(sp_placecache_get(&out, cache, &other[3]));
    assert_false(sp_placecache_get(&out, cache, &key));
}

static void an_unfinished_scan_is_not_remembered(void **state)
{
    static const sp_htmlscan_places_t going = {61, 0, SP_HTMLSCAN_GOING, 0};
    sp_placecache_t *cache = sp_placecache_create(*state);
    sp_placecache_key_t key = a_file(), zero = {0};
    sp_htmlscan_places_t out;

    sp_placecache_put(cache, &key, &going);
    assert_false(sp_placecache_get(&out, cache, &key));
    assert_false(sp_placecache_get(&out, cache, &zero));
}

static void a_file_changed_lately_may_change_again(void **state)
{
    static const struct {
        apr_time_t mtime, ctime; /* before now */
        int settled;
    } cases[] = {
        {3600000000, 3600000000, 1}, {2000001, 2000001, 1},
        {2000000, 3600000000, 0},    {3600000000, 2000000, 0},
        {3600000000, 0, 0},          {-1000000, 3600000000, 0},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        sp_placecache_key_t key = a_file();
        key.mtime = NOW - cases[i].mtime;
        key.ctime = NOW - cases[i].ctime;
        assert_int_equal(sp_placecache_is_settled(&key, NOW), cases[i].settled);
    }
}

static void more_files_than_slots_are_forgotten_not_mixed_up(void **state)
{
    sp_placecache_t *cache = sp_placecache_create(*state);
    sp_placecache_key_t key = a_file();
    sp_htmlscan_places_t places = some_places, out;
    apr_uint64_t i, known = 0, files = 10 * SP_PLACECACHE_SLOTS;

    for (i = 1; i <= files; i++) {
        key.inode = i;
        places.start = i;
        sp_placecache_put(cache, &key, &places);
    }
    for (i = 1; i <= files; i++) {
        key.inode = i;
        if (sp_placecache_get(&out, cache, &key)) {
            assert_int_equal(out.start, i);
            known++;
        }
    }
    /* Most slots are in use: inodes in a row spread. */
    assert_true(known <= SP_PLACECACHE_SLOTS);
    assert_true(known > SP_PLACECACHE_SLOTS * 9 / 10);
}

/* ---- threads ---- */

typedef struct {
    sp_placecache_t *cache;
    apr_uint64_t which;
    _Atomic apr_uint64_t *mixed;
} thread_t;

/* Two files that fight for one slot; start and end tell which one it is. */
static void *put_and_get(void *baton)
{
    thread_t *t = baton;
    sp_placecache_key_t key = a_file();
    sp_htmlscan_places_t places, out;
    int i;

    for (i = 0; i < 50000; i++) {
        key.size = t->which % 2 + 1;
        places.start = places.end = key.size;
        places.why = SP_HTMLSCAN_PLACED;
        places.base_leads_away = 0;
        sp_placecache_put(t->cache, &key, &places);
        if (sp_placecache_get(&out, t->cache, &key) &&
            (out.start != key.size || out.end != key.size)) {
            (*t->mixed)++;
        }
    }
    return NULL;
}

static void threads_never_see_half_of_an_entry(void **state)
{
    sp_placecache_t *cache = sp_placecache_create(*state);
    _Atomic apr_uint64_t mixed = 0;
    pthread_t ids[4];
    thread_t threads[4];
    apr_uint64_t i;

    for (i = 0; i < 4; i++) {
        threads[i] = (thread_t){cache, i, &mixed};
        assert_int_equal(
            pthread_create(&ids[i], NULL, put_and_get, &threads[i]), 0);
    }
    for (i = 0; i < 4; i++) {
        pthread_join(ids[i], NULL);
    }
    assert_int_equal(mixed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_file_is_known_once_it_was_put),
        UNIT(a_page_without_places_is_known_as_that),
        UNIT(a_file_that_differs_in_anything_is_another),
        UNIT(an_unfinished_scan_is_not_remembered),
        UNIT(a_file_changed_lately_may_change_again),
        UNIT(more_files_than_slots_are_forgotten_not_mixed_up),
        UNIT(threads_never_see_half_of_an_entry),
    };

    return UNIT_RUN(tests);
}
