/* SPDX-License-Identifier: Apache-2.0 */
/* mod_speedprobe's directives: one table for the numbers, setters for the
   words and for what takes two arguments. */
#include "directives/speedprobe_conf.h"

#include <stddef.h>

#include "apr_strings.h"

#include "base/units.h"
#include "speed/snippet.h"
#include "store/store_memcached.h"

extern module AP_MODULE_DECLARE_DATA speedprobe_module;

#define ENTRY(directive, member, kind, least, greatest, def, choices, help)    \
    {directive, offsetof(sp_conf_t, member), kind, least, greatest, def,       \
     choices},
#define DEFAULT(directive, member, kind, least, greatest, def, choices, help)  \
    .member = def,
#define INDEX(directive, member, kind, least, greatest, def, choices, help)    \
    AT_##member,

static const ds_setting_t settings[] = {
    SP_DIR_SETTINGS(ENTRY)
    /* Set together by set_assume; here for "unset" and merge. */
    {"SpeedProbeAssume", offsetof(sp_conf_t, assume_kbps), DS_ARG_RATE, 1,
     DS_RATE_MAX_KBPS, 0, NULL},
    {"SpeedProbeAssume", offsetof(sp_conf_t, assume_rtt_ms), DS_ARG_COUNT, 1,
     DS_RTT_MAX_MS, 0, NULL},
    /* Set together by set_beacon_limit. */
    {"SpeedProbeBeaconLimit", offsetof(sp_conf_t, beacon_limit_count),
     DS_ARG_COUNT, 1, 1000000, 60, NULL},
    {"SpeedProbeBeaconLimit", offsetof(sp_conf_t, beacon_limit_per_ms),
     DS_ARG_TIME, 1000, 86400000, 60000, NULL},
    /* Set by set_honor. */
    {"SpeedProbeHonor", offsetof(sp_conf_t, honor), DS_ARG_COUNT, 0, 3, 0,
     NULL}};
enum {
    SP_DIR_SETTINGS(INDEX) AT_assume_kbps,
    AT_assume_rtt_ms,
    AT_beacon_limit_count,
    AT_beacon_limit_per_ms,
    AT_honor,
    COUNT
};

const sp_conf_t sp_conf_defaults = {
    SP_DIR_SETTINGS(DEFAULT).beacon_limit_count = 60,
    .beacon_limit_per_ms = 60000};

#define SERVER_ENTRY(directive, member, kind, least, greatest, def, help)      \
    {                                                                          \
        directive, offsetof(sp_server_conf_t, member),                         \
        kind,      least,                                                      \
        greatest,  def,                                                        \
        NULL},
#define SERVER_DEFAULT(directive, member, kind, least, greatest, def, help)    \
    .member = def,
#define SERVER_INDEX(directive, member, kind, least, greatest, def, help)      \
    AT_##member,

static const ds_setting_t server_settings[] = {
    SP_SERVER_SETTINGS(SERVER_ENTRY)};
enum { SP_SERVER_SETTINGS(SERVER_INDEX) SERVER_COUNT };

const sp_server_conf_t sp_server_conf_defaults = {
    SP_SERVER_SETTINGS(SERVER_DEFAULT)};

void *sp_conf_dir_create(apr_pool_t *p, char *dir)
{
    sp_conf_t *conf = apr_pcalloc(p, sizeof(*conf));

    ds_settings_unset(conf, settings, COUNT);
    return conf;
}

void *sp_conf_dir_merge(apr_pool_t *p, void *base_conf, void *add_conf)
{
    sp_conf_t *base = base_conf, *add = add_conf;
    sp_conf_t *out = apr_pcalloc(p, sizeof(*out));

    ds_settings_merge(out, base, add, settings, COUNT);
    ds_bands_merge(&out->bands, &base->bands, &add->bands);
    out->unknown_band =
        add->unknown_band ? add->unknown_band : base->unknown_band;
    out->consent = add->consent ? add->consent : base->consent;
    return out;
}

