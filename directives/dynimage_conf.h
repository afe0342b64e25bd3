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
#include "base/band.h"
#include "base/token.h"
#include "image/mode.h"
#include "image/tier.h"
#include "store/account.h"

APLOG_USE_MODULE(dynimage);

/* DynImagePriority tier: behind the numbers 0 to 9. */
#define DI_PRIORITY_OF_TIER 10

/* X(directive, member, kind, least, greatest, default, choices, help) */
#define DI_DIR_SETTINGS(X)                                                     \
    X("DynImage", enabled, DS_KIND_FLAG, 0, 1, 0, NULL,                        \
      "On or Off: answer image requests with the tier for the client")         \
    X("DynImageHeader", header, DS_KIND_FLAG, 0, 1, 1, NULL,                   \
      "On or Off: DynImage, Cache-Status and Server-Timing on answers")        \
    X("DynImageMaxAge", max_age_ms, DS_ARG_TIME, 0, 31536000000, 600000, NULL, \
      "lifetime in the client's own cache, when the site names none")          \
    X("DynImageWait", wait_ms, DS_ARG_TIME, 50, 60000, 5000, NULL,             \
      "longest wait for a rendition that is not stored")                       \
    X("DynImageColdWait", cold_wait_ms, DS_ARG_TIME, 0, 60000, 300, NULL,      \
      "a slow client gets a smaller or cheap picture first when a render is "  \
      "expected to take longer")                                               \
    X("DynImageMaxSize", max_bytes, DS_ARG_SIZE, 1, 1073741824, 20971520,      \
      NULL, "largest file of an original that is rendered")                    \
    X("DynImageMaxPixels", max_pixels, DS_ARG_COUNT, 1, 1000000000, 50000000,  \
      NULL, "most pixels of an original that is rendered, over all frames")    \
    X("DynImageMaxSide", max_side_px, DS_ARG_COUNT, 1, DI_SIDE_MAX_PX, 20000,  \
      NULL, "longest side of an original that is rendered, px")                \
    X("DynImageMaxFrames", max_frames, DS_ARG_COUNT, 1, 100000, 200, NULL,     \
      "most frames or pages of an original that is rendered")                  \
    X("DynImageMaxScans", max_scans, DS_ARG_COUNT, 1, 10000, 100, NULL,        \
      "most scans of a progressive JPEG that is rendered")                     \
    X("DynImageMaxProfile", max_profile_bytes, DS_ARG_SIZE, 1024, 67108864,    \
      4194304, NULL, "largest colour profile of an original that is rendered") \
    X("DynImageBackground", background, DS_KIND_COLOR, 0, 0xffffff, 0xffffff,  \
      NULL, "colour behind transparent pixels, #RRGGBB")                       \
    X("DynImageMode", mode, DS_KIND_CHOICE, 0, 2, DI_MODE_HYBRID,              \
      DI_MODE_WORDS,                                                           \
      "when renditions are made: by the first request and "                    \
      "kept, by each one, or ahead")                                           \
    X("DynImagePriority", kept_priority, DS_KIND_CHOICE, 0, 10,                \
      DI_PRIORITY_OF_TIER, "0|1|2|3|4|5|6|7|8|9|tier",                         \
      "how long renditions are kept when room is short, 9 longest; tier: as "  \
      "the tier's priority")                                                   \
    X("DynImageCopyright", keep_copyright, DS_KIND_CHOICE, 0, 1, 1,            \
      "strip|keep", "keep or strip author and copyright in renditions")

/* X(directive, member, kind, least, greatest, default, help) */
#define DI_SERVER_SETTINGS(X)                                                  \
    X("DynImageRenderers", renderers, DS_KIND_AUTO_COUNT, 1, DI_RENDERERS_MAX, \
      0, "render processes, or auto: one for each core")                       \
    X("DynImageRenderQueue", queue, DS_ARG_COUNT, 1, 1024, 64,                 \
      "renders that may wait for a free process")                              \
    X("DynImageRenderAge", age_ms, DS_ARG_TIME, 100, 60000, 2000,              \
      "time after which a waiting render is one urgency more urgent")          \
    X("DynImageRenderMemory", memory_bytes, DS_ARG_SIZE, 67108864,             \
      17179869184, 1073741824, "address space of one render process")          \
    X("DynImageRenderTime", render_ms, DS_ARG_TIME, 100, 300000, 10000,        \
      "longest time of one render")                                            \
    X("DynImageBackgroundRenders", later, DS_ARG_COUNT, 1, 1024, 32,           \
      "renders that may wait in one httpd process for the time after the "     \
      "answer")                                                                \
    X("DynImageStoreMemory", memory_level_bytes, DS_ARG_SIZE, 1048576,         \
      17179869184, 16777216, "bound on the memory level of one httpd process") \
    X("DynImageMemcachedTimeout", memcached_ms, DS_ARG_TIME, 1, 5000, 50,      \
      "longest wait for one memcached operation")                              \
    X("DynImagePurgePullInterval", pull_ms, DS_ARG_TIME, 1000, 86400000,       \
      30000, "how often purges are pulled from other machines")                \
    X("DynImageMemcachedMaxItem", max_item_bytes, DS_ARG_SIZE, 1024,           \
      1073741824, 1000000, "larger renditions are not offered to memcached")

