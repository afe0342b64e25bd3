/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <apr_strings.h>

#include "speed/sample.h"

typedef struct {
    const char *body;
    int from_kbps, to_kbps; /* 0, 0: no sample */
    int lower_bound;
    const char *what;
} sample_case_t;

static const sample_case_t cases[] = {
    /* 128 kbit/s, goodput 123: six pictures side by side over 15 s */
    {"v=1&pb=15000&pd=900&rb=240000&rd=15600&rn=1&rt=60", 100, 148, 0,
     "slow line, pictures"},
    {"v=1&pb=15000&pd=880&rt=60", 100, 148, 0, "slow line, page alone"},
    {"v=1&rb=2500000&rd=1000&rn=1&rt=20", 16000, 24000, 0, "20 Mbit/s"},
    {"v=1&pb=1000&pd=0&rt=20", 0, 0, 0, "P1: no time elapsed"},
    {"v=1&pb=1000&pd=90&rt=20", 0, 0, 0, "P1: a page of 1 kB says nothing"},
    {"v=1&pb=20000&pd=300&rt=300", 200, 300, 1, "P2: shorter than 4 RTT"},
    {"v=1&pb=200000&pd=59&rt=2", 20000, 30000, 1, "under 60 ms"},
    {"v=1&pb=7999&pd=500&rt=2", 55, 70, 1, "under 8 kB"},
    {"v=1&pb=20000&pd=500", 0, 0, 0, "no round trip known"},
    {"v=1&f=1&pb=20000&pd=500&rt=5", 0, 0, 0, "P9: from the cache"},
    {"v=1&f=2&pb=20000&pd=500&rt=5", 0, 0, 0, "P9: prerendered"},
    {"v=1&f=4&pb=20000&pd=500&rt=5", 0, 0, 0, "P9: from history"},
    {"v=1&f=8&pb=20000&pd=500&rt=5", 0, 0, 0, "P15: hidden"},
    {"v=1&f=0&pb=20000&pd=500&rt=5", 250, 330, 0, "no flag set"},
    /* a page that paused reads 40 kbit/s, its pictures cannot be faster than
       the line */
    {"v=1&pb=10000&pd=2000&rb=7000&rd=40&rn=1&rt=20", 300, 400, 1,
     "P3: a bound contradicts the point"},
    {"v=1&pb=100000&pd=1000&rb=9000&rd=200&rn=1&rt=20", 700, 800, 0,
     "the point over more bytes"},
    {"v=1&pb=9646&pd=23&rb=110088&rd=477&rn=1&rt=6", 1700, 1930, 0,
     "2 Mbit/s: a burst at the start does not win"},
    {"v=1&rb=12000&rd=600&rn=8&rt=20", 0, 0, 0, "mostly first segments"},
    {"v=1&rb=40000&rd=70&rn=8&rt=20", 620, 650, 1,
     "a queue's burst in each stretch"},
    {"v=1&pb=2428&pd=0&rb=8175&rd=8&rn=6&rt=1", 0, 0, 0,
     "small pictures, 512 kbit/s"},
    {"v=1&pb=2428&pd=1&rb=16851&rd=15&rn=6&rt=1", 0, 0, 0,
     "the same, 2 Mbit/s"},
    {"v=1&pb=2428&pd=1&rb=29895&rd=20&rn=4&rt=1", 4000, 9600, 1,
     "the same, 10 Mbit/s"},
    {"v=1&pb=2428&pd=1&rb=26000&rd=62&rn=5&rt=1", 600, 700, 1,
     "icons one by one are no point"},
    {"v=1&mb=100000&md=1000", 70, 81, 1, "the marks give a bound"},
    {"v=1&mb=1000&md=1000", 0, 0, 0, "too little between the marks"},
    {"v=1&fb=14336&fd=300", 100, 110, 1, "filler between the marks"},
    {"v=1&fb=14336&fd=199", 0, 0, 0, "filler that came at once"},
    {"v=1&fb=4096&fd=300", 0, 0, 0, "too little filler"},
    {"v=1&fb=14336&fd=300&pb=15000&pd=2000&rt=60", 50, 60, 0,
     "filler: the page's own clock is the better one"},
    {"v=1&pb=200000&pd=1999&rt=20&ck=100", 700, 760, 1,
     "P12: fewer than 20 steps of the clock"},
    {"v=1&pb=200000&pd=2000&rt=20&ck=100", 790, 800, 0, "P12: 20 steps"},
    {"v=1&pb=15000&pd=900&rt=60&ck=1&pe=300", 100, 148, 0, "a fine clock"},
    {"v=1&nb=15000&nd=900&np=1&nt=x&rt=60", 0, 0, 0, "a probe is no page"},
    {"v=1&rt=20", 0, 0, 0, "nothing measured"},
    {"v=1&pb=8000&pd=3600000&rt=1", 0, 0, 0, "below 1 kbit/s"},
    {"v=1&pb=1073741824&pd=60&rt=1", 0, 0, 0, "above 100 Gbit/s"},
};

