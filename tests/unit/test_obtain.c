/* SPDX-License-Identifier: Apache-2.0 */
/* The story of obtaining, with a store, a renderer and a clock of our own. */
#include "unit.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/steady.h"
#include "image/obtain.h"

#define SLOTS 8

/* A store level that is a small array. */
typedef struct {
    int count;
    char hex[SLOTS][2 * DI_KEY_HASH_BYTES + 1];
    di_record_t record[SLOTS];
    atomic_int gets;
    int passing; /* puts of what expires */
    int broken;  /* puts and gets fail */
} memory_t;

static apr_status_t memory_get(di_level_t *level, di_entry_t *out,
                               const di_key_t *key, apr_time_t now,
                               apr_pool_t *p)
{
    memory_t *memory = level->self;
    int i;

    atomic_fetch_add(&memory->gets, 1);
    for (i = 0; i < memory->count && !memory->broken; i++) {
        if (!strcmp(memory->hex[i], key->hex) &&
            (!memory->record[i].expires_at ||
             now < memory->record[i].expires_at)) {
            out->record = memory->record[i];
            out->body.data = apr_pcalloc(p, 64);
            out->body.file = NULL;
            out->body.bytes = out->record.body_bytes;
            out->level = level->name;
            return APR_SUCCESS;
        }
    }
    return APR_NOTFOUND;
}

static apr_status_t memory_put(di_level_t *level, const di_key_t *key,
                               const di_record_t *record, const di_body_t *body,
                               apr_time_t now, apr_pool_t *ptemp)
{
    memory_t *memory = level->self;

    if (memory->broken || memory->count == SLOTS) {
        return APR_ENOSPC;
    }
    apr_cpystrn(memory->hex[memory->count], key->hex, sizeof(memory->hex[0]));
    memory->passing += record->expires_at != 0;
    memory->record[memory->count++] = *record;
    return APR_SUCCESS;
}

/* One test's world. */
typedef struct {
    memory_t memory;
    di_level_t level;
    di_store_t store;
    di_world_t world;
    di_original_t original;
    di_limits_t limits;
    di_recipe_t recipe, quick;
    di_key_t key, other, quick_key;
    di_wish_t wish;
    di_result_t answer; /* what the renderer will say */
    int renders;
    int laters; /* wishes for behind the answer */
    int ahead;  /* of them for what nobody asked for */
    int forgets;
    int variants; /* all renditions that may be wished */
    int told;     /* renders */
    apr_uint64_t told_us;
    apr_uint32_t backlog_ms;
    di_other_e place; /* of the other tier */
    int no_quick;     /* 1: the client does not take it */
    int writes;       /* 1: somebody writes to the original meanwhile */
    di_job_t job;     /* the last one */
    char path[64];
    apr_pool_t *p;
} story_t;

static apr_time_t clock_at; /* the tests' clock, us */

static apr_time_t read_clock(void)
{
    return clock_at;
}

static int puts_back; /* 1: the wall clock stands still while we wait */
static apr_interval_time_t put_back; /* the wall clock has been, so far */

static apr_time_t read_wall(void)
{
    return clock_at - put_back;
}

static void move_clock(apr_interval_time_t span)
{
    clock_at += span;
    put_back += puts_back ? span : 0;
}

static void fake_render(void *self, di_result_t *result, apr_file_t **out,
                        const di_job_t *job, apr_file_t *original,
                        apr_pool_t *p)
{
    story_t *story = self;

    story->renders++;
    story->job = *job;
    *result = story->answer;
    assert_int_equal(apr_file_dup(out, original, p), APR_SUCCESS);
    if (story->writes) {
        assert_int_equal(truncate(story->path, 999), 0);
    }
    clock_at += apr_time_from_msec(30);
}

static void note_rendered(void *self, const di_wish_t *wish,
                          const di_result_t *result)
{
    story_t *story = self;

    story->told++;
    story->told_us += result->cpu_us;
    assert_int_equal(wish->key->customer, 3);
}

static int note_later(void *self, const di_wish_t *wish)
{
    story_t *story = self;

    story->laters++;
    story->ahead += wish->urgency == DI_URGENCY_AHEAD;
    assert_string_equal(wish->key->hex, story->key.hex);
    return 1;
}

static void note_forget(void *self, const di_key_t *key, apr_time_t at)
{
    story_t *story = self;

    story->forgets++;
    assert_string_equal(key->hex, story->key.hex);
    assert_true(at > clock_at && at <= clock_at + apr_time_from_sec(2));
}

static int all_alike(void *self, di_wish_t *wish, int i)
{
    return i < ((story_t *)self)->variants;
}

static apr_uint32_t tell_backlog(void *self)
{
    return ((story_t *)self)->backlog_ms;
}

static di_other_e only_other(void *self, di_key_t *out, int i)
{
    const story_t *story = self;

    *out = story->other;
    return i == 0 ? story->place : DI_NO_OTHER;
}

static int only_quick(void *self, di_recipe_t *recipe, di_key_t *key)
{
    const story_t *story = self;

    *recipe = story->quick;
    *key = story->quick_key;
    return !story->no_quick;
}

