/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 through OpenSSL's EVP; the only user of its digests. */
#include "base/digest.h"

#include <openssl/evp.h>

apr_status_t ds_digest_sha256(unsigned char out[DS_DIGEST_BYTES],
                              const void *data, apr_size_t bytes)
{
    return EVP_Digest(data, bytes, out, NULL, EVP_sha256(), NULL)
               ? APR_SUCCESS
               : APR_EGENERAL;
}
