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

static void assert_xml(const char *script, apr_pool_t *p)
{
    const char *inside = content(script, p);

    for (; *inside; inside++) {
        assert_true(*inside >= 0x20 && *inside < 0x7f && *inside != '<' &&
                    *inside != '&');
    }
}

static void assert_text(sp_text_t text)
{
    assert_int_equal(text.len, strlen(text.text));
    assert_int_equal(strncmp(text.text, "<script data-speedprobe=", 24), 0);
}

static void p31_scripts_are_small_constant_and_well_formed_xml(void **state)
{
    static const sp_snippet_e kinds[] = {SP_SNIPPET_INLINE, SP_SNIPPET_FILLED};
    int i;

    for (i = 0; i < 2; i++) {
        sp_snippet_t a, b;

        sp_snippet_make(&a, kinds[i], "/speedprobe-beacon", NULL, *state);
        sp_snippet_make(&b, kinds[i], "/speedprobe-beacon", NULL, *state);
        assert_text(a.start);
        assert_text(a.end);
        assert_string_equal(a.start.text, b.start.text);
        assert_string_equal(a.end.text, b.end.text);
        assert_true(a.start.len <= 100);
        assert_in_range(a.start.len + a.end.len, 1, i ? 1480 : 1400);
        assert_xml(a.start.text, *state);
        assert_xml(a.end.text, *state);
        assert_non_null(
            strstr(a.end.text, "location.origin,u=o+'/speedprobe-beacon'"));
    }
}

static apr_uint32_t hash_of(apr_uint32_t hash, const char *text)
{
    for (; *text; text++) {
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    }
    return hash;
}

/* Pages that browsers keep must not be confirmed with the scripts of another
   version.  When this fails: one more, and the new number here. */
static void other_texts_in_pages_have_another_version(void **state)
{
    static const sp_snippet_e kinds[] = {SP_SNIPPET_INLINE, SP_SNIPPET_FILLED,
                                         SP_SNIPPET_EXTERNAL, SP_SNIPPET_PROBE};
    apr_uint32_t hash = 2166136261u; /* FNV-1a */
    apr_size_t made;
    int i;

    for (i = 0; i < 4; i++) {
        sp_snippet_t s;

        sp_snippet_make(&s, kinds[i], "/b", NULL, *state);
        hash = hash_of(hash, s.start.len > 0 ? s.start.text : "");
        hash = hash_of(hash, s.end.text);
    }
    hash = hash_of(hash, sp_snippet_filler(&made, 1000, *state));
    assert_int_equal(SP_SNIPPET_VERSION, 1);
    assert_int_equal(hash, 0x519acda7);
}

static void an_external_script_is_one_short_tag(void **state)
{
    sp_snippet_t timing, probe;

    sp_snippet_make(&timing, SP_SNIPPET_EXTERNAL, "/b", NULL, *state);
    assert_int_equal(timing.start.len, 0);
    assert_string_equal(timing.end.text,
                        "<script data-speedprobe=\"\" src=\"/b.js\" "
                        "async=\"\"></script>");
    sp_snippet_make(&probe, SP_SNIPPET_PROBE, "/b", "n0", *state);
    assert_string_equal(probe.end.text,
                        "<script data-speedprobe=\"probe\" nonce=\"n0\" "
                        "src=\"/b.js\" async=\"\"></script>");
    assert_int_equal(probe.end.len, strlen(probe.end.text));
}

static void p31_no_script_holds_a_banned_word(void **state)
{
    static const char *const banned[] = {"eval", "Function(", "=>",
                                         "let ", "const ",    "console",
                                         "`",    "import",    "document.write"};
    sp_text_t file = sp_snippet_file("/speedprobe-beacon", *state);
    sp_snippet_t page;
    size_t i;

    sp_snippet_make(&page, SP_SNIPPET_FILLED, "/b", NULL, *state);
    for (i = 0; i < sizeof(banned) / sizeof(*banned); i++) {
        assert_null(strstr(file.text, banned[i]));
        assert_null(strstr(page.start.text, banned[i]));
        assert_null(strstr(page.end.text, banned[i]));
    }
    assert_in_range(file.len, 1, 3072);
}

static void a_nonce_stands_in_both_scripts(void **state)
{
    sp_snippet_t s;

    sp_snippet_make(&s, SP_SNIPPET_INLINE, "/b", "AbC+/=", *state);
    assert_non_null(strstr(s.start.text, " nonce=\"AbC+/=\">"));
    assert_non_null(strstr(s.end.text, " nonce=\"AbC+/=\">"));
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
        UNIT(p31_scripts_are_small_constant_and_well_formed_xml),
        UNIT(other_texts_in_pages_have_another_version),
        UNIT(an_external_script_is_one_short_tag),
        UNIT(p31_no_script_holds_a_banned_word),
        UNIT(a_nonce_stands_in_both_scripts),
        UNIT(filler_is_a_constant_comment_of_the_length_wanted),
        UNIT(filler_lengths_have_bounds),
        UNIT(compression_keeps_most_of_the_filler),
        UNIT(paths_and_nonces_hold_nothing_that_could_break_out),
    };

    return UNIT_RUN(tests);
}
