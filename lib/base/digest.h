/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 of bytes that lie in memory, for names and keys of stored things.
 */
#ifndef DS_DIGEST_H
#define DS_DIGEST_H

#include <apr_errno.h>

#define DS_DIGEST_BYTES 32

/**
 * @param out  set on success only
 * @return APR_SUCCESS, or APR_EGENERAL when OpenSSL refuses (it has no memory,
 *         or its configuration offers no SHA-256)
 * Source: FIPS 180-4
 */
apr_status_t ds_digest_sha256(unsigned char out[DS_DIGEST_BYTES],
                              const void *data, apr_size_t bytes);

#endif
