/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC-SHA256 through OpenSSL's EVP_MAC, and the keys for it.  With digest.c
 * the only file that includes OpenSSL.
 *
 * A key file in bytes ("-" for the line's end, LF or CR LF):
 *
 *     64..128 hex digits -          current key: signs and verifies
 *   [ 64..128 hex digits - ]        previous key: verifies only
 *
 * Nothing else may stand in it: a comment or a third line is more likely a
 * mistake than a wish, and a key that is not the one meant is noticed late.
 */
#include "base/seal.h"

#include <stdio.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

/* A random key has about 30 different bytes among 32; fewer than half of
   that was typed by hand. */
#define KEY_MIN_DIFFERENT 16

/* Longest key file: two longest keys, two line ends of two characters. */
#define KEY_FILE_MAX (2 * (2 * DS_SEAL_KEY_MAX_BYTES + 2))

static apr_status_t mac_parts(unsigned char out[EVP_MAX_MD_SIZE],
                              const ds_seal_key_t *key, const char *purpose,
                              const void *data, apr_size_t len)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string("digest", digest, 0),
        OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
    size_t made = 0;
    int ok = ctx && EVP_MAC_init(ctx, key->secret, key->len, params) &&
             EVP_MAC_update(ctx, (const unsigned char *)purpose,
                            strlen(purpose) + 1) &&
             EVP_MAC_update(ctx, data, len) &&
             EVP_MAC_final(ctx, out, &made, EVP_MAX_MD_SIZE) &&
             made >= DS_SEAL_MAC_BYTES;

    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return ok ? APR_SUCCESS : APR_EGENERAL;
}

apr_status_t ds_seal_mac(unsigned char out[DS_SEAL_MAC_BYTES],
                         const ds_seal_key_t *key, const char *purpose,
                         const void *data, apr_size_t len)
{
    unsigned char full[EVP_MAX_MD_SIZE];
    apr_status_t rv = mac_parts(full, key, purpose, data, len);

    if (rv == APR_SUCCESS) {
        memcpy(out, full, DS_SEAL_MAC_BYTES);
    }
    return rv;
}

void ds_seal_base64url(char *out, const unsigned char *data, apr_size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned int bits = 0;
    int have = 0;

    for (; len > 0; len--) {
        bits = (bits << 8 | *data++) & 0xffff;
        for (have += 8; have >= 6; have -= 6) {
            *out++ = digits[bits >> (have - 6) & 63];
        }
    }
    if (have > 0) {
        *out++ = digits[bits << (6 - have) & 63];
    }
    *out = '\0';
}

apr_status_t ds_seal_sign(char out[DS_SEAL_MAC_ROOM], const ds_seal_key_t *key,
                          const char *purpose, const void *data, apr_size_t len)
{
    unsigned char mac[DS_SEAL_MAC_BYTES];
    apr_status_t rv = ds_seal_mac(mac, key, purpose, data, len);

    out[0] = '\0';
    if (rv == APR_SUCCESS) {
        ds_seal_base64url(out, mac, sizeof(mac));
    }
    return rv;
}

const ds_seal_key_t *ds_seal_verify(const ds_seal_keys_t *keys, const char *id,
                                    const char *mac, apr_size_t mac_len,
                                    const char *purpose, const void *data,
                                    apr_size_t len)
{
    char want[DS_SEAL_MAC_ROOM];
    int i;

    /* Texts are compared, not bytes: the last character of base64url has
       spare bits, and a text that differs in them is not what we made. */
    for (i = 0; i < keys->count && mac_len == DS_SEAL_MAC_CHARS; i++) {
        if (!memcmp(keys->key[i].id, id, DS_SEAL_ID_CHARS) &&
            !ds_seal_sign(want, &keys->key[i], purpose, data, len) &&
            !CRYPTO_memcmp(want, mac, DS_SEAL_MAC_CHARS)) {
            return &keys->key[i];
        }
    }
    return NULL;
}

