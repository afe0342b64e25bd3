/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <apr_strings.h>
#include <zlib.h>

#include "speed/snippet.h"

/* Text between the first ">" and the last "<": a script's content. */
static const char *content(const char *script, apr_pool_t *p)
{
    const char *from = strchr(script, '>') + 1, *to = strrchr(script, '<');

    return apr_pstrmemdup(p, from, (apr_size_t)(to - from));
}

static void scripts_are_small_constant_and_well_formed_xml(void **state)
{
    sp_snippet_t a, b;
    const char *inside;

    sp_snippet_make(&a, "/speedprobe-beacon", NULL, *state);
    sp_snippet_make(&b, "/speedprobe-beacon", NULL, *state);
    assert_string_equal(a.start, b.start);
    assert_string_equal(a.end, b.end);
    assert_int_equal(a.start_len, strlen(a.start));
    assert_int_equal(a.end_len, strlen(a.end));
    assert_true(a.start_len <= 100);
    assert_true(a.start_len + a.end_len <= 1450);
    assert_int_equal(strncmp(a.start, "<script data-speedprobe=", 24), 0);
    assert_int_equal(strncmp(a.end, "<script data-speedprobe=", 24), 0);
    inside = apr_pstrcat(*state, content(a.start, *state),
                         content(a.end, *state), NULL);
    for (; *inside; inside++) {
        assert_true(*inside >= 0x20 && *inside < 0x7f && *inside != '<' &&
                    *inside != '&');
    }
    assert_non_null(strstr(a.end, "location.origin+'/speedprobe-beacon'"));
}

static void a_nonce_stands_in_both_scripts(void **state)
{
    sp_snippet_t s;

    sp_snippet_make(&s, "/b", "AbC+/=", *state);
    assert_non_null(strstr(s.start, " nonce=\"AbC+/=\">"));
    assert_non_null(strstr(s.end, " nonce=\"AbC+/=\">"));
}

static void filler_is_a_constant_comment_of_the_length_wanted(void **state)
{
    static const apr_size_t lens[] = {19, 100, 1000, SP_FILLER_MAX};
    size_t i;

    for (i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
        apr_size_t made, again;
        const char *a = sp_snippet_filler(&made, lens[i], *state);
        const char *b = sp_snippet_filler(&again, lens[i], *state);

        assert_int_equal(made, lens[i]);
        assert_int_equal(strlen(a), made);
        assert_string_equal(a, b);
        assert_int_equal(strncmp(a, "<!--speedprobe ", 15), 0);
        assert_string_equal(a + made - 3, "-->");
        assert_int_equal(strcspn(a + 15, "-<>&\"'"), made - 18);
    }
}

static void filler_lengths_have_bounds(void **state)
{
    apr_size_t made;

    (void)sp_snippet_filler(&made, 0, *state);
    assert_int_equal(made, 18);
    (void)sp_snippet_filler(&made, SP_FILLER_MAX + 1, *state);
    assert_int_equal(made, SP_FILLER_MAX);
}

static void compression_keeps_most_of_the_filler(void **state)
{
    static unsigned char packed[2 * SP_FILLER_MAX];
    apr_size_t made;
    const char *text = sp_snippet_filler(&made, 16384, *state);
    uLongf len = sizeof(packed);

    assert_int_equal(
        compress2(packed, &len, (const unsigned char *)text, made, 9), Z_OK);
    assert_true(len >= made * 75 / 100);
}

static void paths_and_nonces_hold_nothing_that_could_break_out(void **state)
{
    static const struct {
        const char *path;
        int fine;
    } paths[] = {
        {"/speedprobe-beacon", 1},
        {"/a/b_c.d~e", 1},
        {"/a/..b", 0},
        {"", 0},
        {"/", 0},
        {"a", 0},
        {"//a", 0},
        {"/a//b", 0},
        {"/a'", 0},
        {"/a b", 0},
        {"/a?b", 0},
        {"/a%41", 0},
        {"/a\\", 0},
        {"/../a", 0},
        {"/a/", 0},
        {"/\xc3\xa4", 0},
        {"/<", 0},
    };
    size_t i;

    for (i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        if (sp_snippet_is_path(paths[i].path) != paths[i].fine) {
            fail_msg("path %s", paths[i].path);
        }
    }
    assert_false(sp_snippet_is_path(
        apr_psprintf(*state, "/%0*d", SP_BEACON_PATH_MAX, 1)));
    assert_true(sp_snippet_is_nonce("aZ09+/=_-", 9));
    assert_false(sp_snippet_is_nonce("", 0));
    assert_false(sp_snippet_is_nonce("a\"", 2));
    assert_false(sp_snippet_is_nonce("a\0b", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(scripts_are_small_constant_and_well_formed_xml),
        UNIT(a_nonce_stands_in_both_scripts),
        UNIT(filler_is_a_constant_comment_of_the_length_wanted),
        UNIT(filler_lengths_have_bounds),
        UNIT(compression_keeps_most_of_the_filler),
        UNIT(paths_and_nonces_hold_nothing_that_could_break_out),
    };

    return UNIT_RUN(tests);
}
