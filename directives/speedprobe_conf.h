/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operator may write for mod_speedprobe: text -> checked, merged,
 * read-only settings.  docs/directives.md describes each.
 *
 * sp_conf_t holds what may differ per URL (server, VirtualHost, Directory,
 * Location, Files, .htaccess); sp_server_conf_t what a VirtualHost has once
 * (the beacon, found before any URL is mapped) or one httpd has once (keys).
 */
#ifndef SP_CONF_H
#define SP_CONF_H

#include "httpd.h"
#include "http_config.h"
#include "http_log.h"

#include "base/band.h"
#include "base/seal.h"
#include "directives/setting.h"
#include "speed/budget.h"
#include "speed/consent.h"
#include "speed/estimate.h"

APLOG_USE_MODULE(speedprobe);

/* Values of SpeedProbeMethod, in the order of its words. */
enum { SP_METHOD_TIMING, SP_METHOD_PROBE, SP_METHOD_PADDING, SP_METHOD_OFF };

/* Values of SpeedProbeScript. */
enum { SP_SCRIPT_INLINE, SP_SCRIPT_EXTERNAL };

/* Bits of SpeedProbeHonor. */
enum { SP_HONOR_GPC = 1, SP_HONOR_DNT = 2 };

/* X(directive, member, kind, least, greatest, default, choices, help) */
#define SP_DIR_SETTINGS(X)                                                     \
    X("SpeedProbe", enabled, DS_KIND_FLAG, 0, 1, 0, NULL,                      \
      "On or Off: know how fast clients are, by measuring in pages")           \
    X("SpeedProbePassive", passive, DS_KIND_FLAG, 0, 1, 1, NULL,               \
      "On or Off: measure by deliveries that happen anyway")                   \
    X("SpeedProbeRemeasure", remeasure_ms, DS_ARG_TIME, 0, 2592000000,         \
      SP_ESTIMATE_REMEASURE_FOR / 1000, NULL,                                  \
      "age of what is known from which on deliveries are looked at closely")   \
    X("SpeedProbeMethod", method, DS_KIND_CHOICE, 0, 3, SP_METHOD_TIMING,      \
      "timing|probe|padding|off",                                              \
      "how pages measure: timing, probe, padding, off")                        \
    X("SpeedProbeScript", script, DS_KIND_CHOICE, 0, 1, SP_SCRIPT_INLINE,      \
      "inline|external", "how pages carry the script: inline, external")       \
    X("SpeedProbePadding", padding_bytes, DS_ARG_SIZE, 0, 65536, 32768, NULL,  \
      "method padding: pages are filled up to this size, by 14K at most")      \
    X("SpeedProbeBudgetBytes", budget_bytes, DS_ARG_SIZE, 0,                   \
      SP_BUDGET_BYTES_MAX, 262144, NULL,                                       \
      "method probe: bytes that it may cost one client a day")                 \
    X("SpeedProbeBudgetTime", budget_ms, DS_ARG_TIME, 0, SP_BUDGET_MS_MAX,     \
      1500, NULL, "method probe: time that it may cost one client a day")      \
    X("SpeedProbeMinPage", min_page_bytes, DS_ARG_SIZE, 0, 65536, 1000, NULL,  \
      "shorter pages are filled up to this size; 0 fills none")                \
    X("SpeedProbeCookieMaxAge", cookie_age_ms, DS_ARG_TIME, 0, 2592000000,     \
      604800000, NULL,                                                         \
      "lifetime of the cookie; 0 lets it end with the browser's session")      \
    X("SpeedProbeCookie", cookie, DS_KIND_FLAG, 0, 1, 1, NULL,                 \
      "On or Off: set and read the speed cookie")                              \
    X("SpeedProbeHints", hints, DS_KIND_FLAG, 0, 1, 0, NULL,                   \
      "On or Off: ask browsers for their own guess, where nothing is "         \
      "measured")

/* One for the whole httpd.
   X(directive, member, kind, least, greatest, default, help) */
#define SP_SERVER_SETTINGS(X)                                                  \
    X("SpeedProbeTable", table_rows, DS_ARG_COUNT, 64, 16777216, 65536,        \
      "clients that the server remembers; or none")                            \
    X("SpeedProbeMemcachedTimeout", memcached_ms, DS_ARG_TIME, 1, 5000, 50,    \
      "longest wait for one memcached operation")

#define SP_SERVER_MEMBER(directive, member, kind, least, greatest, def, help)  \
    apr_int64_t member;

#define SP_MEMBER(directive, member, kind, least, greatest, def, choices,      \
                  help)                                                        \
    apr_int64_t member;

/* Numbers are DS_UNSET, pointers NULL, counts 0 where nobody set them. */
typedef struct {
    SP_DIR_SETTINGS(SP_MEMBER)
    apr_int64_t assume_kbps;         /* 0: none */
    apr_int64_t assume_rtt_ms;       /* 0: not told; goes with assume_kbps */
    apr_int64_t beacon_limit_count;  /* 0: none */
    apr_int64_t beacon_limit_per_ms; /* goes with beacon_limit_count */
    apr_int64_t honor;               /* SP_HONOR_* */
    const sp_consent_t *consent;     /* its name NULL: nobody is asked */
    ds_bands_t bands;
    const char *unknown_band;
} sp_conf_t;

typedef struct {
    SP_SERVER_SETTINGS(SP_SERVER_MEMBER) /* table_rows 0: none */
    const char *beacon;                  /* path */
    const char *state_file;              /* absolute; NULL: none */
    apr_array_header_t *memcached;       /* const char *: servers; NULL: none */
    const ds_seal_keys_t *keys;
    int on;       /* the server itself says On, */
    int off;      /* or Off */
    int on_below; /* some scope in it says On */
    int used;     /* one of the two */
    int probes;   /* some scope of this server has the method probe */
} sp_server_conf_t;

#define SP_BEACON_DEFAULT "/speedprobe-beacon"

extern const command_rec sp_conf_commands[];

/* Defaults of all numbers. */
extern const sp_conf_t sp_conf_defaults;
extern const sp_server_conf_t sp_server_conf_defaults;

/* A number's value in this scope. */
#define SP_CONF(conf, member)                                                  \
    ds_setting_or((conf)->member, sp_conf_defaults.member)

#define SP_SERVER_CONF(conf, member)                                           \
    ds_setting_or((conf)->member, sp_server_conf_defaults.member)

void *sp_conf_dir_create(apr_pool_t *p, char *dir);
void *sp_conf_dir_merge(apr_pool_t *p, void *base, void *add);
void *sp_conf_server_create(apr_pool_t *p, server_rec *s);
void *sp_conf_server_merge(apr_pool_t *p, void *base, void *add);

/* The settings that hold for a request as far as it has been mapped. */
const sp_conf_t *sp_conf_of(const request_rec *r);
sp_server_conf_t *sp_server_conf_of(const server_rec *s);

/* May what a page reports be kept in a cookie here?  Not where no cookie is
   set, and not where the speed is fixed. */
int sp_conf_remembers(const sp_conf_t *conf);

/* Are scripts put into pages here? */
int sp_conf_injects(const sp_conf_t *conf);

/* The path of the beacon in this VirtualHost. */
const char *sp_conf_beacon(const server_rec *s);

#endif
