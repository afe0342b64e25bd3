/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <apr_strings.h>

#include "base/seal.h"

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "F0E1D2C3B4A5968778695A4B3C2D1E0F102132435465768798A9BACBDCEDFE0F"

static ds_seal_keys_t keys_of(const char *text, apr_pool_t *p)
{
    ds_seal_keys_t keys;

    assert_null(ds_seal_keys_parse(&keys, text, strlen(text), p));
    return keys;
}

static void a_signature_is_verified_by_its_key_only(void **state)
{
    ds_seal_keys_t a = keys_of(KEY_A, *state), b = keys_of(KEY_B, *state);
    char mac[DS_SEAL_MAC_ROOM];

    assert_int_equal(ds_seal_sign(mac, &a.key[0], "x", "text", 4), 0);
    assert_int_equal(strlen(mac), DS_SEAL_MAC_CHARS);
    assert_ptr_equal(
        ds_seal_verify(&a, a.key[0].id, mac, strlen(mac), "x", "text", 4),
        &a.key[0]);
    assert_null(
        ds_seal_verify(&a, a.key[0].id, mac, strlen(mac), "y", "text", 4));
    assert_null(
        ds_seal_verify(&a, a.key[0].id, mac, strlen(mac), "x", "test", 4));
    assert_null(
        ds_seal_verify(&a, b.key[0].id, mac, strlen(mac), "x", "text", 4));
    memcpy(b.key[0].id, a.key[0].id, sizeof(b.key[0].id));
    assert_null(
        ds_seal_verify(&b, b.key[0].id, mac, strlen(mac), "x", "text", 4));
}

static void the_mac_is_plain_hmac_sha256(void **state)
{
    /* printf 'x\0text' | openssl dgst -sha256 -mac HMAC
       -macopt hexkey:KEY_A */
    static const unsigned char want[DS_SEAL_MAC_BYTES] = {
        0x5a, 0x51, 0x2a, 0xdc, 0xd1, 0x57, 0x12, 0x43,
        0x3f, 0x2b, 0x14, 0x9d, 0x91, 0xb3, 0x34, 0x2b};
    ds_seal_keys_t a = keys_of(KEY_A, *state);
    unsigned char mac[DS_SEAL_MAC_BYTES];

    assert_int_equal(ds_seal_mac(mac, &a.key[0], "x", "text", 4), 0);
    assert_memory_equal(mac, want, sizeof(want));
}

static void every_changed_character_of_a_signature_is_refused(void **state)
{
    ds_seal_keys_t a = keys_of(KEY_A, *state);
    char mac[DS_SEAL_MAC_ROOM], bad[DS_SEAL_MAC_ROOM];
    int at, c;

    assert_int_equal(ds_seal_sign(mac, &a.key[0], "x", "text", 4), 0);
    for (at = 0; at < DS_SEAL_MAC_CHARS; at++) {
        for (c = 0; c < 256; c++) {
            memcpy(bad, mac, sizeof(bad));
            bad[at] = (char)c;
            if (bad[at] != mac[at] &&
                ds_seal_verify(&a, a.key[0].id, bad, DS_SEAL_MAC_CHARS, "x",
                               "text", 4)) {
                fail_msg("position %d, byte %d", at, c);
            }
        }
    }
    for (at = 0; at < DS_SEAL_MAC_CHARS; at++) {
        assert_null(ds_seal_verify(&a, a.key[0].id, mac, (apr_size_t)at, "x",
                                   "text", 4));
    }
}

static void a_rotated_key_still_verifies_and_the_new_one_signs(void **state)
{
    ds_seal_keys_t old = keys_of(KEY_A "\n", *state);
    ds_seal_keys_t both = keys_of(KEY_B "\r\n" KEY_A "\r\n", *state);
    char mac[DS_SEAL_MAC_ROOM];

    assert_int_equal(ds_seal_sign(mac, &old.key[0], "x", "t", 1), 0);
    assert_ptr_equal(
        ds_seal_verify(&both, old.key[0].id, mac, strlen(mac), "x", "t", 1),
        &both.key[1]);
    assert_string_not_equal(both.key[0].id, both.key[1].id);
}

static void malformed_key_files_are_refused_with_a_reason(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"", "no key"},
        {"\n", "line 1 is not 64 to 128"},
        {"0011", "line 1 is not 64 to 128"},
        {KEY_A "0", "line 1 is not 64 to 128"},
        {KEY_A KEY_A "00", "line 1 is not 64 to 128"},
        {KEY_A "\n\n", "line 2 is not"},
        {KEY_A "\n" KEY_B "\n" KEY_A "\n", "more than two lines"},
        {KEY_A "\n# old\n", "line 2 is not"},
        {" " KEY_A " ", "something else than hex"},
        {"ababababababababababababababababababababababababababababababab"
         "abab",
         "too regular"},
    };
    ds_seal_keys_t keys;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *error = ds_seal_keys_parse(&keys, cases[i].text,
                                               strlen(cases[i].text), *state);
        if (!error || !strstr(error, cases[i].error)) {
            fail_msg("case %zu: %s", i, error ? error : "accepted");
        }
    }
    assert_non_null(strstr(ds_seal_keys_read(&keys, "/nonexistent/key", *state),
                           "key file /nonexistent/key"));
}

static void random_keys_differ_and_sign(void **state)
{
    ds_seal_keys_t one, two;
    char mac[DS_SEAL_MAC_ROOM];

    (void)state;
    assert_int_equal(ds_seal_keys_random(&one), APR_SUCCESS);
    assert_int_equal(ds_seal_keys_random(&two), APR_SUCCESS);
    assert_memory_not_equal(one.key[0].secret, two.key[0].secret, 32);
    assert_int_equal(ds_seal_sign(mac, &one.key[0], "x", "t", 1), 0);
    assert_non_null(
        ds_seal_verify(&one, one.key[0].id, mac, strlen(mac), "x", "t", 1));
}

static void base64url_has_no_padding(void **state)
{
    char out[8];

    (void)state;
    ds_seal_base64url(out, (const unsigned char *)"\xfb\xff\xfe", 3);
    assert_string_equal(out, "-__-");
    ds_seal_base64url(out, (const unsigned char *)"f", 1);
    assert_string_equal(out, "Zg");
    ds_seal_base64url(out, (const unsigned char *)"fo", 2);
    assert_string_equal(out, "Zm8");
    ds_seal_base64url(out, (const unsigned char *)"", 0);
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_signature_is_verified_by_its_key_only),
        UNIT(the_mac_is_plain_hmac_sha256),
        UNIT(every_changed_character_of_a_signature_is_refused),
        UNIT(a_rotated_key_still_verifies_and_the_new_one_signs),
        UNIT(malformed_key_files_are_refused_with_a_reason),
        UNIT(random_keys_differ_and_sign),
        UNIT(base64url_has_no_padding),
    };

    return UNIT_RUN(tests);
}
