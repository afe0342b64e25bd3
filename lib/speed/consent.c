/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Cookie header is read as RFC 6265 5.4 lets browsers write it, and no
 * looser: pairs with ";" between them, names compared as they are.
 */
#include "speed/consent.h"

#include <string.h>

#include <apr_strings.h>

/* Longest text that an operator may write, bytes. */
#define TEXT_MAX 256

/* What a cookie's name is made of.  Source: RFC 9110 5.6.2, token. */
#define TOKEN                                                                  \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"           \
    "!#$%&'*+-.^_`|~"

/* What a value may hold: visible ASCII but ; and , and \ ; quotes are part of
   it.  Source: RFC 6265 4.1.1, cookie-octet. */
static int is_value(const char *text)
{
    for (; *text; text++) {
        if (*text <= ' ' || *text >= 0x7f || strchr(";,\\", *text)) {
            return 0;
        }
    }
    return 1;
}

const char *sp_consent_parse(sp_consent_t *out, const char *text, apr_pool_t *p)
{
    apr_size_t name_len = strspn(text, TOKEN);

    out->name = out->pattern = NULL;
    if (name_len == 0 || (text[name_len] != '\0' && text[name_len] != '=') ||
        strlen(text) > TEXT_MAX) {
        return apr_psprintf(p,
                            "\"%s\" is not COOKIE or COOKIE=VALUE, up to %d "
                            "characters",
                            text, TEXT_MAX);
    }
    if (text[name_len] == '=') {
        if (text[name_len + 1] == '\0' || !is_value(text + name_len + 1)) {
            return apr_psprintf(p,
                                "\"%s\" is not the value of a cookie: visible "
                                "ASCII without ; , and \\",
                                text + name_len + 1);
        }
        out->pattern = apr_pstrdup(p, text + name_len + 1);
    }
    out->name = apr_pstrmemdup(p, text, name_len);
    return NULL;
}

/* Glob with "*" only.  A mismatch goes back to the last star alone, so the
   time is at most length times length of the pattern. */
static int matches(const char *pattern, const char *text, apr_size_t len)
{
    const char *star = NULL, *end = text + len, *again = NULL;

    while (text < end) {
        if (*pattern == '*') {
            star = pattern++;
            again = text;
        }
        else if (*pattern == *text) {
            pattern++;
            text++;
        }
        else if (star) {
            pattern = star + 1;
            text = ++again;
        }
        else {
            return 0;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

static int says_yes(const sp_consent_t *consent, const char *value,
                    apr_size_t len)
{
    while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t')) {
        len--;
    }
    return consent->pattern ? matches(consent->pattern, value, len) : len > 0;
}

int sp_consent_found(const sp_consent_t *consent, const char *cookies)
{
    apr_size_t name_len = consent->name ? strlen(consent->name) : 0;
    int yes = 0;

    if (!consent->name) {
        return 1;
    }
    while (cookies && *cookies) {
        apr_size_t len;

        cookies += strspn(cookies, " \t;");
        len = strcspn(cookies, ";");
        if (len > name_len && cookies[name_len] == '=' &&
            !memcmp(cookies, consent->name, name_len)) {
            if (!says_yes(consent, cookies + name_len + 1,
                          len - name_len - 1)) {
                return 0;
            }
            yes = 1;
        }
        cookies += len;
    }
    return yes;
}

int sp_consent_objects(const char *value)
{
    return value && !strcmp(value, "1");
}
