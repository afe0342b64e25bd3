/* SPDX-License-Identifier: Apache-2.0 */
/* Wishes that are fulfilled behind an answer, by a thread of their own. */
#include "unit.h"

#include <stdatomic.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_time.h>

#include "base/steady.h"
#include "image/later.h"

/* A world in which rendering waits until it is let go. */
typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int open;                            /* 1: renders may end */
    int begun;                           /* renders */
    int kept;                            /* renditions in the store */
    int asked;                           /* gets */
    apr_time_t asked_at;                 /* the last one's time */
    di_job_t job;                        /* the last one */
    char key[2 * DI_KEY_HASH_BYTES + 1]; /* of the last one kept */
    di_level_t level;
    di_store_t store;
    di_world_t world;
    char path[64];
} place_t;

static apr_status_t nothing(di_level_t *level, di_entry_t *out,
                            const di_key_t *key, apr_time_t now, apr_pool_t *p)
{
    place_t *place = level->self;

    pthread_mutex_lock(&place->mutex);
    place->asked++;
    place->asked_at = now;
    pthread_cond_broadcast(&place->changed);
    pthread_mutex_unlock(&place->mutex);
    return APR_NOTFOUND;
}

static apr_status_t keep(di_level_t *level, const di_key_t *key,
                         const di_record_t *record, const di_body_t *body,
                         apr_time_t now, apr_pool_t *ptemp)
{
    place_t *place = level->self;

    pthread_mutex_lock(&place->mutex);
    place->kept++;
    apr_cpystrn(place->key, key->hex, sizeof(place->key));
    pthread_cond_broadcast(&place->changed);
    pthread_mutex_unlock(&place->mutex);
    return APR_SUCCESS;
}

static void render(void *self, di_result_t *result, apr_file_t **out,
                   const di_job_t *job, apr_file_t *original, apr_pool_t *p)
{
    place_t *place = self;

    pthread_mutex_lock(&place->mutex);
    place->begun++;
    place->job = *job;
    pthread_cond_broadcast(&place->changed);
    while (!place->open) {
        pthread_cond_wait(&place->changed, &place->mutex);
    }
    pthread_mutex_unlock(&place->mutex);
    result->status = DI_RENDER_OK;
    result->format = DI_FORMAT_JPEG;
    result->bytes = 10;
    assert_int_equal(apr_file_dup(out, original, p), APR_SUCCESS);
}

static _Atomic apr_int64_t set_back; /* so far the wall clock was */

static apr_time_t wall(void)
{
    return apr_time_now() - atomic_load(&set_back);
}

static place_t *place_make(apr_pool_t *p)
{
    place_t *place = apr_pcalloc(p, sizeof(*place));
    int fd;

    apr_cpystrn(place->path, "/tmp/test_later.XXXXXX", sizeof(place->path));
    fd = mkstemp(place->path);
    assert_int_equal(write(fd, "\xff\xd8\xff\xe0", 4), 4);
    assert_int_equal(ftruncate(fd, 1000), 0);
    close(fd);
    pthread_mutex_init(&place->mutex, NULL);
    pthread_cond_init(&place->changed, NULL);
    place->level = (di_level_t){
        .name = "memory", .self = place, .get = nothing, .put = keep};
    place->store.count = 1;
    place->store.level[0] = &place->level;
    place->world = (di_world_t){.store = &place->store,
                                .renderer = place,
                                .render = render,
                                .now = wall,
                                .steady = ds_steady_now,
                                .pause = apr_sleep};
    return place;
}

/* Everything that it points to is gone when this returns. */
static int add(di_later_t *later, const place_t *place, int number)
{
    apr_pool_t *p;
    di_original_t original;
    di_limits_t limits = {.max_bytes = 2000};
    di_recipe_t recipe = {.quality = 50, .fit_px = (apr_uint32_t)number};
    di_wish_t wish = {.original = &original,
                      .limits = &limits,
                      .recipe = &recipe,
                      .formats = DI_FORMAT_SET(JPEG),
                      .inputs = DI_FORMATS_IN_DEFAULT,
                      .wait_ms = 1000,
                      .slow = 1};
    apr_finfo_t info;
    di_key_t key;
    int added;

    apr_pool_create(&p, NULL);
    assert_int_equal(apr_stat(&info, place->path, APR_FINFO_MTIME, p), 0);
    original = (di_original_t){.file = apr_pstrdup(p, place->path),
                               .bytes = 1000,
                               .modified_at = info.mtime};
    assert_int_equal(
        di_variant_key(&key, &original, &recipe, wish.formats, &limits, "t", p),
        APR_SUCCESS);
    wish.key = &key;
    added = di_later_add(later, &wish);
    memset((char *)(apr_uintptr_t)key.text, 'x', key.text_len);
    memset((char *)(apr_uintptr_t)original.file, 'x', 4);
    memset(&recipe, 0xff, sizeof(recipe));
    apr_pool_destroy(p);
    return added;
}