static const di_others_t others = {only_other, only_quick, all_alike};

static void make_key(di_key_t *out, const story_t *s, const di_recipe_t *recipe)
{
    assert_int_equal(di_variant_key(out, &s->original, recipe,
                                    DI_FORMAT_SET(JPEG), &s->limits, "t", s->p),
                     APR_SUCCESS);
}

/* @param content  bytes of the original, len of them; then zeros */
static story_t *story_of(apr_pool_t *p, const void *content, size_t len)
{
    story_t *s = apr_pcalloc(p, sizeof(*s));
    apr_finfo_t info;
    int fd;

    apr_cpystrn(s->path, "/tmp/test_obtain.XXXXXX", sizeof(s->path));
    fd = mkstemp(s->path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, len), len);
    assert_int_equal(ftruncate(fd, 1000), 0);
    close(fd);
    assert_int_equal(apr_stat(&info, s->path, APR_FINFO_MTIME, p), 0);
    clock_at = apr_time_from_sec(1000);
    put_back = puts_back = 0;
    s->p = p;
    s->level = (di_level_t){.name = "memory",
                            .self = &s->memory,
                            .get = memory_get,
                            .put = memory_put};
    s->store.count = 1;
    s->store.level[0] = &s->level;
    s->world = (di_world_t){.store = &s->store,
                            .renderer = s,
                            .render = fake_render,
                            .now = read_wall,
                            .steady = read_clock,
                            .pause = move_clock};
    s->original = (di_original_t){
        .file = s->path, .bytes = 1000, .modified_at = info.mtime};
    s->limits = (di_limits_t){.max_bytes = 2000, .max_pixels = 100};
    s->quick = (di_recipe_t){.fit_px = 640, .quality = 40, .quick = 1};
    s->recipe.quality = 70;
    make_key(&s->other, s, &s->recipe);
    s->recipe.quality = 50;
    make_key(&s->key, s, &s->recipe);
    make_key(&s->quick_key, s, &s->quick);
    s->wish = (di_wish_t){.original = &s->original,
                          .limits = &s->limits,
                          .recipe = &s->recipe,
                          .formats = DI_FORMAT_SET(JPEG) | DI_FORMAT_SET(PNG),
                          .inputs = DI_FORMATS_IN_DEFAULT,
                          .key = &s->key,
                          .wait_ms = 1000,
                          .urgency = DI_URGENCY_MISSING,
                          .priority = 7,
                          .client = 77,
                          .others = &others,
                          .others_baton = s};
    s->place = DI_OTHER_LARGER;
    s->answer = (di_result_t){
        .status = DI_RENDER_OK, .format = DI_FORMAT_JPEG, .bytes = 400};
    return s;
}

static story_t *story_make(apr_pool_t *p, const char *content)
{
    return story_of(p, content, strlen(content));
}

static di_obtained_t ask(story_t *s)
{
    di_obtained_t got;

    di_obtain(&got, &s->world, &s->wish, s->p);
    return got;
}

static const char jpeg[] = "\xff\xd8\xff\xe0 picture";

static void a_miss_renders_and_the_next_request_is_a_hit(void **state)
{
    story_t *s = story_make(*state, jpeg);
    di_obtained_t got = ask(s);

    assert_true(got.have);
    assert_int_equal(got.reason, DI_REASON_RENDERED);
    assert_string_equal(got.cache, "miss");
    assert_int_equal(got.took_ms, 30);
    assert_true(got.kept);
    assert_false(got.passing);
    assert_int_equal(s->job.format, DI_FORMAT_JPEG);
    assert_int_equal(s->job.formats, s->wish.formats);
    assert_int_equal(s->job.recipe.quality, 50);
    assert_int_equal(s->job.limits.max_pixels, 100);
    assert_int_equal(s->job.time_limit_ms, 1000);
    assert_int_equal(s->job.urgency, DI_URGENCY_MISSING);
    assert_int_equal(s->job.priority, 7);
    assert_int_equal(s->job.client, 77);
    got = ask(s);
    assert_true(got.have);
    assert_string_equal(got.cache, "memory");
    assert_int_equal(got.took_ms, 0);
    assert_int_equal(s->renders, 1);
    unlink(s->path);
}

static void what_is_no_picture_is_never_rendered(void **state)
{
    story_t *s = story_make(*state, "%!PS-Adobe-3.0");
    di_obtained_t got = ask(s);

    assert_false(got.have);
    assert_int_equal(got.reason, DI_REASON_UNSUPPORTED);
    assert_int_equal(s->renders, 0);
    got = ask(s);
    assert_int_equal(got.reason, DI_REASON_UNSUPPORTED);
    assert_string_equal(got.cache, "memory");
    unlink(s->path);
}

static void a_rendition_that_is_not_smaller_is_not_used(void **state)
{
    story_t *s = story_make(*state, jpeg);
    di_obtained_t got;

    s->answer.bytes = 1000;
    got = ask(s);
    assert_false(got.have);
    assert_int_equal(got.reason, DI_REASON_NOT_SMALLER);
    got = ask(s);
    assert_int_equal(got.reason, DI_REASON_NOT_SMALLER);
    assert_int_equal(s->renders, 1);
    unlink(s->path);
}

