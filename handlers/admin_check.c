/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: the settings that a URL's requests are answered by, each with its
 * value or its default, as it would be written in the configuration.  Those of
 * the whole httpd are for its own administrators.
 */
#include <string.h>

#include "apr_strings.h"

#include "handlers/admin_image.h"
#include "handlers/choice.h"

/* A directive with several settings is listed once, with all of them. */
static void put_table(ds_json_t *to, const void *conf,
                      const ds_setting_t *table, int count, apr_pool_t *p)
{
    const char *text = "";
    int i;

    for (i = 0; i < count; i++) {
        text = apr_pstrcat(p, text, *text ? " " : "",
                           ds_setting_write(conf, &table[i], p), NULL);
        if (i + 1 == count ||
            strcmp(table[i].directive, table[i + 1].directive)) {
            ds_json_text(to, table[i].directive, text);
            text = "";
        }
    }
}

static const char *words_of(const apr_array_header_t *words,
                            const char *fallback, apr_pool_t *p)
{
    return words && words->nelts ? apr_array_pstrcat(p, words, ' ') : fallback;
}

static const char *inputs_text(const di_server_conf_t *conf, apr_pool_t *p)
{
    unsigned inputs = di_conf_inputs(conf), format;
    const char *text = "";

    for (format = DI_FORMAT_UNKNOWN + 1; format < DI_FORMAT_END; format++) {
        if (DI_FORMAT_IN(inputs, format)) {
            text = apr_pstrcat(p, text, *text ? " " : "",
                               di_admin_format(format), NULL);
        }
    }
    return text;
}

static const char *levels_text(const di_store_t *store, apr_pool_t *p)
{
    const char *text = "";
    int i;

    for (i = 0; i < store->count; i++) {
        text = apr_pstrcat(p, text, i ? " " : "", store->level[i]->name, NULL);
    }
    return text;
}

static void put_server(ds_json_t *to, const di_admin_t *admin, apr_pool_t *p)
{
    const di_server_conf_t *conf = di_server_conf_of(admin->r->server);
    const ds_setting_t *table;
    int count;

    table = di_conf_server_table(&count);
    put_table(to, conf, table, count, p);
    ds_json_text(to, "DynImageRenderUser",
                 conf->render_user ? conf->render_user : DI_RENDER_USER);
    ds_json_text(to, "DynImageInputFormats", inputs_text(conf, p));
    ds_json_text(to, "DynImageCacheRoot",
                 conf->cache_root ? conf->cache_root : DI_CACHE_ROOT);
    ds_json_text(to, "DynImageStateDir",
                 conf->state_dir ? conf->state_dir : DI_STATE_ROOT);
    ds_json_text(to, "DynImageStore", levels_text(&admin->parts->store, p));
    ds_json_text(to, "DynImageStoreKeep",
                 admin->parts->store.keep_first ? "first" : "all");
    ds_json_text(to, "DynImagePurgePull", words_of(conf->pull_urls, NULL, p));
    ds_json_text(to, "DynImageMemcached", words_of(conf->memcached, NULL, p));
}

static void put_bands(ds_json_t *root, const di_conf_t *conf)
{
    const ds_bands_t *bands = ds_bands_or_default(&conf->bands);
    ds_json_t *list = ds_json_array_in(root, "bands");
    di_tier_t room;
    int i;

    for (i = 0; i < bands->count; i++) {
        ds_json_t *to = ds_json_object_in(list, NULL);

        ds_json_text(to, "name", bands->band[i].name);
        ds_json_number(to, "from_kbps", bands->band[i].from_kbps);
        ds_json_text(to, "tier",
                     di_choice_tier(&room, conf, bands->band[i].name)->name);
    }
}

/* Each tier that a band leads to, once. */
static void put_tiers(ds_json_t *root, const di_conf_t *conf, apr_pool_t *p)
{
    const ds_bands_t *bands = ds_bands_or_default(&conf->bands);
    ds_json_t *list = ds_json_array_in(root, "tiers");
    apr_table_t *seen = apr_table_make(p, 4);
    di_tier_t room;
    int i;

    for (i = 0; i < bands->count; i++) {
        const di_tier_t *tier =
            di_choice_tier(&room, conf, bands->band[i].name);

        if (!apr_table_get(seen, tier->name)) {
            ds_json_t *to = ds_json_object_in(list, NULL);

            apr_table_setn(seen, tier->name, "");
            ds_json_text(to, "name", tier->name);
            ds_json_text(to, "recipe", di_tier_text(tier, p));
        }
    }
}

static void put_settings(ds_json_t *root, const di_admin_t *admin,
                         const di_admin_image_t *image)
{
    const ds_bands_t *bands = ds_bands_or_default(&image->conf->bands);
    ds_json_t *to = ds_json_object_in(root, "settings");
    const di_server_conf_t *conf = di_server_conf_of(admin->r->server);
    apr_pool_t *p = image->sub->pool;
    const ds_setting_t *table;
    int count;

    table = di_conf_dir_table(&count);
    put_table(to, image->conf, table, count, p);
    ds_json_text(to, "DynImageUnknownBand",
                 bands->band[di_choice_band(image->conf, 0, 0)].name);
    table = di_conf_site_table(&count);
    put_table(to, &conf->site, table, count, p);
    ds_json_text(to, "DynImageCustomer", di_conf_customer(admin->r->server, p));
    if (admin->everywhere) {
        put_server(to, admin, p);
    }
    put_bands(root, image->conf);
    put_tiers(root, image->conf, p);
}

int di_admin_check(di_admin_t *admin)
{
    const char *url = di_admin_field(admin, "url", 0), *error;
    ds_json_t *root = ds_json_object(admin->r->pool);
    di_admin_image_t image;
    int status;

    if (!url) {
        return di_admin_refuse(admin, HTTP_BAD_REQUEST, "url= is missing");
    }
    error = di_admin_image(&image, &status, admin, url, NULL);
    if (error) {
        return di_admin_refuse(admin, status, "%s", error);
    }
    ds_json_text(root, "url", image.url.uri);
    ds_json_text(root, "file",
                 image.sub->finfo.filetype == APR_REG ? image.sub->filename
                                                      : NULL);
    ds_json_text(root, "untouched", image.fault);
    put_settings(root, admin, &image);
    di_admin_image_done(&image);
    return di_admin_send(admin, root);
}