/* The settings of directives that have more than one. */
#define DI_SERVER_PARTS(X)                                                     \
    X("DynImageRenderRecycle", recycle_jobs, DS_ARG_COUNT, 1, 1000000, 1000,   \
      "")                                                                      \
    X("DynImageRenderRecycle", recycle_bytes, DS_ARG_SIZE, 1048576,            \
      17179869184, 67108864, "")

/* X(directive, member, kind, least, greatest, default, choices): of one
   VirtualHost, or of the main server for those that do not say otherwise. */
#define DI_SITE_SETTINGS(X)                                                    \
    X("DynImageQuota", quota_bytes, DS_ARG_SIZE, 1048576, 1125899906842624,    \
      1073741824, NULL)                                                        \
    X("DynImageQuota", quota_files, DS_ARG_COUNT, 16, 100000000, 1000000,      \
      NULL)                                                                    \
    X("DynImageReclaim", policy, DS_KIND_CHOICE, 0, DI_POLICY_PERMANENT,       \
      DI_POLICY_IDLE, "idle|lru|lfu|age|priority|permanent")                   \
    X("DynImageReclaim", near_pct, DS_ARG_PERCENT, 50, 100, 95, NULL)          \
    X("DynImageReclaim", keep_pct, DS_ARG_PERCENT, 10, 100, 90, NULL)

/* Most render processes. */
#define DI_RENDERERS_MAX 64

#define DI_DIR_MEMBER(directive, member, kind, least, greatest, def, choices,  \
                      help)                                                    \
    apr_int64_t member;
#define DI_SERVER_MEMBER(directive, member, kind, least, greatest, def, help)  \
    apr_int64_t member;
#define DI_SITE_MEMBER(directive, member, kind, least, greatest, def, choices) \
    apr_int64_t member;

/* Numbers are DS_UNSET, pointers NULL, counts 0 where nobody set them. */
typedef struct {
    DI_DIR_SETTINGS(DI_DIR_MEMBER)
    ds_bands_t bands;
    apr_table_t *band_tier; /* band -> tier, where the names differ */
    const char *unknown_band;
    di_tiers_t *tiers; /* changes to the default ladder */
} di_conf_t;

/* What a VirtualHost may say itself, though not per URL. */
typedef struct {
    DI_SITE_SETTINGS(DI_SITE_MEMBER)
    const char *customer; /* whose the site is; NULL: its ServerName's */
    int account; /* the customer's place; set at start, -1: it has none */
} di_site_conf_t;

typedef struct {
    DI_SERVER_SETTINGS(DI_SERVER_MEMBER)
    DI_SERVER_PARTS(DI_SERVER_MEMBER)
    const char *render_user;
    const char *cache_root;        /* absolute */
    apr_array_header_t *levels;    /* const char *: memory, disk, memcached, in
                                      order */
    int keep_first;                /* see di_store_t */
    apr_array_header_t *memcached; /* const char *: servers */
    unsigned inputs;       /* set of formats, of DI_FORMATS_IN; 0: not set */
    const char *state_dir; /* absolute */
    apr_array_header_t *pull_urls; /* const char *: purge maps of others */
    const char *pull_token;        /* shown to them; NULL: none */
    ds_tokens_t *tokens; /* of this server's administrators; NULL: none */
    di_site_conf_t site;
} di_server_conf_t;

/* Defaults of the texts. */
#define DI_RENDER_USER "nobody"

/* The settings of a server, main or virtual. */
di_server_conf_t *di_server_conf_of(server_rec *s);

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
#define DI_SITE_CONF(conf, member)                                             \
    ds_setting_or((conf)->site.member, di_server_conf_defaults.site.member)

extern const di_conf_t di_conf_defaults;
extern const di_server_conf_t di_server_conf_defaults;

/**
 * The tier of a band in this scope.
 * @param room  written to; the result is room
 * @return NULL when the scope has no such tier
 */
const di_tier_t *di_conf_tier(di_tier_t *room, const di_conf_t *conf,
                              const char *band);

/* What is refused in this scope. */
di_limits_t di_conf_limits(const di_conf_t *conf);

/* How a tier's pictures are made in this scope.
   @param tier  as di_conf_tier gives it, not the original */
di_recipe_t di_conf_recipe(const di_conf_t *conf, const di_tier_t *tier);

/* How many render processes: as set, else one for each core that is online;
   1..DI_RENDERERS_MAX. */
int di_conf_renderers(const di_server_conf_t *conf);

/* What an original can be: set of formats, of DI_FORMATS_IN. */
unsigned di_conf_inputs(const di_server_conf_t *conf);

/* Whose site that is: the name given, else ServerName in lower case, with '-'
   for what is not legal in a name; from p. */
const char *di_conf_customer(server_rec *s, apr_pool_t *p);

/* What that customer is granted. */
di_terms_t di_conf_terms(const di_server_conf_t *conf);


/* The settings by table, for those who list them all.
   @param count  out: how many */
const ds_setting_t *di_conf_dir_table(int *count);
const ds_setting_t *di_conf_server_table(int *count);
const ds_setting_t *di_conf_site_table(int *count); /* of di_site_conf_t */

/**
 * Check one server's settings against each other.
 * @return NULL or an error sentence from p
 */
const char *di_conf_check(const di_conf_t *conf, apr_pool_t *p);

#endif
