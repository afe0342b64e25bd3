/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <apr_strings.h>

#include "image/tier.h"

#define J DI_FORMAT_SET(JPEG)
#define P DI_FORMAT_SET(PNG)
#define W DI_FORMAT_SET(WEBP)
#define A DI_FORMAT_SET(AVIF)
#define X DI_FORMAT_SET(JXL)

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

/* The tier that one line makes over the default ladder. */
static di_tier_t tier_of(const char *name, const char *line, apr_pool_t *p)
{
    di_tiers_t *tiers = di_tiers_make(p);
    di_tier_t room;

    assert_null(add(tiers, name, line, p));
    assert_non_null(di_tiers_find(&room, tiers, name));
    return room;
}

typedef struct {
    const char *words;
    const char *error;
} bad_case_t;

static void bad_recipes_are_refused_with_the_legal_values(void **state)
{
    static const bad_case_t cases[] = {
        {"quality=0", "quality: \"0\" is not a whole number from 1 to 100"},
        {"quality=101", "quality: \"101\" is not a whole"},
        {"quality=", "quality: \"\" is not a whole number"},
        {"quality=off", "quality: \"off\" is not a whole number"},
        {"quality", "\"quality\" is none of original, scale=1..100%"},
        {"fit=-1", "fit: \"-1\" is not a whole number from 1 to 65500, or off"},
        {"fit=65501", "fit: \"65501\" is not a whole number from 1 to 65500"},
        {"fit=0", "fit: \"0\" is not a whole number from 1 to 65500, or off"},
        {"width=0", "width: \"0\" is not a whole number from 1 to 65500"},
        {"height=1px", "height: \"1px\" is not a whole number from 1 to"},
        {"scale=0", "scale: \"0\" is neither a percentage from 1 to 100 nor "
                    "1/8, 1/4, 3/8 or 1/2, or off"},
        {"scale=101%", "scale: \"101%\" is neither a percentage"},
        {"scale=1/3", "scale: \"1/3\" is neither a percentage"},
        {"ssim=0.49", "ssim: \"0.49\" is not a decimal from 0.50 to 0.999 with "
                      "at most 4 digits, or off"},
        {"ssim=0.9991", "ssim: \"0.9991\" is not a decimal"},
        {"ssim=0.95001", "ssim: \"0.95001\" is not a decimal"},
        {"ssim=1", "ssim: \"1\" is not a decimal"},
        {"ssim=95", "ssim: \"95\" is not a decimal"},
        {"ssim=0.", "ssim: \"0.\" is not a decimal"},
        {"ssim=.9", "ssim: \".9\" is not a decimal"},
        {"ssim=", "ssim: \"\" is not a decimal"},
        {"bytes=255", "bytes: \"255\" is not a size in bytes, or with K, M or "
                      "G from 256 to 1G, or off"},
        {"bytes=2G", "bytes: \"2G\" is not a size"},
        {"chroma=411", "chroma: \"411\" is none of auto, 420, 422, 444"},
        {"progressive=yes", "progressive: \"yes\" is neither on nor off"},
        {"colors=1", "colors: 1 colour shows nothing: 0 or 2 to 256"},
        {"colors=257", "colors: \"257\" is not a whole number from 0 to 256"},
        {"formats=gif", "formats: \"gif\" is neither auto nor keep nor a list "
                        "of jpeg,png,webp,avif,jxl"},
        {"formats=", "formats: \"\" is neither"},
        {"formats=jpeg,", "formats: \"jpeg,\" is neither"},
        {"formats=,", "formats: \",\" is neither"},
        {"formats=keep,jpeg", "formats: \"keep,jpeg\" is neither"},
        {"layout=site", "layout: \"site\" is neither keep nor page"},
        {"priority=10", "priority: \"10\" is not a whole number from 0 to 9"},
        {"quality=50 what", "\"what\" is none of original, "},
        {"original=1", "\"original=1\" is none of original, "},
        {"=5", "\"=5\" is none of original, "},
        {"quality=50 quality=60", "quality is given twice"},
        {"fit=off FIT=60", "fit is given twice"},
        {"original quality=5", "original stands alone"},
        {"quality=5 original", "original stands alone"},
        {"original original", "original stands alone"},
        {"", "a tier needs a recipe: original, scale="},
        {"speed=9",
         "\"speed=9\" is none of original, scale=1..100%|1/8|1/4|3/8|1/2|off, "
         "fit=PX|off, width=PX|off, height=PX|off, quality=1..100, "
         "ssim=0.50..0.999|off, bytes=SIZE|off, chroma=auto|420|422|444, "
         "progressive=on|off, colors=0|2..256, "
         "formats=auto|keep|jpeg,png,webp,avif,jxl, layout=keep|page, "
         "priority=0..9"},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        di_tiers_t *tiers = di_tiers_make(*state);
        const char *error = add(tiers, "x", cases[i].words, *state);
        if (!error || strncmp(error, cases[i].error, strlen(cases[i].error))) {
            fail_msg("\"%s\": %s", cases[i].words, error ? error : "taken");
        }
        assert_int_equal(tiers->nelts, 0);
    }
    assert_non_null(add(di_tiers_make(*state), "Big", "original", *state));
}

