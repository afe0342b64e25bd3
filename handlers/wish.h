/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one image request wishes for: the client's tier in this scope as
 * recipe, formats and key, and what stands in for it.
 */
#ifndef DI_WISH_H
#define DI_WISH_H

#include "directives/dynimage_conf.h"
#include "image/obtain.h"

typedef struct {
    request_rec *r;
    const di_conf_t *conf;
    const char *renderer;   /* libraries behind the renderers, for keys */
    const char *band;       /* of the client */
    const di_tier_t *tier;  /* of the band */
    di_original_t original; /* up to here: set by the caller */
    const char *accept;     /* of the request; httpd has joined its fields */
    di_limits_t limits;
    di_recipe_t recipe;
    unsigned formats; /* set that the rendition may have; empty: the client
                         takes none of the tier's */
    di_key_t key;
} di_request_t;

/* Read limits, recipe and formats; the rest of *request is set already. */
void di_request_read(di_request_t *request);

/**
 * Make the wish.
 * @param out      points into *request, which must outlive it
 * @param inputs   set of formats that the original may have
 * @return 1; 0 when there is no key (a path too long)
 */
int di_request_wish(di_wish_t *out, di_request_t *request, unsigned inputs);

/**
 * The i-th of all renditions that requests of this scope lead to, whoever asks:
 * every tier of its bands that is not the original, x every set of formats that
 * the Accept headers of usual browsers lead to (di_accept_usual).
 * @param out      made whole, for a render that nobody waits for; lives in
 *                 request->r->pool with all that it points to, and in *request
 * @param request  of it r, conf, renderer and original count
 * @param inputs   as for di_request_wish
 * @param i        from 0
 * @return 1; 0 when there are no more
 */
int di_request_variant(di_wish_t *out, di_request_t *request, unsigned inputs,
                       int i);

#endif
