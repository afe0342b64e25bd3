/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memcached level; the only file that includes libmemcached.
 *
 *     key                     value
 *     di:<32 hex digits>      a whole record (record.c), head and body
 *     di:l:<32 hex digits>    a lease: 16 random bytes of the machine that
 *                             holds it, as hex
 *     di:probe:<number>       nothing: what a probe asks for
 *     others                  items (shareditem.h), by the names given
 *
 * One operation is a session: find the server of the key, ask its breaker, take
 * a handle, speak, judge the answer.  A handle is not thread-safe, so
 * there is a bounded list of them per process; each has its own connections.
 * A handle whose operation failed is thrown away with its connections, never
 * used again: no late answer can be taken for the next one's (that happened
 * up to libmemcached 1.1.3), and libmemcached's own notes about dead servers,
 * which a clock set back would stretch, go with it.  So do the handles that
 * are older than the failure, as their connections to it are dead as well; also
 * when it was another process that found out, and opened the breaker.
 *
 * Protocol: binary, although memcached prefers text by now.  In text mode
 * libmemcached asserts on a set that is answered by anything that is neither
 * STORED nor an error it knows, and so ends the process (its issues 49 and
 * 156; seen with 1.1.4 and "END").  In binary mode such bytes are an error.
 *
 * Time: each wait is bounded by timeout_ms through the library's four limits.
 * A server that trickles bytes is not caught by those, so an operation that
 * took several limits counts as a time-out even if it ended well.  Nor can a
 * wait be called off: whoever is at a server when it begins to hang, or comes
 * before the first of them has waited for a whole limit, waits for one, too.
 *
 * Memory: the library allocates through this file and is refused blocks far
 * above max_item_bytes, whatever length a server announces.  A value that was
 * got becomes the entry's body without a copy; the pool frees it.
 */
#include "store/store_memcached.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <apr_general.h>
#include <apr_reslist.h>
#include <apr_strings.h>

#include <libmemcached/memcached.h>

#include "base/arg.h"
#include "base/steady.h"
#include "store/breaker.h"
#include "store/pace.h"
#include "store/record.h"

/* Handles of a process, and how long an idle one is kept connected. */
#define HANDLES_MAX 16
#define HANDLES_IDLE 4
#define HANDLE_IDLE_FOR apr_time_from_sec(60)

/* An operation that took so many time limits was as bad as none. */
#define SLOW_LIMITS 2

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
#define PROBE_PREFIX "di:probe:"
#define PROBE_NAMES 100000
#define NAME_ROOM (DI_SHARED_ITEM_NAME_MAX + 1)

#define TOKEN_BYTES ((DI_MEMCACHED_TOKEN_ROOM - 1) / 2)
#define DAMAGED_A_MINUTE 10

typedef struct {
    const char *word; /* as configured, for log lines */
    di_breaker_t *breaker;
    _Atomic uint64_t openings; /* of the breaker, as this process knows it */
} server_t;

typedef struct {
    di_level_t level;
    di_lease_shared_t shared;
    di_shared_item_t item;
    apr_interval_time_t limit_for; /* timeout_ms */
    apr_interval_time_t rest_for;
    int probed;
    apr_size_t max_item_bytes;
    apr_size_t max_block_bytes; /* that the library may allocate */
    apr_uint32_t ttl_s;
    const ds_log_t *log;
    memcached_st *master; /* handles are its clones; only read */
    apr_reslist_t *handles;
    atomic_uint generation; /* of handles; a failure starts a new one */
    char token[DI_MEMCACHED_TOKEN_ROOM];
    di_pace_t damaged;
    atomic_uint probe_from; /* server at which the next probing begins */
    int count;
    server_t server[DI_MEMCACHED_SERVERS_MAX];
    di_breaker_t own[DI_MEMCACHED_SERVERS_MAX];
} cache_t;

typedef struct {
    cache_t *cache;
    memcached_st *handle;
    server_t *server;     /* of the key */
    apr_time_t began_at;  /* monotonic */
    char name[NAME_ROOM]; /* memcached's key */
    apr_size_t name_len;
} session_t;

