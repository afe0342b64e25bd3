/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "speed/clientkey.h"

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "f0e1d2c3b4a5968778695a4b3c2d1e0f102132435465768798a9bacbdcedfe0f"

static ds_seal_key_t key_of(const char *hex, apr_pool_t *p)
{
    ds_seal_keys_t keys;

    assert_null(ds_seal_keys_parse(&keys, hex, strlen(hex), p));
    return keys.key[0];
}

static apr_sockaddr_t *address(const char *text, apr_pool_t *p)
{
    apr_sockaddr_t *sa;

    assert_int_equal(apr_sockaddr_info_get(&sa, text, APR_UNSPEC, 0, 0, p), 0);
    return sa;
}

typedef apr_status_t key_fn(sp_clientkey_t *, const ds_seal_key_t *,
                            const apr_sockaddr_t *);

static int is_same(key_fn *make, const char *a, const char *b, apr_pool_t *p)
{
    ds_seal_key_t key = key_of(KEY_A, p);
    sp_clientkey_t one, two;

    assert_int_equal(make(&one, &key, address(a, p)), APR_SUCCESS);
    assert_int_equal(make(&two, &key, address(b, p)), APR_SUCCESS);
    return !memcmp(one.bytes, two.bytes, sizeof(one.bytes));
}

static const struct {
    const char *a, *b;
    int same_client, same_customer, same_network;
} pairs[] = {
    {"192.0.2.7", "192.0.2.7", 1, 1, 1},
    {"192.0.2.7", "192.0.2.8", 0, 0, 1},
    {"192.0.2.7", "192.0.3.7", 0, 0, 0},
    {"192.0.2.7", "::ffff:192.0.2.7", 1, 1, 1},
    {"192.0.2.7", "::ffff:192.0.2.9", 0, 0, 1},
    {"2001:db8:1:2::3", "2001:db8:1:2:ffff::9", 1, 1, 1},
    {"2001:db8:1:2::3", "2001:db8:1:3::3", 0, 1, 1},
    {"2001:db8:1:2::3", "2001:db8:1:ff::3", 0, 1, 1},
    {"2001:db8:1:2::3", "2001:db8:1:102::3", 0, 0, 1},
    {"2001:db8:1:2::3", "2001:db8:2:2::3", 0, 0, 0},
    /* neighbours that share no line */
    {"10.1.2.3", "10.1.2.4", 0, 0, 0},
    {"172.16.0.1", "172.16.0.2", 0, 0, 0},
    {"172.31.255.1", "172.31.255.2", 0, 0, 0},
    {"192.168.1.1", "::ffff:192.168.1.2", 0, 0, 0},
    {"127.0.0.1", "127.0.0.2", 0, 0, 0},
    {"169.254.1.1", "169.254.1.2", 0, 0, 0},
    {"100.64.0.1", "100.64.0.2", 0, 0, 0},
    {"fd00:1:2:3::1", "fd00:1:2:4::1", 0, 0, 0},
    {"fd00:1:2:3::1", "fd00:1:2:3::2", 1, 1, 1},
    {"fe80::1", "fe80:0:0:1::1", 0, 0, 0},
    {"febf::1", "febf:0:0:1::1", 0, 0, 0},
    {"::1", "0:0:0:1::1", 0, 0, 0},
    /* just outside those ranges */
    {"11.1.2.3", "11.1.2.4", 0, 0, 1},
    {"172.15.0.1", "172.15.0.2", 0, 0, 1},
    {"172.32.0.1", "172.32.0.2", 0, 0, 1},
    {"192.169.1.1", "192.169.1.2", 0, 0, 1},
    {"100.63.0.1", "100.63.0.2", 0, 0, 1},
    {"100.128.0.1", "100.128.0.2", 0, 0, 1},
    {"fec0::1", "fec0:0:0:1::1", 0, 1, 1},
    {"fb00::1", "fb00:0:0:1::1", 0, 1, 1},
};

static void p19_clients_and_networks_are_told_apart_by_prefix(void **state)
{
    apr_size_t i;

    for (i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        if (is_same(sp_clientkey_client, pairs[i].a, pairs[i].b, *state) !=
            pairs[i].same_client) {
            fail_msg("clients %s and %s", pairs[i].a, pairs[i].b);
        }
        if (is_same(sp_clientkey_customer, pairs[i].a, pairs[i].b, *state) !=
            pairs[i].same_customer) {
            fail_msg("customers %s and %s", pairs[i].a, pairs[i].b);
        }
        if (is_same(sp_clientkey_network, pairs[i].a, pairs[i].b, *state) !=
            pairs[i].same_network) {
            fail_msg("networks of %s and %s", pairs[i].a, pairs[i].b);
        }
    }
}

