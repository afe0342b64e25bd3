/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: which tier a client would get of an image, why, and what is stored
 * of it.  It decides by the same functions as the answer to an image request
 * (handlers/choice.c, wish.c), asks the store's levels, and stops where that
 * one would render: nothing is rendered or counted.
 */
#include <string.h>

#include "apr_strings.h"

#include "base/arg.h"
#include "handlers/admin_image.h"
#include "handlers/choice.h"
#include "image/sniff.h"

/* Fastest client that may be asked about, kbit/s. */
#define KBPS_MAX 100000000

typedef struct {
    di_admin_t *admin;
    di_admin_image_t image;
    apr_uint32_t kbps;
    int band; /* of the client */
    di_tier_t room;
    di_reason_e reason; /* NONE: it is not known before it is tried */
    const char *would;
} question_t;

static const ds_bands_t *bands_of(const question_t *question)
{
    return ds_bands_or_default(&question->image.conf->bands);
}

/* ---- the outcome ---- */

static di_format_e format_of_file(const char *path, apr_pool_t *p)
{
    char head[DI_SNIFF_BYTES];
    apr_size_t len = 0;
    apr_file_t *file;

    if (apr_file_open(&file, path, APR_READ | APR_BINARY, APR_OS_DEFAULT, p)) {
        return DI_FORMAT_UNKNOWN;
    }
    (void)apr_file_read_full(file, head, sizeof(head), &len);
    apr_file_close(file);
    return di_sniff(head, len);
}

/* Reasons that may pass: obtain.c looks for something else to send then. */
static int may_pass(const di_entry_t *entry)
{
    return entry->record.expires_at != 0;
}

/* Which of the tiers that stand in is stored; DI_NO_OTHER: none. */
static di_other_e nearest_stored(const question_t *question,
                                 const di_wish_t *wish)
{
    apr_pool_t *p = question->image.sub->pool;
    di_other_e place;
    di_entry_t entry;
    di_key_t key;
    int i;

    for (i = 0; (place = wish->others->tier(wish->others_baton, &key, i)) !=
                DI_NO_OTHER;
         i++) {
        if (di_admin_stored(&entry, question->admin, &key, p) &&
            !entry.record.verdict) {
            return place;
        }
    }
    return DI_NO_OTHER;
}

static void conclude(question_t *question, di_reason_e reason,
                     const char *would)
{
    question->reason = reason;
    question->would = would;
}

/* Nothing is made yet that should have been made ahead. */
static void conclude_static(question_t *question, const di_wish_t *wish)
{
    di_other_e place = nearest_stored(question, wish);

    if (place != DI_NO_OTHER) {
        conclude(question,
                 place == DI_OTHER_SMALLER ? DI_REASON_SMALLER_FIRST
                                           : DI_REASON_NEAREST,
                 "send the nearest stored tier, and make all behind it");
    }
    else if (wish->slow) {
        conclude(question, DI_REASON_NONE,
                 "send a cheap picture, or the original where that cannot be "
                 "had at once, and make all behind it");
    }
    else {
        conclude(question, DI_REASON_NOT_MADE,
                 "send the original, and make all behind it");
    }
}

static void conclude_missing(question_t *question, const di_wish_t *wish)
{
    di_format_e format =
        format_of_file(wish->original->file, question->image.sub->pool);

    if (wish->mode == DI_MODE_STATIC) {
        conclude_static(question, wish);
    }
    else if (format == DI_FORMAT_UNKNOWN) {
        conclude(question, DI_REASON_UNSUPPORTED, "send the original");
    }
    else if (!DI_FORMAT_IN(wish->inputs, format)) {
        conclude(question, DI_REASON_FORMAT_OFF, "send the original");
    }
    else if (wish->mode == DI_MODE_SINGLE) {
        conclude(question, DI_REASON_NONE, "render it and send it");
    }
    else {
        conclude(question, DI_REASON_NONE,
                 "render it, keep it and send it; where that takes long "
                 "something smaller first");
    }
}