/* ---- names of servers ---- */

typedef struct {
    char *host; /* NULL: a socket */
    const char *path;
    in_port_t port;
} address_t;

static int is_host(const char *host)
{
    apr_size_t len = strlen(host);

    return len > 0 && len < 256 &&
           strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789.-_") == len;
}

static int is_v6(const char *host)
{
    struct in6_addr address;

    return inet_pton(AF_INET6, host, &address) == 1;
}

/* "host:port" or "[v6]:port".  @return 1 when legal */
static int parse_host_port(address_t *out, const char *word, apr_pool_t *p)
{
    const char *colon = strrchr(word, ':');
    apr_int64_t port;
    apr_size_t len;

    if (!colon || !ds_arg_decimal(&port, colon + 1, strlen(colon + 1)) ||
        port < 1 || port > 65535) {
        return 0;
    }
    len = (apr_size_t)(colon - word);
    out->port = (in_port_t)port;
    if (len > 2 && word[0] == '[' && word[len - 1] == ']') {
        out->host = apr_pstrmemdup(p, word + 1, len - 2);
        return is_v6(out->host);
    }
    out->host = apr_pstrmemdup(p, word, len);
    return is_host(out->host);
}

static int parse_server(address_t *out, const char *word, apr_pool_t *p)
{
    memset(out, 0, sizeof(*out));
    if (word && word[0] == '/') {
        out->path = word;
        return strlen(word) < sizeof(((struct sockaddr_un *)0)->sun_path);
    }
    return word && parse_host_port(out, word, p);
}

const char *di_memcached_server_check(const char *word, apr_pool_t *p)
{
    address_t address;

    return parse_server(&address, word, p)
               ? NULL
               : apr_psprintf(p,
                              "\"%s\" is not a memcached server: host:port, "
                              "[v6 address]:port or /path/of/socket",
                              word ? word : "");
}

/* ---- what libmemcached allocates ---- */

static void *block_grow(const memcached_st *handle, void *block, size_t bytes,
                        void *baton)
{
    const cache_t *cache = baton;

    return bytes > cache->max_block_bytes ? NULL : realloc(block, bytes);
}

static void *block_make(const memcached_st *handle, size_t bytes, void *baton)
{
    return block_grow(handle, NULL, bytes, baton);
}

static void *block_make_zero(const memcached_st *handle, size_t count,
                             size_t bytes, void *baton)
{
    return calloc(count, bytes);
}

static void block_free(const memcached_st *handle, void *block, void *baton)
{
    free(block);
}

/* ---- sessions ---- */

static apr_status_t handle_make(void **out, void *baton, apr_pool_t *p)
{
    cache_t *cache = baton;
    memcached_st *handle = memcached_clone(NULL, cache->master);

    if (!handle) {
        return APR_ENOMEM;
    }
    /* A clone forgets this one, and would choose other servers than its master
       (seen with 1.1.4). */
    memcached_behavior_set(handle, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1);
    memcached_set_user_data(
        handle, (void *)(apr_uintptr_t)atomic_load(&cache->generation));
    *out = handle;
    return APR_SUCCESS;
}

static apr_status_t handle_drop(void *handle, void *baton, apr_pool_t *p)
{
    memcached_free(handle);
    return APR_SUCCESS;
}

/* A handle of the present generation. */
static apr_status_t take_handle(memcached_st **out, cache_t *cache)
{
    void *handle;
    apr_status_t rv;

    while (!(rv = apr_reslist_acquire(cache->handles, &handle))) {
        if ((apr_uintptr_t)memcached_get_user_data(handle) ==
            atomic_load(&cache->generation)) {
            *out = handle;
            break;
        }
        apr_reslist_invalidate(cache->handles, handle);
    }
    return rv;
}

/* Connections of before an outage may be dead without knowing it. */
static void forget_old_handles(cache_t *cache, server_t *server)
{
    uint64_t openings = atomic_load(&server->breaker->openings);

    if (atomic_exchange(&server->openings, openings) != openings) {
        atomic_fetch_add(&cache->generation, 1);
    }
}

