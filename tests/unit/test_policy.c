/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "speed/policy.h"

typedef struct {
    const char *first, *second; /* header fields; NULL: not there */
    const char *nonce;          /* "" none; NULL: forbidden */
} policy_case_t;

static const policy_case_t cases[] = {
    {NULL, NULL, ""},
    {"img-src 'self'; upgrade-insecure-requests", NULL, ""},
    {"script-src 'unsafe-inline'", NULL, ""},
    {"SCRIPT-SRC 'self' 'Unsafe-Inline'", NULL, ""},
    {"default-src * 'unsafe-inline'", NULL, ""},
    {"default-src 'self'", NULL, NULL},
    {"default-src 'unsafe-inline'", NULL, NULL},
    {"default-src 'none'", NULL, NULL},
    {"script-src", NULL, NULL},
    {"script-src 'self'", NULL, NULL},
    {"script-src 'nonce-AbC='", NULL, "AbC="},
    {"script-src 'nonce-AbC=' 'strict-dynamic'; connect-src 'self'", NULL,
     "AbC="},
    {"script-src 'nonce-AbC='; connect-src https://x.example", NULL, NULL},
    {"script-src 'nonce-AbC='; connect-src 'none'", NULL, NULL},
    {"script-src 'unsafe-inline' 'nonce-AbC'", NULL, "AbC"},
    {"script-src 'unsafe-inline' 'sha256-AbC'", NULL, NULL},
    {"script-src 'unsafe-inline' 'strict-dynamic'", NULL, NULL},
    {"script-src 'nonce-a\"b' 'unsafe-inline'", NULL, NULL},
    {"script-src 'nonce-'", NULL, NULL},
    {"script-src 'self'; script-src 'unsafe-inline'", NULL, NULL},
    {"script-src 'self'; script-src-elem 'unsafe-inline'", NULL, ""},
    {"script-src-elem 'self'; script-src 'unsafe-inline'", NULL, NULL},
    {"sandbox allow-scripts", NULL, NULL},
    {"require-trusted-types-for 'script'", NULL, NULL},
    {"script-src 'unsafe-inline', script-src 'self'", NULL, NULL},
    {"script-src 'unsafe-inline'", "script-src 'self'", NULL},
    {"script-src 'unsafe-inline'", "script-src 'nonce-n'", "n"},
    {"script-src 'nonce-m'", "script-src 'nonce-n'", NULL},
    {" ;; , ;", NULL, ""},
};

static void scripts_go_in_only_where_every_policy_plainly_allows(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        sp_policy_t policy = {0};
        const char *got;

        if (cases[i].first) {
            sp_policy_add(&policy, cases[i].first, *state);
        }
        if (cases[i].second) {
            sp_policy_add(&policy, cases[i].second, *state);
        }
        got = policy.forbidden ? NULL : policy.nonce ? policy.nonce : "";
        if ((got == NULL) != (cases[i].nonce == NULL) ||
            (got && strcmp(got, cases[i].nonce))) {
            fail_msg("case %zu: %s", i, got ? got : "forbidden");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(scripts_go_in_only_where_every_policy_plainly_allows),
    };

    return UNIT_RUN(tests);
}
