/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "speed/consent.h"

typedef struct {
    const char *asked;  /* as the operator wrote it */
    const char *cookie; /* header */
    int given;
} consent_case_t;

static const consent_case_t cases[] = {
    {"ok", NULL, 0},
    {"ok", "", 0},
    {"ok", "ok=1", 1},
    {"ok", "ok=0", 1}, /* name the value where it can be a no */
    {"ok", "ok=", 0},
    {"ok", "ok= ", 0},
    {"ok", "ok", 0},
    {"ok", "OK=1", 0},
    {"ok", "ok2=1", 0},
    {"ok", "xok=1", 0},
    {"ok", "a=b; ok=1; c=d", 1},
    {"ok", "a=b;ok=1", 1},
    {"ok", ";; ;\t ok=1 ;", 1},
    {"ok", "a=ok=1", 0},
    {"ok", "a=\"; ok=1", 1}, /* quotes do not hide a semicolon */
    {"ok=yes", "ok=yes", 1},
    {"ok=yes", "ok=yes ", 1},
    {"ok=yes", "ok=Yes", 0},
    {"ok=yes", "ok=yes1", 0},
    {"ok=yes", "ok=ye", 0},
    {"ok=yes", "ok=no; ok=yes", 0},
    {"ok=yes", "ok=yes; ok=no", 0},
    {"ok=yes", "ok=yes; ok=yes", 1},
    {"ok=yes", "ok; ok=yes", 1},
    {"c=*statistics:true*", "c={necessary:true,statistics:true,ads:false}", 1},
    {"c=*statistics:true*", "c={necessary:true,statistics:false}", 0},
    {"c=*statistics:true*", "c=statistics:true", 1},
    {"c=a*b*c", "c=abc", 1},
    {"c=a*b*c", "c=aXbXbXc", 1},
    {"c=a*b*c", "c=aXbX", 0},
    {"c=**", "c=x", 1},
    {"c=*", "c=", 1},
    {"c==", "c==", 1},
};

static void a_cookie_header_gives_consent_or_not(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const consent_case_t *c = &cases[i];
        sp_consent_t consent;

        assert_null(sp_consent_parse(&consent, c->asked, *state));
        if (sp_consent_found(&consent, c->cookie) != c->given) {
            fail_msg("case %zu: %s in %s", i, c->asked,
                     c->cookie ? c->cookie : "no header");
        }
    }
}

static void where_nobody_is_asked_consent_is_given(void **state)
{
    const sp_consent_t nobody = {NULL, NULL};

    assert_true(sp_consent_found(&nobody, NULL));
    assert_true(sp_consent_found(&nobody, "a=b"));
}

static void what_is_no_cookie_is_refused(void **state)
{
    static const char *const bad[] = {
        "",    "=",    "=x",     "a b",    "a;b",   "a=",     "a=b c",  "a=b;c",
        "a=,", "a=\\", "a=\xc3", "\xc3=a", "a,b=1", "a=\x01", "a=\x7f", "a(b"};
    char *long_name = apr_pcalloc(*state, 300);
    sp_consent_t consent;
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        if (!sp_consent_parse(&consent, bad[i], *state)) {
            fail_msg("taken: %s", bad[i]);
        }
    }
    memset(long_name, 'a', 257);
    assert_non_null(sp_consent_parse(&consent, long_name, *state));
    long_name[256] = '\0';
    assert_null(sp_consent_parse(&consent, long_name, *state));
}

static void many_stars_take_no_exponential_time(void **state)
{
    char *value = apr_pcalloc(*state, 8200);
    sp_consent_t consent;

    assert_null(sp_consent_parse(
        &consent, "c=*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
        *state));
    memset(value, 'a', 8000);
    value[0] = 'c';
    value[1] = '=';
    assert_false(sp_consent_found(&consent, value));
}

static void only_a_one_objects(void **state)
{
    assert_true(sp_consent_objects("1"));
    assert_false(sp_consent_objects(NULL));
    assert_false(sp_consent_objects("0"));
    assert_false(sp_consent_objects(""));
    assert_false(sp_consent_objects("null"));
    assert_false(sp_consent_objects("11"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_cookie_header_gives_consent_or_not),
        UNIT(where_nobody_is_asked_consent_is_given),
        UNIT(what_is_no_cookie_is_refused),
        UNIT(many_stars_take_no_exponential_time), UNIT(only_a_one_objects)};

    return UNIT_RUN(tests);
}