static void conclude_stored(question_t *question, const di_wish_t *wish,
                            const di_entry_t *entry)
{
    if (!entry->record.verdict) {
        conclude(question, DI_REASON_RENDERED, "send the stored rendition");
    }
    else if (may_pass(entry) && nearest_stored(question, wish)) {
        conclude(question, DI_REASON_NEAREST, "send the nearest stored tier");
    }
    else if (may_pass(entry) && wish->slow) {
        conclude(question, DI_REASON_QUICK, "send a cheap picture");
    }
    else {
        conclude(question, (di_reason_e)entry->record.verdict,
                 "send the original");
    }
}

static void conclude_tier(question_t *question)
{
    const di_admin_t *admin = question->admin;
    di_request_t *asks = &question->image.asks;
    di_entry_t entry;
    di_wish_t wish;

    if (asks->tier == &di_choice_no_tier) {
        conclude(question, DI_REASON_ERROR, "send the original");
        return;
    }
    di_request_read(asks);
    if (asks->tier->original) {
        conclude(question, DI_REASON_ORIGINAL, "send the original");
    }
    else if (di_choice_forbids_transform(asks->r)) {
        conclude(question, DI_REASON_NO_TRANSFORM, "send the original");
    }
    else if (!asks->formats) {
        conclude(question, DI_REASON_NO_FORMAT, "send the original");
    }
    else if (!admin->parts->world.store ||
             !di_request_wish(&wish, asks, admin->parts->inputs)) {
        conclude(question, DI_REASON_ERROR, "send the original");
    }
    else if (di_admin_stored(&entry, admin, wish.key, asks->r->pool)) {
        conclude_stored(question, &wish, &entry);
    }
    else {
        conclude_missing(question, &wish);
    }
}

static void ask_band(question_t *question, di_tier_t *room, int band)
{
    di_request_t *asks = &question->image.asks;

    asks->band = bands_of(question)->band[band].name;
    asks->tier = di_choice_tier(room, question->image.conf, asks->band);
}

/* ---- the answer ---- */

static void put_formats(ds_json_t *to, unsigned formats)
{
    ds_json_t *list = ds_json_array_in(to, "formats");
    unsigned format;

    for (format = DI_FORMAT_UNKNOWN + 1; format < DI_FORMAT_END; format++) {
        if (DI_FORMAT_IN(formats, format)) {
            ds_json_text(list, NULL, di_admin_format(format));
        }
    }
}

static void put_entry(ds_json_t *to, const di_entry_t *entry)
{
    const di_record_t *record = &entry->record;
    ds_json_t *stored = ds_json_object_in(to, "stored");

    ds_json_text(stored, "level", entry->level);
    if (!record->verdict) {
        ds_json_number(stored, "bytes", (apr_int64_t)entry->body.bytes);
        ds_json_text(stored, "format", di_admin_format(record->format));
        ds_json_number(stored, "width", record->width_px);
        ds_json_number(stored, "height", record->height_px);
    }
    ds_json_number(stored, "made", (apr_int64_t)apr_time_sec(record->made_at));
    ds_json_text(stored, "reason",
                 di_reason_word(record->verdict ? (di_reason_e)record->verdict
                                                : DI_REASON_RENDERED));
}

static void put_stored(ds_json_t *to, const question_t *question,
                       di_request_t *asks)
{
    di_entry_t entry;
    di_wish_t wish;

    if (asks->tier->original || !asks->formats ||
        !di_request_wish(&wish, asks, question->admin->parts->inputs)) {
        ds_json_text(to, "key", NULL);
        ds_json_text(to, "stored", NULL);
        return;
    }
    ds_json_text(to, "key", wish.key->hex);
    if (di_admin_stored(&entry, question->admin, wish.key, asks->r->pool)) {
        put_entry(to, &entry);
    }
    else {
        ds_json_text(to, "stored", NULL);
    }
}

