/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     list --take--> job: POST of some URLs --note--> sums, state file
 *                    (terms->jobs threads)            (under one mutex)
 *     main thread: draws, waits
 *
 * A request holds as many URLs as the server does in about two seconds, so
 * that progress is seen and an end is soon.  A server that is busy (503, 429)
 * or away is left alone for 1, 2, 4, ... seconds.
 */
#include "ahead.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>
#include <apr_time.h>

#include "admin.h"
#include "base/fetch.h"
#include "show.h"

#define REQUEST_FOR apr_time_from_sec(2)
/* The handler reads 64 KB. */
#define FORM_BYTES 60000
#define URLS_MAX 64
#define BACK_OFF_MAX apr_time_from_sec(60)
#define STAMP_TIMEOUT_MS 10000
#define LOOK_EVERY APR_TIME_C(50000)

typedef struct {
    ctl_picture_t picture[URLS_MAX];
    int count;
} batch_t;

typedef struct {
    const ctl_t *ctl;
    const ctl_ahead_terms_t *terms;
    const ctl_pictures_t *pictures;
    ctl_resume_t *resume;
    ctl_progress_t *progress;
    const volatile int *stop;
    pthread_mutex_t mutex; /* of all below, and of stderr */
    ctl_ahead_sums_t *sums;
    int next; /* of the list */
    int batch_size;
    apr_time_t slot; /* when the next picture may be asked for */
    int answered;    /* 1: the server has been there */
    int running;     /* jobs */
    int code;        /* why it ended early; CTL_OK: not */
    const char *note;
} ahead_t;

static int is_over(ahead_t *ahead)
{
    int over;

    pthread_mutex_lock(&ahead->mutex);
    over = *ahead->stop || ahead->code != CTL_OK;
    pthread_mutex_unlock(&ahead->mutex);
    return over;
}

/* @return 0 when it is over */
static int wait_until(ahead_t *ahead, apr_time_t moment)
{
    while (apr_time_now() < moment) {
        apr_time_t left = moment - apr_time_now();

        if (is_over(ahead)) {
            return 0;
        }
        apr_sleep(left < LOOK_EVERY ? (left > 0 ? left : 1) : LOOK_EVERY);
    }
    return !is_over(ahead);
}

/* Scheme, host and port of the handler, whose site paths are of. */
static const char *origin_of(const ctl_t *ctl, apr_pool_t *p)
{
    const char *host = strstr(ctl->admin, "://");

    host = host != NULL ? host + 3 : ctl->admin;
    return apr_pstrmemdup(p, ctl->admin,
                          (apr_size_t)(host - ctl->admin) + strcspn(host, "/"));
}

static int is_to_be_stamped(const ahead_t *ahead, const ctl_picture_t *one)
{
    return ahead->resume->fd >= 0 && strcmp(one->stamp, "-") == 0;
}

/* Percent-encoded in the form it may be three times as long. */
static void fill(batch_t *batch, ahead_t *ahead)
{
    const ctl_picture_t *list =
        (const ctl_picture_t *)ahead->pictures->list->elts;
    size_t bytes = 0;

    batch->count = 0;
    while (ahead->next < ahead->pictures->list->nelts &&
           batch->count < ahead->batch_size) {
        const ctl_picture_t *one = &list[ahead->next];

        if (!is_to_be_stamped(ahead, one) &&
            ctl_resume_has(ahead->resume, one)) {
            ahead->sums->skipped++;
            ahead->next++;
            continue;
        }
        bytes += 3 * strlen(one->url) + 5;
        if (bytes > FORM_BYTES && batch->count > 0) {
            break;
        }
        batch->picture[batch->count++] = *one;
        ahead->next++;
    }
}

