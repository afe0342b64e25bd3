/* SPDX-License-Identifier: Apache-2.0 */
/* From a request to a wish. */
#include "handlers/wish.h"

#include <string.h>

#include "image/accept.h"
#include "image/sniff.h"

static unsigned formats_of(const di_request_t *request, const di_tier_t *tier)
{
    return di_tier_formats(tier, di_format_of_type(request->r->content_type),
                           request->accept);
}

void di_request_read(di_request_t *request)
{
    request->accept = apr_table_get(request->r->headers_in, "Accept");
    request->limits = di_conf_limits(request->conf);
    request->recipe = di_conf_recipe(request->conf, request->tier);
    request->formats = formats_of(request, request->tier);
}

/* 0..9, how long a tier's renditions are kept when room is short. */
static apr_uint32_t kept_priority(const di_conf_t *conf, const di_tier_t *tier)
{
    apr_int64_t priority = DI_CONF(conf, kept_priority);

    return (apr_uint32_t)(priority == DI_PRIORITY_OF_TIER ? tier->priority
                                                          : priority);
}

/* 1, or 0 when there is none. */
static int make_key(di_key_t *out, const di_request_t *request,
                    const di_tier_t *tier, const di_recipe_t *recipe,
                    unsigned formats)
{
    if (!formats ||
        di_variant_key(out, &request->original, recipe, formats,
                       &request->limits, request->renderer, request->r->pool)) {
        return 0;
    }
    out->priority = kept_priority(request->conf, tier);
    out->customer = di_server_conf_of(request->r->server)->site.account;
    return 1;
}

static const ds_bands_t *bands_of(const di_request_t *request)
{
    return ds_bands_or_default(&request->conf->bands);
}

/* ---- what stands in for the tier ---- */

/* The band at a place in the order in which a client is served best when its
   own cannot be: the next smaller ones, then larger ones.  -1 at the end. */
static int nearest_band(int own, int count, int i)
{
    int band = i < own ? own - 1 - i : i + 1;

    return band < count ? band : -1;
}

/* Tiers that are the original have no key, and are left out. */
static di_other_e other_tier(void *baton, di_key_t *key, int i)
{
    const di_request_t *request = baton;
    const ds_bands_t *bands = bands_of(request);
    int own = ds_bands_find(bands, request->band), at, band;

    for (at = 0; (band = nearest_band(own, bands->count, at)) >= 0; at++) {
        di_tier_t room;
        const di_tier_t *tier =
            di_conf_tier(&room, request->conf, bands->band[band].name);
        di_recipe_t recipe;

        if (!tier || tier->original) {
            continue;
        }
        recipe = di_conf_recipe(request->conf, tier);
        if (make_key(key, request, tier, &recipe, formats_of(request, tier)) &&
            i-- == 0) {
            return band < own ? DI_OTHER_SMALLER : DI_OTHER_LARGER;
        }
    }
    return DI_NO_OTHER;
}

static int quick_one(void *baton, di_recipe_t *recipe, di_key_t *key)
{
    const di_request_t *request = baton;

    *recipe = di_tier_quick(&request->recipe);
    return DI_FORMAT_IN(di_accept_formats(request->accept, DI_FORMAT_JPEG),
                        DI_FORMAT_JPEG) &&
           make_key(key, request, request->tier, recipe, DI_FORMAT_SET(JPEG));
}

/* ---- everything that may be wished ---- */

/* The tier of the band at a place; NULL when it is the original, or an earlier
   band has it too. */
static const di_tier_t *own_tier_at(di_tier_t *room, const di_conf_t *conf,
                                    int place)
{
    const ds_bands_t *bands = ds_bands_or_default(&conf->bands);
    const di_tier_t *tier = di_conf_tier(room, conf, bands->band[place].name);
    di_tier_t other_room;
    int i;

    for (i = 0; tier && i < place; i++) {
        const di_tier_t *other =
            di_conf_tier(&other_room, conf, bands->band[i].name);

        if (other && !strcmp(other->name, tier->name)) {
            return NULL;
        }
    }
    return tier && !tier->original ? tier : NULL;
}

