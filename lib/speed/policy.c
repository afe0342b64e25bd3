/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content-Security-Policy, level 3, as far as our scripts (inline, or from
 * this very site) and one same-origin request need it.
 *
 * Scripts are governed by script-src-elem, else script-src, else default-src;
 * the request by connect-src, else default-src; without any of them nothing
 * is restricted.  A nonce in the list is reused, inline and external; so it
 * is what strict-dynamic asks for.  "unsafe-inline" only counts without
 * nonces, hashes and strict-dynamic, which switch it off; our own origin only
 * counts without strict-dynamic.
 */
#include "speed/policy.h"

#include <string.h>

#include <apr_strings.h>

#include "speed/snippet.h"

#define SPACES " \t\r\n\f"

/* Source lists of one policy; NULL: the directive is not there. */
typedef struct {
    char *script_elem, *script, *fallback, *connect;
    int strict; /* has a rule that we never fit */
} lists_t;

/* The words of an allow list that matter to us. */
typedef struct {
    int host;          /* a word that matches our own origin */
    int inline_ok;     /* 'unsafe-inline' */
    int restricted;    /* a word that switches 'unsafe-inline' off */
    int strict;        /* 'strict-dynamic': host words do not count */
    const char *nonce; /* the first that we can write into a page */
} sources_t;

static void keep_first(char **list, char *words)
{
    if (!*list) {
        *list = words ? words : (char *)(apr_uintptr_t) "";
    }
}

static void read_directive(lists_t *lists, char *text)
{
    char *words, *name = apr_strtok(text, SPACES, &words);

    if (!name) {
        return;
    }
    if (!strcasecmp(name, "script-src-elem")) {
        keep_first(&lists->script_elem, words);
    }
    else if (!strcasecmp(name, "script-src")) {
        keep_first(&lists->script, words);
    }
    else if (!strcasecmp(name, "default-src")) {
        keep_first(&lists->fallback, words);
    }
    else if (!strcasecmp(name, "connect-src")) {
        keep_first(&lists->connect, words);
    }
    else if (!strcasecmp(name, "sandbox") ||
             !strcasecmp(name, "require-trusted-types-for")) {
        lists->strict = 1;
    }
}

/* 'nonce-VALUE' to VALUE, or NULL. */
static const char *nonce_of(const char *word, apr_pool_t *p)
{
    apr_size_t len = strlen(word);

    if (len < 9 || strncasecmp(word, "'nonce-", 7) || word[len - 1] != '\'' ||
        !sp_snippet_is_nonce(word + 7, len - 8)) {
        return NULL;
    }
    return apr_pstrmemdup(p, word + 7, len - 8);
}

/* The word's next character is one of those that may end a host. */
static int ends_host(char c)
{
    return c == '\0' || c == ':' || c == '/';
}

/* "a.example" or "*.example" at the word's beginning against our host.
   @return what follows it in the word, or NULL */
static const char *match_name(const char *word, const char *host)
{
    apr_size_t len = strcspn(host, ":");
    apr_size_t name = strcspn(word, ":/");

    if (word[0] == '*' && word[1] == '.') {
        return len > name - 1 &&
                       !strncasecmp(host + len - (name - 1), word + 1, name - 1)
                   ? word + name
                   : NULL;
    }
    return name == len && !strncasecmp(word, host, len) && ends_host(word[len])
               ? word + len
               : NULL;
}

/* What follows the name: port, and no path but "/". */
static int match_rest(const char *rest, const char *host)
{
    const char *port = strchr(host, ':');
    apr_size_t len = strcspn(rest, "/");

    if (rest[len] && strcmp(rest + len, "/")) {
        return 0;
    }
    if (len == 2 && !strncmp(rest, ":*", 2)) {
        return 1;
    }
    return len == (port ? strlen(port) : 0) &&
           !strncmp(rest, port ? port : "", len);
}

/*
 * Does a host or scheme word match our origin?  A scheme must be the one that
 * we see; browsers let https pass for http as well, but then somebody in
 * front of us speaks TLS, and 'self' is what such a site writes.
 */
static int match_origin(const char *word, const sp_policy_t *policy)
{
    const char *scheme = policy->scheme, *host = policy->host;
    apr_size_t len = scheme ? strlen(scheme) : 0;

    if (!strcmp(word, "*") || !strcasecmp(word, "'self'")) {
        return 1;
    }
    if (!scheme || !host) {
        return 0;
    }
    if (!strncasecmp(word, scheme, len) && word[len] == ':') {
        if (!word[len + 1]) {
            return 1;
        }
        if (!strncmp(word + len, "://", 3)) {
            word += len + 3;
        }
    }
    word = match_name(word, host);
    return word && match_rest(word, host);
}

static void read_source(sources_t *out, const char *word,
                        const sp_policy_t *policy, apr_pool_t *p)
{
    if (!strcasecmp(word, "'unsafe-inline'")) {
        out->inline_ok = 1;
    }
    else if (!strcasecmp(word, "'strict-dynamic'")) {
        out->restricted = out->strict = 1;
    }
    else if (!strncasecmp(word, "'nonce-", 7)) {
        out->restricted = 1;
        if (!out->nonce) {
            out->nonce = nonce_of(word, p);
        }
    }
    else if (!strncasecmp(word, "'sha", 4)) {
        out->restricted = 1;
    }
    else if (match_origin(word, policy)) {
        out->host = 1;
    }
}

static sources_t read_sources(const char *list, const sp_policy_t *policy,
                              apr_pool_t *p)
{
    sources_t out = {0};
    char *copy = apr_pstrdup(p, list), *last, *word;

    for (word = apr_strtok(copy, SPACES, &last); word;
         word = apr_strtok(NULL, SPACES, &last)) {
        read_source(&out, word, policy, p);
    }
    return out;
}

/* A tag has one nonce: the first one seen.  A list with another one allows
   what it allows without. */
static void check_scripts(sp_policy_t *policy, const char *list, apr_pool_t *p)
{
    sources_t sources = read_sources(list, policy, p);
    int by_nonce;

    if (!policy->nonce) {
        policy->nonce = sources.nonce;
    }
    by_nonce = sources.nonce && !strcmp(policy->nonce, sources.nonce);
    if (!by_nonce && (!sources.inline_ok || sources.restricted)) {
        policy->no_inline = 1;
    }
    if (!by_nonce && (!sources.host || sources.strict)) {
        policy->no_external = 1;
    }
}

static void forbid(sp_policy_t *policy)
{
    policy->no_inline = policy->no_external = 1;
}

static void check_request(sp_policy_t *policy, const char *list, apr_pool_t *p)
{
    if (!read_sources(list, policy, p).host) {
        forbid(policy);
    }
}

static void add_one(sp_policy_t *policy, char *text, apr_pool_t *p)
{
    lists_t lists = {0};
    char *last, *part, *list;

    for (part = apr_strtok(text, ";", &last); part;
         part = apr_strtok(NULL, ";", &last)) {
        read_directive(&lists, part);
    }
    list = lists.script_elem ? lists.script_elem
                             : (lists.script ? lists.script : lists.fallback);
    if (list) {
        check_scripts(policy, list, p);
    }
    list = lists.connect ? lists.connect : lists.fallback;
    if (list) {
        check_request(policy, list, p);
    }
    if (lists.strict) {
        forbid(policy);
    }
}

void sp_policy_add(sp_policy_t *policy, const char *field, apr_pool_t *p)
{
    char *copy = apr_pstrdup(p, field), *last, *one;

    for (one = apr_strtok(copy, ",", &last); one;
         one = apr_strtok(NULL, ",", &last)) {
        add_one(policy, one, p);
    }
}