typedef struct {
    const char *words;
    size_t offset;
    int value;
} good_case_t;

#define GOOD(words, member, value)                                             \
    {                                                                          \
        words, offsetof(di_tier_t, member), value                              \
    }

static void every_key_is_taken_in_its_units(void **state)
{
    static const good_case_t cases[] = {
        GOOD("scale=50%", scale_permille, 500),
        GOOD("scale=100", scale_permille, 1000),
        GOOD("scale=1/8", scale_permille, 125),
        GOOD("scale=1/4", scale_permille, 250),
        GOOD("scale=3/8", scale_permille, 375),
        GOOD("scale=1/2", scale_permille, 500),
        GOOD("scale=off", scale_permille, 0),
        GOOD("fit=65500", fit_px, 65500),
        GOOD("fit=off", fit_px, 0),
        GOOD("width=1", max_width_px, 1),
        GOOD("height=300", max_height_px, 300),
        GOOD("width=300 scale=50%", max_width_px, 300),
        GOOD("width=OFF", max_width_px, 0),
        GOOD("QUALITY=100", quality, 100),
        GOOD("ssim=0.5", ssim_e4, 5000),
        GOOD("ssim=0.95", ssim_e4, 9500),
        GOOD("ssim=0.999", ssim_e4, 9990),
        GOOD("ssim=0.9855", ssim_e4, 9855),
        GOOD("ssim=off", ssim_e4, 0),
        GOOD("bytes=30K", most_bytes, 30720),
        GOOD("bytes=1G", most_bytes, 1073741824),
        GOOD("bytes=off", most_bytes, 0),
        GOOD("chroma=444", chroma, DI_CHROMA_444),
        GOOD("chroma=4:2:2", chroma, DI_CHROMA_422),
        GOOD("chroma=4:2:0", chroma, DI_CHROMA_420),
        GOOD("chroma=auto", chroma, DI_CHROMA_AUTO),
        GOOD("progressive=off", progressive, 0),
        GOOD("colors=2", colors, 2),
        GOOD("formats=auto", formats, J | P | W | A | X),
        GOOD("formats=keep", formats, DI_TIER_KEEP),
        GOOD("formats=webp", formats, W),
        GOOD("formats=JPEG,png,jxl", formats, J | P | X),
        GOOD("formats=Avif,jpeg", formats, J | A),
        GOOD("layout=page", page_layout, 1),
        GOOD("layout=keep", page_layout, 0),
        GOOD("priority=0", priority, 0),
        GOOD("original", original, 1),
        GOOD("fit=5", original, 0),
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        di_tier_t tier = tier_of("low", cases[i].words, *state);
        int value = *(const int *)((const char *)&tier + cases[i].offset);
        if (value != cases[i].value) {
            fail_msg("\"%s\": %d", cases[i].words, value);
        }
    }
}