/* With out->name filled: talk to this server, whatever its breaker says. */
static apr_status_t session_start(session_t *out, cache_t *cache,
                                  server_t *server)
{
    out->cache = cache;
    out->server = server;
    out->name_len = strlen(out->name);
    forget_old_handles(cache, server);
    out->began_at = ds_steady_now();
    return take_handle(&out->handle, cache);
}

static int may_ask(const cache_t *cache, server_t *server)
{
    return cache->probed ? !di_breaker_is_open(server->breaker)
                         : di_breaker_allows(server->breaker, ds_steady_now(),
                                             cache->rest_for);
}

/**
 * @return APR_SUCCESS, and session_end must follow; else the level is out of
 *         order for this name
 */
static apr_status_t session_begin(session_t *out, cache_t *cache,
                                  const char *prefix, const char *name)
{
    server_t *server;
    uint32_t index;

    apr_snprintf(out->name, sizeof(out->name), "%s%s", prefix, name);
    index =
        memcached_generate_hash(cache->master, out->name, strlen(out->name));
    server = &cache->server[index % DI_MEMCACHED_SERVERS_MAX];
    return may_ask(cache, server) ? session_start(out, cache, server)
                                  : APR_ECONNREFUSED;
}

/* The server was not asked after all; a probe is left to somebody else. */
static void session_abandon(session_t *session)
{
    apr_reslist_release(session->cache->handles, session->handle);
}

/* A get that could not read its answer may be told as a miss; the library's
   note of the last error knows better. */
static memcached_return_t true_answer(memcached_st *handle,
                                      memcached_return_t rc)
{
    memcached_return_t last = memcached_last_error(handle);

    return rc == MEMCACHED_NOTFOUND && last != MEMCACHED_SUCCESS ? last : rc;
}

/* Did the server answer, whatever the answer? */
static int is_answer(memcached_return_t rc)
{
    switch (rc) {
    case MEMCACHED_SUCCESS:
    case MEMCACHED_STORED:
    case MEMCACHED_DELETED:
    case MEMCACHED_NOTFOUND:
    case MEMCACHED_NOTSTORED:
    case MEMCACHED_DATA_EXISTS:
    case MEMCACHED_E2BIG:
    case MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE:
        return 1;
    default:
        return 0;
    }
}

static apr_status_t to_status(memcached_return_t rc)
{
    switch (rc) {
    case MEMCACHED_SUCCESS:
    case MEMCACHED_STORED:
    case MEMCACHED_DELETED:
        return APR_SUCCESS;
    case MEMCACHED_NOTFOUND:
        return APR_NOTFOUND;
    case MEMCACHED_NOTSTORED:
    case MEMCACHED_DATA_EXISTS:
        return APR_EBUSY;
    case MEMCACHED_E2BIG:
    case MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE:
        return APR_ENOSPC;
    case MEMCACHED_TIMEOUT:
        return APR_TIMEUP;
    default:
        return APR_EGENERAL;
    }
}

static void session_succeeded(session_t *session)
{
    if (di_breaker_succeeded(session->server->breaker)) {
        ds_log(session->cache->log, DS_LOG_NOTICE, "DI0404", APR_SUCCESS,
               "memcached server %s answers again", session->server->word);
    }
}

static void session_failed(session_t *session, di_breaker_failure_e how,
                           const char *why, apr_time_t now)
{
    cache_t *cache = session->cache;

    if (di_breaker_failed(session->server->breaker, how, now,
                          cache->rest_for)) {
        ds_log(cache->log, DS_LOG_WARNING, "DI0403", APR_SUCCESS,
               "memcached server %s fails (%s): left alone until it answers a "
               "probe",
               session->server->word, why);
    }
}

/**
 * Judge how the session went, and give its handle back or throw it away.
 * @param rc       the library's last answer
 * @param nonsense what came is no answer to what was asked
 */
