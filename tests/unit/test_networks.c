/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <math.h>
#include <stdlib.h>

#include <apr_strings.h>

#include "speed/networks.h"

#define T0 apr_time_from_sec(1700000040)
#define DAY apr_time_from_sec(86400)

static const sp_clientkey_t home = {"home network ..."};
static const sp_clientkey_t away = {"another network "};

static sp_table_t *table_of(apr_pool_t *p)
{
    apr_size_t row_bytes = sp_networks_row_bytes();
    apr_size_t bytes = sp_table_bytes(64, row_bytes);
    char *mem = apr_pcalloc(p, bytes + 64);

    mem += 64 - (apr_uintptr_t)mem % 64;
    return sp_table_init(mem, bytes, 64, row_bytes, 1, NULL);
}

static void hear(sp_table_t *table, apr_uint32_t client, double rate_kbps,
                 apr_uint32_t rtt_ms, apr_time_t now)
{
    sp_sample_t sample = {.rate_kbps = rate_kbps, .rtt_ms = rtt_ms};
    sp_clientkey_t key = {{0}};

    memcpy(key.bytes, &client, sizeof(client));
    sp_networks_add(table, &home, &key, &sample, now);
}

static double guess(sp_table_t *table, apr_time_t now)
{
    sp_state_t out = {0};

    return sp_networks_prior(&out, table, &home, now) ? exp2(out.x) : 0;
}

static void three_clients_make_a_guess_two_do_not(void **state)
{
    sp_table_t *table = table_of(*state);
    sp_state_t out = {.x = 5};

    assert_int_equal(sp_networks_prior(&out, table, &home, T0), 0);
    hear(table, 1, 1000, 30, T0);
    hear(table, 2, 4000, 0, T0);
    assert_int_equal(sp_networks_prior(&out, table, &home, T0), 0);
    assert_true(out.x == 5);
    hear(table, 3, 100, 50, T0 + DAY);
    assert_int_equal(sp_networks_prior(&out, table, &home, T0 + DAY), 1);
    assert_true(fabs(exp2(out.x) - 1000) < 1);
    assert_true(out.s == SP_NETWORKS_SPREAD);
    assert_int_equal(out.rtt_ms, 40);
    assert_true(out.at == T0 + DAY);
    assert_int_equal(out.lower_bound, 0);
    assert_int_equal(sp_networks_prior(&out, table, &away, T0), 0);
}

/* As after a delivery to that address.  @return its network */
static sp_clientkey_t hear_from(sp_table_t *table, const char *address,
                                double rate_kbps, apr_pool_t *p)
{
    sp_sample_t sample = {.rate_kbps = rate_kbps, .rtt_ms = 30};
    ds_seal_key_t key = {.len = 32};
    sp_clientkey_t network, voice;
    apr_sockaddr_t *sa;

    assert_int_equal(apr_sockaddr_info_get(&sa, address, APR_UNSPEC, 0, 0, p),
                     0);
    assert_int_equal(sp_clientkey_network(&network, &key, sa), 0);
    assert_int_equal(sp_clientkey_customer(&voice, &key, sa), 0);
    sp_networks_add(table, &network, &voice, &sample, T0);
    return network;
}

static void p19_an_ipv6_customer_of_many_subnets_is_one_voice(void **state)
{
    sp_table_t *table = table_of(*state);
    sp_clientkey_t network;
    sp_state_t out;
    unsigned i;

    for (i = 0; i < 256; i++) { /* all of a /56 */
        network = hear_from(
            table, apr_psprintf(*state, "2001:db8:1:1%02x::1", i), 1e5, *state);
    }
    assert_int_equal(sp_networks_prior(&out, table, &network, T0), 0);
    hear_from(table, "2001:db8:1:200::1", 1000, *state);
    hear_from(table, "2001:db8:1:300::1", 1200, *state);
    assert_int_equal(sp_networks_prior(&out, table, &network, T0), 1);
    assert_true(fabs(exp2(out.x) - 1200) < 1);
}