static void the_default_ladder_is_low_medium_and_the_original(void **state)
{
    di_tier_t room;
    const di_tier_t *tier = di_tiers_find(&room, NULL, "low");

    assert_int_equal(di_tiers_default()->nelts, 3);
    assert_int_equal(tier->fit_px, 900);
    assert_int_equal(tier->quality, 40);
    assert_int_equal(tier->ssim_e4, 9500);
    assert_int_equal(tier->most_bytes, 100000);
    assert_int_equal(tier->colors, 0);
    assert_int_equal(tier->priority, 5);
    assert_int_equal(tier->formats, DI_FORMATS_OUT);
    tier = di_tiers_find(&room, NULL, "medium");
    assert_int_equal(tier->fit_px, 1800);
    assert_int_equal(tier->quality, 55);
    assert_int_equal(tier->ssim_e4, 9700);
    assert_int_equal(tier->most_bytes, 500000);
    assert_true(di_tiers_find(&room, NULL, "broad")->original);
    assert_null(di_tiers_find(&room, NULL, "none"));
}

static void a_scope_changes_only_the_keys_it_gives(void **state)
{
    di_tiers_t *site = di_tiers_make(*state), *path = di_tiers_make(*state);
    di_tier_t room;
    const di_tier_t *tier;

    assert_null(add(site, "low", "quality=30 colors=64 bytes=9K", *state));
    assert_null(add(site, "low", "width=500", *state));
    assert_null(add(path, "low", "fit=600 ssim=off bytes=off", *state));
    tier = di_tiers_find(&room, di_tiers_merge(site, path, *state), "low");
    assert_int_equal(tier->quality, 30);
    assert_int_equal(tier->colors, 64);
    assert_int_equal(tier->max_width_px, 500);
    assert_int_equal(tier->fit_px, 600);
    assert_int_equal(tier->ssim_e4, 0);
    assert_int_equal(tier->most_bytes, 0);
    assert_int_equal(tier->progressive, 1);
    /* the scopes themselves are as before */
    assert_int_equal(di_tiers_find(&room, site, "low")->fit_px, 900);
    assert_int_equal(di_tiers_find(&room, path, "low")->quality, 40);
}

static void scopes_without_tiers_take_those_of_the_other(void **state)
{
    di_tiers_t *site = di_tiers_make(*state);

    assert_null(di_tiers_merge(NULL, NULL, *state));
    assert_ptr_equal(di_tiers_merge(site, NULL, *state), site);
    assert_ptr_equal(di_tiers_merge(NULL, site, *state), site);
}

static void original_and_back(void **state)
{
    di_tiers_t *site = di_tiers_make(*state), *path = di_tiers_make(*state);
    di_tier_t room;

    assert_null(add(site, "low", "original", *state));
    assert_int_equal(di_tiers_find(&room, site, "low")->original, 1);
    assert_null(add(path, "low", "quality=30", *state));
    site = di_tiers_merge(site, path, *state);
    assert_int_equal(di_tiers_find(&room, site, "low")->original, 0);
    assert_int_equal(di_tiers_find(&room, site, "low")->quality, 30);
    /* the default "broad" has a recipe, too, where one is asked for */
    room = tier_of("broad", "fit=2500", *state);
    assert_int_equal(room.original, 0);
    assert_int_equal(room.quality, 85);
}

static void a_new_tier_has_a_value_for_every_key(void **state)
{
    di_tier_t tier = tier_of("tiny", "fit=300", *state);

    assert_string_equal(tier.name, "tiny");
    assert_int_equal(tier.fit_px, 300);
    assert_int_equal(tier.quality, 40);
    assert_int_equal(tier.ssim_e4, 9500);
    assert_int_equal(tier.most_bytes, 0);
    assert_int_equal(tier.priority, 5);
    assert_int_equal(tier.original, 0);
}

