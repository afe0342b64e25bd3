/* SPDX-License-Identifier: Apache-2.0 */
/* mod_dynimage's directives: one table for the numbers, setters for bands,
   tiers and words. */
#include "directives/dynimage_conf.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "apr_lib.h"
#include "apr_strings.h"
#include "apr_uri.h"
#include "apr_user.h"

#include "store/store.h"
#include "store/store_memcached.h"

#define DIR_ENTRY(directive, member, kind, least, greatest, def, choices,      \
                  help)                                                        \
    {directive, offsetof(di_conf_t, member), kind, least, greatest, def,       \
     choices},
#define DIR_DEFAULT(directive, member, kind, least, greatest, def, choices,    \
                    help)                                                      \
    .member = def,
#define DIR_INDEX(directive, member, kind, least, greatest, def, choices,      \
                  help)                                                        \
    AT_##member,
#define SERVER_ENTRY(directive, member, kind, least, greatest, def, help)      \
    {                                                                          \
        directive, offsetof(di_server_conf_t, member),                         \
        kind,      least,                                                      \
        greatest,  def,                                                        \
        NULL},
#define SERVER_DEFAULT(directive, member, kind, least, greatest, def, help)    \
    .member = def,
#define SERVER_INDEX(directive, member, kind, least, greatest, def, help)      \
    AT_##member,
#define SITE_ENTRY(directive, member, kind, least, greatest, def, choices)     \
    {directive, offsetof(di_site_conf_t, member), kind, least, greatest, def,  \
     choices},
#define SITE_DEFAULT(directive, member, kind, least, greatest, def, choices)   \
    .site.member = def,
#define SITE_INDEX(directive, member, kind, least, greatest, def, choices)     \
    AT_##member,

static const ds_setting_t dir_settings[] = {DI_DIR_SETTINGS(DIR_ENTRY)};
static const ds_setting_t server_settings[] = {
    DI_SERVER_SETTINGS(SERVER_ENTRY) DI_SERVER_PARTS(SERVER_ENTRY)};
static const ds_setting_t site_settings[] = {DI_SITE_SETTINGS(SITE_ENTRY)};
enum { DI_DIR_SETTINGS(DIR_INDEX) DIR_COUNT };
enum { DI_SITE_SETTINGS(SITE_INDEX) SITE_COUNT };
enum {
    DI_SERVER_SETTINGS(SERVER_INDEX) DI_SERVER_PARTS(SERVER_INDEX) SERVER_COUNT
};

const di_conf_t di_conf_defaults = {DI_DIR_SETTINGS(DIR_DEFAULT)};
const di_server_conf_t di_server_conf_defaults = {
    DI_SERVER_SETTINGS(SERVER_DEFAULT) DI_SERVER_PARTS(SERVER_DEFAULT)
        DI_SITE_SETTINGS(SITE_DEFAULT)};

void *di_conf_dir_create(apr_pool_t *p, char *dir)
{
    di_conf_t *conf = apr_pcalloc(p, sizeof(*conf));

    ds_settings_unset(conf, dir_settings, DIR_COUNT);
    return conf;
}

void *di_conf_dir_merge(apr_pool_t *p, void *base_conf, void *add_conf)
{
    di_conf_t *base = base_conf, *add = add_conf;
    di_conf_t *out = apr_pcalloc(p, sizeof(*out));

    ds_settings_merge(out, base, add, dir_settings, DIR_COUNT);
    ds_bands_merge(&out->bands, &base->bands, &add->bands);
    out->band_tier = add->bands.count ? add->band_tier : base->band_tier;
    out->unknown_band =
        add->unknown_band ? add->unknown_band : base->unknown_band;
    out->tiers = di_tiers_merge(base->tiers, add->tiers, p);
    return out;
}

void *di_conf_server_create(apr_pool_t *p, server_rec *s)
{
    di_server_conf_t *conf = apr_pcalloc(p, sizeof(*conf));

    ds_settings_unset(conf, server_settings, SERVER_COUNT);
    ds_settings_unset(&conf->site, site_settings, SITE_COUNT);
    conf->site.account = -1;
    return conf;
}

/* Most directives are refused outside the main server, so a VirtualHost's
   settings are the main server's, but for those of a site.  The customer is a
   VirtualHost's own: several are one customer only where each says so.  Its
   tokens are its own as well, as those of the main server reach further. */