typedef struct {
    di_render_status_e status;
    di_reason_e reason;
    int verdicts; /* kept in the store */
    int passing;
} ending_t;

static void each_ending_has_its_reason_and_its_memory(void **state)
{
    static const ending_t endings[] = {
        {DI_RENDER_UNSUPPORTED, DI_REASON_UNSUPPORTED, 1, 0},
        {DI_RENDER_ANIMATED, DI_REASON_ANIMATED, 1, 0},
        {DI_RENDER_TOO_MANY_BYTES, DI_REASON_TOO_MANY_BYTES, 1, 0},
        {DI_RENDER_TOO_MANY_PIXELS, DI_REASON_TOO_MANY_PIXELS, 1, 0},
        {DI_RENDER_TOO_LONG_SIDE, DI_REASON_TOO_LONG_SIDE, 1, 0},
        {DI_RENDER_TOO_MANY_FRAMES, DI_REASON_TOO_MANY_FRAMES, 1, 0},
        {DI_RENDER_TOO_MANY_SCANS, DI_REASON_TOO_MANY_SCANS, 1, 0},
        {DI_RENDER_TOO_LARGE_PROFILE, DI_REASON_TOO_LARGE_PROFILE, 1, 0},
        {DI_RENDER_NO_FORMAT, DI_REASON_NO_FORMAT, 1, 0},
        {DI_RENDER_NO_GAIN, DI_REASON_NOT_SMALLER, 1, 0},
        {DI_RENDER_BROKEN, DI_REASON_BROKEN, 1, 0},
        {DI_RENDER_NO_MEMORY, DI_REASON_NO_MEMORY, 1, 1},
        {DI_RENDER_FAILED, DI_REASON_RENDER_FAILED, 1, 1},
        {DI_RENDER_DIED, DI_REASON_RENDER_FAILED, 1, 1},
        {DI_RENDER_TIMEOUT, DI_REASON_TIMEOUT, 1, 1},
        {DI_RENDER_BUSY, DI_REASON_BUSY, 0, 1},
        {DI_RENDER_NO_POOL, DI_REASON_NO_POOL, 0, 1},
        {DI_RENDER_NOT_BEGUN, DI_REASON_TIMEOUT, 0, 1},
        {DI_RENDER_TOLD, DI_REASON_RENDER_FAILED, 1, 1},
        {99, DI_REASON_RENDER_FAILED, 1, 1},
    };
    size_t i;

    for (i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
        story_t *s = story_make(*state, jpeg);
        di_obtained_t got;
        s->answer.status = endings[i].status;
        got = ask(s);
        if (got.have || got.reason != endings[i].reason ||
            got.passing != endings[i].passing ||
            s->memory.count != endings[i].verdicts) {
            fail_msg("case %zu: reason %d passing %d", i, got.reason,
                     got.passing);
        }
        unlink(s->path);
    }
}

static void a_shortage_serves_the_nearest_stored_tier(void **state)
{
    story_t *s = story_make(*state, jpeg);
    di_record_t record = {.format = DI_FORMAT_JPEG, .body_bytes = 40};
    di_obtained_t got;

    memory_put(&s->level, &s->other, &record, NULL, 0, *state);
    s->answer.status = DI_RENDER_BUSY;
    got = ask(s);
    assert_true(got.have);
    assert_int_equal(got.reason, DI_REASON_NEAREST);
    assert_string_equal(got.key.hex, s->other.hex);
    assert_int_equal(got.entry.body.bytes, 40);
    assert_true(got.passing);

    s->answer.status = DI_RENDER_BROKEN;
    got = ask(s);
    assert_false(got.have);
    assert_int_equal(got.reason, DI_REASON_BROKEN);
    unlink(s->path);
}

static void a_store_out_of_order_costs_no_answer(void **state)
{
    story_t *s = story_make(*state, jpeg);
    di_obtained_t got;

    s->memory.broken = 1;
    got = ask(s);
    assert_true(got.have);
    assert_false(got.kept);
    assert_int_equal(got.reason, DI_REASON_RENDERED);
    unlink(s->path);
}

static void an_original_that_vanished_is_not_the_end(void **state)
{
    story_t *s = story_make(*state, jpeg);
    di_obtained_t got;

    unlink(s->path);
    got = ask(s);
    assert_false(got.have);
    assert_int_equal(got.reason, DI_REASON_RENDER_FAILED);
    assert_int_equal(s->renders, 0);
}

static void what_is_made_of_a_changing_original_is_not_kept(void **state)
{
    static const di_render_status_e endings[] = {DI_RENDER_OK,
                                                 DI_RENDER_BROKEN};
    size_t i;

    for (i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
        story_t *s = story_make(*state, jpeg);
        di_obtained_t got;

        s->writes = 1;
        s->answer.status = endings[i];
        got = ask(s);
        assert_int_equal(got.have, endings[i] == DI_RENDER_OK);
        assert_true(got.passing);
        assert_false(got.kept);
        assert_int_equal(s->memory.count, 0);
        unlink(s->path);
    }
}