static void a_new_tier_with_a_quality_has_that_and_no_floor(void **state)
{
    di_tier_t tier = tier_of("tiny", "quality=60", *state);

    assert_int_equal(tier.quality, 60);
    assert_int_equal(tier.ssim_e4, 0);
    tier = tier_of("tiny", "quality=60 ssim=0.9", *state);
    assert_int_equal(tier.ssim_e4, 9000);
    tier = tier_of("low", "quality=60", *state);
    assert_int_equal(tier.ssim_e4, 9500);
}

static void a_ladder_may_have_any_number_of_tiers(void **state)
{
    di_tiers_t *tiers = di_tiers_make(*state);
    di_tier_t room;
    int i;

    for (i = 1; i <= 500; i++) {
        assert_null(add(tiers, apr_psprintf(*state, "t%d", i),
                        apr_psprintf(*state, "fit=%d", i), *state));
    }
    for (i = 1; i <= 500; i++) {
        const char *name = apr_psprintf(*state, "t%d", i);
        assert_int_equal(di_tiers_find(&room, tiers, name)->fit_px, i);
    }
}

static void a_recipe_has_every_value_of_its_tier(void **state)
{
    di_tier_t tier = tier_of(
        "low",
        "scale=51 fit=52 width=53 height=54 quality=55 ssim=0.56 bytes=570 "
        "chroma=422 progressive=off colors=58 layout=page priority=9",
        *state);
    di_recipe_t recipe = di_tier_recipe(&tier, 0x123456, 1);
    di_recipe_t expected = {.fit_px = 52,
                            .max_width_px = 53,
                            .max_height_px = 54,
                            .scale_permille = 510,
                            .quality = 55,
                            .ssim_e4 = 5600,
                            .most_bytes = 570,
                            .chroma = DI_CHROMA_422,
                            .progressive = 0,
                            .colors = 58,
                            .page_layout = 1,
                            .background = 0x123456,
                            .keep_copyright = 1,
                            .quick = 0};

    assert_memory_equal(&recipe, &expected, sizeof(recipe));
}

static void a_quick_recipe_is_small_and_searches_nothing(void **state)
{
    di_tier_t tier =
        tier_of("low", "bytes=9K colors=16 width=500 layout=page", *state);
    di_recipe_t full = di_tier_recipe(&tier, 0xffffff, 1);
    di_recipe_t quick = di_tier_quick(&full);

    assert_int_equal(quick.quick, 1);
    assert_int_equal(quick.fit_px, 640);
    assert_int_equal(quick.max_width_px, 500);
    assert_int_equal(quick.page_layout, 1);
    assert_int_equal(quick.ssim_e4 | quick.most_bytes | quick.colors, 0);
    full.fit_px = 300;
    assert_int_equal(di_tier_quick(&full).fit_px, 300);
    full.fit_px = 0;
    assert_int_equal(di_tier_quick(&full).fit_px, 640);
}

typedef struct {
    const char *words;
    di_format_e original;
    const char *accept;
    unsigned set;
    int heeds_accept;
} formats_case_t;

