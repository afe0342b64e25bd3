/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boxes of ISO base media files (ISO/IEC 14496-12 4.2):
 *
 *     size (4, big-endian) | type (4) | [size (8) when the first is 1] | body
 *
 * A size of 0 reaches to the end of what the box lies in.
 */
#ifndef DI_BOX_H
#define DI_BOX_H

#include "render/cursor.h"

#define DI_BOX_TYPE(a, b, c, d)                                                \
    ((apr_uint32_t)(a) << 24 | (apr_uint32_t)(b) << 16 |                       \
     (apr_uint32_t)(c) << 8 | (apr_uint32_t)(d))

typedef struct {
    apr_uint32_t type;
    di_cursor_t body;
} di_box_t;

typedef enum { DI_BOX_READ, DI_BOX_NONE, DI_BOX_DAMAGED } di_box_e;

/* The next box of those that fill c to its end; c steps over it. */
static inline di_box_e di_box_next(di_box_t *box, di_cursor_t *c)
{
    apr_size_t from = c->at;
    const unsigned char *b;
    apr_uint64_t size;

    if (!di_cursor_left(c)) {
        return DI_BOX_NONE;
    }
    if (!(b = di_cursor_take(c, 8))) {
        return DI_BOX_DAMAGED;
    }
    box->type = di_be32(b + 4);
    size = di_be32(b);
    if (size == 1) {
        if (!(b = di_cursor_take(c, 8))) {
            return DI_BOX_DAMAGED;
        }
        size = di_be64(b);
    }
    else if (size == 0) {
        size = c->len - from;
    }
    box->body = *c;
    if (size < c->at - from || size > c->len - from) {
        return DI_BOX_DAMAGED;
    }
    c->at = from + (apr_size_t)size;
    box->body.len = c->at;
    return DI_BOX_READ;
}

/* The first box of a type; damaged boxes in front of it end the search. */
static inline int di_box_find(di_box_t *box, di_cursor_t in, apr_uint32_t type)
{
    while (di_box_next(box, &in) == DI_BOX_READ) {
        if (box->type == type) {
            return 1;
        }
    }
    return 0;
}

#endif
