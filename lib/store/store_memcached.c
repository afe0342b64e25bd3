/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memcached level.
 *
 *     key                     value
 *     di:<32 hex digits>      a whole record (record.c), head and body
 *     di:l:<32 hex digits>    a lease: 16 random bytes of the machine that
 *                             holds it, as hex
 *     di:probe                nothing: what a probe asks for
 *     others                  items (shareditem.h), by the names given
 *
 * One operation is a session: find the server of the key on the ring, ask its
 * breaker, talk (once, or a few times within one limit), judge the answer.
 *
 * What is felt of a server that hangs: who waits for it when it begins to hang
 * waits for one limit; who comes later, until that limit is over, waits for
 * what is left of it; then the breaker is open, for all who share it.
 *
 * A value that was got lies in the caller's pool where the socket put it, and
 * becomes the entry's body without a copy.
 */
#include "store/store_memcached.h"

#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "base/digest.h"
#include "store/memtalk.h"
#include "store/pace.h"
#include "store/record.h"
#include "store/ring.h"

/* A failure that took at least this part of the limit was felt as a time-out
   is, and counts as one. */
#define FELT_PART 4

/* How long one call probes. */
#define PROBE_FOR apr_time_from_msec(500)

/* memcached takes a longer expiry for an instant.  Source: memcached,
   doc/protocol.txt, "Expiration times" */
#define EXPIRY_SPAN_MAX_S (60 * 60 * 24 * 30)

#define ENTRY_PREFIX "di:"
#define LEASE_PREFIX "di:l:"
#define PROBE_NAME "di:probe"
#define NAME_ROOM (DI_SHARED_ITEM_NAME_MAX + 1)

#define TOKEN_BYTES ((DI_MEMCACHED_TOKEN_ROOM - 1) / 2)
#define DAMAGED_A_MINUTE 10

typedef struct {
    di_memserver_t peer;
    di_breaker_t *breaker;
    _Atomic uint64_t openings; /* of the breaker when peer's connections were
                                  made */
} server_t;

typedef struct {
    di_level_t level;
    di_lease_shared_t shared;
    di_shared_item_t item;
    apr_interval_time_t limit_for; /* timeout_ms */
    apr_interval_time_t rest_for;
    int probed;
    apr_size_t max_item_bytes;
    apr_size_t room; /* of a value that is got */
    apr_uint32_t ttl_s;
    const ds_log_t *log;
    const di_ring_t *ring;
    char token[DI_MEMCACHED_TOKEN_ROOM];
    di_pace_t damaged;
    atomic_uint probe_from; /* server at which the next probing begins */
    int count;
    server_t server[DI_MEMCACHED_SERVERS_MAX];
    di_breaker_t own[DI_MEMCACHED_SERVERS_MAX];
} cache_t;

typedef struct {
    cache_t *cache;
    server_t *server;    /* of the key */
    apr_time_t began_at; /* monotonic */
    di_memlimit_t limit;
    char name[NAME_ROOM]; /* memcached's key */
} session_t;

const char *di_memcached_server_check(const char *word, apr_pool_t *p)
{
    di_memserver_t server;

    return di_memserver_parse(&server, word, p)
               ? NULL
               : apr_psprintf(p,
                              "\"%s\" is not a memcached server: host:port, "
                              "[v6 address]:port or /path/of/socket",
                              word ? word : "");
}

/* ---- sessions ---- */

/* The connections of before an outage may be dead without knowing it. */
static void drop_old_connections(server_t *server)
{
    uint64_t openings = atomic_load(&server->breaker->openings);

    if (atomic_exchange(&server->openings, openings) != openings) {
        di_memserver_close(&server->peer);
    }
}

static void session_start(session_t *out, cache_t *cache, server_t *server)
{
    out->cache = cache;
    out->server = server;
    out->began_at = di_memtalk_now();
    out->limit.by = out->began_at + cache->limit_for;
    out->limit.breaker = NULL;
    out->limit.room = cache->room;
    drop_old_connections(server);
}