void *sp_conf_server_create(apr_pool_t *p, server_rec *s)
{
    sp_server_conf_t *conf = apr_pcalloc(p, sizeof(*conf));

    ds_settings_unset(conf, server_settings, SERVER_COUNT);
    return conf;
}

void *sp_conf_server_merge(apr_pool_t *p, void *base_conf, void *add_conf)
{
    sp_server_conf_t *base = base_conf, *add = add_conf;
    sp_server_conf_t *out = apr_pcalloc(p, sizeof(*out));

    ds_settings_merge(out, base, add, server_settings, SERVER_COUNT);
    out->beacon = add->beacon ? add->beacon : base->beacon;
    out->state_file = base->state_file;
    out->memcached = base->memcached;
    out->keys = add->keys ? add->keys : base->keys;
    out->off = add->off || (base->off && !add->on);
    out->on = add->on || (base->on && !add->off);
    out->on_below = add->on_below || base->on_below;
    out->used = out->on || out->on_below;
    out->probes = add->probes || base->probes;
    return out;
}

const sp_conf_t *sp_conf_of(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &speedprobe_module);
}

sp_server_conf_t *sp_server_conf_of(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &speedprobe_module);
}

int sp_conf_remembers(const sp_conf_t *conf)
{
    return SP_CONF(conf, cookie) && SP_CONF(conf, assume_kbps) == 0;
}

int sp_conf_injects(const sp_conf_t *conf)
{
    return SP_CONF(conf, enabled) && SP_CONF(conf, method) != SP_METHOD_OFF &&
           sp_conf_remembers(conf);
}

const char *sp_conf_beacon(const server_rec *s)
{
    const char *beacon = sp_server_conf_of(s)->beacon;

    return beacon ? beacon : SP_BEACON_DEFAULT;
}

/* Is this a file of the configuration, not an .htaccess file? */
static int at_startup(const cmd_parms *cmd)
{
    return (cmd->override & (RSRC_CONF | ACCESS_CONF)) != 0;
}

/* The beacon's URL is caught before it is known which Location or Directory
   holds, so any On of a server switches it on; the main server's own On does
   not where a VirtualHost says Off. */
static void note_enabled(const cmd_parms *cmd, int on)
{
    sp_server_conf_t *server = sp_server_conf_of(cmd->server);

    if (!at_startup(cmd)) {
        return;
    }
    if (cmd->path) {
        server->on_below |= on;
    }
    else {
        server->on = on;
        server->off = !on;
    }
    server->used = server->on || server->on_below;
}

static const char *set_number(cmd_parms *cmd, void *dir_conf, const char *word)
{
    sp_conf_t *conf = dir_conf;
    const char *error = ds_setting_take(conf, cmd->info, word, cmd->pool);

    if (!error && cmd->info == &settings[AT_enabled]) {
        note_enabled(cmd, (int)conf->enabled);
    }
    if (!error && conf->method == SP_METHOD_PROBE && at_startup(cmd)) {
        sp_server_conf_of(cmd->server)->probes = 1;
    }
    return error;
}

static const char *set_assume(cmd_parms *cmd, void *dir_conf, const char *rate,
                              const char *rtt)
{
    sp_conf_t *conf = dir_conf;
    const char *error = NULL;

    conf->assume_rtt_ms = 0;
    if (!strcasecmp(rate, "none") && !rtt) {
        conf->assume_kbps = 0;
        return NULL;
    }
    error = ds_setting_take(conf, &settings[AT_assume_kbps], rate, cmd->pool);
    if (error) {
        return apr_pstrcat(cmd->pool, error, "; or none", NULL);
    }
    return rtt ? ds_setting_take(conf, &settings[AT_assume_rtt_ms], rtt,
                                 cmd->pool)
               : NULL;
}