/* The original's validator, without a rendition being made for it. */
static const char *stamp_of(const ahead_t *ahead, const char *url,
                            apr_pool_t *p)
{
    const ctl_t *ctl = ahead->ctl;
    ds_fetch_t fetch = {
        .method = "HEAD",
        .url =
            url[0] == '/' ? apr_pstrcat(p, origin_of(ctl, p), url, NULL) : url,
        .cache_control = "no-transform",
        .resolve = ctl->resolve,
        .ca_file = ctl->ca_file,
        .insecure = ctl->insecure,
        .timeout_ms = STAMP_TIMEOUT_MS};
    const char *error;
    ds_fetched_t got;

    if (ds_fetch(&got, &error, &fetch, p) != APR_SUCCESS || got.status != 200 ||
        got.etag == NULL) {
        return "-";
    }
    got.etag = ctl_encode(got.etag, "\"", p); /* one word */
    return strlen(got.etag) <= CTL_STAMP_BYTES ? got.etag : "-";
}

/* Leave out what is as it was. */
static void stamp(batch_t *batch, ahead_t *ahead, apr_pool_t *p)
{
    int kept = 0;

    for (int i = 0; i < batch->count; i++) {
        ctl_picture_t one = batch->picture[i];

        if (is_to_be_stamped(ahead, &one)) {
            one.stamp = stamp_of(ahead, one.url, p);
            if (ctl_resume_has(ahead->resume, &one)) {
                continue;
            }
        }
        batch->picture[kept++] = one;
    }
    pthread_mutex_lock(&ahead->mutex);
    ahead->sums->skipped += batch->count - kept;
    pthread_mutex_unlock(&ahead->mutex);
    batch->count = kept;
}

/* When this many may be asked for. */
static apr_time_t slot_of(ahead_t *ahead, int count)
{
    apr_time_t now = apr_time_now();
    apr_time_t slot = 0;

    pthread_mutex_lock(&ahead->mutex);
    if (ahead->terms->rate > 0) {
        slot = ahead->slot > now ? ahead->slot : now;
        ahead->slot = slot + count * APR_USEC_PER_SEC / ahead->terms->rate;
    }
    pthread_mutex_unlock(&ahead->mutex);
    return slot;
}

static int take(batch_t *batch, ahead_t *ahead, apr_pool_t *p)
{
    do {
        if (is_over(ahead)) {
            return 0;
        }
        pthread_mutex_lock(&ahead->mutex);
        fill(batch, ahead);
        pthread_mutex_unlock(&ahead->mutex);
        if (batch->count == 0) {
            return 0;
        }
        stamp(batch, ahead, p);
    } while (batch->count == 0);
    return wait_until(ahead, slot_of(ahead, batch->count));
}

static const char *form_of(const batch_t *batch, apr_pool_t *p)
{
    const char *form = NULL;

    for (int i = 0; i < batch->count; i++) {
        const char *pair = ctl_admin_pair("url", batch->picture[i].url, p);

        form = form != NULL ? apr_pstrcat(p, form, "&", pair, NULL) : pair;
    }
    return form;
}

static void failed(ahead_t *ahead, const ctl_picture_t *picture,
                   const char *why, apr_pool_t *p)
{
    ctl_progress_clear(ahead->progress);
    ctl_fail(0, "failed: %s: %s", ctl_show_plain(picture->url, p),
             ctl_show_plain(why, p));
    ahead->sums->failed++;
    ahead->sums->done++;
}

static apr_uint64_t amount(const ctl_json_t *json, const char *name)
{
    apr_int64_t n = ctl_json_number(json, name);

    return n > 0 ? (apr_uint64_t)n : 0;
}

/* What the server says of a picture that it did not look at, or why not all
   renditions are there. */
static const char *why_failed(const ctl_json_t *said, apr_pool_t *p)
{
    const char *reason = ctl_json_text(said, "reason", "?", p);

    return ctl_json_text(said, "error", reason, p);
}