void *di_conf_server_merge(apr_pool_t *p, void *base_conf, void *add_conf)
{
    const di_server_conf_t *base = base_conf, *add = add_conf;
    di_server_conf_t *out = apr_pmemdup(p, base, sizeof(*base));

    ds_settings_merge(&out->site, &base->site, &add->site, site_settings,
                      SITE_COUNT);
    out->site.customer = add->site.customer;
    out->tokens = add->tokens;
    return out;
}

di_server_conf_t *di_server_conf_of(server_rec *s)
{
    return ap_get_module_config(s->module_config, &dynimage_module);
}

static di_server_conf_t *server_conf(cmd_parms *cmd)
{
    return di_server_conf_of(cmd->server);
}

static const char *set_server_number(cmd_parms *cmd, void *dir_conf,
                                     const char *word)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    return error
               ? error
               : ds_setting_take(server_conf(cmd), cmd->info, word, cmd->pool);
}

static const char *set_band(cmd_parms *cmd, void *dir_conf, const char *name,
                            const char *from, const char *tier)
{
    di_conf_t *conf = dir_conf;
    const char *error;

    if (tier && !ds_arg_is_name(tier)) {
        return ds_setting_error(
            cmd, apr_psprintf(cmd->pool, "\"%s\" is no tier name", tier));
    }
    error = ds_bands_add(&conf->bands, name, from, cmd->pool);
    if (!error && tier) {
        if (!conf->band_tier) {
            conf->band_tier = apr_table_make(cmd->pool, 4);
        }
        apr_table_set(conf->band_tier, name, tier);
    }
    return ds_setting_error(cmd, error);
}

static const char *set_tier(cmd_parms *cmd, void *dir_conf, int argc,
                            char *const argv[])
{
    di_conf_t *conf = dir_conf;
    apr_array_header_t *words = apr_array_make(cmd->pool, 4, sizeof(char *));
    int i;

    if (argc < 1) {
        return ds_setting_error(cmd, "needs a name and a recipe");
    }
    for (i = 1; i < argc; i++) {
        APR_ARRAY_PUSH(words, char *) = argv[i];
    }
    if (!conf->tiers) {
        conf->tiers = di_tiers_make(cmd->pool);
    }
    return ds_setting_error(
        cmd, di_tiers_add(conf->tiers, argv[0], words, cmd->pool));
}

static const char *set_unknown_band(cmd_parms *cmd, void *dir_conf,
                                    const char *name)
{
    if (!ds_arg_is_name(name)) {
        return ds_setting_error(
            cmd, apr_psprintf(cmd->pool, "\"%s\" is no band name", name));
    }
    ((di_conf_t *)dir_conf)->unknown_band = name;
    return NULL;
}

/* The number of a user given as NAME or #UID; 0 (which is root) when there is
   no such user. */
static apr_uid_t number_of_user(const char *user, apr_pool_t *p)
{
    apr_int64_t number = 0;
    apr_gid_t gid;
    apr_uid_t uid = 0;

    if (user[0] == '#') {
        (void)ds_arg_decimal(&number, user + 1, strlen(user + 1));
        return (apr_uid_t)number;
    }
    return apr_uid_get(&uid, &gid, user, p) == APR_SUCCESS ? uid : 0;
}

static const char *set_render_user(cmd_parms *cmd, void *dir_conf,
                                   const char *user)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    if (!error && !number_of_user(user, cmd->pool)) {
        error = ds_setting_error(
            cmd, apr_psprintf(cmd->pool,
                              "\"%s\" is neither a user of this system, other "
                              "than root, nor #UID",
                              user));
    }
    if (!error) {
        server_conf(cmd)->render_user = user;
    }
    return error;
}

/* A folder; cmd->info is where in di_server_conf_t its path goes. */
static const char *set_folder(cmd_parms *cmd, void *dir_conf, const char *path)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    const char **folder =
        (void *)((char *)server_conf(cmd) + (apr_size_t)cmd->info);

    *folder = ap_server_root_relative(cmd->pool, path);
    if (!error && !*folder) {
        error = ds_setting_error(
            cmd, apr_psprintf(cmd->pool, "\"%s\" is no path", path));
    }
    return error;
}

