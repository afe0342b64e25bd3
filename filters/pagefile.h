/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages that are files: their bytes are looked at without taking them out of
 * the file bucket, so that the core can still send them with sendfile.
 */
#ifndef SP_PAGEFILE_H
#define SP_PAGEFILE_H

#include "httpd.h"

#include "apr_buckets.h"

#include "speed/placecache.h"

/* Larger files are taken through memory piece by piece while their places are
   not known, so that the first byte need not wait for the last. */
#define SP_PAGEFILE_KEPT_MAX 262144

/* Up to this many bytes are copied rather than left in the file: one writev
   costs less than a system call for each of three parts. */
#define SP_PAGEFILE_COPIED_MAX 32768

/* A file bucket that the core would send with sendfile. */
int sp_pagefile_is_sendable(const apr_bucket *b);

/**
 * Is the page exactly this bucket, and the bucket a whole file?
 * @param key       filled when it is, charset_declared excepted
 * @param sentinel  end of the bucket's brigade, which must end with EOS
 */
int sp_pagefile_is_whole(sp_placecache_key_t *key, apr_bucket *b,
                         const apr_bucket *sentinel);

/**
 * Read all bytes of a file bucket into a buffer; the bucket stays as it is.
 * @return 0 when they are not all there any more, or cannot be read
 */
int sp_pagefile_peek(char *to, const apr_bucket *b);

/**
 * Put a bucket in memory in the place of a file bucket.
 * @param data  its bytes when they are known, or NULL
 * @return the new bucket; b itself when it cannot be read
 */
apr_bucket *sp_pagefile_copy(apr_bucket *b, const char *data);

#endif