/* Somebody else holds the lease: wait for the store, at most wait_ms. */
static void waiting_for_another_holder_is_bounded(void **state)
{
    story_t *s = story_make(*state, jpeg);
    apr_time_t start = clock_at;
    char lease_path[80];
    di_leases_t *ours, *theirs;
    di_lease_t *held;
    di_obtained_t got;

    apr_snprintf(lease_path, sizeof(lease_path), "%s.leases", s->path);
    assert_int_equal(di_leases_make(&ours, lease_path, 10, NULL, NULL, *state),
                     0);
    assert_int_equal(
        di_leases_make(&theirs, lease_path, 10, NULL, NULL, *state), 0);
    assert_int_equal(di_lease_take(&held, theirs, &s->key, *state), 0);
    s->world.leases = ours;
    got = ask(s);
    assert_false(got.have);
    assert_int_equal(got.reason, DI_REASON_TIMEOUT);
    assert_int_equal(s->renders, 0);
    assert_true(clock_at - start <= apr_time_from_msec(1000 + 10));
    puts_back = 1;
    start = clock_at;
    assert_int_equal(ask(s).reason, DI_REASON_TIMEOUT);
    assert_true(clock_at - start <= apr_time_from_msec(1000 + 10));
    di_lease_release(held);
    got = ask(s);
    assert_true(got.have);
    assert_int_equal(s->renders, 1);
    unlink(lease_path);
    unlink(s->path);
}

/* ---- the kind cold miss ---- */

/* The beginning of a progressive JPEG of 6000 x 4000 px. */
static const unsigned char large_jpeg[] = {
    0xFF, 0xD8, 0xFF, 0xC2, 0, 17,   8, 0x0F, 0xA0, 0x17, 0x70,
    3,    1,    0x22, 0,    2, 0x11, 0, 3,    0x11, 0};

static story_t *slow_story(apr_pool_t *p)
{
    story_t *s = story_of(p, large_jpeg, sizeof(large_jpeg));

    s->world.later = note_later;
    s->world.later_baton = s;
    s->world.backlog_ms = tell_backlog;
    s->wish.slow = 1;
    s->wish.cold_wait_ms = 300;
    return s;
}

static void a_slow_client_gets_a_cheap_picture_of_a_dear_one(void **state)
{
    story_t *s = slow_story(*state);
    di_obtained_t got = ask(s);

    assert_true(got.have);
    assert_int_equal(got.reason, DI_REASON_QUICK);
    assert_string_equal(got.key.hex, s->quick_key.hex);
    assert_true(got.passing);
    assert_int_equal(s->job.recipe.quick, 1);
    assert_int_equal(s->job.urgency, DI_URGENCY_QUICK);
    assert_int_equal(s->job.formats, DI_FORMAT_SET(JPEG));
    assert_int_equal(s->laters, 1);
    got = ask(s); /* the tier's own is still being made */
    assert_int_equal(got.reason, DI_REASON_QUICK);
    assert_string_equal(got.cache, "memory");
    assert_int_equal(s->renders, 1);
    unlink(s->path);
}

static void a_smaller_stored_tier_is_better_than_a_cheap_one(void **state)
{
    di_record_t record = {.format = DI_FORMAT_JPEG, .body_bytes = 40};
    story_t *s = slow_story(*state);
    di_obtained_t got;

    memory_put(&s->level, &s->other, &record, NULL, 0, *state);
    s->place = DI_OTHER_SMALLER;
    got = ask(s);
    assert_int_equal(got.reason, DI_REASON_SMALLER_FIRST);
    assert_string_equal(got.key.hex, s->other.hex);
    assert_true(got.passing);
    assert_int_equal(s->renders, 0);
    assert_int_equal(s->laters, 1);
    s->place = DI_OTHER_LARGER; /* not for a slow client */
    got = ask(s);
    assert_int_equal(got.reason, DI_REASON_QUICK);
    unlink(s->path);
}

typedef struct {
    const char *what;
    int slow, with_later;
    apr_uint32_t cold_wait_ms, backlog_ms;
    int dear; /* 1: the large original, else a small one */
    di_reason_e reason;
} kind_case_t;

static void only_slow_clients_and_dear_renders_are_put_off(void **state)
{
    static const kind_case_t cases[] = {
        {"slow, dear", 1, 1, 300, 0, 1, DI_REASON_QUICK},
        {"fast", 0, 1, 300, 0, 1, DI_REASON_RENDERED},
        {"nobody would make the full one", 1, 0, 300, 0, 1, DI_REASON_RENDERED},
        {"switched off", 1, 1, 0, 0, 1, DI_REASON_RENDERED},
        {"patient enough", 1, 1, 60000, 0, 1, DI_REASON_RENDERED},
        {"cheap", 1, 1, 300, 0, 0, DI_REASON_RENDERED},
        {"cheap, but the pool is busy", 1, 1, 300, 400, 0, DI_REASON_QUICK},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        story_t *s = slow_story(*state);
        di_obtained_t got;

        if (!cases[i].dear) {
            unsigned char small[sizeof(large_jpeg)];

            memcpy(small, large_jpeg, sizeof(small));
            memcpy(small + 7, "\0\x40\0\x40", 4);
            int fd = open(s->path, O_WRONLY);
            assert_int_equal(write(fd, small, sizeof(small)), sizeof(small));
            close(fd);
        }
        s->wish.slow = cases[i].slow;
        s->world.later = cases[i].with_later ? note_later : NULL;
        s->wish.cold_wait_ms = cases[i].cold_wait_ms;
        s->backlog_ms = cases[i].backlog_ms;
        got = ask(s);
        if (got.reason != cases[i].reason ||
            s->laters != (cases[i].reason == DI_REASON_QUICK)) {
            fail_msg("%s: reason %d, %d later", cases[i].what, got.reason,
                     s->laters);
        }
        unlink(s->path);
    }
}