static void one_busy_client_is_one_voice(void **state)
{
    sp_table_t *table = table_of(*state);
    int i;

    for (i = 0; i < 100; i++) {
        hear(table, 1, 100000, 1, T0 + i);
    }
    assert_true(guess(table, T0) == 0);
    hear(table, 2, 1000, 30, T0);
    hear(table, 3, 1200, 30, T0);
    assert_true(fabs(guess(table, T0) - 1200) < 1);
}

static void the_guess_is_the_median_of_what_clients_said_last(void **state)
{
    sp_table_t *table = table_of(*state);
    apr_uint32_t i;

    for (i = 1; i <= 9; i++) {
        hear(table, i, 100, 30, T0);
    }
    for (i = 1; i <= 9; i++) { /* the line got faster */
        hear(table, i, 1000 * i, 30, T0 + DAY);
    }
    assert_true(fabs(guess(table, T0 + DAY) - 5000) < 1);
}

static void p20_clients_beyond_the_limit_push_out_the_oldest(void **state)
{
    sp_table_t *table = table_of(*state);
    apr_uint32_t i;

    for (i = 1; i <= 1000; i++) {
        hear(table, i, i <= 1000 - SP_NETWORKS_CLIENTS ? 100 : 9000, 30,
             T0 + (apr_time_t)i * 60000000);
    }
    assert_true(fabs(guess(table, T0 + DAY) - 9000) < 1);
    assert_int_equal(sp_table_used(table), 1);
}

static void samples_that_count_for_nothing(void **state)
{
    static const sp_sample_t bad[] = {{.rate_kbps = 500, .lower_bound = 1},
                                      {.rate_kbps = 0},
                                      {.rate_kbps = -5},
                                      {.rate_kbps = NAN},
                                      {.rate_kbps = INFINITY},
                                      {.rate_kbps = 1e12}};
    sp_table_t *table = table_of(*state);
    apr_size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        sp_clientkey_t key = {{(unsigned char)(i + 1)}};
        sp_networks_add(table, &home, &key, &bad[i], T0);
    }
    assert_int_equal(sp_table_used(table), 0);
    assert_true(guess(table, T0) == 0);
}

static void old_voices_and_those_from_the_future_do_not_count(void **state)
{
    sp_table_t *table = table_of(*state);

    hear(table, 1, 1000, 30, T0);
    hear(table, 2, 1000, 30, T0);
    hear(table, 3, 1000, 30, T0 + 20 * DAY);
    assert_true(guess(table, T0 + 20 * DAY) > 0);
    assert_true(guess(table, T0 + 31 * DAY) == 0);
    assert_true(guess(table, T0) == 0);
}

static void scribble(void *row, void *baton)
{
    memset(row, *(int *)baton, sp_networks_row_bytes());
}

static void a_row_of_any_bytes_gives_a_sane_guess_or_none(void **state)
{
    sp_table_t *table = table_of(*state);
    sp_state_t out;
    int byte;

    for (byte = 0; byte < 256; byte++) {
        sp_table_with(table, home.bytes, 1, scribble, &byte, T0);
        if (sp_networks_prior(&out, table, &home, T0)) {
            assert_true(out.x >= 0 && out.x <= 27);
            assert_true(out.rtt_ms <= 60000);
        }
    }
}

static void no_table_knows_nothing(void **state)
{
    hear(NULL, 1, 1000, 30, T0);
    assert_true(guess(NULL, T0) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(three_clients_make_a_guess_two_do_not),
        UNIT(one_busy_client_is_one_voice),
        UNIT(p19_an_ipv6_customer_of_many_subnets_is_one_voice),
        UNIT(the_guess_is_the_median_of_what_clients_said_last),
        UNIT(p20_clients_beyond_the_limit_push_out_the_oldest),
        UNIT(samples_that_count_for_nothing),
        UNIT(old_voices_and_those_from_the_future_do_not_count),
        UNIT(a_row_of_any_bytes_gives_a_sane_guess_or_none),
        UNIT(no_table_knows_nothing),
    };

    return UNIT_RUN(tests);
}
