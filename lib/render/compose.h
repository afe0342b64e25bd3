/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of one render: bytes in, bytes out.
 *
 *   header, limits -> decode at n/8 -> sRGB -> upright -> size -> kind
 *     -> for each format that may be: encode, compare, choose -> container
 *
 * Runs in a renderer, on one thread, once di_compose_start has returned 1.
 */
#ifndef DI_COMPOSE_H
#define DI_COMPOSE_H

#include <apr_pools.h>

#include "render/render.h"

/**
 * Make all libraries ready in this process, once (render_gm.h says why before
 * the process gives up its rights).
 * @param formats  set: what may be decoded
 * @return 1, or 0
 */
int di_compose_start(unsigned formats, apr_uint64_t memory_bytes);

void di_compose_stop(void);

/**
 * Names and versions of the libraries whose output is in a rendition; part of
 * every key.  Safe in any process and thread: it starts nothing.
 * @return one word, from p
 */
const char *di_compose_version(apr_pool_t *p);

/**
 * Render one picture.  The same job and bytes give the same rendition.
 * @param result  all of it is set; result->status is one of DI_RENDER_OK to
 *                DI_RENDER_FAILED
 * @param out     on DI_RENDER_OK result->bytes bytes, to be freed with
 *                free(); else NULL
 */
void di_compose(di_result_t *result, unsigned char **out, const di_job_t *job,
                const unsigned char *bytes, apr_size_t len);

#endif
