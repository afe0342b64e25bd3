/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes into a page: a start script, an end script and, for short pages,
 * a filler comment; or one tag of an external script.  All are constant for a
 * configuration (and a nonce), so cached pages stay valid and carry nothing of
 * one visitor.
 *
 * Pure ASCII without "<" or "&" inside, so the page stays well-formed XML
 * where it was, in every charset that extends ASCII.
 */
#ifndef SP_SNIPPET_H
#define SP_SNIPPET_H

#include <apr_pools.h>

/* Of all the texts here.  One more with every change of them: pages with older
   ones are then sent anew. */
#define SP_SNIPPET_VERSION 1

/* Longest filler, bytes. */
#define SP_FILLER_MAX 65536

/* Longest beacon path and nonce, characters. */
#define SP_BEACON_PATH_MAX 128
#define SP_NONCE_MAX 128

/* Most filler that is put in to be measured, bytes: what a server may send at
   once (10 segments of 1448 bytes, RFC 6928). */
#define SP_PADDING_MAX 14336

/* What follows the beacon's path in that of the external script and of the
   probe. */
#define SP_SCRIPT_SUFFIX ".js"
#define SP_PROBE_SUFFIX "/probe"

/* Kinds of scripts. */
typedef enum {
    SP_SNIPPET_INLINE,   /* start in the head, end at the page's end */
    SP_SNIPPET_FILLED,   /* start, filler, end, all at the page's end */
    SP_SNIPPET_EXTERNAL, /* one tag at the page's end */
    SP_SNIPPET_PROBE     /* the same, which asks for the probe as well */
} sp_snippet_e;

typedef struct {
    const char *text;
    apr_size_t len; /* bytes; 0: nothing */
} sp_text_t;

typedef struct {
    sp_text_t start; /* the start script, with its tags */
    sp_text_t end;   /* the end script, with its tags */
} sp_snippet_t;

/**
 * Make the scripts of a page.
 * @param beacon  path of the beacon; as sp_snippet_is_path
 * @param nonce   the page's script nonce, as sp_snippet_is_nonce; or NULL
 */
void sp_snippet_make(sp_snippet_t *out, sp_snippet_e kind, const char *beacon,
                     const char *nonce, apr_pool_t *p);

/* The external script: the same for all pages of a site, and all methods. */
sp_text_t sp_snippet_file(const char *beacon, apr_pool_t *p);

/**
 * Make a comment of noise that compression keeps to at least 75 % of its
 * size.  The same length gives the same bytes, always.
 * @param len  bytes wanted; fewer than the shortest comment gives that one,
 *             more than SP_FILLER_MAX gives that many
 * @return the comment, *made bytes long
 */
const char *sp_snippet_filler(apr_size_t *made, apr_size_t len, apr_pool_t *p);

/* 1 when text is an absolute path of plain characters (a-z A-Z 0-9 / . _ ~ -)
   without "//", "/." or "/" at its end. */
int sp_snippet_is_path(const char *text);

/* 1 when text[0..len) may be a nonce: base64 or base64url, not empty. */
int sp_snippet_is_nonce(const char *text, apr_size_t len);

#endif