static void await(place_t *place, const int *number, int least)
{
    pthread_mutex_lock(&place->mutex);
    while (*number < least) {
        pthread_cond_wait(&place->changed, &place->mutex);
    }
    pthread_mutex_unlock(&place->mutex);
}

static void let_go(place_t *place)
{
    pthread_mutex_lock(&place->mutex);
    place->open = 1;
    pthread_cond_broadcast(&place->changed);
    pthread_mutex_unlock(&place->mutex);
}

static void a_wish_is_copied_made_and_kept(void **state)
{
    place_t *place = place_make(*state);
    di_later_t *later;
    apr_pool_t *pchild;

    apr_pool_create(&pchild, *state);
    assert_int_equal(di_later_make(&later, &place->world, 4, 9000, pchild), 0);
    let_go(place);
    assert_int_equal(add(later, place, 640), 1);
    await(place, &place->kept, 1);
    assert_int_equal(place->job.recipe.fit_px, 640);
    assert_int_equal(place->job.urgency, DI_URGENCY_STALE);
    assert_int_equal(place->job.time_limit_ms, 9000);
    apr_pool_destroy(pchild);
    unlink(place->path);
}

static void the_list_is_bounded_and_holds_a_key_once(void **state)
{
    place_t *place = place_make(*state);
    di_later_t *later;
    apr_pool_t *pchild;
    int i;

    apr_pool_create(&pchild, *state);
    assert_int_equal(di_later_make(&later, &place->world, 4, 9000, pchild), 0);
    assert_int_equal(add(later, place, 1), 1);
    await(place, &place->begun, 1); /* and stays at it */
    assert_int_equal(add(later, place, 1), 2);
    for (i = 2; i <= 5; i++) {
        assert_int_equal(add(later, place, i), 1);
        assert_int_equal(add(later, place, i), 2);
    }
    assert_int_equal(add(later, place, 6), 0);
    let_go(place);
    await(place, &place->kept, 5);
    assert_int_equal(place->begun, 5);
    assert_int_equal(add(later, place, 6), 1);
    await(place, &place->kept, 6);
    apr_pool_destroy(pchild);
    unlink(place->path);
}

static void the_end_drops_what_waits_and_waits_for_what_runs(void **state)
{
    place_t *place = place_make(*state);
    di_later_t *later;
    apr_pool_t *pchild;

    apr_pool_create(&pchild, *state);
    assert_int_equal(di_later_make(&later, &place->world, 4, 9000, pchild), 0);
    assert_int_equal(add(later, place, 1), 1);
    assert_int_equal(add(later, place, 2), 1);
    await(place, &place->begun, 1);
    let_go(place);
    apr_pool_destroy(pchild);
    assert_in_range(place->kept, 1, 2);
    assert_int_equal(place->kept, place->begun);
    unlink(place->path);
}

static void the_store_is_asked_for_what_has_expired(void **state)
{
    place_t *place = place_make(*state);
    apr_time_t at = apr_time_now() + apr_time_from_msec(300);
    char text[] = "a key";
    di_later_t *later;
    apr_pool_t *pchild;
    di_key_t key;

    apr_pool_create(&pchild, *state);
    assert_int_equal(di_later_make(&later, &place->world, 4, 9000, pchild), 0);
    assert_int_equal(di_key_make(&key, text), APR_SUCCESS);
    di_later_forget(later, &key, at);
    memset(text, 'x', sizeof(text));
    await(place, &place->asked, 1);
    assert_true(place->asked_at >= at);
    /* The end does not wait for what has not expired yet. */
    di_later_forget(later, &key, apr_time_now() + apr_time_from_sec(3600));
    apr_pool_destroy(pchild);
    assert_int_equal(place->asked, 1);
    unlink(place->path);
}

static void a_clock_that_is_set_back_puts_nothing_off(void **state)
{
    place_t *place = place_make(*state);
    di_later_t *later;
    apr_pool_t *pchild;
    di_key_t key;

    apr_pool_create(&pchild, *state);
    assert_int_equal(di_later_make(&later, &place->world, 4, 9000, pchild), 0);
    assert_int_equal(di_key_make(&key, "a key"), APR_SUCCESS);
    di_later_forget(later, &key, wall() + apr_time_from_msec(300));
    atomic_store(&set_back, apr_time_from_sec(86400));
    await(place, &place->asked, 1);
    apr_pool_destroy(pchild);
    atomic_store(&set_back, 0);
    unlink(place->path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_wish_is_copied_made_and_kept),
        UNIT(the_list_is_bounded_and_holds_a_key_once),
        UNIT(the_end_drops_what_waits_and_waits_for_what_runs),
        UNIT(the_store_is_asked_for_what_has_expired),
        UNIT(a_clock_that_is_set_back_puts_nothing_off),
    };

    return UNIT_RUN(tests);
}
