/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prerender: find the pictures, have the server make what is not stored,
 * and with --watch go on with what changes.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <apr_strings.h>
#include <apr_time.h>

#include "ahead.h"
#include "crawl.h"
#include "ctl.h"
#include "jsonread.h"
#include "pictures.h"
#include "progress.h"
#include "resume.h"
#include "show.h"
#include "watch.h"

typedef struct {
    ctl_t *ctl;
    const char *root, *list, *base, *resume_file;
    int watch, dry_run;
    ctl_crawl_t crawl;
    ctl_ahead_terms_t terms;
    int max;
    ctl_resume_t resume;
    ctl_progress_t progress;
} prerender_t;

/* Set by a signal. */
static volatile int stop;

static void on_signal(int number)
{
    stop = 1;
}

/* The second one ends the program as usual. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal,
                               .sa_flags = (int)SA_RESETHAND};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static int read_options(prerender_t *pre, int argc, const char *const *argv)
{
    const ctl_option_t options[] = {
        {"root", CTL_TEXT, &pre->root, 0, 0},
        {"list", CTL_TEXT, &pre->list, 0, 0},
        {"crawl", CTL_TEXT, &pre->crawl.start, 0, 0},
        {"url", CTL_TEXT, &pre->base, 0, 0},
        {"resume", CTL_TEXT, &pre->resume_file, 0, 0},
        {"jobs", CTL_NUMBER, &pre->terms.jobs, 1, 16},
        {"rate", CTL_NUMBER, &pre->terms.rate, 1, 10000},
        {"pause", CTL_NUMBER, &pre->terms.pause_ms, 0, 3600000},
        {"batch", CTL_NUMBER, &pre->terms.batch_max, 1, 64},
        {"retries", CTL_NUMBER, &pre->terms.retries, 0, 100},
        {"depth", CTL_NUMBER, &pre->crawl.depth, 0, 1000},
        {"max-pages", CTL_NUMBER, &pre->crawl.max_pages, 1, 1000000},
        {"max", CTL_NUMBER, &pre->max, 1, 10000000},
        {"ignore-robots", CTL_FLAG, &pre->crawl.ignore_robots, 0, 0},
        {"watch", CTL_FLAG, &pre->watch, 0, 0},
        {"dry-run", CTL_FLAG, &pre->dry_run, 0, 0},
        {NULL, CTL_FLAG, NULL, 0, 0},
    };
    apr_array_header_t *rest;
    int code = ctl_options(&rest, pre->ctl, options, argc, argv);

    if (code == CTL_OK && rest->nelts > 0) {
        code = ctl_fail(CTL_USAGE, "prerender takes options only, not '%s'",
                        APR_ARRAY_IDX(rest, 0, char *));
    }
    return code;
}

static int check_options(prerender_t *pre)
{
    struct stat st;
    size_t length;

    if ((pre->root != NULL && pre->list == NULL) + (pre->list != NULL) +
            (pre->crawl.start != NULL) !=
        1) {
        return ctl_fail(CTL_USAGE, "prerender one of --root DIR, --list FILE "
                                   "and --crawl URL");
    }
    if (pre->watch && (pre->root == NULL || pre->list != NULL)) {
        return ctl_fail(CTL_USAGE, "--watch goes with --root DIR");
    }
    if (pre->root != NULL &&
        (stat(pre->root, &st) != 0 || !S_ISDIR(st.st_mode))) {
        return ctl_fail(CTL_USAGE, "--root %s: no folder", pre->root);
    }
    if (pre->base == NULL) {
        pre->base = "/";
    }
    length = strlen(pre->base);
    if (pre->base[length - 1] != '/') {
        pre->base = apr_pstrcat(pre->ctl->p, pre->base, "/", NULL);
    }
    pre->crawl.pause_ms = pre->terms.pause_ms;
    return pre->dry_run ? CTL_OK : ctl_settings(pre->ctl);
}

static void pictures_init(ctl_pictures_t *pictures, const prerender_t *pre,
                          apr_pool_t *p)
{
    memset(pictures, 0, sizeof *pictures);
    pictures->p = p;
    pictures->list = apr_array_make(p, 256, sizeof(ctl_picture_t));
    pictures->max = pre->max;
    pictures->root = pre->root;
    pictures->base = pre->base;
}

static void crawled(void *arg, int pages, int count)
{
    prerender_t *pre = arg;

    if (pre->progress.on && pre->progress.terminal) {
        fprintf(stderr, "\r%d pages, %d pictures\033[K", pages, count);
        fflush(stderr);
        pre->progress.shown = 1;
    }
}

static int find(ctl_pictures_t *pictures, prerender_t *pre)
{
    int code = CTL_OK;

    if (pre->list != NULL) {
        code = ctl_pictures_read(pictures, pre->list);
    }
    else if (pre->root != NULL) {
        ctl_pictures_walk(pictures, "");
    }
    else {
        code = ctl_crawl(pictures, pre->ctl, &pre->crawl, crawled, pre, &stop);
    }
    ctl_progress_clear(&pre->progress);
    if (pictures->full) {
        ctl_fail(0,
                 "there are more pictures than --max %d; the rest is left "
                 "out",
                 pre->max);
    }
    return code;
}

static void print_json(const ctl_ahead_sums_t *sums, double seconds)
{
    printf("{\"urls\": %d, \"done\": %d, \"skipped\": %d, \"failed\": %d, "
           "\"made\": %" APR_UINT64_T_FMT ", \"stored\": %" APR_UINT64_T_FMT
           ", \"none\": %" APR_UINT64_T_FMT ", \"bytes\": %" APR_UINT64_T_FMT
           ", \"cpu_us\": %" APR_UINT64_T_FMT ", \"seconds\": %.1f}\n",
           sums->total, sums->done - sums->failed, sums->skipped, sums->failed,
           sums->made, sums->stored, sums->none, sums->bytes, sums->cpu_us,
           seconds);
}

static void print_summary(const prerender_t *pre, const ctl_ahead_sums_t *sums,
                          apr_time_t began)
{
    apr_pool_t *p = pre->ctl->p;
    double seconds = (double)(apr_time_now() - began) / 1e6;

    if (pre->ctl->json) {
        print_json(sums, seconds);
        return;
    }
    ctl_say(
        pre->ctl, "prerendered %d of %d pictures in %s%s",
        sums->done - sums->failed, sums->total,
        ctl_show_span((apr_int64_t)seconds, p),
        sums->skipped > 0
            ? apr_psprintf(p, " (%d more had been done before)", sums->skipped)
            : "");
    ctl_say(pre->ctl,
            "  made %" APR_UINT64_T_FMT ", stored already %" APR_UINT64_T_FMT
            ", none %" APR_UINT64_T_FMT ", failed %" APR_UINT64_T_FMT,
            sums->made, sums->stored, sums->none, sums->failures);
    ctl_say(pre->ctl, "  %s written, %.1f s of CPU",
            ctl_show_bytes((apr_int64_t)sums->bytes, p),
            (double)sums->cpu_us / 1e6);
}

static void say_stopped(const prerender_t *pre)
{
    if (pre->resume_file != NULL) {
        ctl_fail(0,
                 "stopped; the same command goes on from here (--resume "
                 "%s)",
                 pre->resume_file);
    }
    else {
        ctl_fail(0, "stopped; what is made is stored, and the next run asks "
                    "for it again (with --resume FILE it would not)");
    }
}

static int run_once(prerender_t *pre)
{
    ctl_ahead_sums_t sums = {0};
    ctl_pictures_t pictures;
    apr_time_t began = apr_time_now();
    int code;

    pictures_init(&pictures, pre, pre->ctl->p);
    code = find(&pictures, pre);
    if (code != CTL_OK) {
        return code;
    }
    if (pre->dry_run) {
        for (int i = 0; i < pictures.list->nelts; i++) {
            puts(APR_ARRAY_IDX(pictures.list, i, ctl_picture_t).url);
        }
    }
    else {
        code = ctl_ahead(&sums, pre->ctl, &pre->terms, &pictures, &pre->resume,
                         &pre->progress, &stop);
        print_summary(pre, &sums, began);
    }
    if (stop && !pre->watch) {
        say_stopped(pre);
    }
    return code == CTL_OK && (pictures.unreadable > 0 || pictures.full || stop)
               ? CTL_FAILED
               : code;
}

/* One round of --watch. */
static void run_changes(prerender_t *pre, const ctl_pictures_t *pictures)
{
    ctl_ahead_sums_t sums = {0};
    ctl_progress_t silent;

    ctl_progress_init(&silent, 0);
    ctl_ahead(&sums, pre->ctl, &pre->terms, pictures, &pre->resume, &silent,
              &stop);
    ctl_say(pre->ctl,
            "%s  %d changed, made %" APR_UINT64_T_FMT
            ", stored already %" APR_UINT64_T_FMT ", failed %d",
            ctl_show_moment(apr_time_sec(apr_time_now()), pictures->p),
            sums.total - sums.skipped, sums.made, sums.stored, sums.failed);
    if (pre->ctl->json) {
        print_json(&sums, 0);
    }
    fflush(stdout);
}

