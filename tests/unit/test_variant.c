/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "image/variant.h"

static const di_original_t original = {"/site/a.jpg", 1000, 5000000, 0};
static const di_limits_t limits = {.max_bytes = 1,
                                   .max_pixels = 2,
                                   .max_side_px = 3,
                                   .max_frames = 4,
                                   .max_scans = 5,
                                   .max_profile_bytes = 6};
static const di_recipe_t recipe = {.fit_px = 900,
                                   .quality = 50,
                                   .ssim_e4 = 9300,
                                   .progressive = 1,
                                   .background = 0xffffff,
                                   .keep_copyright = 1};
static const unsigned formats = DI_FORMAT_SET(JPEG) | DI_FORMAT_SET(WEBP);

static void the_text_says_all_that_the_bytes_depend_on(void **state)
{
    di_key_t key;

    assert_int_equal(di_variant_key(&key, &original, &recipe, formats, &limits,
                                    "libs-1", *state),
                     APR_SUCCESS);
    assert_string_equal(
        key.text,
        "di2 renderer=" APR_STRINGIFY(
            DI_RENDERER_VERSION) "/libs-1 formats=jpeg+webp scale=0e-3 "
                                 "fit=900px width=0px height=0px "
                                 "quality=50 ssim=9300e-4 bytes=0B "
                                 "chroma=auto progressive=1 colors=0 "
                                 "layout=keep background=#ffffff "
                                 "copyright=1 quick=0 "
                                 "max=1B,2px,3px,4frames,5scans,6B "
                                 "size=1000B mtime=5000000us "
                                 "file=/site/a.jpg");
}

static void a_purge_makes_other_keys_where_it_is_in_force(void **state)
{
    di_original_t purged = original;
    di_key_t key, once, twice;

    di_variant_key(&key, &original, &recipe, formats, &limits, "x", *state);
    assert_null(strstr(key.text, "purged="));
    purged.purged = 1700000000000000;
    di_variant_key(&once, &purged, &recipe, formats, &limits, "x", *state);
    assert_non_null(strstr(once.text, " purged=1700000000000000 size=1000B"));
    assert_string_not_equal(once.hex, key.hex);
    purged.purged++;
    di_variant_key(&twice, &purged, &recipe, formats, &limits, "x", *state);
    assert_string_not_equal(twice.hex, once.hex);
}

/* Every field of a struct of apr_uint32_t, changed one by one. */
static void each_field_of_the_recipe_changes_the_key(void **state)
{
    di_key_t key, other;
    size_t i;

    di_variant_key(&key, &original, &recipe, formats, &limits, "x", *state);
    for (i = 0; i < sizeof(recipe) / sizeof(apr_uint32_t); i++) {
        di_recipe_t changed = recipe;
        ((apr_uint32_t *)&changed)[i] ^= 1;
        di_variant_key(&other, &original, &changed, formats, &limits, "x",
                       *state);
        if (!strcmp(key.hex, other.hex)) {
            fail_msg("field %zu", i);
        }
    }
}

static void each_limit_changes_the_key(void **state)
{
    di_limits_t changed[6] = {limits, limits, limits, limits, limits, limits};
    di_key_t key, other;
    int i;

    changed[0].max_bytes++;
    changed[1].max_pixels++;
    changed[2].max_side_px++;
    changed[3].max_frames++;
    changed[4].max_scans++;
    changed[5].max_profile_bytes++;
    di_variant_key(&key, &original, &recipe, formats, &limits, "x", *state);
    for (i = 0; i < 6; i++) {
        di_variant_key(&other, &original, &recipe, formats, &changed[i], "x",
                       *state);
        assert_string_not_equal(key.hex, other.hex);
    }
}

static void each_original_and_renderer_and_set_has_its_key(void **state)
{
    di_original_t renamed = original, touched = original, grown = original;
    di_key_t key, keys[6];
    int i;

    renamed.file = "/site/b.jpg";
    touched.modified_at++;
    grown.bytes++;
    di_variant_key(&key, &original, &recipe, formats, &limits, "x", *state);
    di_variant_key(&keys[0], &renamed, &recipe, formats, &limits, "x", *state);
    di_variant_key(&keys[1], &touched, &recipe, formats, &limits, "x", *state);
    di_variant_key(&keys[2], &grown, &recipe, formats, &limits, "x", *state);
    di_variant_key(&keys[3], &original, &recipe, formats, &limits, "y", *state);
    di_variant_key(&keys[4], &original, &recipe, 0, &limits, "x", *state);
    di_variant_key(&keys[5], &original, &recipe, DI_FORMATS_OUT, &limits, "x",
                   *state);
    for (i = 0; i < 6; i++) {
        assert_string_not_equal(key.hex, keys[i].hex);
    }
}

static void a_path_that_is_too_long_has_no_key(void **state)
{
    static char path[DI_KEY_TEXT_MAX + 1];
    di_original_t deep = {path, 1, 1, 0};
    di_key_t key;

    memset(path, 'a', sizeof(path) - 1);
    assert_int_equal(
        di_variant_key(&key, &deep, &recipe, formats, &limits, "x", *state),
        APR_ENAMETOOLONG);
}

static void the_tag_is_quoted_and_follows_the_key(void **state)
{
    di_key_t key;
    const char *tag;

    di_variant_key(&key, &original, &recipe, formats, &limits, "x", *state);
    tag = di_variant_etag(&key, *state);
    assert_int_equal(strlen(tag), strlen("\"di-\"") + strlen(key.hex));
    assert_memory_equal(tag, "\"di-", 4);
    assert_non_null(strstr(tag, key.hex));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(the_text_says_all_that_the_bytes_depend_on),
        UNIT(a_purge_makes_other_keys_where_it_is_in_force),
        UNIT(each_field_of_the_recipe_changes_the_key),
        UNIT(each_limit_changes_the_key),
        UNIT(each_original_and_renderer_and_set_has_its_key),
        UNIT(a_path_that_is_too_long_has_no_key),
        UNIT(the_tag_is_quoted_and_follows_the_key),
    };

    return UNIT_RUN(tests);
}