static void a_cheap_picture_that_cannot_be_had_is_not_the_end(void **state)
{
    story_t *s = slow_story(*state);
    di_obtained_t got;

    s->answer.status = DI_RENDER_BROKEN;
    got = ask(s);
    assert_false(got.have);
    assert_int_equal(got.reason, DI_REASON_BROKEN);
    assert_int_equal(s->laters, 0);
    unlink(s->path);
}

/* A dear render would only add to the crowd that keeps the cheap one away. */
static void a_crowded_pool_gets_no_dear_job_in_a_cheap_ones_place(void **state)
{
    static const di_render_status_e crowds[] = {
        DI_RENDER_BUSY, DI_RENDER_NOT_BEGUN, DI_RENDER_TIMEOUT};
    size_t i;

    for (i = 0; i < sizeof(crowds) / sizeof(*crowds); i++) {
        story_t *s = slow_story(*state);
        di_obtained_t got;

        s->answer.status = crowds[i];
        got = ask(s);
        assert_false(got.have);
        assert_true(got.passing);
        assert_int_equal(got.reason, i ? DI_REASON_TIMEOUT : DI_REASON_BUSY);
        assert_int_equal(s->renders, 1);
        assert_int_equal(s->job.recipe.quick, 1);
        assert_int_equal(s->job.time_limit_ms, s->wish.wait_ms);
        assert_int_equal(s->laters, 1);
        unlink(s->path);
    }
}

/* Nothing stored, no place in the queue: what is first in it may be had. */
static void a_shortage_gives_slow_clients_a_cheap_picture(void **state)
{
    story_t *s = slow_story(*state);
    di_obtained_t got;

    s->wish.cold_wait_ms = 60000;
    s->answer.status = DI_RENDER_BUSY;
    got = ask(s);
    assert_int_equal(got.reason, DI_REASON_BUSY);
    assert_int_equal(s->renders, 2);
    assert_int_equal(s->job.recipe.quick, 1);
    s->answer.status = DI_RENDER_NO_POOL;
    got = ask(s);
    assert_int_equal(got.reason, DI_REASON_NO_POOL);
    assert_int_equal(s->renders, 3);
    s->answer.status = DI_RENDER_BUSY;
    s->no_quick = 1;
    got = ask(s);
    assert_int_equal(got.reason, DI_REASON_BUSY);
    assert_int_equal(s->renders, 4);
    unlink(s->path);
}

static void a_format_that_is_off_is_not_rendered_until_it_is_on(void **state)
{
    story_t *s = story_make(*state, jpeg);
    di_obtained_t got;

    s->wish.inputs = DI_FORMAT_SET(PNG);
    got = ask(s);
    assert_false(got.have);
    assert_int_equal(got.reason, DI_REASON_FORMAT_OFF);
    assert_false(got.passing);
    assert_int_equal(s->renders, 0);
    assert_int_equal(s->memory.count, 0);
    s->wish.inputs = DI_FORMAT_SET(PNG) | DI_FORMAT_SET(JPEG);
    assert_int_equal(ask(s).reason, DI_REASON_RENDERED);
    assert_int_equal(s->renders, 1);
    unlink(s->path);
}

/* ---- modes ---- */

static void
single_keeps_a_rendition_for_a_moment_where_things_pass(void **state)
{
    story_t *s = story_make(*state, jpeg);
    di_obtained_t got;

    s->wish.mode = DI_MODE_SINGLE;
    got = ask(s);
    assert_int_equal(got.reason, DI_REASON_RENDERED);
    assert_false(got.kept);
    assert_false(got.passing);
    assert_int_equal(s->memory.passing, 1);
    got = ask(s); /* within its life */
    assert_true(got.have);
    assert_false(got.passing);
    assert_string_equal(got.cache, "memory");
    clock_at += apr_time_from_sec(2);
    got = ask(s);
    assert_string_equal(got.cache, "miss");
    assert_int_equal(s->renders, 2);
    unlink(s->path);
}

