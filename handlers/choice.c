/* SPDX-License-Identifier: Apache-2.0 */
/* Request and settings -> is it ours, and which tier. */
#include "handlers/choice.h"

#include <string.h>
#include <unistd.h>

#include "image/cachecontrol.h"
#include "image/sniff.h"

const di_tier_t di_choice_no_tier = {.name = "none", .original = 1};

int di_choice_is_image(const request_rec *r, const di_conf_t *conf)
{
    return DI_CONF(conf, enabled) && r->finfo.filetype == APR_REG &&
           r->filename && !(r->path_info && *r->path_info) &&
           di_format_is_candidate(r->content_type) && r->handler &&
           (!strcmp(r->handler, AP_DEFAULT_HANDLER_NAME) ||
            di_format_is_candidate(r->handler));
}

int di_choice_may_read(const request_rec *r)
{
    return !access(r->filename, R_OK);
}

int di_choice_band(const di_conf_t *conf, apr_uint32_t kbps, int lower_bound)
{
    return ds_bands_of(ds_bands_or_default(&conf->bands), conf->unknown_band,
                       kbps, lower_bound);
}

const di_tier_t *di_choice_tier(di_tier_t *room, const di_conf_t *conf,
                                const char *band)
{
    const di_tier_t *tier = di_conf_tier(room, conf, band);

    return tier ? tier : &di_choice_no_tier;
}

int di_choice_forbids_transform(request_rec *r)
{
    return di_cachecontrol_forbids_transform(
               apr_table_get(r->headers_in, "Cache-Control")) ||
           di_cachecontrol_forbids_transform(
               apr_table_get(r->headers_out, "Cache-Control")) ||
           di_cachecontrol_forbids_transform(
               apr_table_get(r->err_headers_out, "Cache-Control"));
}
