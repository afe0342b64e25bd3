/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two duties.  What goes wrong is logged when it begins and when it ends,
 * not each time: the next turn comes by itself.
 */
#include "store/purgesync.h"

#define ITEM "di:purges"

/* Other machines that are at it at the same moment, several times in a row,
   have most likely put what we have, too. */
#define TRIES 5

#define PULL_TIMEOUT_MS 5000

struct di_purgesync_t {
    di_purges_t *purges;
    di_shared_item_t item;
    const ds_log_t *log;
    /* What was found equal: of the item, and of our map.  0: nothing. */
    apr_uint64_t seen_cas, seen_version;
    int silent, garbled; /* said already */
};

/* ---- both ---- */

/* Merge, and say what came of it.  @return as di_purges_merge */
static apr_status_t merge(int *theirs, di_purges_t *purges, const char *data,
                          apr_size_t bytes, apr_time_t now, const char *from,
                          const ds_log_t *log)
{
    int news;
    apr_status_t rv = di_purges_merge(&news, theirs, purges, data, bytes, now);

    if (news) {
        ds_log(log, DS_LOG_INFO, "DI0430", 0, "%d purges came from %s", news,
               from);
    }
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EINVAL(rv)) {
        ds_log(log, DS_LOG_WARNING, "DI0431", rv,
               "the purge map has no room for all that came from %s: some "
               "purges are not in force here",
               from);
    }
    return rv;
}

/* ---- through memcached ---- */

di_purgesync_t *di_purgesync_make(di_purges_t *purges,
                                  const di_shared_item_t *item,
                                  const ds_log_t *log, apr_pool_t *p)
{
    di_purgesync_t *sync = apr_pcalloc(p, sizeof(*sync));

    sync->purges = purges;
    sync->item = *item;
    sync->log = log;
    return sync;
}

/* The memcached level warns of its servers: here it is only said what that
   means. */
static void note_silence(di_purgesync_t *sync, apr_status_t rv)
{
    if (rv != APR_SUCCESS && !sync->silent) {
        ds_log(sync->log, DS_LOG_INFO, "DI0432", rv,
               "memcached cannot be asked: purges neither go to other "
               "machines nor come from them");
    }
    else if (rv == APR_SUCCESS && sync->silent) {
        ds_log(sync->log, DS_LOG_INFO, "DI0433", 0,
               "memcached answers again: purges are shared");
    }
    sync->silent = rv != APR_SUCCESS;
}

static void note_garbage(di_purgesync_t *sync, int garbled)
{
    if (garbled && !sync->garbled) {
        ds_log(sync->log, DS_LOG_WARNING, "DI0434", 0,
               "what memcached holds as %s is no purge map: it is replaced",
               ITEM);
    }
    sync->garbled = garbled;
}

/* Read the item and merge it.
   @param cas   out: of the item; 0: there is none
   @param tell  out: 1 when it should be written
   @return a status when memcached is out of order */
static apr_status_t take(apr_uint64_t *cas, int *tell, di_purgesync_t *sync,
                         apr_time_t now, apr_pool_t *ptemp)
{
    /* Before the merge: what is purged during it counts as not seen. */
    apr_uint64_t version = di_purges_version(sync->purges);
    const char *data;
    apr_size_t bytes;
    int theirs = 0, garbled;
    apr_status_t rv =
        sync->item.get(sync->item.self, ITEM, &data, &bytes, cas, ptemp);

    *tell = 0;
    if (rv == APR_NOTFOUND) {
        *cas = 0;
        *tell = version > 0;
        return APR_SUCCESS;
    }
    if (rv != APR_SUCCESS ||
        (*cas == sync->seen_cas && version == sync->seen_version)) {
        return rv;
    }
    rv = merge(&theirs, sync->purges, data, bytes, now, "memcached", sync->log);
    garbled = APR_STATUS_IS_EINVAL(rv);
    note_garbage(sync, garbled);
    *tell = garbled ? version > 0 : theirs > 0;
    sync->seen_cas = *cas;
    sync->seen_version = version;
    return APR_SUCCESS;
}

static apr_status_t give(di_purgesync_t *sync, apr_uint64_t cas,
                         apr_pool_t *ptemp)
{
    const char *data;
    apr_size_t bytes;

    /* Until it was read again it is not known whose stands there. */
    sync->seen_cas = 0;
    di_purges_export(&data, &bytes, sync->purges, ptemp);
    return sync->item.put(sync->item.self, ITEM, data, bytes, cas, ptemp);
}

void di_purgesync_run(void *baton, apr_time_t now, apr_pool_t *ptemp)
{
    di_purgesync_t *sync = baton;
    apr_status_t rv = APR_SUCCESS;
    int i, tell = 1;

    for (i = 0; i < TRIES && tell; i++) {
        apr_uint64_t cas;
        rv = take(&cas, &tell, sync, now, ptemp);
        if (rv == APR_SUCCESS && tell) {
            rv = give(sync, cas, ptemp);
            tell = APR_STATUS_IS_EBUSY(rv);
        }
        else {
            tell = 0;
        }
    }
    note_silence(sync, APR_STATUS_IS_EBUSY(rv) ? APR_SUCCESS : rv);
}

/* ---- from machines with another memcached, or none ---- */

struct di_purgepull_t {
    di_purges_t *purges;
    di_purgepull_conf_t conf;
    const ds_log_t *log;
    char *failing; /* of each URL: said already */
};

di_purgepull_t *di_purgepull_make(di_purges_t *purges,
                                  const di_purgepull_conf_t *conf,
                                  const ds_log_t *log, apr_pool_t *p)
{
    di_purgepull_t *pull = apr_pcalloc(p, sizeof(*pull));

    pull->purges = purges;
    pull->conf = *conf;
    pull->log = log;
    pull->failing = apr_pcalloc(p, (apr_size_t)conf->count + 1);
    return pull;
}

/* @return what went wrong, a sentence; NULL */
static const char *pull_one(di_purgepull_t *pull, const char *url,
                            apr_time_t now, apr_pool_t *ptemp)
{
    ds_fetch_t fetch = {.url = url,
                        .token = pull->conf.token,
                        .accept = "application/octet-stream",
                        .timeout_ms = PULL_TIMEOUT_MS,
                        .max_bytes = DI_PURGES_EXPORT_MAX};
    ds_fetched_t got;
    const char *error = "no answer";
    int theirs;

    if (pull->conf.fetch(&got, &error, &fetch, ptemp) != APR_SUCCESS) {
        return error;
    }
    if (got.status == 401 || got.status == 403) {
        return "the token is refused there";
    }
    if (got.status != 200) {
        return "the answer is no success";
    }
    if (APR_STATUS_IS_EINVAL(merge(&theirs, pull->purges, got.body, got.bytes,
                                   now, url, pull->log))) {
        return "the answer is no purge map";
    }
    return NULL;
}

void di_purgepull_run(void *baton, apr_time_t now, apr_pool_t *ptemp)
{
    di_purgepull_t *pull = baton;
    int i;

    for (i = 0; i < pull->conf.count; i++) {
        const char *url = pull->conf.url[i];
        const char *wrong = pull_one(pull, url, now, ptemp);
        if (wrong && !pull->failing[i]) {
            ds_log(pull->log, DS_LOG_WARNING, "DI0435", 0,
                   "purges cannot be pulled from %s: %s", url, wrong);
        }
        else if (!wrong && pull->failing[i]) {
            ds_log(pull->log, DS_LOG_INFO, "DI0436", 0,
                   "purges are pulled from %s again", url);
        }
        pull->failing[i] = wrong != NULL;
    }
}
