/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <math.h>

#include <apr_strings.h>

#include "speed/speedcookie.h"

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "f0e1d2c3b4a5968778695a4b3c2d1e0f102132435465768798a9bacbdcedfe0f"

#define T0 apr_time_from_sec(1700000047)
#define AGE 3600

typedef struct {
    ds_seal_keys_t keys;
    apr_sockaddr_t *client;
    sp_state_t known;
    char text[SP_SPEEDCOOKIE_ROOM];
} fixture_t;

static apr_sockaddr_t *address(const char *text, apr_pool_t *p)
{
    apr_sockaddr_t *sa;

    assert_int_equal(apr_sockaddr_info_get(&sa, text, APR_UNSPEC, 0, 0, p), 0);
    return sa;
}

static fixture_t make(const char *client, apr_pool_t *p)
{
    fixture_t f = {
        .known = {.x = 9.5, .s = 0.25, .held = 9.25, .rtt_ms = 120, .at = T0}};

    assert_null(ds_seal_keys_parse(&f.keys, KEY_A, strlen(KEY_A), p));
    f.client = address(client, p);
    assert_int_equal(sp_speedcookie_format(f.text, &f.known, &f.keys, f.client),
                     0);
    return f;
}

static sp_cookie_verdict_e verdict(const fixture_t *f, const char *text,
                                   apr_size_t len, apr_time_t now)
{
    sp_state_t out;

    return sp_speedcookie_parse(&out, text, len, &f->keys, f->client, AGE, now);
}

static void a_cookie_brings_back_what_was_known(void **state)
{
    fixture_t f = make("192.0.2.7", *state);
    sp_state_t out;

    f.known.clipped = -1;
    f.known.lower_bound = 1;
    assert_int_equal(sp_speedcookie_format(f.text, &f.known, &f.keys, f.client),
                     0);
    assert_int_equal(sp_speedcookie_parse(&out, f.text, strlen(f.text), &f.keys,
                                          f.client, AGE, T0),
                     SP_COOKIE_FINE);
    assert_true(fabs(out.x - 9.5) < 0.02);
    assert_true(fabs(out.s - 0.25) < 0.02);
    assert_true(fabs(out.held - 9.25) < 0.02);
    assert_int_equal(out.rtt_ms, 120);
    assert_true(out.at == T0);
    assert_int_equal(out.lower_bound, 1);
    assert_int_equal(out.clipped, -1);
}

static void the_longest_cookie_fits(void **state)
{
    fixture_t f = make("2001:db8::1", *state);

    f.known.x = 99;
    f.known.s = 99;
    f.known.rtt_ms = 60000;
    f.known.lower_bound = f.known.clipped = 1;
    f.known.at = apr_time_from_sec(APR_INT64_C(9999999999));
    assert_int_equal(sp_speedcookie_format(f.text, &f.known, &f.keys, f.client),
                     0);
    assert_true(strlen(f.text) <= SP_SPEEDCOOKIE_MAX);
    assert_int_equal(verdict(&f, f.text, strlen(f.text), f.known.at),
                     SP_COOKIE_FINE);
}

static void every_one_character_change_is_refused(void **state)
{
    fixture_t f = make("192.0.2.7", *state);
    apr_size_t len = strlen(f.text), at;
    char bad[SP_SPEEDCOOKIE_ROOM + 1];
    int c;

    for (at = 0; at < len; at++) {
        for (c = 0; c < 256; c++) {
            memcpy(bad, f.text, len);
            bad[at] = (char)c;
            if (bad[at] != f.text[at] &&
                verdict(&f, bad, len, T0) == SP_COOKIE_FINE) {
                fail_msg("byte %d at %zu accepted", c, at);
            }
        }
    }
    for (at = 0; at < len; at++) { /* cut, one left out, one too many */
        assert_int_not_equal(verdict(&f, f.text, at, T0), SP_COOKIE_FINE);
        memcpy(bad, f.text, at);
        memcpy(bad + at, f.text + at + 1, len - at - 1);
        assert_int_not_equal(verdict(&f, bad, len - 1, T0), SP_COOKIE_FINE);
        memcpy(bad + at, f.text + at, len - at);
        memmove(bad + at + 1, bad + at, len - at);
        bad[at] = '0';
        assert_int_not_equal(verdict(&f, bad, len + 1, T0), SP_COOKIE_FINE);
    }
}

static void a_cookie_of_another_key_is_forged_of_the_previous_fine(void **state)
{
    fixture_t f = make("192.0.2.7", *state), g = f;
    const char *both = KEY_B "\n" KEY_A "\n";

    assert_null(ds_seal_keys_parse(&g.keys, KEY_B, strlen(KEY_B), *state));
    assert_int_equal(verdict(&g, f.text, strlen(f.text), T0), SP_COOKIE_FORGED);
    assert_null(ds_seal_keys_parse(&g.keys, both, strlen(both), *state));
    assert_int_equal(verdict(&g, f.text, strlen(f.text), T0), SP_COOKIE_FINE);
    g.keys.count = 0;
    assert_int_equal(verdict(&g, f.text, strlen(f.text), T0), SP_COOKIE_FORGED);
    assert_int_not_equal(
        sp_speedcookie_format(g.text, &f.known, &g.keys, g.client), 0);
}

