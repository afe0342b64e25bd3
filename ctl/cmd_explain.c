/* SPDX-License-Identifier: Apache-2.0 */
/* explain URL and check URL: what a client would get, and by which settings. */
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "admin.h"
#include "ctl.h"
#include "jsonread.h"
#include "show.h"

/* Fastest client that can be asked for, kbit/s: 10 Gbit/s. */
#define KBPS_MAX 10000000

static const char *words(const ctl_json_t *array, apr_pool_t *p)
{
    const char *all = NULL;

    for (int i = 0; i < ctl_json_count(array); i++) {
        const char *word = ctl_json_value(ctl_json_at(array, i), "?", p);

        all = all != NULL ? apr_pstrcat(p, all, " ", word, NULL) : word;
    }
    return all;
}

static const char *size_of(const ctl_json_t *stored, apr_pool_t *p)
{
    if (ctl_json_number(stored, "width") <= 0) {
        return NULL;
    }
    return apr_psprintf(p, "%sx%s", ctl_json_text(stored, "width", "?", p),
                        ctl_json_text(stored, "height", "?", p));
}

/* A verdict is stored without bytes. */
static const char *bytes_of(const ctl_json_t *stored, apr_pool_t *p)
{
    apr_int64_t bytes = ctl_json_number(stored, "bytes");

    return bytes > 0 ? ctl_show_bytes(bytes, p) : NULL;
}

static void print_tiers(const ctl_json_t *json, apr_pool_t *p)
{
    const ctl_json_t *tiers = ctl_json_get(json, "tiers");
    const char *got = ctl_json_text(json, "tier", "", p);
    ctl_table_t table;

    ctl_table_init(&table,
                   " |TIER|BAND|FORMATS|STORED|AS|SIZE|>BYTES|MADE|REASON", p);
    for (int i = 0; i < ctl_json_count(tiers); i++) {
        const ctl_json_t *tier = ctl_json_at(tiers, i);
        const ctl_json_t *stored = ctl_json_get(tier, "stored");
        const char *name = ctl_json_text(tier, "tier", "?", p);

        ctl_table_row(&table, strcmp(name, got) == 0 ? ">" : " ", name,
                      ctl_json_text(tier, "band", NULL, p),
                      words(ctl_json_get(tier, "formats"), p),
                      ctl_json_true(tier, "original")
                          ? "original"
                          : ctl_json_text(stored, "level", NULL, p),
                      ctl_json_text(stored, "format", NULL, p),
                      size_of(stored, p), bytes_of(stored, p),
                      ctl_show_moment(ctl_json_number(stored, "made"), p),
                      ctl_json_text(stored, "reason", NULL, p));
    }
    if (ctl_json_count(tiers) > 0) {
        putchar('\n');
        ctl_table_print(&table, 0);
    }
}

static void line(const char *name, const char *value, apr_pool_t *p)
{
    if (value != NULL && value[0] != '\0') {
        printf("  %-9s %s\n", name, ctl_show_plain(value, p));
    }
}

static const char *speed_of(const ctl_json_t *json, apr_pool_t *p)
{
    const char *band = ctl_json_text(json, "band", "?", p);
    apr_int64_t kbps = ctl_json_number(json, "kbps");

    return kbps > 0 ? apr_psprintf(p, "%" APR_INT64_T_FMT " kbit/s: band %s",
                                   kbps, band)
                    : apr_psprintf(p, "not known: band %s", band);
}

static const char *file_of(const ctl_json_t *json, apr_pool_t *p)
{
    const char *file = ctl_json_text(json, "file", NULL, p);

    return file != NULL && ctl_json_get(json, "bytes") != NULL
               ? apr_pstrcat(p, file, " (",
                             ctl_show_bytes(ctl_json_number(json, "bytes"), p),
                             ")", NULL)
               : file;
}

/* Without a tier it is not ours. */
static const char *decision_of(const ctl_json_t *json, apr_pool_t *p)
{
    const char *would = ctl_json_text(json, "would", NULL, p);
    const char *tier = ctl_json_text(json, "tier", NULL, p);
    const char *reason = ctl_json_text(json, "reason", NULL, p);

    if (tier == NULL) {
        return apr_pstrcat(p, reason != NULL ? reason : "not ours",
                           would != NULL ? ": " : "",
                           would != NULL ? would : "", NULL);
    }
    return apr_pstrcat(p, "tier ", tier, reason != NULL ? " (" : "",
                       reason != NULL ? reason : "", reason != NULL ? ")" : "",
                       would != NULL ? ": " : "", would != NULL ? would : "",
                       NULL);
}

