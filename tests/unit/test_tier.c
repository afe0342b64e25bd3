/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <apr_strings.h>

#include "image/tier.h"
#include "image/variant.h"

/* Add a tier written as one line of words. */
static const char *add(di_tiers_t *tiers, const char *name, const char *line,
                       apr_pool_t *p)
{
    apr_array_header_t *words = apr_array_make(p, 4, sizeof(char *));
    char *last, *word;

    for (word = apr_strtok(apr_pstrdup(p, line), " ", &last); word;
         word = apr_strtok(NULL, " ", &last)) {
        APR_ARRAY_PUSH(words, char *) = word;
    }
    return di_tiers_add(tiers, name, words, p);
}

static void bad_recipes_are_refused_with_the_legal_words(void **state)
{
    static const char *const recipes[] = {
        "",           "quality=0",       "quality=101", "quality=",
        "quality",    "fit=-1",          "fit=65501",   "colors=1",
        "colors=257", "progressive=yes", "speed=9",     "quality=50 what",
        "original=1",
    };
    size_t i;

    for (i = 0; i < sizeof(recipes) / sizeof(*recipes); i++) {
        di_tiers_t tiers = {0};
        if (!add(&tiers, "x", recipes[i], *state)) {
            fail_msg("\"%s\" was taken", recipes[i]);
        }
    }
    di_tiers_t tiers = {0};
    assert_string_equal(add(&tiers, "x", "speed=9", *state),
                        "\"speed=9\" is none of original, fit=PX, "
                        "quality=1..100, progressive=on|off, "
                        "colors=0|2..256");
    assert_non_null(add(&tiers, "Big", "original", *state));
}

static void a_scope_changes_only_the_keys_it_gives(void **state)
{
    di_tiers_t site = {0}, path = {0}, all;
    di_tier_t room;
    const di_tier_t *tier;

    assert_null(add(&site, "low", "quality=40 colors=64", *state));
    assert_null(add(&path, "low", "fit=600", *state));
    di_tiers_merge(&all, di_tiers_default(), &site);
    di_tiers_merge(&all, &all, &path);
    tier = di_tiers_find(&room, &all, "low");
    assert_non_null(tier);
    assert_int_equal(tier->quality, 40);
    assert_int_equal(tier->colors, 64);
    assert_int_equal(tier->fit_px, 600);
    assert_int_equal(tier->progressive, 1);
    assert_int_equal(all.count, 3);
}

static void original_and_back(void **state)
{
    di_tiers_t site = {0}, path = {0}, all;
    di_tier_t room;

    assert_null(add(&site, "low", "original", *state));
    di_tiers_merge(&all, di_tiers_default(), &site);
    assert_int_equal(di_tiers_find(&room, &all, "low")->original, 1);
    assert_null(add(&path, "low", "quality=30", *state));
    di_tiers_merge(&all, &all, &path);
    assert_int_equal(di_tiers_find(&room, &all, "low")->original, 0);
    assert_null(di_tiers_find(&room, &all, "none"));
}

static void a_new_tier_has_a_value_for_every_key(void **state)
{
    di_tiers_t site = {0};
    di_tier_t room;
    const di_tier_t *tier;

    assert_null(add(&site, "tiny", "fit=300", *state));
    tier = di_tiers_find(&room, &site, "tiny");
    assert_string_equal(tier->name, "tiny");
    assert_int_equal(tier->fit_px, 300);
    assert_int_equal(tier->quality, 50);
    assert_int_equal(tier->original, 0);
}

static void too_many_tiers_are_refused(void **state)
{
    di_tiers_t tiers = {0};
    int i;

    for (i = 0; i < DI_TIERS_MAX; i++) {
        assert_null(
            add(&tiers, apr_psprintf(*state, "t%d", i), "original", *state));
    }
    assert_non_null(add(&tiers, "more", "original", *state));
    assert_int_equal(tiers.count, DI_TIERS_MAX);
}

/* Any change that could change the bytes changes the key; the tier's name
   does not. */
static void keys_differ_exactly_when_renditions_may(void **state)
{
    di_original_t a = {"/site/a.jpg", 1000, 5000000};
    di_limits_t limits = {100, 200};
    di_tier_t low = di_tiers_default()->tier[0], other = low;
    di_key_t key, same, keys[7];
    int i;

    assert_int_equal(di_variant_key(&key, &a, &low, &limits, "gm", *state), 0);
    other.name = "renamed";
    di_variant_key(&same, &a, &other, &limits, "gm", *state);
    assert_string_equal(key.hex, same.hex);

    di_original_t renamed = a, touched = a, grown = a;
    renamed.file = "/site/b.jpg";
    touched.modified_at++;
    grown.bytes++;
    di_limits_t wider = {101, 200};
    other.quality++;
    di_tier_t larger = low;
    larger.fit_px++;
    di_variant_key(&keys[0], &renamed, &low, &limits, "gm", *state);
    di_variant_key(&keys[1], &touched, &low, &limits, "gm", *state);
    di_variant_key(&keys[2], &grown, &low, &limits, "gm", *state);
    di_variant_key(&keys[3], &a, &low, &wider, "gm", *state);
    di_variant_key(&keys[4], &a, &other, &limits, "gm", *state);
    di_variant_key(&keys[5], &a, &larger, &limits, "gm", *state);
    di_variant_key(&keys[6], &a, &low, &limits, "gm2", *state);
    for (i = 0; i < 7; i++) {
        assert_string_not_equal(key.hex, keys[i].hex);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(bad_recipes_are_refused_with_the_legal_words),
        UNIT(a_scope_changes_only_the_keys_it_gives),
        UNIT(original_and_back),
        UNIT(a_new_tier_has_a_value_for_every_key),
        UNIT(too_many_tiers_are_refused),
        UNIT(keys_differ_exactly_when_renditions_may),
    };

    return UNIT_RUN(tests);
}