static apr_status_t session_end(session_t *session, memcached_return_t rc,
                                int nonsense)
{
    cache_t *cache = session->cache;
    apr_time_t now = ds_steady_now();
    apr_interval_time_t took_for = now - session->began_at;

    rc = true_answer(session->handle, rc);
    if (is_answer(rc) && !nonsense &&
        took_for < SLOW_LIMITS * cache->limit_for) {
        session_succeeded(session);
        apr_reslist_release(cache->handles, session->handle);
        return to_status(rc);
    }
    session_failed(session,
                   took_for >= cache->limit_for / FELT_PART ? DI_BREAKER_TIMEOUT
                                                            : DI_BREAKER_ERROR,
                   nonsense        ? "senseless answer"
                   : is_answer(rc) ? "too slow"
                                   : memcached_strerror(session->handle, rc),
                   now);
    if (!is_answer(rc)) {
        atomic_fetch_add(&cache->generation, 1);
    }
    apr_reslist_invalidate(cache->handles, session->handle);
    return nonsense ? APR_EGENERAL : to_status(rc);
}

/* ---- the level ---- */

static apr_status_t value_free(void *value)
{
    free(value);
    return APR_SUCCESS;
}

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

/* A value that was put meanwhile goes too, which costs a render. */
static void drop_value(cache_t *cache, const di_key_t *key)
{
    session_t session;
    memcached_return_t rc;

    if (session_begin(&session, cache, ENTRY_PREFIX, key->hex) == APR_SUCCESS) {
        rc =
            memcached_delete(session.handle, session.name, session.name_len, 0);
        (void)session_end(&session, rc, 0);
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
               server->word, key->hex, di_record_state_text(state), dropped);
    }
}

/* @return APR_SUCCESS when a value came, whose *state may be anything */
static apr_status_t fetch(cache_t *cache, di_entry_t *out,
                          di_record_state_e *state, const di_key_t *key,
                          apr_time_t now, apr_pool_t *p)
{
    memcached_return_t rc = MEMCACHED_FAILURE;
    session_t session;
    size_t bytes = 0;
    uint32_t flags;
    char *value;
    apr_status_t rv = session_begin(&session, cache, ENTRY_PREFIX, key->hex);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    value = memcached_get(session.handle, session.name, session.name_len,
                          &bytes, &flags, &rc);
    *state = DI_RECORD_DAMAGED;
    if (value) {
        apr_pool_cleanup_register(p, value, value_free, apr_pool_cleanup_null);
        *state = check_value(out, value, bytes, key);
    }
    if (rc != MEMCACHED_SUCCESS || *state == DI_RECORD_FINE ||
        *state == DI_RECORD_OLD) {
        return session_end(&session, rc, 0);
    }
    (void)session_end(&session, rc, 1);
    log_damaged(cache, session.server, key, *state, now);
    return APR_SUCCESS;
}

static apr_status_t cache_get(di_level_t *level, di_entry_t *out,
                              const di_key_t *key, apr_time_t now,
                              apr_pool_t *p)
{
    cache_t *cache = level->self;
    di_record_state_e state;
    apr_status_t rv = fetch(cache, out, &state, key, now, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    out->level = level->name;
    if (state == DI_RECORD_FINE && !di_record_is_expired(&out->record, now)) {
        return APR_SUCCESS;
    }
    drop_value(cache, key);
    return APR_NOTFOUND;
}

/* memcached's "exptime" for so many seconds from now; never 0 by accident. */
static time_t expiry_of(apr_int64_t span_s, apr_time_t now)
{
    if (span_s <= EXPIRY_SPAN_MAX_S) {
        return (time_t)(span_s > 0 ? span_s : 1);
    }
    return (time_t)(apr_time_sec(now) + span_s);
}

static time_t entry_expiry(const cache_t *cache, const di_record_t *record,
                           apr_time_t now)
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
    cache_t *cache = level->self;
    memcached_return_t rc;
    session_t session;
    apr_size_t bytes;
    apr_status_t rv;
    char *value;

    body = body && !record->verdict ? body : &none;
    if (di_record_head_bytes(key) > cache->max_item_bytes ||
        body->bytes > cache->max_item_bytes - di_record_head_bytes(key)) {
        return APR_ENOSPC;
    }
    /* The breaker is asked first: a body is not copied for nothing. */
    rv = session_begin(&session, cache, ENTRY_PREFIX, key->hex);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = build_value(&value, &bytes, key, record, body, ptemp);
    if (rv != APR_SUCCESS) {
        session_abandon(&session);
        return rv;
    }
    /* Reading a body from a slow disk is not the server's fault. */
    session.began_at = ds_steady_now();
    rc = memcached_set(session.handle, session.name, session.name_len, value,
                       bytes, entry_expiry(cache, record, now), 0);
    return session_end(&session, rc, 0);
}