static void print_explain(const ctl_json_t *json, apr_pool_t *p)
{
    apr_int64_t purged = ctl_json_number(json, "purged");

    printf("%s\n", ctl_show_plain(ctl_json_text(json, "url", "?", p), p));
    line("file", file_of(json, p), p);
    line("customer", ctl_json_text(json, "customer", NULL, p), p);
    line("mode", ctl_json_text(json, "mode", NULL, p), p);
    if (ctl_json_text(json, "band", NULL, p) != NULL) {
        line("purged",
             purged > 0 ? ctl_show_moment(purged / 1000000, p) : "never", p);
        line("client", speed_of(json, p), p);
    }
    line("gets", decision_of(json, p), p);
    print_tiers(json, p);
}

int ctl_explain(ctl_t *ctl, int argc, const char *const *argv)
{
    const char *accept = NULL;
    int kbps = 0;
    const ctl_option_t options[] = {
        {"kbps", CTL_NUMBER, &kbps, 1, KBPS_MAX},
        {"accept", CTL_TEXT, &accept, 0, 0},
        {NULL, CTL_FLAG, NULL, 0, 0},
    };
    apr_array_header_t *urls;
    ctl_reply_t reply;
    const char *path;
    int code = ctl_options(&urls, ctl, options, argc, argv);

    if (code == CTL_OK && urls->nelts != 1) {
        code = ctl_fail(CTL_USAGE, "explain one URL");
    }
    if (code != CTL_OK || (code = ctl_settings(ctl)) != CTL_OK) {
        return code;
    }
    path = apr_pstrcat(
        ctl->p, "/explain?",
        ctl_admin_pair("url", APR_ARRAY_IDX(urls, 0, char *), ctl->p), NULL);
    if (kbps > 0) {
        path = apr_psprintf(ctl->p, "%s&kbps=%d", path, kbps);
    }
    if (accept != NULL) {
        path = apr_pstrcat(ctl->p, path, "&",
                           ctl_admin_pair("accept", accept, ctl->p), NULL);
    }
    code = ctl_admin_ask(&reply, ctl, path, NULL);
    if (code == CTL_OK && ctl->json) {
        printf("%s\n", ctl_json_print(reply.json, ctl->p));
    }
    else if (code == CTL_OK) {
        print_explain(reply.json, ctl->p);
    }
    return code;
}

static void print_recipes(const ctl_json_t *tiers, apr_pool_t *p)
{
    ctl_table_t table;

    ctl_table_init(&table, "TIER|RECIPE", p);
    for (int i = 0; i < ctl_json_count(tiers); i++) {
        const ctl_json_t *tier = ctl_json_at(tiers, i);

        ctl_table_row(&table, ctl_json_text(tier, "name", NULL, p),
                      ctl_json_text(tier, "recipe", NULL, p));
    }
    if (ctl_json_count(tiers) > 0) {
        putchar('\n');
        ctl_table_print(&table, 2);
    }
}

/* Bands are words, or objects of words. */
static const char *bands_of(const ctl_json_t *bands, apr_pool_t *p)
{
    const char *all = NULL;

    for (int i = 0; i < ctl_json_count(bands); i++) {
        const ctl_json_t *band = ctl_json_at(bands, i);
        const char **names = ctl_json_names(band, p);
        const char *word = ctl_json_value(band, "", p);

        for (int k = 0; names[k] != NULL; k++) {
            word = apr_pstrcat(p, word, k > 0 ? " " : "", k > 0 ? names[k] : "",
                               k > 0 ? "=" : "",
                               ctl_json_text(band, names[k], "-", p), NULL);
        }
        all = all != NULL ? apr_pstrcat(p, all, ", ", word, NULL) : word;
    }
    return all;
}

static void print_check(const ctl_json_t *json, apr_pool_t *p)
{
    printf("%s\n", ctl_show_plain(ctl_json_text(json, "url", "?", p), p));
    line("file", ctl_json_text(json, "file", NULL, p), p);
    line("bands", bands_of(ctl_json_get(json, "bands"), p), p);
    putchar('\n');
    ctl_show_tree(ctl_json_get(json, "settings"), 2, p);
    print_recipes(ctl_json_get(json, "tiers"), p);
}

int ctl_check(ctl_t *ctl, int argc, const char *const *argv)
{
    const ctl_option_t options[] = {{NULL, CTL_FLAG, NULL, 0, 0}};
    apr_array_header_t *urls;
    ctl_reply_t reply;
    int code = ctl_options(&urls, ctl, options, argc, argv);

    if (code == CTL_OK && urls->nelts != 1) {
        code = ctl_fail(CTL_USAGE, "check one URL");
    }
    if (code != CTL_OK || (code = ctl_settings(ctl)) != CTL_OK) {
        return code;
    }
    code = ctl_admin_ask(
        &reply, ctl,
        apr_pstrcat(
            ctl->p, "/check?",
            ctl_admin_pair("url", APR_ARRAY_IDX(urls, 0, char *), ctl->p),
            NULL),
        NULL);
    if (code == CTL_OK && ctl->json) {
        printf("%s\n", ctl_json_print(reply.json, ctl->p));
    }
    else if (code == CTL_OK) {
        print_check(reply.json, ctl->p);
    }
    return code;
}
