/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "speed/htmlskip.h"

/* Everything before the bar may be passed over. */
static const char *const cases[] = {
    "|",
    "plain text|",
    "text <p>more</p> <br/> text|",
    "<p class=\"a>b\">x</p>|",
    "<p class='<body>' title=a/b>x|",
    "<a ==\"x\">y|",
    "<a b = \"c>d\" e='>'f=g>h|",
    "<a b=>c|",
    "<a/b/=c>d|",
    "<custom-element-with-a-long-name x>y|",
    "<bodyx></bodyx><scripts>|",
    "x|<script>",
    "x|</body>",
    "x|</BODY >",
    "x|<SvG a>",
    "x|<template>",
    "<p>|<!-- c -->",
    "<p>|<?x?>",
    "a |< b",
    "a |</ b",
    "<b>|<p class=\"never closed>",
    "<b>|<p",
    "<b>|<",
    "<b>|<p a='",
    "<b>|<p a=",
};

static void what_changes_nothing_is_passed_over(void **state)
{
    char page[100];
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *bar = strchr(cases[i], '|');
        size_t dull = (size_t)(bar - cases[i]), rest = strlen(bar + 1);
        memcpy(page, cases[i], dull);
        memcpy(page + dull, bar + 1, rest);
        if (sp_htmlskip(page, dull + rest) != dull) {
            fail_msg("\"%s\": %zu", cases[i], sp_htmlskip(page, dull + rest));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(what_changes_nothing_is_passed_over),
    };

    return UNIT_RUN(tests);
}
