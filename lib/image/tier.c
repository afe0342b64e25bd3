/* SPDX-License-Identifier: Apache-2.0 */
/* Tiers: parsing, merging and the default ladder. */
#include "image/tier.h"

#include <stddef.h>
#include <string.h>

#include <apr_cstr.h>
#include <apr_strings.h>

#include "base/arg.h"
#include "image/accept.h"

/*
 * Figures of ours.  Sizes: a 3264x2448 photograph becomes 816x612 and
 * 1632x1224.  Floors: SSIM on luma; the quality is where the search for the
 * smallest file above the floor begins.  No palette: it would show bands in
 * photographs, and pictures of few colours get one by themselves.
 */
static const di_tier_t default_ladder[] = {
    {.name = "low",
     .priority = 5,
     .formats = DI_FORMATS_OUT,
     .fit_px = 900,
     .quality = 40,
     .ssim_e4 = 9500,
     .most_bytes = 100000,
     .progressive = 1},
    {.name = "medium",
     .priority = 5,
     .formats = DI_FORMATS_OUT,
     .fit_px = 1800,
     .quality = 55,
     .ssim_e4 = 9700,
     .most_bytes = 500000,
     .progressive = 1},
    /* The keys count where a scope makes a recipe of it. */
    {.name = "broad",
     .original = 1,
     .priority = 5,
     .formats = DI_FORMATS_OUT,
     .quality = 85,
     .ssim_e4 = 9800,
     .progressive = 1},
};

#define QUICK_QUALITY 40
#define QUICK_FIT_PX 640

#define LADDER (sizeof(default_ladder) / sizeof(*default_ladder))

static const di_tiers_t default_tiers = {NULL, sizeof(di_tier_t), LADDER,
                                         LADDER, (char *)default_ladder};

/* ---- values ---- */

typedef struct tier_key tier_key_t;

struct tier_key {
    const char *key;
    const char *form; /* the legal values, short */
    apr_size_t offset;
    const char *(*take)(int *out, const tier_key_t *key, const char *word,
                        apr_pool_t *p);
    const char *(*write)(int value, apr_pool_t *p); /* not of "off" */
    int least, greatest;
    int limit; /* 1: may be "off", which is 0 */
};

typedef struct {
    const char *word;
    int value;
} word_t;

/* The first word of that value; NULL when there is none. */
static const char *word_of_value(const word_t *words, int value)
{
    while (words->word && words->value != value) {
        words++;
    }
    return words->word;
}

/* The word's value; -1 when it is none of them. */
static int value_of_word(const word_t *words, const char *word, apr_size_t len)
{
    for (; words->word; words++) {
        if (strlen(words->word) == len &&
            !apr_cstr_casecmpn(words->word, word, len)) {
            return words->value;
        }
    }
    return -1;
}

/* The words of each kind of value; of several for one value the first is
   written. */
static const word_t switch_words[] = {{"off", 0}, {"on", 1}, {NULL, 0}};
static const word_t layout_words[] = {{"keep", 0}, {"page", 1}, {NULL, 0}};
static const word_t chroma_words[] = {
    {"auto", DI_CHROMA_AUTO}, {"420", DI_CHROMA_420},
    {"422", DI_CHROMA_422},   {"444", DI_CHROMA_444},
    {"4:2:0", DI_CHROMA_420}, {"4:2:2", DI_CHROMA_422},
    {"4:4:4", DI_CHROMA_444}, {NULL, 0}};
static const word_t fractions[] = {
    {"1/8", 125}, {"1/4", 250}, {"3/8", 375}, {"1/2", 500}, {NULL, 0}};
static const word_t policies[] = {
    {"auto", DI_FORMATS_OUT}, {"keep", DI_TIER_KEEP}, {NULL, 0}};
static const word_t formats[] = {
    {"jpeg", DI_FORMAT_SET(JPEG)}, {"png", DI_FORMAT_SET(PNG)},
    {"webp", DI_FORMAT_SET(WEBP)}, {"avif", DI_FORMAT_SET(AVIF)},
    {"jxl", DI_FORMAT_SET(JXL)},   {NULL, 0}};

