/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rendering with GraphicsMagick: bytes in, bytes out.  The one file of the
 * tree that knows this library.
 *
 * GraphicsMagick keeps process-wide state, so this belongs in a process of
 * its own (render/renderer.h) and is called from one thread.
 */
#ifndef DI_RENDER_GM_H
#define DI_RENDER_GM_H

#include "render/render.h"

/**
 * Make the library ready in this process, once: no signal handlers, no
 * delegates, no coder but the four formats, limits set; then decode and
 * encode a tiny picture of each format, so that whatever the coders load or
 * look up on first use is there before the process gives up its rights.
 * @param memory_bytes  for pixels, in all
 * @return 1 when every format works, else 0
 */
int di_gm_start(apr_uint64_t memory_bytes);

/**
 * Name and version of the library that renders; part of every key.  Safe in
 * any process and thread: it starts nothing.
 */
const char *di_gm_version(void);

/* Release all that the library holds in this process. */
void di_gm_stop(void);

/**
 * Render one picture.  The same job and bytes give the same rendition.
 * @param result  all of it is set; result->status is one of DI_RENDER_OK to
 *                DI_RENDER_FAILED
 * @param out     on DI_RENDER_OK result->bytes bytes, to be freed with
 *                free(); else NULL
 */
void di_gm_render(di_result_t *result, unsigned char **out, const di_job_t *job,
                  const unsigned char *bytes, apr_size_t len);

#endif
