/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An Accept header is a list of media ranges:
 *
 *     image/webp, image/x;level="a,b";q=0.8 , any/any;q=0.5
 *     \_ part _/  \_________ part ________/
 *
 * The list is cut at commas outside of quotes first, then each part is read.
 * A range with a parameter before its q asks for something that none of our
 * pictures has, and matches nothing; what follows the q is the old
 * accept-ext, which says nothing of formats.  Of equal ranges the highest q
 * counts.  One pass, no memory but the q values.
 */
#include "image/accept.h"

#include <string.h>

#include <apr_cstr.h>
#include <apr_lib.h>

#define Q_NONE (-1)
#define Q_FULL 1000

/* What a part's range is, beside a di_format_e. */
#define RANGE_OTHER (-1)
#define RANGE_IMAGE (-2)
#define RANGE_ANY (-3)

/* q in thousandths, Q_NONE where the header has no such range. */
typedef struct {
    int format[DI_FORMAT_END];
    int image; /* any image */
    int any;   /* any type */
} qualities_t;

typedef struct {
    const char *at, *end;
} text_t;

typedef struct {
    const char *type;
    int range;
} range_t;

static const range_t ranges[] = {
    {"image/jpeg", DI_FORMAT_JPEG}, {"image/png", DI_FORMAT_PNG},
    {"image/gif", DI_FORMAT_GIF},   {"image/webp", DI_FORMAT_WEBP},
    {"image/tiff", DI_FORMAT_TIFF}, {"image/bmp", DI_FORMAT_BMP},
    {"image/avif", DI_FORMAT_AVIF}, {"image/heic", DI_FORMAT_HEIC},
    {"image/heif", DI_FORMAT_HEIC}, {"image/jxl", DI_FORMAT_JXL},
    {"image/*", RANGE_IMAGE},       {"*/*", RANGE_ANY},
};

#define RANGES (sizeof(ranges) / sizeof(*ranges))

