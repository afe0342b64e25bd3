/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prerender: make all that requests for an image can lead to and that is not
 * stored yet, one rendition after the other, behind everybody else in the queue
 * of renders.
 *
 * The answer is written as the work goes on: one object a URL, and a blank
 * after each rendition, which JSON lets stand between its tokens.  So the
 * caller sees progress, no proxy in between takes the silence for death, and a
 * caller that goes away is noticed.
 */
#include <string.h>

#include "ap_mpm.h"
#include "apr_strings.h"
#include "http_core.h"
#include "http_main.h"
#include "http_protocol.h"

#include "handlers/admin_image.h"
#include "image/obtain.h"
#include "render/clock.h"
#include "store/lease.h"

/* Most URLs of one request: a minute or some of work. */
#define URLS_MAX 64

/* What one URL and one request may take on the steady clock, ours: a photograph
   of many tiers and formats is done within seconds of an idle machine, and one
   that waits for a busy one is better asked for again than held on to.  Beyond
   it at most one rendition more is waited for, so that all of it ends within
   the 300 s of dynimagectl's --timeout. */
#define URL_S 60
#define REQUEST_S 240

/* Another process that makes the same rendition, or a queue that is full: after
   what time it is tried again, and after how long it is left at that (ours). */
#define TRY_AGAIN_FOR apr_time_from_msec(500)
#define TRY_US ((apr_uint64_t)30 * 1000000)

/* Prerender requests at a time, of all processes together: as many as
   "dynimagectl prerender --jobs" may be, and of the workers of httpd at most
   every fourth, for each holds one and visitors want the others. */
#define SLOTS_MAX 16
#define WORKERS_FOR_SLOT 4

/* A slot is free again after about a batch of dynimagectl (2 s), s. */
#define RETRY_AFTER "5"

typedef struct {
    di_admin_t *admin;
    const char *url;
    apr_pool_t *p;         /* of one rendition */
    apr_uint64_t until_us; /* steady */
    int made, stored, none, failed;
    apr_uint64_t cpu_us, bytes; /* of what was made */
    int keeps;                  /* no: what is made is not kept here */
    di_reason_e reason;         /* of the last that is no rendition; else
                                   RENDERED */
} work_t;

/* ---- one rendition ---- */

/* Nobody's fault: somebody else is at it, or there are too many.  What is
   stored of it passes later than anybody should wait. */
static int is_passing(const di_obtained_t *got)
{
    return !got->have && !strcmp(got->cache, "miss") &&
           (got->reason == DI_REASON_BUSY || got->reason == DI_REASON_TIMEOUT);
}

static int is_gone(const work_t *work)
{
    return work->admin->r->connection->aborted;
}

/* The write tells whether somebody is still there. */
static void show_life(const work_t *work)
{
    request_rec *r = work->admin->r;

    ap_rputc(' ', r);
    ap_rflush(r);
}

static apr_uint64_t steady_us(void)
{
    return di_clock_us(CLOCK_MONOTONIC);
}

/* What is left of its time, ms. */
static apr_uint64_t left_ms(const work_t *work)
{
    apr_uint64_t now = steady_us();

    return work->until_us > now ? (work->until_us - now) / 1000 : 0;
}

static void obtain(di_obtained_t *got, const work_t *work,
                   const di_wish_t *wish)
{
    apr_uint64_t begun = steady_us();

    di_obtain(got, &work->admin->parts->world, wish, work->p);
    while (is_passing(got) && steady_us() - begun < TRY_US &&
           left_ms(work) > 0 && !is_gone(work)) {
        show_life(work);
        apr_sleep(TRY_AGAIN_FOR);
        apr_pool_clear(work->p);
        di_obtain(got, &work->admin->parts->world, wish, work->p);
    }
}

/* A verdict that follows from the original alone will not change. */
static int is_none(const di_obtained_t *got)
{
    return !got->have && !got->passing;
}

static void account(work_t *work, const di_obtained_t *got)
{
    int fresh = !strcmp(got->cache, "miss");

    if (fresh) {
        work->cpu_us += got->entry.record.render_us;
    }
    if (got->have && !fresh) {
        work->stored++;
        return;
    }
    if (got->have && got->kept) {
        work->made++;
        work->bytes += got->entry.body.bytes;
        return;
    }
    if (is_none(got)) {
        work->none++;
    }
    else {
        work->failed++;
    }
    work->reason = got->reason;
}

/* As later.c wishes: nobody waits, and nothing stands in. */
static void make_one(work_t *work, const di_wish_t *variant)
{
    const di_server_conf_t *conf = di_server_conf_of(ap_server_conf);
    di_wish_t wish = *variant;
    di_obtained_t got;

    wish.mode = DI_MODE_HYBRID;
    wish.slow = 0;
    wish.others = NULL;
    wish.urgency = DI_URGENCY_AHEAD;
    wish.wait_ms = (apr_uint32_t)DI_SERVER_CONF(conf, render_ms);
    obtain(&got, work, &wish);
    account(work, &got);
    apr_pool_clear(work->p);
}

/* ---- one URL ---- */