/* ---- what a site says ---- */

/* Anywhere but where it could differ per URL. */
static const char *take_site(cmd_parms *cmd, int at, const char *word)
{
    const char *error =
        ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT | NOT_IN_HTACCESS);

    return error ? error
                 : ds_setting_take(&server_conf(cmd)->site, &site_settings[at],
                                   word, cmd->pool);
}

static const char *set_quota(cmd_parms *cmd, void *dir_conf, const char *bytes,
                             const char *files)
{
    const char *error = take_site(cmd, AT_quota_bytes, bytes);

    return !error && files ? take_site(cmd, AT_quota_files, files) : error;
}

static const char *set_reclaim(cmd_parms *cmd, void *dir_conf,
                               const char *policy, const char *near,
                               const char *keep)
{
    di_site_conf_t *site = &server_conf(cmd)->site;
    const char *error = take_site(cmd, AT_policy, policy);

    if (!error && near) {
        error = take_site(cmd, AT_near_pct, near);
    }
    if (!error && keep) {
        error = take_site(cmd, AT_keep_pct, keep);
    }
    if (!error && near && !keep && site->keep_pct == DS_UNSET) {
        site->keep_pct = site->near_pct - 5;
    }
    if (!error && near && site->keep_pct > site->near_pct) {
        error = ds_setting_error(
            cmd, "the second share, down to which a reclaim goes, is above "
                 "the first, at which it begins");
    }
    return error;
}

static const char *set_customer(cmd_parms *cmd, void *dir_conf,
                                const char *name)
{
    const char *error =
        ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT | NOT_IN_HTACCESS);

    if (!error && !di_customer_name_is_legal(name)) {
        error = ds_setting_error(
            cmd, apr_psprintf(cmd->pool,
                              "\"%s\" is no customer's name: 1 to 63 of a-z, "
                              "0-9, '.', '-', '_', the first a letter or digit",
                              name));
    }
    server_conf(cmd)->site.customer = name;
    return error;
}

static const char *set_recycle(cmd_parms *cmd, void *dir_conf, const char *jobs,
                               const char *size)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    if (!error) {
        error =
            ds_setting_take(server_conf(cmd), &server_settings[AT_recycle_jobs],
                            jobs, cmd->pool);
    }
    if (!error && size) {
        error = ds_setting_take(server_conf(cmd),
                                &server_settings[AT_recycle_bytes], size,
                                cmd->pool);
    }
    return error;
}

static const char *set_admin_keys(cmd_parms *cmd, void *dir_conf,
                                  const char *name)
{
    const char *error = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);
    const char *path = ap_server_root_relative(cmd->pool, name);
    ds_tokens_t *tokens = apr_pcalloc(cmd->pool, sizeof(*tokens));

    if (error) {
        return error;
    }
    if (!path) {
        return ds_setting_error(
            cmd, apr_psprintf(cmd->pool, "\"%s\" is no path", name));
    }
    server_conf(cmd)->tokens = tokens;
    return ds_setting_error(cmd, ds_tokens_read(tokens, path, cmd->pool));
}

static const char *add_pull(cmd_parms *cmd, void *dir_conf, const char *url)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    di_server_conf_t *conf = server_conf(cmd);
    apr_uri_t uri;

    if (error) {
        return error;
    }
    if (apr_uri_parse(cmd->pool, url, &uri) != APR_SUCCESS || !uri.hostname ||
        !uri.scheme ||
        (strcasecmp(uri.scheme, "http") && strcasecmp(uri.scheme, "https"))) {
        return ds_setting_error(
            cmd,
            apr_psprintf(cmd->pool, "\"%s\" is no http or https URL", url));
    }
    if (!conf->pull_urls) {
        conf->pull_urls = apr_array_make(cmd->pool, 2, sizeof(const char *));
    }
    APR_ARRAY_PUSH(conf->pull_urls, const char *) = url;
    return NULL;
}

/* The first token of a file that ds_tokens_read found good. */
static const char *first_token(const char *path, apr_pool_t *p)
{
    const char *token = NULL;
    ap_configfile_t *file;
    char line[DS_TOKENS_FILE_MAX];

    if (ap_pcfg_openfile(&file, p, path) != APR_SUCCESS) {
        return NULL;
    }
    while (!token && ap_cfg_getline(line, sizeof(line), file) == APR_SUCCESS) {
        token = *line && *line != '#' ? apr_pstrdup(p, line) : NULL;
    }
    ap_cfg_closefile(file);
    return token;
}

