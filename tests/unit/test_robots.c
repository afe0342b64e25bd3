/* SPDX-License-Identifier: Apache-2.0 */
/* robots.txt as RFC 9309 has it. */
#include "unit.h"

#include <stdlib.h>

#include <apr_strings.h>

#include "robots.h"

static void rules_decide_as_rfc_9309_says(void **state)
{
    static const struct {
        const char *rules; /* of "User-agent: *" */
        const char *path;
        int allow;
    } table[] = {
        {"", "/a", 1},
        {"Disallow:", "/a", 1},
        {"Disallow: /", "/a", 0},
        {"Disallow: /a", "/abc", 0},
        {"Disallow: /a", "/b/a", 1},
        {"Disallow: /a\nAllow: /a/b", "/a/b/c", 1},
        {"Allow: /a/b\nDisallow: /a", "/a/b/c", 1},
        {"Disallow: /p\nAllow: /p", "/p", 1},
        {"Disallow: /*.gif", "/x/y.gif?z", 0},
        {"Disallow: /*.gif$", "/x/y.gif", 0},
        {"Disallow: /*.gif$", "/x/y.gif?z", 1},
        {"Disallow: /*.gif$", "/x.gif/y.gif", 0},
        {"Disallow: /a*b*c$", "/axbxbxc", 0},
        {"Disallow: /a*b*c$", "/axbxbxd", 1},
        {"disallow : /a # why\r", "/a", 0},
        {"Sitemap: http://a/\nDisallow: /a", "/a", 0},
        {"Frob: /a", "/a", 1},
    };
    apr_pool_t *p = *state;
    ctl_robots_t robots;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        ctl_robots_parse(
            &robots,
            apr_pstrcat(p, "User-agent: *\n", table[i].rules, "\n", NULL), p);
        if (ctl_robots_allow(&robots, table[i].path) != table[i].allow) {
            fail_msg("%s of %s", table[i].rules, table[i].path);
        }
    }
}

static void the_group_of_our_name_goes_before_the_one_of_all(void **state)
{
    static const char text[] = "User-agent: *\nDisallow: /\n\n"
                               "User-agent: other\nUser-agent: DynImage/2\n"
                               "Disallow: /a\nCrawl-delay: 1.5\n\n"
                               "User-agent: third\nDisallow: /b\n\n"
                               "User-agent: dynimage\nDisallow: /c\n";
    apr_pool_t *p = *state;
    ctl_robots_t robots;

    ctl_robots_parse(&robots, text, p);
    assert_false(ctl_robots_allow(&robots, "/a"));
    assert_true(ctl_robots_allow(&robots, "/b"));
    assert_false(ctl_robots_allow(&robots, "/c"));
    assert_int_equal(robots.delay_ms, 1500);
}

static void without_a_file_everything_is_allowed(void **state)
{
    ctl_robots_t robots;

    ctl_robots_parse(&robots, NULL, *state);
    assert_true(ctl_robots_allow(&robots, "/"));
    assert_int_equal(robots.delay_ms, 0);
}

static void a_delay_is_bounded_and_a_number(void **state)
{
    static const struct {
        const char *word;
        int delay_ms;
    } table[] = {{"2", 2000}, {"-1", 0}, {"x", 0}, {"1e9", 60000}, {"nan", 0}};
    apr_pool_t *p = *state;
    ctl_robots_t robots;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        ctl_robots_parse(
            &robots,
            apr_pstrcat(p, "User-agent: *\nCrawl-delay: ", table[i].word, NULL),
            p);
        assert_int_equal(robots.delay_ms, table[i].delay_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(rules_decide_as_rfc_9309_says),
        UNIT(the_group_of_our_name_goes_before_the_one_of_all),
        UNIT(without_a_file_everything_is_allowed),
        UNIT(a_delay_is_bounded_and_a_number),
    };

    return UNIT_RUN(tests);
}