static void make_all(work_t *work, di_admin_image_t *image)
{
    unsigned inputs = work->admin->parts->inputs;
    di_wish_t wish;
    int i;

    work->keeps = DI_CONF(image->asks.conf, mode) != DI_MODE_SINGLE;
    for (i = 0;
         !is_gone(work) && di_request_variant(&wish, &image->asks, inputs, i);
         i++) {
        if (!work->keeps) {
            work->none++;
            continue;
        }
        if (!left_ms(work)) {
            work->failed++;
            work->reason = DI_REASON_TIMEOUT;
            continue;
        }
        make_one(work, &wish);
        show_life(work);
    }
}

static const char *text_of(const work_t *work, const char *fault)
{
    apr_pool_t *p = work->admin->r->pool;
    ds_json_t *root = ds_json_object(p);

    ds_json_text(root, "url", work->url);
    ds_json_number(root, "made", work->made);
    ds_json_number(root, "stored", work->stored);
    ds_json_number(root, "none", work->none);
    ds_json_number(root, "failed", work->failed);
    ds_json_number(root, "cpu_us", (apr_int64_t)work->cpu_us);
    ds_json_number(root, "bytes", (apr_int64_t)work->bytes);
    ds_json_text(root, "reason",
                 fault || !work->keeps ? NULL : di_reason_word(work->reason));
    if (fault) {
        ds_json_text(root, "error", fault);
    }
    return ds_json_write(root, p);
}

static const char *prerender_one(di_admin_t *admin, const char *url,
                                 apr_uint64_t until_us)
{
    apr_uint64_t own_us = steady_us() + (apr_uint64_t)URL_S * 1000000;
    work_t work = {.admin = admin,
                   .url = url,
                   .until_us = own_us < until_us ? own_us : until_us,
                   .reason = DI_REASON_RENDERED};
    di_admin_image_t image;
    const char *fault;
    int status;

    apr_pool_create(&work.p, admin->r->pool);
    fault = di_admin_image(&image, &status, admin, url, NULL);
    if (!fault) {
        fault = image.fault ? apr_pstrdup(admin->r->pool, image.fault) : NULL;
    }
    if (!fault) {
        make_all(&work, &image);
    }
    else {
        work.failed = 1;
    }
    di_admin_image_done(&image);
    apr_pool_destroy(work.p);
    return text_of(&work, fault);
}

/* ---- the request ---- */

static int slots(void)
{
    int processes = 1, threads = 1, count;

    ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &processes);
    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    count = processes * (threads > 0 ? threads : 1) / WORKERS_FOR_SLOT;
    return count < 1 ? 1 : count > SLOTS_MAX ? SLOTS_MAX : count;
}

/* A slot is a lease of a name that no rendition has, so one that dies with its
   process is free again.
   @return 0: all are taken.  *slot is NULL where there are no leases */
static int take_slot(di_lease_t **slot, const di_admin_t *admin)
{
    di_key_t key = {.hash = "prerender"};
    apr_status_t rv = APR_EBUSY;
    int i, count = slots();

    *slot = NULL;
    for (i = 0; admin->parts->slots && i < count && APR_STATUS_IS_EBUSY(rv);
         i++) {
        key.hash[0] = (unsigned char)i; /* the first bytes tell leases apart */
        rv = di_lease_take(slot, admin->parts->slots, &key, admin->r->pool);
    }
    return !i || !APR_STATUS_IS_EBUSY(rv);
}

static void make_urls(di_admin_t *admin, int count)
{
    apr_uint64_t until_us = steady_us() + (apr_uint64_t)REQUEST_S * 1000000;
    request_rec *r = admin->r;
    int i;

    ap_set_content_type(r, "application/json");
    ap_rputs("{\"urls\": [", r);
    ap_rflush(r);
    for (i = 0; i < count && !r->connection->aborted; i++) {
        const char *text =
            prerender_one(admin, di_admin_field(admin, "url", i), until_us);

        ap_rvputs(r, i ? ",\n" : "\n", text ? text : "null", NULL);
        ap_rflush(r);
    }
    ap_rputs("]}\n", r);
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  "DI0642: %s at %s prerendered %d of %d URLs", admin->who,
                  r->useragent_ip, i, count);
}

int di_admin_prerender(di_admin_t *admin)
{
    int count = di_admin_count(admin, "url");
    di_lease_t *slot;

    if (count < 1 || count > URLS_MAX) {
        return di_admin_refuse(admin, HTTP_BAD_REQUEST,
                               "url= is wanted 1 to %d times", URLS_MAX);
    }
    if (!admin->parts->world.store || !admin->parts->workers) {
        return di_admin_refuse(admin, HTTP_SERVICE_UNAVAILABLE,
                               "there is no store or there are no renderers; "
                               "see the error log");
    }
    if (!take_slot(&slot, admin)) {
        apr_table_setn(admin->r->err_headers_out, "Retry-After", RETRY_AFTER);
        return di_admin_refuse(admin, HTTP_SERVICE_UNAVAILABLE,
                               "as many prerender requests as may be, %d, are "
                               "under way",
                               slots());
    }
    make_urls(admin, count);
    di_lease_release(slot);
    return OK;
}
