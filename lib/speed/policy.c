/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content-Security-Policy, level 3, as far as two inline scripts and one
 * same-origin request need it.
 *
 * Scripts are governed by script-src-elem, else script-src, else default-src;
 * the request by connect-src, else default-src; without any of them nothing
 * is restricted.  A nonce in the list is reused.  "unsafe-inline" only counts
 * without nonces, hashes and strict-dynamic, which switch it off.
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
    int any, self, inline_ok, restricted;
    const char *nonce;
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

static void read_source(sources_t *out, const char *word, apr_pool_t *p)
{
    if (!strcmp(word, "*")) {
        out->any = 1;
    }
    else if (!strcasecmp(word, "'self'")) {
        out->self = 1;
    }
    else if (!strcasecmp(word, "'unsafe-inline'")) {
        out->inline_ok = 1;
    }
    else if (!strncasecmp(word, "'nonce-", 7)) {
        out->restricted = 1;
        if (!out->nonce) {
            out->nonce = nonce_of(word, p);
        }
    }
    else if (!strncasecmp(word, "'sha", 4) ||
             !strcasecmp(word, "'strict-dynamic'")) {
        out->restricted = 1;
    }
}

static sources_t read_sources(const char *list, apr_pool_t *p)
{
    sources_t out = {0};
    char *copy = apr_pstrdup(p, list), *last, *word;

    for (word = apr_strtok(copy, SPACES, &last); word;
         word = apr_strtok(NULL, SPACES, &last)) {
        read_source(&out, word, p);
    }
    return out;
}

static void check_scripts(sp_policy_t *policy, const char *list, apr_pool_t *p)
{
    sources_t sources = read_sources(list, p);

    if (sources.nonce) {
        if (policy->nonce && strcmp(policy->nonce, sources.nonce)) {
            policy->forbidden = 1;
        }
        policy->nonce = sources.nonce;
    }
    else if (!sources.inline_ok || sources.restricted) {
        policy->forbidden = 1;
    }
}

static void check_request(sp_policy_t *policy, const char *list, apr_pool_t *p)
{
    sources_t sources = read_sources(list, p);

    if (!sources.any && !sources.self) {
        policy->forbidden = 1;
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
    policy->forbidden |= lists.strict;
}

void sp_policy_add(sp_policy_t *policy, const char *field, apr_pool_t *p)
{
    char *copy = apr_pstrdup(p, field), *last, *one;

    for (one = apr_strtok(copy, ",", &last); one;
         one = apr_strtok(NULL, ",", &last)) {
        add_one(policy, one, p);
    }
}