static void single_puts_no_rendition_where_things_last(void **state)
{
    story_t *s = story_make(*state, jpeg);

    s->wish.mode = DI_MODE_SINGLE;
    s->level.lasting = 1;
    assert_true(ask(s).have);
    assert_true(ask(s).have);
    assert_int_equal(s->memory.count, 0);
    assert_int_equal(s->renders, 2);
    s->answer.status = DI_RENDER_BROKEN; /* but verdicts */
    assert_int_equal(ask(s).reason, DI_REASON_BROKEN);
    assert_int_equal(s->memory.count, 1);
    unlink(s->path);
}

static void single_puts_it_there_for_those_who_wait(void **state)
{
    story_t *s = story_make(*state, jpeg);
    di_leases_t *ours, *theirs;
    char lease_path[80];

    apr_snprintf(lease_path, sizeof(lease_path), "%s.leases", s->path);
    assert_int_equal(di_leases_make(&ours, lease_path, 10, NULL, NULL, *state),
                     0);
    assert_int_equal(
        di_leases_make(&theirs, lease_path, 10, NULL, NULL, *state), 0);
    s->wish.mode = DI_MODE_SINGLE;
    s->level.lasting = 1;
    s->world.leases = ours;
    s->world.forget = note_forget;
    s->world.later_baton = s;
    assert_true(ask(s).have);
    assert_int_equal(s->memory.count, 0);
    assert_non_null(di_lease_want(theirs, &s->key, *state));
    assert_true(ask(s).have);
    assert_int_equal(s->memory.passing, 1);
    assert_int_equal(s->forgets, 1);
    unlink(lease_path);
    unlink(s->path);
}

/* No smaller or cheap one first: the full one would be made for nobody. */
static void single_waits_for_its_own(void **state)
{
    story_t *s = slow_story(*state);

    s->wish.mode = DI_MODE_SINGLE;
    assert_int_equal(ask(s).reason, DI_REASON_RENDERED);
    assert_int_equal(s->laters, 0);
    unlink(s->path);
}

typedef struct {
    const char *what;
    int slow, no_quick;
    di_other_e stored; /* another tier that is stored */
    di_render_status_e status;
    di_reason_e reason;
    int renders; /* that the request waits for */
} static_case_t;

static void static_waits_for_no_full_render_and_wishes_all(void **state)
{
    static const static_case_t cases[] = {
        {"fast, nothing", 0, 0, DI_NO_OTHER, DI_RENDER_OK, DI_REASON_NOT_MADE,
         0},
        {"fast, smaller", 0, 0, DI_OTHER_SMALLER, DI_RENDER_OK,
         DI_REASON_SMALLER_FIRST, 0},
        {"fast, larger", 0, 0, DI_OTHER_LARGER, DI_RENDER_OK, DI_REASON_NEAREST,
         0},
        {"slow, nothing", 1, 0, DI_NO_OTHER, DI_RENDER_OK, DI_REASON_QUICK, 1},
        {"slow, larger", 1, 0, DI_OTHER_LARGER, DI_RENDER_OK, DI_REASON_NEAREST,
         0},
        {"slow, takes no cheap one", 1, 1, DI_NO_OTHER, DI_RENDER_OK,
         DI_REASON_NOT_MADE, 0},
        {"slow, no cheap one to be had", 1, 0, DI_NO_OTHER, DI_RENDER_BUSY,
         DI_REASON_NOT_MADE, 1},
    };
    di_record_t record = {.format = DI_FORMAT_JPEG, .body_bytes = 40};
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const static_case_t *c = &cases[i];
        story_t *s = slow_story(*state);
        di_obtained_t got;

        s->wish.mode = DI_MODE_STATIC;
        s->wish.slow = c->slow;
        s->no_quick = c->no_quick;
        s->place = c->stored;
        s->variants = 5;
        s->answer.status = c->status;
        if (c->stored != DI_NO_OTHER) {
            memory_put(&s->level, &s->other, &record, NULL, 0, *state);
        }
        got = ask(s);
        if (got.reason != c->reason || s->renders != c->renders ||
            got.have != (c->reason != DI_REASON_NOT_MADE) || !got.passing ||
            s->laters != 6 || s->ahead != 5) {
            fail_msg("%s: reason %d, %d renders, %d later, %d ahead", c->what,
                     got.reason, s->renders, s->laters, s->ahead);
        }
        unlink(s->path);
    }
}

static void static_sends_what_is_made(void **state)
{
    di_record_t record = {.format = DI_FORMAT_JPEG, .body_bytes = 40};
    story_t *s = slow_story(*state);
    di_obtained_t got;

    s->wish.mode = DI_MODE_STATIC;
    memory_put(&s->level, &s->key, &record, NULL, 0, *state);
    got = ask(s);
    assert_true(got.have);
    assert_int_equal(got.reason, DI_REASON_RENDERED);
    assert_false(got.passing);
    assert_int_equal(s->laters, 0);
    unlink(s->path);
}

/* ---- threads of one process ---- */

#define HERD 20

/* What one request of a herd got. */
typedef struct {
    story_t *story;
    apr_pool_t *p;
    di_obtained_t got;
} request_t;

static void *request(void *baton)
{
    request_t *request = baton;

    di_obtain(&request->got, &request->story->world, &request->story->wish,
              request->p);
    return NULL;
}