/**
 * @param hash  finds the server
 * @return APR_SUCCESS; else the level is out of order for this name
 */
static apr_status_t session_begin(session_t *out, cache_t *cache,
                                  const char *prefix, const char *name,
                                  const unsigned char *hash)
{
    server_t *server = &cache->server[di_ring_find(cache->ring, hash)];
    int is_open = di_breaker_is_open(server->breaker);

    if (is_open &&
        (cache->probed || !di_breaker_allows(server->breaker, di_memtalk_now(),
                                             cache->rest_for))) {
        return APR_ECONNREFUSED;
    }
    session_start(out, cache, server);
    out->limit.breaker = is_open ? NULL : server->breaker;
    apr_snprintf(out->name, sizeof(out->name), "%s%s", prefix, name);
    return APR_SUCCESS;
}

static apr_status_t key_session_begin(session_t *out, cache_t *cache,
                                      const char *prefix, const di_key_t *key)
{
    return session_begin(out, cache, prefix, key->hex, key->hash);
}

static apr_status_t to_status(int answer)
{
    switch (answer) {
    case DI_MEM_DONE:
        return APR_SUCCESS;
    case DI_MEM_NOT_THERE:
        return APR_NOTFOUND;
    case DI_MEM_NOT_STORED:
    case DI_MEM_THERE:
        return APR_EBUSY;
    case DI_MEM_TOO_LARGE:
    case DI_MEM_FULL:
        return APR_ENOSPC;
    default:
        return APR_EGENERAL;
    }
}

static void session_succeeded(session_t *session)
{
    if (di_breaker_succeeded(session->server->breaker)) {
        ds_log(session->cache->log, DS_LOG_NOTICE, "DI0404", APR_SUCCESS,
               "memcached server %s answers again", session->server->peer.word);
    }
}

static void session_failed(session_t *session, apr_status_t rv)
{
    cache_t *cache = session->cache;
    apr_time_t now = di_memtalk_now();
    int felt = now - session->began_at >= cache->limit_for / FELT_PART;
    char text[100];

    di_memserver_close(&session->server->peer);
    if (di_breaker_failed(session->server->breaker,
                          rv == APR_TIMEUP || felt ? DI_BREAKER_TIMEOUT
                                                   : DI_BREAKER_ERROR,
                          now, cache->rest_for)) {
        ds_log(cache->log, DS_LOG_WARNING, "DI0403", APR_SUCCESS,
               "memcached server %s fails (%s): left alone until it answers a "
               "probe",
               session->server->peer.word,
               rv == APR_TIMEUP     ? "no answer in time"
               : rv == APR_EGENERAL ? "senseless answer"
                                    : apr_strerror(rv, text, sizeof(text)));
    }
}

/**
 * Judge how a talk went.
 * @param rv  of the talk
 * @return what became of the request; APR_EGENERAL and the talk's own errors:
 *         the level is out of order
 */
static apr_status_t judge(session_t *session, apr_status_t rv, int answer)
{
    rv = rv == APR_SUCCESS ? to_status(answer) : rv;
    switch (rv) {
    case APR_SUCCESS:
    case APR_NOTFOUND:
    case APR_EBUSY:
    case APR_ENOSPC:
        session_succeeded(session);
        return rv;
    case APR_ECONNABORTED:
        return rv;
    default:
        session_failed(session, rv);
        return rv;
    }
}

static apr_status_t talk(di_memanswer_t *out, session_t *session,
                         di_memrequest_t *request, apr_pool_t *p)
{
    request->name = session->name;
    return di_memtalk(out, &session->server->peer, request, &session->limit, p);
}

static apr_status_t ask(di_memanswer_t *out, session_t *session,
                        di_memrequest_t request, apr_pool_t *p)
{
    apr_status_t rv = talk(out, session, &request, p);

    return judge(session, rv, out->status);
}