static const char *set_pull_key(cmd_parms *cmd, void *dir_conf,
                                const char *name)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    const char *path = ap_server_root_relative(cmd->pool, name);
    ds_tokens_t tokens = {.count = 0};

    if (error) {
        return error;
    }
    error = path ? ds_tokens_read(&tokens, path, cmd->temp_pool)
                 : apr_psprintf(cmd->pool, "\"%s\" is no path", name);
    if (!error) {
        server_conf(cmd)->pull_token = first_token(path, cmd->pool);
    }
    if (!error && !server_conf(cmd)->pull_token) {
        error = apr_psprintf(cmd->pool, "%s holds no token", path);
    }
    return ds_setting_error(cmd, error);
}

/* The format of that name; DI_FORMAT_UNKNOWN when there is none. */
static di_format_e format_named(const char *name)
{
    static const char *const names[DI_FORMAT_END] = {
        [DI_FORMAT_JPEG] = "jpeg", [DI_FORMAT_PNG] = "png",
        [DI_FORMAT_GIF] = "gif",   [DI_FORMAT_WEBP] = "webp",
        [DI_FORMAT_TIFF] = "tiff", [DI_FORMAT_BMP] = "bmp",
        [DI_FORMAT_AVIF] = "avif", [DI_FORMAT_HEIC] = "heic",
        [DI_FORMAT_JXL] = "jxl"};
    int i = DI_FORMAT_END - 1;

    while (i > 0 && strcasecmp(names[i], name)) {
        i--;
    }
    return (di_format_e)i;
}

static const char *set_inputs(cmd_parms *cmd, void *dir_conf, int argc,
                              char *const argv[])
{
    static const char legal[] = "jpeg, png, gif, webp, tiff, bmp, avif, heic, "
                                "jxl";
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    unsigned inputs = 0;
    int i;

    if (error) {
        return error;
    }
    if (argc == 0) {
        error = apr_pstrcat(cmd->pool, "needs formats: ", legal, NULL);
    }
    for (i = 0; i < argc && !error; i++) {
        di_format_e format = format_named(argv[i]);
        if (format == DI_FORMAT_UNKNOWN) {
            error =
                apr_psprintf(cmd->pool, "\"%s\" is none of %s", argv[i], legal);
        }
        inputs |= 1u << format;
    }
    server_conf(cmd)->inputs = inputs;
    return ds_setting_error(cmd, error);
}

static const char *set_store(cmd_parms *cmd, void *dir_conf, int argc,
                             char *const argv[])
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    apr_array_header_t *levels =
        apr_array_make(cmd->pool, 2, sizeof(const char *));
    int i, j;

    for (i = 0; i < argc && !error; i++) {
        if (strcasecmp(argv[i], "disk") && strcasecmp(argv[i], "memcached") &&
            strcasecmp(argv[i], "memory")) {
            error = apr_psprintf(cmd->pool,
                                 "\"%s\" is none of memory, disk, memcached",
                                 argv[i]);
        }
        for (j = 0; j < i && !error; j++) {
            if (!strcasecmp(argv[i], argv[j])) {
                error = apr_psprintf(cmd->pool, "%s is named twice", argv[i]);
            }
        }
        APR_ARRAY_PUSH(levels, const char *) = argv[i];
    }
    if (!error && argc == 0) {
        error = "needs the levels in order: memory, disk, memcached";
    }
    server_conf(cmd)->levels = levels;
    return ds_setting_error(cmd, error);
}

static const char *set_store_keep(cmd_parms *cmd, void *dir_conf,
                                  const char *word)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    if (!error && strcasecmp(word, "all") && strcasecmp(word, "first")) {
        error = ds_setting_error(
            cmd,
            apr_psprintf(cmd->pool, "\"%s\" is neither all nor first", word));
    }
    server_conf(cmd)->keep_first = !strcasecmp(word, "first");
    return error;
}