static const char *set_beacon_limit(cmd_parms *cmd, void *dir_conf,
                                    const char *count, const char *per)
{
    sp_conf_t *conf = dir_conf;
    const char *error;

    if (!strcasecmp(count, "none") && !per) {
        conf->beacon_limit_count = 0;
        return NULL;
    }
    error = ds_setting_take(conf, &settings[AT_beacon_limit_count], count,
                            cmd->pool);
    if (error) {
        return apr_pstrcat(cmd->pool, error, "; or none", NULL);
    }
    return ds_setting_take(conf, &settings[AT_beacon_limit_per_ms],
                           per ? per : "1min", cmd->pool);
}

/* "none", "gpc", "dnt", or both of the last. */
static const char *set_honor(cmd_parms *cmd, void *dir_conf, const char *first,
                             const char *second)
{
    const char *words[] = {first, second};
    sp_conf_t *conf = dir_conf;
    int i;

    conf->honor = 0;
    if (!strcasecmp(first, "none") && !second) {
        return NULL;
    }
    for (i = 0; i < 2 && words[i]; i++) {
        if (!strcasecmp(words[i], "gpc")) {
            conf->honor |= SP_HONOR_GPC;
        }
        else if (!strcasecmp(words[i], "dnt")) {
            conf->honor |= SP_HONOR_DNT;
        }
        else {
            return ds_setting_error(
                cmd, apr_psprintf(cmd->pool,
                                  "\"%s\" is neither gpc nor dnt; or none",
                                  words[i]));
        }
    }
    return NULL;
}

static const char *set_consent(cmd_parms *cmd, void *dir_conf, const char *text)
{
    sp_consent_t *consent = apr_pcalloc(cmd->pool, sizeof(*consent));
    const char *error = NULL;

    if (strcasecmp(text, "none")) {
        error = sp_consent_parse(consent, text, cmd->pool);
    }
    ((sp_conf_t *)dir_conf)->consent = consent;
    return error ? ds_setting_error(
                       cmd, apr_pstrcat(cmd->pool, error, "; or none", NULL))
                 : NULL;
}

static const char *set_band(cmd_parms *cmd, void *dir_conf, const char *name,
                            const char *from)
{
    sp_conf_t *conf = dir_conf;

    return ds_setting_error(cmd,
                            ds_bands_add(&conf->bands, name, from, cmd->pool));
}

static const char *set_unknown_band(cmd_parms *cmd, void *dir_conf,
                                    const char *name)
{
    if (!ds_arg_is_name(name)) {
        return ds_setting_error(cmd,
                                apr_psprintf(cmd->pool,
                                             "\"%s\" is not a band name: a "
                                             "lower-case letter, then up to 31 "
                                             "of a-z 0-9 - _",
                                             name));
    }
    ((sp_conf_t *)dir_conf)->unknown_band = name;
    return NULL;
}

static const char *set_beacon(cmd_parms *cmd, void *dir_conf, const char *path)
{
    const char *error = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);

    if (!error && !sp_snippet_is_path(path)) {
        error = ds_setting_error(
            cmd, apr_psprintf(cmd->pool,
                              "\"%s\" is not an absolute path of a-z A-Z 0-9 "
                              "/ . _ ~ - without //, /. or / at its end",
                              path));
    }
    sp_server_conf_of(cmd->server)->beacon = path;
    return error;
}

/* A number that one httpd has once. */
static const char *set_server_number(cmd_parms *cmd, void *dir_conf,
                                     const char *word)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    return error ? error
                 : ds_setting_take(sp_server_conf_of(cmd->server), cmd->info,
                                   word, cmd->pool);
}

static const char *set_table(cmd_parms *cmd, void *dir_conf, const char *word)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    if (!error && !strcasecmp(word, "none")) {
        sp_server_conf_of(cmd->server)->table_rows = 0;
        return NULL;
    }
    if (error) {
        return error;
    }
    error = set_server_number(cmd, dir_conf, word);
    return error ? apr_pstrcat(cmd->pool, error, "; or none", NULL) : NULL;
}