static void a_cookie_lives_its_time_and_may_be_a_minute_ahead(void **state)
{
    static const struct {
        int after_s;
        sp_cookie_verdict_e verdict;
    } cases[] = {
        {0, SP_COOKIE_FINE},          {AGE, SP_COOKIE_FINE},
        {AGE - 1, SP_COOKIE_FINE},    {AGE + 1, SP_COOKIE_EXPIRED},
        {-60, SP_COOKIE_FINE},        {-61, SP_COOKIE_EXPIRED},
        {-172800, SP_COOKIE_EXPIRED}, {172800, SP_COOKIE_EXPIRED},
    };
    fixture_t f = make("192.0.2.7", *state);
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(verdict(&f, f.text, strlen(f.text),
                                 T0 + apr_time_from_sec(cases[i].after_s)),
                         cases[i].verdict);
    }
}

static void a_cookie_counts_in_its_own_network_only(void **state)
{
    static const struct {
        const char *made, *used;
        sp_cookie_verdict_e verdict;
    } cases[] = {
        {"192.0.2.7", "192.0.2.200", SP_COOKIE_FINE},
        {"192.0.2.7", "192.0.3.7", SP_COOKIE_ELSEWHERE},
        {"192.0.2.7", "::ffff:192.0.2.9", SP_COOKIE_FINE},
        {"2001:db8:1:2::3", "2001:db8:1:9::8", SP_COOKIE_FINE},
        {"2001:db8:1:2::3", "2001:db8:2:2::3", SP_COOKIE_ELSEWHERE},
        {"2001:db8:1:2::3", "192.0.2.7", SP_COOKIE_ELSEWHERE},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        fixture_t f = make(cases[i].made, *state);
        f.client = address(cases[i].used, *state);
        assert_int_equal(verdict(&f, f.text, strlen(f.text), T0),
                         cases[i].verdict);
    }
}

static void the_header_is_searched_for_one_cookie_of_that_name(void **state)
{
    static const struct {
        const char *header, *value;
    } cases[] = {
        {NULL, NULL},         {"", NULL},         {"sp=1", "1"},
        {"a=b; sp=1", "1"},   {"sp=1; a=b", "1"}, {"a=b;sp=1;c", "1"},
        {"sp=", ""},          {"xsp=1", NULL},    {"spx=1", NULL},
        {"sp=1; sp=2", NULL}, {"sp=1 ; a", "1"},  {"a=sp=1", NULL},
        {"SP=1", NULL},       {";;; ;sp=1", "1"},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        apr_size_t len = 0;
        const char *value = sp_speedcookie_find(&len, cases[i].header);

        if ((value == NULL) != (cases[i].value == NULL) ||
            (value && (len != strlen(cases[i].value) ||
                       memcmp(value, cases[i].value, len)))) {
            fail_msg("case %zu", i);
        }
    }
}

static void p17_values_of_strangers_are_never_fine(void **state)
{
    static const char *const values[] = {
        "",
        ".",
        "........",
        "1",
        "1.aa",
        "3.aa.305.8.300.20.1700000047.0.AAAAAA.AAAAAAAAAAAAAAAAAAAAAA",
        "3.aa.-1.8.300.20.1700000047.0.AAAAAA.AAAAAAAAAAAAAAAAAAAAAA",
        "3.aa.NaN.8.300.20.1700000047.0.AAAAAA.AAAAAAAAAAAAAAAAAAAAAA",
        "3.aa.1e308.8.300.20.1700000047.0.AAAAAA.AAAAAAAAAAAAAAAAAAAAAA",
        "3.aa.305.8.300.20.1700000047.0.AAAAAA.AAAAAAAAAAAAAAAAAAAAAA.x",
        "%33.aa.305.8.300.20.1700000047.0.AAAAAA.AAAAAAAAAAAAAAAAAAAAAA",
    };
    fixture_t f = make("192.0.2.7", *state);
    apr_size_t len = strlen(f.text), i;
    char *big = apr_pcalloc(*state, 4097), *bad;
    int byte;

    for (i = 0; i < sizeof(values) / sizeof(*values); i++) {
        assert_int_not_equal(verdict(&f, values[i], strlen(values[i]), T0),
                             SP_COOKIE_FINE);
    }
    memset(big, '9', 4096);
    assert_int_equal(verdict(&f, big, 4096, T0), SP_COOKIE_MALFORMED);
    memset(big, '.', 4096);
    assert_int_equal(verdict(&f, big, 4096, T0), SP_COOKIE_MALFORMED);
    for (i = 0; i < len; i++) {
        assert_int_not_equal(verdict(&f, f.text, i, T0), SP_COOKIE_FINE);
    }
    /* A byte that no cookie has, at every place and before and behind. */
    bad = apr_pcalloc(*state, len + 2);
    for (byte = 0; byte < 256; byte = byte == 31 ? 127 : byte + 1) {
        for (i = 0; i <= len; i++) {
            memcpy(bad, f.text, i);
            bad[i] = (char)byte;
            memcpy(bad + i + 1, f.text + i, len - i);
            assert_int_not_equal(verdict(&f, bad, len + 1, T0), SP_COOKIE_FINE);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_cookie_brings_back_what_was_known),
        UNIT(the_longest_cookie_fits),
        UNIT(every_one_character_change_is_refused),
        UNIT(a_cookie_of_another_key_is_forged_of_the_previous_fine),
        UNIT(a_cookie_lives_its_time_and_may_be_a_minute_ahead),
        UNIT(a_cookie_counts_in_its_own_network_only),
        UNIT(p17_values_of_strangers_are_never_fine),
        UNIT(the_header_is_searched_for_one_cookie_of_that_name),
    };

    return UNIT_RUN(tests);
}
