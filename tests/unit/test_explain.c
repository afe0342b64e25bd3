/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "image/explain.h"

static const di_explanation_t hit = {.tier = "low",
                                     .kbps = 187,
                                     .source = "cookie",
                                     .cache = "disk",
                                     .in_bytes = 1843200,
                                     .out_bytes = 40113,
                                     .eta_ms = 1920,
                                     .took_ms = 12,
                                     .reason = DI_REASON_RENDERED};

static void the_header_is_the_documented_dictionary(void **state)
{
    assert_string_equal(
        di_explain_header(&hit, *state),
        "tier=low, kbps=187, src=cookie, cache=disk, "
        "in=1843200, out=40113, eta=1920, ms=12, reason=rendered");
}

static void the_header_says_when_save_data_chose(void **state)
{
    di_explanation_t e = hit;

    e.saving = 1;
    assert_string_equal(
        di_explain_header(&e, *state),
        "tier=low, kbps=187, src=cookie, cache=disk, in=1843200, out=40113, "
        "eta=1920, ms=12, reason=rendered, save-data=?1");
}

static void cache_status_tells_hit_miss_and_bypass(void **state)
{
    di_explanation_t e = hit;

    assert_string_equal(di_explain_cache_status(&e, *state),
                        "dynimage; hit; detail=disk");
    e.cache = "miss";
    e.kept = 1;
    assert_string_equal(di_explain_cache_status(&e, *state),
                        "dynimage; fwd=uri-miss; stored; detail=rendered");
    e.kept = 0;
    e.reason = DI_REASON_BUSY;
    assert_string_equal(di_explain_cache_status(&e, *state),
                        "dynimage; fwd=uri-miss; detail=busy");
    e.cache = "joined";
    assert_string_equal(di_explain_cache_status(&e, *state),
                        "dynimage; fwd=uri-miss; collapsed; detail=busy");
    e.cache = "none";
    e.reason = DI_REASON_ORIGINAL;
    assert_string_equal(di_explain_cache_status(&e, *state),
                        "dynimage; fwd=bypass; detail=original");
}

static void server_timing_has_duration_and_words(void **state)
{
    assert_string_equal(di_explain_timing(&hit, *state),
                        "dynimage;dur=12;desc=\"low rendered disk\"");
}

static void every_reason_has_a_token_of_its_own(void **state)
{
    int i, j;

    for (i = 1; i < DI_REASON_END; i++) {
        const char *word = di_reason_word(i);

        if (i == 6) { /* is no reason any more */
            assert_string_equal(word, "none");
            continue;
        }
        assert_string_not_equal(word, "none");
        assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz-"),
                         strlen(word));
        for (j = 1; j < i; j++) {
            assert_string_not_equal(word, di_reason_word(j));
        }
    }
    assert_string_equal(di_reason_word(DI_REASON_END), "none");
    assert_string_equal(di_reason_word(DI_REASON_NONE), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(the_header_is_the_documented_dictionary),
        UNIT(the_header_says_when_save_data_chose),
        UNIT(cache_status_tells_hit_miss_and_bypass),
        UNIT(server_timing_has_duration_and_words),
        UNIT(every_reason_has_a_token_of_its_own),
    };

    return UNIT_RUN(tests);
}