/* Renders until all others are about to wait. */
static void slow_render(void *self, di_result_t *result, apr_file_t **out,
                        const di_job_t *job, apr_file_t *original,
                        apr_pool_t *p)
{
    while (atomic_load(&((story_t *)self)->memory.gets) < HERD) {
        apr_sleep(1000);
    }
    apr_sleep(1000000);
    fake_render(self, result, out, job, original, p);
}

static void run_herd(request_t *herd, story_t *s, apr_pool_t *p)
{
    pthread_t thread[HERD];
    int i;

    assert_int_equal(di_flights_make(&s->world.flights, p), APR_SUCCESS);
    s->world.render = slow_render;
    s->world.now = apr_time_now;
    s->world.steady = ds_steady_now;
    for (i = 0; i < HERD; i++) {
        herd[i].story = s;
        apr_pool_create(&herd[i].p, NULL);
        assert_int_equal(pthread_create(&thread[i], NULL, request, &herd[i]),
                         0);
    }
    for (i = 0; i < HERD; i++) {
        pthread_join(thread[i], NULL);
    }
}

/* With a store out of order, so that they have nothing but each other. */
static void a_herd_in_one_process_has_one_render(void **state)
{
    static const struct {
        di_mode_e mode;
        di_render_status_e status;
        di_reason_e reason;
    } cases[] = {{DI_MODE_HYBRID, DI_RENDER_OK, DI_REASON_RENDERED},
                 {DI_MODE_SINGLE, DI_RENDER_OK, DI_REASON_RENDERED},
                 {DI_MODE_SINGLE, DI_RENDER_BROKEN, DI_REASON_BROKEN},
                 {DI_MODE_HYBRID, DI_RENDER_BUSY, DI_REASON_BUSY}};
    request_t herd[HERD];
    size_t c;

    for (c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
        story_t *s = story_make(*state, jpeg);
        int i, joined = 0;

        s->memory.broken = 1;
        s->wish.mode = cases[c].mode;
        s->answer.status = cases[c].status;
        s->wish.wait_ms = 60000;
        run_herd(herd, s, *state);
        for (i = 0; i < HERD; i++) {
            assert_int_equal(herd[i].got.reason, cases[c].reason);
            assert_int_equal(herd[i].got.have, cases[c].status == DI_RENDER_OK);
            joined += !strcmp(herd[i].got.cache, "joined");
            apr_pool_destroy(herd[i].p);
        }
        assert_int_equal(s->renders, 1);
        assert_int_equal(joined, HERD - 1);
        unlink(s->path);
    }
}

/* The leader is at work for longer than any of them would wait. */
static void who_flies_along_waits_no_longer_than_alone(void **state)
{
    story_t *s = story_make(*state, jpeg);
    request_t herd[HERD];
    int i, late = 0;

    s->memory.broken = 1;
    s->wish.wait_ms = 50;
    run_herd(herd, s, *state);
    for (i = 0; i < HERD; i++) {
        late += herd[i].got.reason == DI_REASON_TIMEOUT;
        apr_pool_destroy(herd[i].p);
    }
    assert_int_equal(late, HERD - 1);
    assert_int_equal(s->renders, 1);
    unlink(s->path);
}

/* A leader behind an answer; others come when it renders. */
typedef struct {
    request_t *request;
    int other_process; /* 1: one that meets it at the lease */
    int before, after; /* what the leader's job says */
    pthread_t thread;
} joining_t;

static joining_t joining;

static void *join_in(void *baton)
{
    story_t *s = joining.request->story;
    di_wish_t wish = s->wish;

    wish.urgency = DI_URGENCY_MISSING;
    di_obtain(&joining.request->got, &s->world, &wish, joining.request->p);
    return NULL;
}

/* Until somebody waits for it; a test that hangs is ended. */
static void joined_render(void *self, di_result_t *result, apr_file_t **out,
                          const di_job_t *job, apr_file_t *original,
                          apr_pool_t *p)
{
    story_t *s = self;
    di_want_t *want = NULL;

    joining.before = job->is_awaited(job->awaited_baton);
    if (joining.other_process) {
        want = di_lease_want(s->world.leases, s->wish.key, p);
    }
    else {
        assert_int_equal(pthread_create(&joining.thread, NULL, join_in, NULL),
                         0);
    }
    while (!job->is_awaited(job->awaited_baton)) {
        apr_sleep(1000);
    }
    joining.after = 1;
    di_lease_unwant(want);
    fake_render(self, result, out, job, original, p);
}