static int run_watching(prerender_t *pre)
{
    ctl_watch_t watch;
    apr_pool_t *round;
    int more = 1;
    int code = ctl_watch_open(&watch, pre->root, pre->ctl->p);

    if (code != CTL_OK) {
        return code;
    }
    code = run_once(pre);
    if (code == CTL_REFUSED || code == CTL_NO_HTTP) {
        return code;
    }
    ctl_say(pre->ctl, "watching %s", pre->root);
    fflush(stdout);
    apr_pool_create(&round, pre->ctl->p);
    while (more) {
        ctl_pictures_t pictures;

        pictures_init(&pictures, pre, round);
        more = ctl_watch_wait(&watch, &pictures, &stop);
        if (more && pictures.list->nelts > 0) {
            run_changes(pre, &pictures);
        }
        apr_pool_clear(round);
    }
    ctl_watch_close(&watch);
    return CTL_OK;
}

int ctl_prerender(ctl_t *ctl, int argc, const char *const *argv)
{
    prerender_t pre = {
        .ctl = ctl,
        .crawl = {.depth = 16, .max_pages = 10000},
        .terms = {.jobs = 1, .batch_max = 32, .retries = 8},
        .max = 1000000,
    };
    int code = read_options(&pre, argc, argv);

    if (code == CTL_OK) {
        code = check_options(&pre);
    }
    if (code == CTL_OK) {
        code = ctl_resume_open(&pre.resume,
                               pre.dry_run ? NULL : pre.resume_file, ctl->p);
    }
    if (code != CTL_OK) {
        return code;
    }
    ctl_progress_init(&pre.progress, !ctl->quiet);
    catch_signals();
    code = pre.watch && !pre.dry_run ? run_watching(&pre) : run_once(&pre);
    ctl_resume_close(&pre.resume);
    return code;
}
