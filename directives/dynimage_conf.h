/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operator may write for mod_dynimage: text -> checked, merged,
 * read-only settings.  docs/directives.md describes each.
 *
 * di_conf_t holds what may differ per URL (server, VirtualHost, Directory,
 * Location, Files, .htaccess); di_server_conf_t what one httpd has once
 * (render pool, store), legal in the main server only.
 */
#ifndef DI_CONF_H
#define DI_CONF_H

#include "httpd.h"
#include "http_config.h"
#include "http_log.h"

#include "directives/setting.h"
#include "image/tier.h"

APLOG_USE_MODULE(dynimage);

/* X(directive, member, kind, least, greatest, default, help) */
#define DI_DIR_SETTINGS(X)                                                     \
    X("DynImage", enabled, DS_KIND_FLAG, 0, 1, 0,                              \
      "On or Off: answer image requests with the tier for the client")         \
    X("DynImageHeader", header, DS_KIND_FLAG, 0, 1, 1,                         \
      "On or Off: DynImage, Cache-Status and Server-Timing on answers")        \
    X("DynImageMaxAge", max_age_ms, DS_ARG_TIME, 0, 31536000000, 600000,       \
      "lifetime in the client's own cache, when the site names none")          \
    X("DynImageWait", wait_ms, DS_ARG_TIME, 50, 60000, 5000,                   \
      "longest wait for a rendition that is not stored")                       \
    X("DynImageMaxPixels", max_pixels, DS_ARG_COUNT, 1, 1000000000, 50000000,  \
      "most pixels of an original that is rendered")                           \
    X("DynImageMaxSize", max_bytes, DS_ARG_SIZE, 1, 1073741824, 20971520,      \
      "largest file of an original that is rendered")

#define DI_SERVER_SETTINGS(X)                                                  \
    X("DynImageRenderers", renderers, DS_ARG_COUNT, 1, 64, 2,                  \
      "render processes")                                                      \
    X("DynImageRenderQueue", queue, DS_ARG_COUNT, 1, 1024, 64,                 \
      "renders that may wait for a free process")                              \
    X("DynImageRenderMemory", memory_bytes, DS_ARG_SIZE, 67108864,             \
      17179869184, 1073741824, "address space of one render process")          \
    X("DynImageRenderTime", render_ms, DS_ARG_TIME, 100, 300000, 10000,        \
      "longest time of one render")                                            \
    X("DynImageStoreQuota", quota_bytes, DS_ARG_SIZE, 1048576,                 \
      1125899906842624, 1073741824, "bound on the disk store")                 \
    X("DynImageMemcachedTimeout", memcached_ms, DS_ARG_TIME, 1, 5000, 50,      \
      "longest wait for one memcached operation")                              \
    X("DynImageMemcachedMaxItem", max_item_bytes, DS_ARG_SIZE, 1024,           \
      1073741824, 1000000, "larger renditions are not offered to memcached")

#define DI_MEMBER(directive, member, kind, least, greatest, def, help)         \
    apr_int64_t member;

/* Numbers are DS_UNSET, pointers NULL, counts 0 where nobody set them. */
typedef struct {
    DI_DIR_SETTINGS(DI_MEMBER)
    ds_bands_t bands;
    apr_table_t *band_tier; /* band -> tier, where the names differ */
    const char *unknown_band;
    di_tiers_t *tiers; /* changes to the default ladder */
} di_conf_t;

typedef struct {
    DI_SERVER_SETTINGS(DI_MEMBER)
    const char *render_user;
    const char *cache_root;        /* absolute */
    apr_array_header_t *levels;    /* const char *: disk, memcached, in order */
    apr_array_header_t *memcached; /* const char *: servers */
} di_server_conf_t;

/* Defaults of the texts. */
#define DI_RENDER_USER "nobody"

extern const command_rec di_conf_commands[];

void *di_conf_dir_create(apr_pool_t *p, char *dir);
void *di_conf_dir_merge(apr_pool_t *p, void *base, void *add);
void *di_conf_server_create(apr_pool_t *p, server_rec *s);
void *di_conf_server_merge(apr_pool_t *p, void *base, void *add);

/* A setting's value with its default: DI_CONF(conf, wait_ms). */
#define DI_CONF(conf, member)                                                  \
    ds_setting_or((conf)->member, di_conf_defaults.member)
#define DI_SERVER_CONF(conf, member)                                           \
    ds_setting_or((conf)->member, di_server_conf_defaults.member)

extern const di_conf_t di_conf_defaults;
extern const di_server_conf_t di_server_conf_defaults;

/**
 * The tier of a band in this scope.
 * @param room  written to; the result is room
 * @return NULL when the scope has no such tier
 */
const di_tier_t *di_conf_tier(di_tier_t *room, const di_conf_t *conf,
                              const char *band);

/**
 * Check one server's settings against each other.
 * @return NULL or an error sentence from p
 */
const char *di_conf_check(const di_conf_t *conf, apr_pool_t *p);

#endif
