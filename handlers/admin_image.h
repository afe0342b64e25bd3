/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image that an administrator asks about: its settings, and what a request
 * for it would wish for.  Found by a look-up of httpd's own, as a client's GET
 * would find it; the file is not read through it.
 */
#ifndef DI_ADMIN_IMAGE_H
#define DI_ADMIN_IMAGE_H

#include "handlers/admin.h"
#include "handlers/wish.h"

typedef struct {
    di_admin_url_t url;
    request_rec *sub; /* looked up; NULL until then */
    const di_conf_t *conf;
    const char *fault; /* why no rendition is ever sent for the URL; NULL: one
                          may be */
    di_request_t asks; /* without band and tier */
} di_admin_image_t;

/**
 * Look an URL of this site up.
 * @param accept  the Accept header of the client in question; NULL: it sends
 *                none
 * @param status  out: HTTP status with an error
 * @return NULL, or an error sentence: this is no URL of this site.  That httpd
 *         does not answer it with an image is no error: see out->fault
 */
const char *di_admin_image(di_admin_image_t *out, int *status,
                           di_admin_t *admin, const char *url,
                           const char *accept);

/* The sub-request's memory may go. */
void di_admin_image_done(di_admin_image_t *image);

/**
 * What is stored for a key, level by level, without bringing it nearer.
 * @return 1 and *out, which lives in p; 0: nothing
 */
int di_admin_stored(di_entry_t *out, const di_admin_t *admin,
                    const di_key_t *key, apr_pool_t *p);

/* "jpeg", "webp"; "none". */
const char *di_admin_format(unsigned format);

/* The word of DynImageMode in a scope. */
const char *di_admin_mode(const di_conf_t *conf, apr_pool_t *p);

#endif
