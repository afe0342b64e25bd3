/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What decides about an image before any store is asked: is it one, may it be
 * shown, which band, which tier.  One place for those who answer images and
 * for those who say what an answer would be (handlers/admin_explain.c).
 */
#ifndef DI_CHOICE_H
#define DI_CHOICE_H

#include "directives/dynimage_conf.h"

/* Stands for the tier of a band in a scope that has none. */
extern const di_tier_t di_choice_no_tier;

/* A plain file that no other handler claimed, and whose type says picture, in
   a scope with DynImage On. */
int di_choice_is_image(const request_rec *r, const di_conf_t *conf);

/* No rendition that is stored is shown when the original must not be read any
   more; what the client gets then is httpd's to say. */
int di_choice_may_read(const request_rec *r);

/* The index of the band for what is known of a client's speed.
   @param kbps  0: nothing is known */
int di_choice_band(const di_conf_t *conf, apr_uint32_t kbps, int lower_bound);

/* The tier of a band, di_choice_no_tier when the scope has none.
   @param room  written to */
const di_tier_t *di_choice_tier(di_tier_t *room, const di_conf_t *conf,
                                const char *band);

/* Does request or response say no-transform? */
int di_choice_forbids_transform(request_rec *r);

#endif