static void note_one(ahead_t *ahead, const ctl_picture_t *picture,
                     const ctl_json_t *said, apr_pool_t *p)
{
    ctl_ahead_sums_t *sums = ahead->sums;

    sums->made += amount(said, "made");
    sums->stored += amount(said, "stored");
    sums->none += amount(said, "none");
    sums->failures += amount(said, "failed");
    sums->bytes += amount(said, "bytes");
    sums->cpu_us += amount(said, "cpu_us");
    if (said == NULL) {
        failed(ahead, picture, "the server said nothing of it", p);
    }
    else if (amount(said, "failed") > 0) {
        failed(ahead, picture, why_failed(said, p), p);
    }
    else {
        sums->done++;
        ctl_resume_done(ahead->resume, picture);
    }
}

static void note(ahead_t *ahead, const batch_t *batch, const ctl_json_t *json,
                 apr_time_t took, apr_pool_t *p)
{
    const ctl_json_t *urls = ctl_json_get(json, "urls");
    apr_time_t each = took / batch->count + 1;
    apr_time_t size = REQUEST_FOR / each;
    int most = 2 * batch->count;

    pthread_mutex_lock(&ahead->mutex);
    ahead->answered = 1;
    ahead->note = NULL;
    for (int i = 0; i < batch->count; i++) {
        note_one(ahead, &batch->picture[i], ctl_json_at(urls, i), p);
    }
    if (most > ahead->terms->batch_max) {
        most = ahead->terms->batch_max;
    }
    ahead->batch_size = size < 1 ? 1 : size > most ? most : (int)size;
    pthread_mutex_unlock(&ahead->mutex);
}

static void end(ahead_t *ahead, int code, const char *why)
{
    pthread_mutex_lock(&ahead->mutex);
    if (ahead->code == CTL_OK) {
        ahead->code = code;
        ctl_progress_clear(ahead->progress);
        ctl_fail(code, "%s/prerender: %s", ahead->ctl->admin, why);
    }
    pthread_mutex_unlock(&ahead->mutex);
}

static int is_passing(const ctl_reply_t *reply)
{
    return reply->status == 0 || reply->status == 503 || reply->status == 502 ||
           reply->status == 504 || reply->status == 429;
}

/* A server that was never there is a wrong address rather. */
static int was_never_there(ahead_t *ahead, const ctl_reply_t *reply)
{
    int never;

    pthread_mutex_lock(&ahead->mutex);
    never = !ahead->answered && reply->status == 0 &&
            !APR_STATUS_IS_TIMEUP(reply->rv);
    pthread_mutex_unlock(&ahead->mutex);
    return never;
}

/* The note is read by the main thread at any time, so it is no pool's. */
static void note_wait(ahead_t *ahead, const ctl_reply_t *reply)
{
    pthread_mutex_lock(&ahead->mutex);
    ahead->note =
        reply->status != 0 ? "waiting: server is busy" : "waiting: no answer";
    pthread_mutex_unlock(&ahead->mutex);
}

static void post(ahead_t *ahead, const batch_t *batch, apr_pool_t *p);

/* One of them may be what the server stumbles over. */
static void post_each(ahead_t *ahead, const batch_t *batch, apr_pool_t *p)
{
    for (int i = 0; i < batch->count && !is_over(ahead); i++) {
        batch_t one = {.picture = {batch->picture[i]}, .count = 1};

        post(ahead, &one, p);
    }
}

static void give_up(ahead_t *ahead, const batch_t *batch, const char *why,
                    apr_pool_t *p)
{
    pthread_mutex_lock(&ahead->mutex);
    for (int i = 0; i < batch->count; i++) {
        failed(ahead, &batch->picture[i], why, p);
    }
    pthread_mutex_unlock(&ahead->mutex);
}