static void timings_become_a_point_a_bound_or_nothing(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const sample_case_t *c = &cases[i];
        sp_beacon_t beacon;
        sp_sample_t sample = {0};
        int made;

        if (!sp_beacon_parse(&beacon, c->body, strlen(c->body))) {
            fail_msg("%s: not parsed", c->what);
        }
        made = sp_sample_make(&sample, &beacon);
        if (made != (c->to_kbps > 0) ||
            (made && (sample.rate_kbps < c->from_kbps ||
                      sample.rate_kbps > c->to_kbps ||
                      sample.lower_bound != c->lower_bound))) {
            fail_msg("%s: made %d, %.1f kbit/s, bound %d", c->what, made,
                     sample.rate_kbps, sample.lower_bound);
        }
    }
}

static void p18_malformed_beacons_are_no_beacons(void **state)
{
    static const char *const bodies[] = {
        "",
        "v=2",
        "v=0",
        "v",
        "=",
        "&",
        "v=1&",
        "&v=1",
        "v=1&&rt=1",
        "pb=1&pd=1",
        "v=1&v=1",
        "v=1&pb=1",
        "v=1&pd=1",
        "v=1&rb=1",
        "v=1&mb=1",
        "v=1&fb=1",
        "v=1&nb=1",
        "v=1&nt=",
        "v=1&nt",
        "v=1&nt=a&nt=a",
        "v=1&np=2",
        "v=1&ck=1001",
        "v=1&zz=1",
        "v=1&V=1",
        "v=1&rt=",
        "v=1&rt=-1",
        "v=1&rt=+1",
        "v=1&rt=1.5",
        "v=1&rt=1e3",
        "v=1&rt=0x1",
        "v=1&rt=NaN",
        "v=1&rt=inf",
        "v=1&rt=1e308",
        "v=1&rt=-0",
        "v=1&rt=1,5",
        "v=1&rt=nan",
        "v=1&rt= 1",
        "v=1&rt=60001",
        "v=1&f=16",
        "v=1&pb=1073741825&pd=1",
        "v=1&pb=1&pd=3600001",
        "v=1&rn=10001",
        "v=1&rt=99999999999999999999",
        "v=1;rt=1",
        "v=1&rt=%31",
        "v=1&rt=1\n",
        "v=1&rt=1&rt=1",
        "{\"v\":1}",
    };
    sp_beacon_t beacon;
    char *big = apr_psprintf(*state, "v=1&rt=%01020d", 1);
    size_t i;

    for (i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        if (sp_beacon_parse(&beacon, bodies[i], strlen(bodies[i]))) {
            fail_msg("accepted: %s", bodies[i]);
        }
    }
    assert_false(sp_beacon_parse(&beacon, big, strlen(big)));
    assert_false(sp_beacon_parse(&beacon, "v=1&rt=1\0", 9));
    assert_true(sp_beacon_parse(&beacon, "v=1", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(timings_become_a_point_a_bound_or_nothing),
        UNIT(p18_malformed_beacons_are_no_beacons),
    };

    return UNIT_RUN(tests);
}