/* The tier of each band, slowest first. */
static void put_tiers(ds_json_t *root, question_t *question)
{
    const ds_bands_t *bands = bands_of(question);
    di_request_t *asks = &question->image.asks;
    ds_json_t *list = ds_json_array_in(root, "tiers");
    di_tier_t room;
    int i;

    for (i = 0; i < bands->count; i++) {
        ds_json_t *to = ds_json_object_in(list, NULL);

        ask_band(question, &room, i);
        ds_json_text(to, "tier", asks->tier->name);
        ds_json_text(to, "band", asks->band);
        ds_json_flag(to, "original", asks->tier->original);
        ds_json_text(to, "recipe", di_tier_text(asks->tier, asks->r->pool));
        di_request_read(asks);
        put_formats(to, asks->tier->original ? 0 : asks->formats);
        put_stored(to, question, asks);
    }
}

/* Whose account it is; null: nobody's. */
static void put_customer(ds_json_t *root, const di_admin_t *admin)
{
    int place = di_server_conf_of(admin->r->server)->site.account;
    di_account_look_t account;

    ds_json_text(root, "customer",
                 admin->parts->books.accounts &&
                         di_accounts_look(&account,
                                          admin->parts->books.accounts, place,
                                          admin->r->request_time)
                     ? account.name
                     : NULL);
}

static void put_answer(ds_json_t *root, question_t *question)
{
    const di_admin_image_t *image = &question->image;
    const request_rec *sub = image->sub;

    ds_json_text(root, "url", image->url.uri);
    ds_json_text(root, "file",
                 sub->finfo.filetype == APR_REG ? sub->filename : NULL);
    ds_json_number(root, "kbps", question->kbps);
    if (image->fault) {
        ds_json_text(root, "reason", NULL);
        ds_json_text(
            root, "would",
            apr_pstrcat(sub->pool, "leave it alone: ", image->fault, NULL));
        return;
    }
    ds_json_number(root, "bytes", (apr_int64_t)image->asks.original.bytes);
    ds_json_text(root, "mode", di_admin_mode(image->conf, sub->pool));
    put_customer(root, question->admin);
    ds_json_number(root, "purged", (apr_int64_t)image->asks.original.purged);
    ask_band(question, &question->room, question->band);
    conclude_tier(question);
    ds_json_text(root, "band", image->asks.band);
    ds_json_text(root, "tier", image->asks.tier->name);
    ds_json_text(root, "reason",
                 question->reason ? di_reason_word(question->reason) : NULL);
    ds_json_text(root, "would", question->would);
    put_tiers(root, question);
}

/* @return 0: that is no speed */
static int read_kbps(apr_uint32_t *out, const di_admin_t *admin)
{
    const char *text = di_admin_field(admin, "kbps", 0);
    apr_int64_t kbps = 0;

    if (text &&
        (!ds_arg_decimal(&kbps, text, strlen(text)) || kbps > KBPS_MAX)) {
        return 0;
    }
    *out = (apr_uint32_t)kbps;
    return 1;
}

int di_admin_explain(di_admin_t *admin)
{
    question_t question = {.admin = admin};
    const char *url = di_admin_field(admin, "url", 0), *error;
    ds_json_t *root = ds_json_object(admin->r->pool);
    int status;

    if (!url) {
        return di_admin_refuse(admin, HTTP_BAD_REQUEST, "url= is missing");
    }
    if (!read_kbps(&question.kbps, admin)) {
        return di_admin_refuse(admin, HTTP_BAD_REQUEST,
                               "kbps= is no whole number from 0 to %d",
                               KBPS_MAX);
    }
    error = di_admin_image(&question.image, &status, admin, url,
                           di_admin_field(admin, "accept", 0));
    if (error) {
        return di_admin_refuse(admin, status, "%s", error);
    }
    question.band = di_choice_band(question.image.conf, question.kbps, 0);
    put_answer(root, &question);
    di_admin_image_done(&question.image);
    return di_admin_send(admin, root);
}