/* ---- the level ---- */

static di_record_state_e check_value(di_entry_t *out, const char *value,
                                     apr_size_t bytes, const di_key_t *key)
{
    apr_uint32_t crc;
    di_record_state_e state;

    state = di_record_parse(&out->record, &crc, value, bytes, bytes, key);
    if (state != DI_RECORD_FINE) {
        return state;
    }
    out->body.data = value + di_record_head_bytes(key);
    out->body.file = NULL;
    out->body.offset = 0;
    out->body.bytes = out->record.body_bytes;
    return di_record_crc(0, out->body.data, out->body.bytes) == crc
               ? DI_RECORD_FINE
               : DI_RECORD_DAMAGED;
}

/* A value that was put meanwhile stays: it has another cas. */
static void drop_value(cache_t *cache, const di_key_t *key, apr_uint64_t cas)
{
    di_memanswer_t answer;
    session_t session;

    if (key_session_begin(&session, cache, ENTRY_PREFIX, key) == APR_SUCCESS) {
        (void)ask(&answer, &session,
                  (di_memrequest_t){.command = DI_MEM_DELETE, .cas = cas},
                  NULL);
    }
}

static void log_damaged(cache_t *cache, const server_t *server,
                        const di_key_t *key, di_record_state_e state,
                        apr_time_t now)
{
    uint32_t dropped;

    if (di_pace_allows(&cache->damaged, &dropped, DAMAGED_A_MINUTE, now)) {
        ds_log(cache->log, DS_LOG_WARNING, "DI0405", APR_SUCCESS,
               "memcached server %s: entry %s is %s, deleted (%u such "
               "messages held back)",
               server->peer.word, key->hex, di_record_state_text(state),
               dropped);
    }
}

/* @return APR_SUCCESS when a value came, whose *state may be anything */
static apr_status_t fetch(cache_t *cache, di_entry_t *out, apr_uint64_t *cas,
                          di_record_state_e *state, const di_key_t *key,
                          apr_time_t now, apr_pool_t *p)
{
    di_memrequest_t request = {.command = DI_MEM_GET};
    di_memanswer_t answer;
    session_t session;
    apr_status_t rv = key_session_begin(&session, cache, ENTRY_PREFIX, key);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = talk(&answer, &session, &request, p);
    if (rv != APR_SUCCESS || answer.status != DI_MEM_DONE) {
        return judge(&session, rv, answer.status);
    }
    *cas = answer.cas;
    *state = check_value(out, answer.value, answer.bytes, key);
    if (*state == DI_RECORD_FINE || *state == DI_RECORD_OLD) {
        return judge(&session, rv, answer.status);
    }
    (void)judge(&session, APR_EGENERAL, 0);
    log_damaged(cache, session.server, key, *state, now);
    return APR_SUCCESS;
}

