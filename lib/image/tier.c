/* SPDX-License-Identifier: Apache-2.0 */
/* Tiers: parsing, merging and the default ladder. */
#include "image/tier.h"

#include <stddef.h>
#include <string.h>

#include <apr_cstr.h>
#include <apr_strings.h>

#include "base/arg.h"

typedef struct {
    const char *key;
    apr_size_t offset;
    int min, max;
} tier_key_t;

static const tier_key_t keys[] = {
    {"fit", offsetof(di_tier_t, fit_px), 0, DI_TIER_FIT_MAX_PX},
    {"quality", offsetof(di_tier_t, quality), 1, 100},
    {"progressive", offsetof(di_tier_t, progressive), 0, 1},
    {"colors", offsetof(di_tier_t, colors), 0, 256},
};

#define KEYS (sizeof(keys) / sizeof(*keys))

/*
 * Sizes and qualities are ours.  A 3264x2448 photograph becomes 816x612 at
 * about 50 KB (4 s at 100 kbit/s) and 1632x1224 at about 300 KB (2.4 s at
 * 1 Mbit/s).  A palette would show bands in photographs, so only "low" has
 * one.
 */
static const di_tiers_t default_tiers = {.count = 3,
                                         .tier = {
                                             {.name = "low",
                                              .fit_px = 900,
                                              .quality = 50,
                                              .progressive = 1,
                                              .colors = 256},
                                             {.name = "medium",
                                              .fit_px = 1800,
                                              .quality = 70,
                                              .progressive = 1,
                                              .colors = 0},
                                             {.name = "broad", .original = 1},
                                         }};

const di_tiers_t *di_tiers_default(void)
{
    return &default_tiers;
}

static int *value_of(di_tier_t *tier, const tier_key_t *key)
{
    return (int *)((char *)tier + key->offset);
}

static void tier_unset(di_tier_t *tier, const char *name)
{
    apr_size_t i;

    memset(tier, 0, sizeof(*tier));
    tier->name = name;
    tier->original = DI_TIER_UNSET;
    for (i = 0; i < KEYS; i++) {
        *value_of(tier, &keys[i]) = DI_TIER_UNSET;
    }
}

static di_tier_t *tier_named(di_tiers_t *tiers, const char *name)
{
    int i;

    for (i = 0; i < tiers->count; i++) {
        if (!strcmp(tiers->tier[i].name, name)) {
            return &tiers->tier[i];
        }
    }
    return NULL;
}

static const char *take_switch(int *out, const char *word, apr_pool_t *p)
{
    if (!strcasecmp(word, "on") || !strcasecmp(word, "off")) {
        *out = !strcasecmp(word, "on");
        return NULL;
    }
    return apr_psprintf(p, "\"%s\" is neither on nor off", word);
}

static const char *take_number(int *out, const tier_key_t *key,
                               const char *word, apr_pool_t *p)
{
    apr_int64_t number;
    const char *error =
        ds_arg_parse(&number, DS_ARG_COUNT, word, key->min, key->max, p);

    if (!error && !strcmp(key->key, "colors") && number == 1) {
        error = "1 colour shows nothing: 0 or 2 to 256";
    }
    if (!error) {
        *out = (int)number;
    }
    return error;
}

static const char *take_word(di_tier_t *tier, const char *word, apr_pool_t *p)
{
    const char *equals = strchr(word, '='), *error;
    apr_size_t i;

    if (!strcasecmp(word, "original")) {
        tier->original = 1;
        return NULL;
    }
    for (i = 0; equals && i < KEYS; i++) {
        const tier_key_t *key = &keys[i];
        int *value = value_of(tier, key);
        if (strlen(key->key) != (apr_size_t)(equals - word) ||
            apr_cstr_casecmpn(key->key, word, equals - word)) {
            continue;
        }
        tier->original = 0;
        error = strcmp(key->key, "progressive")
                    ? take_number(value, key, equals + 1, p)
                    : take_switch(value, equals + 1, p);
        return error ? apr_pstrcat(p, key->key, ": ", error, NULL) : NULL;
    }
    return apr_psprintf(p,
                        "\"%s\" is none of original, fit=PX, quality=1..100, "
                        "progressive=on|off, colors=0|2..256",
                        word);
}

const char *di_tiers_add(di_tiers_t *tiers, const char *name,
                         const apr_array_header_t *words, apr_pool_t *p)
{
    const char *error = NULL;
    di_tier_t *tier;
    int i;

    if (!ds_arg_is_name(name)) {
        return apr_psprintf(p,
                            "\"%s\" is no tier name: a lower-case letter, "
                            "then up to 31 of a-z 0-9 - _",
                            name);
    }
    tier = tier_named(tiers, name);
    if (!tier && tiers->count == DI_TIERS_MAX) {
        return apr_psprintf(p, "more than %d tiers", DI_TIERS_MAX);
    }
    if (words->nelts == 0) {
        return "a tier needs a recipe: original, or fit=PX quality=1..100 "
               "progressive=on|off colors=0|2..256";
    }
    if (!tier) {
        tier = &tiers->tier[tiers->count++];
        tier_unset(tier, apr_pstrdup(p, name));
    }
    for (i = 0; i < words->nelts && !error; i++) {
        error = take_word(tier, APR_ARRAY_IDX(words, i, char *), p);
    }
    return error;
}

static void tier_merge(di_tier_t *base, const di_tier_t *add)
{
    apr_size_t i;

    if (add->original != DI_TIER_UNSET) {
        base->original = add->original;
    }
    for (i = 0; i < KEYS; i++) {
        int value = *value_of((di_tier_t *)(apr_uintptr_t)add, &keys[i]);
        if (value != DI_TIER_UNSET) {
            *value_of(base, &keys[i]) = value;
        }
    }
}

void di_tiers_merge(di_tiers_t *out, const di_tiers_t *base,
                    const di_tiers_t *add)
{
    int i;

    if (out != base) {
        *out = *base;
    }
    for (i = 0; i < add->count; i++) {
        di_tier_t *known = tier_named(out, add->tier[i].name);
        if (known) {
            tier_merge(known, &add->tier[i]);
        }
        else if (out->count < DI_TIERS_MAX) {
            out->tier[out->count++] = add->tier[i];
        }
    }
}

const di_tier_t *di_tiers_find(di_tier_t *room, const di_tiers_t *tiers,
                               const char *name)
{
    int i;

    for (i = 0; i < tiers->count; i++) {
        if (!strcmp(tiers->tier[i].name, name)) {
            *room = default_tiers.tier[0];
            room->name = tiers->tier[i].name;
            tier_merge(room, &tiers->tier[i]);
            return room;
        }
    }
    return NULL;
}

di_job_t di_tier_job(const di_tier_t *tier, di_format_e format)
{
    di_job_t job = {.format = format};

    switch (format) {
    case DI_FORMAT_JPEG:
        job.fit_px = (apr_uint32_t)tier->fit_px;
        job.quality = (apr_uint32_t)tier->quality;
        job.progressive = (apr_uint32_t)tier->progressive;
        break;
    case DI_FORMAT_WEBP:
        job.quality = (apr_uint32_t)tier->quality;
        break;
    default:
        job.colors = (apr_uint32_t)tier->colors;
    }
    return job;
}
