/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scanner's shortcut: text and whole tags that change nothing are passed
 * over at once, without the tokenizer's step for each byte.  Pure.
 */
#ifndef SP_HTMLSKIP_H
#define SP_HTMLSKIP_H

#include <apr.h>

/**
 * How many bytes of ordinary text (the tokenizer's data state, outside svg,
 * math and noscript, behind the start script) may be passed over?
 * @return bytes up to the "<" of a tag that matters, of a tag that does not
 *         end in these bytes, or of markup that is no tag; len when there is
 *         none
 */
apr_size_t sp_htmlskip(const char *data, apr_size_t len);

#endif