static apr_status_t cache_get(di_level_t *level, di_entry_t *out,
                              const di_key_t *key, apr_time_t now,
                              apr_pool_t *p)
{
    cache_t *cache = level->self;
    di_record_state_e state = DI_RECORD_DAMAGED;
    apr_uint64_t cas = 0;
    apr_status_t rv = fetch(cache, out, &cas, &state, key, now, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    out->level = level->name;
    if (state == DI_RECORD_FINE && !di_record_is_expired(&out->record, now)) {
        return APR_SUCCESS;
    }
    drop_value(cache, key, cas);
    return APR_NOTFOUND;
}

/* memcached's "exptime" for so many seconds from now; never 0 by accident. */
static apr_uint32_t expiry_of(apr_int64_t span_s, apr_time_t now)
{
    if (span_s <= EXPIRY_SPAN_MAX_S) {
        return (apr_uint32_t)(span_s > 0 ? span_s : 1);
    }
    return (apr_uint32_t)(apr_time_sec(now) + span_s);
}

static apr_uint32_t entry_expiry(const cache_t *cache,
                                 const di_record_t *record, apr_time_t now)
{
    apr_int64_t left_s;

    if (record->expires_at == 0) {
        return cache->ttl_s ? expiry_of(cache->ttl_s, now) : 0;
    }
    left_s = apr_time_sec(record->expires_at - now) + 1;
    if (cache->ttl_s && left_s > cache->ttl_s) {
        left_s = cache->ttl_s;
    }
    return expiry_of(left_s, now);
}

/* The whole record in memory of ptemp. */
static apr_status_t build_value(char **out, apr_size_t *bytes,
                                const di_key_t *key, const di_record_t *record,
                                const di_body_t *body, apr_pool_t *ptemp)
{
    apr_size_t head_bytes = di_record_head_bytes(key);
    apr_size_t body_bytes = (apr_size_t)body->bytes;
    di_record_t kept = *record;
    apr_status_t rv;

    *bytes = head_bytes + body_bytes;
    *out = apr_palloc(ptemp, *bytes);
    rv = di_body_copy(*out + head_bytes, body, 0, body_bytes);
    if (rv == APR_SUCCESS) {
        kept.body_bytes = body->bytes;
        di_record_format(*out, &kept,
                         di_record_crc(0, *out + head_bytes, body_bytes), key);
    }
    return rv;
}

static apr_status_t cache_put(di_level_t *level, const di_key_t *key,
                              const di_record_t *record, const di_body_t *body,
                              apr_time_t now, apr_pool_t *ptemp)
{
    static const di_body_t none = {.data = ""};
    di_memrequest_t request = {.command = DI_MEM_SET};
    cache_t *cache = level->self;
    di_memanswer_t answer;
    session_t session;
    apr_status_t rv;
    char *value;

    body = body && !record->verdict ? body : &none;
    if (di_record_head_bytes(key) > cache->max_item_bytes ||
        body->bytes > cache->max_item_bytes - di_record_head_bytes(key)) {
        return APR_ENOSPC;
    }
    /* The breaker is asked first: a body is not copied for nothing. */
    rv = key_session_begin(&session, cache, ENTRY_PREFIX, key);
    if (rv == APR_SUCCESS) {
        rv = build_value(&value, &request.bytes, key, record, body, ptemp);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    /* Reading a body from a slow disk is not the server's fault. */
    session_start(&session, cache, session.server);
    request.value = value;
    request.expiry = entry_expiry(cache, record, now);
    return ask(&answer, &session, request, NULL);
}

/* ---- the shared part of leases ---- */

/**
 * Is the lease, if there is one, this machine's?
 * @param cas  out: of the lease, when it is
 * @return as ask
 */
static apr_status_t look_at_lease(session_t *session, int *ours,
                                  apr_uint64_t *cas)
{
    const char *token = session->cache->token;
    char value[DI_MEMCACHED_TOKEN_ROOM];
    di_memanswer_t answer;
    apr_status_t rv;

    session->limit.room = sizeof(value);
    rv = ask(&answer, session,
             (di_memrequest_t){.command = DI_MEM_GET, .into = value}, NULL);
    *ours = rv == APR_SUCCESS && answer.bytes == strlen(token) &&
            !memcmp(value, token, answer.bytes);
    *cas = answer.cas;
    return rv;
}

static apr_status_t write_lease(session_t *session, di_mem_command_e command,
                                apr_uint64_t cas, apr_uint32_t ttl_s)
{
    const char *token = session->cache->token;
    di_memanswer_t answer;

    return ask(&answer, session,
               (di_memrequest_t){.command = command,
                                 .value = token,
                                 .bytes = strlen(token),
                                 .expiry = expiry_of(ttl_s, apr_time_now()),
                                 .cas = cas},
               NULL);
}

/* Who asks has the local part, so a lease of this machine that is there all
   the same was left by a process that died: it is taken over. */
static apr_status_t shared_take(void *self, const di_key_t *key,
                                apr_uint32_t ttl_s)
{
    session_t session;
    apr_uint64_t cas;
    int ours;
    apr_status_t rv = key_session_begin(&session, self, LEASE_PREFIX, key);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = write_lease(&session, DI_MEM_ADD, 0, ttl_s);
    if (rv != APR_EBUSY) {
        return rv;
    }
    rv = look_at_lease(&session, &ours, &cas);
    if (rv == APR_SUCCESS && ours) {
        rv = write_lease(&session, DI_MEM_SET, cas, ttl_s);
    }
    else if (rv == APR_SUCCESS || rv == APR_NOTFOUND) {
        rv = APR_EBUSY;
    }
    return rv == APR_NOTFOUND ? APR_EBUSY : rv;
}

/* Ours only: if it has expired meanwhile it may be another machine's by now. */
static void shared_release(void *self, const di_key_t *key)
{
    di_memanswer_t answer;
    session_t session;
    apr_uint64_t cas;
    int ours;

    if (key_session_begin(&session, self, LEASE_PREFIX, key) == APR_SUCCESS &&
        look_at_lease(&session, &ours, &cas) == APR_SUCCESS && ours) {
        (void)ask(&answer, &session,
                  (di_memrequest_t){.command = DI_MEM_DELETE, .cas = cas},
                  NULL);
    }
}

/* ---- items ---- */

static int is_item_name(const char *name)
{
    apr_size_t len = strlen(name), i;

    for (i = 0; i < len && name[i] > ' ' && name[i] < 127; i++) {
    }
    return i == len && len > 0 && len <= DI_SHARED_ITEM_NAME_MAX;
}

static apr_status_t item_session_begin(session_t *out, cache_t *cache,
                                       const char *name)
{
    unsigned char digest[DS_DIGEST_BYTES];
    apr_status_t rv;

    if (!is_item_name(name)) {
        return APR_EINVAL;
    }
    rv = ds_digest_sha256(digest, name, strlen(name));
    return rv == APR_SUCCESS ? session_begin(out, cache, "", name, digest) : rv;
}

static apr_status_t item_get(void *self, const char *name, const char **data,
                             apr_size_t *bytes, apr_uint64_t *cas,
                             apr_pool_t *p)
{
    di_memanswer_t answer;
    session_t session;
    apr_status_t rv = item_session_begin(&session, self, name);

    if (rv == APR_SUCCESS) {
        rv =
            ask(&answer, &session, (di_memrequest_t){.command = DI_MEM_GET}, p);
    }
    if (rv == APR_SUCCESS) {
        *data = answer.value;
        *bytes = answer.bytes;
        *cas = answer.cas;
    }
    return rv;
}

static apr_status_t item_put(void *self, const char *name, const char *data,
                             apr_size_t bytes, apr_uint64_t cas,
                             apr_pool_t *ptemp)
{
    di_memrequest_t request = {.command = cas ? DI_MEM_SET : DI_MEM_ADD,
                               .value = data,
                               .bytes = bytes,
                               .cas = cas};
    di_memanswer_t answer;
    session_t session;
    apr_status_t rv = item_session_begin(&session, self, name);

    if (rv == APR_SUCCESS) {
        rv = ask(&answer, &session, request, NULL);
    }
    return rv == APR_NOTFOUND ? APR_EBUSY : rv;
}

di_shared_item_t *di_memcached_item(di_level_t *level)
{
    cache_t *cache = level->self;

    return &cache->item;
}

/* ---- probes ---- */

/* A look-up, as a server that answers only to nothing is of no use. */
static void probe(cache_t *cache, server_t *server)
{
    char value[16];
    di_memanswer_t answer;
    session_t session;

    di_memserver_close(&server->peer);
    session_start(&session, cache, server);
    session.limit.room = sizeof(value);
    memcpy(session.name, PROBE_NAME, sizeof(PROBE_NAME));
    (void)ask(&answer, &session,
              (di_memrequest_t){.command = DI_MEM_GET, .into = value}, NULL);
}

void di_memcached_probe(di_level_t *level)
{
    cache_t *cache = level->self;
    apr_time_t by = di_memtalk_now() + PROBE_FOR;
    int i;

    for (i = 0; i < cache->count && di_memtalk_now() < by; i++) {
        server_t *server =
            &cache->server[atomic_fetch_add(&cache->probe_from, 1) %
                           (unsigned)cache->count];

        if (di_breaker_is_open(server->breaker)) {
            probe(cache, server);
        }
    }
}

/* ---- making ---- */

static apr_status_t add_servers(cache_t *cache, const di_memcached_conf_t *conf,
                                apr_pool_t *p)
{
    const char *const *word = conf->servers;
    int i;

    for (i = 0; word && word[i]; i++) {
        if (i == DI_MEMCACHED_SERVERS_MAX ||
            !di_memserver_parse(&cache->server[i].peer, apr_pstrdup(p, word[i]),
                                p)) {
            return APR_EINVAL;
        }
        cache->server[i].breaker =
            conf->breakers ? &conf->breakers[i] : &cache->own[i];
    }
    cache->count = i;
    return i ? APR_SUCCESS : APR_EINVAL;
}

static apr_status_t close_servers(void *baton)
{
    cache_t *cache = baton;
    int i;

    for (i = 0; i < cache->count; i++) {
        di_memserver_close(&cache->server[i].peer);
    }
    return APR_SUCCESS;
}

apr_status_t di_memcached_token(char *out)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char random[TOKEN_BYTES];
    apr_status_t rv = apr_generate_random_bytes(random, sizeof(random));
    int i;

    out[2 * TOKEN_BYTES] = '\0';
    for (i = 0; rv == APR_SUCCESS && i < TOKEN_BYTES; i++) {
        out[2 * i] = digits[random[i] >> 4];
        out[2 * i + 1] = digits[random[i] & 15];
    }
    return rv;
}

static void fill(cache_t *cache, const di_memcached_conf_t *conf)
{
    cache->level.name = "memcached";
    cache->level.self = cache;
    cache->level.get = cache_get;
    cache->level.put = cache_put;
    cache->shared.self = cache;
    cache->shared.take = shared_take;
    cache->shared.release = shared_release;
    cache->item.self = cache;
    cache->item.get = item_get;
    cache->item.put = item_put;
    cache->limit_for = apr_time_from_msec(conf->timeout_ms);
    cache->rest_for =
        conf->rest_ms ? apr_time_from_msec(conf->rest_ms) : DI_BREAKER_REST_FOR;
    cache->probed = conf->probed;
    cache->max_item_bytes = conf->max_item_bytes;
    /* Another machine's limit may be higher. */
    cache->room = 4 * conf->max_item_bytes + (4 << 20);
    cache->ttl_s = conf->ttl_s;
    if (conf->token) {
        apr_cpystrn(cache->token, conf->token, sizeof(cache->token));
    }
    cache->log = conf->log;
}

apr_status_t di_memcached_make(di_level_t **out, di_lease_shared_t **shared,
                               const di_memcached_conf_t *conf, apr_pool_t *p)
{
    cache_t *cache = apr_pcalloc(p, sizeof(*cache));
    di_ring_t *ring;
    apr_status_t rv = APR_SUCCESS;

    fill(cache, conf);
    if (!cache->token[0]) {
        rv = di_memcached_token(cache->token);
    }
    if (rv == APR_SUCCESS) {
        rv = add_servers(cache, conf, p);
    }
    if (rv == APR_SUCCESS) {
        rv = di_ring_make(&ring, conf->servers, cache->count, p);
    }
    if (rv == APR_SUCCESS) {
        cache->ring = ring;
        apr_pool_cleanup_register(p, cache, close_servers,
                                  apr_pool_cleanup_null);
        *out = &cache->level;
        *shared = &cache->shared;
    }
    return rv;
}