static const char *add_memcached(cmd_parms *cmd, void *dir_conf,
                                 const char *server)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    di_server_conf_t *conf = server_conf(cmd);

    if (error) {
        return error;
    }
    if (!conf->memcached) {
        conf->memcached = apr_array_make(cmd->pool, 2, sizeof(const char *));
    }
    APR_ARRAY_PUSH(conf->memcached, const char *) = server;
    return ds_setting_error(cmd, di_memcached_server_check(server, cmd->pool));
}

#define DIR_COMMAND(directive, member, kind, least, greatest, def, choices,    \
                    help)                                                      \
    AP_INIT_TAKE1(directive, ds_setting_dir,                                   \
                  (void *)(apr_uintptr_t)&dir_settings[AT_##member],           \
                  OR_FILEINFO, help),
#define SERVER_COMMAND(directive, member, kind, least, greatest, def, help)    \
    AP_INIT_TAKE1(directive, set_server_number,                                \
                  (void *)(apr_uintptr_t)&server_settings[AT_##member],        \
                  RSRC_CONF, help),

const command_rec di_conf_commands[] = {
    DI_DIR_SETTINGS(DIR_COMMAND) DI_SERVER_SETTINGS(SERVER_COMMAND)
        AP_INIT_TAKE23("DynImageBand", set_band, NULL, OR_FILEINFO,
                       "name, lower border in kbit/s, and the tier if it has "
                       "another name"),
    AP_INIT_TAKE_ARGV("DynImageTier", set_tier, NULL, OR_FILEINFO,
                      "name and recipe: original, or KEY=VALUE of scale, fit, "
                      "width, height, quality, ssim, bytes, chroma, "
                      "progressive, colors, formats, layout, priority"),
    AP_INIT_TAKE1("DynImageUnknownBand", set_unknown_band, NULL, OR_FILEINFO,
                  "band of a client of unknown speed"),
    AP_INIT_TAKE1("DynImageRenderUser", set_render_user, NULL, RSRC_CONF,
                  "user of the render processes when httpd starts as root"),
    AP_INIT_TAKE12("DynImageRenderRecycle", set_recycle, NULL, RSRC_CONF,
                   "renders, and bytes grown, after which a render process "
                   "is replaced"),
    AP_INIT_TAKE_ARGV("DynImageInputFormats", set_inputs, NULL, RSRC_CONF,
                      "formats of originals that are rendered: jpeg, png, "
                      "gif, webp, tiff, bmp, avif, heic, jxl"),
    AP_INIT_TAKE1("DynImageCacheRoot", set_folder,
                  (void *)APR_OFFSETOF(di_server_conf_t, cache_root), RSRC_CONF,
                  "folder of the disk store"),
    AP_INIT_TAKE1("DynImageStateDir", set_folder,
                  (void *)APR_OFFSETOF(di_server_conf_t, state_dir), RSRC_CONF,
                  "folder of what must not be lost: accounts, ledger, purges"),
    AP_INIT_TAKE1("DynImageCustomer", set_customer, NULL, RSRC_CONF,
                  "whose the site is, for quota and ledger"),
    AP_INIT_TAKE12("DynImageQuota", set_quota, NULL, RSRC_CONF,
                   "bytes, and files, that the customer may have on disk"),
    AP_INIT_TAKE123("DynImageReclaim", set_reclaim, NULL, RSRC_CONF,
                    "what goes first when the quota is full: idle, lru, lfu, "
                    "age, priority or permanent; and from which share of it "
                    "on, down to which"),
    AP_INIT_TAKE_ARGV("DynImageStore", set_store, NULL, RSRC_CONF,
                      "levels of the store in order: memory, disk, memcached"),
    AP_INIT_TAKE1("DynImageStoreKeep", set_store_keep, NULL, RSRC_CONF,
                  "all: renditions are put into every level; first: into the "
                  "first that takes them"),
    AP_INIT_ITERATE("DynImageMemcached", add_memcached, NULL, RSRC_CONF,
                    "memcached servers: host:port, or the path of a socket"),
    AP_INIT_ITERATE("DynImagePurgePull", add_pull, NULL, RSRC_CONF,
                    "URLs of other machines' purge maps"),
    AP_INIT_TAKE1("DynImagePurgePullKeyFile", set_pull_key, NULL, RSRC_CONF,
                  "file with the token that those machines want"),
    AP_INIT_TAKE1("DynImageAdminKeyFile", set_admin_keys, NULL, RSRC_CONF,
                  "file with the tokens of administrators, one a line"),
    {NULL}};

const ds_setting_t *di_conf_dir_table(int *count)
{
    *count = DIR_COUNT;
    return dir_settings;
}

const ds_setting_t *di_conf_server_table(int *count)
{
    *count = SERVER_COUNT;
    return server_settings;
}

const ds_setting_t *di_conf_site_table(int *count)
{
    *count = SITE_COUNT;
    return site_settings;
}

const di_tier_t *di_conf_tier(di_tier_t *room, const di_conf_t *conf,
                              const char *band)
{
    const char *tier =
        conf->band_tier ? apr_table_get(conf->band_tier, band) : NULL;

    return di_tiers_find(room, conf->tiers, tier ? tier : band);
}

di_limits_t di_conf_limits(const di_conf_t *conf)
{
    di_limits_t limits = {
        .max_bytes = (apr_uint64_t)DI_CONF(conf, max_bytes),
        .max_pixels = (apr_uint64_t)DI_CONF(conf, max_pixels),
        .max_side_px = (apr_uint32_t)DI_CONF(conf, max_side_px),
        .max_frames = (apr_uint32_t)DI_CONF(conf, max_frames),
        .max_scans = (apr_uint32_t)DI_CONF(conf, max_scans),
        .max_profile_bytes = (apr_uint32_t)DI_CONF(conf, max_profile_bytes)};

    return limits;
}

di_recipe_t di_conf_recipe(const di_conf_t *conf, const di_tier_t *tier)
{
    return di_tier_recipe(tier, (apr_uint32_t)DI_CONF(conf, background),
                          (int)DI_CONF(conf, keep_copyright));
}

int di_conf_renderers(const di_server_conf_t *conf)
{
    apr_int64_t count = DI_SERVER_CONF(conf, renderers);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (count > 0) {
        return (int)count;
    }
    return cores < 1                  ? 1
           : cores < DI_RENDERERS_MAX ? (int)cores
                                      : DI_RENDERERS_MAX;
}

const char *di_conf_customer(server_rec *s, apr_pool_t *p)
{
    const di_server_conf_t *conf = di_server_conf_of(s);
    char *name, *at;

    if (conf->site.customer) {
        return conf->site.customer;
    }
    name = apr_pstrndup(p, s->server_hostname ? s->server_hostname : "",
                        DI_CUSTOMER_NAME_ROOM - 1);
    for (at = name; *at; at++) {
        *at = (char)apr_tolower(*at);
        if (!apr_isalnum(*at) && *at != '.' && *at != '_') {
            *at = '-';
        }
    }
    return di_customer_name_is_legal(name) ? name : "default";
}

di_terms_t di_conf_terms(const di_server_conf_t *conf)
{
    di_terms_t terms = {
        .quota_bytes = (apr_uint64_t)DI_SITE_CONF(conf, quota_bytes),
        .quota_files = (apr_uint64_t)DI_SITE_CONF(conf, quota_files),
        .policy = (di_policy_e)DI_SITE_CONF(conf, policy),
        .near_pct = (int)DI_SITE_CONF(conf, near_pct),
        .keep_pct = (int)DI_SITE_CONF(conf, keep_pct)};

    return terms;
}

unsigned di_conf_inputs(const di_server_conf_t *conf)
{
    return conf->inputs ? conf->inputs : DI_FORMATS_IN_DEFAULT;
}

const char *di_conf_check(const di_conf_t *conf, apr_pool_t *p)
{
    const ds_bands_t *bands = ds_bands_or_default(&conf->bands);
    di_tier_t room;
    int i;

    if (conf->unknown_band && ds_bands_find(bands, conf->unknown_band) < 0) {
        return apr_psprintf(p, "DynImageUnknownBand: there is no band \"%s\"",
                            conf->unknown_band);
    }
    for (i = 0; i < bands->count; i++) {
        if (!di_conf_tier(&room, conf, bands->band[i].name)) {
            return apr_psprintf(
                p,
                "DynImageBand: band \"%s\" has no tier of its name or of "
                "the name it gives: add a DynImageTier",
                bands->band[i].name);
        }
    }
    return NULL;
}
