/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed text: who made it can be proved later, with the same key.
 *
 * The signature is HMAC-SHA256 over "purpose NUL text", cut to 16 bytes and
 * written in base64url (22 characters).  The purpose keeps a signature made
 * for one use from being good for another.
 *
 * Two keys rotate: the current one signs, both verify.  A key's id is made of
 * the key itself, so a signed text still names its key after a rotation.
 */
#ifndef DS_SEAL_H
#define DS_SEAL_H

#include <apr_errno.h>
#include <apr_pools.h>

#define DS_SEAL_KEY_MIN_BYTES 32
#define DS_SEAL_KEY_MAX_BYTES 64

/* Signature: bytes, characters as text, room for that text with its NUL. */
#define DS_SEAL_MAC_BYTES 16
#define DS_SEAL_MAC_CHARS 22
#define DS_SEAL_MAC_ROOM (DS_SEAL_MAC_CHARS + 1)

/* Characters of a key's id (lower-case hex). */
#define DS_SEAL_ID_CHARS 2

typedef struct {
    unsigned char secret[DS_SEAL_KEY_MAX_BYTES];
    apr_size_t len; /* bytes of secret */
    char id[DS_SEAL_ID_CHARS + 1];
} ds_seal_key_t;

typedef struct {
    int count;            /* 1 or 2; 0: no keys, nothing verifies */
    ds_seal_key_t key[2]; /* current, previous */
} ds_seal_keys_t;

/**
 * Read keys as they stand in a key file: one line, or two of them (current
 * first), each 32 to 64 bytes in hex.
 * @param p  holds the error sentence
 * @return NULL when fine, else a sentence; *out is then not usable
 */
const char *ds_seal_keys_parse(ds_seal_keys_t *out, const char *text,
                               apr_size_t len, apr_pool_t *p);

/* The same from a file; the sentence then names the file. */
const char *ds_seal_keys_read(ds_seal_keys_t *out, const char *path,
                              apr_pool_t *p);

/**
 * Make one random key of 32 bytes.
 * @return APR_SUCCESS, or why there is no randomness
 */
apr_status_t ds_seal_keys_random(ds_seal_keys_t *out);

/**
 * The signature in bytes, for keyed hashes.
 * @param purpose  a constant word of the caller
 * @return APR_SUCCESS; APR_EGENERAL when the library has no HMAC-SHA256
 */
apr_status_t ds_seal_mac(unsigned char out[DS_SEAL_MAC_BYTES],
                         const ds_seal_key_t *key, const char *purpose,
                         const void *data, apr_size_t len);

/* The signature as text, with the same answers. */
apr_status_t ds_seal_sign(char out[DS_SEAL_MAC_ROOM], const ds_seal_key_t *key,
                          const char *purpose, const void *data,
                          apr_size_t len);

/**
 * Whose signature is it?  The comparison takes the same time wherever the
 * first difference lies.
 * @param id   names the key; DS_SEAL_ID_CHARS characters
 * @param mac  the signature's text; exactly DS_SEAL_MAC_CHARS of mac_len
 * @return the key that signed, or NULL
 */
const ds_seal_key_t *ds_seal_verify(const ds_seal_keys_t *keys, const char *id,
                                    const char *mac, apr_size_t mac_len,
                                    const char *purpose, const void *data,
                                    apr_size_t len);

/**
 * Write bytes in base64url without padding (RFC 4648 5).
 * @param out  room for (4 * len + 2) / 3 characters and the NUL
 */
void ds_seal_base64url(char *out, const unsigned char *data, apr_size_t len);

#endif