/* ---- the shared part of leases ---- */

/* Is the lease, if there is one, this machine's? */
static int is_ours(session_t *session, memcached_return_t *rc)
{
    const char *token = session->cache->token;
    size_t bytes = 0;
    uint32_t flags;
    char *value;
    int same;

    *rc = MEMCACHED_FAILURE;
    value = memcached_get(session->handle, session->name, session->name_len,
                          &bytes, &flags, rc);
    *rc = true_answer(session->handle, *rc);
    same = value && *rc == MEMCACHED_SUCCESS && bytes == strlen(token) &&
           !memcmp(value, token, bytes);
    free(value);
    return same;
}

/* Who asks has the local part, so a lease of this machine that is there all
   the same was left by a process that died: it is taken over. */
static apr_status_t shared_take(void *self, const di_key_t *key,
                                apr_uint32_t ttl_s)
{
    cache_t *cache = self;
    memcached_return_t rc, found;
    session_t session;
    apr_status_t rv = session_begin(&session, cache, LEASE_PREFIX, key->hex);
    time_t expiry = expiry_of(ttl_s, apr_time_now());

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rc = memcached_add(session.handle, session.name, session.name_len,
                       cache->token, strlen(cache->token), expiry, 0);
    if (rc == MEMCACHED_NOTSTORED || rc == MEMCACHED_DATA_EXISTS) {
        if (is_ours(&session, &found)) {
            rc = memcached_set(session.handle, session.name, session.name_len,
                               cache->token, strlen(cache->token), expiry, 0);
        }
        else if (!is_answer(found)) {
            rc = found;
        }
    }
    return session_end(&session, rc, 0);
}

/* Ours only: if it has expired meanwhile it may be another machine's by now.
   It may still become that between the two calls: memcached's text protocol
   has no conditional delete.  The price is one more render. */
static void shared_release(void *self, const di_key_t *key)
{
    cache_t *cache = self;
    memcached_return_t rc;
    session_t session;

    if (session_begin(&session, cache, LEASE_PREFIX, key->hex) != APR_SUCCESS) {
        return;
    }
    if (is_ours(&session, &rc)) {
        rc =
            memcached_delete(session.handle, session.name, session.name_len, 0);
    }
    (void)session_end(&session, rc, 0);
}

/* ---- items ---- */

static int is_item_name(const char *name)
{
    apr_size_t len = strlen(name), i;

    for (i = 0; i < len && name[i] > ' ' && name[i] < 127; i++) {
    }
    return i == len && len > 0 && len <= DI_SHARED_ITEM_NAME_MAX;
}

/* The library tells the cas of values that were asked for as several are. */
static memcached_return_t look_up_item(session_t *session, const char **data,
                                       apr_size_t *bytes, apr_uint64_t *cas,
                                       apr_pool_t *p)
{
    const char *const names[] = {session->name};
    memcached_result_st *result;
    memcached_return_t rc = memcached_mget(session->handle, names,
                                           &session->name_len, 1),
                       last;
    int found = 0;

    if (rc != MEMCACHED_SUCCESS) {
        return rc;
    }
    while ((result = memcached_fetch_result(session->handle, NULL, &last))) {
        *bytes = memcached_result_length(result);
        *data = *bytes ? apr_pmemdup(p, memcached_result_value(result), *bytes)
                       : "";
        *cas = memcached_result_cas(result);
        memcached_result_free(result);
        found++;
    }
    if (last != MEMCACHED_END && last != MEMCACHED_NOTFOUND) {
        return last == MEMCACHED_SUCCESS ? MEMCACHED_PROTOCOL_ERROR : last;
    }
    return found ? MEMCACHED_SUCCESS : MEMCACHED_NOTFOUND;
}