static apr_status_t name_key(ds_seal_key_t *key)
{
    unsigned char mac[DS_SEAL_MAC_BYTES];
    apr_status_t rv = ds_seal_mac(mac, key, "key-id", "", 0);

    if (rv == APR_SUCCESS) {
        snprintf(key->id, sizeof(key->id), "%02x", mac[0]);
    }
    return rv;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int different_bytes(const ds_seal_key_t *key)
{
    unsigned char seen[256] = {0};
    apr_size_t i;
    int count = 0;

    for (i = 0; i < key->len; i++) {
        count += !seen[key->secret[i]];
        seen[key->secret[i]] = 1;
    }
    return count;
}

/* One line to one key; what is wrong with it, or NULL. */
static const char *key_parse(ds_seal_key_t *out, const char *line,
                             apr_size_t len)
{
    apr_size_t i;

    if (len % 2 || len < 2 * DS_SEAL_KEY_MIN_BYTES ||
        len > 2 * DS_SEAL_KEY_MAX_BYTES) {
        return "is not 64 to 128 hex digits (32 to 64 bytes)";
    }
    out->len = len / 2;
    for (i = 0; i < len; i += 2) {
        int high = hex_digit(line[i]), low = hex_digit(line[i + 1]);
        if (high < 0 || low < 0) {
            return "holds something else than hex digits";
        }
        out->secret[i / 2] = (unsigned char)(high << 4 | low);
    }
    if (different_bytes(out) < KEY_MIN_DIFFERENT) {
        return "is too regular for a secret: take random bytes";
    }
    return name_key(out) == APR_SUCCESS ? NULL : "cannot be used: no HMAC";
}

/* Length of the line at text, without its end; *next is behind that end. */
static apr_size_t line_length(apr_size_t *next, const char *text,
                              apr_size_t len)
{
    const char *end = memchr(text, '\n', len);
    apr_size_t used = end ? (apr_size_t)(end - text) : len;

    *next = end ? used + 1 : used;
    return used > 0 && text[used - 1] == '\r' ? used - 1 : used;
}

const char *ds_seal_keys_parse(ds_seal_keys_t *out, const char *text,
                               apr_size_t len, apr_pool_t *p)
{
    out->count = 0;
    while (len > 0) {
        apr_size_t next, used = line_length(&next, text, len);
        const char *error;

        if (out->count == 2) {
            return "more than two lines: one key a line, current key first";
        }
        error = key_parse(&out->key[out->count], text, used);
        if (error) {
            return apr_psprintf(p, "line %d %s", out->count + 1, error);
        }
        out->count++;
        text += next;
        len -= next;
    }
    return out->count > 0 ? NULL
                          : "no key in it: one or two lines of 64 to "
                            "128 hex digits, current key first";
}

const char *ds_seal_keys_read(ds_seal_keys_t *out, const char *path,
                              apr_pool_t *p)
{
    char text[KEY_FILE_MAX + 1];
    apr_size_t len = 0;
    apr_file_t *file;
    const char *error;
    apr_status_t rv = apr_file_open(&file, path, APR_READ, APR_OS_DEFAULT, p);

    if (rv == APR_SUCCESS) {
        rv = apr_file_read_full(file, text, sizeof(text), &len);
        apr_file_close(file);
    }
    if (rv != APR_SUCCESS && rv != APR_EOF) {
        char why[120];
        return apr_psprintf(p, "key file %s: %s", path,
                            apr_strerror(rv, why, sizeof(why)));
    }
    error = ds_seal_keys_parse(out, text, len, p);
    OPENSSL_cleanse(text, sizeof(text));
    return error ? apr_psprintf(p, "key file %s: %s", path, error) : NULL;
}

apr_status_t ds_seal_keys_random(ds_seal_keys_t *out)
{
    ds_seal_key_t *key = &out->key[0];
    apr_status_t rv;

    key->len = DS_SEAL_KEY_MIN_BYTES;
    rv = apr_generate_random_bytes(key->secret, key->len);
    if (rv == APR_SUCCESS) {
        rv = name_key(key);
    }
    out->count = rv == APR_SUCCESS ? 1 : 0;
    return rv;
}