static void p21_keys_depend_on_the_secret_and_on_the_use(void **state)
{
    ds_seal_key_t a = key_of(KEY_A, *state), b = key_of(KEY_B, *state);
    apr_sockaddr_t *home = address("10.0.0.1", *state);
    sp_clientkey_t of_a, of_b, network;

    sp_clientkey_client(&of_a, &a, home);
    sp_clientkey_client(&of_b, &b, home);
    sp_clientkey_network(&network, &a, home);
    assert_memory_not_equal(of_a.bytes, of_b.bytes, sizeof(of_a.bytes));
    assert_memory_not_equal(of_a.bytes, network.bytes, sizeof(of_a.bytes));
}

static void a_customer_is_his_client_where_he_has_one(void **state)
{
    static const struct {
        const char *address;
        int same;
    } cases[] = {{"203.0.113.7", 1}, {"::ffff:203.0.113.7", 1},
                 {"10.0.0.1", 1},    {"fd00::1", 1},
                 {"::1", 1},         {"2001:db8::1", 0}};
    ds_seal_key_t key = key_of(KEY_A, *state);
    apr_size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        apr_sockaddr_t *sa = address(cases[i].address, *state);
        sp_clientkey_t client, customer;

        sp_clientkey_client(&client, &key, sa);
        sp_clientkey_customer(&customer, &key, sa);
        assert_int_equal(
            !memcmp(client.bytes, customer.bytes, sizeof(client.bytes)),
            cases[i].same);
    }
}

static void the_secret_depends_on_the_cookies_key_alone(void **state)
{
    ds_seal_key_t a = key_of(KEY_A, *state), b = key_of(KEY_B, *state);
    ds_seal_key_t of_a, again, of_b;

    assert_int_equal(sp_clientkey_secret(&of_a, &a), APR_SUCCESS);
    sp_clientkey_secret(&again, &a);
    sp_clientkey_secret(&of_b, &b);
    assert_int_equal(of_a.len, DS_SEAL_KEY_MIN_BYTES);
    assert_memory_equal(&of_a, &again, sizeof(of_a));
    assert_memory_not_equal(of_a.secret, of_b.secret, of_a.len);
    assert_memory_not_equal(of_a.secret, of_a.secret + DS_SEAL_MAC_BYTES,
                            DS_SEAL_MAC_BYTES);
}

static void other_families_have_no_key(void **state)
{
    ds_seal_key_t key = key_of(KEY_A, *state);
    apr_sockaddr_t other = {.family = APR_UNIX};
    sp_clientkey_t out;

    assert_int_equal(sp_clientkey_client(&out, &key, &other), APR_EAFNOSUPPORT);
    assert_int_equal(sp_clientkey_customer(&out, &key, &other),
                     APR_EAFNOSUPPORT);
    assert_int_equal(sp_clientkey_network(&out, &key, &other),
                     APR_EAFNOSUPPORT);
}

static void addresses_of_no_public_network_are_private(void **state)
{
    static const char *const own[] = {
        "10.1.2.3",    "127.0.0.1",   "172.16.0.1", "172.31.255.1",
        "192.168.9.9", "169.254.1.1", "100.64.0.1", "::1",
        "fc00::1",     "fd12::1",     "fe80::1",    "::ffff:10.0.0.1"};
    static const char *const others[] = {
        "172.32.0.1",  "172.15.0.1",  "192.169.9.9", "100.128.0.1",
        "203.0.113.7", "2001:db8::1", "fec0::1",     "::ffff:203.0.113.1"};
    apr_size_t i;

    for (i = 0; i < sizeof(own) / sizeof(*own); i++) {
        if (!sp_clientkey_is_private(address(own[i], *state))) {
            fail_msg("taken for public: %s", own[i]);
        }
    }
    for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
        if (sp_clientkey_is_private(address(others[i], *state))) {
            fail_msg("taken for private: %s", others[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(p19_clients_and_networks_are_told_apart_by_prefix),
        UNIT(p21_keys_depend_on_the_secret_and_on_the_use),
        UNIT(a_customer_is_his_client_where_he_has_one),
        UNIT(the_secret_depends_on_the_cookies_key_alone),
        UNIT(other_families_have_no_key),
        UNIT(addresses_of_no_public_network_are_private),
    };

    return UNIT_RUN(tests);
}
