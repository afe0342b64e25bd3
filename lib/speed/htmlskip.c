/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags that change nothing are nearly all tags of a page.  Their attributes
 * are walked as the HTML Standard's tokenizer would (13.2.5.32 to 13.2.5.40),
 * but in loops over a buffer; whatever is out of the ordinary, or goes on in
 * the next buffer, is left to the tokenizer.  That both agree is tested by
 * cutting every page at every place: a tag that is cut takes the slow way.
 */
#include "speed/htmlskip.h"

#include <string.h>

#include "speed/htmlrules.h"

/* So far a loop is faster than memchr: measured, a quarter of the time of a
   page of short tags and texts. */
#define NEAR_BYTES 16

/* Longest name that matters. */
#define NAME_MAX_BYTES 9

/* Names that matter to htmlrules.c, by length. */
static const char *const matter[NAME_MAX_BYTES + 1][7] = {
    [3] = {"svg", "xmp"},
    [4] = {"body", "html", "head", "math", "meta", "base"},
    [5] = {"title", "style"},
    [6] = {"script", "select", "iframe"},
    [7] = {"noembed"},
    [8] = {"textarea", "noframes", "noscript", "template", "frameset"},
    [9] = {"plaintext"},
};

static int matters(const char *name, apr_size_t len)
{
    char lower[NAME_MAX_BYTES + 1];
    const char *const *word;
    apr_size_t i;

    if (len > NAME_MAX_BYTES || !matter[len][0]) {
        return 0;
    }
    for (i = 0; i < len; i++) {
        lower[i] = sp_htmlrules_lower((unsigned char)name[i]);
    }
    for (word = matter[len]; *word; word++) {
        if (!memcmp(*word, lower, len)) {
            return 1;
        }
    }
    return 0;
}

/* As memchr; texts and values are mostly shorter than a call is worth. */
static const char *find(const char *p, const char *end, char c)
{
    const char *near = end - p > NEAR_BYTES ? p + NEAR_BYTES : end;

    while (p < near) {
        if (*p == c) {
            return p;
        }
        p++;
    }
    return p < end ? memchr(p, c, (apr_size_t)(end - p)) : NULL;
}

/* Which bytes end what. */
enum { SPACE = 1, SLASH = 2, CLOSE = 4, EQUALS = 8 };

static const unsigned char kinds[256] = {
    [' '] = SPACE,  ['\n'] = SPACE, ['\t'] = SPACE, ['\r'] = SPACE,
    ['\f'] = SPACE, ['/'] = SLASH,  ['>'] = CLOSE,  ['='] = EQUALS};

#define NAME_END (SPACE | SLASH | CLOSE)

/* First byte that is, or is not, of these kinds; end when there is none. */
static const char *until(const char *p, const char *end, int kind)
{
    while (p < end && !(kinds[(unsigned char)*p] & kind)) {
        p++;
    }
    return p;
}

static const char *past_space(const char *p, const char *end)
{
    while (p < end && kinds[(unsigned char)*p] == SPACE) {
        p++;
    }
    return p;
}

/* Behind an attribute's value; p is behind the "=".  NULL: not in here. */
static const char *past_value(const char *p, const char *end)
{
    p = past_space(p, end);
    if (p == end) {
        return NULL;
    }
    if (*p == '"' || *p == '\'') {
        p = find(p + 1, end, *p);
        return p ? p + 1 : NULL;
    }
    return until(p, end, SPACE | CLOSE);
}

/* Behind the ">" of a tag; p is behind its name.  NULL: not in here. */
static const char *past_attributes(const char *p, const char *end)
{
    while (p && p < end) {
        int kind = kinds[(unsigned char)*p];

        if (kind == CLOSE) {
            return p + 1;
        }
        if (kind == SPACE || kind == SLASH) {
            p++;
            continue;
        }
        /* A first "=" belongs to the name. */
        p = past_space(until(p + 1, end, NAME_END | EQUALS), end);
        if (p < end && *p == '=') {
            p = past_value(p + 1, end);
        }
    }
    return NULL;
}

/* Behind a tag that does not matter; p is behind its "<".  NULL: it matters,
   or is none, or does not end in here. */
static const char *past_tag(const char *p, const char *end)
{
    const char *name = p < end && *p == '/' ? p + 1 : p;

    if (name == end || (*name | 0x20) < 'a' || (*name | 0x20) > 'z') {
        return NULL;
    }
    p = until(name, end, NAME_END);
    return p == end || matters(name, (apr_size_t)(p - name))
               ? NULL
               : past_attributes(p, end);
}

apr_size_t sp_htmlskip(const char *data, apr_size_t len)
{
    const char *end = data + len, *p = data, *less, *next;

    while (p < end) {
        less = find(p, end, '<');
        if (!less) {
            return len;
        }
        next = past_tag(less + 1, end);
        if (!next) {
            return (apr_size_t)(less - data);
        }
        p = next;
    }
    return len;
}
