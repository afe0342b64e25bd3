/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: what a program shows to be let in, kept in a file that only its
 * owner and its group can read.
 *
 *     # one token a line; what begins with '#', and an empty line, is none
 *     3f1c0e3b9a5d4d1f8d7c4b0a6e2f9185
 *
 * A token is 32 to 256 printable characters of ASCII without spaces, at least
 * 8 of them different: that is no measure of a good token, but refuses those
 * that somebody made up in a hurry.  Only hashes of tokens are kept.
 */
#ifndef DS_TOKEN_H
#define DS_TOKEN_H

#include <apr_pools.h>

#include "base/digest.h"

#define DS_TOKEN_LEAST 32
#define DS_TOKEN_MOST 256
#define DS_TOKEN_DIFFERENT 8

/* Most tokens of one file. */
#define DS_TOKENS_MAX 64

/* Largest file, bytes. */
#define DS_TOKENS_FILE_MAX 32768

typedef struct {
    int count;
    unsigned char hash[DS_TOKENS_MAX][DS_DIGEST_BYTES];
} ds_tokens_t;

/**
 * Read the tokens of a text.
 * @return NULL when fine, else an error sentence from p that names the line
 *         and what is legal, and never the token
 */
const char *ds_tokens_parse(ds_tokens_t *out, const char *text, apr_size_t len,
                            apr_pool_t *p);

/**
 * The same of a file, which must be a plain one that others than its owner and
 * group can neither read nor write.
 * @return as ds_tokens_parse; the sentence names the file
 */
const char *ds_tokens_read(ds_tokens_t *out, const char *path, apr_pool_t *p);

/**
 * Which token is this?  The time that it takes does not depend on how much of
 * a token was right.
 * @param tokens  NULL: there are none
 * @return its number in the file, from 1; 0: none of them
 */
int ds_tokens_find(const ds_tokens_t *tokens, const char *given,
                   apr_size_t len);

#endif