static apr_status_t item_get(void *self, const char *name, const char **data,
                             apr_size_t *bytes, apr_uint64_t *cas,
                             apr_pool_t *p)
{
    session_t session;
    apr_status_t rv = is_item_name(name)
                          ? session_begin(&session, self, "", name)
                          : APR_EINVAL;

    return rv == APR_SUCCESS
               ? session_end(&session,
                             look_up_item(&session, data, bytes, cas, p), 0)
               : rv;
}

static apr_status_t item_put(void *self, const char *name, const char *data,
                             apr_size_t bytes, apr_uint64_t cas,
                             apr_pool_t *ptemp)
{
    memcached_return_t rc;
    session_t session;
    apr_status_t rv = is_item_name(name)
                          ? session_begin(&session, self, "", name)
                          : APR_EINVAL;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rc = cas ? memcached_cas(session.handle, session.name, session.name_len,
                             data, bytes, 0, 0, cas)
             : memcached_add(session.handle, session.name, session.name_len,
                             data, bytes, 0, 0);
    rv = session_end(&session, rc, 0);
    return rv == APR_NOTFOUND ? APR_EBUSY : rv;
}

di_shared_item_t *di_memcached_item(di_level_t *level)
{
    cache_t *cache = level->self;

    return &cache->item;
}

/* ---- probes ---- */

/* The library chooses the server by the name: one that leads to this one.  Of
   N servers about every Nth does; none to a server that is listed twice. */
static int name_probe(char *out, const cache_t *cache, const server_t *server)
{
    uint32_t index = (uint32_t)(server - cache->server), number;

    for (number = 0; number < PROBE_NAMES; number++) {
        apr_snprintf(out, NAME_ROOM, PROBE_PREFIX "%u", number);
        if (memcached_generate_hash(cache->master, out, strlen(out)) == index) {
            return 1;
        }
    }
    return 0;
}

/* A look-up, as a server that answers only to nothing is of no use. */
static void probe(cache_t *cache, server_t *server)
{
    memcached_return_t rc = MEMCACHED_FAILURE;
    session_t session;
    size_t bytes;
    uint32_t flags;

    if (name_probe(session.name, cache, server) &&
        session_start(&session, cache, server) == APR_SUCCESS) {
        free(memcached_get(session.handle, session.name, session.name_len,
                           &bytes, &flags, &rc));
        (void)session_end(&session, rc, 0);
    }
}

void di_memcached_probe(di_level_t *level)
{
    cache_t *cache = level->self;
    apr_time_t by = ds_steady_now() + PROBE_FOR;
    int i;

    for (i = 0; i < cache->count && ds_steady_now() < by; i++) {
        server_t *server =
            &cache->server[atomic_fetch_add(&cache->probe_from, 1) %
                           (unsigned)cache->count];

        if (di_breaker_is_open(server->breaker)) {
            probe(cache, server);
        }
    }
}

/* ---- making ---- */

static memcached_return_t add_server(memcached_st *master,
                                     const address_t *address)
{
    return address->path
               ? memcached_server_add_unix_socket(master, address->path)
               : memcached_server_add(master, address->host, address->port);
}