static const char *take_number(int *out, const tier_key_t *key,
                               const char *word, apr_pool_t *p)
{
    apr_int64_t number;
    const char *error =
        ds_arg_parse(&number, DS_ARG_COUNT, word, key->least, key->greatest, p);

    if (!error) {
        *out = (int)number;
    }
    return error;
}

static const char *take_size(int *out, const tier_key_t *key, const char *word,
                             apr_pool_t *p)
{
    apr_int64_t size;
    const char *error =
        ds_arg_parse(&size, DS_ARG_SIZE, word, key->least, key->greatest, p);

    if (!error) {
        *out = (int)size;
    }
    return error;
}

static const char *take_colors(int *out, const tier_key_t *key,
                               const char *word, apr_pool_t *p)
{
    int colors;
    const char *error = take_number(&colors, key, word, p);

    if (!error && colors == 1) {
        error = "1 colour shows nothing: 0 or 2 to 256";
    }
    if (!error) {
        *out = colors;
    }
    return error;
}

static const char *take_switch(int *out, const tier_key_t *key,
                               const char *word, apr_pool_t *p)
{
    int value = value_of_word(switch_words, word, strlen(word));

    if (value < 0) {
        return apr_psprintf(p, "\"%s\" is neither on nor off", word);
    }
    *out = value;
    return NULL;
}

static const char *take_layout(int *out, const tier_key_t *key,
                               const char *word, apr_pool_t *p)
{
    int value = value_of_word(layout_words, word, strlen(word));

    if (value < 0) {
        return apr_psprintf(p, "\"%s\" is neither keep nor page", word);
    }
    *out = value;
    return NULL;
}

static const char *take_chroma(int *out, const tier_key_t *key,
                               const char *word, apr_pool_t *p)
{
    int value = value_of_word(chroma_words, word, strlen(word));

    if (value < 0) {
        return apr_psprintf(p, "\"%s\" is none of auto, 420, 422, 444", word);
    }
    *out = value;
    return NULL;
}

static const char *take_scale(int *out, const tier_key_t *key, const char *word,
                              apr_pool_t *p)
{
    int value = value_of_word(fractions, word, strlen(word));
    apr_int64_t percent;

    if (value < 0 && ds_arg_parse(&percent, DS_ARG_PERCENT, word, key->least,
                                  key->greatest, p)) {
        return apr_psprintf(p,
                            "\"%s\" is neither a percentage from %d to %d nor "
                            "1/8, 1/4, 3/8 or 1/2",
                            word, key->least, key->greatest);
    }
    *out = value < 0 ? (int)percent * 10 : value;
    return NULL;
}

/* 0.9 0.95 0.955 0.9555: ten thousandths. */
static const char *take_ssim(int *out, const tier_key_t *key, const char *word,
                             apr_pool_t *p)
{
    apr_size_t digits = strlen(word) < 2 ? 0 : strlen(word) - 2, i;
    apr_int64_t value = 0;

    if (strncmp(word, "0.", 2) || digits > 4 ||
        !ds_arg_decimal(&value, word + 2, digits)) {
        value = 0;
    }
    for (i = digits; i < 4; i++) {
        value *= 10;
    }
    if (value < key->least || value > key->greatest) {
        return apr_psprintf(p,
                            "\"%s\" is not a decimal from 0.50 to 0.999 with "
                            "at most 4 digits",
                            word);
    }
    *out = (int)value;
    return NULL;
}

static const char *take_formats(int *out, const tier_key_t *key,
                                const char *word, apr_pool_t *p)
{
    int set = value_of_word(policies, word, strlen(word));
    const char *from = word;

    if (set < 0) {
        for (set = 0;; from++) {
            apr_size_t len = strcspn(from, ",");
            int format = value_of_word(formats, from, len);
            if (format < 0) {
                return apr_psprintf(p,
                                    "\"%s\" is neither auto nor keep nor a "
                                    "list of jpeg,png,webp,avif,jxl",
                                    word);
            }
            set |= format;
            from += len;
            if (!*from) {
                break;
            }
        }
    }
    *out = set;
    return NULL;
}

