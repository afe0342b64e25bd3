/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "speed/policy.h"

typedef struct {
    const char *first, *second; /* header fields; NULL: not there */
    const char *allowed;        /* "i" inline, "e" external, or both */
    const char *nonce;          /* NULL: none */
} policy_case_t;

static const policy_case_t cases[] = {
    {NULL, NULL, "ie", NULL},
    {"img-src 'self'; upgrade-insecure-requests", NULL, "ie", NULL},
    {"script-src 'unsafe-inline'", NULL, "i", NULL},
    {"SCRIPT-SRC 'self' 'Unsafe-Inline'", NULL, "ie", NULL},
    {"default-src * 'unsafe-inline'", NULL, "ie", NULL},
    {"default-src 'self'", NULL, "e", NULL},
    {"default-src 'unsafe-inline'", NULL, "", NULL},
    {"default-src 'none'", NULL, "", NULL},
    {"default-src 'none'; script-src 'self'", NULL, "", NULL},
    {"default-src 'none'; script-src 'self'; connect-src 'self'", NULL, "e",
     NULL},
    {"script-src", NULL, "", NULL},
    {"script-src 'self'", NULL, "e", NULL},
    {"script-src *", NULL, "e", NULL},
    {"script-src 'self' 'sha256-AbC='", NULL, "e", NULL},
    {"script-src 'sha256-AbC='", NULL, "", NULL},
    {"script-src 'self' 'strict-dynamic'", NULL, "", NULL},
    /* our origin is http://www.x.example:8080 */
    {"script-src http:", NULL, "e", NULL},
    {"script-src https:", NULL, "", NULL},
    {"script-src www.x.example:8080", NULL, "e", NULL},
    {"script-src WWW.X.EXAMPLE:*", NULL, "e", NULL},
    {"script-src *.x.example:8080", NULL, "e", NULL},
    {"script-src http://www.x.example:8080", NULL, "e", NULL},
    {"script-src http://www.x.example:8080/", NULL, "e", NULL},
    {"script-src https://www.x.example:8080", NULL, "", NULL},
    {"script-src http://www.x.example:8080/js/", NULL, "", NULL},
    {"script-src www.x.example", NULL, "", NULL},
    {"script-src www.x.example:80", NULL, "", NULL},
    {"script-src ww.x.example:8080", NULL, "", NULL},
    {"script-src www.x.example.org:8080", NULL, "", NULL},
    {"script-src *.www.x.example:8080", NULL, "", NULL},
    {"script-src *.com:8080", NULL, "", NULL},
    {"script-src *.", NULL, "", NULL},
    {"script-src http", NULL, "", NULL},
    {"script-src http://", NULL, "", NULL},
    {"script-src 'self'; connect-src www.x.example:8080", NULL, "e", NULL},
    {"script-src 'self'; connect-src api.x.example:8080", NULL, "", NULL},
    /* nonces */
    {"script-src 'nonce-AbC='", NULL, "ie", "AbC="},
    {"script-src 'nonce-AbC=' 'strict-dynamic'; connect-src 'self'", NULL, "ie",
     "AbC="},
    {"script-src 'nonce-AbC='; connect-src https://x.example", NULL, "",
     "AbC="},
    {"script-src 'nonce-AbC='; connect-src 'none'", NULL, "", "AbC="},
    {"script-src 'unsafe-inline' 'nonce-AbC'", NULL, "ie", "AbC"},
    {"script-src 'unsafe-inline' 'sha256-AbC'", NULL, "", NULL},
    {"script-src 'unsafe-inline' 'strict-dynamic'", NULL, "", NULL},
    {"script-src 'nonce-a\"b' 'unsafe-inline'", NULL, "", NULL},
    {"script-src 'nonce-a\"b' 'self'", NULL, "e", NULL},
    {"script-src 'nonce-'", NULL, "", NULL},
    /* which directive, and several policies */
    {"script-src 'self'; script-src 'unsafe-inline'", NULL, "e", NULL},
    {"script-src 'self'; script-src-elem 'unsafe-inline'", NULL, "i", NULL},
    {"script-src-elem 'self'; script-src 'unsafe-inline'", NULL, "e", NULL},
    {"sandbox allow-scripts", NULL, "", NULL},
    {"sandbox", NULL, "", NULL},
    {"require-trusted-types-for 'script'", NULL, "", NULL},
    {"script-src 'unsafe-inline', script-src 'self'", NULL, "", NULL},
    {"script-src 'unsafe-inline'", "script-src 'self'", "", NULL},
    {"script-src 'unsafe-inline'", "script-src 'nonce-n'", "i", "n"},
    {"script-src 'self'", "script-src 'nonce-n'", "e", "n"},
    {"script-src 'nonce-m'", "script-src 'nonce-n'", "", "m"},
    {"script-src 'nonce-m'", "script-src 'nonce-n' 'self'", "e", "m"},
    {" ;; , ;", NULL, "ie", NULL},
};

static void
p23_scripts_go_in_only_where_every_policy_plainly_allows(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        sp_policy_t policy = {.scheme = "http", .host = "www.x.example:8080"};
        const policy_case_t *c = &cases[i];

        if (c->first) {
            sp_policy_add(&policy, c->first, *state);
        }
        if (c->second) {
            sp_policy_add(&policy, c->second, *state);
        }
        if (policy.no_inline == (strchr(c->allowed, 'i') != NULL) ||
            policy.no_external == (strchr(c->allowed, 'e') != NULL) ||
            strcmp(policy.nonce ? policy.nonce : "",
                   c->nonce ? c->nonce : "")) {
            fail_msg("%s | %s: inline %d, external %d, nonce %s",
                     c->first ? c->first : "", c->second ? c->second : "",
                     !policy.no_inline, !policy.no_external,
                     policy.nonce ? policy.nonce : "none");
        }
    }
}

static void an_origin_without_a_port_matches_words_without_a_port(void **state)
{
    sp_policy_t fine = {.scheme = "https", .host = "x.example"};
    sp_policy_t other = fine;

    sp_policy_add(&fine, "script-src https://x.example", *state);
    assert_false(fine.no_external);
    sp_policy_add(&other, "script-src https://x.example:8443", *state);
    assert_true(other.no_external);
}

static void an_unknown_origin_is_only_self(void **state)
{
    sp_policy_t self = {0}, named = {0};

    sp_policy_add(&self, "script-src 'self'", *state);
    assert_false(self.no_external);
    sp_policy_add(&named, "script-src http: x.example", *state);
    assert_true(named.no_external);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(p23_scripts_go_in_only_where_every_policy_plainly_allows),
        UNIT(an_origin_without_a_port_matches_words_without_a_port),
        UNIT(an_unknown_origin_is_only_self),
    };

    return UNIT_RUN(tests);
}