/* RFC 9110 5.6.2 */
static int is_token_char(char c)
{
    return apr_isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static void skip_space(text_t *text)
{
    while (text->at < text->end && (*text->at == ' ' || *text->at == '\t')) {
        text->at++;
    }
}

/* The token at the start of text; empty when there is none. */
static text_t take_token(text_t *text)
{
    text_t token = {text->at, text->at};

    while (text->at < text->end && is_token_char(*text->at)) {
        text->at++;
    }
    token.end = text->at;
    return token;
}

static int take_char(text_t *text, char c)
{
    if (text->at < text->end && *text->at == c) {
        text->at++;
        return 1;
    }
    return 0;
}

/* A token or a quoted string (RFC 9110 5.6.4); 0 when it is neither. */
static int take_value(text_t *value, text_t *text)
{
    if (!take_char(text, '"')) {
        *value = take_token(text);
        return value->end > value->at;
    }
    value->at = text->at;
    while (text->at < text->end && *text->at != '"') {
        text->at += *text->at == '\\' && text->end - text->at > 1 ? 2 : 1;
    }
    value->end = text->at;
    return take_char(text, '"');
}

/* "0.5" -> 500; Q_NONE for what is no qvalue (RFC 9110 12.4.2). */
static int parse_q(text_t text)
{
    int q = 0, unit;

    if (text.at == text.end || (*text.at != '0' && *text.at != '1')) {
        return Q_NONE;
    }
    q = (*text.at++ - '0') * Q_FULL;
    if (text.at < text.end && *text.at++ != '.') {
        return Q_NONE;
    }
    for (unit = 100; text.at < text.end; text.at++, unit /= 10) {
        if (unit == 0 || !apr_isdigit(*text.at)) {
            return Q_NONE;
        }
        q += unit * (*text.at - '0');
    }
    return q <= Q_FULL ? q : Q_NONE;
}

static int is(text_t text, const char *word)
{
    apr_size_t len = (apr_size_t)(text.end - text.at);

    return len == strlen(word) && !apr_cstr_casecmpn(text.at, word, len);
}

static int range_of(text_t type)
{
    apr_size_t i;

    for (i = 0; i < RANGES; i++) {
        if (is(type, ranges[i].type)) {
            return ranges[i].range;
        }
    }
    return RANGE_OTHER;
}

/* type "/" subtype, without space */
static int take_range(int *range, text_t *part)
{
    text_t type = take_token(part);
    int fine = type.end > type.at && take_char(part, '/');
    text_t subtype = take_token(part);

    type.end = subtype.end;
    *range = range_of(type);
    return fine && subtype.end > subtype.at;
}

/* name "=" value, or less than that; 0 when it is malformed. */
static int take_parameter(text_t *name, text_t *value, text_t *part)
{
    skip_space(part);
    *name = take_token(part);
    value->at = value->end = part->at;
    return !take_char(part, '=') ||
           (name->end > name->at && take_value(value, part));
}

/* Read one part; 0 when it is malformed. */
static int read_part(int *range, int *q, text_t part)
{
    text_t name, value;
    int have_q = 0;

    skip_space(&part);
    *q = Q_FULL;
    if (!take_range(range, &part)) {
        return 0;
    }
    for (skip_space(&part); take_char(&part, ';'); skip_space(&part)) {
        if (!take_parameter(&name, &value, &part)) {
            return 0;
        }
        if (!have_q && is(name, "q")) {
            have_q = 1;
            *q = parse_q(value);
        }
        else if (!have_q && name.end > name.at) {
            *range = RANGE_OTHER;
        }
    }
    return part.at == part.end && *q != Q_NONE;
}

static void note(qualities_t *qualities, int range, int q)
{
    int *known = range == RANGE_ANY     ? &qualities->any
                 : range == RANGE_IMAGE ? &qualities->image
                 : range > 0            ? &qualities->format[range]
                                        : NULL;

    if (known && q > *known) {
        *known = q;
    }
}

/* The next part of the list, without its comma; 0 at the end. */
static int next_part(text_t *part, text_t *list)
{
    int quoted = 0;

    if (list->at >= list->end) {
        return 0;
    }
    part->at = list->at;
    for (; list->at < list->end && (quoted || *list->at != ','); list->at++) {
        if (*list->at == '"') {
            quoted = !quoted;
        }
        else if (quoted && *list->at == '\\' && list->end - list->at > 1) {
            list->at++;
        }
    }
    part->end = list->at++;
    return 1;
}

static void read_list(qualities_t *qualities, const char *accept)
{
    apr_size_t len = strnlen(accept, DI_ACCEPT_MAX_BYTES + 1);
    int cut = len > DI_ACCEPT_MAX_BYTES, range, q;
    text_t list = {accept, accept + len - cut}, part;

    while (next_part(&part, &list)) {
        if (!(cut && part.end == list.end) && read_part(&range, &q, part)) {
            note(qualities, range, q);
        }
    }
}

/* The most specific range decides. */
static int q_of(const qualities_t *qualities, di_format_e format)
{
    if (qualities->format[format] != Q_NONE) {
        return qualities->format[format];
    }
    return qualities->image != Q_NONE ? qualities->image : qualities->any;
}

unsigned di_accept_formats(const char *accept, di_format_e original)
{
    static const di_format_e named[] = {DI_FORMAT_WEBP, DI_FORMAT_AVIF,
                                        DI_FORMAT_JXL};
    qualities_t qualities = {.image = Q_NONE, .any = Q_NONE};
    unsigned set = 0;
    apr_size_t i;

    for (i = 0; i < DI_FORMAT_END; i++) {
        qualities.format[i] = Q_NONE;
    }
    read_list(&qualities, accept ? accept : "");
    set |= q_of(&qualities, DI_FORMAT_JPEG) ? DI_FORMAT_SET(JPEG) : 0;
    set |= q_of(&qualities, DI_FORMAT_PNG) ? DI_FORMAT_SET(PNG) : 0;
    for (i = 0; i < sizeof(named) / sizeof(*named); i++) {
        int q = qualities.format[named[i]];
        set |= q > 0 && q >= q_of(&qualities, original) ? 1u << named[i] : 0;
    }
    return set;
}

const char *di_accept_usual(int i)
{
    static const char *const usual[DI_ACCEPT_USUAL] = {
        "*/*",
        "image/webp,image/*,*/*;q=0.8",
        "image/avif,image/webp,image/*,*/*;q=0.8",
        "image/avif,image/webp,image/jxl,image/*;q=0.8,*/*;q=0.5",
    };

    return usual[i];
}