/* ---- values, back to words ---- */

static const char *write_number(int value, apr_pool_t *p)
{
    return apr_psprintf(p, "%d", value);
}

static const char *write_size(int value, apr_pool_t *p)
{
    return ds_arg_format(DS_ARG_SIZE, value, p);
}

static const char *write_switch(int value, apr_pool_t *p)
{
    return word_of_value(switch_words, value);
}

static const char *write_layout(int value, apr_pool_t *p)
{
    return word_of_value(layout_words, value);
}

static const char *write_chroma(int value, apr_pool_t *p)
{
    return word_of_value(chroma_words, value);
}

static const char *write_scale(int value, apr_pool_t *p)
{
    const char *fraction = word_of_value(fractions, value);

    return fraction ? fraction : apr_psprintf(p, "%d%%", value / 10);
}

static const char *write_ssim(int value, apr_pool_t *p)
{
    return apr_psprintf(p, "0.%04d", value);
}

static const char *write_formats(int value, apr_pool_t *p)
{
    const char *text = word_of_value(policies, value);
    const word_t *format;

    if (text) {
        return text;
    }
    text = "";
    for (format = formats; format->word; format++) {
        if (value & format->value) {
            text = apr_pstrcat(p, text, *text ? "," : "", format->word, NULL);
        }
    }
    return text;
}

/* ---- keys ---- */

#define AT(member) offsetof(di_tier_t, member)

static const tier_key_t keys[] = {
    {"scale", "scale=1..100%|1/8|1/4|3/8|1/2|off", AT(scale_permille),
     take_scale, write_scale, 1, 100, 1},
    {"fit", "fit=PX|off", AT(fit_px), take_number, write_number, 1,
     DI_SIDE_MAX_PX, 1},
    {"width", "width=PX|off", AT(max_width_px), take_number, write_number, 1,
     DI_SIDE_MAX_PX, 1},
    {"height", "height=PX|off", AT(max_height_px), take_number, write_number, 1,
     DI_SIDE_MAX_PX, 1},
    {"quality", "quality=1..100", AT(quality), take_number, write_number, 1,
     100, 0},
    {"ssim", "ssim=0.50..0.999|off", AT(ssim_e4), take_ssim, write_ssim, 5000,
     9990, 1},
    {"bytes", "bytes=SIZE|off", AT(most_bytes), take_size, write_size, 256,
     1 << 30, 1},
    {"chroma", "chroma=auto|420|422|444", AT(chroma), take_chroma, write_chroma,
     0, 0, 0},
    {"progressive", "progressive=on|off", AT(progressive), take_switch,
     write_switch, 0, 0, 0},
    {"colors", "colors=0|2..256", AT(colors), take_colors, write_number, 0, 256,
     0},
    {"formats", "formats=auto|keep|jpeg,png,webp,avif,jxl", AT(formats),
     take_formats, write_formats, 0, 0, 0},
    {"layout", "layout=keep|page", AT(page_layout), take_layout, write_layout,
     0, 0, 0},
    {"priority", "priority=0..9", AT(priority), take_number, write_number, 0, 9,
     0},
};

#define KEYS (sizeof(keys) / sizeof(*keys))

/* "original, scale=..., ... priority=0..9" */
static const char *legal_words(apr_pool_t *p)
{
    const char *text = "original";
    apr_size_t i;

    for (i = 0; i < KEYS; i++) {
        text = apr_pstrcat(p, text, ", ", keys[i].form, NULL);
    }
    return text;
}

static int *value_of(di_tier_t *tier, const tier_key_t *key)
{
    return (int *)((char *)tier + key->offset);
}

