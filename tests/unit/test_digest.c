/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/digest.h"

typedef struct {
    const char *text;
    const char *hex;
} digest_case_t;

/* Source: FIPS 180-4 examples of NIST. */
static const digest_case_t cases[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb924"
         "27ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223"
            "b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void digests_equal_the_published_examples(void **state)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[DS_DIGEST_BYTES];
    char hex[2 * DS_DIGEST_BYTES + 1] = "";
    size_t i, at;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(
            ds_digest_sha256(digest, cases[i].text, strlen(cases[i].text)), 0);
        for (at = 0; at < sizeof(digest); at++) {
            hex[2 * at] = digits[digest[at] >> 4];
            hex[2 * at + 1] = digits[digest[at] & 15];
        }
        assert_string_equal(hex, cases[i].hex);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(digests_equal_the_published_examples),
    };

    return UNIT_RUN(tests);
}