static const char *set_state_file(cmd_parms *cmd, void *dir_conf,
                                  const char *name)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    const char *path = ap_server_root_relative(cmd->pool, name);

    if (!error && !path) {
        error = ds_setting_error(
            cmd, apr_psprintf(cmd->pool, "\"%s\" is no path", name));
    }
    sp_server_conf_of(cmd->server)->state_file = path;
    return error;
}

static const char *add_memcached(cmd_parms *cmd, void *dir_conf,
                                 const char *server)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    sp_server_conf_t *conf = sp_server_conf_of(cmd->server);

    if (error) {
        return error;
    }
    if (!conf->memcached) {
        conf->memcached = apr_array_make(cmd->pool, 2, sizeof(const char *));
    }
    APR_ARRAY_PUSH(conf->memcached, const char *) = server;
    return ds_setting_error(cmd, di_memcached_server_check(server, cmd->pool));
}

static const char *set_key_file(cmd_parms *cmd, void *dir_conf,
                                const char *name)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    const char *path = ap_server_root_relative(cmd->pool, name);
    ds_seal_keys_t *keys = apr_pcalloc(cmd->pool, sizeof(*keys));

    if (error) {
        return error;
    }
    if (!path) {
        return ds_setting_error(
            cmd, apr_psprintf(cmd->pool, "\"%s\" is no path", name));
    }
    sp_server_conf_of(cmd->server)->keys = keys;
    return ds_setting_error(cmd, ds_seal_keys_read(keys, path, cmd->pool));
}

#define COMMAND(directive, member, kind, least, greatest, def, choices, help)  \
    AP_INIT_TAKE1(directive, set_number,                                       \
                  (void *)(apr_uintptr_t)&settings[AT_##member], OR_FILEINFO,  \
                  help),

const command_rec sp_conf_commands[] = {
    SP_DIR_SETTINGS(COMMAND) AP_INIT_TAKE12(
        "SpeedProbeAssume", set_assume, NULL, OR_FILEINFO,
        "every client here has this rate in kbit/s, and this round trip in "
        "ms; or none"),
    AP_INIT_TAKE12("SpeedProbeBeaconLimit", set_beacon_limit, NULL, OR_FILEINFO,
                   "beacons of one client that are used in a time; or none"),
    AP_INIT_TAKE1("SpeedProbeConsent", set_consent, NULL, OR_FILEINFO,
                  "cookie, or COOKIE=VALUE, by which a visitor agrees; or "
                  "none"),
    AP_INIT_TAKE12("SpeedProbeHonor", set_honor, NULL, OR_FILEINFO,
                   "gpc, dnt: headers that count as missing consent; or none"),
    AP_INIT_TAKE2("SpeedProbeBand", set_band, NULL, OR_FILEINFO,
                  "name of a band and its lower border in kbit/s"),
    AP_INIT_TAKE1("SpeedProbeUnknownBand", set_unknown_band, NULL, OR_FILEINFO,
                  "band of a client of unknown speed"),
    AP_INIT_TAKE1("SpeedProbeBeacon", set_beacon, NULL, RSRC_CONF,
                  "path of the URL that pages report to"),
    AP_INIT_TAKE1("SpeedProbeKeyFile", set_key_file, NULL, RSRC_CONF,
                  "file with the key of the cookies, and the previous key"),
    AP_INIT_TAKE1("SpeedProbeTable", set_table,
                  (void *)(apr_uintptr_t)&server_settings[AT_table_rows],
                  RSRC_CONF, "clients that the server remembers; or none"),
    AP_INIT_TAKE1("SpeedProbeStateFile", set_state_file, NULL, RSRC_CONF,
                  "file in which what is remembered of clients outlives httpd"),
    AP_INIT_ITERATE("SpeedProbeMemcached", add_memcached, NULL, RSRC_CONF,
                    "memcached servers: host:port, or the path of a socket"),
    AP_INIT_TAKE1("SpeedProbeMemcachedTimeout", set_server_number,
                  (void *)(apr_uintptr_t)&server_settings[AT_memcached_ms],
                  RSRC_CONF, "longest wait for one memcached operation"),
    {NULL}};
