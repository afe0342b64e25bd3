/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place in bytes that are not trusted.  Every step first asks whether the
 * bytes are there; lengths from a file are compared, never added.
 */
#ifndef DI_CURSOR_H
#define DI_CURSOR_H

#include <string.h>

#include <apr.h>

typedef struct {
    const unsigned char *bytes; /* of the whole input */
    apr_size_t len;             /* where reading ends, from bytes on */
    apr_size_t at;              /* never above len */
} di_cursor_t;

/* Bytes in front of the end. */
static inline apr_size_t di_cursor_left(const di_cursor_t *c)
{
    return c->len - c->at;
}

static inline int di_cursor_has(const di_cursor_t *c, apr_uint64_t count)
{
    return di_cursor_left(c) >= count;
}

/* Step over count bytes; 0 when the input ends before. */
static inline int di_cursor_skip(di_cursor_t *c, apr_uint64_t count)
{
    if (!di_cursor_has(c, count)) {
        return 0;
    }
    c->at += (apr_size_t)count;
    return 1;
}

/* The next count bytes, stepped over; NULL when the input ends before. */
static inline const unsigned char *di_cursor_take(di_cursor_t *c,
                                                  apr_uint64_t count)
{
    const unsigned char *here = c->bytes + c->at;

    return di_cursor_skip(c, count) ? here : NULL;
}

static inline int di_cursor_begins(const di_cursor_t *c, const char *text,
                                   apr_size_t count)
{
    return di_cursor_has(c, count) && !memcmp(c->bytes + c->at, text, count);
}

static inline apr_uint32_t di_be16(const unsigned char *b)
{
    return (apr_uint32_t)b[0] << 8 | b[1];
}

static inline apr_uint32_t di_be32(const unsigned char *b)
{
    return di_be16(b) << 16 | di_be16(b + 2);
}

static inline apr_uint64_t di_be64(const unsigned char *b)
{
    return (apr_uint64_t)di_be32(b) << 32 | di_be32(b + 4);
}

static inline apr_uint32_t di_le16(const unsigned char *b)
{
    return (apr_uint32_t)b[1] << 8 | b[0];
}

static inline apr_uint32_t di_le24(const unsigned char *b)
{
    return (apr_uint32_t)b[2] << 16 | di_le16(b);
}

static inline apr_uint32_t di_le32(const unsigned char *b)
{
    return di_le16(b + 2) << 16 | di_le16(b);
}

#endif