static void formats_are_policy_and_original_and_client(void **state)
{
    static const char webp[] = "image/webp,*/*";
    static const formats_case_t cases[] = {
        {"formats=auto", DI_FORMAT_JPEG, webp, J | P | W, 1},
        {"formats=auto", DI_FORMAT_JPEG, "*/*", J | P, 1},
        {"formats=auto", DI_FORMAT_JPEG, NULL, J | P, 1},
        {"formats=auto", DI_FORMAT_JPEG, "image/jxl,image/webp", J | P | W | X,
         1},
        {"formats=auto", DI_FORMAT_JPEG, "image/webp;q=0.5,*/*", J | P, 1},
        {"formats=jpeg,webp", DI_FORMAT_PNG, webp, J | W, 1},
        {"formats=jpeg,webp", DI_FORMAT_PNG, "*/*", J, 1},
        {"formats=webp", DI_FORMAT_JPEG, "*/*", 0, 1},
        {"formats=auto", DI_FORMAT_JPEG, "image/avif,image/webp", J | P | W | A,
         1},
        {"formats=avif,jpeg", DI_FORMAT_PNG, "image/avif", J | A, 1},
        {"formats=avif,jpeg", DI_FORMAT_PNG, "image/*", J, 1},
        /* nobody needs to be asked */
        {"formats=jpeg,png", DI_FORMAT_WEBP, "image/jpeg;q=0", J | P, 0},
        {"formats=keep", DI_FORMAT_JPEG, webp, J, 0},
        {"formats=keep", DI_FORMAT_PNG, webp, P, 0},
        {"formats=keep", DI_FORMAT_GIF, webp, P, 0},
        {"formats=keep", DI_FORMAT_BMP, webp, P, 0},
        {"formats=keep", DI_FORMAT_TIFF, webp, P, 0},
        {"formats=keep", DI_FORMAT_HEIC, webp, J, 0},
        {"formats=keep", DI_FORMAT_AVIF, webp, A, 0},
        {"formats=keep", DI_FORMAT_WEBP, "*/*", W, 0},
        {"formats=keep", DI_FORMAT_JXL, NULL, X, 0},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const formats_case_t *c = &cases[i];
        di_tier_t tier = tier_of("low", c->words, *state);
        if (di_tier_formats(&tier, c->original, c->accept) != c->set ||
            di_tier_heeds_accept(&tier) != c->heeds_accept) {
            fail_msg("case %zu", i);
        }
    }
    assert_int_equal(
        di_tier_heeds_accept(&APR_ARRAY_IDX(di_tiers_default(), 2, di_tier_t)),
        0);
}

/* What is written is what was read, key by key. */
static void a_tier_is_written_as_it_can_be_read_again(void **state)
{
    static const char *const lines[] = {
        "scale=50% fit=900 width=off height=7 quality=40 ssim=0.95 "
        "bytes=100000 "
        "chroma=auto progressive=on colors=0 formats=auto layout=keep "
        "priority=5",
        "scale=3/8 fit=off width=65500 height=off quality=100 ssim=off "
        "bytes=40K chroma=422 progressive=off colors=256 formats=keep "
        "layout=page priority=0",
        "scale=7% ssim=0.9551 bytes=off chroma=444 formats=webp,jxl quality=1",
        "formats=jpeg,png,webp,avif,jxl chroma=420 ssim=0.999 scale=off",
    };
    di_tier_t tier, again;
    size_t i;

    for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        tier = tier_of("some", lines[i], *state);
        again = tier_of("some", di_tier_text(&tier, *state), *state);
        again.name = tier.name;
        assert_memory_equal(&again, &tier, sizeof(tier));
    }
    tier = tier_of("some", lines[1], *state);
    assert_string_equal(di_tier_text(&tier, *state), lines[1]);
    assert_non_null(di_tiers_find(&tier, NULL, "broad"));
    assert_string_equal(di_tier_text(&tier, *state), "original");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(bad_recipes_are_refused_with_the_legal_values),
        UNIT(every_key_is_taken_in_its_units),
        UNIT(the_default_ladder_is_low_medium_and_the_original),
        UNIT(a_scope_changes_only_the_keys_it_gives),
        UNIT(scopes_without_tiers_take_those_of_the_other),
        UNIT(original_and_back),
        UNIT(a_new_tier_has_a_value_for_every_key),
        UNIT(a_new_tier_with_a_quality_has_that_and_no_floor),
        UNIT(a_ladder_may_have_any_number_of_tiers),
        UNIT(a_recipe_has_every_value_of_its_tier),
        UNIT(a_quick_recipe_is_small_and_searches_nothing),
        UNIT(formats_are_policy_and_original_and_client),
        UNIT(a_tier_is_written_as_it_can_be_read_again),
    };

    return UNIT_RUN(tests);
}