/* The i-th set of formats that usual clients lead to; 0 when there is none. */
static unsigned usual_formats(const di_request_t *request,
                              const di_tier_t *tier, int *i)
{
    di_format_e original = di_format_of_type(request->r->content_type);
    unsigned seen[DI_ACCEPT_USUAL];
    int at, earlier;

    for (at = 0; at < DI_ACCEPT_USUAL; at++) {
        seen[at] = di_tier_formats(tier, original, di_accept_usual(at));
        for (earlier = 0; seen[earlier] != seen[at]; earlier++) {
        }
        if (earlier == at && seen[at] && (*i)-- == 0) {
            return seen[at];
        }
    }
    return 0;
}

static int wish_variant(di_wish_t *out, const di_request_t *request, int i)
{
    const ds_bands_t *bands = bands_of(request);
    int band;

    for (band = 0; band < bands->count; band++) {
        di_tier_t room;
        const di_tier_t *tier = own_tier_at(&room, request->conf, band);
        unsigned formats = tier ? usual_formats(request, tier, &i) : 0;

        if (formats) {
            di_recipe_t *recipe = apr_palloc(request->r->pool, sizeof(*recipe));
            di_key_t *key = apr_palloc(request->r->pool, sizeof(*key));

            *recipe = di_conf_recipe(request->conf, tier);
            out->recipe = recipe;
            out->formats = formats;
            out->key = key;
            out->priority = (apr_uint32_t)tier->priority;
            return make_key(key, request, tier, recipe, formats);
        }
    }
    return 0;
}

static int one_of_all(void *baton, di_wish_t *wish, int i)
{
    return wish_variant(wish, baton, i);
}

int di_request_variant(di_wish_t *out, di_request_t *request, unsigned inputs,
                       int i)
{
    request->limits = di_conf_limits(request->conf);
    *out = (di_wish_t){.original = &request->original,
                       .limits = &request->limits,
                       .inputs = inputs,
                       .wait_ms = (apr_uint32_t)DI_CONF(request->conf, wait_ms),
                       .urgency = DI_URGENCY_AHEAD};
    return wish_variant(out, request, i);
}

static const di_others_t others = {other_tier, quick_one, one_of_all};

/* ---- the wish ---- */

/* Whose request this is, for taking turns; FNV-1a (Fowler, Noll, Vo). */
static apr_uint64_t client_of(const request_rec *r)
{
    apr_uint64_t hash = APR_UINT64_C(14695981039346656037);
    const char *c;

    for (c = r->useragent_ip; c && *c; c++) {
        hash = (hash ^ (unsigned char)*c) * APR_UINT64_C(1099511628211);
    }
    return hash;
}

/* Everybody below the topmost band. */
static int is_slow(const di_request_t *request)
{
    const ds_bands_t *bands = bands_of(request);

    return ds_bands_find(bands, request->band) < bands->count - 1;
}

int di_request_wish(di_wish_t *out, di_request_t *request, unsigned inputs)
{
    const di_conf_t *conf = request->conf;

    *out =
        (di_wish_t){.original = &request->original,
                    .limits = &request->limits,
                    .recipe = &request->recipe,
                    .formats = request->formats,
                    .inputs = inputs,
                    .key = &request->key,
                    .wait_ms = (apr_uint32_t)DI_CONF(conf, wait_ms),
                    .urgency = DI_URGENCY_MISSING,
                    .priority = (apr_uint32_t)request->tier->priority,
                    .client = client_of(request->r),
                    .mode = (di_mode_e)DI_CONF(conf, mode),
                    .slow = is_slow(request),
                    .cold_wait_ms = (apr_uint32_t)DI_CONF(conf, cold_wait_ms),
                    .others = &others,
                    .others_baton = request};
    return make_key(&request->key, request, request->tier, &request->recipe,
                    request->formats);
}