static void post(ahead_t *ahead, const batch_t *batch, apr_pool_t *p)
{
    const char *form = form_of(batch, p);
    apr_time_t back_off = apr_time_from_sec(1);
    ctl_reply_t reply;

    for (int tries = 0;; tries++) {
        apr_time_t began = apr_time_now();

        ctl_admin_try(&reply, ahead->ctl, "/prerender", form, p);
        if (reply.error == NULL) {
            note(ahead, batch, reply.json, apr_time_now() - began, p);
            return;
        }
        if (!is_passing(&reply) || tries == ahead->terms->retries ||
            was_never_there(ahead, &reply)) {
            break;
        }
        note_wait(ahead, &reply);
        if (!wait_until(ahead, apr_time_now() + back_off)) {
            return;
        }
        back_off = 2 * back_off < BACK_OFF_MAX ? 2 * back_off : BACK_OFF_MAX;
    }
    if (ctl_admin_code(&reply) == CTL_REFUSED || reply.status == 404 ||
        was_never_there(ahead, &reply)) {
        end(ahead, ctl_admin_code(&reply), reply.error);
    }
    else if (batch->count > 1 && !is_passing(&reply)) {
        post_each(ahead, batch, p);
    }
    else {
        give_up(ahead, batch, reply.error, p);
    }
}

static void *job(void *arg)
{
    ahead_t *ahead = arg;
    apr_pool_t *p;
    batch_t batch;

    /* Pools of different parents may be used by different threads. */
    if (apr_pool_create_unmanaged_ex(&p, NULL, NULL) == APR_SUCCESS) {
        while (take(&batch, ahead, p)) {
            post(ahead, &batch, p);
            apr_pool_clear(p);
            wait_until(ahead, apr_time_now() +
                                  ahead->terms->pause_ms * APR_TIME_C(1000));
        }
        apr_pool_destroy(p);
    }
    pthread_mutex_lock(&ahead->mutex);
    ahead->running--;
    pthread_mutex_unlock(&ahead->mutex);
    return NULL;
}

/* @return how many jobs still run */
static int show(ahead_t *ahead)
{
    ctl_progress_look_t look = {.total = ahead->sums->total};
    int running;

    pthread_mutex_lock(&ahead->mutex);
    running = ahead->running;
    look.total -= ahead->sums->skipped;
    look.done = ahead->sums->done;
    look.failed = ahead->sums->failed;
    look.made = ahead->sums->made;
    look.note = *ahead->stop ? "stopping" : ahead->note;
    ctl_progress_show(ahead->progress, &look, apr_time_now());
    pthread_mutex_unlock(&ahead->mutex);
    return running;
}

static void run_jobs(ahead_t *ahead)
{
    pthread_t thread[URLS_MAX];
    int started = 0;

    ahead->running = ahead->terms->jobs;
    while (started < ahead->terms->jobs &&
           pthread_create(&thread[started], NULL, job, ahead) == 0) {
        started++;
    }
    pthread_mutex_lock(&ahead->mutex);
    ahead->running -= ahead->terms->jobs - started;
    pthread_mutex_unlock(&ahead->mutex);
    while (show(ahead) > 0) {
        apr_sleep(LOOK_EVERY);
    }
    for (int i = 0; i < started; i++) {
        pthread_join(thread[i], NULL);
    }
}

int ctl_ahead(ctl_ahead_sums_t *sums, const ctl_t *ctl,
              const ctl_ahead_terms_t *terms, const ctl_pictures_t *pictures,
              ctl_resume_t *resume, ctl_progress_t *progress,
              const volatile int *stop)
{
    ahead_t ahead = {.ctl = ctl,
                     .terms = terms,
                     .pictures = pictures,
                     .resume = resume,
                     .progress = progress,
                     .stop = stop,
                     .mutex = PTHREAD_MUTEX_INITIALIZER,
                     .sums = sums,
                     .batch_size = 1};

    sums->total += pictures->list->nelts;
    run_jobs(&ahead);
    ctl_progress_clear(progress);
    if (ahead.code != CTL_OK) {
        return ahead.code;
    }
    return sums->failed > 0 || sums->done + sums->skipped < sums->total
               ? CTL_FAILED
               : CTL_OK;
}
