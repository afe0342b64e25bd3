/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files of every format: the seeds of the fuzz targets serve the unit
 * tests too.  And bytes built up in a test.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

#include <apr_strings.h>

typedef struct {
    unsigned char *bytes;
    apr_size_t len;
} fixture_t;

/* A file of tests/fuzz/corpus. */
static inline fixture_t fixture_read(const char *name, apr_pool_t *p)
{
    const char *top = getenv("DI_TOP");
    const char *path =
        apr_pstrcat(p, top ? top : ".", "/tests/fuzz/corpus/", name, NULL);
    fixture_t f = {apr_palloc(p, 65536), 0};
    FILE *file = fopen(path, "rb");

    if (!file) {
        fail_msg("cannot read %s", path);
    }
    f.len = fread(f.bytes, 1, 65536, file);
    fclose(file);
    return f;
}

/* Room for bytes that fixture_add appends. */
static inline fixture_t fixture_room(apr_size_t len, apr_pool_t *p)
{
    fixture_t f = {apr_palloc(p, len), 0};

    return f;
}

static inline void fixture_add(fixture_t *f, const void *bytes, apr_size_t len)
{
    memcpy(f->bytes + f->len, bytes, len);
    f->len += len;
}

static inline void fixture_add_zeros(fixture_t *f, apr_size_t len)
{
    memset(f->bytes + f->len, 0, len);
    f->len += len;
}

/* Where the nth occurrence of a box's or chunk's name begins, from 1. */
static inline unsigned char *fixture_find(const fixture_t *f, const char *name,
                                          int n)
{
    apr_size_t i;

    for (i = 0; i + 4 <= f->len; i++) {
        if (!memcmp(f->bytes + i, name, 4) && !--n) {
            return f->bytes + i;
        }
    }
    fail_msg("no %s", name);
    return NULL;
}

static inline void fixture_put32(unsigned char *at, apr_uint32_t value)
{
    at[0] = (unsigned char)(value >> 24);
    at[1] = (unsigned char)(value >> 16);
    at[2] = (unsigned char)(value >> 8);
    at[3] = (unsigned char)value;
}

#endif