static void who_comes_later_makes_a_job_behind_an_answer_awaited(void **state)
{
    int other_process;

    for (other_process = 0; other_process < 2; other_process++) {
        story_t *s = story_make(*state, jpeg);
        const char *leases = apr_pstrcat(*state, s->path, ".leases", NULL);
        request_t request = {.story = s, .p = *state};
        di_obtained_t got;

        joining = (joining_t){&request, other_process, 1, 0, 0};
        s->world.render = joined_render;
        s->world.now = apr_time_now;
        s->wish.wait_ms = 60000;
        s->wish.urgency = DI_URGENCY_STALE;
        assert_int_equal(di_flights_make(&s->world.flights, *state),
                         APR_SUCCESS);
        if (other_process) {
            assert_int_equal(di_leases_make(&s->world.leases, leases, 60, NULL,
                                            NULL, *state),
                             APR_SUCCESS);
        }
        di_obtain(&got, &s->world, &s->wish, *state);
        assert_int_equal(joining.before, 0);
        assert_int_equal(joining.after, 1);
        assert_int_equal(got.have, 1);
        assert_int_equal(s->renders, 1);
        if (!other_process) {
            pthread_join(joining.thread, NULL);
            assert_string_equal(request.got.cache, "joined");
        }
        unlink(leases);
        unlink(s->path);
    }
}

static pid_t holder; /* of the lease; killed while another one waits */

static void pause_and_kill(apr_interval_time_t span)
{
    clock_at += span;
    if (holder) {
        kill(holder, SIGKILL);
        waitpid(holder, NULL, 0);
        holder = 0;
    }
}

static void a_holder_that_dies_costs_no_answer(void **state)
{
    story_t *s = story_make(*state, jpeg);
    di_leases_t *leases;
    di_lease_t *held;
    char lease_path[80], told = 0;
    di_obtained_t got;
    int tell[2];

    apr_snprintf(lease_path, sizeof(lease_path), "%s.leases", s->path);
    assert_int_equal(
        di_leases_make(&leases, lease_path, 10, NULL, NULL, *state), 0);
    assert_int_equal(pipe(tell), 0);
    holder = fork();
    if (holder == 0) {
        alarm(60);
        told = di_lease_take(&held, leases, &s->key, *state) ? 'n' : 'y';
        if (write(tell[1], &told, 1) == 1) {
            pause();
        }
        _exit(0);
    }
    assert_int_equal(read(tell[0], &told, 1), 1);
    assert_int_equal(told, 'y');
    s->world.leases = leases;
    s->world.pause = pause_and_kill;
    got = ask(s);
    assert_int_equal(got.reason, DI_REASON_RENDERED);
    assert_int_equal(s->renders, 1);
    assert_int_equal(holder, 0);
    close(tell[0]);
    close(tell[1]);
    unlink(lease_path);
    unlink(s->path);
}

static void every_render_is_told_with_its_time_however_it_ends(void **state)
{
    static const di_render_status_e endings[] = {
        DI_RENDER_BROKEN, DI_RENDER_NO_GAIN, DI_RENDER_TIMEOUT, DI_RENDER_BUSY,
        DI_RENDER_OK};
    int count = sizeof(endings) / sizeof(*endings), i;

    for (i = 0; i < count; i++) {
        story_t *s = story_make(*state, jpeg);

        s->world.rendered = note_rendered;
        s->world.rendered_baton = s;
        s->key.customer = 3;
        s->answer.status = endings[i];
        s->answer.cpu_us = 1234;
        (void)ask(s);
        assert_int_equal(s->told, 1);
        assert_int_equal(s->told_us, 1234);
        (void)ask(s); /* from the store, but for the one that was busy */
        assert_int_equal(s->told, endings[i] == DI_RENDER_BUSY ? 2 : 1);
        unlink(s->path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_miss_renders_and_the_next_request_is_a_hit),
        UNIT(what_is_no_picture_is_never_rendered),
        UNIT(a_rendition_that_is_not_smaller_is_not_used),
        UNIT(each_ending_has_its_reason_and_its_memory),
        UNIT(a_shortage_serves_the_nearest_stored_tier),
        UNIT(a_store_out_of_order_costs_no_answer),
        UNIT(an_original_that_vanished_is_not_the_end),
        UNIT(what_is_made_of_a_changing_original_is_not_kept),
        UNIT(waiting_for_another_holder_is_bounded),
        UNIT(a_slow_client_gets_a_cheap_picture_of_a_dear_one),
        UNIT(a_smaller_stored_tier_is_better_than_a_cheap_one),
        UNIT(only_slow_clients_and_dear_renders_are_put_off),
        UNIT(a_cheap_picture_that_cannot_be_had_is_not_the_end),
        UNIT(a_crowded_pool_gets_no_dear_job_in_a_cheap_ones_place),
        UNIT(a_shortage_gives_slow_clients_a_cheap_picture),
        UNIT(a_format_that_is_off_is_not_rendered_until_it_is_on),
        UNIT(single_keeps_a_rendition_for_a_moment_where_things_pass),
        UNIT(single_puts_no_rendition_where_things_last),
        UNIT(single_puts_it_there_for_those_who_wait),
        UNIT(single_waits_for_its_own),
        UNIT(static_waits_for_no_full_render_and_wishes_all),
        UNIT(static_sends_what_is_made),
        UNIT(a_herd_in_one_process_has_one_render),
        UNIT(every_render_is_told_with_its_time_however_it_ends),
        UNIT(who_flies_along_waits_no_longer_than_alone),
        UNIT(who_comes_later_makes_a_job_behind_an_answer_awaited),
        UNIT(a_holder_that_dies_costs_no_answer),
    };

    return UNIT_RUN(tests);
}