static apr_status_t add_servers(cache_t *cache, const di_memcached_conf_t *conf,
                                apr_pool_t *p)
{
    const char *const *words = conf->servers;
    address_t address;
    int count;

    for (count = 0; words && words[count]; count++) {
        if (count == DI_MEMCACHED_SERVERS_MAX ||
            !parse_server(&address, words[count], p)) {
            return APR_EINVAL;
        }
        if (add_server(cache->master, &address) != MEMCACHED_SUCCESS) {
            return APR_ENOMEM;
        }
        cache->server[count].word = apr_pstrdup(p, words[count]);
        cache->server[count].breaker =
            conf->breakers ? di_breaker_of(conf->breakers, words[count])
                           : &cache->own[count];
    }
    cache->count = count;
    return count ? APR_SUCCESS : APR_EINVAL;
}

/* The time limits: two of them are in ms, two in us. */
static void set_behaviors(memcached_st *master, apr_uint32_t timeout_ms)
{
    const struct {
        memcached_behavior_t behavior;
        uint64_t value;
    } list[] = {
        {MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1},
        {MEMCACHED_BEHAVIOR_BINARY_PROTOCOL, 1},
        {MEMCACHED_BEHAVIOR_SUPPORT_CAS, 1},
        {MEMCACHED_BEHAVIOR_NO_BLOCK, 1},
        {MEMCACHED_BEHAVIOR_TCP_NODELAY, 1},
        {MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, timeout_ms},
        {MEMCACHED_BEHAVIOR_POLL_TIMEOUT, timeout_ms},
        {MEMCACHED_BEHAVIOR_SND_TIMEOUT, timeout_ms * UINT64_C(1000)},
        {MEMCACHED_BEHAVIOR_RCV_TIMEOUT, timeout_ms * UINT64_C(1000)},
    };
    size_t i;

    for (i = 0; i < sizeof(list) / sizeof(*list); i++) {
        memcached_behavior_set(master, list[i].behavior, list[i].value);
    }
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

static apr_status_t master_free(void *master)
{
    memcached_free(master);
    return APR_SUCCESS;
}

static apr_status_t make_master(cache_t *cache, const di_memcached_conf_t *conf,
                                apr_pool_t *p)
{
    cache->master = memcached_create(NULL);
    if (!cache->master) {
        return APR_ENOMEM;
    }
    apr_pool_cleanup_register(p, cache->master, master_free,
                              apr_pool_cleanup_null);
    memcached_set_memory_allocators(cache->master, block_make, block_free,
                                    block_grow, block_make_zero, cache);
    set_behaviors(cache->master, conf->timeout_ms);
    return add_servers(cache, conf, p);
}

static apr_status_t make_handles(cache_t *cache, apr_pool_t *p)
{
    apr_pool_t *own;
    apr_status_t rv = apr_pool_create(&own, p);

    /* The list allocates while it is used, from several threads, under its
       own mutex: nobody else may allocate from the same pool. */
    if (rv == APR_SUCCESS) {
        rv = apr_reslist_create(&cache->handles, 0, HANDLES_IDLE, HANDLES_MAX,
                                HANDLE_IDLE_FOR, handle_make, handle_drop,
                                cache, own);
    }
    if (rv == APR_SUCCESS) {
        apr_reslist_timeout_set(cache->handles, cache->limit_for);
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
    cache->probed = conf->probed;
    cache->limit_for = apr_time_from_msec(conf->timeout_ms);
    cache->rest_for =
        conf->rest_ms ? apr_time_from_msec(conf->rest_ms) : DI_BREAKER_REST_FOR;
    cache->max_item_bytes = conf->max_item_bytes;
    /* Another machine's limit may be higher, and buffers grow by doubling. */
    cache->max_block_bytes = 4 * conf->max_item_bytes + (4 << 20);
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
    apr_status_t rv = APR_SUCCESS;

    fill(cache, conf);
    if (!cache->token[0]) {
        rv = di_memcached_token(cache->token);
    }
    if (rv == APR_SUCCESS) {
        rv = make_master(cache, conf, p);
    }
    if (rv == APR_SUCCESS) {
        rv = make_handles(cache, p);
    }
    if (rv == APR_SUCCESS) {
        *out = &cache->level;
        *shared = &cache->shared;
    }
    return rv;
}
