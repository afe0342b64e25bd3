/* SPDX-License-Identifier: Apache-2.0 */
/* URL -> settings, file, and what is stored of it. */
#include "handlers/admin_image.h"

#include <string.h>

#include "apr_strings.h"
#include "http_core.h"
#include "http_request.h"

#include "handlers/choice.h"
#include "handlers/purged.h"
#include "image/sniff.h"

/* The headers of the client in question, and none of the administrator's: a
   Cookie or an Authorization would find another answer. */
static apr_table_t *headers_of_client(request_rec *r, const char *accept)
{
    apr_table_t *headers = apr_table_make(r->pool, 2);
    const char *host = apr_table_get(r->headers_in, "Host");

    if (host) {
        apr_table_setn(headers, "Host", host);
    }
    if (accept) {
        apr_table_setn(headers, "Accept", accept);
    }
    return headers;
}

static request_rec *look_up(request_rec *r, const char *uri, const char *accept)
{
    apr_table_t *own = r->headers_in;
    request_rec *sub;

    r->headers_in = headers_of_client(r, accept);
    sub = ap_sub_req_method_uri("GET", uri, r, NULL);
    r->headers_in = own;
    /* As httpd does before it asks handlers. */
    if (!sub->handler) {
        sub->handler = sub->content_type
                           ? apr_pstrndup(sub->pool, sub->content_type,
                                          strcspn(sub->content_type, ";"))
                           : AP_DEFAULT_HANDLER_NAME;
    }
    return sub;
}

/* Why no rendition is ever sent; NULL: one may be. */
static const char *fault_of(const request_rec *sub, const di_conf_t *conf)
{
    if (sub->status != HTTP_OK) {
        return apr_psprintf(sub->pool, "httpd answers %d", sub->status);
    }
    if (sub->finfo.filetype == APR_NOFILE) {
        return "httpd answers 404, or another handler does";
    }
    if (!DI_CONF(conf, enabled)) {
        return "DynImage is Off here";
    }
    if (!di_choice_is_image(sub, conf)) {
        return apr_psprintf(sub->pool, "no image file: type %s, handler %s",
                            sub->content_type ? sub->content_type : "none",
                            sub->handler);
    }
    return di_choice_may_read(sub) ? NULL : "the file cannot be read";
}

const char *di_admin_image(di_admin_image_t *out, int *status,
                           di_admin_t *admin, const char *url,
                           const char *accept)
{
    const char *error;

    memset(out, 0, sizeof(*out));
    error = di_admin_url(&out->url, status, admin, url, 1);
    if (error) {
        return error;
    }
    out->sub = look_up(admin->r, out->url.uri, accept);
    out->conf =
        ap_get_module_config(out->sub->per_dir_config, &dynimage_module);
    out->fault = fault_of(out->sub, out->conf);
    out->asks = (di_request_t){
        .r = out->sub,
        .conf = out->conf,
        .renderer = admin->parts->renderer,
        .original = {out->sub->filename, (apr_uint64_t)out->sub->finfo.size,
                     out->sub->finfo.mtime, di_purged(out->sub)}};
    return NULL;
}

void di_admin_image_done(di_admin_image_t *image)
{
    if (image->sub) {
        ap_destroy_sub_req(image->sub);
        image->sub = NULL;
    }
}

int di_admin_stored(di_entry_t *out, const di_admin_t *admin,
                    const di_key_t *key, apr_pool_t *p)
{
    const di_store_t *store = admin->parts->world.store;
    int i;

    for (i = 0; store && i < store->count; i++) {
        di_level_t *level = store->level[i];

        memset(out, 0, sizeof(*out));
        if (level->get(level, out, key, admin->r->request_time, p) ==
            APR_SUCCESS) {
            out->level = level->name;
            return 1;
        }
    }
    return 0;
}

const char *di_admin_format(unsigned format)
{
    const char *type = di_format_type((di_format_e)format);
    const char *slash = type ? strchr(type, '/') : NULL;

    return slash ? slash + 1 : "none";
}

const char *di_admin_mode(const di_conf_t *conf, apr_pool_t *p)
{
    int count, i;
    const ds_setting_t *table = di_conf_dir_table(&count);

    for (i = 0; i < count; i++) {
        if (!strcmp(table[i].directive, "DynImageMode")) {
            return ds_setting_write(conf, &table[i], p);
        }
    }
    return NULL;
}