static int value_in(const di_tier_t *tier, const tier_key_t *key)
{
    return *(const int *)((const char *)tier + key->offset);
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

static di_tier_t *tier_named(const di_tiers_t *tiers, const char *name)
{
    int i;

    for (i = 0; tiers && i < tiers->nelts; i++) {
        di_tier_t *tier = &APR_ARRAY_IDX(tiers, i, di_tier_t);
        if (!strcmp(tier->name, name)) {
            return tier;
        }
    }
    return NULL;
}

static const tier_key_t *key_named(const char *name, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < KEYS; i++) {
        if (strlen(keys[i].key) == len &&
            !apr_cstr_casecmpn(keys[i].key, name, len)) {
            return &keys[i];
        }
    }
    return NULL;
}

/* ---- one directive ---- */

static const char *take_value(di_tier_t *tier, const tier_key_t *key,
                              const char *word, apr_pool_t *p)
{
    int *value = value_of(tier, key);
    const char *error;

    if (*value != DI_TIER_UNSET) {
        return apr_psprintf(p, "%s is given twice", key->key);
    }
    if (key->limit && !apr_cstr_casecmp(word, "off")) {
        *value = 0;
        return NULL;
    }
    error = key->take(value, key, word, p);
    return error ? apr_pstrcat(p, key->key, ": ", error,
                               key->limit ? ", or off" : "", NULL)
                 : NULL;
}

/* tier->original: UNSET before the first word, then what the words so far
   say. */
static const char *take_word(di_tier_t *tier, const char *word, apr_pool_t *p)
{
    const char *equals = strchr(word, '=');
    const tier_key_t *key =
        equals ? key_named(word, (apr_size_t)(equals - word)) : NULL;
    int original = !apr_cstr_casecmp(word, "original");

    if (!key && !original) {
        return apr_psprintf(p, "\"%s\" is none of %s", word, legal_words(p));
    }
    if (tier->original != DI_TIER_UNSET && (original || tier->original)) {
        return "original stands alone: a rendition has keys, the original "
               "has none";
    }
    tier->original = original;
    return original ? NULL : take_value(tier, key, equals + 1, p);
}

static void tier_merge(di_tier_t *base, const di_tier_t *add)
{
    apr_size_t i;

    if (add->original != DI_TIER_UNSET) {
        base->original = add->original;
    }
    for (i = 0; i < KEYS; i++) {
        int value = value_in(add, &keys[i]);
        if (value != DI_TIER_UNSET) {
            *value_of(base, &keys[i]) = value;
        }
    }
}

/* Add a tier, or change the one of its name. */
static void put(di_tiers_t *tiers, const di_tier_t *tier)
{
    di_tier_t *known = tier_named(tiers, tier->name);

    if (known) {
        tier_merge(known, tier);
    }
    else {
        APR_ARRAY_PUSH(tiers, di_tier_t) = *tier;
    }
}

const char *di_tiers_add(di_tiers_t *tiers, const char *name,
                         const apr_array_header_t *words, apr_pool_t *p)
{
    const char *error = NULL;
    di_tier_t tier;
    int i;

    if (!ds_arg_is_name(name)) {
        return apr_psprintf(p,
                            "\"%s\" is no tier name: a lower-case letter, "
                            "then up to 31 of a-z 0-9 - _",
                            name);
    }
    if (words->nelts == 0) {
        return apr_pstrcat(p, "a tier needs a recipe: ", legal_words(p), NULL);
    }
    tier_unset(&tier, apr_pstrdup(p, name));
    for (i = 0; i < words->nelts && !error; i++) {
        error = take_word(&tier, APR_ARRAY_IDX(words, i, char *), p);
    }
    if (!error) {
        put(tiers, &tier);
    }
    return error;
}

/* ---- ladders ---- */

const di_tiers_t *di_tiers_default(void)
{
    return &default_tiers;
}

di_tiers_t *di_tiers_make(apr_pool_t *p)
{
    return apr_array_make(p, 4, sizeof(di_tier_t));
}

di_tiers_t *di_tiers_merge(di_tiers_t *base, di_tiers_t *add, apr_pool_t *p)
{
    di_tiers_t *out;
    int i;

    if (!base || !add) {
        return add ? add : base;
    }
    out = apr_array_copy(p, base);
    for (i = 0; i < add->nelts; i++) {
        put(out, &APR_ARRAY_IDX(add, i, di_tier_t));
    }
    return out;
}

