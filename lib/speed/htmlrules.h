/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scanner's second half, for htmlscan.c alone: where in the stream of tags
 * and texts are the places, and what does a tag change for what follows?
 * The tokenizer calls; the struct of htmlscan.h is shared.
 */
#ifndef SP_HTMLRULES_H
#define SP_HTMLRULES_H

#include "speed/htmlscan.h"

/* How the tokenizer must read what follows a tag; member text. */
typedef enum {
    SP_HTMLRULES_MARKUP,
    SP_HTMLRULES_RAW,   /* text up to the end tag of raw_name */
    SP_HTMLRULES_SCRIPT /* the same, with a script's comments */
} sp_htmlrules_text_e;

static inline int sp_htmlrules_is_space(unsigned char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

static inline char sp_htmlrules_lower(unsigned char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

/* Nothing more will be placed.  @return SP_HTMLSCAN_DONE */
sp_htmlscan_event_e sp_htmlrules_stop(sp_htmlscan_t *s, sp_htmlscan_why_e why);

/* The functions below return MORE, a place, or DONE. */

/* Text where only head elements were so far. */
sp_htmlscan_event_e sp_htmlrules_text(sp_htmlscan_t *s);

/* A tag's name is complete (or too long to matter): is its "<" a place?
   Only tags in ordinary text come here, no end tags of raw text. */
sp_htmlscan_event_e sp_htmlrules_tag_named(sp_htmlscan_t *s);

/* An attribute's name and value are complete. */
sp_htmlscan_event_e sp_htmlrules_attr(sp_htmlscan_t *s);

/* One byte of the value of an attribute "content". */
void sp_htmlrules_content(sp_htmlscan_t *s, unsigned char c);

/* The ">" of a tag; sets text. */
sp_htmlscan_event_e sp_htmlrules_tag_done(sp_htmlscan_t *s);

/**
 * One byte inside noscript, ahead of the tokenizer.
 * @param in_tag_name  the tokenizer is in the name of a tag of markup
 */
sp_htmlscan_event_e sp_htmlrules_noscript(sp_htmlscan_t *s, unsigned char c,
                                          int in_tag_name);

#endif