const di_tier_t *di_tiers_find(di_tier_t *room, const di_tiers_t *tiers,
                               const char *name)
{
    const di_tier_t *usual = tier_named(&default_tiers, name);
    const di_tier_t *given = tier_named(tiers, name);

    if (!usual && !given) {
        return NULL;
    }
    *room = default_ladder[0];
    room->most_bytes = 0;
    if (usual) {
        tier_merge(room, usual);
    }
    else if (given->quality != DI_TIER_UNSET) {
        room->ssim_e4 = 0; /* unless it gives that as well */
    }
    if (given) {
        tier_merge(room, given);
    }
    room->name = given ? given->name : usual->name;
    return room;
}

const char *di_tier_text(const di_tier_t *tier, apr_pool_t *p)
{
    const char *text = "";
    apr_size_t i;

    if (tier->original) {
        return "original";
    }
    for (i = 0; i < KEYS; i++) {
        int value = value_in(tier, &keys[i]);

        text = apr_pstrcat(
            p, text, i ? " " : "", keys[i].key, "=",
            keys[i].limit && !value ? "off" : keys[i].write(value, p), NULL);
    }
    return text;
}

/* ---- what a tier means ---- */

di_recipe_t di_tier_recipe(const di_tier_t *tier, apr_uint32_t background,
                           int keep_copyright)
{
    di_recipe_t recipe = {
        .fit_px = (apr_uint32_t)tier->fit_px,
        .max_width_px = (apr_uint32_t)tier->max_width_px,
        .max_height_px = (apr_uint32_t)tier->max_height_px,
        .scale_permille = (apr_uint32_t)tier->scale_permille,
        .quality = (apr_uint32_t)tier->quality,
        .ssim_e4 = (apr_uint32_t)tier->ssim_e4,
        .most_bytes = (apr_uint32_t)tier->most_bytes,
        .chroma = (apr_uint32_t)tier->chroma,
        .progressive = (apr_uint32_t)tier->progressive,
        .colors = (apr_uint32_t)tier->colors,
        .page_layout = (apr_uint32_t)tier->page_layout,
        .background = background,
        .keep_copyright = (apr_uint32_t)keep_copyright,
    };

    return recipe;
}

/* The format that stands for the original's own in renditions. */
static unsigned own_format(di_format_e original)
{
    switch (original) {
    case DI_FORMAT_PNG:
    case DI_FORMAT_GIF:
    case DI_FORMAT_BMP:
    case DI_FORMAT_TIFF:
        return DI_FORMAT_SET(PNG);
    case DI_FORMAT_WEBP:
        return DI_FORMAT_SET(WEBP);
    case DI_FORMAT_AVIF:
        return DI_FORMAT_SET(AVIF);
    case DI_FORMAT_JXL:
        return DI_FORMAT_SET(JXL);
    default:
        return DI_FORMAT_SET(JPEG);
    }
}

int di_tier_heeds_accept(const di_tier_t *tier)
{
    const unsigned named =
        DI_FORMAT_SET(WEBP) | DI_FORMAT_SET(AVIF) | DI_FORMAT_SET(JXL);

    return !tier->original && ((unsigned)tier->formats & named) != 0;
}

unsigned di_tier_formats(const di_tier_t *tier, di_format_e original,
                         const char *accept)
{
    if (tier->formats == DI_TIER_KEEP) {
        return own_format(original);
    }
    return di_tier_heeds_accept(tier)
               ? (unsigned)tier->formats & di_accept_formats(accept, original)
               : (unsigned)tier->formats;
}

di_recipe_t di_tier_quick(const di_recipe_t *full)
{
    di_recipe_t quick = *full;

    quick.quick = 1;
    quick.ssim_e4 = 0;
    quick.most_bytes = 0;
    quick.quality = QUICK_QUALITY;
    quick.progressive = 0;
    quick.colors = 0;
    if (!quick.fit_px || quick.fit_px > QUICK_FIT_PX) {
        quick.fit_px = QUICK_FIT_PX;
    }
    return quick;
}
